//! What a dispatcher tells of its work: metrics for Prometheus and log lines for people, without secrets and payloads.

use posthorn::domain::secret::Secret;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use uuid::Uuid;

use crate::harness::{Answer, Binary, Receiver, SOON, World};

/// A world with one webhook of each fate: delivered, retrying, failed, abandoned.
async fn four_fates(env: &[(&str, &str)]) -> (World, Uuid, Secret, Binary) {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = Receiver::start(|path, _| {
        Answer::status(match path {
            "/delivered" => 204,
            "/failed" => 404,
            _ => 503,
        })
    });
    let secret = Secret::generate();
    for path in ["/delivered", "/retrying", "/failed", "/abandoned"] {
        let id = world.subscribe_signed(tenant, &receiver.url(path), &["*"], &secret).await;
        let schedule = if path == "/abandoned" { "retry_schedule = '{}'" } else { "retry_schedule = '{3600}'" };
        world.change(id, schedule).await;
    }
    world.publish(tenant, "invoice.paid", json!({"note": "CANARY-payload"})).await;
    let dispatcher = world.dispatch_binary(env).await;
    world.until("SELECT count(*) = 4 FROM posthorn.webhook_attempts").await;
    (world, tenant, secret, dispatcher)
}

async fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
    answer
}

#[tokio::test]
async fn the_metrics_count_every_attempt_under_the_names_of_the_requirements() {
    let (world, tenant, _, dispatcher) = four_fates(&[("POSTHORN_METRICS_BIND", "127.0.0.1:0")]).await;
    let ready = dispatcher.wait_for_line("posthorn is ready on http://", SOON).await;
    let address = ready.rsplit_once("http://").unwrap().1.to_owned();
    let page = get(&address, "/metrics").await;
    let has = |line: String| assert!(page.lines().any(|l| l == line), "no line {line} in\n{page}");
    let of = format!("event=\"invoice.paid\",tenant_id=\"{tenant}\"");
    for status in ["delivered", "retrying", "failed", "abandoned"] {
        let labels = format!("event=\"invoice.paid\",status=\"{status}\",tenant_id=\"{tenant}\"");
        has(format!("webhook_deliveries_total{{{labels}}} 1"));
    }
    has(format!("webhook_retries_total{{event=\"invoice.paid\",reason=\"server_error\",tenant_id=\"{tenant}\"}} 1"));
    for (code, count) in [(204, 1), (404, 1), (503, 2)] {
        has(format!("webhook_delivery_http_status{{event=\"invoice.paid\",status_code=\"{code}\"}} {count}"));
    }
    for bucket in ["0.1", "0.5", "1", "2", "5", "10", "+Inf"] {
        let series = format!("webhook_delivery_duration_seconds_bucket{{{of},le=\"{bucket}\"}}");
        assert!(page.contains(&series), "no {series} in\n{page}");
    }
    has(format!("webhook_delivery_duration_seconds_count{{{of}}} 4"));
    for gauge in
        [("queue_depth", 1), ("dispatchers_alive", 1), ("in_flight", 0), ("open_fanouts", 0), ("database_up", 1)]
    {
        has(format!("posthorn_{}{{database=\"{}\"}} {}", gauge.0, world.database(), gauge.1));
    }
    has(format!("posthorn_oldest_waiting_seconds{{database=\"{}\"}} 0", world.database()));
    has("posthorn_rescued_leases_total 0".to_owned());
    has("posthorn_fenced_results_total{counted=\"true\"} 0".to_owned());
    has(format!(
        "posthorn_build_info{{commit=\"{}\",version=\"{}\"}} 1",
        posthorn::metrics::COMMIT,
        env!("CARGO_PKG_VERSION")
    ));
    assert!(page.contains("posthorn_wakes_total{reason=\"poll\"}"), "{page}");
    assert!(get(&address, "/health/ready").await.contains("\"ready\""));
    drop(world);
}

#[tokio::test]
async fn the_log_says_what_became_of_each_webhook_and_holds_no_secret_and_no_payload() {
    let env = [("POSTHORN_LOG_JSON", "true"), ("RUST_LOG", "posthorn=trace,info")];
    let (world, tenant, secret, dispatcher) = four_fates(&env).await;
    let mut told = Vec::new();
    for (fate, level, text) in [
        ("delivered", "INFO", "webhook delivered"),
        ("retrying", "WARN", "webhook failed and will be retried"),
        ("failed", "ERROR", "webhook failed for good"),
        ("abandoned", "ERROR", "webhook failed for good"),
    ] {
        let sql = "SELECT id::text, event_id::text FROM posthorn.webhook_deliveries WHERE status = $1";
        let row = world.db.query_one(sql, &[&fate]).await.unwrap();
        let (delivery, event): (String, String) = (row.get(0), row.get(1));
        let line = dispatcher.wait_for_line(&delivery, SOON).await;
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&line["level"], &line["message"]), (&json!(level), &json!(text)), "{line}");
        assert_eq!((&line["delivery.id"], &line["event.id"]), (&json!(delivery), &json!(event)));
        assert_eq!((&line["tenant.id"], &line["attempt"]), (&json!(tenant.to_string()), &json!(1)));
        told.push(line["status_code"].clone());
    }
    assert_eq!(told, [204, 503, 404, 503]);
    let log = dispatcher.lines().join("\n");
    for hidden in ["CANARY", secret.expose(), secret.expose().trim_start_matches("whsec_")] {
        assert!(!log.contains(hidden), "the log holds {hidden}");
    }
}
