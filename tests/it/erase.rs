//! posthorn.erase(): nothing that an event said is left anywhere, everything else is, and nobody brings it back.

mod meanwhile;

use posthorn::domain::delivery::{DeliveryStatus, ErrorKind};
use posthorn::store::queue::{self, Attempt, Claimed};
use posthorn::store::{Store, StoreRole};
use serde_json::json;
use std::time::Duration;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::harness::{Answer, Receiver, SOON, Serving, World, page, section, sql_blocks};

/// What is to be forgotten.
const PERSON: &str = "ada@example.com";

/// matched, erased, cancelled, in flight, and whether it became a job.
type Answered = (i64, i64, i64, i64, bool);

async fn erase(client: &Client, arguments: &str) -> Answered {
    let row = client.query_one(&format!("SELECT * FROM posthorn.erase({arguments})"), &[]).await;
    let row = row.unwrap_or_else(|e| panic!("{arguments}: {e:?}"));
    let job: Option<Uuid> = row.get("job_id");
    (row.get("matched"), row.get("erased"), row.get("cancelled"), row.get("in_flight"), job.is_some())
}

async fn refused(client: &Client, sql: &str) -> (String, String) {
    let error = client.query(sql, &[]).await.expect_err(sql);
    let error = error.as_db_error().unwrap_or_else(|| panic!("{sql}: {error:?}"));
    (error.code().code().to_owned(), error.message().to_owned())
}

/// Publishes something about a person: in the payload, the metadata and, as `customer`, the resource.
async fn publish_about(world: &World, tenant: Uuid, event: &str, email: &str, customer: &str) -> Uuid {
    let sql = "SELECT posthorn.publish($1, $2, jsonb_build_object('customer', jsonb_build_object('email', $3::text)),
                   'customer', $4, jsonb_build_object('by', $3::text))";
    world.db.query_one(sql, &[&tenant, &event, &email, &customer]).await.unwrap().get(0)
}

/// An attempt whose answer quotes the person.
fn quoting(claimed: &Claimed, status: DeliveryStatus) -> Attempt {
    let is_delivered = status == DeliveryStatus::Delivered;
    Attempt {
        delivery_id: claimed.id,
        epoch: claimed.epoch,
        generation: claimed.generation,
        number: claimed.number,
        tenant_id: claimed.tenant_id,
        status,
        delay: (status == DeliveryStatus::Retrying).then_some(Duration::ZERO),
        target_url: "https://receiver.example/".to_owned(),
        age: Duration::ZERO,
        duration: Duration::ZERO,
        status_code: Some(if is_delivered { 200 } else { 503 }),
        error_kind: (!is_delivered).then_some(ErrorKind::ServerError),
        error: (!is_delivered).then(|| format!("no such customer: {PERSON}")),
        response_headers: Some(format!(r#"[["x-customer","{PERSON}"]]"#)),
        response_body: Some(format!("hello {PERSON}")),
        response_body_truncated: true,
    }
}

async fn record(world: &World, claimed: &[Claimed], status: DeliveryStatus) -> Vec<Uuid> {
    let store: Store = world.store(StoreRole::Dispatcher);
    let attempts: Vec<Attempt> = claimed.iter().map(|claimed| quoting(claimed, status)).collect();
    let moved = queue::record(&store, Uuid::now_v7(), &attempts).await.unwrap();
    if status == DeliveryStatus::Delivered && moved.is_empty() {
        return queue::record_late(&store, Uuid::now_v7(), &attempts).await.unwrap();
    }
    moved
}

/// Tables that still have the person in any row, whichever column.
async fn tables_with(world: &World, person: &str) -> Vec<String> {
    let tables = "SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = 'posthorn'::regnamespace AND c.relkind = 'r' ORDER BY 1";
    let mut found = Vec::new();
    for row in world.db.query(tables, &[]).await.unwrap() {
        let table: String = row.get(0);
        let count = format!("SELECT count(*) FROM posthorn.{table} t WHERE t::text LIKE '%{person}%'");
        if world.count(&count).await > 0 {
            found.push(table);
        }
    }
    found
}

/// Everything about deliveries and attempts that an auditor asks for.
const TRAIL: &str = "SELECT string_agg(concat_ws(' ', d.id, d.event_id, d.event, d.created_at, d.attempts, a.epoch, a.started_at, a.status_code,
        a.error_kind, a.target_url), E'\\n' ORDER BY d.id, a.epoch)
    FROM posthorn.webhook_deliveries d JOIN posthorn.outbox o ON o.id = d.event_id AND o.tenant_id = d.tenant_id AND o.event = d.event
    LEFT JOIN posthorn.webhook_attempts a ON a.delivery_id = d.id";

