//! Health and metrics, as probes and Prometheus ask for them (R10, R11, R60–R63, R74).

use std::time::Duration;

use secrecy::ExposeSecret;
use serde_json::json;
use tokio::net::TcpListener;

use crate::harness::api::start;
use crate::harness::{Answer, Api, Receiver, SOON, Serving, World, eventually, server};

/// One line of the page: value of the series with this name and all of these labels, in any order.
fn value(page: &str, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let is_it = |line: &&str| {
        let (series, _) = line.rsplit_once(' ').unwrap_or_default();
        let (metric, rest) = series.split_once('{').unwrap_or((series, ""));
        let mut found: Vec<&str> = rest.trim_end_matches('}').split(',').filter(|label| !label.is_empty()).collect();
        let mut wanted: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
        found.sort_unstable();
        wanted.sort();
        metric == name && found == wanted
    };
    page.lines().find(is_it).map(|line| line.rsplit_once(' ').unwrap().1.parse().unwrap())
}

async fn page(operator: &Api) -> String {
    let reply = operator.get("/metrics").await;
    reply.headers["content-type"].to_str().unwrap().strip_prefix("text/plain; version=0.0.4").unwrap();
    assert_eq!(reply.status, 200);
    reply.text
}

#[tokio::test]
async fn the_four_metrics_of_the_documents_have_their_labels_and_buckets() {
    let serving = Serving::with(&[("WEBHOOK_RETRY_SCHEDULE", "1h")]).await;
    let (tenant, api) = serving.tenant("a").await;
    let receiver = Receiver::start(|path, _| match path {
        "/ok" => Answer::status(204),
        "/busy" => Answer::status(503),
        _ => Answer::status(404),
    });
    for (path, event, status) in
        [("/ok", "invoice.created", "delivered"), ("/busy", "payment.failed", "retrying"), ("/no", "a.b", "failed")]
    {
        api.subscribe(&receiver.url(path), event).await;
        let delivery = api.delivery_of(&api.publish(event, json!({})).await).await;
        api.wait_for_status(&delivery, status).await;
    }
    let operator = serving.nobody().at("");
    let tenant = tenant.to_string();
    // the row is written before it is counted
    eventually("all three are counted", SOON, async || {
        value(&page(&operator).await, "webhook_delivery_http_status", &[("event", "a.b"), ("status_code", "404")])
            == Some(1.0)
    })
    .await;
    let page = page(&operator).await;
    for (event, status, code) in
        [("invoice.created", "delivered", "204"), ("payment.failed", "retrying", "503"), ("a.b", "failed", "404")]
    {
        let of_tenant = [("event", event), ("tenant_id", tenant.as_str())];
        let with_status = [("event", event), ("tenant_id", tenant.as_str()), ("status", status)];
        assert_eq!(value(&page, "webhook_deliveries_total", &with_status), Some(1.0), "{page}");
        let answers = [("event", event), ("status_code", code)];
        assert_eq!(value(&page, "webhook_delivery_http_status", &answers), Some(1.0), "{page}");
        assert_eq!(value(&page, "webhook_delivery_duration_seconds_count", &of_tenant), Some(1.0), "{page}");
        for le in ["0.1", "0.5", "1", "2", "5", "10", "+Inf"] {
            let bucket = [("event", event), ("tenant_id", tenant.as_str()), ("le", le)];
            let counted = value(&page, "webhook_delivery_duration_seconds_bucket", &bucket);
            assert!(counted.is_some_and(|count| le != "+Inf" || count == 1.0), "{le} in {page}");
        }
    }
    let retry_lines: Vec<&str> = page.lines().filter(|line| line.starts_with("webhook_retries_total{")).collect();
    assert_eq!(retry_lines.len(), 1, "{page}");
    for part in ["event=\"payment.failed\"", &format!("tenant_id=\"{tenant}\""), "reason=\""] {
        assert!(retry_lines[0].contains(part), "{}", retry_lines[0]);
    }
    for (name, kind) in [
        ("webhook_deliveries_total", "counter"),
        ("webhook_delivery_duration_seconds", "histogram"),
        ("webhook_retries_total", "counter"),
        ("webhook_delivery_http_status", "counter"),
    ] {
        assert!(page.contains(&format!("# TYPE {name} {kind}\n")), "{name}");
        assert!(page.contains(&format!("# HELP {name} ")), "{name}");
    }
}

