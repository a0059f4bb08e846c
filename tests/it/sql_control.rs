//! Operating in plain SQL: retry, cancel, replay and backfill, by an operator's login and by tenants' sessions.

use std::collections::HashMap;

use serde_json::json;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::harness::{Answer, Receiver, SOON, World, page, section, sql_blocks};

/// A row of an answer: matched, changed, skipped, and the job if there is one.
type Answered = (i64, i64, i64, Option<Uuid>);

async fn ask(client: &Client, call: &str) -> Answered {
    let row = client.query_one(&format!("SELECT * FROM posthorn.{call}"), &[]).await;
    let row = row.unwrap_or_else(|e| panic!("{call}: {e:?}"));
    (row.get("matched"), row.get("changed"), row.get("skipped"), row.get("job_id"))
}

async fn refused(client: &Client, call: &str) -> String {
    let error = client.query(&format!("SELECT * FROM posthorn.{call}"), &[]).await.expect_err(call);
    error.as_db_error().unwrap().code().code().to_owned()
}

/// Number of deliveries by status and generation, such as `failed 0`.
async fn tally(world: &World) -> HashMap<String, i64> {
    let sql = "SELECT status || ' ' || generation, count(*) FROM posthorn.webhook_deliveries GROUP BY 1";
    world.db.query(sql, &[]).await.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect()
}

fn counts<const N: usize>(of: [(&str, i64); N]) -> HashMap<String, i64> {
    of.into_iter().map(|(name, count)| (name.to_owned(), count)).collect()
}

/// A login of an operator: posthorn_admin and nothing else.
async fn operator(world: &World) -> (Client, String) {
    let role = format!("dba_{}", world.database());
    world.db.batch_execute(&format!("CREATE ROLE {role}; GRANT posthorn_admin TO {role}")).await.unwrap();
    let client = world.client().await;
    client.batch_execute(&format!("SET SESSION AUTHORIZATION {role}")).await.unwrap();
    (client, role)
}

/// Finishes what waits of an event type.
async fn finish(world: &World, event: &str, status: &str, code: i32, kind: Option<&str>) {
    let sql = "UPDATE posthorn.webhook_deliveries SET status = $2, finished_at = now(), last_status_code = $3, last_error_kind = $4
               WHERE event = $1 AND status = 'pending'";
    assert!(world.db.execute(sql, &[&event, &status, &code, &kind]).await.unwrap() > 0);
}

/// The audit log's actions, actors and numbers changed.
async fn audited(world: &World) -> Vec<(String, String, Option<i64>)> {
    let sql = "SELECT action, actor, (details ->> 'changed')::bigint FROM posthorn.audit_log
               WHERE action !~ '^(tenant|subscription)\\.(created|updated)$' ORDER BY id";
    world.db.query(sql, &[]).await.unwrap().iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
}

