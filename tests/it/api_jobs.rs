//! Again: retry and cancel by filter, replay, backfill, as jobs that neither repeat nor leave out, whoever dies (R46).

use std::collections::HashMap;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::api::id_of;
use crate::harness::{Answer, Api, Receiver, Reply, SOON, Serving, World, eventually};

/// Long ago.
const SINCE: &str = "2020-01-01T00:00:00Z";

/// An API without a dispatcher, so that jobs wait.
async fn api_alone() -> Serving {
    Serving::with(&[("POSTHORN_ROLE", "api")]).await
}

/// Waits until a job has a state and answers with it.
async fn until_state(api: &Api, job: &str, state: &str) -> Value {
    let path = format!("/jobs/{job}");
    eventually(&format!("job {state}"), SOON, async || api.get(&path).await.ok(200)["state"] == state).await;
    api.get(&path).await.ok(200)
}

/// The job that was made, which is where the answer says.
async fn made(api: &Api, reply: &Reply) -> Value {
    let job = reply.ok(202);
    let path = reply.headers["location"].to_str().unwrap();
    assert_eq!(api.at("").get(path).await.ok(200)["id"], job["id"], "{path}");
    job
}

/// Number of deliveries by status and generation, such as `failed 0`.
async fn tally(world: &World) -> HashMap<String, i64> {
    let sql = "SELECT status || ' ' || generation, count(*) FROM posthorn.webhook_deliveries GROUP BY 1";
    world.db.query(sql, &[]).await.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect()
}

fn counts<const N: usize>(of: [(&str, i64); N]) -> HashMap<String, i64> {
    of.into_iter().map(|(name, count)| (name.to_owned(), count)).collect()
}

/// Finishes what waits: of these events so.
async fn finish(world: &World, event: &str, status: &str, code: i32, kind: Option<&str>) {
    let sql = "UPDATE posthorn.webhook_deliveries SET status = $2, finished_at = now(), last_status_code = $3, last_error_kind = $4
               WHERE event = $1 AND status = 'pending'";
    assert!(world.db.execute(sql, &[&event, &status, &code, &kind]).await.unwrap() > 0);
}

/// Lets the leases of the dead run out. What it told the database last may still be moving its rows.
async fn expire_leases(world: &World) {
    let sql = "UPDATE posthorn.webhook_deliveries SET lease_until = now() - interval '1 s' WHERE status = 'sending'";
    eventually("leases run out", SOON, async || world.db.execute(sql, &[]).await.is_ok()).await;
    world.wake().await;
}

