//! Who may do what: scopes, expiry, revocation, rate limits, and what surrounds every request.

use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::Method;
use posthorn::domain::permission::{Permission, Permissions};
use posthorn::store::StoreRole;
use posthorn::store::api_keys::{self, ApiKey, KeySpec};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::harness::api::{ADMIN_TOKEN, id_of};
use crate::harness::{Api, REVOKED_WITHIN, SOON, Serving, eventually};

/// A key of a tenant with these scopes, and its caller.
async fn key_with(serving: &Serving, tenant: Uuid, scopes: &[Permission]) -> (ApiKey, Api) {
    key_until(serving, tenant, scopes, None).await
}

async fn key_until(
    serving: &Serving,
    tenant: Uuid,
    scopes: &[Permission],
    expires_at: Option<OffsetDateTime>,
) -> (ApiKey, Api) {
    let permissions: Permissions = scopes.iter().copied().collect();
    let spec = KeySpec { tenant, name: "of a test".to_owned(), permissions, expires_at };
    let key = api_keys::create_as(&serving.world.store(StoreRole::Owner), &spec).await.unwrap().key;
    let api = serving.nobody().bearer(key.expose().expose_secret());
    (key, api)
}

/// What the scopes are needed for, with bodies that would be taken.
fn operations() -> Vec<(Permission, Method, String, Value)> {
    let id = Uuid::now_v7();
    let event = json!({"event": "a.b", "payload": {}});
    let operation = |permission, method, path: &str, body: Value| (permission, method, path.to_owned(), body);
    vec![
        operation(Permission::Read, Method::GET, "/subscriptions", Value::Null),
        operation(Permission::Read, Method::GET, &format!("/subscriptions/{id}"), Value::Null),
        operation(Permission::Read, Method::GET, "/deliveries", Value::Null),
        operation(Permission::Read, Method::GET, "/event-types", Value::Null),
        operation(Permission::Read, Method::GET, "/tenant", Value::Null),
        operation(Permission::Read, Method::GET, "/api-keys", Value::Null),
        operation(Permission::Read, Method::GET, "/audit-log", Value::Null),
        operation(Permission::Publish, Method::POST, "/events", event.clone()),
        operation(Permission::Publish, Method::POST, "/deliveries", event),
        operation(
            Permission::Manage,
            Method::POST,
            "/subscriptions",
            json!({"url": "https://receiver.example/", "event": "a.b"}),
        ),
        operation(Permission::Manage, Method::DELETE, &format!("/subscriptions/{id}"), Value::Null),
        operation(Permission::Manage, Method::POST, &format!("/deliveries/{id}/retry"), Value::Null),
        operation(Permission::Manage, Method::PATCH, "/tenant", json!({"name": "other"})),
        operation(Permission::Keys, Method::POST, "/api-keys", json!({"scopes": ["keys"]})),
        operation(Permission::Keys, Method::DELETE, "/api-keys/0000000000", Value::Null),
    ]
}

async fn call(api: &Api, method: &Method, path: &str, body: &Value) -> crate::harness::Reply {
    let (headers, body): (&[(&str, &str)], _) = match body {
        Value::Null => (&[], Bytes::new()),
        body => (&[("content-type", "application/json")], body.to_string().into()),
    };
    api.send(method.clone(), path, headers, body).await
}

#[tokio::test]
async fn each_operation_asks_for_its_scope_and_no_other() {
    let serving = Serving::start().await;
    let (tenant, _) = serving.tenant("a").await;
    for permission in Permission::ALL {
        let others: Vec<Permission> = Permission::ALL.into_iter().filter(|other| *other != permission).collect();
        let (_, without) = key_with(&serving, tenant, &others).await;
        let (_, with) = key_with(&serving, tenant, &[permission]).await;
        for (_, method, path, body) in operations().iter().filter(|(needed, ..)| *needed == permission) {
            let refused = call(&without, method, path, body).await.problem(403, "scope");
            assert_eq!(refused["scope"], permission.as_str(), "{method} {path}");
            assert!(refused["detail"].as_str().unwrap().contains(&format!("the scope {permission};")), "{refused}");
            let allowed = call(&with, method, path, body).await;
            assert!(![401, 403].contains(&allowed.status), "{method} {path}: {}", allowed.text);
        }
    }
    let world = &serving.world;
    assert_eq!(world.count("SELECT count(*) FROM posthorn.tenants WHERE name = 'other'").await, 1);
}

