//! The functions as a login has them that may only publish.

use std::fmt::Write;

use serde_json::Value;
use tokio_postgres::Client;
use uuid::Uuid;

use super::{code, tenant_with_subscriptions};
use crate::harness::World;

/// Event names, and their functions, of the twelve business events.
const EVENTS: [&str; 12] = [
    "customer.created",
    "customer.updated",
    "invoice.authorized",
    "invoice.cancelled",
    "invoice.created",
    "invoice.rejected",
    "invoice.sent",
    "payment.failed",
    "payment.received",
    "sales_order.cancelled",
    "sales_order.confirmed",
    "sales_order.created",
];

/// What a publisher may call besides them; the last two are the default and a rule of what it may insert.
const OTHERS: [&str; 3] = ["publish", "payload_fits", "uuid7"];

/// What lets an owner make a table publish, with the owner's own rights; these functions write and read nothing of ours.
const ATTACHING: [&str; 7] =
    ["attach", "attached_insert", "attached_keys", "attachment", "check_attachment", "detach", "no_tenant"];

/// A login of its own with nothing but the one role, while `act` runs.
async fn as_login(world: &World, act: impl AsyncFnOnce(Client)) {
    let name = format!("it_login_{}", world.database());
    let make = format!("CREATE ROLE \"{name}\" LOGIN; GRANT posthorn_publisher TO \"{name}\"");
    world.db.batch_execute(&make).await.unwrap();
    let login = world.client().await;
    login.batch_execute(&format!("SET SESSION AUTHORIZATION \"{name}\"")).await.unwrap();
    act(login).await;
    world.db.batch_execute(&format!("DROP ROLE \"{name}\"")).await.unwrap();
}

/// The example in a function's comment.
async fn example(world: &World, function: &str) -> String {
    let sql = "SELECT obj_description(p.oid, 'pg_proc') FROM pg_proc p
               WHERE p.pronamespace = 'posthorn'::regnamespace AND p.proname = $1";
    let comment: String = world.db.query_one(sql, &[&function]).await.unwrap().get(0);
    comment.lines().find_map(|line| line.strip_prefix("Example: ")).unwrap_or_else(|| panic!("{comment}")).to_owned()
}

#[tokio::test]
async fn the_example_of_each_function_publishes_exactly_its_fields() {
    let world = World::new().await;
    as_login(&world, async |login| {
        let mut read = String::new();
        for function in EVENTS.map(|event| event.replace('.', "_")).iter().map(String::as_str).chain(["publish"]) {
            let example = example(&world, function).await;
            assert!(example.starts_with(&format!("SELECT posthorn.{function}(")), "{example}");
            let id: Uuid = login.query_one(&example, &[]).await.unwrap_or_else(|e| panic!("{example}: {e:?}")).get(0);
            let sql = "SELECT event, resource_type, resource_id, payload FROM posthorn.outbox WHERE id = $1";
            let row = world.db.query_one(sql, &[&id]).await.unwrap();
            let (event, kind, resource): (String, Option<String>, Option<String>) =
                (row.get(0), row.get(1), row.get(2));
            let mut payload: Value = row.get(3);
            if let Some(created_at) = payload.get_mut("created_at") {
                let text = created_at.as_str().unwrap();
                let format = time::format_description::well_known::Rfc3339;
                assert!(text.ends_with('Z') && time::OffsetDateTime::parse(text, &format).is_ok(), "{text}");
                *created_at = "[time]".into();
            }
            writeln!(read, "{event} of {kind:?} {resource:?}\n{payload:#}").unwrap();
        }
        insta::assert_snapshot!("business_events", read);
    })
    .await;
}

