//! However many tenants, subscriptions and event names there are, a scrape stays small and no caller names a label (I23).

use serde_json::json;

use crate::harness::{Answer, Receiver, SOON, Serving, eventually};

/// Number of lines of a metrics page.
async fn lines(serving: &Serving) -> usize {
    let reply = serving.nobody().at("").get("/metrics").await;
    assert_eq!(reply.status, 200);
    assert!(!reply.text.contains("receiver.example") && !reply.text.contains("/hook"), "a URL is a label");
    reply.text.lines().count()
}

#[tokio::test]
async fn what_only_exists_is_no_label_and_what_is_asked_for_is_none() {
    let serving = Serving::start().await;
    let receiver = Receiver::start(|_, n| Answer::status(200 + u16::try_from(n % 3).unwrap()));
    let (tenant, api) = serving.tenant("a").await;
    api.subscribe(&receiver.url("/hook"), "a.b").await;
    let delivery = api.delivery_of(&api.publish("a.b", json!({})).await).await;
    api.wait_for_status(&delivery, "delivered").await;
    eventually("it is counted", SOON, async || {
        serving.nobody().at("").get("/metrics").await.text.contains("webhook_deliveries_total{event=\"a.b\"")
    })
    .await;
    let before = lines(&serving).await;
    let many = format!(
        "INSERT INTO posthorn.tenants (name) SELECT 'tenant ' || n FROM generate_series(1, 2000) n;
         INSERT INTO posthorn.webhook_subscriptions (tenant_id, url, events, signing)
         SELECT t.id, 'https://receiver.example/' || t.id, ARRAY['of.' || replace(t.name, ' ', '_')], 'none'
         FROM posthorn.tenants t WHERE t.id <> '{tenant}';
         INSERT INTO posthorn.outbox (tenant_id, event, payload)
         SELECT '{tenant}', 'nobody.wants_' || n, '{{}}' FROM generate_series(1, 2000) n"
    );
    serving.world.db.batch_execute(&many).await.unwrap();
    for n in 0..50 {
        api.get(&format!("/nothing-{n}?x{n}=1")).await;
        api.get(&format!("/subscriptions?event=no.such_{n}")).await.ok(200);
        serving.nobody().bearer(&format!("token-{n}")).get("/tenant").await;
    }
    assert_eq!(lines(&serving).await, before, "rows and requests have made series");
}