#[tokio::test]
async fn every_operation_of_the_document_asks_for_one_scope() {
    let secret = "a-secret-of-at-least-thirty-two-bytes";
    let serving = taking_tokens(secret).await;
    let (tenant, _) = serving.tenant("a").await;
    let with = |scopes: &str| serving.nobody().bearer(&token(secret, tenant, Some(scopes)));
    let nothing = with("openid");
    for (method, path, operation) in crate::api_isolation::operations() {
        let id = Uuid::now_v7().to_string();
        let segments = path.split('/').map(|segment| if segment.starts_with('{') { id.as_str() } else { segment });
        let path = segments.collect::<Vec<_>>().join("/");
        let body = if method == Method::GET { Value::Null } else { json!({}) };
        call(&serving.nobody(), &method, &path, &body).await.problem(401, "unauthorised");
        if operation == "getCaller" {
            // it tells what the scopes are
            call(&nothing, &method, &path, &body).await.ok(200);
            continue;
        }
        let refused = call(&nothing, &method, &path, &body).await.problem(403, "scope");
        let needed = refused["scope"].as_str().unwrap();
        assert!(method != Method::GET || needed == "read", "{operation} reads and needs {needed}");
        let others: Vec<&str> = Permissions::all().words().into_iter().filter(|word| *word != needed).collect();
        call(&with(&others.join(" ")), &method, &path, &body).await.problem(403, "scope");
        let allowed = call(&with(needed), &method, &path, &body).await;
        assert!(![401, 403].contains(&allowed.status) && allowed.status < 500, "{operation}: {}", allowed.text);
    }
}

#[tokio::test]
async fn every_operation_of_the_document_says_that_scope_and_rate_may_refuse_it() {
    let document = posthorn::cli::openapi::document();
    let operations = document.matches("operationId: ").count();
    for status in ["'403'", "'429'"] {
        assert_eq!(document.matches(&format!("        {status}:\n")).count(), operations, "{status}");
    }
}

#[tokio::test]
async fn a_key_stops_when_it_expires() {
    let serving = Serving::start().await;
    let (tenant, _) = serving.tenant("a").await;
    let end = OffsetDateTime::now_utc() + Duration::from_secs(1);
    let (_, api) = key_until(&serving, tenant, &Permission::ALL, Some(end)).await;
    let before = api.get("/subscriptions").await;
    assert!(before.status == 200 || OffsetDateTime::now_utc() > end, "{}", before.text);
    let within = Duration::from_secs(1) + REVOKED_WITHIN;
    eventually("the expired key is refused", within, async || api.get("/subscriptions").await.status == 401).await;
    let (_, never) = key_until(&serving, tenant, &Permission::ALL, Some(end)).await;
    never.get("/subscriptions").await.problem(401, "unauthorised");
}

#[tokio::test]
async fn a_tenant_makes_lists_and_revokes_its_keys() {
    let serving = Serving::start().await;
    let (tenant, api) = serving.tenant("a").await;
    let body = json!({"name": "billing", "scopes": ["publish", "read"], "expires_at": "2099-01-31T12:00:00+01:00"});
    let reply = api.post("/api-keys", &body).await;
    let made = reply.ok(201);
    assert_eq!(made["scopes"], json!(["read", "publish"]), "{made}");
    assert_eq!((&made["name"], &made["tenant_id"]), (&json!("billing"), &json!(tenant.to_string())));
    let key = made["key"].as_str().unwrap();
    let billing = serving.nobody().bearer(key);
    billing.publish("a.b", json!({})).await;
    billing.get("/api-keys").await.ok(200);
    billing.post("/api-keys", &json!({})).await.problem(403, "scope");

    let page = api.get("/api-keys?limit=1").await;
    assert_eq!(page.ok(200)["data"][0]["id"], made["id"]);
    assert!(!page.text.contains(key.rsplit('_').next().unwrap()), "{}", page.text);
    let cursor = page.ok(200)["next_cursor"].as_str().unwrap().to_owned();
    let rest = api.get(&format!("/api-keys?cursor={cursor}")).await.ok(200);
    assert_eq!((rest["data"].as_array().unwrap().len(), &rest["next_cursor"]), (1, &Value::Null));
    let path = format!("/api-keys/{}", id_of(&made));
    eventually("its use is noted", SOON, async || {
        !api.get("/api-keys").await.ok(200)["data"][0]["last_used_at"].is_null()
    })
    .await;

    api.delete(&path).await.ok(204);
    eventually("the revoked key is refused", REVOKED_WITHIN, async || billing.get("/tenant").await.status == 401).await;
    api.delete(&path).await.ok(204);
    assert!(!api.get("/api-keys?limit=1").await.ok(200)["data"][0]["revoked_at"].is_null());
    api.delete("/api-keys/0000000000").await.problem(404, "not-found");
}

