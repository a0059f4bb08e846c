//! What a server writes down of our statements, who it is that hears them, and numbers that could run out.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use posthorn::cli::dev::cluster::{Cluster, ClusterError, ClusterOptions};
use posthorn::store::migrate::{self, MigrateError};
use secrecy::ExposeSecret;
use serde_json::json;
use uuid::Uuid;

use super::failover::{folder, options, own_as};
use crate::harness::api::id_of;
use crate::harness::{Answer, Receiver, SOON, Serving, World, eventually};

/// A secret that a caller gives, and what must not be found of it.
const SECRET: &str = "whsec_Q0FOQVJZLXN0YXRlbWVudC1sb2ctQ0FOQVJZLTAwMQ==";

#[tokio::test]
async fn a_server_that_logs_every_statement_with_its_parameters_writes_down_no_secret() {
    let world = World::new().await;
    let log_all = format!(
        "ALTER DATABASE {0} SET log_statement = 'all'; ALTER DATABASE {0} SET log_min_duration_statement = 0;
         ALTER DATABASE {0} SET log_parameter_max_length_on_error = -1",
        world.database()
    );
    world.db.batch_execute(&log_all).await.unwrap();
    let data: String = world.db.query_one("SHOW data_directory", &[]).await.unwrap().get(0);
    let log = Path::new(&data).with_extension("log");
    let url = world.url();
    let serving = Serving::against(world, url.expose_secret(), &[]).await;
    let key = serving.key(Uuid::now_v7(), "canary").await;
    let key = key.expose().expose_secret().to_owned();
    let api = serving.nobody().bearer(&key);
    let receiver = Receiver::start(|_, _| Answer::status(200));
    let body = json!({"url": receiver.url("/hook"), "event": "a.b", "secret": SECRET,
                      "headers": {"x-api-key": "CANARY-of-a-header"}});
    let made = id_of(&api.post("/subscriptions", &body).await.ok(201));
    let rotated = api.post(&format!("/subscriptions/{made}/rotate-secret"), &json!({})).await;
    let generated = api.subscribe(&receiver.url("/other"), "a.c").await["secret"].as_str().unwrap().to_owned();
    api.publish("a.b", json!({"n": 1})).await;
    receiver.wait_for(1, SOON).await;
    // nobody's id is a number: refused by the server, with its parameters
    let _ = serving.world.db.query("SELECT 1 / $1::int AS marker_of_the_end", &[&0]).await.unwrap_err();
    let text = || std::fs::read_to_string(&log).unwrap();
    eventually("it is all in the log", SOON, async || text().contains("marker_of_the_end")).await;
    let text = text();
    // since 16 the word is a sentence of its own
    let has_parameters = text.contains("parameters: $1") || text.contains("Parameters: $1");
    assert!(text.contains("subscriptions/add") && has_parameters, "the log holds no statements");
    let part_of = |secret: &str| secret.trim_start_matches("whsec_").trim_end_matches('=').to_owned();
    let mut hidden = vec![part_of(SECRET), part_of(&generated), "CANARY-of-a-header".to_owned()];
    hidden.push(key.rsplit('_').next().unwrap().to_owned());
    hidden.extend(rotated.text.split('"').filter(|word| word.starts_with("whsec_")).map(part_of));
    for hidden in hidden {
        for form in [hidden.clone(), hex::encode(&hidden)] {
            let found = text.lines().find(|line| line.contains(&form));
            assert!(found.is_none(), "{}", found.unwrap_or_default());
        }
    }
}