#[tokio::test]
async fn a_dry_run_counts_and_changes_nothing() {
    let serving = api_alone().await;
    let (tenant, api) = serving.tenant("a").await;
    let subscription = serving.world.subscribe(tenant, "https://receiver.example/", &["*"]).await;
    for (event, status, count) in [("a.one", "delivered", 5), ("a.two", "failed", 4), ("b.one", "abandoned", 3)] {
        serving.world.publish_many(tenant, event, count).await;
        let kind = (status != "delivered").then_some("server_error");
        finish(&serving.world, event, status, if status == "delivered" { 200 } else { 503 }, kind).await;
    }
    serving.world.publish_many(tenant, "c.one", 2).await;
    let late = serving.world.subscribe(tenant, "https://receiver.example/late", &["a.*"]).await;
    let before = tally(&serving.world).await;
    for (path, body, want) in [
        ("/deliveries/retry".to_owned(), json!({}), 7),
        ("/deliveries/retry".to_owned(), json!({"status": ["FAILED"]}), 4),
        ("/deliveries/retry".to_owned(), json!({"status": ["cancelled", "retrying"]}), 0),
        ("/deliveries/retry".to_owned(), json!({"event": "b.*"}), 3),
        (
            "/deliveries/retry".to_owned(),
            json!({"event": "a.two", "error_kind": "server_error", "status_code": 503}),
            4,
        ),
        ("/deliveries/retry".to_owned(), json!({"error_kind": "timeout"}), 0),
        ("/deliveries/retry".to_owned(), json!({"status_code": 404}), 0),
        ("/deliveries/retry".to_owned(), json!({"subscription_id": late}), 0),
        ("/deliveries/retry".to_owned(), json!({"subscription_id": subscription}), 7),
        ("/deliveries/retry".to_owned(), json!({"since": SINCE}), 7),
        ("/deliveries/retry".to_owned(), json!({"until": SINCE}), 0),
        ("/deliveries/cancel".to_owned(), json!({}), 2),
        ("/deliveries/cancel".to_owned(), json!({"status": ["retrying"]}), 0),
        (format!("/subscriptions/{subscription}/replay"), json!({"since": SINCE}), 12),
        (format!("/subscriptions/{subscription}/replay"), json!({"since": SINCE, "status": ["delivered"]}), 5),
        (format!("/subscriptions/{subscription}/replay"), json!({"since": SINCE, "event": "b.one"}), 3),
        (format!("/subscriptions/{late}/replay"), json!({"since": SINCE}), 0),
        (format!("/subscriptions/{late}/backfill"), json!({"since": SINCE}), 9),
        (format!("/subscriptions/{subscription}/backfill"), json!({"since": SINCE}), 0),
    ] {
        let mut dry = body.clone();
        dry["dry_run"] = json!(true);
        let counted = api.post(&path, &dry).await.ok(200);
        assert_eq!(counted, json!({"total": want, "is_total_exact": true}), "{path} {body}");
    }
    assert_eq!(tally(&serving.world).await, before);
    assert_eq!(serving.world.count("SELECT count(*) FROM posthorn.jobs").await, 0);
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_refused_rule_by_rule() {
    let serving = api_alone().await;
    let (_, api) = serving.tenant("a").await;
    let subscription = id_of(&api.subscribe("https://receiver.example/", "*").await);
    let wrong = json!({"status": ["sending"], "event": "x", "error_kind": "bad luck", "status_code": 7, "since": "soon",
        "until": "later", "dry_run": "yes", "subscription_id": "me", "extra": 1});
    assert_eq!(api.post("/deliveries/retry", &wrong).await.rules().len(), 9);
    for (path, body) in [
        ("/deliveries/retry".to_owned(), json!({"status": []})),
        ("/deliveries/retry".to_owned(), json!({"status": ["delivered"]})),
        ("/deliveries/retry".to_owned(), json!({"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"})),
        ("/deliveries/cancel".to_owned(), json!({"status": ["failed"]})),
        (format!("/subscriptions/{subscription}/replay"), json!({})),
        (format!("/subscriptions/{subscription}/replay"), json!({"since": SINCE, "status": ["pending"]})),
        (format!("/subscriptions/{subscription}/backfill"), json!({"since": SINCE, "event": "a.b"})),
    ] {
        assert_eq!(api.post(&path, &body).await.rules().len(), 1, "{path} {body}");
    }
    let off = json!({"url": "https://receiver.example/off", "event": "*", "active": false});
    let off = id_of(&api.post("/subscriptions", &off).await.ok(201));
    for verb in ["replay", "backfill"] {
        let path = format!("/subscriptions/{off}/{verb}");
        api.post(&path, &json!({"since": SINCE})).await.problem(409, "conflict");
        let path = format!("/subscriptions/{}/{verb}", Uuid::now_v7());
        api.post(&path, &json!({"since": SINCE})).await.problem(404, "not-found");
    }
    api.post("/deliveries/retry", &json!({"subscription_id": Uuid::now_v7()})).await.problem(404, "not-found");
    assert_eq!(serving.world.count("SELECT count(*) FROM posthorn.jobs").await, 0);
}

#[tokio::test]
async fn a_retry_by_filter_sends_what_it_names_and_nothing_else() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let receiver = Receiver::start(|path, nth| match (path, nth) {
        ("/in", 0..6) => Answer::status(404),
        _ => Answer::status(200),
    });
    let subscription = id_of(&api.subscribe(&receiver.url("/in"), "a.*").await);
    for event in ["a.one", "a.one", "a.one", "a.two", "a.two", "a.two"] {
        api.publish(event, json!({})).await;
    }
    serving.world.until_status("failed", 6).await;
    let asked =
        json!({"event": "a.one", "status_code": 404, "error_kind": "client_error", "subscription_id": subscription});
    let job = made(&api, &api.post("/deliveries/retry", &asked).await).await;
    assert_eq!((&job["kind"], &job["total"], &job["is_total_exact"]), (&json!("retry"), &json!(3), &json!(true)));
    assert_eq!(job["filter"]["statuses"], json!(["failed", "abandoned"]));
    let done = until_state(&api, &id_of(&job), "done").await;
    assert_eq!((&done["changed"], &done["skipped"], &done["processed"]), (&json!(3), &json!(0), &json!(3)));
    assert!(done["started_at"].is_string() && done["finished_at"].is_string(), "{done}");
    serving.world.until_status("delivered", 3).await;
    assert_eq!(tally(&serving.world).await, counts([("delivered 1", 3), ("failed 0", 3)]));
    assert_eq!(receiver.requests().len(), 9);
}