#[tokio::test]
async fn what_was_said_is_gone_everywhere_and_what_was_done_stays() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    world.subscribe(tenant, "https://receiver.example/", &["*"]).await;
    for (event, status) in [
        ("order.paid", DeliveryStatus::Delivered),
        ("order.sent", DeliveryStatus::Failed),
        ("order.lost", DeliveryStatus::Retrying),
    ] {
        publish_about(&world, tenant, event, PERSON, "C-1").await;
        let claimed = world.hand().await.claim(1).await;
        assert_eq!(record(&world, &claimed, status).await.len(), 1);
    }
    publish_about(&world, tenant, "order.new", PERSON, "C-1").await;
    let other = publish_about(&world, tenant, "order.paid", "bob@example.com", "C-2").await;
    assert_eq!(tables_with(&world, PERSON).await.len(), 4, "events, live and finished deliveries, attempts");
    let trail: String = world.db.query_one(TRAIL, &[]).await.unwrap().get(0);

    let dba = world.client().await;
    let of = format!("tenant_id => '{tenant}', resource_type => 'customer', resource_id => 'C-1'");
    assert_eq!(erase(&dba, &format!("{of}, dry_run => true")).await, (4, 0, 0, 0, false));
    assert_eq!(erase(&dba, &of).await, (4, 4, 2, 0, false));

    assert_eq!(tables_with(&world, PERSON).await, [""; 0]);
    assert_eq!(world.db.query_one(TRAIL, &[]).await.unwrap().get::<_, String>(0), trail);
    let statuses =
        "SELECT string_agg(d.event || ' ' || d.status, ', ' ORDER BY d.event_id) FROM posthorn.webhook_deliveries d
                    WHERE d.erased_at IS NOT NULL";
    assert_eq!(
        world.db.query_one(statuses, &[]).await.unwrap().get::<_, String>(0),
        "order.paid delivered, order.sent failed, order.lost cancelled, order.new cancelled"
    );
    let marked =
        "SELECT count(*) FROM posthorn.outbox o WHERE posthorn.envelope_time(o.erased_at) = o.payload ->> 'posthorn.erased'
                  AND o.metadata IS NULL AND o.resource_id = 'C-1'";
    assert_eq!(world.count(marked).await, 4);
    let kept = "SELECT o.payload #>> '{customer,email}' FROM posthorn.outbox o WHERE o.id = $1";
    assert_eq!(world.db.query_one(kept, &[&other]).await.unwrap().get::<_, String>(0), "bob@example.com");
    assert_eq!(erase(&dba, &of).await, (0, 0, 0, 0, false), "twice is once");

    let audit = "SELECT l.details FROM posthorn.audit_log l WHERE l.action = 'events.erased' ORDER BY l.id LIMIT 1";
    let details: serde_json::Value = world.db.query_one(audit, &[]).await.unwrap().get(0);
    assert_eq!(
        (&details["erased"], &details["cancelled"], &details["resource_id"]),
        (&json!(4), &json!(2), &json!("C-1"))
    );
    assert_eq!(details["criteria_sha256"].as_str().unwrap().len(), 64);
}

