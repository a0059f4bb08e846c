//! Looking: deliveries and events by everything they can be found by, and what a search may cost.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::api::id_of;
use crate::harness::{Answer, Api, Receiver, SOON, Serving};

fn ids(page: &Value) -> Vec<String> {
    page["data"].as_array().unwrap().iter().map(id_of).collect()
}

/// Every row of a list, by following its cursors. Panics when it has more than `most` pages.
async fn follow(api: &Api, path: &str, most: usize) -> Vec<Value> {
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    for _ in 0..most {
        let page = api.get(&format!("{path}{cursor}")).await.ok(200);
        rows.extend(page["data"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return rows,
        }
    }
    panic!("{path} has more than {most} pages");
}

/// A query parameter's value, as a URL has it.
fn quoted(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Publishes with what it is about; answers with the event's id.
async fn publish_about(api: &Api, event: &str, kind: &str, id: &str, payload: Value) -> String {
    let body = json!({"event": event, "payload": payload, "resource_type": kind, "resource_id": id});
    id_of(&api.post("/events", &body).await.ok(201))
}

#[tokio::test]
async fn each_filter_shows_what_is_asked_for_and_nothing_else() {
    let serving = Serving::with(&[("WEBHOOK_RETRY_SCHEDULE", "1h"), ("WEBHOOK_TIMEOUT_SECONDS", "1")]).await;
    let (_, api) = serving.tenant("a").await;
    let receiver = Receiver::start(|path, _| match path {
        "/ok" => Answer::status(200),
        "/busy" => Answer::status(503),
        "/slow" => Answer::status(200).after(Duration::from_secs(30)),
        _ => Answer::status(404),
    });
    let (mut made, mut events, mut subscriptions) = (Vec::new(), Vec::new(), Vec::new());
    for (nth, (path, event, status)) in [
        ("/ok", "a.one", "delivered"),
        ("/busy", "a.two", "retrying"),
        ("/never", "a.three", "failed"),
        ("/slow", "a.four", "retrying"),
    ]
    .into_iter()
    .enumerate()
    {
        subscriptions.push(id_of(&api.subscribe(&receiver.url(path), event).await));
        let kind = if nth == 0 { "invoice" } else { "order" };
        events.push(
            publish_about(&api, event, kind, &nth.to_string(), json!({"n": nth, "of": {"deep": nth * 10}})).await,
        );
        made.push(api.delivery_of(events.last().unwrap()).await);
        api.wait_for_status(made.last().unwrap(), status).await;
    }
    let times: Vec<String> = {
        let page = api.get("/deliveries").await.ok(200);
        page["data"].as_array().unwrap().iter().rev().map(|row| quoted(row["created_at"].as_str().unwrap())).collect()
    };
    for (query, want) in [
        ("error_kind=server_error".to_owned(), &[1][..]),
        ("error_kind=Timeout".to_owned(), &[3]),
        ("error_kind=tls".to_owned(), &[]),
        ("status_code=404".to_owned(), &[2]),
        ("status_code=200".to_owned(), &[0]),
        ("status_code=418".to_owned(), &[]),
        ("status_code=503&status=failed".to_owned(), &[]),
        ("status_code=503&status=RETRYING".to_owned(), &[1]),
        (format!("since={}", times[2]), &[3, 2]),
        (format!("until={}", times[1]), &[0]),
        (format!("since={}&until={}", times[1], times[3]), &[2, 1]),
        ("resource_id=2".to_owned(), &[2]),
        ("resource_id=0&resource_type=invoice".to_owned(), &[0]),
        ("resource_id=0&resource_type=order".to_owned(), &[]),
        ("resource_id=9".to_owned(), &[]),
        (format!("payload={}", quoted("$.n >= 2")), &[3, 2]),
        (format!("payload={}", quoted("$.of.deep == 10")), &[1]),
        (format!("payload={}&status=failed", quoted("$.n >= 1")), &[2]),
        (format!("payload={}&event=a.two", quoted("$.n >= 1")), &[1]),
        (format!("payload={}&resource_id=3", quoted("$.n >= 1")), &[3]),
        (format!("payload={}&event_id={}", quoted("$.n >= 0"), events[1]), &[1]),
        (format!("payload={}&subscription_id={}", quoted("$.n >= 0"), subscriptions[0]), &[0]),
        (format!("payload={}&until={}", quoted("$.n >= 0"), times[1]), &[0]),
        (format!("payload={}", quoted("$.n > 100")), &[]),
    ] {
        let page = api.get(&format!("/deliveries?{query}")).await.ok(200);
        let want: Vec<&String> = want.iter().map(|n| &made[*n]).collect();
        assert_eq!(ids(&page).iter().collect::<Vec<_>>(), want, "{query}");
        let is_search = query.contains("payload") || query.contains("resource_id");
        assert_eq!(page["search"].is_object(), is_search, "{query}: {page}");
        assert!(
            !is_search || (page["search"]["is_complete"] == true && page["next_cursor"].is_null()),
            "{query}: {page}"
        );
    }
    for (path, want) in [
        (format!("/subscriptions/{}/deliveries", subscriptions[2]), 2),
        (format!("/events/{}/deliveries", events[3]), 3),
    ] {
        let page = api.get(&path).await.ok(200);
        assert_eq!(ids(&page), [made[want].clone()], "{path}");
        assert_eq!(ids(&api.get(&format!("{path}?status=pending")).await.ok(200)).len(), 0, "{path}");
        let nobodys = path
            .replace(&subscriptions[2], &Uuid::now_v7().to_string())
            .replace(&events[3], &Uuid::now_v7().to_string());
        api.get(&nobodys).await.problem(404, "not-found");
    }
    let of_busy = format!("/subscriptions/{}/deliveries", subscriptions[1]);
    assert_eq!(ids(&api.get(&format!("{of_busy}?error_kind=server_error&status_code=503")).await.ok(200)).len(), 1);
    assert_eq!(ids(&api.get(&format!("{of_busy}?error_kind=timeout")).await.ok(200)).len(), 0);
}

#[tokio::test]
async fn events_are_listed_and_searched() {
    let serving = Serving::start().await;
    let (tenant, api) = serving.tenant("a").await;
    let mut events = Vec::new();
    for (nth, event) in ["invoice.paid", "invoice.line.added", "order.made"].into_iter().enumerate() {
        events.push(publish_about(&api, event, "thing", &nth.to_string(), json!({"n": nth})).await);
    }
    let muted = "BEGIN; SET LOCAL posthorn.mute = on;
                 INSERT INTO posthorn.outbox (tenant_id, event, payload) VALUES ('TENANT', 'quiet.one', '{\"n\": 3}'); COMMIT";
    serving.world.db.batch_execute(&muted.replace("TENANT", &tenant.to_string())).await.unwrap();
    let newest = ids(&api.get("/events?limit=1").await.ok(200)).remove(0);
    events.push(newest);
    let second = api.get(&format!("/events/{}", events[1])).await.ok(200)["created_at"].as_str().unwrap().to_owned();
    for (query, want) in [
        (String::new(), &[3, 2, 1, 0][..]),
        ("event=invoice.paid".to_owned(), &[0]),
        ("event=Invoice.*".to_owned(), &[1, 0]),
        ("event=invoice.line.*".to_owned(), &[1]),
        ("event=*".to_owned(), &[3, 2, 1, 0]),
        ("event=invoice.pai".to_owned(), &[]),
        ("resource_id=2".to_owned(), &[2]),
        ("resource_id=2&resource_type=other".to_owned(), &[]),
        ("fanout=muted".to_owned(), &[3]),
        ("fanout=done".to_owned(), &[2, 1, 0]),
        ("fanout=open".to_owned(), &[]),
        (format!("payload={}", quoted("$.n >= 2")), &[3, 2]),
        (format!("payload={}&event=order.made", quoted("$.n >= 2")), &[2]),
        (format!("until={}", quoted(&second)), &[0]),
        (format!("since={}", quoted(&second)), &[3, 2, 1]),
    ] {
        let page = api.get(&format!("/events?{query}")).await.ok(200);
        let want: Vec<&String> = want.iter().map(|n| &events[*n]).collect();
        assert_eq!(ids(&page).iter().collect::<Vec<_>>(), want, "{query}");
        assert_eq!((&page["search"]["is_complete"], &page["next_cursor"]), (&json!(true), &Value::Null), "{query}");
        assert!(page["data"].as_array().unwrap().iter().all(|row| row["payload"].is_null()), "{page}");
    }
    let rows = follow(&api, "/events?limit=1", 5).await;
    assert_eq!(rows.iter().map(id_of).collect::<Vec<_>>(), events.iter().rev().cloned().collect::<Vec<_>>());
    for query in ["event=x", "fanout=lost", "since=soon", "cursor=x", "resource_type=thing", "resource_id=", "payload="]
    {
        assert_eq!(api.get(&format!("/events?{query}")).await.rules().len(), 1, "{query}");
    }
    let range = api.get("/events?since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z").await;
    assert_eq!(range.rules(), [("until".to_owned(), "time_order".to_owned())]);
}

#[tokio::test]
async fn pages_of_a_search_have_neither_gap_nor_repeat() {
    let serving = Serving::start().await;
    let (tenant, api) = serving.tenant("a").await;
    for path in ["1", "2", "3"] {
        serving.world.subscribe(tenant, &format!("https://receiver.example/{path}"), &["*"]).await;
    }
    let publish = "INSERT INTO posthorn.outbox (tenant_id, event, payload, resource_id, deliver_after)
                   SELECT $1, 'a.b', jsonb_build_object('n', n), 'r', now() + interval '1 day' FROM generate_series(1, 40) n";
    serving.world.db.execute(publish, &[&tenant]).await.unwrap();
    let wanted = quoted("$.n % 2 == 0");
    for (path, want) in
        [(format!("/deliveries?payload={wanted}&limit=7"), 60), ("/deliveries?resource_id=r&limit=50".to_owned(), 120)]
    {
        let rows = follow(&api, &path, 30).await;
        let place = |row: &Value| (row["event_id"].as_str().unwrap().to_owned(), id_of(row));
        let places: Vec<_> = rows.iter().map(place).collect();
        assert_eq!(places.len(), want, "{path}");
        assert!(places.is_sorted_by(|newer, older| newer > older), "{path}: repeated or out of order");
    }
    let plain = api.get("/deliveries?limit=1").await.ok(200)["next_cursor"].as_str().unwrap().to_owned();
    let search = api.get("/deliveries?limit=1&resource_id=r").await.ok(200)["next_cursor"].as_str().unwrap().to_owned();
    api.get(&format!("/deliveries?resource_id=r&cursor={plain}")).await.rules();
    api.get(&format!("/deliveries?cursor={search}")).await.rules();
}

#[tokio::test]
async fn a_search_by_payload_looks_at_ten_thousand_events_and_says_so() {
    let serving = Serving::start().await;
    let (tenant, api) = serving.tenant("a").await;
    serving.world.subscribe(tenant, "https://receiver.example/", &["first.of_all"]).await;
    let first = api.publish("first.of_all", json!({"n": -1})).await;
    serving.world.publish_many(tenant, "a.b", 10_005).await;
    let path = format!("/deliveries?payload={}", quoted("$.n < 0"));
    let page = api.get(&path).await.ok(200);
    assert_eq!((ids(&page).len(), &page["search"]["events_looked_at"]), (0, &json!(10_000)), "{page}");
    assert_eq!(page["search"]["is_complete"], false, "{page}");
    assert!(page["search"]["looked_back_to"].as_str().unwrap().ends_with('Z'), "{page}");
    let next = page["next_cursor"].as_str().unwrap();
    let rest = api.get(&format!("{path}&cursor={next}")).await.ok(200);
    assert_eq!(rest["data"][0]["event_id"], first.as_str(), "{rest}");
    assert_eq!((&rest["search"]["events_looked_at"], &rest["search"]["is_complete"]), (&json!(6), &json!(true)));
    assert_eq!(rest["next_cursor"], Value::Null);

    let events = api.get(&format!("/events?payload={}", quoted("$.n < 0"))).await.ok(200);
    assert_eq!((ids(&events).len(), &events["search"]["is_complete"]), (0, &json!(false)), "{events}");
    let next = events["next_cursor"].as_str().unwrap();
    let rest = api.get(&format!("/events?payload={}&cursor={next}", quoted("$.n < 0"))).await.ok(200);
    assert_eq!(ids(&rest), [first]);
}

#[tokio::test]
async fn a_hostile_jsonpath_is_refused_or_cut_short() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let numbers = |from: u32| (from..from + 15_000).collect::<Vec<_>>();
    for _ in 0..3 {
        api.publish("a.b", json!({"numbers": numbers(0), "others": numbers(15_000)})).await;
    }
    for list in ["/deliveries", "/events"] {
        for (payload, rule) in [
            ("$.a like_regex \"^(a+)+$\"", "payload_like_regex"),
            ("$.a LIKE_REGEX \"^(a+)+$\"", "payload_like_regex"),
            ("$.a l\\u0069ke_regex \"^(a+)+$\"", "payload_like_regex"),
            ("$.a ==", "payload_jsonpath"),
            ("no jsonpath", "payload_jsonpath"),
            ("exists($.** ? (exists($.** ? (@ == -1))))", "payload_cost"),
            (&format!("$.a == \"{}\"", "x".repeat(1000)), "printable"),
        ] {
            let refused = api.get(&format!("{list}?payload={}", quoted(payload))).await;
            assert_eq!(refused.rules(), [("payload".to_owned(), rule.to_owned())], "{payload}: {}", refused.text);
        }
        let deep = format!("{}$.a == 1{}", "(".repeat(490), ")".repeat(490));
        assert!([200, 400].contains(&api.get(&format!("{list}?payload={}", quoted(&deep))).await.status), "{list}");
        // its text does not tell: the clock does
        let dear = "$.numbers == $.others";
        let began = Instant::now();
        let answer = api.get(&format!("{list}?payload={}", quoted(dear))).await;
        assert_eq!(answer.rules(), [("payload".to_owned(), "payload_cost".to_owned())], "{}", answer.text);
        assert!(began.elapsed() < SOON / 2, "{:?}", began.elapsed());
    }
    serving.assert_alive().await;
}

#[tokio::test]
async fn attempts_are_listed_newest_first() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(400));
    api.subscribe(&receiver.url("/in"), "a.b").await;
    let delivery = api.delivery_of(&api.publish("a.b", json!({})).await).await;
    for generation in 0..3 {
        api.wait_for_status(&delivery, "failed").await;
        if generation < 2 {
            api.act(&format!("/deliveries/{delivery}/retry")).await.ok(202);
        }
    }
    let path = format!("/deliveries/{delivery}/attempts");
    let rows = follow(&api, &format!("{path}?limit=1"), 3).await;
    let generations: Vec<i64> = rows.iter().map(|row| row["generation"].as_i64().unwrap()).collect();
    assert_eq!(generations, [2, 1, 0]);
    assert_eq!(api.get(&path).await.ok(200)["data"].as_array().unwrap().len(), 3);
    api.get(&format!("{path}?cursor=x")).await.rules();
    api.get(&format!("/deliveries/{}/attempts", Uuid::now_v7())).await.problem(404, "not-found");
}