#[tokio::test]
async fn a_replay_sends_delivered_ones_again_as_a_new_generation_with_the_same_id() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(200));
    let subscription = id_of(&api.subscribe(&receiver.url("/in"), "a.*").await);
    api.subscribe(&receiver.url("/other"), "a.*").await;
    let mut events = Vec::new();
    for n in 0..4 {
        events.push(api.publish("a.b", json!({"n": n})).await);
    }
    serving.world.until_status("delivered", 8).await;
    let second = api.get(&format!("/events/{}", events[1])).await.ok(200)["created_at"].clone();
    let path = format!("/subscriptions/{subscription}/replay");
    let job = made(&api, &api.post(&path, &json!({"since": second})).await).await;
    assert_eq!((&job["subscription_id"], &job["total"]), (&json!(subscription), &json!(3)));
    until_state(&api, &id_of(&job), "done").await;
    let requests = receiver.wait_for(11, SOON).await;
    serving.world.until_status("delivered", 8).await;
    for (nth, event) in events.iter().enumerate() {
        let sent: Vec<_> =
            requests.iter().filter(|r| r.path == "/in" && r.headers["webhook-id"] == event.as_str()).collect();
        assert_eq!(sent.len(), if nth == 0 { 1 } else { 2 }, "{event}");
        assert!(sent.iter().all(|request| request.body == sent[0].body));
        let page = api.get(&format!("/subscriptions/{subscription}/deliveries?event=a.b")).await.ok(200);
        let row = page["data"].as_array().unwrap().iter().find(|row| row["event_id"] == event.as_str()).unwrap();
        assert_eq!((&row["generation"], &row["attempts"]), (&json!(i32::from(nth > 0)), &json!(1)), "{row}");
    }
    assert_eq!(receiver.requests().iter().filter(|request| request.path == "/other").count(), 4);
}

#[tokio::test]
async fn killed_half_way_a_job_finishes_elsewhere_and_does_nothing_twice() {
    let serving = api_alone().await;
    let world = &serving.world;
    let (tenant, api) = serving.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(200));
    let subscription = world.subscribe(tenant, &receiver.url("/in"), &["*"]).await;
    world.publish_many(tenant, "a.b", 300).await;
    finish(world, "a.b", "delivered", 200, None).await;
    let slow = [("POSTHORN_JOB_ROWS_PER_SECOND", "40")];
    let first = world.dispatch_binary(&slow).await;
    let replay = api.post(&format!("/subscriptions/{subscription}/replay"), &json!({"since": SINCE})).await;
    let job = id_of(&made(&api, &replay).await);
    let path = format!("/jobs/{job}");
    eventually("it is under way", SOON, async || api.get(&path).await.ok(200)["changed"].as_i64() > Some(40)).await;
    first.kill().await;
    let half = api.get(&path).await.ok(200);
    assert_eq!(half["state"], "running", "{half}");
    assert!(half["changed"].as_i64() < Some(300), "{half}");
    assert_eq!(
        world.count("SELECT count(*) FROM posthorn.webhook_deliveries WHERE generation = 1").await,
        half["changed"]
    );

    expire_leases(world).await;
    let _second = world.dispatch_binary(&[]).await;
    let done = until_state(&api, &job, "done").await;
    assert_eq!((&done["changed"], &done["skipped"], &done["total"]), (&json!(300), &json!(0), &json!(300)));
    eventually("all is sent", SOON, async || tally(world).await == counts([("delivered 1", 300)])).await;
}

