//! What becomes of a delivery after each kind of answer, and the one attempt row that tells of it.

use std::sync::Arc;
use std::time::Duration;

use posthorn::domain::keyring::Keyring;
use posthorn::domain::secret::Secret;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use tokio_rustls::TlsAcceptor;
use uuid::Uuid;

use crate::harness::hostile::Hostile;
use crate::harness::{Answer, AttemptRow, Receiver, SOON, World};

/// Sends one event to unsigned subscriptions at these URLs and answers with status and only attempt of each, in order.
async fn send_to(urls: &[String], flags: &[&str]) -> (World, Vec<(String, AttemptRow)>) {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    for url in urls {
        world.subscribe(tenant, url, &["*"]).await;
    }
    world.publish(tenant, "invoice.paid", json!({})).await;
    let _dispatcher = world.dispatch(flags).await;
    world.until_nothing_is_due().await;
    let deliveries = world.deliveries(tenant).await;
    let mut came_to = Vec::new();
    for url in urls {
        let sql = "SELECT s.id FROM posthorn.webhook_subscriptions s WHERE s.url = $1";
        let subscription: Uuid = world.db.query_one(sql, &[&url]).await.unwrap().get(0);
        let delivery = deliveries.iter().find(|d| d.subscription_id == subscription).unwrap();
        let mut attempts = world.attempts(delivery.id).await;
        assert_eq!(attempts.len(), 1, "{url}: {attempts:?}");
        let attempt = attempts.remove(0);
        assert_eq!((attempt.epoch, attempt.generation, attempt.number), (1, 0, 1), "{url}");
        assert_eq!((&attempt.target_url, delivery.attempts), (url, 1));
        assert_eq!(delivery.last_error_kind, attempt.error_kind, "{url}");
        came_to.push((delivery.status.clone(), attempt));
    }
    (world, came_to)
}

/// A receiver whose answer's status is the last part of the path.
fn obedient() -> Receiver {
    Receiver::start(|path, _| Answer::status(path.rsplit('/').next().unwrap().parse().unwrap()).header("x-trace", "t1"))
}

#[tokio::test]
async fn every_status_has_its_verdict() {
    let receiver = obedient();
    let cases = [
        (200, "delivered", None),
        (201, "delivered", None),
        (204, "delivered", None),
        (299, "delivered", None),
        (301, "retrying", Some("redirect")),
        (304, "retrying", Some("redirect")),
        (307, "retrying", Some("redirect")),
        (400, "failed", Some("client_error")),
        (401, "failed", Some("client_error")),
        (404, "failed", Some("client_error")),
        (422, "failed", Some("client_error")),
        (408, "retrying", Some("throttled")),
        (425, "retrying", Some("throttled")),
        (429, "retrying", Some("throttled")),
        (410, "failed", Some("gone")),
        (500, "retrying", Some("server_error")),
        (502, "retrying", Some("server_error")),
        (503, "retrying", Some("server_error")),
        (600, "retrying", Some("unexpected_status")),
    ];
    let urls: Vec<String> = cases.iter().map(|(status, ..)| receiver.url(&format!("/{status}"))).collect();
    let (world, came_to) = send_to(&urls, &["--retry-schedule=1h"]).await;
    for ((code, status, kind), (is, attempt)) in cases.into_iter().zip(came_to) {
        assert_eq!((is.as_str(), attempt.kind(), attempt.status_code), (status, kind, Some(code)), "{code}");
        assert_eq!(attempt.error.is_some(), kind.is_some(), "{code}");
        let headers = attempt.response_headers.unwrap();
        assert!(headers.as_array().unwrap().contains(&json!(["x-trace", "t1"])), "{code}: {headers}");
    }
    assert_eq!(receiver.requests().len(), cases.len(), "something was sent twice");
    // a moment after its delivery: it is a statement of its own
    world
        .until(
            "SELECT count(*) = 1 FROM posthorn.webhook_subscriptions WHERE status = 'suspended' AND url LIKE '%/410'",
        )
        .await;
    assert_eq!(world.count("SELECT count(*) FROM posthorn.webhook_subscriptions WHERE status <> 'active'").await, 1);
}

#[tokio::test]
async fn a_redirect_is_delivered_where_the_policy_says_so_and_never_followed() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(302).header("location", "/elsewhere"));
    let subscription = world.subscribe(tenant, &receiver.url("/hook"), &["*"]).await;
    world.change(subscription, "success_policy = 'gestiq'").await;
    world.publish(tenant, "invoice.paid", json!({})).await;
    let _dispatcher = world.dispatch(&[]).await;
    world.until_status("delivered", 1).await;
    let paths: Vec<String> = receiver.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(paths, ["/hook"]);
}

