//! PgBouncer: publishing goes through it in every mode; Posthorn itself is refused where its sessions would not be its own.

use std::collections::BTreeSet;

use posthorn::store::StoreError;
use posthorn::store::migrate::{self, MigrateError};
use secrecy::{ExposeSecret, SecretString};
use tokio::task::JoinSet;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use crate::harness::bouncer::{Bouncer, POOL};
use crate::harness::{Answer, Binary, Receiver, SOON, Serving, World, api, server};

/// What the refusal says to do.
const ADVICE: &str = "past the pooler, or through one in session mode";

const KEYRING: &str = "main:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

async fn connect(url: &SecretString) -> Client {
    let (client, connection) = tokio_postgres::connect(url.expose_secret(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// A login that may do what `roles` may, and nothing else.
async fn login(world: &World, roles: &str) -> SecretString {
    let name = format!("pooled_of_{}", world.database());
    let make = format!("CREATE ROLE {name} LOGIN PASSWORD 'word' IN ROLE {roles}");
    server().admin(&make).await.unwrap();
    format!("postgres://{name}:word@127.0.0.1:{}/{}", server().port(), world.database()).into()
}

/// Whether both clients were given one session: else the pooler is none, and the test would prove nothing.
async fn share_a_session(url: &SecretString) -> bool {
    let (one, two) = (connect(url).await, connect(url).await);
    let mut sessions = BTreeSet::new();
    for client in [&one, &two] {
        let rows = client.simple_query("SELECT pg_backend_pid()").await.unwrap();
        let row = rows.iter().find_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        sessions.insert(row.unwrap().get(0).unwrap().to_owned());
    }
    sessions.len() == 1
}

/// One client of a program: some transactions that commit, some that are rolled back. Answers with the events that must arrive.
async fn business(url: SecretString, tenant: Uuid, client: usize) -> Vec<String> {
    let connection = connect(&url).await;
    let mut committed = Vec::new();
    for n in 0..6 {
        let id = format!("{client}-{n}");
        connection.batch_execute("BEGIN").await.unwrap();
        if n == 4 {
            // it must not stay behind for whoever gets the session next
            connection.batch_execute("SET LOCAL posthorn.mute = on").await.unwrap();
        }
        // one round trip and no name: nothing of it is left on the session
        let publish =
            "SELECT posthorn.publish($1, 'invoice.paid', jsonb_build_object('id', $2), resource_type => 'invoice',
            resource_id => $2)";
        connection.query_typed(publish, &[(&tenant, Type::UUID), (&id, Type::TEXT)]).await.unwrap();
        let is_undone = n % 3 == 1;
        connection.batch_execute(if is_undone { "ROLLBACK" } else { "COMMIT" }).await.unwrap();
        if !is_undone && n != 4 {
            committed.push(id);
        }
    }
    committed
}

#[tokio::test]
async fn programs_publish_through_a_pooler_in_transaction_mode() {
    let (serving, receiver) = (Serving::start().await, Receiver::start(|_, _| Answer::status(204)));
    let (tenant, api) = serving.tenant("billing").await;
    api.subscribe(&receiver.url("/hook"), "invoice.*").await;
    let direct = login(&serving.world, "posthorn_publisher").await;
    let Some(bouncer) = Bouncer::start("transaction", POOL, &[&direct]).await else { return };
    let pooled = bouncer.url(&direct);
    assert!(share_a_session(&pooled).await);

    // more clients than sessions, all at once
    let mut clients: JoinSet<Vec<String>> =
        (0..4 * POOL).map(|client| business(pooled.clone(), tenant, client)).collect();
    let mut committed = BTreeSet::new();
    while let Some(ids) = clients.join_next().await {
        committed.extend(ids.unwrap());
    }

    let received = receiver.wait_for(committed.len(), SOON).await;
    let arrived: BTreeSet<String> = received
        .iter()
        .map(|one| {
            serde_json::from_slice::<serde_json::Value>(&one.body).unwrap()["data"]["id"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(arrived, committed);
    assert_eq!(received.len(), committed.len(), "something was sent twice");
}

#[tokio::test]
async fn single_statements_publish_through_a_pooler_in_statement_mode() {
    let world = World::new().await;
    let tenant = world.tenant("billing").await;
    world.subscribe(tenant, "https://receiver.example/", &["*"]).await;
    let direct = login(&world, "posthorn_publisher").await;
    let Some(bouncer) = Bouncer::start("statement", POOL, &[&direct]).await else { return };
    let client = connect(&bouncer.url(&direct)).await;
    let publish = "SELECT posthorn.publish($1, 'invoice.paid', '{}')";
    client.query_typed(publish, &[(&tenant, Type::UUID)]).await.unwrap();
    assert_eq!(world.deliveries(tenant).await.len(), 1);
}

#[tokio::test]
async fn posthorn_is_refused_where_sessions_are_shared_before_it_changes_any() {
    for mode in ["transaction", "statement"] {
        // one session, several, and some that wait already
        for pool in [1, 5] {
            let world = World::empty().await;
            let Some(bouncer) = Bouncer::start(mode, pool, &[&world.url()]).await else { return };
            let pooled = bouncer.url(&world.url());
            let waiting = hold_sessions(&pooled, pool).await;
            for refused in [migrate::migrate(&pooled).await.unwrap_err(), migrate::check(&pooled).await.unwrap_err()] {
                let is_refusal = matches!(refused, MigrateError::Store(StoreError::SharedSessions));
                assert!(is_refusal, "{mode} {pool}: {refused:?}");
            }
            for client in &waiting {
                let sql = "SELECT current_user || ' ' || current_setting('search_path') AS session";
                let row = client.query_typed(sql, &[]).await.unwrap();
                assert_eq!(row[0].get::<_, String>(0), r#"postgres "$user", public"#, "{mode}");
            }
            let schemas = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'posthorn%'";
            assert_eq!(world.count(schemas).await, 0, "{mode} {pool}");
        }
    }
}

/// Makes a pooler open so many sessions, which wait for use then.
async fn hold_sessions(url: &SecretString, count: usize) -> Vec<Client> {
    let mut clients = Vec::new();
    for _ in 0..count {
        clients.push(connect(url).await);
    }
    let sleep = async |client: &Client| client.batch_execute("SELECT pg_sleep(0.2)").await.unwrap();
    futures_util::future::join_all(clients.iter().map(sleep)).await;
    clients
}

#[tokio::test]
async fn every_command_says_what_to_do_about_a_pooler_in_transaction_mode() {
    let world = World::new().await;
    let Some(bouncer) = Bouncer::start("transaction", POOL, &[&world.url()]).await else { return };
    let (direct, pooled) = (world.url(), bouncer.url(&world.url()));
    let env =
        [("DATABASE_URL", pooled.expose_secret()), ("POSTHORN_KEYRING", KEYRING), ("POSTHORN_BIND", "127.0.0.1:0")];
    let commands: [&[&str]; 6] = [
        &["serve"],
        &["serve", "--role", "api", "--no-migrate"],
        &["serve", "--role", "dispatcher"],
        &["serve", "--database-url", direct.expose_secret(), "--database-url", pooled.expose_secret()],
        &["migrate"],
        &["keys", "list"],
    ];
    for arguments in commands {
        let (status, lines) = Binary::start(arguments, &env).run_to_end().await;
        let told = lines.join("\n");
        assert!(!status.success() && told.contains(ADVICE), "{arguments:?}: {told}");
    }
}

#[tokio::test]
async fn posthorn_serves_through_a_pooler_in_session_mode() {
    let world = World::new().await;
    let direct = login(&world, "posthorn_api, posthorn_dispatcher").await;
    let Some(bouncer) = Bouncer::start("session", 50, &[&direct]).await else { return };
    let pooled = bouncer.url(&direct);
    let receiver = Receiver::start(|_, _| Answer::status(204));
    // it looks so seldom that what arrives was announced
    let program = api::start(pooled.expose_secret(), &[("POSTHORN_POLL_SECONDS", "60")]);
    program.wait_for_line("posthorn is ready on", SOON).await;
    let tenant = world.tenant("billing").await;
    world.subscribe(tenant, &receiver.url("/hook"), &["*"]).await;
    for n in 1..=3 {
        world.publish(tenant, "invoice.paid", serde_json::json!({"n": n})).await;
        receiver.wait_for(n, SOON).await;
    }
}
