//! What the tests of hostile networks share, and what the environment must not change.

use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::harness::hostile::Hostile;
use crate::harness::{Answer, Binary, Receiver, World, dispatch_binary, server};

/// An attempt and its delivery, as they stand in the database.
#[derive(Debug)]
pub(super) struct Came {
    /// Status of the delivery.
    pub(super) status: String,
    /// Error kind of the attempt.
    pub(super) kind: Option<String>,
    /// What a tenant reads of it.
    pub(super) error: Option<String>,
    pub(super) status_code: Option<i32>,
    pub(super) duration_ms: i32,
    pub(super) headers: Option<Value>,
    pub(super) body: Option<String>,
}

/// Every attempt to send to a URL, in the order of their events.
pub(super) async fn came_to(world: &World, url: &str) -> Vec<Came> {
    let sql = "SELECT d.status, a.error_kind, a.error, a.status_code, a.duration_ms, a.response_headers, a.response_body
               FROM posthorn.webhook_attempts a JOIN posthorn.webhook_deliveries d ON d.id = a.delivery_id
               JOIN posthorn.webhook_subscriptions s ON s.id = d.subscription_id WHERE s.url = $1 ORDER BY d.id, a.epoch";
    let rows = world.db.query(sql, &[&url]).await.unwrap();
    rows.iter()
        .map(|row| Came {
            status: row.get(0),
            kind: row.get(1),
            error: row.get(2),
            status_code: row.get(3),
            duration_ms: row.get(4),
            headers: row.get(5),
            body: row.get(6),
        })
        .collect()
}

/// Settings of a dispatcher with a page of metrics.
pub(super) fn dispatcher_env() -> [(&'static str, &'static str); 3] {
    [
        ("POSTHORN_KEYRING", "test:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
        ("POSTHORN_ROLE", "dispatcher"),
        ("POSTHORN_METRICS_BIND", "127.0.0.1:0"),
    ]
}

#[tokio::test]
async fn proxies_in_the_environment_are_ignored() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let proxy = Hostile::start(|mut conversation| async move { conversation.hold().await }).await;
    let receiver = Receiver::start(|_, _| Answer::status(200));
    world.subscribe(tenant, &receiver.url("/hook"), &["*"]).await;
    let address = proxy.url("http", "");
    let names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    let binary = world.dispatch_binary(&names.map(|name| (name, address.as_str()))).await;
    world.publish(tenant, "invoice.paid", json!({})).await;
    world.until_status("delivered", 1).await;
    assert_eq!((proxy.accepted(), receiver.requests().len()), (0, 1), "{:?}", binary.lines());
}

#[tokio::test]
async fn the_database_is_reached_over_its_socket() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(200));
    world.subscribe(tenant, &receiver.url("/hook"), &["*"]).await;
    let libpq = server().socket_url(world.database());
    let folder = server().socket_folder();
    let in_host = world.url().expose_secret().replace(
        &format!("127.0.0.1:{}", server().port()),
        &format!("{}:{}", folder.replace('/', "%2F"), server().port()),
    );
    for (n, url) in [libpq.expose_secret(), in_host.as_str()].into_iter().enumerate() {
        let binary: Binary = dispatch_binary(url, &[]).await;
        world.publish(tenant, "invoice.paid", json!({})).await;
        world.until_status("delivered", n as i64 + 1).await;
        let by_tcp = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                      AND application_name = 'posthorn' AND client_addr IS NOT NULL";
        assert_eq!(world.count(by_tcp).await, 0, "{url}");
        drop(binary);
        world
            .until("SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'posthorn'")
            .await;
    }
}
