//! Who may call: tenants by their keys, the operator on behalf of one; everybody else gets one and the same answer.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::Method;
use secrecy::ExposeSecret;
use serde_json::json;
use uuid::Uuid;

use crate::harness::api::{ADMIN_TOKEN, OTHER_BASE, id_of, start};
use crate::harness::{Binary, REVOKED_WITHIN, Reply, Serving, World, eventually};

/// What a caller can tell answers apart by.
fn seen(reply: &Reply) -> (u16, Vec<(String, String)>, String) {
    let mut headers: Vec<(String, String)> =
        reply.headers.iter().map(|(n, v)| (n.to_string(), v.to_str().unwrap().to_owned())).collect();
    headers.retain(|(name, _)| name != "date" && !name.starts_with("ratelimit-"));
    headers.sort();
    (reply.status, headers, reply.text.clone())
}

#[tokio::test]
async fn whoever_has_no_valid_key_gets_the_same_answer() {
    let serving = Serving::start().await;
    let tenant = Uuid::now_v7();
    let (valid, revoked) = (serving.key(tenant, "valid").await, serving.key(tenant, "revoked").await);
    let key = valid.expose().expose_secret().to_owned();
    let revoked_key = revoked.expose().expose_secret().to_owned();
    let nobody = serving.nobody();
    nobody.clone().bearer(&revoked_key).get("/subscriptions").await.ok(200);
    let revoke =
        Binary::start(&["keys", "revoke", revoked.id()], &[("DATABASE_URL", serving.world.url().expose_secret())]);
    let (status, lines) = revoke.run_to_end().await;
    assert!(status.success(), "{lines:?}");
    eventually("the revoked key is refused", REVOKED_WITHIN, async || {
        nobody.clone().bearer(&revoked_key).get("/subscriptions").await.status == 401
    })
    .await;

    let other_secret = serving.key(tenant, "other").await.expose().expose_secret()[15..].to_owned();
    let wrong_secret = format!("{}{other_secret}", &key[..15]);
    let unknown_id = format!("phk_0000000000_{other_secret}");
    assert_eq!((wrong_secret.len(), unknown_id.len()), (key.len(), key.len()));
    let first = nobody.get("/subscriptions").await;
    first.problem(401, "unauthorised");
    assert_eq!(first.headers["www-authenticate"], "Bearer");
    let mut authorizations = vec![
        String::new(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        key.clone(),
        format!("Basic {}", STANDARD.encode(&key)),
        format!("Token {key}"),
    ];
    authorizations.extend(
        [
            "x",
            "null",
            "phk_",
            &key[..key.len() - 1],
            &key.to_uppercase(),
            &format!("{key}0"),
            &format!("{key},{key}"),
            &revoked_key,
            &wrong_secret,
            &unknown_id,
            "' OR 1=1 --",
            ADMIN_TOKEN.trim_end_matches('s'),
        ]
        .map(|token| format!("Bearer {token}")),
    );
    for authorization in authorizations {
        let reply = nobody.clone().with("authorization", &authorization).get("/subscriptions").await;
        assert_eq!(seen(&reply), seen(&first), "{authorization}");
    }
    let by_query = nobody.get(&format!("/subscriptions?api_key={key}&access_token={key}")).await;
    assert_eq!(seen(&by_query), seen(&first));

    // authentication comes before everything that a stranger could learn from
    let id = Uuid::now_v7();
    for (method, path) in [
        (Method::POST, "/subscriptions".to_owned()),
        (Method::DELETE, format!("/subscriptions/{id}")),
        (Method::GET, format!("/subscriptions/{id}")),
        (Method::GET, "/deliveries?status=none".to_owned()),
        (Method::POST, format!("/deliveries/{id}/retry")),
        (Method::POST, "/deliveries".to_owned()),
        (Method::POST, "/events".to_owned()),
        (Method::GET, "/events/x".to_owned()),
        (Method::GET, "/event-types".to_owned()),
    ] {
        let reply = nobody.send(method.clone(), &path, &[], bytes::Bytes::new()).await;
        assert_eq!(seen(&reply), seen(&first), "{method} {path}");
    }
    nobody.clone().with("authorization", &format!("bearer {key}")).get("/subscriptions").await.ok(200);
}

#[tokio::test]
async fn a_key_works_on_both_base_paths() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let made = id_of(&api.subscribe("https://receiver.example/", "a.b").await);
    let other = api.at(OTHER_BASE);
    assert_eq!(id_of(&other.get(&format!("/subscriptions/{made}")).await.ok(200)), made);
    let event = other.publish("a.b", json!({})).await;
    api.get(&format!("/events/{event}")).await.ok(200);
    serving.nobody().at(OTHER_BASE).get("/subscriptions").await.problem(401, "unauthorised");
}