#[tokio::test]
async fn a_dry_run_counts_by_every_filter_and_changes_nothing() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let subscription = world.subscribe(tenant, "https://receiver.example/", &["*"]).await;
    for (event, status, count) in [("a.one", "delivered", 5), ("a.two", "failed", 4), ("b.one", "abandoned", 3)] {
        world.publish_many(tenant, event, count).await;
        finish(
            &world,
            event,
            status,
            if status == "delivered" { 200 } else { 503 },
            (status != "delivered").then_some("server_error"),
        )
        .await;
    }
    let keyed = "INSERT INTO posthorn.outbox (tenant_id, event, payload, resource_type, resource_id, ordering_key)
                 SELECT $1, 'c.one', '{}', CASE n WHEN 1 THEN 'box' ELSE 'bag' END, '17', 'k' || n FROM generate_series(1, 2) AS n";
    world.db.execute(keyed, &[&tenant]).await.unwrap();
    let late = world.subscribe(tenant, "https://receiver.example/late", &["a.*"]).await;
    let failed = world
        .db
        .query_one("SELECT id, event_id FROM posthorn.webhook_deliveries WHERE event = 'a.two' LIMIT 1", &[])
        .await
        .unwrap();
    let (delivery, event): (Uuid, Uuid) = (failed.get(0), failed.get(1));
    let before = tally(&world).await;
    let (dba, _) = operator(&world).await;
    let session = world.client_of(tenant).await;
    for (call, matched) in [
        ("retry(since => '-infinity'".to_owned(), 7),
        ("retry(event => 'b.*'".to_owned(), 3),
        ("retry(error_kind => 'server_error', status_code => 503, event => 'a.two'".to_owned(), 4),
        ("retry(error_kind => 'timeout'".to_owned(), 0),
        ("retry(statuses => '{cancelled}', until => now()".to_owned(), 0),
        (format!("retry(subscription_id => '{late}'"), 0),
        (format!("retry(subscription_id => '{subscription}'"), 7),
        (format!("retry(delivery_id => '{delivery}'"), 1),
        (format!("retry(event_id => '{event}'"), 1),
        ("retry(event_ids => '{}'".to_owned(), 0),
        ("retry(until => '2020-01-01'".to_owned(), 0),
        ("cancel(since => '-infinity'".to_owned(), 2),
        ("cancel(resource_type => 'box', resource_id => '17'".to_owned(), 1),
        ("cancel(resource_type => 'pot', resource_id => '17'".to_owned(), 0),
        ("cancel(ordering_key => 'k2'".to_owned(), 1),
        ("cancel(ordering_key => 'k2', resource_type => 'box', resource_id => '17'".to_owned(), 0),
        ("cancel(statuses => '{retrying}', event => '*'".to_owned(), 0),
        (format!("replay(subscription_id => '{subscription}', since => '2020-01-01'"), 12),
        (format!("replay(subscription_id => '{subscription}', since => '2020-01-01', statuses => '{{delivered}}'"), 5),
        (format!("replay(event_ids => ARRAY['{event}', '{event}']::uuid[]"), 1),
        (format!("replay(delivery_id => '{delivery}', statuses => '{{delivered}}'"), 0),
        (format!("backfill('{late}', '2020-01-01'"), 9),
        (format!("backfill('{subscription}', '2020-01-01'"), 0),
    ] {
        assert_eq!(ask(&session, &format!("{call}, dry_run => true)")).await, (matched, 0, 0, None), "{call}");
        let as_operator = format!("{call}, tenant_id => '{tenant}', dry_run => true)");
        assert_eq!(ask(&dba, &as_operator).await, (matched, 0, 0, None), "{as_operator}");
    }
    assert_eq!(tally(&world).await, before);
    assert_eq!((audited(&world).await, world.count("SELECT count(*) FROM posthorn.jobs").await), (vec![], 0));
}

#[tokio::test]
async fn it_happens_in_the_callers_transaction_once_and_is_audited() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let subscription = world.subscribe(tenant, "https://receiver.example/", &["*"]).await;
    world.publish_many(tenant, "a.b", 1200).await;
    finish(&world, "a.b", "failed", 500, Some("server_error")).await;
    let (dba, role) = operator(&world).await;
    let retry = format!("retry(subscription_id => '{subscription}')");
    dba.batch_execute("BEGIN").await.unwrap();
    assert_eq!(ask(&dba, &retry).await, (1200, 1200, 0, None));
    dba.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!((tally(&world).await, audited(&world).await), (counts([("failed 0", 1200)]), vec![]));
    assert_eq!(ask(&dba, &retry).await, (1200, 1200, 0, None));
    assert_eq!(ask(&dba, &retry).await, (0, 0, 0, None));
    assert_eq!(tally(&world).await, counts([("pending 1", 1200)]));

    let session = world.client_of(tenant).await;
    assert_eq!(ask(&session, "cancel(event => 'a.*')").await, (1200, 1200, 0, None));
    assert_eq!(ask(&session, "cancel(event => 'a.*')").await, (0, 0, 0, None));
    assert_eq!(
        session.query_one("SELECT current_setting('posthorn.tenant_id')", &[]).await.unwrap().get::<_, String>(0),
        tenant.to_string()
    );
    let by = |action: &str, actor: &str| (action.to_owned(), format!("role:{actor}"), Some(1200));
    let login: String = world.db.query_one("SELECT session_user::text", &[]).await.unwrap().get(0);
    assert_eq!(audited(&world).await, [by("deliveries.retried", &role), by("deliveries.cancelled", &login)]);
}

