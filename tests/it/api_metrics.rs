//! What `/metrics` tells beside the four metrics of the requirements, each after what it counts has happened.

use std::time::Duration;

use secrecy::ExposeSecret;
use serde_json::json;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::harness::{Answer, Receiver, SOON, Serving, World, eventually, metric_of};

/// Gauges that cost more are measured so often; then as long as anything may take.
const MEASURED: Duration = Duration::from_secs(40);

/// A series of this server's database; other labels come before or after `database` as the alphabet has it.
async fn of_database(serving: &Serving, name: &str, before: &str, after: &str) -> Option<f64> {
    let database = serving.world.database();
    metric_of(&serving.binary, &format!("{name}{{{before}database=\"{database}\"{after}}}")).await
}

#[tokio::test]
async fn delays_claims_and_batches_are_measured() {
    let serving = Serving::with(&[("WEBHOOK_RETRY_SCHEDULE", "1s,1h")]).await;
    let (tenant, api) = serving.tenant("a").await;
    let receiver = Receiver::start(|path, seen| Answer::status(if path == "/again" && seen == 1 { 503 } else { 204 }));
    let ids = [("/ok", "invoice.created"), ("/again", "payment.failed")];
    let mut subscriptions = Vec::new();
    for (path, event) in ids {
        subscriptions.push(api.subscribe(&receiver.url(path), event).await["id"].as_str().unwrap().to_owned());
        let delivery = api.delivery_of(&api.publish(event, json!({})).await).await;
        api.wait_for_status(&delivery, "delivered").await;
    }
    let told = async |series: &str| metric_of(&serving.binary, series).await;
    let delays = "posthorn_delivery_delay_seconds";
    for attempt in ["first", "later"] {
        let count = format!("{delays}_count{{attempt=\"{attempt}\"}}");
        eventually(&format!("one {attempt}"), SOON, async || told(&count).await == Some(1.0)).await;
    }
    let sum = async |attempt: &str| told(&format!("{delays}_sum{{attempt=\"{attempt}\"}}")).await.unwrap();
    assert!(sum("first").await < 1.0 && (0.8..20.0).contains(&sum("later").await), "the retry waited a second");
    for name in ["posthorn_claim_size_sum", "posthorn_record_size_sum"] {
        assert_eq!(of_database(&serving, name, "", "").await, Some(3.0), "{name}");
    }
    for name in ["posthorn_claim_duration_seconds", "posthorn_record_duration_seconds"] {
        assert!(told(&format!("{name}_sum")).await.unwrap() > 0.0, "{name}");
    }
    for pool in ["api", "dispatcher"] {
        let waits = of_database(&serving, "posthorn_pool_wait_seconds_count", "", &format!(",pool=\"{pool}\"")).await;
        assert!(waits.unwrap() > 0.0, "{pool}");
    }
    for (subscription, status, count) in [
        (&subscriptions[0], "delivered", 1.0),
        (&subscriptions[1], "delivered", 1.0),
        (&subscriptions[1], "retrying", 1.0),
    ] {
        let labels = format!("status=\"{status}\",subscription_id=\"{subscription}\",tenant_id=\"{tenant}\"");
        let found = told(&format!("posthorn_subscription_attempts_total{{{labels}}}")).await;
        assert_eq!(found, Some(count), "{labels}");
    }
    assert!(told("posthorn_subscription_attempt_seconds_total").await.unwrap() > 0.0);
}

#[tokio::test]
async fn a_replay_counts_as_no_delay() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(204));
    api.subscribe(&receiver.url("/in"), "a.b").await;
    let delivery = api.delivery_of(&api.publish("a.b", json!({})).await).await;
    api.wait_for_status(&delivery, "delivered").await;
    api.act(&format!("/deliveries/{delivery}/retry")).await;
    receiver.wait_for(2, SOON).await;
    let sent = async || metric_of(&serving.binary, "posthorn_claim_size_sum").await;
    eventually("both were recorded", SOON, async || {
        sent().await == Some(2.0) && metric_of(&serving.binary, "posthorn_record_size_sum").await == Some(2.0)
    })
    .await;
    assert_eq!(metric_of(&serving.binary, "posthorn_delivery_delay_seconds_count").await, Some(1.0));
}

