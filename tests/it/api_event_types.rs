//! Event types over HTTP: the catalogue, a tenant's own types, and schemas that are refused with the place of the fault.

use std::fmt::Write;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::Serving;

fn types(catalogue: &Value) -> Vec<Value> {
    let groups = catalogue["data"].as_array().unwrap();
    groups.iter().flat_map(|group| group["types"].as_array().unwrap().clone()).collect()
}

fn named<'a>(all: &'a [Value], name: &str) -> &'a Value {
    all.iter().find(|each| each["name"] == name).unwrap_or_else(|| panic!("no {name}"))
}

fn amount_schema() -> Value {
    json!({"type": "object", "required": ["amount"], "properties": {"amount": {"type": "string"}}})
}

#[tokio::test]
async fn the_catalogue_is_grouped() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let catalogue = api.get("/event-types").await.ok(200);
    assert_eq!((catalogue["data"].as_array().unwrap().len(), types(&catalogue).len()), (17, 62), "{catalogue}");
    let invoices = api.get("/event-types?group=Invoices").await.ok(200);
    assert_eq!((invoices["data"].as_array().unwrap().len(), types(&invoices).len()), (1, 8), "{invoices}");
    assert_eq!(named(&types(&invoices), "invoice.created")["is_own"], false);
    assert!(types(&api.get("/event-types?own=true").await.ok(200)).is_empty());
    assert_eq!(types(&api.get("/event-types?own=false").await.ok(200)).len(), 62);
    assert_eq!(api.get("/event-types?own=maybe").await.rules(), [("own".to_owned(), "parameter".to_owned())]);
}

#[tokio::test]
async fn an_own_type_lives_its_life() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let schema = r#"{"type": "object",   "properties": {"n": {"maximum": 10.0}}}"#;
    let body = format!(
        r#"{{"name": " Shipment.Delayed ", "description": "Late", "json_schema": {schema}, "example": {{"n": 1.50}}, "is_strict": true}}"#
    );
    let made = api.post_bytes("/event-types", body).await;
    let record = made.ok(201);
    assert_eq!((&record["name"], &record["group"]), (&json!("shipment.delayed"), &json!("Own")));
    assert!(made.headers["location"].to_str().unwrap().ends_with("/event-types/shipment.delayed"));
    let read = api.get("/event-types/shipment.delayed").await;
    assert!(
        read.status == 200 && read.text.contains(schema) && read.text.contains("1.50"),
        "as written: {}",
        read.text
    );
    let listed = api.get("/event-types?own=true").await.ok(200);
    let listed = types(&listed);
    let own = named(&listed, "shipment.delayed");
    assert_eq!(
        (&own["is_strict"], &own["is_deprecated"], &own["has_json_schema"], &own["is_own"]),
        (&json!(true), &json!(false), &json!(true), &json!(true))
    );
    api.post("/event-types", &json!({"name": "shipment.delayed"})).await.problem(409, "conflict");

    let changed =
        api.patch("/event-types/shipment.delayed", &json!({"is_deprecated": true, "group": "Shipping"})).await;
    let changed = changed.ok(200);
    assert_eq!(
        (&changed["group"], &changed["description"], &changed["is_strict"]),
        (&json!("Shipping"), &json!("Late"), &json!(true))
    );
    assert!(changed["updated_at"].as_str().unwrap() > changed["created_at"].as_str().unwrap(), "{changed}");
    let without = api.patch("/event-types/shipment.delayed", &json!({"json_schema": null})).await;
    assert_eq!(without.rules(), [("is_strict".to_owned(), "strict_without_schema".to_owned())]);
    let nothing = json!({"json_schema": null, "is_strict": false, "example": null});
    let without = api.patch("/event-types/shipment.delayed", &nothing).await;
    assert_eq!(without.ok(200)["json_schema"], Value::Null);

    let etag = api.get("/event-types/shipment.delayed").await.headers["etag"].to_str().unwrap().to_owned();
    let renamed = json!({"description": "Later"});
    let change = async || api.clone().with("if-match", &etag).patch("/event-types/shipment.delayed", &renamed).await;
    change().await.ok(200);
    assert_eq!(change().await.status, 412, "it is no longer what was read");

    api.delete("/event-types/shipment.delayed").await.ok(204);
    api.delete("/event-types/shipment.delayed").await.problem(404, "not-found");
    api.get("/event-types/shipment.delayed").await.problem(404, "not-found");
    api.patch("/event-types/shipment.delayed", &json!({})).await.problem(404, "not-found");
}