#[tokio::test]
async fn more_than_at_most_is_a_job_after_the_commit() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    world.subscribe(tenant, "https://receiver.example/", &["*"]).await;
    let sql = "INSERT INTO posthorn.outbox (tenant_id, event, payload, ordering_key, deliver_after)
               SELECT $1, 'a.b', '{}', 'k' || n % 2, now() + interval '1 day' FROM generate_series(1, 40) AS n";
    world.db.execute(sql, &[&tenant]).await.unwrap();
    let dispatching = world.dispatch(&[]).await;
    let (dba, _) = operator(&world).await;
    let cancel = format!("cancel(tenant_id => '{tenant}', ordering_key => 'k1', at_most => 10)");
    dba.batch_execute("BEGIN").await.unwrap();
    assert!(matches!(ask(&dba, &cancel).await, (20, 0, 0, Some(_))));
    dba.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(world.count("SELECT count(*) FROM posthorn.jobs").await, 0);
    let (matched, changed, skipped, job) = ask(&dba, &cancel).await;
    assert_eq!((matched, changed, skipped), (20, 0, 0));
    world
        .until(&format!("SELECT state = 'done' AND changed = 20 FROM posthorn.jobs WHERE id = '{}'", job.unwrap()))
        .await;
    dispatching.stop().await;
    assert_eq!(tally(&world).await, counts([("pending 0", 20), ("cancelled 0", 20)]));
    assert_eq!(audited(&world).await.iter().map(|(action, ..)| action.as_str()).collect::<Vec<_>>(), ["job.created"]);
    for _ in 0..3 {
        assert!(
            ask(
                &dba,
                &format!("retry(tenant_id => '{tenant}', event => 'a.b', statuses => '{{cancelled}}', at_most => 0)")
            )
            .await
            .3
            .is_some()
        );
    }
    assert_eq!(
        refused(
            &dba,
            &format!("retry(tenant_id => '{tenant}', event => 'a.b', statuses => '{{cancelled}}', at_most => 0)")
        )
        .await,
        "53400"
    );
}

#[tokio::test]
async fn a_tenant_touches_only_its_own_and_strangers_nothing() {
    let world = World::new().await;
    let (a, b) = (world.tenant("a").await, world.tenant("b").await);
    let theirs = world.subscribe(b, "https://receiver.example/", &["*"]).await;
    let event = world.publish(b, "a.b", json!({})).await;
    let delivery = world.delivery(event).await.id;
    let session = world.client_of(a).await;
    for call in [
        "cancel(since => '-infinity')".to_owned(),
        format!("cancel(event_id => '{event}')"),
        format!("cancel(delivery_id => '{delivery}')"),
        format!("replay(event_id => '{event}', statuses => '{{delivered,failed,abandoned,cancelled}}')"),
    ] {
        assert_eq!(ask(&session, &call).await, (0, 0, 0, None), "{call}");
    }
    assert_eq!(refused(&session, &format!("cancel(subscription_id => '{theirs}')")).await, "P0002");
    assert_eq!(refused(&session, &format!("backfill('{theirs}', '2020-01-01')")).await, "P0002");
    for call in [
        format!("cancel(tenant_id => '{b}', since => '-infinity')"),
        format!("backfill('{theirs}', '2020-01-01', tenant_id => '{b}')"),
        format!("control_as_operator('{b}', 'cancel', NULL, '{{}}', 1, false)"),
        format!("control('{b}', 'cancel', NULL, '{{}}', 1, false)"),
        format!("cancel_fanouts('{b}', '{{}}', '{b}', '{b}', false)"),
    ] {
        assert_eq!(refused(&session, &call).await, "42501", "{call}");
    }
    assert_eq!(refused(&world.client_as("posthorn_api").await, "cancel(since => '-infinity')").await, "42501");
    for role in ["posthorn_publisher", "posthorn_readonly", "posthorn_dispatcher"] {
        let client = world.client_as(role).await;
        for call in [
            "cancel(event => 'a.b')",
            "retry(event => 'a.b')",
            "replay(event_id => posthorn.uuid7())",
            "backfill(posthorn.uuid7(), now())",
        ] {
            assert_eq!(refused(&client, call).await, "42501", "{role} {call}");
        }
    }
    assert_eq!(tally(&world).await, counts([("pending 0", 1)]));
    // the operator names what it is about, and whose it is follows
    let (dba, _) = operator(&world).await;
    assert_eq!(refused(&dba, "cancel(event => 'a.b')").await, "22023");
    let unknown = Uuid::now_v7();
    for (call, told) in [
        (format!("retry(tenant_id => '{unknown}', event => 'a.b')"), "tenant"),
        (format!("backfill('{unknown}', now())"), "subscription"),
        (format!("replay(event_id => '{unknown}')"), "event"),
        (format!("cancel(delivery_id => '{unknown}')"), "delivery"),
    ] {
        let error = dba.query(&format!("SELECT * FROM posthorn.{call}"), &[]).await.expect_err(&call);
        assert_eq!(error.as_db_error().unwrap().message(), format!("there is no {told} {unknown}"));
    }
    assert_eq!(refused(&dba, &format!("cancel(tenant_id => '{a}', subscription_id => '{theirs}')")).await, "P0002");
    assert_eq!(ask(&dba, &format!("cancel(tenant_id => '{a}', event_id => '{event}')")).await, (0, 0, 0, None));
    assert_eq!(ask(&dba, &format!("cancel(delivery_id => '{delivery}')")).await, (1, 1, 0, None));
    assert_eq!(
        ask(&dba, &format!("replay(event_id => '{event}', statuses => '{{cancelled}}')")).await,
        (1, 1, 0, None)
    );
}

