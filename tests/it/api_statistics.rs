//! Statistics over HTTP: figures are what the receiver saw, whoever sent; they survive folding, pruning and crashes; and they
//! are read from the roll-up alone (F9, F10).

use std::time::Duration;

use posthorn::store::{StoreRole, statistics};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::api::id_of;
use crate::harness::{Answer, Api, Receiver, SOON, Serving, World, eventually};

/// Waits until the totals have so many attempts, and answers with everything.
async fn with_attempts(api: &Api, path: &str, attempts: i64) -> Value {
    eventually(&format!("{attempts} attempts in {path}"), SOON * 2, async || {
        api.get(path).await.ok(200)["totals"]["attempts"] == attempts
    })
    .await;
    api.get(path).await.ok(200)
}

fn sum(rows: &Value, field: &str) -> i64 {
    rows.as_array().unwrap().iter().map(|row| row[field].as_i64().unwrap()).sum()
}

/// Folds everything that was recorded.
async fn fold(world: &World) {
    let store = world.store(StoreRole::Dispatcher);
    loop {
        let folded = statistics::fold(&store, 10_000).await.unwrap();
        if folded.tallies == 0 {
            break;
        }
    }
}

#[tokio::test]
async fn figures_are_what_the_receiver_saw() {
    let serving = Serving::with(&[("WEBHOOK_RETRY_SCHEDULE", "50ms")]).await;
    let (_, api) = serving.tenant("a").await;
    let receiver = Receiver::start(|path, _| match path {
        "/good" => Answer::status(204).after(Duration::from_millis(20)),
        "/gone" => Answer::status(404),
        _ => Answer::status(503),
    });
    let good = id_of(&api.subscribe(&receiver.url("/good"), "invoice.*").await);
    let gone = id_of(&api.subscribe(&receiver.url("/gone"), "invoice.paid").await);
    let down = id_of(&api.subscribe(&receiver.url("/down"), "invoice.created").await);
    for n in 0..3 {
        api.publish("invoice.paid", json!({"n": n})).await;
    }
    api.publish("invoice.created", json!({})).await;
    // 4 to good, 3 to gone, 1 and its retry to down
    let requests = receiver.wait_for(9, SOON).await;
    let all = with_attempts(&api, "/statistics", 9).await;
    let totals = &all["totals"];
    for (field, want) in [("attempts", 9), ("delivered", 4), ("failed", 3), ("retried", 1), ("abandoned", 1)] {
        assert_eq!(totals[field], want, "{field} of {totals}");
    }
    assert_eq!((requests.len(), &totals["success_rate"]), (9, &json!(0.5)));
    assert_eq!(
        all["errors"],
        json!([{"error_kind": "client_error", "failures": 3}, {"error_kind": "server_error", "failures": 2}])
    );
    let of = |rows: &str, key: &str, value: &str| {
        let rows = all[rows].as_array().unwrap().clone();
        rows.into_iter().find(|row| row[key] == value).unwrap_or_else(|| panic!("no {value}: {all}"))
    };
    assert_eq!(of("by_event", "event", "invoice.paid")["attempts"], 6);
    assert_eq!(of("by_event", "event", "invoice.created")["attempts"], 3);
    for (subscription, attempts, rate) in [(&good, 4, json!(1.0)), (&gone, 3, json!(0.0)), (&down, 2, json!(0.0))] {
        let row = of("by_subscription", "subscription_id", subscription);
        assert_eq!((&row["attempts"], &row["success_rate"]), (&json!(attempts), &rate), "{row}");
    }
    let duration = &of("by_subscription", "subscription_id", &good)["duration_ms"];
    for percentile in ["p50", "p95", "p99", "average", "max"] {
        let value = duration[percentile].as_f64().unwrap();
        assert!((10.0..5_000.0).contains(&value), "{percentile} of {duration}");
    }
    assert!(totals["delay_ms"]["p99"].as_f64().unwrap() >= totals["delay_ms"]["p50"].as_f64().unwrap(), "{totals}");

    let only = with_attempts(&api, &format!("/statistics?subscription_id={good}&event=invoice.paid"), 3).await;
    assert_eq!((&only["totals"]["delivered"], &only["errors"]), (&json!(3), &json!([])));
    for bucket in ["minute", "hour", "day"] {
        let series = api.get(&format!("/statistics/series?bucket={bucket}")).await.ok(200);
        assert_eq!((sum(&series["data"], "attempts"), sum(&series["data"], "delivered")), (9, 4), "{bucket}");
        assert!(series["data"].as_array().unwrap().len() >= 24, "zero-filled: {bucket}");
        assert_eq!(series["data"][0]["starts_at"], series["since"]);
    }
    let stats = api.get(&format!("/subscriptions/{down}/stats")).await.ok(200);
    assert_eq!((&stats["totals"]["attempts"], &stats["waiting"]), (&json!(2), &json!(0)), "{stats}");
    assert_eq!(stats["last_failure"]["status_code"], 503, "{stats}");
    assert_eq!(stats["health"]["state"], "degraded", "{stats}");
    assert!(stats["health"]["reason"].as_str().unwrap().contains("2 of 2 attempts failed"), "{stats}");
}