#[tokio::test]
async fn the_queue_is_measured() {
    let serving = Serving::with(&[("WEBHOOK_TIMEOUT_SECONDS", "300")]).await;
    let (_, api) = serving.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(204).after(Duration::from_secs(300)));
    let body = json!({"url": receiver.url("/slow"), "event": "a.b", "max_in_flight": 1});
    api.post("/subscriptions", &body).await.ok(201);
    for _ in 0..3 {
        api.publish("a.b", json!({})).await;
    }
    receiver.wait_for(1, SOON).await;
    let operator = serving.nobody().at("");
    let ready = async || operator.get("/health/ready").await.ok(200);
    eventually("two wait", SOON, async || ready().await["oldest_waiting_seconds"].as_f64().unwrap() > 0.05).await;
    let state = ready().await;
    assert_eq!((&state["queue_depth"], &state["dispatchers_alive"]), (&json!(3), &json!(1)), "{state}");
    assert_eq!(state["open_fanouts"], 0);
    let page = page(&operator).await;
    let database = [("database", serving.world.database())];
    let plain = |name| value(&page, name, &database).unwrap_or_else(|| panic!("{name} is not in {page}"));
    assert_eq!(plain("posthorn_in_flight"), 1.0);
    assert_eq!(plain("posthorn_queue_depth"), 3.0);
    assert!(plain("posthorn_oldest_waiting_seconds") > 0.0);
    assert_eq!((plain("posthorn_dispatchers_alive"), plain("posthorn_open_fanouts")), (1.0, 0.0));
    for reason in ["notify", "poll", "slot", "retry", "open_producer", "reconnect"] {
        assert!(value(&page, "posthorn_wakes_total", &[("reason", reason)]).is_some(), "{reason} in {page}");
    }
    let wakes: f64 = page
        .lines()
        .filter(|line| line.starts_with("posthorn_wakes_total{"))
        .map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap())
        .sum();
    assert!(wakes >= 1.0, "{page}");
    let build = [("version", env!("CARGO_PKG_VERSION")), ("commit", posthorn::metrics::COMMIT)];
    assert_eq!(value(&page, "posthorn_build_info", &build), Some(1.0));
}

#[tokio::test]
async fn rows_in_a_default_partition_raise_an_alarm_and_are_put_where_they_belong() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    // what the first round of the job does last shows that it is over: what strays afterwards waits for the next
    let old = "INSERT INTO posthorn.audit_log (id, tenant_id, created_at, actor, action, target_type, target_id)
               SELECT posthorn.first_id_at(at), $1, at, 'a', 'old.entry', 'test', 'a'
               FROM (SELECT now() - interval '10 years' AS at) AS long_ago";
    world.db.execute(old, &[&tenant]).await.unwrap();
    let url = world.url();
    let serving = Serving::against(world, url.expose_secret(), &[]).await;
    serving.binary.wait_for_line("deleted old entries of the audit log", SOON).await;
    let database = serving.world.database().to_owned();
    let of = |page: &str, name: &str, table: &str| value(page, name, &[("database", &database), ("table", table)]);
    let strays = |page: &str| of(page, "posthorn_default_partition_rows", "outbox");
    assert_eq!(strays(&page(&serving.nobody().at("")).await), Some(0.0));
    let event = serving.world.publish(tenant, "a.b", json!({})).await;
    // as if it had come three days ago, when nobody had made that day
    let stray =
        "UPDATE posthorn.outbox SET id = posthorn.first_id_of((now() AT TIME ZONE 'UTC')::date - 3) WHERE id = $1";
    assert_eq!(serving.world.db.execute(stray, &[&event]).await.unwrap(), 1);
    let operator = serving.nobody().at("");
    eventually("the stray is counted", SOON, async || strays(&page(&operator).await) == Some(1.0)).await;
    let page_now = page(&operator).await;
    for table in ["outbox", "webhook_deliveries_done", "webhook_attempts"] {
        assert_eq!(of(&page_now, "posthorn_days_made_ahead", table), Some(7.0), "{page_now}");
        assert_eq!(of(&page_now, "posthorn_days_kept", table), Some(0.0), "{page_now}");
    }

    // the next round of the job is that of the next start
    let serving = Serving::against(serving.world, url.expose_secret(), &[]).await;
    serving.binary.wait_for_line("rows are in a default partition", SOON).await;
    let operator = serving.nobody().at("");
    // both are measured again after a while, and not in one moment
    eventually("it has its day", SOON, async || {
        let page = page(&operator).await;
        (strays(&page), of(&page, "posthorn_days_kept", "outbox")) == (Some(0.0), Some(3.0))
    })
    .await;
    assert!(!serving.binary.lines().iter().any(|line| line.contains("rows stay in a default partition")));
}