#[tokio::test]
async fn a_condition_on_the_payload_finds_them_and_keys_can_go_too() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    world.subscribe(tenant, "https://receiver.example/", &["*"]).await;
    let ordered = world.subscribe(tenant, "https://receiver.example/line", &["*"]).await;
    world.change(ordered, "ordered = true").await;
    let keyed = "INSERT INTO posthorn.outbox (tenant_id, event, payload, resource_type, resource_id, ordering_key, idempotency_key, coalesce_key)
                 SELECT $1, 'a.b', jsonb_build_object('email', $2::text), 'customer', $2, $2, $2 || n, $2 FROM generate_series(1, 3) AS n";
    world.db.execute(keyed, &[&tenant, &PERSON]).await.unwrap();
    let dba = world.client().await;
    let of = format!("tenant_id => '{tenant}', payload => '$.email == \"{PERSON}\"'");
    assert_eq!(erase(&dba, &format!("{of}, event => 'b.*', with_keys => true")).await.0, 0, "another event type");
    assert_eq!(erase(&dba, &format!("{of}, until => '2020-01-01', with_keys => true")).await.0, 0, "another time");
    let (matched, erased, ..) = erase(&dba, &format!("{of}, with_keys => true")).await;
    assert_eq!((matched, erased), (3, 3));
    assert_eq!(tables_with(&world, PERSON).await, [""; 0]);
    assert_eq!(world.count("SELECT count(*) FROM posthorn.webhook_deliveries_live").await, 0);
}

#[tokio::test]
async fn nobody_brings_an_erased_event_back() {
    let serving = Serving::start().await;
    let (world, (tenant, api)) = (&serving.world, serving.tenant("a").await);
    let receiver = Receiver::start(|_, _| Answer::status(204));
    let subscription = world.subscribe(tenant, &receiver.url("/in"), &["a.*"]).await;
    let erased = publish_about(world, tenant, "a.b", PERSON, "C-1").await;
    let other = publish_about(world, tenant, "a.b", "bob@example.com", "C-2").await;
    world.until_status("delivered", 2).await;
    let delivery = world.delivery(erased).await.id;
    let session = world.client_of(tenant).await;
    assert_eq!(erase(&session, &format!("event_id => '{erased}'")).await, (1, 1, 0, 0, false));

    for named in [format!("event_id => '{erased}'"), format!("delivery_id => '{delivery}'")] {
        for verb in ["retry", "replay"] {
            let (code, message) =
                refused(&session, &format!("SELECT * FROM posthorn.{verb}({named}, statuses => '{{failed}}')")).await;
            assert_eq!(code, "55000");
            assert!(message.starts_with(&format!("event {erased} was erased at ")), "{message}");
        }
    }
    let row = session
        .query_one(&format!("SELECT * FROM posthorn.replay(event_ids => '{{{erased},{other}}}')"), &[])
        .await
        .unwrap();
    assert_eq!((row.get::<_, i64>("matched"), row.get::<_, i64>("changed"), row.get::<_, i64>("skipped")), (2, 1, 1));
    // the other one is there again: what is under way would not be replayed
    world.until_status("delivered", 2).await;
    let answer = api.act(&format!("/deliveries/{delivery}/retry")).await.problem(409, "conflict");
    assert_eq!(answer["detail"], "its event was erased: there is nothing left to send");
    api.post(&format!("/subscriptions/{subscription}/replay"), &json!({"since": "2020-01-01T00:00:00Z"})).await.ok(202);
    world.until("SELECT count(*) = 1 FROM posthorn.jobs WHERE state = 'done' AND changed = 1 AND skipped = 1").await;
    let new = world.subscribe(tenant, &receiver.url("/new"), &["a.*"]).await;
    let row = session.query_one(&format!("SELECT * FROM posthorn.backfill('{new}', '2020-01-01')"), &[]).await.unwrap();
    assert_eq!(row.get::<_, i64>("matched"), 1);
    // whoever has SQL alone
    let (code, message) = refused(
        &world.db,
        &format!(
            "UPDATE posthorn.webhook_deliveries SET status = 'pending', finished_at = NULL WHERE id = '{delivery}'"
        ),
    )
    .await;
    assert_eq!(
        (code.as_str(), message),
        ("55000", format!("event {erased} was erased: there is nothing left to send"))
    );

    receiver.wait_for(5, SOON).await;
    world.until("SELECT count(*) = 3 FROM posthorn.webhook_deliveries WHERE status = 'delivered'").await;
    let sent = receiver.wait_for(5, SOON).await;
    let of_it: Vec<_> =
        sent.iter().filter(|request| request.headers["webhook-id"] == erased.to_string().as_str()).collect();
    assert_eq!(of_it.len(), 1, "the one before it was erased");
    let jobs = api.get("/jobs").await.ok(200);
    assert_eq!(jobs["data"].as_array().unwrap().len(), 1, "{jobs}");
}