#[tokio::test]
async fn a_server_that_cannot_prove_who_it_is_is_told_nothing() {
    let folder = folder();
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let (certificate, key) = (folder.path().join("server.crt"), folder.path().join("server.key"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let mut cluster = Cluster::start(options(&folder, "pg")).await.unwrap();
    own_as(&key, cluster.data_dir());
    cluster.stop().await.unwrap();
    let setting = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let settings = vec![
        setting("ssl", "on"),
        setting("ssl_cert_file", certificate.to_str().unwrap()),
        setting("ssl_key_file", key.to_str().unwrap()),
        setting("log_connections", "on"),
    ];
    let cluster = match Cluster::start(ClusterOptions { settings, ..options(&folder, "pg") }).await {
        Err(ClusterError::Died { tail, .. }) if tail.contains("SSL is not supported by this build") => {
            eprintln!("a test did not run: this PostgreSQL was built without SSL");
            return;
        }
        started => started.unwrap(),
    };
    let log = std::fs::read_to_string(cluster.log_file()).unwrap().len();

    let unproven = format!("{}?sslmode=verify-full", cluster.url("postgres"));
    let refused = migrate::check(&unproven.clone().into()).await.unwrap_err();
    let told = std::iter::successors(Some(&refused as &dyn std::error::Error), |e| e.source()).map(ToString::to_string);
    let told = told.collect::<Vec<_>>().join(": ");
    assert!(told.contains("certificate"), "{told}");
    let said = std::fs::read_to_string(cluster.log_file()).unwrap().split_off(log);
    assert!(!said.contains("connection authenticated") && !said.contains("user=postgres"), "{said}");

    let proven = format!("{unproven}&sslrootcert={}", certificate.display());
    let empty = migrate::check(&proven.into()).await.unwrap_err();
    assert!(matches!(empty, MigrateError::Older { found: 0, .. }), "{empty:?}");
}

#[tokio::test]
async fn what_counts_without_end_is_wide_enough() {
    let world = World::new().await;
    let narrow = "SELECT count(*) FROM pg_sequence WHERE seqtypid <> 'bigint'::regtype OR seqmax < 9223372036854775807 OR seqcycle";
    assert_eq!(world.count(narrow).await, 0);
    // bounded by a CHECK, by how long one delivery, attempt, minute or circuit can last, or by another program
    let bounded = [
        "dispatchers.concurrency",
        "dispatchers.pid",
        "schema_history.version",
        "tenants.max_in_flight",
        "event_fanouts.failures",
        "jobs.failures",
        "circuits.failures_in_a_row",
        "circuits.ramp",
        "circuits.times_opened",
        "circuits.window_failures",
        "circuits.window_successes",
        "delivery_statistics.delay_max_ms",
        "delivery_statistics.duration_max_ms",
        "delivery_tallies.abandoned",
        "delivery_tallies.delivered",
        "delivery_tallies.failed",
        "delivery_tallies.retried",
        "webhook_attempts.duration_ms",
        "webhook_attempts.epoch",
        "webhook_attempts.generation",
        "webhook_attempts.number",
        "webhook_attempts.status_code",
        "webhook_deliveries.attempts",
        "webhook_deliveries.epoch",
        "webhook_deliveries.generation",
        "webhook_deliveries.last_status_code",
        "webhook_subscriptions.batch_max",
        "webhook_subscriptions.batch_wait_ms",
        "webhook_subscriptions.circuit_failures",
        "webhook_subscriptions.circuit_seconds",
        "webhook_subscriptions.max_in_flight",
        "webhook_subscriptions.max_retries",
        "webhook_subscriptions.rate_burst",
        "webhook_subscriptions.suspend_after_seconds",
        "webhook_subscriptions.timeout_seconds",
    ];
    let sql = "SELECT c.relname || '.' || a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
               WHERE c.relnamespace = 'posthorn'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum > 0
                 AND a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'oid'::regtype, 'xid'::regtype)";
    let rows = world.db.query(sql, &[]).await.unwrap();
    let new: Vec<String> =
        rows.iter().map(|row| row.get(0)).filter(|name: &String| !bounded.contains(&name.as_str())).collect();
    assert!(new.is_empty(), "{new:?}: bigint, unless something bounds them; then say so here");
    // no id is a number that runs out
    let ids = "SELECT count(*) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
               WHERE c.relnamespace = 'posthorn'::regnamespace AND c.relkind IN ('r', 'p') AND a.attname ~ '(^|_)id$'
                 AND a.atttypid NOT IN ('uuid'::regtype, 'text'::regtype, 'bigint'::regtype)";
    assert_eq!(world.count(ids).await, 0);
}