#[tokio::test]
async fn a_key_gives_no_scope_that_it_has_not() {
    let serving = Serving::start().await;
    let (tenant, _) = serving.tenant("a").await;
    let (_, api) = key_with(&serving, tenant, &[Permission::Keys, Permission::Read]).await;
    let refused = api.post("/api-keys", &json!({"scopes": ["read", "manage"]})).await.problem(403, "scope");
    assert_eq!(refused["scope"], "manage");
    let made = api.post("/api-keys", &json!({})).await.ok(201);
    assert_eq!(made["scopes"], json!(["read", "keys"]), "without scopes it gets those of its maker");
    let wrong =
        json!({"name": "x".repeat(201), "scopes": ["read", "all"], "expires_at": "2001-01-01T00:00:00Z", "id": 1});
    let rules: Vec<String> = api.post("/api-keys", &wrong).await.rules().into_iter().map(|(field, _)| field).collect();
    assert_eq!(rules, ["name", "expires_at", "scopes[1]", "id"]);
    assert_eq!(
        api.post("/api-keys", &json!({"scopes": []})).await.rules(),
        [("scopes".to_owned(), "scopes_count".to_owned())]
    );
    assert_eq!(
        api.post("/api-keys", &json!({"scopes": vec!["all"; 10_000]})).await.rules(),
        [("scopes".to_owned(), "count".to_owned())]
    );
}

#[tokio::test]
async fn a_tenant_reads_and_renames_itself() {
    let serving = Serving::start().await;
    let (tenant, api) = serving.tenant("before").await;
    let shown = api.get("/tenant").await.ok(200);
    assert_eq!((&shown["id"], &shown["name"]), (&json!(tenant.to_string()), &json!("before")));
    let call = async |body: Value| call(&api, &Method::PATCH, "/tenant", &body).await;
    assert_eq!(call(json!({"name": "after"})).await.ok(200)["name"], "after");
    assert_eq!(call(json!({})).await.ok(200)["name"], "after");
    // what the operator decides is not the tenant's to change
    let rules = call(json!({"max_in_flight": 10_000, "disabled_at": null, "id": tenant})).await.rules();
    assert!(rules.iter().all(|(_, rule)| rule == "unknown_field") && rules.len() == 3, "{rules:?}");
    assert_eq!(call(json!({"name": "x".repeat(201)})).await.rules(), [("name".to_owned(), "length".to_owned())]);
}

#[tokio::test]
async fn a_disabled_tenants_keys_are_refused() {
    let serving = Serving::start().await;
    let (tenant, api) = serving.tenant("a").await;
    api.get("/tenant").await.ok(200);
    let disable = "UPDATE posthorn.tenants SET disabled_at = now() WHERE id = $1";
    serving.world.db.execute(disable, &[&tenant]).await.unwrap();
    eventually("the key is refused", REVOKED_WITHIN, async || api.get("/tenant").await.status == 401).await;
    let operator = serving.nobody().bearer(ADMIN_TOKEN).with("X-Posthorn-Tenant", &tenant.to_string());
    operator.get("/tenant").await.ok(200);
}

#[tokio::test]
async fn too_many_requests_are_refused_before_the_database() {
    let serving = Serving::with(&[("POSTHORN_API_RATE_PER_SECOND", "1"), ("POSTHORN_API_RATE_BURST", "3")]).await;
    let (_, api) = serving.tenant("a").await;
    let (_, other) = serving.tenant("b").await;
    let first = api.get("/tenant").await;
    first.ok(200);
    let told = |reply: &crate::harness::Reply, name: &str| reply.headers[name].to_str().unwrap().to_owned();
    assert_eq!(
        (told(&first, "ratelimit-limit"), told(&first, "ratelimit-remaining")),
        ("3".to_owned(), "2".to_owned())
    );
    assert_eq!(told(&first, "ratelimit-reset"), "1");
    // nobody can read a table now: whoever is answered was not asked about there
    let mut lock = serving.world.client().await;
    let held = lock.transaction().await.unwrap();
    held.batch_execute("LOCK TABLE posthorn.tenants, posthorn.api_keys IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let refused = async |api: &Api| {
        let mut last = api.get("/nothing").await;
        // with the tables locked only a refusal answers at once
        while last.status != 429 {
            last = tokio::time::timeout(Duration::from_millis(300), api.get("/tenant")).await.unwrap_or(last);
        }
        last
    };
    let reply = tokio::time::timeout(SOON, refused(&api)).await.unwrap();
    reply.problem(429, "rate-limit");
    assert_eq!((told(&reply, "retry-after"), told(&reply, "ratelimit-remaining")), ("1".to_owned(), "0".to_owned()));
    held.rollback().await.unwrap();
    other.get("/tenant").await.ok(200);
    eventually("the bucket fills again", SOON, async || api.get("/tenant").await.status == 200).await;
}

