//! Erasing while others hold, send, retry, fan out and backfill the same events.

use posthorn::domain::delivery::DeliveryStatus;
use serde_json::json;

use super::{PERSON, erase, publish_about, record, refused, tables_with};
use crate::harness::{Answer, Receiver, World};

async fn waits_for_a_lock(world: &World) {
    world
        .until(
            "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
        )
        .await;
}

#[tokio::test]
async fn what_is_in_flight_is_left_whole_until_its_result_is_written() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    world.subscribe(tenant, "https://receiver.example/", &["*"]).await;
    let event = publish_about(&world, tenant, "a.b", PERSON, "C-1").await;
    let claimed = world.hand().await.claim(1).await;
    let session = world.client_of(tenant).await;
    let of = "resource_type => 'customer', resource_id => 'C-1'";
    assert_eq!(erase(&session, of).await, (1, 0, 0, 1, false));
    let untouched = format!(
        "SELECT count(*) FROM posthorn.webhook_deliveries d JOIN posthorn.outbox o ON o.id = d.event_id
         WHERE o.id = '{event}' AND d.status = 'sending' AND o.payload #>> '{{customer,email}}' = '{PERSON}' AND o.metadata IS NOT NULL"
    );
    assert_eq!(world.count(&untouched).await, 1);
    assert_eq!(record(&world, &claimed, DeliveryStatus::Retrying).await.len(), 1);
    assert_eq!(erase(&session, of).await, (1, 1, 1, 0, false));
    assert_eq!(tables_with(&world, PERSON).await, [""; 0]);
}

#[tokio::test]
async fn what_a_dispatcher_hears_after_its_lease_leaves_no_trace_of_the_person() {
    for status in [DeliveryStatus::Failed, DeliveryStatus::Retrying, DeliveryStatus::Delivered] {
        let world = World::new().await;
        let tenant = world.tenant("a").await;
        world.subscribe(tenant, "https://receiver.example/", &["*"]).await;
        publish_about(&world, tenant, "a.b", PERSON, "C-1").await;
        let claimed = world.hand().await.claim(1).await;
        let lapse =
            "UPDATE posthorn.webhook_deliveries SET lease_until = now() - interval '1 s' WHERE status = 'sending'";
        assert_eq!(world.db.execute(lapse, &[]).await.unwrap(), 1);
        let session = world.client_of(tenant).await;
        assert_eq!(erase(&session, "resource_type => 'customer', resource_id => 'C-1'").await, (1, 1, 1, 0, false));
        assert!(record(&world, &claimed, status).await.is_empty(), "{status:?} moves nothing");
        let told = "SELECT count(*) FROM posthorn.webhook_attempts a WHERE a.status_code IS NOT NULL AND NOT a.response_body_truncated";
        assert_eq!(world.count(told).await, 1, "{status:?}");
        assert_eq!(tables_with(&world, PERSON).await, [""; 0], "{status:?}");
        assert_eq!(world.count("SELECT count(*) FROM posthorn.webhook_deliveries WHERE status = 'cancelled'").await, 1);
    }
}

#[tokio::test]
async fn what_someone_retries_at_this_moment_is_left_for_the_next_time() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    world.subscribe(tenant, "https://receiver.example/", &["*"]).await;
    let event = publish_about(&world, tenant, "a.b", PERSON, "C-1").await;
    let claimed = world.hand().await.claim(1).await;
    record(&world, &claimed, DeliveryStatus::Failed).await;
    let (mut first, second) = (world.client_of(tenant).await, world.client_of(tenant).await);
    let retry = format!("SELECT changed, skipped FROM posthorn.retry(delivery_id => '{}')", claimed[0].id);
    let of = format!("event_id => '{event}'");

    let retrying = first.transaction().await.unwrap();
    assert_eq!(retrying.query_one(&retry, &[]).await.unwrap().get::<_, i64>(0), 1);
    assert_eq!(erase(&second, &of).await, (1, 0, 0, 1, false));
    retrying.rollback().await.unwrap();

    let erasing = first.transaction().await.unwrap();
    assert_eq!(
        erasing.query_one(&format!("SELECT erased FROM posthorn.erase({of})"), &[]).await.unwrap().get::<_, i64>(0),
        1
    );
    let row = second.query_one(&retry, &[]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (0, 1), "held by who erases it");
    erasing.commit().await.unwrap();
    assert_eq!(refused(&second, &retry).await.0, "55000");
    assert_eq!(tables_with(&world, PERSON).await, [""; 0]);
}

#[tokio::test]
async fn a_backfill_and_an_erasure_of_one_event_go_one_after_the_other() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let event = publish_about(&world, tenant, "a.b", PERSON, "C-1").await;
    let subscription = world.subscribe(tenant, "https://receiver.example/", &["*"]).await;
    let backfill = format!("SELECT changed FROM posthorn.backfill('{subscription}', '2020-01-01')");
    let of = format!("event_id => '{event}'");
    let (mut first, second) = (world.client_of(tenant).await, world.client_of(tenant).await);
    // the chunk by itself: the function as a whole would leave it to a job while anybody writes
    let chunk = format!(
        "SELECT changed FROM posthorn.backfill_chunk('{tenant}', '{subscription}', posthorn.first_id_at('2020-01-01'),
             posthorn.first_id_at(now() + interval '1 day'), 100, false, false)"
    );
    let filler = world.client_as("posthorn_dispatcher").await;

    let erasing = first.transaction().await.unwrap();
    erasing.query_one(&format!("SELECT erased FROM posthorn.erase({of}, dry_run => false)"), &[]).await.unwrap();
    let (added, ()) = tokio::join!(async { filler.query_one(&chunk, &[]).await.unwrap().get::<_, i32>(0) }, async {
        waits_for_a_lock(&world).await;
        erasing.rollback().await.unwrap();
    });
    assert_eq!(added, 1, "nothing was erased after all");
    world.db.batch_execute("DELETE FROM posthorn.webhook_deliveries").await.unwrap();

    filler.batch_execute(&format!("BEGIN; {chunk}")).await.unwrap();
    assert_eq!(erase(&second, &of).await, (1, 0, 0, 1, false));
    filler.batch_execute("ROLLBACK").await.unwrap();

    let erasing = first.transaction().await.unwrap();
    erasing.query_one(&format!("SELECT erased FROM posthorn.erase({of})"), &[]).await.unwrap();
    let (added, ()) = tokio::join!(async { filler.query_one(&chunk, &[]).await.unwrap().get::<_, i32>(0) }, async {
        waits_for_a_lock(&world).await;
        erasing.commit().await.unwrap();
    });
    assert_eq!(added, 0);
    assert_eq!(second.query_one(&backfill, &[]).await.unwrap().get::<_, i64>(0), 0);
    assert_eq!(world.count("SELECT count(*) FROM posthorn.webhook_deliveries").await, 0);
}

