//! Names that begin with posthorn.: nobody else publishes them, a subscription may choose them, the catalogue describes them.

use serde_json::{Value, json};

use super::NOWHERE;
use crate::harness::{Serving, World};

#[tokio::test]
async fn nobody_else_publishes_them() {
    let serving = Serving::start().await;
    let (tenant, api) = serving.tenant("a").await;
    let body = json!({"event": "posthorn.subscription.suspended", "payload": {}});
    let refused = api.post("/events", &body).await;
    assert_eq!(refused.rules(), [("event".to_owned(), "event_reserved".to_owned())]);

    let world = &serving.world;
    world.subscribe(tenant, NOWHERE, &["posthorn.*"]).await;
    let publisher = world.client_as("posthorn_publisher").await;
    let as_tenant = world.client_of(tenant).await;
    let insert = "INSERT INTO posthorn.outbox (tenant_id, event, payload) VALUES ($1, 'posthorn.backlog.high', '{}')";
    let publish = "SELECT posthorn.publish($1, 'posthorn.backlog.high', '{}')";
    let publish_as_tenant = "SELECT posthorn.publish_as_tenant('posthorn.backlog.high', '{}', NULL, NULL, NULL, NULL) WHERE $1::uuid IS NOT NULL";
    for (client, sql) in
        [(&publisher, insert), (&publisher, publish), (&as_tenant, publish_as_tenant), (&world.db, publish)]
    {
        let error = client.execute(sql, &[&tenant]).await.unwrap_err();
        let refused = error.as_db_error().unwrap();
        assert_eq!(
            refused.constraint(),
            Some("names_beginning_posthorn_are_for_operational_events"),
            "{sql}: {refused}"
        );
    }
    let forged = "INSERT INTO posthorn.outbox (tenant_id, event, payload, is_operational) VALUES ($1, 'posthorn.backlog.high', '{}', true)";
    let error = publisher.execute(forged, &[&tenant]).await.unwrap_err();
    assert_eq!(error.code().unwrap().code(), "42501", "the column is nobody's");
    for call in ["tell($1, 'posthorn.a', NULL, NULL, '{}')", "tell_of_backlogs(1)", "tell_held_back()"] {
        let call = call.replace("$1", &format!("'{tenant}'"));
        for client in [&publisher, &as_tenant] {
            let error = client.batch_execute(&format!("SELECT posthorn.{call}")).await.unwrap_err();
            assert_eq!(error.code().unwrap().code(), "42501", "{call}");
        }
    }
    assert_eq!(world.count("SELECT count(*) FROM posthorn.outbox").await, 0);
}

#[tokio::test]
async fn a_table_is_not_attached_with_names_of_which_every_write_would_fail() {
    let world = World::new().await;
    world.db.batch_execute("CREATE TABLE public.things (id integer PRIMARY KEY, tenant_id uuid)").await.unwrap();
    let attach = "SELECT posthorn.attach('public.things', 'posthorn', 'tenant_id')";
    let error = world.db.batch_execute(attach).await.unwrap_err();
    assert!(error.as_db_error().unwrap().message().contains("must not begin with posthorn."), "{error:?}");
}

#[tokio::test]
async fn subscriptions_may_choose_them_and_the_catalogue_says_what_they_are() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let catalogue = api.get("/event-types?group=Posthorn").await.ok(200);
    let types = catalogue["data"][0]["types"].as_array().unwrap();
    assert_eq!(types.len(), 8, "{catalogue}");
    let mut chosen = vec![json!("posthorn.*"), json!("posthorn.subscription.*")];
    for listed in types {
        assert_eq!((&listed["is_operational"], &listed["is_own"]), (&json!(true), &json!(false)), "{listed}");
        let name = listed["name"].as_str().unwrap();
        let shown = api.get(&format!("/event-types/{name}")).await.ok(200);
        assert_eq!(shown["is_operational"], true);
        let schema = jsonschema::validator_for(&shown["json_schema"]).unwrap();
        assert!(schema.is_valid(&shown["example"]), "{shown}");
        let said: Vec<&str> =
            shown["json_schema"]["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        let unsaid: Vec<_> =
            shown["example"].as_object().unwrap().keys().filter(|key| !said.contains(&key.as_str())).collect();
        assert!(unsaid.is_empty(), "{name}: {unsaid:?}");
        chosen.push(json!(name));
    }
    let invoices = api.get("/event-types/invoice.created").await.ok(200);
    assert_eq!(invoices["is_operational"], false);
    let body = json!({"url": "https://ops.example/in", "events": Value::Array(chosen)});
    api.post("/subscriptions", &body).await.ok(201);
}