#[tokio::test]
async fn an_idle_dispatcher_listens_behind_the_closed_gate() {
    let serving = Serving::start().await;
    for name in ["posthorn_listening", "posthorn_sentinel", "posthorn_notify_gate_closed"] {
        eventually(name, SOON, async || of_database(&serving, name, "", "").await == Some(1.0)).await;
    }
}

#[tokio::test]
async fn states_queues_tables_and_what_holds_them_are_told() {
    let world = World::new().await;
    let (one, other) = (world.tenant("a").await, world.tenant("b").await);
    let mut waiting = Vec::new();
    for (tenant, count) in [(one, 3), (other, 1)] {
        let id = world.subscribe(tenant, "http://127.0.0.1:9/", &["a.b"]).await;
        for _ in 0..count {
            world.publish(tenant, "a.b", json!({})).await;
        }
        waiting.push((tenant, id, f64::from(count)));
    }
    let (open, suspended) = (waiting[0].1, world.subscribe(one, "http://127.0.0.1:9/b", &["never.sent"]).await);
    world.change(suspended, "status = 'suspended', status_reason = 'a test'").await;
    // nothing is due, so that what waits stays as it is
    let set = format!(
        "UPDATE posthorn.webhook_deliveries SET due_at = now() + interval '1 hour' WHERE tenant_id = '{one}';
         UPDATE posthorn.webhook_subscriptions SET max_in_flight = 1 WHERE id = '{open}';
         INSERT INTO posthorn.circuits (subscription_id, tenant_id, state, reason, retry_at, times_opened)
         VALUES ('{open}', '{one}', 'open', 'a test', now() + interval '1 hour', 1)"
    );
    world.db.batch_execute(&set).await.unwrap();
    let gid = format!("metrics of {}", world.database());
    let held =
        format!("BEGIN; UPDATE posthorn.tenants SET name = 'held' WHERE id = '{one}'; PREPARE TRANSACTION '{gid}'");
    world.db.batch_execute(&held).await.unwrap();
    let url = world.url();
    let settings = [("POSTHORN_METRICS_QUEUES", "true"), ("WEBHOOK_RETRY_SCHEDULE", "1h")];
    let serving = Serving::against(world, url.expose_secret(), &settings).await;
    let told = async |name: &str, after: &str| of_database(&serving, name, "", after).await;

    for (name, after, count) in [
        ("posthorn_subscriptions", ",status=\"active\"", 2.0),
        ("posthorn_subscriptions", ",status=\"suspended\"", 1.0),
        ("posthorn_subscriptions", ",status=\"inactive\"", 0.0),
        ("posthorn_circuits", ",state=\"open\"", 1.0),
        ("posthorn_circuits", ",state=\"half_open\"", 0.0),
        ("posthorn_jobs", ",state=\"running\"", 0.0),
        ("posthorn_jobs", ",state=\"waiting\"", 0.0),
    ] {
        assert_eq!(told(name, after).await, Some(count), "{name} {after}");
    }
    for (tenant, subscription, count) in &waiting {
        let tenant_labels = format!(",tenant_id=\"{tenant}\"");
        let both = format!(",subscription_id=\"{subscription}\",tenant_id=\"{tenant}\"");
        assert_eq!(told("posthorn_tenant_queue_depth", &tenant_labels).await, Some(*count));
        assert_eq!(told("posthorn_subscription_queue_depth", &both).await, Some(*count));
        assert!(told("posthorn_subscription_oldest_waiting_seconds", &both).await.is_some());
    }
    let bytes = told("posthorn_table_bytes", ",table=\"webhook_deliveries_live\"").await;
    assert!(bytes.unwrap() > 8192.0);
    assert!(told("posthorn_dead_rows", ",table=\"outbox\"").await.is_some(), "days are added up");
    assert!(told("posthorn_hidden_sessions", "").await.is_some());
    assert!(told("posthorn_notify_queue_usage", "").await.is_some());
    assert!(told("posthorn_oldest_snapshot_xids", "").await.unwrap() > 0.0);
    assert!(told("posthorn_oldest_snapshot_seconds", "").await.unwrap() > 0.0);
    let rollback = format!("ROLLBACK PREPARED '{gid}'");
    serving.world.db.batch_execute(&rollback).await.unwrap();
    eventually("nothing old holds the queue any more", MEASURED, async || {
        told("posthorn_oldest_snapshot_seconds", "").await.unwrap() < 10.0
    })
    .await;
}