#[tokio::test]
async fn gone_suspends_the_subscription_and_what_waits_for_it_waits() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = Receiver::start(|path, nth| Answer::status(if path == "/gone" && nth == 0 { 410 } else { 200 }));
    let gone = world.subscribe(tenant, &receiver.url("/gone"), &["invoice.*"]).await;
    world.subscribe(tenant, &receiver.url("/other"), &["order.*"]).await;
    let _dispatcher = world.dispatch(&[]).await;
    world.publish(tenant, "invoice.paid", json!({"n": 1})).await;
    let sql = "SELECT posthorn.publish($1, 'invoice.paid', '{}', deliver_after => now() + interval '1 hour')";
    let waiting: Uuid = world.db.query_one(sql, &[&tenant]).await.unwrap().get(0);
    world
        .until("SELECT status = 'suspended' FROM posthorn.webhook_subscriptions WHERE 'invoice.*' = ANY (events)")
        .await;
    world.until_status("failed", 1).await;

    world.pass_time(7200.0).await;
    world.publish(tenant, "order.paid", json!({})).await;
    world.until_status("delivered", 1).await;
    assert_eq!(world.delivery(waiting).await.status, "pending");
    assert_eq!(receiver.requests().len(), 2);
    let reason = "SELECT status_reason LIKE '%410%' FROM posthorn.webhook_subscriptions WHERE id = $1";
    assert!(world.db.query_one(reason, &[&gone]).await.unwrap().get::<_, bool>(0));

    world.change(gone, "status = 'active'").await;
    world.until_status("delivered", 2).await;
    assert_eq!(world.delivery(waiting).await.status, "delivered");
}

#[tokio::test]
async fn retry_after_is_honoured_in_every_form_it_may_have() {
    let imf = format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");
    let rfc850 =
        format_description!("[weekday], [day]-[month repr:short]-[year repr:last_two] [hour]:[minute]:[second] GMT");
    let asctime = format_description!(
        "[weekday repr:short] [month repr:short] [day padding:space] [hour]:[minute]:[second] [year]"
    );
    let at = OffsetDateTime::now_utc() + Duration::from_secs(7200);
    let date = |form: &[BorrowedFormatItem<'_>]| at.format(form).unwrap();
    let cases = [
        (429, "7200".to_owned(), 7200.0),
        (503, "7200".to_owned(), 7200.0),
        (408, date(imf), 7200.0),
        (425, date(rfc850), 7200.0),
        (500, date(asctime), 7200.0),
        (429, "99999999999999999999".to_owned(), 86_400.0),
        // never sooner than the schedule says, and no nonsense
        (429, "0".to_owned(), 60.0),
        (429, "-1".to_owned(), 60.0),
        (429, "1e300".to_owned(), 60.0),
        (429, "Sun, 06 Nov 1994 08:49:37 GMT".to_owned(), 60.0),
    ];
    let answers: Vec<(u16, String)> = cases.iter().map(|(status, value, _)| (*status, value.clone())).collect();
    let receiver = Receiver::start(move |path, _| {
        let (status, value) = &answers[path[1..].parse::<usize>().unwrap()];
        Answer::status(*status).header("retry-after", value)
    });
    let urls: Vec<String> = (0..cases.len()).map(|n| receiver.url(&format!("/{n}"))).collect();
    let (world, _) = send_to(&urls, &["--retry-schedule=1m"]).await;
    for ((status, value, wait), url) in cases.into_iter().zip(urls) {
        let sql = "SELECT d.status, extract(epoch FROM d.due_at - now())::float8 FROM posthorn.webhook_deliveries d
                   JOIN posthorn.webhook_subscriptions s ON s.id = d.subscription_id WHERE s.url = $1";
        let row = world.db.query_one(sql, &[&url]).await.unwrap();
        assert_eq!(row.get::<_, &str>(0), "retrying", "{status} {value}");
        let due: f64 = row.get(1);
        assert!(wait - SOON.as_secs_f64() < due && due < wait * 1.2 + 1.0, "{status} {value}: due in {due} s");
    }
}

#[tokio::test]
async fn every_way_not_to_be_answered_has_its_name_and_is_retried() {
    let hung = Receiver::start(|_, _| Answer::status(200).after(Duration::from_secs(3600)));
    let key = KeyPair::generate().unwrap();
    let self_signed = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().self_signed(&key).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![self_signed.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap());
    let untrusted = Hostile::start_tls(TlsAcceptor::from(Arc::new(config.unwrap())), |mut conversation| async move {
        conversation.hear().await;
    })
    .await;
    let resetting = Hostile::start(|conversation| conversation.reset()).await;
    let nobody = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/", listener.local_addr().unwrap())
    };
    let cases = [
        (hung.url("/"), "timeout"),
        (untrusted.url("https", "/"), "tls"),
        ("https://nx.invalid/hook".to_owned(), "dns"),
        (nobody, "connect"),
        (resetting.url("http", "/"), "protocol"),
        ("https://10.0.0.1/hook".to_owned(), "blocked"),
        ("http://169.254.169.254/hook".to_owned(), "blocked"),
    ];
    let urls: Vec<String> = cases.iter().map(|(url, _)| url.clone()).collect();
    let (_world, came_to) = send_to(&urls, &["--timeout-seconds=1", "--retry-schedule=1h"]).await;
    for ((url, kind), (status, attempt)) in cases.into_iter().zip(came_to) {
        assert_eq!((status.as_str(), attempt.kind(), attempt.status_code), ("retrying", Some(kind), None), "{url}");
        assert!(!attempt.error.as_ref().unwrap().is_empty() && attempt.response_headers.is_none(), "{url}");
        assert!(attempt.duration_ms < 3000, "{url}: {attempt:?}");
    }
    assert_eq!(untrusted.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn a_subscriptions_own_timeout_comes_before_the_instances() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(200).after(Duration::from_secs(3600)));
    let subscription = world.subscribe(tenant, &receiver.url("/hook"), &["*"]).await;
    world.change(subscription, "timeout_seconds = 1").await;
    let event = world.publish(tenant, "invoice.paid", json!({})).await;
    let _dispatcher = world.dispatch(&["--timeout-seconds=300", "--retry-schedule=1h"]).await;
    world.until_status("retrying", 1).await;
    let attempt = world.attempts(world.delivery(event).await.id).await.remove(0);
    assert_eq!(attempt.kind(), Some("timeout"));
    assert!((1000..10_000).contains(&attempt.duration_ms), "{} ms", attempt.duration_ms);
}