#[tokio::test]
async fn several_dispatchers_add_up() {
    let serving = Serving::start().await;
    let (tenant, api) = serving.tenant("a").await;
    let receiver = Receiver::start(|_, nth| Answer::status(if nth % 10 == 9 { 404 } else { 204 }));
    for n in 0..5 {
        let subscription = api.subscribe(&receiver.url(&format!("/{n}")), "*").await;
        let id: Uuid = id_of(&subscription).parse().unwrap();
        serving.world.change(id, "circuit_failures = 0").await;
    }
    let (one, two) = (serving.world.dispatch(&[]).await, serving.world.dispatch(&[]).await);
    for _ in 0..10 {
        serving.world.publish_many(tenant, "invoice.paid", 40).await;
    }
    receiver.wait_for(2000, SOON * 3).await;
    let all = with_attempts(&api, "/statistics", 2000).await;
    let totals = &all["totals"];
    assert_eq!(
        (&totals["delivered"], &totals["failed"], &totals["retried"]),
        (&json!(1800), &json!(200), &json!(0)),
        "{totals}"
    );
    assert_eq!(sum(&all["by_subscription"], "attempts"), 2000);
    let attempts = "SELECT count(*) FROM posthorn.webhook_attempts";
    assert_eq!(serving.world.count(attempts).await, 2000);
    let counted = "SELECT sum(d)::bigint FROM posthorn.delivery_statistics s, unnest(s.durations) d WHERE s.resolution = 'hour' AND s.event = '*' AND s.subscription_id = '00000000-0000-0000-0000-000000000000'";
    assert_eq!(serving.world.count(counted).await, 2000, "every attempt is in one bucket");
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn a_result_is_counted_once_however_often_it_is_written_and_whoever_dies() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(204));
    world.subscribe(tenant, &receiver.url("/in"), &["*"]).await;
    let first = world.dispatch_binary(&[]).await;
    world.publish_many(tenant, "invoice.paid", 300).await;
    receiver.wait_for(50, SOON).await;
    first.kill().await;
    world.expire_leases().await;
    let second = world.dispatch_binary(&[]).await;
    world.until_status("delivered", 300).await;
    world
        .until("SELECT coalesce(sum(delivered), 0) = 300 FROM posthorn.delivery_statistics WHERE resolution = 'minute' AND event <> '*' AND subscription_id > '00000000-0000-0000-0000-000000000000'")
        .await;
    drop(second);
    world.until("SELECT NOT EXISTS (SELECT FROM posthorn.delivery_tallies)").await;
    assert_eq!(
        world.count("SELECT sum(delivered)::bigint FROM posthorn.delivery_statistics WHERE resolution = 'day' AND event = '*' AND subscription_id = '00000000-0000-0000-0000-000000000000'").await,
        300
    );
}