#[tokio::test]
async fn settings_say_whose_series_there_are() {
    let settings = [("POSTHORN_METRICS_TENANTS", "off"), ("POSTHORN_METRICS_SUBSCRIPTIONS", "off")];
    let serving = Serving::with(&settings).await;
    let (_, api) = serving.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(204));
    api.subscribe(&receiver.url("/in"), "a.b").await;
    api.publish("a.b", json!({})).await;
    let counted = "webhook_deliveries_total{event=\"a.b\",status=\"delivered\",tenant_id=\"all\"}";
    eventually("counted", SOON, async || metric_of(&serving.binary, counted).await == Some(1.0)).await;
    for name in
        ["posthorn_subscription_attempts_total", "posthorn_tenant_queue_depth", "posthorn_subscription_queue_depth"]
    {
        assert_eq!(metric_of(&serving.binary, name).await, None, "{name}");
    }
}

#[tokio::test]
async fn upkeep_and_jobs_are_told() {
    let world = World::new().await;
    world.db.execute("SELECT posthorn.make_day('outbox', current_date - 40)", &[]).await.unwrap();
    let url = world.url();
    let serving = Serving::against(world, url.expose_secret(), &[]).await;
    let told = async |name: &str| of_database(&serving, name, "", "").await;
    let now = || (OffsetDateTime::now_utc() - OffsetDateTime::UNIX_EPOCH).as_seconds_f64();
    eventually("upkeep is done", SOON, async || told("posthorn_upkeep_timestamp_seconds").await.is_some()).await;
    assert!((now() - told("posthorn_upkeep_timestamp_seconds").await.unwrap()).abs() < 60.0);
    assert_eq!(told("posthorn_retention_dropped_days_total").await, Some(1.0));
    assert_eq!(told("posthorn_retention_held_back_days").await, Some(0.0));

    let (_, api) = serving.tenant("a").await;
    let receiver = Receiver::start(|_, seen| Answer::status(if seen < 2 { 404 } else { 204 }));
    api.subscribe(&receiver.url("/in"), "a.b").await;
    for _ in 0..2 {
        let delivery = api.delivery_of(&api.publish("a.b", json!({})).await).await;
        api.wait_for_status(&delivery, "failed").await;
    }
    assert_eq!(told("posthorn_job_rows_total").await, Some(0.0));
    api.post("/deliveries/retry", &json!({})).await;
    eventually("the job's rows are counted", SOON, async || told("posthorn_job_rows_total").await == Some(2.0)).await;
}

#[tokio::test]
async fn what_is_about_every_tenant_is_for_dispatchers_and_readers_alone() {
    let world = World::new().await;
    let client = world.client().await;
    let tenant = Uuid::now_v7();
    for (role, is_allowed) in [
        ("posthorn_api", false),
        ("posthorn_publisher", false),
        ("posthorn_dispatcher", true),
        ("posthorn_readonly", true),
    ] {
        let session = format!("RESET ROLE; SET ROLE {role}; SET posthorn.tenant_id = '{tenant}'");
        client.batch_execute(&session).await.unwrap();
        for sql in ["SELECT posthorn.monitored_states()", "SELECT posthorn.monitored_waiting(10)"] {
            assert_eq!(client.query(sql, &[]).await.is_ok(), is_allowed, "{role}: {sql}");
        }
    }
}