#[tokio::test]
async fn a_login_that_may_publish_reads_nothing() {
    let world = World::new().await;
    let tenant = tenant_with_subscriptions(&world, 1).await;
    world.publish(tenant, "invoice.paid", serde_json::json!({})).await;
    let sql = "SELECT c.relname::text FROM pg_class c
               WHERE c.relnamespace = 'posthorn'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')";
    let relations: Vec<String> = world.db.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    assert!(relations.len() > 30, "{relations:?}");
    as_login(&world, async |login| {
        for relation in relations {
            let sql = format!("SELECT FROM posthorn.\"{relation}\" LIMIT 1");
            let error = login.query(&sql, &[]).await.expect_err(&relation);
            assert_eq!(code(&error), "42501", "{relation}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_login_that_may_publish_calls_nothing_else() {
    let world = World::new().await;
    as_login(&world, async |login| {
        let sql = "SELECT p.proname::text FROM pg_proc p
                   WHERE p.pronamespace = 'posthorn'::regnamespace AND has_function_privilege(p.oid, 'EXECUTE')";
        let mut callable: Vec<String> = login.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
        callable.sort();
        let functions = EVENTS.map(|event| event.replace('.', "_"));
        let mut expected: Vec<String> = functions
            .into_iter()
            .chain(OTHERS.map(ToOwned::to_owned))
            .chain(ATTACHING.map(ToOwned::to_owned))
            .collect();
        expected.sort();
        assert_eq!(callable, expected);
    })
    .await;
}

/// Each argument of a function with its type, and how many must be given.
async fn arguments(world: &World, function: &str) -> (Vec<(String, String)>, usize) {
    let sql =
        "SELECT p.proargnames, ARRAY(SELECT format_type(t, NULL) FROM unnest(p.proargtypes) t), p.pronargdefaults::int
               FROM pg_proc p WHERE p.pronamespace = 'posthorn'::regnamespace AND p.proname = $1";
    let row = world.db.query_one(sql, &[&function]).await.unwrap();
    let (names, types): (Vec<String>, Vec<String>) = (row.get(0), row.get(1));
    let required = names.len() - usize::try_from(row.get::<_, i32>(2)).unwrap();
    (names.into_iter().zip(types).collect(), required)
}

/// A call with what must be given, and NULL for one of them.
fn call_without(function: &str, arguments: &[(String, String)], missing: usize) -> String {
    let value = |(place, (name, kind)): (usize, &(String, String))| {
        let sample = match kind.as_str() {
            "uuid" => "'6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10'",
            "numeric" => "1500.00",
            _ => "'x'",
        };
        format!("{name} => {}", if place == missing { "NULL" } else { sample })
    };
    let values: Vec<String> = arguments.iter().enumerate().map(value).collect();
    format!("SELECT posthorn.{function}({})", values.join(", "))
}

#[tokio::test]
async fn what_is_required_and_missing_is_named() {
    let world = World::new().await;
    for function in EVENTS.map(|event| event.replace('.', "_")) {
        let (arguments, required) = arguments(&world, &function).await;
        let given = &arguments[..required];
        for (missing, (name, _)) in given.iter().enumerate() {
            let call = call_without(&function, given, missing);
            let error = world.db.query(&call, &[]).await.expect_err(&call);
            let refusal = error.as_db_error().unwrap();
            assert_eq!((code(&error), refusal.message()), ("22004", format!("{name} is required").as_str()), "{call}");
            assert!(refusal.hint().unwrap().contains(&function), "{refusal:?}");
        }
        world.db.query(&call_without(&function, given, usize::MAX), &[]).await.expect("the rest may be left out");
    }
}

#[tokio::test]
async fn every_business_event_takes_every_option() {
    let world = World::new().await;
    let options = "metadata => '{\"a\": 1}', deliver_after => '2100-01-01', ordering_key => 'o', idempotency_key => 'i' || $1::text,
                   coalesce_key => 'c'";
    let tenant = tenant_with_subscriptions(&world, 1).await;
    for event in EVENTS {
        let function = event.replace('.', "_");
        let (arguments, required) = arguments(&world, &function).await;
        let call = call_without(&function, &arguments[..required], usize::MAX)
            .replace("6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10", &tenant.to_string());
        let call = format!("{}, {options})", call.strip_suffix(')').unwrap());
        world.db.query(&call, &[&event]).await.unwrap_or_else(|e| panic!("{call}: {e:?}"));
    }
    let whole = "SELECT count(DISTINCT event) FROM posthorn.outbox WHERE metadata = '{\"a\": 1}' AND deliver_after = '2100-01-01'
                 AND ordering_key = 'o' AND idempotency_key = 'i' || event AND coalesce_key = 'c'";
    assert_eq!(world.count(whole).await, 12);
}

#[tokio::test]
async fn an_amount_keeps_its_scale_and_must_be_one() {
    let world = World::new().await;
    let fail = "SELECT posthorn.payment_failed($1, 'P', 'I', $2::text::numeric)";
    let tenant = Uuid::now_v7();
    for amount in ["1500.00", "1500", "0.10", "-3.000", "99999999999999999999.99"] {
        let id: Uuid = world.db.query_one(fail, &[&tenant, &amount]).await.unwrap().get(0);
        let sql = "SELECT o.payload -> 'amount' FROM posthorn.outbox o WHERE o.id = $1";
        assert_eq!(world.db.query_one(sql, &[&id]).await.unwrap().get::<_, Value>(0), amount);
    }
    for nonsense in ["NaN", "Infinity"] {
        assert_eq!(code(&world.db.query_opt(fail, &[&tenant, &nonsense]).await.unwrap_err()), "22023");
    }
}

#[tokio::test]
async fn muted_functions_store_nothing_and_answer_null() {
    let world = World::new().await;
    let publisher = world.client_as("posthorn_publisher").await;
    publisher.batch_execute("BEGIN; SET LOCAL posthorn.mute = on").await.unwrap();
    for function in EVENTS.map(|event| event.replace('.', "_")).iter().map(String::as_str).chain(["publish"]) {
        let row = publisher.query_one(&example(&world, function).await, &[]).await.unwrap();
        assert_eq!(row.get::<_, Option<Uuid>>(0), None, "{function}");
    }
    publisher.batch_execute("COMMIT").await.unwrap();
    assert_eq!(world.count("SELECT count(*) FROM posthorn.outbox").await, 0);
    let row = publisher.query_one(&example(&world, "publish").await, &[]).await.unwrap();
    assert!(row.get::<_, Option<Uuid>>(0).is_some(), "only in that transaction");
}
