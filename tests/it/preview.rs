//! posthorn.preview(): what it shows is what a dispatcher sends, byte for byte, and only to whom it is due.

use std::collections::BTreeMap;

use posthorn::domain::keyring::Purpose;
use posthorn::domain::secret::Secret;
use serde_json::{Value, json};
use tokio_postgres::{Client, Row};
use uuid::Uuid;

use crate::harness::{Answer, Receiver, SOON, World};

/// Headers that belong to the connection.
const OF_HTTP: [&str; 2] = ["host", "content-length"];

/// What to preview, as columns of the subscription.
const FORMATS: [&str; 9] = [
    "payload_format = 'default'",
    "payload_format = 'gestiq'",
    "payload_format = 'dotmac', header_families = '{dotmac}'",
    "payload_format = 'cloudevents', header_families = '{standard}'",
    "payload_format = 'cloudevents_binary'",
    "payload_format = 'raw', header_families = '{standard,gestiq}'",
    "payload_format = 'default', batch_max = 10",
    "payload_format = 'cloudevents', batch_max = 1",
    "payload_format = 'default', signing = 'none'",
];

const PREVIEW: &str = "SELECT p.to_subscription_id, p.url, p.method, p.headers, p.body, p.signed_text, p.note
    FROM posthorn.preview($1, at => to_timestamp($2::float8), secret => $3) p";

async fn preview(client: &Client, event: Uuid, at: f64, secret: Option<&str>) -> Vec<Row> {
    client.query(PREVIEW, &[&event, &at, &secret]).await.unwrap()
}

/// An event that is hard to write down: texts with every kind of character, numbers no parser keeps.
async fn publish_oddities(world: &World, tenant: Uuid) -> Uuid {
    let sql = r#"SELECT posthorn.publish($1, 'invoice.created', '{"n": 1e400, "z": -0, "t": "\"\\\u0001 ü € \u007f", "a": {"b": [1.10]}}',
        'Größe "5%"', E'50/7 \\ x', '{"version": "9", "b\"\u0007": {"x": [1.0, null]}, "B": "ü", "a": "\t"}')"#;
    world.db.query_one(sql, &[&tenant]).await.unwrap().get(0)
}

#[tokio::test]
async fn what_is_previewed_is_what_is_sent() {
    for (secret, source) in
        [(Secret::generate(), "shop"), (Secret::parse("s", "plain words: ü and 24 more").unwrap(), "Büro \"1\"\t")]
    {
        let world = World::new().await;
        let tenant = world.tenant("a").await;
        let receiver = Receiver::start(|_, _| Answer::status(200));
        for (n, columns) in FORMATS.iter().enumerate() {
            let subscription = world.subscribe_signed(tenant, &receiver.url(&format!("/{n}")), &["*"], &secret).await;
            world.change(subscription, columns).await;
        }
        let event = publish_oddities(&world, tenant).await;
        let source_flag = format!("--source={source}");
        let _dispatcher = world.dispatch(&[&source_flag, "--user-agent=Horn/1"]).await;
        let received = receiver.wait_for(FORMATS.len(), SOON).await;
        let client = world.client_of(tenant).await;
        let setup =
            "SELECT set_config('posthorn.source', $1, false), set_config('posthorn.user_agent', 'Horn/1', false)";
        client.query_one(setup, &[&source]).await.unwrap();
        for (n, columns) in FORMATS.iter().enumerate() {
            let sent = received.iter().find(|request| request.path == format!("/{n}")).unwrap();
            let at = sent.headers.get("webhook-timestamp").map_or(0.0, |at| at.to_str().unwrap().parse().unwrap());
            let shown = preview(&client, event, at, Some(secret.expose())).await;
            let shown = shown.iter().find(|row| row.get::<_, String>("url") == receiver.url(&format!("/{n}"))).unwrap();
            assert_eq!(shown.get::<_, String>("body").as_bytes(), &sent.body[..], "{columns}");
            let headers: BTreeMap<String, Value> = serde_json::from_value(shown.get("headers")).unwrap();
            let came: BTreeMap<String, Value> = sent
                .headers
                .iter()
                .filter(|(name, _)| !OF_HTTP.contains(&name.as_str()))
                .map(|(name, value)| (name.to_string(), json!(String::from_utf8(value.as_bytes().to_vec()).unwrap())))
                .collect();
            assert_eq!(headers, came, "{columns}");
            assert_eq!(shown.get::<_, String>("method"), "POST");
        }
    }
}