#[tokio::test]
async fn the_operator_acts_for_the_tenant_it_names() {
    let serving = Serving::start().await;
    let (tenant, api) = serving.tenant("a").await;
    let (other, _) = serving.tenant("b").await;
    let made = id_of(&api.subscribe("https://receiver.example/", "a.b").await);
    let operator = serving.nobody().bearer(ADMIN_TOKEN);
    let path = format!("/subscriptions/{made}");
    let as_tenant = |tenant: &str| operator.clone().with("X-Posthorn-Tenant", tenant);
    assert_eq!(id_of(&as_tenant(&tenant.to_string()).get(&path).await.ok(200)), made);
    as_tenant(&other.to_string()).get(&path).await.problem(404, "not-found");

    let field = "X-Posthorn-Tenant".to_owned();
    assert_eq!(operator.get(&path).await.rules(), [(field.clone(), "required".to_owned())]);
    for malformed in ["", "x", "' OR 1=1", &format!("{tenant}x"), &format!("{tenant},{other}")] {
        assert_eq!(as_tenant(malformed).get(&path).await.rules(), [(field.clone(), "uuid".to_owned())], "{malformed}");
    }
    for unknown in [Uuid::now_v7(), Uuid::nil()] {
        as_tenant(&unknown.to_string()).get(&path).await.problem(404, "not-found");
        as_tenant(&unknown.to_string()).get("/subscriptions").await.problem(404, "not-found");
    }
    for malformed in ["", "x"] {
        let api = api.clone().with("X-Posthorn-Tenant", malformed);
        assert_eq!(api.get(&path).await.rules(), [(field.clone(), "uuid".to_owned())], "{malformed}");
    }
    // a tenant names itself by its key and nothing else; whoever else is named, being there or not, it is a mistake
    let named = api.clone().with("X-Posthorn-Tenant", &tenant.to_string());
    assert_eq!(named.get(&path).await.ok(200)["tenant_id"], tenant.to_string());
    for forged in [other, Uuid::now_v7(), Uuid::nil()] {
        let forged = api.clone().with("X-Posthorn-Tenant", &forged.to_string());
        let body = json!({"url": "https://receiver.example/2", "event": "a.b"});
        for reply in [forged.get(&path).await, forged.post("/subscriptions", &body).await] {
            assert_eq!(reply.rules(), [(field.clone(), "tenant".to_owned())]);
        }
    }
    assert_eq!(api.get("/subscriptions").await.ok(200)["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn without_an_operators_token_nobody_is_the_operator() {
    let serving = Serving::with(&[("POSTHORN_ADMIN_TOKEN", "another-operators-token")]).await;
    let (tenant, _) = serving.tenant("a").await;
    let as_operator = serving.nobody().bearer(ADMIN_TOKEN).with("X-Posthorn-Tenant", &tenant.to_string());
    as_operator.get("/subscriptions").await.problem(401, "unauthorised");
}

#[tokio::test]
async fn a_token_that_can_be_guessed_is_refused_at_start() {
    let world = World::new().await;
    let short = start(world.url().expose_secret(), &[("POSTHORN_ADMIN_TOKEN", "fifteen-letters")]);
    let (status, lines) = short.run_to_end().await;
    assert!(!status.success());
    let said = lines.join("\n");
    assert!(said.contains("POSTHORN_ADMIN_TOKEN needs at least 16 characters"), "{said}");
    assert!(!said.contains("fifteen-letters"), "{said}");
}