#[tokio::test]
async fn a_cancelled_job_stops_and_what_it_did_stays() {
    let serving = Serving::with(&[("POSTHORN_JOB_ROWS_PER_SECOND", "10")]).await;
    let (tenant, api) = serving.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(200));
    let subscription = serving.world.subscribe(tenant, &receiver.url("/in"), &["*"]).await;
    serving.world.publish_many(tenant, "a.b", 200).await;
    serving.world.until_status("delivered", 200).await;
    let replay = api.post(&format!("/subscriptions/{subscription}/replay"), &json!({"since": SINCE})).await;
    let job = id_of(&made(&api, &replay).await);
    let path = format!("/jobs/{job}");
    eventually("it is under way", SOON, async || api.get(&path).await.ok(200)["changed"].as_i64() > Some(0)).await;
    for _ in 0..2 {
        assert_eq!(api.act(&format!("{path}/cancel")).await.ok(200)["state"], "cancelled");
    }
    let cancelled = api.get(&path).await.ok(200);
    let changed = cancelled["changed"].as_i64().unwrap();
    assert!((10..200).contains(&changed), "{cancelled}");
    serving.world.until_status("delivered", 200).await;
    assert_eq!(tally(&serving.world).await, counts([("delivered 0", 200 - changed), ("delivered 1", changed)]));

    let other = api.post("/deliveries/retry", &json!({})).await;
    let other = id_of(&made(&api, &other).await);
    until_state(&api, &other, "done").await;
    api.act(&format!("/jobs/{other}/cancel")).await.problem(409, "conflict");
    api.act(&format!("/jobs/{}/cancel", Uuid::now_v7())).await.problem(404, "not-found");
}

#[tokio::test]
async fn a_job_keeps_its_pace() {
    let serving = Serving::with(&[("POSTHORN_JOB_ROWS_PER_SECOND", "20")]).await;
    let (tenant, api) = serving.tenant("a").await;
    serving.world.subscribe(tenant, "https://receiver.example/", &["*"]).await;
    let later = "INSERT INTO posthorn.outbox (tenant_id, event, payload, deliver_after)
                 SELECT $1, 'a.b', '{}', now() + interval '1 day' FROM generate_series(1, 70)";
    serving.world.db.execute(later, &[&tenant]).await.unwrap();
    let job = id_of(&made(&api, &api.post("/deliveries/cancel", &json!({})).await).await);
    until_state(&api, &job, "done").await;
    // four chunks, and a second after each of the first three
    let took =
        format!("SELECT extract(epoch FROM finished_at - started_at) >= 2.9 FROM posthorn.jobs WHERE id = '{job}'");
    assert!(serving.world.db.query_one(&took, &[]).await.unwrap().get::<_, bool>(0));
    assert_eq!(tally(&serving.world).await, counts([("cancelled 0", 70)]));
}