#[tokio::test]
async fn without_the_database_it_lives_but_is_not_ready() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let operator = serving.nobody().at("");
    eventually("ready", SOON, async || operator.get("/health/ready").await.ok(200)["dispatchers_alive"] == 1).await;
    let name = serving.world.database();
    server().admin(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false")).await.unwrap();
    let leave = format!("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'");
    server().admin(&leave).await.unwrap();

    // it asks the database at most every 5 s
    eventually("not ready", SOON, async || operator.get("/health/ready").await.status == 503).await;
    let told = async |name: &str, labels: &[(&str, &str)]| {
        value(&page(&operator).await, name, &[&[("database", name_of(&serving))], labels].concat())
    };
    eventually("the dispatcher is deaf, and says so", SOON, async || {
        told("posthorn_listening", &[]).await == Some(0.0)
    })
    .await;
    assert!(told("posthorn_database_errors_total", &[("class", "unavailable")]).await.unwrap() > 0.0);
    assert_eq!(told("posthorn_database_errors_total", &[("class", "statement")]).await, Some(0.0));
    assert_eq!(told("posthorn_database_up", &[]).await, Some(0.0));
    let refused = operator.get("/health/ready").await;
    refused.problem(503, "unavailable");
    assert_eq!(refused.headers["retry-after"], "1");
    for reply in [
        api.get("/subscriptions").await,
        api.post("/events", &json!({"event": "a.b", "payload": {}})).await,
        api.act(&format!("/deliveries/{}/retry", uuid::Uuid::now_v7())).await,
    ] {
        reply.problem(503, "unavailable");
        assert!(!reply.text.contains(name), "{}", reply.text);
    }
    assert_eq!(operator.get("/health/live").await.ok(200)["status"], "live");
    page(&operator).await;

    server().admin(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true")).await.unwrap();
    eventually("it listens again", SOON, async || told("posthorn_listening", &[]).await == Some(1.0)).await;
    eventually("ready again", SOON, async || operator.get("/health/ready").await.status == 200).await;
    let receiver = Receiver::start(|_, _| Answer::status(204));
    api.subscribe(&receiver.url("/back"), "a.b").await;
    api.publish("a.b", json!({})).await;
    receiver.wait_for(1, SOON).await;
}

#[tokio::test]
async fn health_without_a_dispatcher_says_so() {
    let serving = Serving::with(&[("POSTHORN_ROLE", "api")]).await;
    let (_, api) = serving.tenant("a").await;
    api.subscribe("https://receiver.example/", "a.b").await;
    api.publish("a.b", json!({})).await;
    let operator = serving.nobody().at("");
    eventually("it waits", SOON, async || {
        operator.get("/health/ready").await.ok(200)["oldest_waiting_seconds"].as_f64().unwrap() > 0.0
    })
    .await;
    let state = operator.get("/health/ready").await.ok(200);
    assert_eq!((&state["dispatchers_alive"], &state["queue_depth"]), (&json!(0), &json!(1)), "{state}");
}

#[tokio::test]
async fn a_metrics_token_closes_metrics_and_readiness() {
    let serving = Serving::with(&[("POSTHORN_METRICS_TOKEN", "scrape-me-if-you-can")]).await;
    let (_, api) = serving.tenant("a").await;
    let nobody = serving.nobody().at("");
    let scraper = nobody.clone().bearer("scrape-me-if-you-can");
    for path in ["/metrics", "/health/ready"] {
        for caller in [&nobody, &nobody.clone().bearer("scrape-me-if-you-ca"), &api.at("")] {
            let refused = caller.get(path).await;
            refused.problem(401, "unauthorised");
            assert_eq!(refused.headers["www-authenticate"], "Bearer");
        }
        assert_eq!(scraper.get(path).await.status, 200, "{path}");
    }
    nobody.get("/health/live").await.ok(200);
    serving.nobody().bearer("scrape-me-if-you-can").get("/subscriptions").await.problem(401, "unauthorised");
}

#[tokio::test]
async fn a_dispatcher_alone_opens_no_port_unless_told_to() {
    // the two ports are free now; nobody can be found out to be listening but by asking
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let bind = free.local_addr().unwrap().to_string();
    drop(free);
    let world = World::new().await;
    let url = world.url();
    let silent = start(url.expose_secret(), &[("POSTHORN_ROLE", "dispatcher"), ("POSTHORN_BIND", &bind)]);
    let line = silent.wait_for_line("posthorn is ready", SOON).await;
    assert!(!line.contains("http://"), "{line}");
    assert_eq!(listening(silent.pid()), 0, "it opened a port");

    let settings = [("POSTHORN_ROLE", "dispatcher"), ("POSTHORN_METRICS_BIND", "127.0.0.1:0")];
    let serving = Serving::against(world, url.expose_secret(), &settings).await;
    assert_eq!(listening(serving.binary.pid()), 1);
    let operator = serving.nobody().at("");
    let (tenant, api) = serving.tenant("a").await;
    api.get("/subscriptions").await.problem(404, "not-found");
    operator.get("/docs").await.problem(404, "not-found");
    operator.get("/health/live").await.ok(200);
    assert_eq!(operator.get("/health/ready").await.ok(200)["dispatchers_alive"], 2);

    // of the two dispatchers the silent one is stopped, so that what is sent is counted here
    silent.signal(rustix::process::Signal::TERM);
    assert!(silent.wait_exit(SOON).await.success(), "{:?}", silent.lines());
    let receiver = Receiver::start(|_, _| Answer::status(204));
    serving.world.subscribe(tenant, &receiver.url("/in"), &["a.b"]).await;
    serving.world.publish(tenant, "a.b", json!({})).await;
    receiver.wait_for(1, SOON).await;
    let (tenant, counted) = (tenant.to_string(), "webhook_deliveries_total");
    let labels = [("event", "a.b"), ("tenant_id", tenant.as_str()), ("status", "delivered")];
    eventually("it is counted", SOON, async || value(&page(&operator).await, counted, &labels) == Some(1.0)).await;
}

fn name_of(serving: &Serving) -> &str {
    serving.world.database()
}

/// TCP sockets of a process that listen, as the kernel has them.
fn listening(process: u32) -> usize {
    let table = ["tcp", "tcp6"].map(|name| std::fs::read_to_string(format!("/proc/{process}/net/{name}")).unwrap());
    let is_listening = |fields: &&Vec<&str>| fields.get(3) == Some(&"0A");
    let rows: Vec<Vec<&str>> =
        table.iter().flat_map(|text| text.lines()).map(|line| line.split_whitespace().collect()).collect();
    let inodes: Vec<&str> = rows.iter().filter(is_listening).filter_map(|fields| fields.get(9).copied()).collect();
    std::fs::read_dir(format!("/proc/{process}/fd"))
        .unwrap()
        .flatten()
        .filter_map(|entry| std::fs::read_link(entry.path()).ok())
        .filter(|target| {
            let target = target.to_string_lossy();
            inodes.iter().any(|inode| target == format!("socket:[{inode}]"))
        })
        .count()
}