/// Tallies of a subscription over three hours: one a minute.
async fn leave_tallies(world: &World, tenant: Uuid, subscription: Uuid) {
    let sql = "INSERT INTO posthorn.delivery_tallies (recorded_at, tenant_id, subscription_id, event, delivered, failed, durations,
                   delays, error_kinds)
               SELECT now() - make_interval(mins => n), $1, $2, 'invoice.paid', 2, 1, ARRAY[n, 2 * n, 3], '{10,20}', '{timeout}'
               FROM generate_series(1, 180) n";
    world.db.execute(sql, &[&tenant, &subscription]).await.unwrap();
}

#[tokio::test]
async fn minutes_hours_and_days_hold_the_same_and_go_one_after_the_other() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let subscription = world.subscribe(tenant, "https://receiver.example/", &["*"]).await;
    leave_tallies(&world, tenant, subscription).await;
    fold(&world).await;
    leave_tallies(&world, tenant, subscription).await;
    fold(&world).await;
    let nil = "'00000000-0000-0000-0000-000000000000'";
    // of each subscription and event, of each subscription, of each event, of all
    let kinds = [(">", "<>"), (">", "="), ("=", "<>"), ("=", "=")];
    let kinds = kinds.map(|(of, event)| format!("subscription_id {of} {nil} AND event {event} '*'"));
    let all =
        ["minute", "hour", "day"].into_iter().flat_map(|resolution| kinds.iter().map(move |rows| (resolution, rows)));
    for (resolution, rows) in all {
        let sql = format!(
            "SELECT sum(attempts)::bigint, sum(delivered)::bigint, sum(failed)::bigint, sum(duration_sum_ms)::bigint, max(duration_max_ms),
                 sum(delay_sum_ms)::bigint, sum(durations[4])::bigint,
                 (SELECT sum(failures)::bigint FROM posthorn.delivery_errors WHERE resolution = '{resolution}' AND {rows})
             FROM posthorn.delivery_statistics WHERE resolution = '{resolution}' AND {rows}"
        );
        let row = world.db.query_one(&sql, &[]).await.unwrap();
        let figures: Vec<i64> = [0, 1, 2, 3, 5, 6, 7].map(|n| row.get::<_, i64>(n)).into();
        // twice 180 minutes: n + 2n + 3 each; 3 and 4 ms are in the fourth bucket: the 3 of each minute, n of 3 and 4, 2n of 2
        assert_eq!(
            figures,
            [1080, 720, 360, 2 * (3 * 180 * 181 / 2 + 540), 2 * 180 * 30, 2 * (180 + 2 + 1), 360],
            "{resolution}"
        );
        assert_eq!(row.get::<_, i32>(4), 360, "{resolution}");
    }
    let rows = async |resolution: &str| {
        world
            .count(&format!("SELECT count(*) FROM posthorn.delivery_statistics WHERE resolution = '{resolution}' AND event <> '*' AND subscription_id > {nil}"))
            .await
    };
    // a minute may have begun between the two
    assert!((180..=181).contains(&rows("minute").await));
    let store = world.store(StoreRole::Dispatcher);
    let age = async |interval: &str| {
        let sql = format!(
            "UPDATE posthorn.delivery_statistics SET starts_at = starts_at - interval '{interval}';
             UPDATE posthorn.delivery_errors SET starts_at = starts_at - interval '{interval}'"
        );
        world.db.batch_execute(&sql).await.unwrap();
        while statistics::prune(&store, 50).await.unwrap() > 0 {}
    };
    age("2 days").await;
    assert_eq!(rows("minute").await, 0, "after two days minutes go");
    assert!(rows("hour").await >= 3 && rows("day").await >= 1);
    age("90 days").await;
    assert!(rows("hour").await == 0 && rows("day").await >= 1, "then hours");
    age("2 years").await;
    assert_eq!(rows("day").await, 0, "and then days");
    assert_eq!(world.count("SELECT count(*) FROM posthorn.delivery_errors").await, 0);
}