#[tokio::test]
async fn a_backfill_asked_twice_delivers_once() {
    let serving = Serving::start().await;
    let (tenant, api) = serving.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(200));
    let world = &serving.world;
    world.publish_many(tenant, "a.b", 600).await;
    world.publish_many(tenant, "b.c", 20).await;
    let mute = "BEGIN; SET LOCAL posthorn.mute = on;
                INSERT INTO posthorn.outbox (tenant_id, event, payload) VALUES ('TENANT', 'a.b', '{\"n\": 500}'); COMMIT";
    world.db.batch_execute(&mute.replace("TENANT", &tenant.to_string())).await.unwrap();
    let body = json!({"url": receiver.url("/in"), "events": ["a.*"], "filter": "$.n > 100"});
    let subscription = id_of(&api.post("/subscriptions", &body).await.ok(201));
    // one has its delivery, not yet sent
    let event: Uuid =
        world.db.query_one("SELECT id FROM posthorn.outbox WHERE payload @@ '$.n == 300'", &[]).await.unwrap().get(0);
    let give = "INSERT INTO posthorn.webhook_deliveries (tenant_id, subscription_id, event_id, event, due_at)
                VALUES ($1, $2, $3, 'a.b', now() + interval '1 day')";
    world.db.execute(give, &[&tenant, &subscription.parse::<Uuid>().unwrap(), &event]).await.unwrap();

    let path = format!("/subscriptions/{subscription}/backfill");
    let asked = json!({"since": SINCE});
    let (one, two) = tokio::join!(api.post(&path, &asked), api.post(&path, &asked));
    let (one, two) = (made(&api, &one).await, made(&api, &two).await);
    let (one, two) = (until_state(&api, &id_of(&one), "done").await, until_state(&api, &id_of(&two), "done").await);
    assert_eq!(one["changed"].as_i64().unwrap() + two["changed"].as_i64().unwrap(), 499, "{one} {two}");
    receiver.wait_for(499, SOON).await;
    world.until_status("delivered", 499).await;
    // and when all is finished
    let third = made(&api, &api.post(&path, &asked).await).await;
    let third = until_state(&api, &id_of(&third), "done").await;
    assert_eq!((&third["total"], &third["changed"], &third["skipped"]), (&json!(0), &json!(0), &json!(500)));
    assert_eq!(world.count("SELECT count(*) FROM posthorn.webhook_deliveries").await, 500);
    let twice =
        "SELECT count(*) FROM (SELECT FROM posthorn.webhook_deliveries GROUP BY event_id HAVING count(*) > 1) t";
    assert_eq!(world.count(twice).await, 0);
    assert_eq!(receiver.requests().len(), 499);
}

#[tokio::test]
async fn a_backfill_killed_half_way_leaves_nothing_out() {
    let serving = api_alone().await;
    let world = &serving.world;
    let (tenant, api) = serving.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(200));
    let insert = "INSERT INTO posthorn.outbox (tenant_id, event, payload, ordering_key)
                  SELECT $1, 'a.b', jsonb_build_object('n', n), 'k' FROM generate_series($2, $2 + 14) AS n";
    for first in [0, 15, 30, 45] {
        world.db.execute(insert, &[&tenant, &first]).await.unwrap();
    }
    let subscription = world.subscribe(tenant, &receiver.url("/in"), &["*"]).await;
    world.change(subscription, "ordered = true").await;
    let first = world.dispatch_binary(&[("POSTHORN_JOB_ROWS_PER_SECOND", "25")]).await;
    let backfill = api.post(&format!("/subscriptions/{subscription}/backfill"), &json!({"since": SINCE})).await;
    let job = id_of(&made(&api, &backfill).await);
    let path = format!("/jobs/{job}");
    eventually("it is under way", SOON, async || api.get(&path).await.ok(200)["changed"].as_i64() > Some(0)).await;
    first.kill().await;
    assert_eq!(api.get(&path).await.ok(200)["state"], "running");
    expire_leases(world).await;
    let _second = world.dispatch_binary(&[]).await;
    let done = until_state(&api, &job, "done").await;
    assert_eq!((&done["changed"], &done["skipped"]), (&json!(60), &json!(0)));
    eventually("all is sent", 3 * SOON, async || tally(world).await == counts([("delivered 0", 60)])).await;
    let mut order: Vec<i64> = receiver
        .requests()
        .iter()
        .map(|request| serde_json::from_slice::<Value>(&request.body).unwrap()["data"]["n"].as_i64().unwrap())
        .collect();
    // what was under way when it was killed is sent again
    order.dedup();
    assert_eq!(order, (0..60).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_backfill_waits_for_publishers_that_did_not_see_the_subscription() {
    let serving = Serving::start().await;
    let (tenant, api) = serving.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(200));
    let publisher = serving.world.client().await;
    let publish = format!("BEGIN; SELECT posthorn.publish('{tenant}', 'a.b', '{{}}')");
    publisher.batch_execute(&publish).await.unwrap();
    let subscription = id_of(&api.subscribe(&receiver.url("/in"), "*").await);
    let backfill = api.post(&format!("/subscriptions/{subscription}/backfill"), &json!({"since": SINCE})).await;
    let job = made(&api, &backfill).await;
    // one that began later is not waited for, nor does it keep other jobs waiting
    let later = serving.world.client().await;
    later.batch_execute(&publish).await.unwrap();
    let other = id_of(&made(&api, &api.post("/deliveries/retry", &json!({})).await).await);
    until_state(&api, &other, "done").await;
    assert_eq!(api.get(&format!("/jobs/{}", id_of(&job))).await.ok(200)["state"], "waiting");
    publisher.batch_execute("COMMIT").await.unwrap();
    let done = until_state(&api, &id_of(&job), "done").await;
    assert_eq!((&done["total"], &done["changed"]), (&json!(0), &json!(1)), "{done}");
    later.batch_execute("COMMIT").await.unwrap();
    receiver.wait_for(2, SOON).await;
    serving.world.until_status("delivered", 2).await;
}