#[tokio::test]
async fn a_tenant_erases_its_own_and_others_nothing() {
    let world = World::new().await;
    let (a, b) = (world.tenant("a").await, world.tenant("b").await);
    let theirs = publish_about(&world, b, "a.b", PERSON, "C-1").await;
    let session = world.client_of(a).await;
    for of in [
        "resource_type => 'customer', resource_id => 'C-1'".to_owned(),
        format!("payload => '$.customer.email == \"{PERSON}\"'"),
        format!("event_id => '{theirs}'"),
    ] {
        assert_eq!(erase(&session, &of).await, (0, 0, 0, 0, false), "{of}");
        let named = format!("SELECT * FROM posthorn.erase(tenant_id => '{b}', {of})");
        assert_eq!(refused(&session, &named).await.0, "42501");
    }
    let nobody = world.client_as("posthorn_api").await;
    assert_eq!(refused(&nobody, "SELECT * FROM posthorn.erase(payload => 'true == true')").await.0, "42501");
    for role in ["posthorn_publisher", "posthorn_readonly", "posthorn_dispatcher"] {
        let client = world.client_as(role).await;
        let call = format!("SELECT * FROM posthorn.erase(tenant_id => '{b}', event_id => '{theirs}')");
        assert_eq!(refused(&client, &call).await.0, "42501", "{role}");
    }
    for role in ["posthorn_api", "posthorn_publisher", "posthorn_readonly"] {
        let call = format!("SELECT posthorn.erase_chunk('{b}', '{{}}', '{a}', '{theirs}', 1)");
        assert_eq!(refused(&world.client_as(role).await, &call).await.0, "42501", "{role}");
    }
    assert_eq!(tables_with(&world, PERSON).await, ["outbox_default"]);
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_refused() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    for arguments in [
        String::new(),
        "event => 'a.b'".to_owned(),
        "since => '-infinity'".to_owned(),
        "resource_id => 'C-1'".to_owned(),
        "payload => '$.customer ? (@.email == \"x\")'".to_owned(),
        "payload => 'strict $.email'".to_owned(),
        "event_id => NULL".to_owned(),
        "payload => '$.a == 1', at_most => -1".to_owned(),
        "payload => '$.a == 1', dry_run => NULL".to_owned(),
    ] {
        let call = format!(
            "SELECT * FROM posthorn.erase({arguments}{}tenant_id => '{tenant}')",
            if arguments.is_empty() { "" } else { ", " }
        );
        assert_eq!(refused(&world.db, &call).await.0, "22023", "{call}");
    }
    for call in
        ["erase(payload => '$.a == 1')".to_owned(), format!("erase('{}', payload => '$.a == 1')", Uuid::now_v7())]
    {
        assert_eq!(refused(&world.db, &format!("SELECT * FROM posthorn.{call}")).await.0, "22023", "{call}");
    }
}

#[tokio::test]
async fn the_page_is_right() {
    let world = World::new().await;
    let tenant: Uuid = "6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10".parse().unwrap();
    world.db.execute("INSERT INTO posthorn.tenants (id, name) VALUES ($1, 'a')", &[&tenant]).await.unwrap();
    publish_about(&world, tenant, "a.b", PERSON, "C-17").await;
    let text = page("erasing.md");
    let operator = world.client().await;
    operator.batch_execute("SET ROLE posthorn_admin").await.unwrap();
    for block in sql_blocks(section(&text, "\n## As an operator\n")) {
        operator.batch_execute(block).await.unwrap_or_else(|e| panic!("{block}: {e:?}"));
    }
    assert_eq!(tables_with(&world, PERSON).await, [""; 0]);
    let session = world.client_of(tenant).await;
    for block in sql_blocks(section(&text, "\n## As a tenant's session\n")) {
        session.batch_execute(block).await.unwrap_or_else(|e| panic!("{block}: {e:?}"));
    }
}
