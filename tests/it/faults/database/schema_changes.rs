//! The schema changes while others work with it: two versions at once, many that migrate, one that dies in the middle.

use std::fs;

use posthorn::store::migrate;
use secrecy::ExposeSecret;
use serde_json::json;
use tokio_postgres::error::SqlState;

use super::scene;
use crate::harness::{Aftermath, Binary, Serving, World, dispatch_binary};

/// Starts `posthorn migrate` on a world's database.
fn migrating(world: &World) -> Binary {
    Binary::start(&["migrate"], &[("DATABASE_URL", world.url().expose_secret())])
}

#[tokio::test]
async fn a_column_that_changes_its_type_under_load_is_no_error_for_anybody() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    api.post("/event-types", &json!({"name": "a.b", "description": "x"})).await.ok(201);
    for kind in ["varchar(1000)", "text"] {
        // every connection of the pool has the statement prepared
        let warm = (0..10).map(|_| api.get("/event-types/a.b"));
        futures_util::future::join_all(warm).await.iter().for_each(|reply| drop(reply.ok(200)));
        let sql = format!("ALTER TABLE posthorn.event_types ALTER COLUMN description TYPE {kind}");
        serving.world.db.batch_execute(&sql).await.unwrap();
        for _ in 0..20 {
            let page = api.get("/event-types/a.b").await.ok(200);
            assert_eq!(page["description"], "x");
        }
    }
}

#[tokio::test]
async fn a_dispatcher_goes_on_beside_the_schema_of_a_newer_version_which_one_that_starts_refuses() {
    let (world, tenant, receiver) = scene().await;
    let dispatcher = dispatch_binary(world.url().expose_secret(), &[]).await;
    let aftermath = Aftermath::before(&[&dispatcher]);
    world.publish_many(tenant, "invoice.paid", 200).await;
    // what a newer version may do: it adds, one change in each transaction
    let newer = "ALTER TABLE posthorn.webhook_deliveries ADD COLUMN of_the_future int NOT NULL DEFAULT 1;
        ALTER TABLE posthorn.outbox ADD COLUMN of_the_future text;
        ALTER TABLE posthorn.webhook_attempts ADD COLUMN of_the_future text;
        ALTER TABLE posthorn.webhook_subscriptions ADD COLUMN of_the_future text;
        INSERT INTO posthorn.schema_history (version, name, applied_on, checksum)
        VALUES (9999, 'from_the_future', '2030-01-01T00:00:00Z', '1')";
    for change in newer.split(';') {
        // a change locks a table's partitions one after the other, and gives way to a dispatcher that came from the other side
        while let Err(error) = world.db.batch_execute(change).await {
            assert_eq!(error.code(), Some(&SqlState::T_R_DEADLOCK_DETECTED), "{error:?}");
        }
    }
    world.publish_many(tenant, "invoice.paid", 200).await;
    world.until_status("delivered", 400).await;
    assert_eq!(receiver.requests().len(), 400);
    assert!(!dispatcher.lines().iter().any(|line| line.contains("ERROR")), "{:#?}", dispatcher.lines());
    aftermath.holds(&world).await;

    let serve = ["serve", "--role=dispatcher"];
    let settings = [("DATABASE_URL", world.url().expose_secret().to_owned()), ("POSTHORN_KEYRING", "test:".to_owned())];
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let (status, lines) = Binary::start(&serve, &settings).run_to_end().await;
    let said = lines.join("\n");
    assert!(!status.success() && said.contains("9999") && said.contains("run that newer binary"), "{said}");
}

#[tokio::test]
async fn migrations_only_add_and_each_is_whole() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
    let mut wrong = Vec::new();
    for file in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        let Some(version) = name.strip_prefix('V').and_then(|rest| rest.split_once("__")) else { continue };
        let text = fs::read_to_string(&file).unwrap();
        let statements: String =
            text.lines().filter(|line| !line.trim_start().starts_with("--")).collect::<Vec<_>>().join("\n");
        let upper = statements.to_uppercase();
        // a transaction of its own would end the one that refinery wraps around the file and its row of the history
        for word in ["CONCURRENTLY", "COMMIT;", "ROLLBACK;"] {
            if upper.contains(word) {
                wrong.push(format!("{name}: {word}"));
            }
        }
        // the version before runs beside it: what that knows stays as it is. What came before V46 was looked at by hand
        if version.0.parse::<u32>().unwrap() >= 46 {
            for word in ["DROP TABLE", "DROP COLUMN", "RENAME ", "DROP FUNCTION", "DROP VIEW"] {
                if upper.contains(word) {
                    wrong.push(format!("{name}: {word}"));
                }
            }
        }
        if !text.contains("Safe beside") {
            wrong.push(format!("{name}: does not say what it does to an older binary"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn eight_programs_that_migrate_at_once_do_it_once_round_after_round() {
    let known = i64::from(migrate::known_version());
    for _ in 0..2 {
        let world = World::empty().await;
        let programs: Vec<Binary> = (0..8).map(|_| migrating(&world)).collect();
        let mut applied = 0;
        for program in programs {
            let (status, lines) = program.run_to_end().await;
            assert!(status.success(), "{lines:#?}");
            applied += usize::from(!lines.join("\n").contains(": 0 migrations applied"));
        }
        assert_eq!(applied, 1);
        let twice = "SELECT count(*) - count(DISTINCT version) FROM posthorn.schema_history";
        assert_eq!(world.count(twice).await, 0);
        assert_eq!(world.count("SELECT max(version)::bigint FROM posthorn.schema_history").await, known);
    }
}

#[tokio::test]
async fn killed_in_the_middle_of_a_migration_it_leaves_nothing_of_it_and_the_next_run_completes() {
    let world = World::empty().await;
    // stops where the table of circuits has just been made
    let stop_there = "CREATE FUNCTION public.stop_there() RETURNS event_trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() c WHERE c.object_identity = 'posthorn.circuits') THEN
                PERFORM pg_advisory_xact_lock(7);
            END IF;
        END $$;
        CREATE EVENT TRIGGER stop_there ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION public.stop_there();
        SELECT pg_advisory_lock(7)";
    world.db.batch_execute(stop_there).await.unwrap();
    let program = migrating(&world);
    let stopped = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))";
    world.until(stopped).await;
    program.kill().await;
    let version = "SELECT max(version)::bigint FROM posthorn.schema_history";
    let before = world.count(version).await;
    assert!((2..i64::from(migrate::known_version())).contains(&before), "stopped at {before}");
    // another that comes meanwhile waits for the session of the dead one
    let next = migrating(&world);
    let waiting = "SELECT count(*) = 2 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    world.until(waiting).await;
    world.db.batch_execute("DROP EVENT TRIGGER stop_there").await.unwrap();
    let end = "SELECT count(pg_terminate_backend(pid, 20000)) FROM pg_locks WHERE locktype = 'advisory' AND objid = 7 AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    assert_eq!(world.count(end).await, 1);
    let (status, lines) = next.run_to_end().await;
    assert!(status.success() && !lines.join("\n").contains(": 0 migrations applied"), "{lines:#?}");
    let twin = World::new().await;
    let things = "SELECT count(*) FROM pg_class WHERE relnamespace = 'posthorn'::regnamespace AND relkind <> 'i'
                  AND NOT relispartition";
    assert_eq!(world.count(things).await, twin.count(things).await);
    assert_eq!(world.count(version).await, i64::from(migrate::known_version()));
    assert!(before < world.count(version).await);
}