#[tokio::test]
async fn a_backfill_and_a_fan_out_that_is_still_open_make_one_delivery() {
    let serving = api_alone().await;
    let world = &serving.world;
    let (tenant, api) = serving.tenant("a").await;
    let dear = world.subscribe_filtered(tenant, "exists($.** ? (@ >= 1))").await;
    for _ in 0..60 {
        world.publish_many(tenant, "a.b", 1).await;
    }
    assert_eq!(world.count("SELECT count(*) FROM posthorn.event_fanouts WHERE state = 'open'").await, 60);
    let backfill = api.post(&format!("/subscriptions/{dear}/backfill"), &json!({"since": SINCE})).await;
    let job = id_of(&made(&api, &backfill).await);
    let dispatching = (world.dispatch(&[]).await, world.dispatch(&[]).await);
    let done = until_state(&api, &job, "done").await;
    world.until("SELECT NOT EXISTS (SELECT FROM posthorn.event_fanouts)").await;
    dispatching.0.stop().await;
    dispatching.1.stop().await;
    assert_eq!(done["processed"], 60, "{done}");
    let each = "SELECT count(*) FROM (SELECT FROM posthorn.webhook_deliveries GROUP BY event_id HAVING count(*) = 1) t";
    assert_eq!(
        (world.count(each).await, world.count("SELECT count(*) FROM posthorn.webhook_deliveries").await),
        (60, 60)
    );
}

#[tokio::test]
async fn a_tenant_has_three_unfinished_jobs_at_most() {
    let serving = api_alone().await;
    let ((_, a), (_, b)) = (serving.tenant("a").await, serving.tenant("b").await);
    let mut jobs = Vec::new();
    for _ in 0..3 {
        jobs.push(id_of(&made(&a, &a.post("/deliveries/retry", &json!({})).await).await));
    }
    a.post("/deliveries/cancel", &json!({})).await.problem(409, "conflict");
    made(&b, &b.post("/deliveries/retry", &json!({})).await).await;
    a.act(&format!("/jobs/{}/cancel", jobs[0])).await.ok(200);
    jobs.push(id_of(&made(&a, &a.post("/deliveries/cancel", &json!({})).await).await));
    a.post("/deliveries/retry", &json!({"dry_run": true})).await.ok(200);

    let of = async |query: &str| -> Vec<String> {
        a.get(&format!("/jobs?{query}")).await.ok(200)["data"].as_array().unwrap().iter().map(id_of).collect()
    };
    jobs.reverse();
    assert_eq!(of("").await, jobs);
    assert_eq!(of("state=WAITING").await, jobs[..3]);
    assert_eq!(of("state=cancelled").await, jobs[3..]);
    assert_eq!(of("kind=cancel").await, jobs[..1]);
    let page = a.get("/jobs?limit=3").await.ok(200);
    let cursor = page["next_cursor"].as_str().unwrap();
    assert_eq!(of(&format!("limit=3&cursor={cursor}")).await, jobs[3..]);
    assert_eq!(a.get("/jobs?state=lost&kind=x&cursor=y").await.rules().len(), 3);
}