#[tokio::test]
async fn what_waits_can_be_cancelled_and_nothing_else() {
    let serving = Serving::with(&[("WEBHOOK_RETRY_SCHEDULE", "1h"), ("WEBHOOK_TIMEOUT_SECONDS", "300")]).await;
    let (_, api) = serving.tenant("a").await;
    let receiver = Receiver::start(|path, _| match path {
        "/ok" => Answer::status(200),
        "/busy" => Answer::status(503),
        _ => Answer::status(200).after(Duration::from_secs(300)),
    });
    for path in ["ok", "busy", "slow"] {
        api.subscribe(&receiver.url(&format!("/{path}")), &format!("a.{path}")).await;
    }
    let waiting = {
        let body = json!({"event": "a.ok", "payload": {}, "deliver_after": "2999-01-01T00:00:00Z"});
        api.delivery_of(&id_of(&api.post("/events", &body).await.ok(201))).await
    };
    let of = async |event: &str| api.delivery_of(&api.publish(event, json!({})).await).await;
    let (delivered, retrying, sending) = (of("a.ok").await, of("a.busy").await, of("a.slow").await);
    api.wait_for_status(&delivered, "delivered").await;
    api.wait_for_status(&retrying, "retrying").await;
    api.wait_for_status(&sending, "sending").await;
    for delivery in [&waiting, &retrying] {
        for _ in 0..2 {
            let cancelled = api.act(&format!("/deliveries/{delivery}/cancel")).await.ok(200);
            assert_eq!((&cancelled["id"], &cancelled["status"]), (&json!(delivery), &json!("cancelled")));
            assert!(cancelled["finished_at"].is_string(), "{cancelled}");
        }
    }
    for (delivery, word) in [(&delivered, "delivered"), (&sending, "sending")] {
        let refused = api.act(&format!("/deliveries/{delivery}/cancel")).await.problem(409, "conflict");
        assert!(refused["detail"].as_str().unwrap().contains(word), "{refused}");
        assert_eq!(api.get(&format!("/deliveries/{delivery}")).await.ok(200)["status"], word);
    }
    api.act(&format!("/deliveries/{}/cancel", Uuid::now_v7())).await.problem(404, "not-found");
    // and back again
    api.act(&format!("/deliveries/{waiting}/retry")).await.ok(202);
    assert_eq!(api.wait_for_status(&waiting, "delivered").await["generation"], 1);
}