#[tokio::test]
async fn a_common_type_can_be_stood_in_for_and_not_be_changed() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    for answer in [
        api.patch("/event-types/invoice.paid", &json!({"is_deprecated": true})).await,
        api.delete("/event-types/invoice.paid").await,
    ] {
        answer.problem(409, "conflict");
    }
    let made = api.post("/event-types", &json!({"name": "invoice.paid", "json_schema": amount_schema()})).await.ok(201);
    assert_eq!((&made["group"], &made["description"]), (&json!("Invoices"), &json!("An invoice was paid in full")));
    let catalogue = api.get("/event-types").await.ok(200);
    assert_eq!(types(&catalogue).len(), 62, "it stands in its place");
    assert_eq!(named(&types(&catalogue), "invoice.paid")["is_own"], true);
    api.delete("/event-types/invoice.paid").await.ok(204);
    assert_eq!(api.get("/event-types/invoice.paid").await.ok(200)["is_own"], false);
}

#[tokio::test]
async fn every_failed_rule_of_a_type_is_named_at_once() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let body = json!({
        "name": "nodots", "group": "", "description": "x".repeat(2001), "is_strict": "yes", "colour": "red",
        "json_schema": {"properties": {"a": {"type": "strin"}}},
    });
    let mut found = api.post("/event-types", &body).await.rules();
    found.sort();
    let want = [
        ("colour", "unknown_field"),
        ("description", "length"),
        ("group", "printable"),
        ("is_strict", "type"),
        ("json_schema/properties/a/type", "json_schema"),
        ("name", "event_format"),
    ];
    assert_eq!(found, want.map(|(field, rule)| (field.to_owned(), rule.to_owned())));
    for (body, field, rule) in [
        (json!({}), "name", "required"),
        (json!({"name": "posthorn.mine"}), "name", "event_reserved"),
        (json!({"name": "a.b", "json_schema": true}), "json_schema", "object"),
        (json!({"name": "a.b", "is_strict": true}), "is_strict", "strict_without_schema"),
        (
            json!({"name": "a.b", "json_schema": amount_schema(), "example": {"amount": 1}}),
            "example/amount",
            "schema_mismatch",
        ),
        (json!({"name": "a.b", "json_schema": {"description": "x".repeat(65_536)}}), "json_schema", "size"),
        (json!({"name": "a.b", "json_schema": {"x": "\u{0}"}, "group": "a\u{0}b"}), "group", "nul"),
    ] {
        let found = api.post("/event-types", &body).await.rules();
        assert!(found.contains(&(field.to_owned(), rule.to_owned())), "{found:?} for {field} {rule}");
    }
    assert_eq!(serving.world.count("SELECT count(*) FROM posthorn.event_types").await, 62);
}

