//! Migrations: any number of processes at once, as a login without superuser rights, never backwards.

use futures_util::future::join_all;
use posthorn::store::migrate::{self, MigrateError, Migrated};
use posthorn::store::{StoreRole, days, dispatchers};
use secrecy::SecretString;
use serde_json::json;

use crate::harness::{Binary, SOON, World, server};

#[tokio::test]
async fn eight_processes_on_an_empty_database_migrate_it_once() {
    let world = World::empty().await;
    let urls: Vec<SecretString> = (0..8).map(|_| world.url()).collect();
    let results: Vec<Migrated> =
        join_all(urls.iter().map(migrate::migrate)).await.into_iter().map(Result::unwrap).collect();
    let known = migrate::known_version();
    assert!(known >= 11);
    assert!(results.iter().all(|done| done.version == known));
    let mut applied: Vec<usize> = results.iter().map(|done| done.applied).collect();
    applied.sort_unstable();
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations")).unwrap();
    let migrations = files.filter(|file| file.as_ref().unwrap().file_name().to_str().unwrap().starts_with('V')).count();
    assert_eq!(applied, [0, 0, 0, 0, 0, 0, 0, migrations]);
}

#[tokio::test]
async fn databases_that_are_migrated_at_once_do_not_trip_over_their_common_roles() {
    let worlds = [World::empty().await, World::empty().await, World::empty().await];
    let urls: Vec<SecretString> = worlds.iter().map(World::url).collect();
    for done in join_all(urls.iter().map(migrate::migrate)).await {
        assert!(done.unwrap().applied > 0);
    }
}

#[tokio::test]
async fn a_second_run_changes_nothing() {
    let world = World::new().await;
    let tables = "SELECT count(*) FROM pg_class WHERE relnamespace = 'posthorn'::regnamespace";
    let before = world.count(tables).await;
    let done = migrate::migrate(&world.url()).await.unwrap();
    assert_eq!(done, Migrated { applied: 0, version: migrate::known_version() });
    assert_eq!(world.count(tables).await, before);
    migrate::check(&world.url()).await.unwrap();
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let world = World::new().await;
    let insert = "INSERT INTO posthorn.schema_history (version, name, applied_on, checksum)
                  VALUES (9999, 'from_the_future', '2030-01-01T00:00:00Z', '1')";
    world.db.batch_execute(insert).await.unwrap();
    for refused in [migrate::migrate(&world.url()).await.unwrap_err(), migrate::check(&world.url()).await.unwrap_err()]
    {
        assert!(matches!(refused, MigrateError::Newer { found: 9999, .. }), "{refused:?}");
        let text = refused.to_string();
        assert!(text.contains("9999") && text.contains("newer"), "{text}");
    }
}

#[tokio::test]
async fn an_empty_database_is_told_to_migrate() {
    let world = World::empty().await;
    let refused = migrate::check(&world.url()).await.unwrap_err();
    assert!(matches!(refused, MigrateError::Older { found: 0, .. }), "{refused:?}");
    assert!(refused.to_string().contains("posthorn migrate"), "{refused}");
}

#[tokio::test]
async fn a_login_without_superuser_rights_installs_and_runs_everything() {
    let world = World::empty().await;
    let (database, login) = (world.database(), format!("login_{}", world.database()));
    // on PostgreSQL before 16 a CREATEROLE login may grant itself any role that is no superuser; since 16 only those it
    // has ADMIN on, which it has of roles that it made itself and which a superuser gives it here for those of the server
    let grant = "posthorn_owner, posthorn_publisher, posthorn_api, posthorn_dispatcher, posthorn_admin, posthorn_readonly, posthorn_rekey";
    let setup = format!(
        "CREATE ROLE {login} LOGIN CREATEROLE PASSWORD 'word'; GRANT CREATE ON DATABASE {database} TO {login};
         GRANT {grant} TO {login} WITH ADMIN OPTION"
    );
    server().migrated_database().await; // the roles are there from its template
    server().admin(&setup).await.unwrap();
    let url = SecretString::from(format!("postgres://{login}:word@127.0.0.1:{}/{database}", server().port()));
    assert!(migrate::migrate(&url).await.unwrap().applied > 0);

    let store = |role| posthorn::store::Store::new(&url, role, 2, 262_144).unwrap();
    for role in [StoreRole::Dispatcher, StoreRole::Api] {
        days::make_ahead(&store(role), 0).await.unwrap();
    }
    dispatchers::register(&store(StoreRole::Dispatcher), "host", 10).await.unwrap();
    let tenant = world.tenant("a").await;
    world.subscribe(tenant, "https://receiver.example/", &["*"]).await;
    world.publish(tenant, "invoice.paid", json!({})).await;
    assert_eq!(world.deliveries(tenant).await.len(), 1);
    let owners = "SELECT count(*) FROM pg_class WHERE relnamespace = 'posthorn'::regnamespace
                  AND relowner <> 'posthorn_owner'::regrole";
    assert_eq!(world.count(owners).await, 0);
}

#[tokio::test]
async fn a_login_with_the_two_serving_roles_alone_can_serve() {
    let world = World::new().await;
    let login = format!("runner_{}", world.database());
    let setup =
        format!("CREATE ROLE {login} LOGIN PASSWORD 'word'; GRANT posthorn_api, posthorn_dispatcher TO {login}");
    server().admin(&setup).await.unwrap();
    let url = format!("postgres://{login}:word@127.0.0.1:{}/{}", server().port(), world.database());
    let keyring = format!("main:{}", "A".repeat(43) + "=");

    let program =
        Binary::start(&["serve", "--bind", "127.0.0.1:0"], &[("DATABASE_URL", &url), ("POSTHORN_KEYRING", &keyring)]);

    program.wait_for_line("posthorn is ready on", SOON).await;
    assert!(!program.lines().iter().any(|line| line.contains("superuser")), "{:?}", program.lines());
    let refused = migrate::migrate(&SecretString::from(url)).await;
    assert_eq!(refused.unwrap().applied, 0, "an up-to-date schema needs no rights");
}