#[tokio::test]
async fn a_job_is_its_tenants_alone() {
    let serving = api_alone().await;
    let ((tenant_a, a), (tenant_b, b)) = (serving.tenant("a").await, serving.tenant("b").await);
    let world = &serving.world;
    let subscription = world.subscribe(tenant_b, "https://receiver.example/b", &["*"]).await;
    for tenant in [tenant_a, tenant_b] {
        world.publish_many(tenant, "a.b", 5).await;
    }
    finish(world, "a.b", "failed", 500, Some("server_error")).await;
    let job = id_of(&made(&b, &b.post("/deliveries/retry", &json!({})).await).await);
    assert_eq!(a.get("/jobs").await.ok(200)["data"], json!([]));
    a.get(&format!("/jobs/{job}")).await.problem(404, "not-found");
    a.act(&format!("/jobs/{job}/cancel")).await.problem(404, "not-found");
    for verb in ["replay", "backfill"] {
        a.post(&format!("/subscriptions/{subscription}/{verb}"), &json!({"since": SINCE}))
            .await
            .problem(404, "not-found");
    }
    a.post("/deliveries/retry", &json!({"subscription_id": subscription})).await.problem(404, "not-found");
    let counted = a.post("/deliveries/retry", &json!({"dry_run": true})).await.ok(200);
    assert_eq!(counted["total"], 0);
    assert_eq!(b.get(&format!("/jobs/{job}")).await.ok(200)["state"], "waiting");

    let sql = world.client_of(tenant_a).await;
    let seen: i64 = sql.query_one("SELECT count(*) FROM posthorn.jobs", &[]).await.unwrap().get(0);
    let changed = sql.execute("UPDATE posthorn.jobs SET state = 'cancelled', finished_at = now()", &[]).await.unwrap();
    assert_eq!((seen, changed), (0, 0));
    let forge = "INSERT INTO posthorn.jobs (tenant_id, kind, total, is_total_exact, position, before_id)
                 VALUES ($1, 'cancel', 0, true, $1, $1)";
    assert!(sql.execute(forge, &[&tenant_b]).await.is_err());

    // a's own job touches nothing of b's
    let own = id_of(&made(&a, &a.post("/deliveries/retry", &json!({})).await).await);
    b.act(&format!("/jobs/{job}/cancel")).await.ok(200);
    let dispatching = world.dispatch(&[]).await;
    until_state(&a, &own, "done").await;
    dispatching.stop().await;
    assert_eq!(tally(world).await, counts([("failed 0", 5)]));
}

#[tokio::test]
async fn what_nobody_would_receive_is_passed_over() {
    let serving = Serving::start().await;
    let (tenant, api) = serving.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(200));
    let (on, off) = (
        serving.world.subscribe(tenant, &receiver.url("/on"), &["*"]).await,
        serving.world.subscribe(tenant, &receiver.url("/off"), &["*"]).await,
    );
    serving.world.publish_many(tenant, "a.b", 3).await;
    serving.world.until_status("delivered", 6).await;
    let fail = "UPDATE posthorn.webhook_deliveries SET status = 'failed'";
    serving.world.db.execute(fail, &[]).await.unwrap();
    serving.world.change(off, "status = 'inactive'").await;
    let job = id_of(&made(&api, &api.post("/deliveries/retry", &json!({})).await).await);
    let done = until_state(&api, &job, "done").await;
    assert_eq!((&done["total"], &done["changed"], &done["skipped"]), (&json!(6), &json!(3), &json!(3)));
    serving.world.until_status("delivered", 3).await;
    let of_on = api.get(&format!("/subscriptions/{on}/deliveries?status=delivered")).await.ok(200);
    assert_eq!(of_on["data"].as_array().unwrap().len(), 3);
}