#[tokio::test]
async fn what_is_in_flight_is_not_cancelled_and_is_told() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    world.subscribe(tenant, "https://receiver.example/", &["*"]).await;
    world.publish_many(tenant, "a.b", 6).await;
    let lease = "UPDATE posthorn.webhook_deliveries SET status = 'sending', epoch = epoch + 1, lease_until = now() + interval '1 min'
                 WHERE id IN (SELECT id FROM posthorn.webhook_deliveries WHERE status = 'pending' ORDER BY id LIMIT 2)";
    world.db.execute(lease, &[]).await.unwrap();
    // and one that is being claimed at this moment
    let claiming = world.client().await;
    claiming
        .batch_execute(
            "BEGIN; SELECT id FROM posthorn.webhook_deliveries WHERE status = 'pending' ORDER BY id LIMIT 1 FOR UPDATE",
        )
        .await
        .unwrap();
    let session = world.client_of(tenant).await;
    assert_eq!(ask(&session, "cancel(event => 'a.b')").await, (6, 3, 3, None));
    claiming.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(tally(&world).await, counts([("sending 0", 2), ("pending 0", 1), ("cancelled 0", 3)]));
    assert_eq!(ask(&session, "cancel(event => 'a.b')").await, (3, 1, 2, None));
}

#[tokio::test]
async fn cancelling_beside_busy_dispatchers_neither_loses_nor_doubts() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(200));
    world.subscribe(tenant, &receiver.url("/in"), &["*"]).await;
    world.publish_many(tenant, "a.b", 2000).await;
    let dispatching = world.dispatch(&[]).await;
    receiver.wait_for(20, SOON).await;
    let session = world.client_of(tenant).await;
    let mut cancelled = 0;
    for _ in 0..50 {
        let (_, changed, skipped, job) = ask(&session, "cancel(event => 'a.b')").await;
        assert_eq!(job, None);
        cancelled += changed;
        if changed + skipped == 0 {
            break;
        }
    }
    world.until("SELECT NOT EXISTS (SELECT FROM posthorn.webhook_deliveries_live)").await;
    dispatching.stop().await;
    let sent = i64::try_from(receiver.requests().len()).unwrap();
    let mut expected = counts([("delivered 0", sent), ("cancelled 0", cancelled)]);
    expected.retain(|_, count| *count > 0);
    assert_eq!(tally(&world).await, expected);
    assert_eq!(sent + cancelled, 2000);
}