#[tokio::test]
async fn an_event_is_cancelled_with_what_waits_of_it() {
    let serving = Serving::with(&[("POSTHORN_ROLE", "api")]).await;
    let (tenant, api) = serving.tenant("a").await;
    for path in ["1", "2"] {
        serving.world.subscribe(tenant, &format!("https://receiver.example/{path}"), &["a.*"]).await;
    }
    let dear = serving.world.subscribe_filtered(tenant, "exists($.** ? (@ == 1))").await;
    let event = api.publish("a.b", json!({"n": 1})).await;
    let other = api.publish("a.b", json!({"n": 1})).await;
    assert_eq!(api.get(&format!("/events/{event}")).await.ok(200)["fanout"], "open");
    let finish = "UPDATE posthorn.webhook_deliveries SET status = 'delivered', finished_at = now()
                  WHERE id = (SELECT id FROM posthorn.webhook_deliveries WHERE event_id = $1 LIMIT 1)";
    serving.world.db.execute(finish, &[&event.parse::<Uuid>().unwrap()]).await.unwrap();
    let done = api.act(&format!("/events/{event}/cancel")).await.ok(200);
    assert_eq!(done, json!({"event_id": event, "cancelled": 1, "in_flight": 0, "is_fanout_cancelled": true}));
    let again = api.act(&format!("/events/{event}/cancel")).await.ok(200);
    assert_eq!((&again["cancelled"], &again["is_fanout_cancelled"]), (&json!(0), &json!(false)));
    assert_eq!(api.get(&format!("/events/{event}")).await.ok(200)["fanout"], "cancelled");
    api.act(&format!("/events/{}/cancel", Uuid::now_v7())).await.problem(404, "not-found");

    // a dispatcher finishes the other event's fan-out and leaves the cancelled one alone
    let dispatching = serving.world.dispatch(&[]).await;
    serving.world.until(&format!("SELECT EXISTS (SELECT FROM posthorn.webhook_deliveries WHERE event_id = '{other}' AND subscription_id = '{dear}')")).await;
    dispatching.stop().await;
    let of_event = api.get(&format!("/events/{event}/deliveries")).await.ok(200);
    let mut statuses: Vec<&str> =
        of_event["data"].as_array().unwrap().iter().map(|row| row["status"].as_str().unwrap()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, ["cancelled", "delivered"]);
}