#[tokio::test]
async fn hostile_schemas_are_refused_at_once() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let mut chain = String::from(r##"{"$ref": "#/$defs/d0", "$defs": {"##);
    for n in 0..60 {
        write!(chain, r##""d{n}": {{"allOf": [{{"$ref": "#/$defs/d{0}"}}, {{"$ref": "#/$defs/d{0}"}}]}}, "##, n + 1)
            .unwrap();
    }
    chain.push_str(r#""d60": {"type": "object"}}}"#);
    for schema in [
        format!("{}{{}}{}", r#"{"not":"#.repeat(3000), "}".repeat(3000)),
        format!("{{\"enum\": [{}1]}}", "1,".repeat(40_000)),
        r#"{"$ref": "http://127.0.0.1:1/schema.json"}"#.to_owned(),
        r#"{"$ref": "file:///etc/passwd"}"#.to_owned(),
        r#"{"$schema": "http://127.0.0.1:1/meta"}"#.to_owned(),
        r##"{"$ref": "#"}"##.to_owned(),
        r##"{"allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"anyOf": [{"$ref": "#"}]}}}"##.to_owned(),
        chain,
        r#"{"properties": {"a": {"pattern": "((a{1000}){1000}){1000}"}}}"#.to_owned(),
        r#"{"properties": {"a": {"pattern": "(?=.*a)(?=.*b)"}}}"#.to_owned(),
        r#"{"patternProperties": {"(": {}}}"#.to_owned(),
    ] {
        let started = Instant::now();
        let reply = api.post_bytes("/event-types", format!(r#"{{"name": "a.b", "json_schema": {schema}}}"#)).await;
        let faults = reply.rules();
        assert!(faults.iter().all(|(field, _)| field.starts_with("json_schema")), "{schema:.80}: {faults:?}");
        assert!(started.elapsed() < Duration::from_secs(5), "{schema:.80}: {:?}", started.elapsed());
    }
    assert_eq!(serving.world.count("SELECT count(*) FROM posthorn.event_types").await, 62);
    serving.assert_alive().await;
}

#[tokio::test]
async fn a_strict_type_refuses_what_does_not_fit() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    api.subscribe("https://receiver.example/", "*").await;
    let schema =
        json!({"required": ["id"], "properties": {"amount": {"type": "string"}, "lines": {"items": {"minimum": 1}}}});
    let strict = json!({"name": "invoice.paid", "json_schema": schema, "is_strict": true});
    api.post("/event-types", &strict).await.ok(201);
    let bad = json!({"event": "invoice.paid", "payload": {"amount": 4711, "lines": [1, 0]}});
    for path in ["/events", "/deliveries"] {
        let reply = api.post(path, &bad).await;
        let mut found = reply.rules();
        found.sort();
        let want = ["payload", "payload/amount", "payload/lines/1"];
        assert_eq!(found, want.map(|field| (field.to_owned(), "schema_mismatch".to_owned())), "{path}");
        assert!(!reply.text.contains("4711"), "no value of the payload: {}", reply.text);
    }
    let batch = json!({"events": [{"event": "a.b", "payload": {}}, bad]});
    let found = api.post("/events/batch", &batch).await.rules();
    assert!(found.contains(&("events[1].payload/amount".to_owned(), "schema_mismatch".to_owned())), "{found:?}");
    assert_eq!(serving.world.count("SELECT count(*) FROM posthorn.outbox").await, 0);
    api.publish("invoice.paid", json!({"id": 1, "amount": "1.00"})).await;
    api.publish("invoice.created", json!({"amount": 1})).await;
    // what is not strict only says what is usual
    api.patch("/event-types/invoice.paid", &json!({"is_strict": false})).await.ok(200);
    api.post("/events", &bad).await.ok(201);
}

#[tokio::test]
async fn a_strict_tenant_knows_its_types_and_is_strict_about_their_schemas() {
    let serving = Serving::start().await;
    let ((_, api), (_, other)) = (serving.tenant("a").await, serving.tenant("b").await);
    assert_eq!(api.patch("/tenant", &json!({"strict_event_types": true})).await.ok(200)["strict_event_types"], true);
    let event = |name: &str| json!({"event": name, "payload": {"amount": 1}});
    let refused = api.post("/events", &event("nobodys.event")).await;
    assert_eq!(refused.rules(), [("event".to_owned(), "unknown_event_type".to_owned())]);
    api.post("/events", &event("invoice.paid")).await.ok(201);
    other.post("/events", &event("nobodys.event")).await.ok(201);
    // a type of another tenant is as unknown as any
    other.post("/event-types", &json!({"name": "theirs.only"})).await.ok(201);
    api.post("/events", &event("theirs.only")).await.problem(400, "validation");
    api.post("/event-types", &json!({"name": "ours.too", "json_schema": amount_schema()})).await.ok(201);
    let found = api.post("/events", &event("ours.too")).await.rules();
    assert_eq!(found, [("payload/amount".to_owned(), "schema_mismatch".to_owned())]);
}

#[tokio::test]
async fn own_types_are_nobody_elses() {
    let serving = Serving::start().await;
    let ((_, a), (_, b)) = (serving.tenant("a").await, serving.tenant("b").await);
    let secret = json!({"name": "secret.plan", "json_schema": amount_schema(), "is_strict": true});
    a.post("/event-types", &secret).await.ok(201);
    b.get("/event-types/secret.plan").await.problem(404, "not-found");
    b.patch("/event-types/secret.plan", &json!({"is_strict": false})).await.problem(404, "not-found");
    b.delete("/event-types/secret.plan").await.problem(404, "not-found");
    assert!(!b.get("/event-types").await.text.contains("secret.plan"));
    b.publish("secret.plan", json!({"amount": 1})).await;
    b.post("/event-types", &json!({"name": "secret.plan", "description": "mine"})).await.ok(201);
    assert_eq!(a.get("/event-types/secret.plan").await.ok(200)["is_strict"], true);
    a.post("/events", &json!({"event": "secret.plan", "payload": {"amount": 1}})).await.problem(400, "validation");
}
