//! The admin API: tenants and their keys, for the operator alone.

use bytes::Bytes;
use hyper::Method;
use posthorn::domain::keyring::Keyring;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::api::{ADMIN_TOKEN, id_of};
use crate::harness::{Api, Binary, REVOKED_WITHIN, Reply, SOON, Serving, World, eventually};

const BASE: &str = "/api/v1/admin";
const DOCUMENT: &str = include_str!("../../openapi/posthorn-admin.yaml");

fn operator(serving: &Serving) -> Api {
    serving.nobody().at(BASE).bearer(ADMIN_TOKEN)
}

async fn patch(api: &Api, path: &str, body: &Value) -> Reply {
    api.send(Method::PATCH, path, &[("content-type", "application/json")], body.to_string().into()).await
}

/// Every operation of the committed document.
fn operations() -> Vec<(Method, String)> {
    let (mut path, mut found) = (String::new(), Vec::new());
    for line in DOCUMENT.lines() {
        let name = line.trim().trim_end_matches(':');
        if line.starts_with("  /") {
            name.clone_into(&mut path);
        } else if line.starts_with("    ") && ["get", "put", "post", "patch", "delete"].contains(&name) {
            found.push((name.to_uppercase().parse().unwrap(), path.clone()));
        }
    }
    found
}

#[tokio::test]
async fn nobody_but_the_operator_gets_in() {
    let serving = Serving::start().await;
    let (tenant, api) = serving.tenant("a").await;
    let operations = operations();
    assert_eq!(operations.len(), 9, "{operations:?}");
    let dump = "SELECT string_agg(t::text, ' ') FROM (SELECT t::text FROM posthorn.tenants t
                UNION ALL SELECT (k.id, k.revoked_at)::text FROM posthorn.api_keys k ORDER BY 1) t";
    let everything = async || serving.world.db.query_one(dump, &[]).await.unwrap().get::<_, String>(0);
    let before = everything().await;
    for (method, path) in operations {
        let path = path.replace("{id}", &tenant.to_string()).replace("{key_id}", "0000000000");
        for caller in
            [api.at(BASE), serving.nobody().at(BASE), serving.nobody().at(BASE).bearer("operator-token-of-the-test")]
        {
            let caller = caller.with("X-Posthorn-Tenant", &tenant.to_string());
            let reply = caller.send(method.clone(), &path, &[], Bytes::new()).await;
            reply.problem(401, "unauthorised");
            assert_eq!(reply.headers["www-authenticate"], "Bearer");
        }
    }
    assert_eq!(everything().await, before);
}

#[tokio::test]
async fn without_an_operators_token_there_is_no_such_api() {
    let world = World::new().await;
    let binary = Binary::start(
        &["serve"],
        &[
            ("POSTHORN_BIND", "127.0.0.1:0"),
            ("POSTHORN_KEYRING", &Keyring::generate_entry("test")),
            ("DATABASE_URL", world.url().expose_secret()),
        ],
    );
    let ready = binary.wait_for_line("posthorn is ready on http://", SOON).await;
    let nobody = Api::nobody_at(ready.rsplit("http://").next().unwrap()).at(BASE);
    for path in ["/tenants", "/openapi.json", "/openapi.yaml", ""] {
        nobody.get(path).await.problem(404, "not-found");
        nobody.clone().bearer("").get(path).await.problem(404, "not-found");
    }
}