#[tokio::test]
async fn as_shipped_nothing_is_sent_in_clear_or_to_this_machine() {
    let receiver = obedient();
    let heard = Hostile::start(|mut conversation| async move { conversation.hear_something().await }).await;
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    for url in [receiver.url("/200"), heard.url("https", "/")] {
        world.subscribe(tenant, &url, &["*"]).await;
    }
    world.publish(tenant, "invoice.paid", json!({})).await;
    let _dispatcher = world.dispatch_as_shipped(world.keyring(), &["--retry-schedule=1h"]).await;
    world.until_status("retrying", 2).await;
    let mut texts = Vec::new();
    for delivery in world.deliveries(tenant).await {
        let attempt = world.attempts(delivery.id).await.remove(0);
        assert_eq!(attempt.kind(), Some("blocked"));
        texts.extend(attempt.error);
    }
    assert!(texts.iter().any(|text| text.contains("only https")), "{texts:?}");
    assert_eq!((receiver.requests().len(), heard.accepted()), (0, 0));
}

#[tokio::test]
async fn without_the_key_of_its_secret_nothing_is_sent_until_the_key_is_back() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = obedient();
    world.subscribe_signed(tenant, &receiver.url("/200"), &["*"], &Secret::generate()).await;
    let event = world.publish(tenant, "invoice.paid", json!({})).await;
    let other = Keyring::parse(&Keyring::generate_entry("other")).unwrap();
    let flags = ["--allow-http=true", "--allow-networks=127.0.0.0/8", "--retry-schedule=1h"];
    let dispatcher = world.dispatch_as_shipped(other, &flags).await;
    world.until_status("retrying", 1).await;
    let delivery = world.delivery(event).await;
    let attempt = world.attempts(delivery.id).await.remove(0);
    assert_eq!((attempt.kind(), attempt.status_code), (Some("secret_unavailable"), None));
    assert_eq!(receiver.requests().len(), 0);
    dispatcher.stop().await;

    let _dispatcher = world.dispatch(&[]).await;
    world.pass_time(7200.0).await;
    world.until_status("delivered", 1).await;
    assert_eq!(receiver.requests().len(), 1);
}

#[tokio::test]
async fn an_attempt_keeps_the_beginning_of_the_answer_and_who_made_it_when() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = Receiver::start(|_, _| {
        let answer = Answer::status(422).header("x-why", "no such customer").after(Duration::from_millis(120));
        (0..60).fold(answer.body("ñ\0".repeat(10_000)), |a, n| a.header(&format!("x-{n}"), &"v".repeat(300)))
    });
    world.subscribe(tenant, &receiver.url("/hook"), &["*"]).await;
    let event = world.publish(tenant, "invoice.paid", json!({})).await;
    let _dispatcher = world.dispatch(&[]).await;
    world.until_status("failed", 1).await;
    let delivery = world.delivery(event).await;
    let attempt = world.attempts(delivery.id).await.remove(0);

    let headers = attempt.response_headers.unwrap();
    assert!(headers.as_array().unwrap().contains(&json!(["x-why", "no such customer"])), "{headers}");
    assert!(headers.as_array().unwrap().len() < 40 && headers.to_string().len() < 10_000);
    let body = attempt.response_body.unwrap();
    assert!(body.starts_with('ñ') && body.len() <= 8192 && attempt.response_body_truncated, "{} bytes", body.len());
    assert!(attempt.duration_ms >= 120 && attempt.duration_ms < 20_000, "{} ms", attempt.duration_ms);
    assert!(attempt.error.unwrap().chars().count() <= 500);
    let sql = "SELECT a.started_at BETWEEN d.created_at AND a.recorded_at AND a.recorded_at = d.finished_at
                   AND a.dispatcher_id = (SELECT id FROM posthorn.dispatchers) AND d.dispatcher_id = a.dispatcher_id
                   AND d.last_status_code = 422 AND d.last_error = a.error AND d.lease_until IS NULL
               FROM posthorn.webhook_attempts a JOIN posthorn.webhook_deliveries d ON d.id = a.delivery_id";
    assert!(world.db.query_one(sql, &[]).await.unwrap().get::<_, bool>(0));
}