#[tokio::test]
async fn many_events_are_published_together_or_not_at_all() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(204));
    api.subscribe(&receiver.url("/in"), "a.*").await;
    let events: Vec<Value> = (0..300)
        .map(|n| json!({"event": format!("A.N{n}"), "payload": {"n": n}, "ordering_key": "line", "resource_type": "t", "resource_id": n.to_string()}))
        .collect();
    let published = api.post("/events/batch", &json!({"events": events})).await.ok(202);
    let rows = published["data"].as_array().unwrap();
    assert_eq!(rows.len(), 300);
    for (n, row) in rows.iter().enumerate().step_by(50) {
        let event = api.get(&format!("/events/{}", id_of(row))).await.ok(200);
        assert_eq!((&row["event"], &event["event"]), (&json!(format!("a.n{n}")), &json!(format!("a.n{n}"))));
        assert_eq!((&event["payload"]["n"], &event["resource_id"]), (&json!(n), &json!(n.to_string())));
        assert_eq!(event["ordering_key"], "line");
    }
    receiver.wait_for(300, SOON).await;

    let before = serving.world.count("SELECT count(*) FROM posthorn.outbox").await;
    let wrong = json!({"events": [
        {"event": "a.b", "payload": {}},
        {"event": "a", "payload": [], "extra": 1},
        7,
        {"event": "posthorn.x", "payload": {}, "ordering_key": ""},
    ]});
    let mut rules = api.post("/events/batch", &wrong).await.rules();
    rules.sort();
    let want = [
        ("events[1].event", "event_format"),
        ("events[1].extra", "unknown_field"),
        ("events[1].payload", "object"),
        ("events[2]", "object"),
        ("events[3].event", "event_reserved"),
        ("events[3].ordering_key", "printable"),
    ];
    assert_eq!(rules, want.map(|(field, rule)| (field.to_owned(), rule.to_owned())));
    let huge = "x".repeat(300_000);
    for (second, field) in [
        ("{\"event\": \"a.b\", \"payload\": {\"a\": \"\\u0000\"}}".to_owned(), "events[1].payload"),
        (format!("{{\"event\": \"a.b\", \"payload\": {{\"a\": \"{huge}\"}}}}"), "events[1].payload"),
        ("{\"event\": \"a.b\", \"payload\": {}, \"metadata\": {\"a\": \"\\u0000\"}}".to_owned(), "events[1].metadata"),
    ] {
        let body = format!("{{\"events\": [{{\"event\": \"a.b\", \"payload\": {{}}}}, {second}]}}");
        let refused = api.post_bytes("/events/batch", body).await;
        assert_eq!(refused.rules(), [(field.to_owned(), "value".to_owned())], "{}", &refused.text[..200]);
    }
    let many: Vec<Value> = vec![json!({"event": "a.b", "payload": {}}); 1001];
    for events in [json!({"events": many}), json!({"events": []}), json!({"events": {}}), json!({})] {
        api.post("/events/batch", &events).await.rules();
    }
    assert_eq!(serving.world.count("SELECT count(*) FROM posthorn.outbox").await, before, "part of a batch was stored");
}