#[tokio::test]
async fn tenants_are_added_listed_changed_and_disabled() {
    let serving = Serving::start().await;
    let operator = operator(&serving);
    // of no version that we make
    let id = Uuid::from_u128(0x1234_5678);
    let reply = operator.post("/tenants", &json!({"id": id, "name": "Acme", "max_in_flight": 7})).await;
    let made = reply.ok(201);
    assert_eq!(reply.headers["location"], format!("{BASE}/tenants/{id}"));
    assert_eq!((&made["id"], &made["name"], &made["max_in_flight"]), (&json!(id), &json!("Acme"), &json!(7)));
    operator.post("/tenants", &json!({"id": id})).await.problem(409, "conflict");
    let own = id_of(&operator.post("/tenants", &json!({})).await.ok(201));
    assert_ne!(own, id.to_string());
    let wrong = json!({"id": "x", "name": "x".repeat(201), "max_in_flight": 0, "disabled": true});
    let fields: Vec<String> = operator.post("/tenants", &wrong).await.rules().into_iter().map(|(f, _)| f).collect();
    assert_eq!(fields, ["id", "name", "max_in_flight", "disabled"]);

    let first = operator.get("/tenants?limit=1").await.ok(200);
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = operator.get(&format!("/tenants?limit=1&cursor={cursor}")).await.ok(200);
    assert_eq!((id_of(&first["data"][0]), id_of(&second["data"][0])), (own, id.to_string()));
    assert!(second["next_cursor"].is_null(), "{second}");
    assert_eq!(operator.get("/tenants?page=2").await.rules(), [("page".to_owned(), "unknown_parameter".to_owned())]);

    let path = format!("/tenants/{id}");
    assert_eq!(operator.get(&path).await.ok(200), made);
    let changed = patch(&operator, &path, &json!({"name": "Acme Ltd"})).await.ok(200);
    assert_eq!((&changed["name"], &changed["max_in_flight"]), (&json!("Acme Ltd"), &json!(7)));
    let changed = patch(&operator, &path, &json!({"max_in_flight": null})).await.ok(200);
    assert_eq!((&changed["name"], &changed["max_in_flight"]), (&json!("Acme Ltd"), &Value::Null));
    operator.delete(&path).await.ok(204);
    let disabled = operator.get(&path).await.ok(200);
    assert!(!disabled["disabled_at"].is_null());
    operator.delete(&path).await.ok(204);
    assert_eq!(operator.get(&path).await.ok(200), disabled, "disabling again changes nothing");
    assert!(patch(&operator, &path, &json!({"disabled": false})).await.ok(200)["disabled_at"].is_null());

    let nobodys = format!("/tenants/{}", Uuid::now_v7());
    operator.get(&nobodys).await.problem(404, "not-found");
    operator.delete(&nobodys).await.problem(404, "not-found");
    patch(&operator, &nobodys, &json!({})).await.problem(404, "not-found");
    operator.get("/tenants/x").await.rules();
    let put = operator.send(Method::PUT, &path, &[], Bytes::new()).await;
    put.problem(405, "method");
    assert_eq!(put.headers["allow"], "GET, PATCH, DELETE, HEAD");
    let log = "SELECT string_agg(a.action || ' by ' || a.actor, ', ' ORDER BY a.id) FROM posthorn.audit_log a WHERE a.tenant_id = $1";
    let logged: String = serving.world.db.query_one(log, &[&id]).await.unwrap().get(0);
    let want =
        ["created", "updated", "updated", "disabled", "enabled"].map(|verb| format!("tenant.{verb} by operator"));
    assert_eq!(logged, want.join(", "));
}