#[tokio::test]
async fn one_folds_at_a_time_and_recording_waits_for_nobody() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let subscription = world.subscribe(tenant, "https://receiver.example/", &["*"]).await;
    leave_tallies(&world, tenant, subscription).await;
    let mut folding = world.client_as("posthorn_dispatcher").await;
    let transaction = folding.transaction().await.unwrap();
    transaction.execute("SELECT posthorn.fold_tallies(10000)", &[]).await.unwrap();
    let store = world.store(StoreRole::Dispatcher);
    assert_eq!(statistics::fold(&store, 10_000).await.unwrap().tallies, 0, "another does it");
    leave_tallies(&world, tenant, subscription).await;
    transaction.rollback().await.unwrap();
    fold(&world).await;
    assert_eq!(
        world.count("SELECT sum(delivered)::bigint FROM posthorn.delivery_statistics WHERE resolution = 'day' AND event = '*' AND subscription_id = '00000000-0000-0000-0000-000000000000'").await,
        720
    );
}

#[tokio::test]
async fn another_tenant_sees_nothing_of_it() {
    let serving = Serving::start().await;
    let ((tenant, a), (_, b)) = (serving.tenant("a").await, serving.tenant("b").await);
    let receiver = Receiver::start(|_, _| Answer::status(500));
    let subscription = id_of(&a.subscribe(&receiver.url("/in"), "secret.event").await);
    leave_tallies(&serving.world, tenant, subscription.parse().unwrap()).await;
    fold(&serving.world).await;
    assert!(with_attempts(&a, "/statistics", 540).await.to_string().contains(&subscription));
    for path in ["/statistics", &format!("/statistics?subscription_id={subscription}")] {
        let theirs = b.get(path).await;
        assert_eq!(theirs.ok(200)["totals"]["attempts"], 0);
        assert!(
            !theirs.text.contains("invoice.paid") && !theirs.text.contains("by_subscription\":[{"),
            "{}",
            theirs.text
        );
    }
    let series = b.get(&format!("/statistics/series?subscription_id={subscription}")).await.ok(200);
    assert_eq!(sum(&series["data"], "attempts"), 0);
    assert_eq!(b.get("/statistics/health").await.ok(200)["data"], json!([]));
    b.get(&format!("/subscriptions/{subscription}/stats")).await.problem(404, "not-found");
}

