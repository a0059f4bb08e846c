//! What a receiver gets: body and headers, the same bytes on every attempt, signed with every secret that is valid.

use posthorn::domain::secret::Secret;
use posthorn::domain::signature;
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use uuid::Uuid;

use crate::harness::{Answer, Receiver, SOON, World};

/// A world with one signed subscription at a receiver that answers by `script`.
struct Scene {
    world: World,
    tenant: Uuid,
    subscription: Uuid,
    secret: Secret,
    receiver: Receiver,
}

impl Scene {
    async fn new(script: impl Fn(&str, usize) -> Answer + Send + Sync + 'static) -> Self {
        let world = World::new().await;
        let tenant = world.tenant("a").await;
        let receiver = Receiver::start(script);
        let secret = Secret::generate();
        let subscription = world.subscribe_signed(tenant, &receiver.url("/hook"), &["*"], &secret).await;
        Self { world, tenant, subscription, secret, receiver }
    }

    async fn accepting() -> Self {
        Self::new(|_, _| Answer::status(200)).await
    }
}

fn webhook(secret: &Secret) -> Webhook {
    Webhook::from_bytes(secret.standard_key().to_vec()).unwrap()
}

#[tokio::test]
async fn a_webhook_carries_the_envelope_and_every_family_of_headers() {
    let Scene { world, tenant, secret, receiver, .. } = Scene::accepting().await;
    let sql = "SELECT posthorn.publish($1, 'invoice.created', $2, 'invoice', '42', $3)";
    let metadata = json!({"trace": "abc", "tenant_id": "spoofed", "version": "9"});
    let payload = json!({"invoice_id": 42, "amount": "10.50"});
    let event: Uuid = world.db.query_one(sql, &[&tenant, &payload, &metadata]).await.unwrap().get(0);
    let _dispatcher = world.dispatch(&["--source=shop", "--user-agent=Horn/1"]).await;
    let got = receiver.wait_for(1, SOON).await.remove(0);

    let body: Value = serde_json::from_slice(&got.body).unwrap();
    let at: String = {
        let sql =
            "SELECT to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') FROM posthorn.outbox";
        world.db.query_one(sql, &[]).await.unwrap().get(0)
    };
    let envelope = json!({
        "id": event, "type": "invoice.created", "event": "invoice.created", "timestamp": at, "tenant_id": tenant,
        "resource_type": "invoice", "resource_id": "42", "data": payload,
        "metadata": {"trace": "abc", "tenant_id": tenant, "source": "shop", "version": "1.0"},
    });
    assert_eq!(body, envelope);

    let header = |name: &str| got.headers[name].to_str().unwrap();
    assert_eq!((header("content-type"), header("user-agent")), ("application/json", "Horn/1"));
    assert_eq!(header("webhook-id"), event.to_string());
    webhook(&secret).verify(&got.body, &got.headers).unwrap();
    assert!(webhook(&Secret::generate()).verify(&got.body, &got.headers).is_err());
    assert_eq!((header("x-event"), header("x-webhook-event-type")), ("invoice.created", "invoice.created"));
    assert_eq!(header("x-webhook-event-id"), event.to_string());
    let hex = signature::body_hex(&secret, &got.body);
    assert_eq!(header("x-signature"), format!("sha256={hex}"));
    assert_eq!(header("x-webhook-signature"), hex);
    world.until_status("delivered", 1).await;
    assert_eq!(receiver.requests().len(), 1);
}

#[tokio::test]
async fn payloads_no_parser_likes_go_out_as_postgres_prints_them() {
    let Scene { world, tenant, secret, receiver, .. } = Scene::accepting().await;
    let sql = r#"SELECT posthorn.publish($1, 'invoice.created', payload), payload::text FROM (VALUES (
        ('{"deep": ' || repeat('[', 6000) || repeat(']', 6000) || ', "huge": 1e400, "tiny": 1e-400, "exact": 1.10, "zero": -0,
          "text": "\u2028 \u00f1 \" \ud83d\udc1a", "a": 1, "a": 2}')::jsonb)) AS v (payload)"#;
    let printed: String = world.db.query_one(sql, &[&tenant]).await.unwrap().get(1);
    assert!(printed.contains(&"0".repeat(400)) && printed.contains(&"[".repeat(6000)) && printed.contains("1.10"));
    let _dispatcher = world.dispatch(&[]).await;
    let got = receiver.wait_for(1, SOON).await.remove(0);
    let body = std::str::from_utf8(&got.body).unwrap();
    assert!(body.contains(&format!("\"data\":{printed},\"metadata\":")), "the payload was changed on its way");
    webhook(&secret).verify(&got.body, &got.headers).unwrap();
}