#[tokio::test]
async fn the_operator_makes_and_revokes_a_tenants_keys() {
    let serving = Serving::start().await;
    let operator = operator(&serving);
    let tenant = id_of(&operator.post("/tenants", &json!({"name": "Acme"})).await.ok(201));
    let other = id_of(&operator.post("/tenants", &json!({})).await.ok(201));
    let path = format!("/tenants/{tenant}/api-keys");
    let everything = operator.post(&path, &json!({})).await.ok(201);
    assert_eq!(everything["scopes"], json!(["read", "publish", "manage", "keys"]));
    let made = operator.post(&path, &json!({"name": "reader", "scopes": ["read"]})).await.ok(201);
    let reader = serving.nobody().bearer(made["key"].as_str().unwrap());
    assert_eq!(reader.get("/tenant").await.ok(200)["id"], tenant);
    let event = json!({"event": "a.b", "payload": {}});
    assert_eq!(reader.post("/events", &event).await.problem(403, "scope")["scope"], "publish");

    let page = operator.get(&format!("{path}?limit=1")).await;
    assert_eq!(page.ok(200)["data"][0]["id"], made["id"]);
    assert!(page.ok(200)["data"][0].get("key").is_none(), "{}", page.text);
    let cursor = page.ok(200)["next_cursor"].as_str().unwrap().to_owned();
    let rest = operator.get(&format!("{path}?cursor={cursor}")).await.ok(200);
    assert_eq!(rest["data"].as_array().unwrap().len(), 1);

    let id = id_of(&made);
    operator.delete(&format!("/tenants/{other}/api-keys/{id}")).await.problem(404, "not-found");
    reader.get("/tenant").await.ok(200);
    operator.delete(&format!("{path}/{id}")).await.ok(204);
    eventually("the key is refused", REVOKED_WITHIN, async || reader.get("/tenant").await.status == 401).await;
    let nobodys = format!("/tenants/{}/api-keys", Uuid::now_v7());
    operator.get(&nobodys).await.problem(404, "not-found");
    operator.post(&nobodys, &json!({})).await.problem(404, "not-found");
    let fields: Vec<String> = operator
        .post(&path, &json!({"scopes": ["all"], "tenant_id": other}))
        .await
        .rules()
        .into_iter()
        .map(|(f, _)| f)
        .collect();
    assert_eq!(fields, ["scopes[0]", "scopes", "tenant_id"]);
}

#[tokio::test]
async fn the_operators_role_may_do_that_and_nothing_else() {
    let serving = Serving::start().await;
    let (tenant, api) = serving.tenant("a").await;
    api.subscribe("https://receiver.example/", "a.b").await;
    let admin = serving.world.client_as("posthorn_admin").await;
    admin.batch_execute(&format!("SET posthorn.tenant_id = '{tenant}'")).await.unwrap();
    for statement in [
        "SELECT secret_sha256 FROM posthorn.api_keys",
        "SELECT id FROM posthorn.webhook_subscriptions",
        "SELECT id FROM posthorn.events",
        "SELECT id FROM posthorn.audit_log",
        "SELECT key FROM posthorn.idempotency_keys",
        "DELETE FROM posthorn.tenants",
        "DELETE FROM posthorn.api_keys",
        "UPDATE posthorn.api_keys SET secret_sha256 = '\\x00'",
        "UPDATE posthorn.api_keys SET tenant_id = posthorn.uuid7()",
    ] {
        let error = admin.batch_execute(statement).await.expect_err(statement);
        assert_eq!(error.code().unwrap().code(), "42501", "{statement}: {error:?}");
    }
    // and the tenants' role has none of it
    let tenant_api = serving.world.client_as("posthorn_api").await;
    for statement in [
        "INSERT INTO posthorn.tenants (name) VALUES ('x')",
        "UPDATE posthorn.tenants SET max_in_flight = 10000",
        "UPDATE posthorn.tenants SET disabled_at = NULL",
    ] {
        let error = tenant_api.batch_execute(statement).await.expect_err(statement);
        assert_eq!(error.code().unwrap().code(), "42501", "{statement}: {error:?}");
    }
    let rows = tenant_api.execute("UPDATE posthorn.tenants SET name = 'x'", &[]).await.unwrap();
    assert_eq!(rows, 0, "who acts for no tenant renames none");
}

#[tokio::test]
async fn its_document_is_served() {
    let serving = Serving::start().await;
    let nobody = serving.nobody().at(BASE);
    assert_eq!(nobody.get("/openapi.yaml").await.text, DOCUMENT);
    assert!(nobody.get("/openapi.json").await.ok(200)["paths"]["/tenants"].is_object());
}