#[tokio::test]
async fn guessing_keys_is_limited_by_address() {
    let serving = Serving::with(&[("POSTHORN_API_RATE_PER_SECOND", "1"), ("POSTHORN_API_RATE_BURST", "3")]).await;
    let (_, api) = serving.tenant("a").await;
    api.get("/tenant").await.ok(200);
    let (start, mut statuses) = (Instant::now(), Vec::new());
    // for longer than a key is taken for good without asking again
    while start.elapsed() < REVOKED_WITHIN {
        let guess = ApiKey::generate();
        statuses.push(serving.nobody().bearer(guess.expose().expose_secret()).get("/tenant").await.status);
    }
    assert_eq!(statuses[..3], [401; 3]);
    let (refused, admitted) =
        (statuses.iter().filter(|s| **s == 429).count(), statuses.iter().filter(|s| **s == 401).count());
    assert!(refused > 0 && admitted <= 3 + 8 && refused + admitted == statuses.len(), "{statuses:?}");
    // a key that was known still gets in, whoever else calls from there
    api.get("/tenant").await.ok(200);
    let (_, unknown) = serving.tenant("b").await;
    while serving.nobody().bearer(ApiKey::generate().expose().expose_secret()).get("/tenant").await.status != 429 {}
    assert_eq!(unknown.get("/tenant").await.problem(429, "rate-limit")["status"], 429);
}

#[tokio::test]
async fn unknown_parameters_are_refused_by_name() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let unknown = |name: &str| (name.to_owned(), "unknown_parameter".to_owned());
    for (path, names) in [
        ("/subscriptions?activ=true", &["activ"][..]),
        ("/deliveries?limit=1&Status=failed&x", &["Status", "x"]),
        ("/tenant?limit=1", &["limit"]),
    ] {
        let want: Vec<_> = names.iter().map(|name| unknown(name)).collect();
        assert_eq!(api.get(path).await.rules(), want, "{path}");
    }
    let body = json!({"event": "a.b", "payload": {}});
    assert_eq!(api.post("/events?strict=false", &body).await.rules(), [unknown("strict")]);
    api.post("/deliveries?strict=false", &body).await.ok(202);
    assert_eq!(api.at("").get("/docs?x=1").await.status, 200);
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let id = Uuid::now_v7();
    for (base, path, allow) in [
        (crate::harness::api::BASE, "/subscriptions".to_owned(), "POST, GET, HEAD"),
        (crate::harness::api::OTHER_BASE, format!("/deliveries/{id}/retry"), "POST"),
        ("", "/health/live".to_owned(), "GET, HEAD"),
    ] {
        let reply = api.at(base).send(Method::PUT, &path, &[], Bytes::new()).await;
        reply.problem(405, "method");
        assert_eq!(reply.headers["allow"], allow, "{path}");
    }
}

#[tokio::test]
async fn a_token_of_the_tenants_issuer_stands_in_for_a_key() {
    let secret = "a-secret-of-at-least-thirty-two-bytes";
    let serving = taking_tokens(secret).await;
    let (tenant, key) = serving.tenant("a").await;
    let with = |tenant: Uuid, scope: Option<&str>| serving.nobody().bearer(&token(secret, tenant, scope));
    let reader = with(tenant, None);
    assert_eq!(reader.get("/tenant").await.ok(200)["id"], tenant.to_string());
    assert_eq!(reader.post("/events", &json!({})).await.problem(403, "scope")["scope"], "publish");
    let manager = with(tenant, Some("manage email"));
    let made = id_of(&manager.subscribe("https://receiver.example/", "a.b").await);
    let log = key.get(&format!("/audit-log?target_id={made}")).await.ok(200);
    assert_eq!(log["data"][0]["actor"], "jwt:anna");
    with(Uuid::now_v7(), None).get("/tenant").await.problem(401, "unauthorised");
    let forged = token("another-secret-of-thirty-two-bytes", tenant, None);
    serving.nobody().bearer(&forged).get("/tenant").await.problem(401, "unauthorised");
}

/// A server that takes tokens signed with this secret.
pub(crate) async fn taking_tokens(secret: &str) -> Serving {
    Serving::with(&[
        ("POSTHORN_JWT_KEY", secret),
        ("POSTHORN_JWT_ALGORITHM", "HS256"),
        ("POSTHORN_JWT_AUDIENCE", "posthorn"),
        ("POSTHORN_JWT_ISSUER", "https://issuer.example"),
        ("POSTHORN_JWT_TENANT_CLAIM", "org"),
    ])
    .await
}

/// A token by HS256 for the tenant in the claim `org`.
pub(crate) fn token(secret: &str, tenant: Uuid, scope: Option<&str>) -> String {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use hmac::{Hmac, KeyInit, Mac};

    let exp = OffsetDateTime::now_utc().unix_timestamp() + 600;
    let mut claims = json!({"iss": "https://issuer.example", "aud": "posthorn", "exp": exp, "org": tenant.to_string(), "sub": "anna"});
    if let Some(scope) = scope {
        claims["scope"] = scope.into();
    }
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(&json!({"alg": "HS256"})), part(&claims));
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}
