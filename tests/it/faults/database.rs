//! Faults of the database and of the way to it.

mod cables;
mod connections;
mod copies;
mod durability;
mod failover;
mod locks;
mod notifying;
mod room;
mod schema_changes;
mod statements;

use uuid::Uuid;

use crate::harness::{Answer, Receiver, World, server};

/// A tenant with one subscription to everything, and its receiver, which accepts everything.
async fn scene() -> (World, Uuid, Receiver) {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(200));
    world.subscribe(tenant, &receiver.url("/hook"), &["*"]).await;
    (world, tenant, receiver)
}

/// Adds a login that may serve and is no superuser; `attributes` such as CONNECTION LIMIT 3. Answers with its URL.
async fn login(world: &World, attributes: &str) -> String {
    let name = login_name(world);
    let sql = format!(
        "CREATE ROLE {name} LOGIN PASSWORD 'word' {attributes}; GRANT posthorn_api, posthorn_dispatcher, posthorn_admin TO {name}"
    );
    server().admin(&sql).await.unwrap();
    format!("postgres://{name}:word@127.0.0.1:{}/{}", server().port(), world.database())
}

/// The name of the login of [`login`].
fn login_name(world: &World) -> String {
    format!("faults_{}", world.database())
}

/// Ends every connection to the world's database but the world's own.
async fn end_sessions(world: &World) {
    let sql = "SELECT count(pg_terminate_backend(pid, 20000)) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    world.db.query(sql, &[]).await.unwrap();
}

/// Whether a dispatcher sleeps and producers notify: it holds the gate's lock.
const ASLEEP: &str = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = 1886352488 AND objid = 1
    AND mode = 'ExclusiveLock' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))";