#[tokio::test]
async fn an_event_that_is_still_to_be_fanned_out_never_is() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    world.subscribe(tenant, "https://receiver.example/", &["*"]).await;
    let event = publish_about(&world, tenant, "a.b", PERSON, "C-1").await;
    world.db.batch_execute("DELETE FROM posthorn.webhook_deliveries").await.unwrap();
    let mark = "INSERT INTO posthorn.event_fanouts (event_id, tenant_id, state, reason) VALUES ($1, $2, 'open', $3)";
    world.db.execute(mark, &[&event, &tenant, &PERSON]).await.unwrap();
    let session = world.client_of(tenant).await;
    let mut dispatcher = world.client().await;
    let fanning = dispatcher.transaction().await.unwrap();
    fanning.query("SELECT FROM posthorn.event_fanouts FOR UPDATE", &[]).await.unwrap();
    assert_eq!(erase(&session, &format!("event_id => '{event}'")).await, (1, 0, 0, 1, false));
    fanning.rollback().await.unwrap();
    assert_eq!(erase(&session, &format!("event_id => '{event}'")).await, (1, 1, 0, 0, false));
    assert_eq!(tables_with(&world, PERSON).await, [""; 0]);
    let fanned = "SELECT (posthorn.fan_out_event($1, 100, false)).deliveries";
    assert_eq!(world.db.query_one(fanned, &[&event]).await.unwrap().get::<_, i32>(0), 0);
}

#[tokio::test]
async fn a_job_waits_for_what_is_in_flight_and_forgets_whom_it_was_about() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let event = publish_about(&world, tenant, "a.b", PERSON, PERSON).await;
    let slow = world.subscribe(tenant, "https://receiver.example/", &["*"]).await;
    let later = "INSERT INTO posthorn.webhook_deliveries_live (tenant_id, event_id, event, subscription_id) VALUES ($1, $2, 'a.b', $3)";
    world.db.execute(later, &[&tenant, &event, &slow]).await.unwrap();
    let claimed = world.hand().await.claim(1).await;
    for _ in 0..30 {
        publish_about(&world, tenant, "b.c", PERSON, PERSON).await;
    }
    world.change(slow, "status = 'inactive'").await;
    let session = world.client_of(tenant).await;
    let of = format!("payload => '$.customer.email == \"{PERSON}\"', with_keys => true");
    assert_eq!(erase(&session, &format!("{of}, at_most => 10")).await, (31, 0, 0, 0, true));
    let dispatching = world.dispatch(&[]).await;
    world.until("SELECT changed = 30 AND state = 'running' FROM posthorn.jobs").await;
    assert_eq!(tables_with(&world, PERSON).await, ["jobs", "outbox_default"]);
    record(&world, &claimed, DeliveryStatus::Retrying).await;
    world.until("SELECT state = 'done' AND changed = 31 AND skipped = 0 FROM posthorn.jobs").await;
    dispatching.stop().await;
    assert_eq!(tables_with(&world, PERSON).await, [""; 0], "no filter, no log of it");
    let log = "SELECT string_agg(l.action || ' ' || coalesce(l.details ->> 'erased', ''), ', ' ORDER BY l.id) FROM posthorn.audit_log l
               WHERE l.target_type = 'job'";
    assert_eq!(world.db.query_one(log, &[]).await.unwrap().get::<_, String>(0), "job.created , events.erased 31");
}

#[tokio::test]
async fn a_job_that_is_cancelled_forgets_too() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let session = world.client_of(tenant).await;
    let of = format!("payload => '$.customer.email == \"{PERSON}\"', at_most => 0");
    publish_about(&world, tenant, "a.b", "bob@example.com", "C-2").await;
    session.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ").await.unwrap();
    assert!(erase(&session, &of).await.4, "an older snapshot may miss what was made since");
    session.batch_execute("COMMIT").await.unwrap();
    assert_eq!(tables_with(&world, PERSON).await, ["jobs"]);
    session.batch_execute("SELECT posthorn.cancel_job(j.id) FROM posthorn.jobs j").await.unwrap();
    assert_eq!(tables_with(&world, PERSON).await, [""; 0]);
}

#[tokio::test]
async fn a_payload_that_says_that_it_was_erased_is_never_sent() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(204));
    world.subscribe(tenant, &receiver.url("/in"), &["*"]).await;
    world.publish(tenant, "a.b", json!({"posthorn.erased": "2026-01-01T00:00:00Z"})).await;
    let dispatching = world.dispatch(&[]).await;
    world.until_status("failed", 1).await;
    dispatching.stop().await;
    assert!(receiver.requests().is_empty());
}