#[tokio::test]
async fn it_works_before_the_commit_and_leaves_nothing() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let subscription = world.subscribe(tenant, "https://receiver.example/", &["invoice.*"]).await;
    let other = world.subscribe(tenant, "https://receiver.example/other", &["order.*"]).await;
    world.db.batch_execute("BEGIN").await.unwrap();
    let event = world.publish(tenant, "invoice.paid", json!({"n": 1})).await;
    let shown = preview(&world.db, event, 5.0, None).await;
    assert_eq!(shown.iter().map(|row| row.get(0)).collect::<Vec<Uuid>>(), [subscription]);
    assert!(shown[0].get::<_, String>("body").contains("\"data\":{\"n\": 1}"));
    let named = "SELECT p.note FROM posthorn.preview($1, $2) p";
    let note: String = world.db.query_one(named, &[&event, &other]).await.unwrap().get(0);
    assert!(note.contains("no delivery to this subscription"), "{note}");
    world.db.batch_execute("ROLLBACK").await.unwrap();
    assert!(preview(&world.db, event, 5.0, None).await.is_empty());
    assert_eq!(world.count("SELECT count(*) FROM posthorn.webhook_deliveries").await, 0);
}

#[tokio::test]
async fn what_is_sealed_stays_hidden_and_is_told() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let secret = Secret::generate();
    let subscription = world.subscribe_signed(tenant, "https://receiver.example/", &["*"], &secret).await;
    let sealed = world.keyring().seal_text(tenant, subscription, Purpose::Headers, "{\"X-Api-Key\":\"hidden\"}");
    let credentials = world.keyring().seal_text(tenant, subscription, Purpose::Credentials, "Bearer hidden");
    let change = "UPDATE posthorn.webhook_subscriptions SET header_names = '{X-Api-Key}', sealed_headers = $2, credentials_type = 'bearer',
                      sealed_credentials = $3, previous_secret = secret, previous_secret_until = now() + interval '1 day' WHERE id = $1";
    world.db.execute(change, &[&subscription, &sealed, &credentials]).await.unwrap();
    let event = world.publish(tenant, "invoice.paid", json!({})).await;
    let now = 1_700_000_000.0;
    let shown = preview(&world.db, event, now, None).await.remove(0);
    let headers: Value = shown.get("headers");
    for (name, value) in [
        ("x-api-key", json!("****")),
        ("authorization", json!("Bearer ****")),
        ("webhook-signature", Value::Null),
        ("x-signature", Value::Null),
        ("x-webhook-signature", Value::Null),
        ("webhook-timestamp", json!("1700000000")),
    ] {
        assert_eq!(headers.get(name), Some(&value), "{name} in {headers}");
    }
    let note: String = shown.get("note");
    for part in ["give the secret", "before the last rotation", "are sealed"] {
        assert!(note.contains(part), "{note}");
    }
    let signed: String = shown.get("signed_text");
    assert_eq!(signed, format!("{event}.1700000000.{}", shown.get::<_, String>("body")));

    world.change(subscription, "payload_format = 'template', template = '{}'").await;
    let shown = preview(&world.db, event, now, Some(secret.expose())).await.remove(0);
    assert_eq!(shown.get::<_, Option<String>>("body"), None);
    assert!(shown.get::<_, String>("note").contains("templates are not rendered in SQL"));
}

#[tokio::test]
async fn only_the_tenant_sees_its_payload() {
    let world = World::new().await;
    let (a, b) = (world.tenant("a").await, world.tenant("b").await);
    let subscription = world.subscribe(a, "https://receiver.example/", &["*"]).await;
    let event = world.publish(a, "invoice.paid", json!({"n": 1})).await;
    let own = world.client_of(a).await;
    assert!(preview(&own, event, 5.0, None).await[0].get::<_, String>("body").contains("\"n\": 1"));
    let other = world.client_of(b).await;
    assert!(preview(&other, event, 5.0, None).await.is_empty());
    let theirs = world.publish(b, "invoice.paid", json!({})).await;
    let crossed = "SELECT count(*) FROM posthorn.preview($1, $2)";
    assert_eq!(other.query_one(crossed, &[&theirs, &subscription]).await.unwrap().get::<_, i64>(0), 0);
    assert_eq!(world.db.query_one(crossed, &[&theirs, &subscription]).await.unwrap().get::<_, i64>(0), 0);
    let operator = world.client_as("posthorn_readonly").await;
    let shown = preview(&operator, event, 5.0, None).await.remove(0);
    assert_eq!(shown.get::<_, Option<String>>("body"), None);
    assert!(shown.get::<_, String>("note").contains("may not read payloads"));
    for role in ["posthorn_publisher", "posthorn_dispatcher"] {
        let client = world.client_as(role).await;
        let error = client.query(PREVIEW, &[&event, &5.0, &None::<&str>]).await.unwrap_err();
        assert_eq!(error.code().map(|code| code.code()), Some("42501"), "{role}");
    }
}