#[tokio::test]
async fn health_says_since_when_and_why_and_the_worst_is_first() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let receiver = Receiver::start(|path, _| Answer::status(if path == "/down" { 404 } else { 204 }));
    let subscribe = async |path: &str| id_of(&api.subscribe(&receiver.url(path), "*").await);
    let (well, down, paused, gone) =
        (subscribe("/well").await, subscribe("/down").await, subscribe("/paused").await, subscribe("/gone").await);
    serving.world.change(paused.parse().unwrap(), "status = 'inactive'").await;
    serving
        .world
        .change(gone.parse().unwrap(), "status = 'suspended', status_reason = 'the receiver answered 410 Gone'")
        .await;
    serving.world.change(down.parse().unwrap(), "circuit_failures = 3").await;
    for n in 0..3 {
        api.publish("invoice.paid", json!({"n": n})).await;
    }
    let open = async || {
        let list = api.get("/statistics/health").await.ok(200);
        list["data"].as_array().unwrap().iter().any(|row| row["circuit"] == "open" && row["attempts_last_hour"] == 3)
    };
    eventually("the circuit opens", SOON, open).await;
    let list = api.get("/statistics/health").await.ok(200);
    let rows: Vec<(&str, &str)> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["subscription_id"].as_str().unwrap(), row["state"].as_str().unwrap()))
        .collect();
    let want = [(&gone, "suspended"), (&down, "failing"), (&paused, "paused"), (&well, "healthy")];
    assert_eq!(rows, want.map(|(id, state)| (id.as_str(), state)), "{list}");
    let reason = |n: usize| list["data"][n]["reason"].as_str().unwrap_or("").to_owned();
    assert!(
        reason(0).contains("410") && reason(1).contains("3 failures in a row") && reason(2).contains("disabled"),
        "{list}"
    );
    assert!(list["data"].as_array().unwrap().iter().all(|row| row["since"].is_string()), "{list}");
    assert_eq!(list["data"][3]["reason"], Value::Null);
    let failing = api.get("/statistics/health?state=failing&limit=1").await.ok(200);
    assert_eq!(failing["data"][0]["subscription_id"], json!(down));
    api.get("/statistics/health?state=ill").await.problem(400, "validation");
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = api.get(&format!("/statistics/health?limit=1{cursor}")).await.ok(200);
        paged.extend(page["data"].as_array().unwrap().iter().map(|row| row["subscription_id"].clone()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(paged, want.map(|(id, _)| json!(id)));

    api.publish("invoice.paid", json!({})).await;
    let stats = api.get(&format!("/subscriptions/{down}/stats")).await.ok(200);
    assert_eq!((&stats["waiting"], &stats["waits_for_more"]), (&json!(1), &json!(false)), "{stats}");
    assert!(stats["oldest_due_at"].is_string() && stats["health"]["retry_at"].is_string(), "{stats}");
    assert_eq!(stats["last_failure"]["error_kind"], "client_error");
}

#[tokio::test]
async fn times_that_cannot_be_are_refused() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    for (path, field, rule) in [
        ("/statistics?since=2030-01-02T00:00:00Z&until=2030-01-01T00:00:00Z", "until", "period"),
        ("/statistics?since=2020-01-01T00:00:00Z&until=2030-01-01T00:00:00Z", "since", "period"),
        ("/statistics?since=yesterday", "since", "time"),
        ("/statistics/series?until=2030", "until", "time"),
        ("/statistics/health?cursor=x", "cursor", "cursor_format"),
        ("/statistics?event=nodots", "event", "event_format"),
        ("/statistics?subscription_id=7", "subscription_id", "parameter"),
        ("/statistics?since=9999-12-31T23:59:59-23:59", "since", "time"),
        ("/statistics/series?bucket=second", "bucket", "parameter"),
        (
            "/statistics/series?bucket=minute&since=2030-01-01T00:00:00Z&until=2030-01-03T00:00:00Z",
            "since",
            "too_many_steps",
        ),
        ("/statistics/health?limit=0", "limit", "parameter"),
    ] {
        assert_eq!(api.get(path).await.rules(), [(field.to_owned(), rule.to_owned())], "{path}");
    }
    let rules = api.get("/statistics?since=yesterday&until=1&event=nodots").await.rules();
    assert_eq!(rules.iter().map(|(field, _)| field.as_str()).collect::<Vec<_>>(), ["event", "since", "until"]);
    let of_one = format!("/subscriptions/{}/stats", Uuid::now_v7());
    assert_eq!(api.get(&format!("{of_one}?since=x")).await.rules(), [("since".to_owned(), "time".to_owned())]);
    api.get(&of_one).await.problem(404, "not-found");
    serving.assert_alive().await;
}

#[tokio::test]
async fn statistics_are_read_from_the_roll_up_alone() {
    let world = World::new().await;
    for name in ["totals", "series", "errors", "health", "health_of"] {
        let sql = posthorn::store::sql::ALL.iter().find(|sql| sql.name == format!("statistics/{name}")).unwrap();
        let client = world.client_of(Uuid::now_v7()).await;
        let parameters = client.prepare(sql.text).await.unwrap().params().len();
        client
            .batch_execute(&format!("SET plan_cache_mode = force_generic_plan; PREPARE law AS {}", sql.text))
            .await
            .unwrap();
        let explain = format!("EXPLAIN EXECUTE law({})", vec!["NULL"; parameters].join(", "));
        let lines = client.query(&explain, &[]).await.unwrap();
        let plan: Vec<String> = lines.iter().map(|row| row.get(0)).collect();
        let plan = plan.join("\n");
        for table in ["webhook_deliveries", "webhook_attempts", "outbox"] {
            assert!(!plan.contains(table), "{name} reads {table}:\n{plan}");
        }
    }
}