#[tokio::test]
async fn an_ordering_key_keeps_the_order() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(200));
    let subscription = id_of(&api.subscribe(&receiver.url("/in"), "a.b").await);
    serving.world.change(subscription.parse().unwrap(), "ordered = true").await;
    for n in 0..5 {
        let body = json!({"event": "a.b", "payload": {"n": n}, "ordering_key": "k"});
        api.post("/events", &body).await.ok(201);
    }
    let events: Vec<Value> =
        (5..40).map(|n| json!({"event": "a.b", "payload": {"n": n}, "ordering_key": "k"})).collect();
    api.post("/events/batch", &json!({"events": events})).await.ok(202);
    let requests = receiver.wait_for(40, SOON).await;
    let order: Vec<i64> = requests
        .iter()
        .map(|request| serde_json::from_slice::<Value>(&request.body).unwrap()["data"]["n"].as_i64().unwrap())
        .collect();
    assert_eq!(order, (0..40).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_search_shows_nothing_of_another_tenant() {
    let serving = Serving::start().await;
    let ((_, a), (tenant_b, b)) = (serving.tenant("a").await, serving.tenant("b").await);
    serving.world.subscribe(tenant_b, "https://receiver.example/", &["a.b"]).await;
    let event = publish_about(&b, "a.b", "thing", "7", json!({"n": 1})).await;
    let wanted = quoted("$.n == 1");
    for path in [
        format!("/deliveries?payload={wanted}"),
        "/deliveries?resource_id=7".to_owned(),
        format!("/deliveries?event_id={event}"),
        format!("/deliveries?payload={wanted}&event_id={event}"),
        "/events".to_owned(),
        format!("/events?payload={wanted}"),
        "/events?resource_id=7".to_owned(),
    ] {
        assert_eq!(ids(&b.get(&path).await.ok(200)).len(), 1, "{path}");
        let theirs = a.get(&path).await;
        assert_eq!(ids(&theirs.ok(200)).len(), 0, "{path}: {}", theirs.text);
        assert!(!theirs.text.contains(&event), "{path}: {}", theirs.text);
        assert!(
            theirs.ok(200)["search"].is_null() || theirs.ok(200)["search"]["events_looked_at"] == 0,
            "{}",
            theirs.text
        );
    }
}