#[tokio::test]
async fn an_event_that_is_still_to_be_fanned_out_is_cancelled_too() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    world.subscribe_filtered(tenant, "exists($.** ? (@ >= 1))").await;
    for key in ["one", "two", "three"] {
        let sql = "INSERT INTO posthorn.outbox (tenant_id, event, payload, resource_type, resource_id, ordering_key)
                   VALUES ($1, 'a.b', '{\"n\": 1}', 'box', $2, $2)";
        world.db.execute(sql, &[&tenant, &key]).await.unwrap();
    }
    let session = world.client_of(tenant).await;
    assert_eq!(ask(&session, "cancel(event => 'a.b', dry_run => true)").await, (3, 0, 0, None));
    assert_eq!(ask(&session, "cancel(event => 'a.b', error_kind => 'timeout')").await, (0, 0, 0, None));
    assert_eq!(ask(&session, "cancel(ordering_key => 'one')").await, (1, 1, 0, None));
    assert_eq!(ask(&session, "cancel(resource_type => 'box', resource_id => 'two')").await, (1, 1, 0, None));
    assert_eq!(ask(&session, "cancel(resource_type => 'box', resource_id => 'two')").await, (0, 0, 0, None));
    let dispatching = world.dispatch(&[]).await;
    world.until("SELECT NOT EXISTS (SELECT FROM posthorn.event_fanouts WHERE state = 'open')").await;
    dispatching.stop().await;
    assert_eq!(world.count("SELECT count(*) FROM posthorn.webhook_deliveries").await, 1);
    assert_eq!(world.count("SELECT count(*) FROM posthorn.event_fanouts WHERE state = 'cancelled'").await, 2);
}

#[tokio::test]
async fn a_replay_by_any_predicate_sends_the_same_again() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(200));
    world.subscribe(tenant, &receiver.url("/in"), &["*"]).await;
    let mut events = Vec::new();
    for n in 0..6 {
        events.push(world.publish(tenant, "order.paid", json!({"n": n})).await);
    }
    let dispatching = world.dispatch(&[]).await;
    world.until_status("delivered", 6).await;
    let session = world.client_of(tenant).await;
    let replay = "replay(event_ids => ARRAY(SELECT e.id FROM posthorn.events e WHERE (e.payload ->> 'n')::int > 3))";
    assert_eq!(ask(&session, replay).await, (2, 2, 0, None));
    let requests = receiver.wait_for(8, SOON).await;
    world
        .until("SELECT count(*) = 2 FROM posthorn.webhook_deliveries WHERE status = 'delivered' AND generation = 1")
        .await;
    dispatching.stop().await;
    for (n, event) in events.iter().enumerate() {
        let sent: Vec<_> =
            requests.iter().filter(|request| request.headers["webhook-id"] == event.to_string().as_str()).collect();
        assert_eq!(sent.len(), if n > 3 { 2 } else { 1 });
        assert!(sent.iter().all(|request| request.body == sent[0].body));
    }
    assert_eq!(audited(&world).await[0].0, "deliveries.replayed");
}

#[tokio::test]
async fn a_backfill_is_at_once_unless_others_are_publishing() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    world.publish_many(tenant, "a.b", 1500).await;
    let session = world.client_of(tenant).await;
    let new = format!(
        "INSERT INTO posthorn.webhook_subscriptions (id, tenant_id, url, events, signing)
        VALUES ('6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10', '{tenant}', 'https://receiver.example/', '{{*}}', 'none')"
    );
    let backfill = "backfill('6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10', '2020-01-01')";
    session.batch_execute(&format!("BEGIN; {new}")).await.unwrap();
    assert_eq!(refused(&session, backfill).await, "55000");
    session.batch_execute("ROLLBACK").await.unwrap();
    session.batch_execute(&new).await.unwrap();
    let publisher = world.client().await;
    publisher.batch_execute(&format!("BEGIN; SELECT posthorn.publish('{tenant}', 'a.b', '{{}}')")).await.unwrap();
    let (matched, changed, _, job) = ask(&session, backfill).await;
    assert_eq!((matched, changed), (1500, 0));
    session.query_one("SELECT state FROM posthorn.cancel_job($1)", &[&job.unwrap()]).await.unwrap();
    publisher.batch_execute("COMMIT").await.unwrap();
    // the newest was published when the subscription was there, so it has its delivery already or gets it now
    let (matched, changed, skipped, job) = ask(&session, backfill).await;
    assert_eq!((changed, changed + skipped, job), (matched, 1501, None));
    assert_eq!(ask(&session, backfill).await, (0, 0, 1501, None));
    assert_eq!(world.count("SELECT count(*) FROM posthorn.webhook_deliveries").await, 1501);
    assert_eq!(audited(&world).await.last().unwrap().0, "subscription.backfilled");
}

