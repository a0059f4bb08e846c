//! `posthorn replay`: the deliveries that are meant, counted before, and no others.

use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::harness::{Answer, Binary, Receiver, World};

/// Runs it to its end; answers with whether it succeeded, and what it wrote.
async fn replay(world: &World, arguments: &[&str]) -> (bool, String) {
    let arguments = [&["replay"], arguments].concat();
    let program = Binary::start(&arguments, &[("DATABASE_URL", world.url().expose_secret())]);
    let (status, lines) = program.run_to_end().await;
    (status.success(), lines.join("\n"))
}

async fn finish(world: &World, event: &str, status: &str) {
    let sql = "UPDATE posthorn.webhook_deliveries SET status = $2, finished_at = now() WHERE event = $1 AND status = 'pending'";
    assert!(world.db.execute(sql, &[&event, &status]).await.unwrap() > 0);
}

#[tokio::test]
async fn it_counts_and_then_sends_what_is_meant() {
    let world = World::new().await;
    let (tenant, other) = (world.tenant("a").await, world.tenant("b").await);
    for of in [tenant, other] {
        world.subscribe(of, "https://receiver.example/", &["*"]).await;
        for (event, status) in [("a.exhausted", "abandoned"), ("a.failed", "failed"), ("a.sent", "delivered")] {
            world.publish_many(of, event, 2).await;
            finish(&world, event, status).await;
        }
    }
    let sent =
        "SELECT (SELECT o.id FROM posthorn.outbox o WHERE o.tenant_id = $1 AND o.event = 'a.sent' LIMIT 1)::text";
    let sent: String = world.db.query_one(sent, &[&tenant]).await.unwrap().get(0);
    let tenant = tenant.to_string();
    for (arguments, matched) in [
        (vec!["--tenant", &tenant], 4),
        (vec!["--tenant", &tenant, "--status", "exhausted"], 2),
        (vec!["--tenant", &tenant, "--status", "exhausted,failed", "--event", "a.failed"], 2),
        (vec!["--tenant", &tenant, "--until", "1h"], 0),
        (vec!["--tenant", &tenant, "--since", "1h"], 4),
        (vec!["--event-id", &sent], 1),
        (vec!["--event-id", &sent, "--status", "failed"], 0),
    ] {
        let (is_done, told) = replay(&world, &[arguments.as_slice(), &["--dry-run", "--json"]].concat()).await;
        assert!(is_done, "{arguments:?}: {told}");
        let told: Value = serde_json::from_str(&told).unwrap();
        assert_eq!((&told["matched"], &told["changed"]), (&json!(matched), &json!(0)), "{arguments:?}");
    }
    assert_eq!(world.count("SELECT count(*) FROM posthorn.webhook_deliveries_live").await, 0, "a dry run");
    let (is_done, told) = replay(&world, &["--tenant", &tenant, "--status", "exhausted"]).await;
    assert!(is_done && told == "2 of 2 deliveries due again", "{told}");
    let due = format!(
        "SELECT count(*) FROM posthorn.webhook_deliveries_live WHERE tenant_id = '{tenant}' AND event = 'a.exhausted'"
    );
    assert_eq!(world.count(&due).await, 2);
    assert_eq!(world.count("SELECT count(*) FROM posthorn.webhook_deliveries_live").await, 2);
}

#[tokio::test]
async fn many_want_a_yes_and_a_job_is_waited_for() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(204));
    let subscription = world.subscribe(tenant, &receiver.url("/in"), &["*"]).await.to_string();
    world.publish_many(tenant, "a.b", 1100).await;
    finish(&world, "a.b", "abandoned").await;
    let (is_done, told) = replay(&world, &["--subscription", &subscription]).await;
    assert!(!is_done && told.contains("1100 deliveries would be sent again: say --yes"), "{told}");
    assert_eq!(world.count("SELECT count(*) FROM posthorn.webhook_deliveries_live").await, 0);
    let dispatching = world.dispatch(&[]).await;
    let (is_done, told) = replay(&world, &["--subscription", &subscription, "--yes"]).await;
    assert!(is_done && told.ends_with("1100 of 1100 deliveries due again"), "{told}");
    world.until_status("delivered", 1100).await;
    dispatching.stop().await;
}

#[tokio::test]
async fn what_cannot_be_sent_again_is_refused_in_words() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    world.subscribe(tenant, "https://receiver.example/", &["*"]).await;
    let event = world.publish(tenant, "a.b", json!({"n": 1})).await;
    world.db.execute("SELECT posthorn.erase(tenant_id => $1, event_id => $2)", &[&tenant, &event]).await.unwrap();
    let (event, tenant) = (event.to_string(), tenant.to_string());
    for (arguments, words) in [
        (vec!["--event-id", &event], "was erased"),
        (vec!["--event", "a.b"], "say whose"),
        (vec!["--tenant", &tenant, "--status", "delivered"], "delivered ones are sent again by --subscription"),
        (vec!["--event-id", &event, "--status", "delivered,retrying"], "two commands"),
        (
            vec!["--tenant", &tenant, "--status", "pending"],
            "must be abandoned, failed, cancelled, delivered or retrying",
        ),
        (vec!["--tenant", "6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10", "--since", "1h"], "there is no tenant"),
    ] {
        let (is_done, told) = replay(&world, &arguments).await;
        assert!(!is_done && told.contains(words), "{arguments:?}: {told}");
    }
}

#[tokio::test]
async fn those_that_wait_for_a_retry_are_told_and_tried_at_once_when_asked_for() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    world.subscribe(tenant, "https://receiver.example/", &["*"]).await;
    world.publish(tenant, "a.b", json!({})).await;
    let tenant = tenant.to_string();
    let (is_done, told) = replay(&world, &["--tenant", &tenant]).await;
    assert!(
        is_done && told.starts_with("nothing to send again: no delivery matches (what is pending goes by itself"),
        "{told}"
    );

    let fail =
        "UPDATE posthorn.webhook_deliveries SET status = 'retrying', attempts = 3, due_at = now() + interval '1 hour'";
    world.db.batch_execute(fail).await.unwrap();
    let (is_done, told) = replay(&world, &["--tenant", &tenant]).await;
    assert!(is_done && told.contains("1 delivery waits for the next retry; --status retrying"), "{told}");
    let due = "SELECT count(*) FROM posthorn.webhook_deliveries_live WHERE due_at <= now()";
    assert_eq!(world.count(due).await, 0, "nobody asked for them");
    let (is_done, told) = replay(&world, &["--tenant", &tenant, "--status", "retrying"]).await;
    assert!(is_done && told == "1 of 1 delivery due again", "{told}");
    assert_eq!(world.count(due).await, 1);
}