#[tokio::test]
async fn every_attempt_sends_the_same_bytes_under_the_same_id() {
    let Scene { world, tenant, subscription, secret, receiver } =
        Scene::new(|_, nth| Answer::status(if nth < 2 { 503 } else { 200 })).await;
    world.change(subscription, "retry_schedule = '{0, 0}'").await;
    let event = world.publish(tenant, "invoice.created", json!({"z": 1, "aa": 2.50, "a": [1e3]})).await;
    let _dispatcher = world.dispatch(&[]).await;
    world.until_status("delivered", 1).await;
    let requests = receiver.requests();
    assert_eq!(requests.len(), 3);
    for request in &requests {
        assert_eq!(request.body, requests[0].body);
        assert_eq!(request.headers["webhook-id"], event.to_string());
        assert_eq!(request.headers["x-signature"], requests[0].headers["x-signature"]);
        webhook(&secret).verify(&request.body, &request.headers).unwrap();
    }
    let attempts = world.attempts(world.delivery(event).await.id).await;
    let came_to: Vec<_> = attempts.iter().map(|a| (a.number, a.status_code)).collect();
    assert_eq!(came_to, [(1, Some(503)), (2, Some(503)), (3, Some(200))]);
}

#[tokio::test]
async fn during_a_rotation_each_secret_verifies_and_after_it_only_the_new_one() {
    let Scene { world, tenant, subscription, secret: old, receiver } = Scene::accepting().await;
    let new = Secret::generate();
    let (sealed_new, sealed_old) =
        (world.keyring().seal(tenant, subscription, &new), world.keyring().seal(tenant, subscription, &old));
    let sql = "UPDATE posthorn.webhook_subscriptions SET secret = $2, previous_secret = $3,
               previous_secret_until = now() + interval '1 hour' WHERE id = $1";
    world.db.execute(sql, &[&subscription, &sealed_new, &sealed_old]).await.unwrap();
    let _dispatcher = world.dispatch(&[]).await;

    world.publish(tenant, "invoice.created", json!({"during": true})).await;
    let during = receiver.wait_for(1, SOON).await.remove(0);
    assert_eq!(during.headers["webhook-signature"].to_str().unwrap().split(' ').count(), 2);
    webhook(&new).verify(&during.body, &during.headers).unwrap();
    webhook(&old).verify(&during.body, &during.headers).unwrap();
    // these headers know no list: the new secret's
    assert_eq!(during.headers["x-webhook-signature"], signature::body_hex(&new, &during.body));

    world.change(subscription, "previous_secret_until = now() - interval '1 s'").await;
    world.publish(tenant, "invoice.created", json!({"during": false})).await;
    let after = receiver.wait_for(2, SOON).await.remove(1);
    assert_eq!(after.headers["webhook-signature"].to_str().unwrap().split(' ').count(), 1);
    webhook(&new).verify(&after.body, &after.headers).unwrap();
    assert!(webhook(&old).verify(&after.body, &after.headers).is_err());
}

#[tokio::test]
async fn only_who_chose_it_is_sent_to_unsigned() {
    let Scene { world, tenant, receiver, .. } = Scene::accepting().await;
    world.subscribe(tenant, &receiver.url("/unsigned"), &["*"]).await;
    world.publish(tenant, "invoice.created", json!({})).await;
    let _dispatcher = world.dispatch(&[]).await;
    for request in receiver.wait_for(2, SOON).await {
        let is_signed = request.path == "/hook";
        for name in ["webhook-signature", "x-signature", "x-webhook-signature"] {
            assert_eq!(request.headers.contains_key(name), is_signed, "{} {name}", request.path);
        }
        assert!(request.headers.contains_key("webhook-id") && request.headers.contains_key("x-event"));
    }
}

#[tokio::test]
async fn a_subscription_chooses_its_body_and_headers() {
    let Scene { world, tenant, subscription, secret, receiver } = Scene::accepting().await;
    world.change(subscription, "payload_format = 'raw', header_families = '{standard}'").await;
    world.publish(tenant, "invoice.created", json!({"n": 1})).await;
    let _dispatcher = world.dispatch(&[]).await;
    let got = receiver.wait_for(1, SOON).await.remove(0);
    assert_eq!(got.body, "{\"n\": 1}");
    webhook(&secret).verify(&got.body, &got.headers).unwrap();
    assert!(!got.headers.keys().any(|name| name.as_str().starts_with("x-")), "{:?}", got.headers);
}