#[tokio::test]
async fn a_backfill_under_an_older_snapshot_is_a_job() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let subscription = world.subscribe(tenant, "https://receiver.example/", &["*"]).await;
    let session = world.client_of(tenant).await;
    for level in ["REPEATABLE READ", "SERIALIZABLE"] {
        session.batch_execute(&format!("BEGIN ISOLATION LEVEL {level}; SELECT FROM posthorn.events")).await.unwrap();
        world.publish(tenant, "a.b", json!({})).await;
        let (_, changed, _, job) = ask(&session, &format!("backfill('{subscription}', '2020-01-01')")).await;
        assert!(changed == 0 && job.is_some(), "{level}: it cannot see the newest event");
        session.batch_execute("COMMIT").await.unwrap();
    }
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_refused() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let off = world.subscribe(tenant, "https://receiver.example/", &["*"]).await;
    world.change(off, "status = 'inactive'").await;
    let session = world.client_of(tenant).await;
    for (call, code) in [
        // a sub-select that finds nothing is not everything
        ("cancel(event_id => NULL)".to_owned(), "22023"),
        ("retry(event_ids => (SELECT array_agg(e.id) FROM posthorn.events e WHERE false))".to_owned(), "22023"),
        ("retry(event => 'a.b', statuses => '{delivered}')".to_owned(), "22023"),
        ("retry(event => 'a.b', statuses => '{}')".to_owned(), "22023"),
        ("cancel(event => 'a.b', statuses => '{failed}')".to_owned(), "22023"),
        ("cancel(event => 'a.b', at_most => -1)".to_owned(), "22023"),
        ("cancel(event => 'a.b', at_most => 100001)".to_owned(), "22023"),
        ("cancel(event => 'a.b', dry_run => NULL)".to_owned(), "22023"),
        ("cancel(resource_type => 'box')".to_owned(), "22023"),
        ("replay(event => 'a.b')".to_owned(), "22023"),
        (format!("replay(subscription_id => '{off}')"), "22023"),
        (format!("replay(subscription_id => '{off}', since => '2020-01-01')"), "55000"),
        (format!("backfill('{off}', '2020-01-01')"), "55000"),
        (format!("backfill('{off}', NULL)"), "22023"),
        ("replay(event_ids => array_fill(posthorn.uuid7(), ARRAY[10001]))".to_owned(), "22023"),
        ("control_as_tenant('again', NULL, '{\"statuses\": [\"delivered\"]}', 1, true)".to_owned(), "22023"),
    ] {
        assert_eq!(refused(&session, &call).await, code, "{call}");
    }
}

#[tokio::test]
async fn the_page_is_right() {
    let world = World::new().await;
    let tenant: Uuid = "6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10".parse().unwrap();
    world.db.execute("INSERT INTO posthorn.tenants (id, name) VALUES ($1, 'a')", &[&tenant]).await.unwrap();
    world.subscribe(tenant, "https://receiver.example/", &["*"]).await;
    let publish =
        "INSERT INTO posthorn.outbox (tenant_id, event, payload, resource_type, resource_id, ordering_key) VALUES
        ($1, 'a.failed', '{}', NULL, NULL, NULL), ($1, 'a.b', '{}', 'invoice', 'INV-1001', NULL),
        ($1, 'a.b', '{}', NULL, NULL, 'invoice:INV-1001'), ($1, 'order.paid', '{\"total\": 1001}', 'order', '17', NULL),
        ($1, 'order.paid', '{\"total\": 10}', 'order', '18', NULL)";
    world.db.execute(publish, &[&tenant]).await.unwrap();
    finish(&world, "a.failed", "failed", 500, Some("server_error")).await;
    finish(&world, "order.paid", "delivered", 200, None).await;
    let (dba, _) = operator(&world).await;
    let text = page("replaying-in-sql.md");
    for block in sql_blocks(section(&text, "\n## As an operator\n")) {
        dba.batch_execute(block).await.unwrap_or_else(|e| panic!("{block}: {e:?}"));
    }
    assert_eq!(tally(&world).await, counts([("pending 1", 1), ("cancelled 0", 2), ("delivered 0", 2)]));
    let session = world.client_of(tenant).await;
    world.subscribe(tenant, "https://receiver.example/new", &["*"]).await;
    let blocks = sql_blocks(section(&text, "\n## As a tenant's session\n"));
    assert_eq!(blocks.len(), 2);
    for block in blocks {
        session.batch_execute(block).await.unwrap_or_else(|e| panic!("{block}: {e:?}"));
    }
    assert_eq!(
        tally(&world).await,
        counts([("pending 1", 2), ("pending 0", 5), ("cancelled 0", 2), ("delivered 0", 1)])
    );
}
