//! Who am I: what each kind of caller is told of itself.

use std::time::Duration;

use posthorn::domain::permission::{Permission, Permissions};
use posthorn::store::StoreRole;
use posthorn::store::api_keys::{self, KeySpec};
use secrecy::ExposeSecret;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use crate::api_access::{taking_tokens, token};
use crate::harness::api::{ADMIN_TOKEN, OTHER_BASE};
use crate::harness::{REVOKED_WITHIN, Serving, eventually};

#[tokio::test]
async fn a_key_is_told_what_it_is_at_both_bases() {
    let serving = Serving::start().await;
    let tenant = Uuid::now_v7();
    let store = serving.world.store(StoreRole::Owner);
    let key = api_keys::create(&store, tenant, "Acme").await.unwrap().key;
    let whole = serving.nobody().bearer(key.expose().expose_secret());
    let told = whole.get("/caller").await.ok(200);
    let want = json!({
        "tenant_id": tenant, "tenant_name": "Acme", "actor": format!("api_key:{}", key.id()),
        "permissions": ["read", "publish", "manage", "keys"], "expires_at": null,
    });
    assert_eq!(told, want);
    assert_eq!(whole.at(OTHER_BASE).get("/caller").await.ok(200), want);

    let end = OffsetDateTime::now_utc().replace_nanosecond(0).unwrap() + Duration::from_secs(600);
    for permission in Permission::ALL {
        let permissions: Permissions = [permission].into_iter().collect();
        let spec = KeySpec { tenant, name: "one".to_owned(), permissions, expires_at: Some(end) };
        let key = api_keys::create_as(&store, &spec).await.unwrap().key;
        let told = serving.nobody().bearer(key.expose().expose_secret()).get("/caller").await.ok(200);
        assert_eq!(told["permissions"], json!([permission.as_str()]));
        assert_eq!(OffsetDateTime::parse(told["expires_at"].as_str().unwrap(), &Rfc3339).unwrap(), end);
    }
}

#[tokio::test]
async fn who_is_revoked_or_nobody_is_told_nothing() {
    let serving = Serving::start().await;
    let (tenant, _) = serving.tenant("a").await;
    let key = serving.key(tenant, "going").await;
    let api = serving.nobody().bearer(key.expose().expose_secret());
    api.get("/caller").await.ok(200);
    api_keys::revoke(&serving.world.store(StoreRole::Owner), key.id()).await.unwrap();
    eventually("it is refused", REVOKED_WITHIN, async || api.get("/caller").await.status == 401).await;
    serving.nobody().get("/caller").await.problem(401, "unauthorised");
    serving.nobody().bearer("phk_0000000000_wrong").get("/caller").await.problem(401, "unauthorised");
    let parameter = serving.tenant("b").await.1.get("/caller?tenant_id=x").await.rules();
    assert_eq!(parameter, [("tenant_id".to_owned(), "unknown_parameter".to_owned())]);
}

#[tokio::test]
async fn the_operator_is_told_of_the_tenant_it_acts_for() {
    let serving = Serving::start().await;
    let (tenant, _) = serving.tenant("Acme").await;
    let operator = serving.nobody().bearer(ADMIN_TOKEN);
    let told = operator.clone().with("X-Posthorn-Tenant", &tenant.to_string()).get("/caller").await.ok(200);
    assert_eq!((&told["tenant_id"], &told["tenant_name"]), (&json!(tenant), &json!("Acme")));
    assert_eq!((&told["actor"], &told["expires_at"]), (&json!("operator"), &json!(null)));
    assert_eq!(told["permissions"], json!(["read", "publish", "manage", "keys"]));
    operator.get("/caller").await.problem(400, "validation");
    operator.with("X-Posthorn-Tenant", &Uuid::now_v7().to_string()).get("/caller").await.problem(404, "not-found");
}

#[tokio::test]
async fn a_token_is_told_until_when_it_lasts() {
    let secret = "a-secret-of-at-least-thirty-two-bytes";
    let serving = taking_tokens(secret).await;
    let (tenant, _) = serving.tenant("Acme").await;
    for (scopes, permissions) in [(Some("read manage"), json!(["read", "manage"])), (Some("openid"), json!([]))] {
        let told = serving.nobody().bearer(&token(secret, tenant, scopes)).get("/caller").await.ok(200);
        assert_eq!((&told["tenant_id"], &told["permissions"]), (&json!(tenant), &permissions));
        assert!(told["actor"].as_str().unwrap().starts_with("jwt:"), "{told}");
        let end = OffsetDateTime::parse(told["expires_at"].as_str().unwrap(), &Rfc3339).unwrap();
        assert!(end > OffsetDateTime::now_utc(), "{told}");
    }
}
