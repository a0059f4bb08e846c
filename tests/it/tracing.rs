//! Traces: a webhook belongs to the trace that published it, each attempt is a span, and no collector is in anybody's way.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use posthorn::domain::traceparent::TraceParent;
use prost::Message;
use rustix::process::Signal;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::api::id_of;
use crate::harness::{Answer, Receiver, SOON, Serving, World, eventually, page, sql_blocks};

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const OTHER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// A collector of traces.
struct Collector(Receiver);

/// A span that it got.
#[derive(Debug)]
struct Got {
    name: String,
    context: TraceParent,
    /// 0 for none.
    parent: u64,
    kind: SpanKind,
    is_error: bool,
    links: Vec<TraceParent>,
    /// Also of the resource.
    attributes: BTreeMap<String, Value>,
    text: String,
}

impl Collector {
    fn start() -> Self {
        Self(Receiver::start(|_, _| Answer::status(200)))
    }

    /// The settings of who sends to it.
    fn endpoint(&self) -> String {
        self.0.url("")
    }

    fn spans(&self) -> Vec<Got> {
        let mut spans = Vec::new();
        for request in self.0.requests() {
            assert_eq!(request.path, "/v1/traces");
            assert_eq!(request.headers["content-type"], "application/x-protobuf");
            for of in ExportTraceServiceRequest::decode(request.body).unwrap().resource_spans {
                let resource = attributes(&of.resource.unwrap().attributes);
                for scoped in of.scope_spans {
                    spans.extend(scoped.spans.iter().map(|span| Got::new(span, &resource)));
                }
            }
        }
        spans.sort_by_key(|span| span.attributes.get("posthorn.attempt").and_then(Value::as_i64));
        spans
    }

    async fn wait_for(&self, count: usize) -> Vec<Got> {
        eventually(&format!("{count} spans"), SOON, async || self.spans().len() >= count).await;
        let spans = self.spans();
        assert_eq!(spans.len(), count, "{spans:#?}");
        spans
    }
}

impl Got {
    fn new(span: &Span, resource: &BTreeMap<String, Value>) -> Self {
        let mut all = resource.clone();
        all.extend(attributes(&span.attributes));
        let context = |trace: &[u8], id: &[u8], flags: u32| TraceParent {
            trace_id: u128::from_be_bytes(trace.try_into().unwrap()),
            span_id: u64::from_be_bytes(id.try_into().unwrap()),
            flags: u8::try_from(flags & 0xff).unwrap(),
        };
        assert!(span.end_time_unix_nano >= span.start_time_unix_nano && span.start_time_unix_nano > 0);
        Self {
            name: span.name.clone(),
            context: context(&span.trace_id, &span.span_id, span.flags),
            parent: span.parent_span_id.as_slice().try_into().map_or(0, u64::from_be_bytes),
            kind: span.kind(),
            is_error: span.status.as_ref().is_some_and(|status| status.code() == StatusCode::Error),
            links: span.links.iter().map(|link| context(&link.trace_id, &link.span_id, link.flags)).collect(),
            attributes: all,
            text: format!("{span:?}"),
        }
    }

    fn has<const N: usize>(&self, attributes: [(&str, Value); N]) {
        for (name, value) in attributes {
            assert_eq!(self.attributes.get(name), Some(&value), "{name} of {self:#?}");
        }
    }
}

fn attributes(of: &[KeyValue]) -> BTreeMap<String, Value> {
    let value = |pair: &KeyValue| match pair.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Any::StringValue(text)) => json!(text),
        Some(Any::IntValue(number)) => json!(number),
        other => panic!("{}: {other:?}", pair.key),
    };
    of.iter().map(|pair| (pair.key.clone(), value(pair))).collect()
}

fn parse(text: &str) -> TraceParent {
    TraceParent::parse(text).unwrap()
}

/// What a receiver was told, of each of its requests.
fn told(receiver: &Receiver) -> Vec<Option<TraceParent>> {
    let of = |headers: &hyper::HeaderMap| headers.get("traceparent").map(|header| parse(header.to_str().unwrap()));
    receiver.requests().iter().map(|request| of(&request.headers)).collect()
}

/// Publishes as a module does that has said which trace it is in.
async fn publish_within(world: &World, tenant: Uuid, trace: &str) -> Uuid {
    let mut client = world.client_as("posthorn_publisher").await;
    let transaction = client.transaction().await.unwrap();
    transaction.execute("SELECT set_config('posthorn.traceparent', $1, true)", &[&trace]).await.unwrap();
    let sql = "SELECT posthorn.publish($1, 'invoice.paid', '{\"note\": \"CANARY-payload\"}')";
    let event = transaction.query_one(sql, &[&tenant]).await.unwrap().get(0);
    transaction.commit().await.unwrap();
    event
}

async fn stored(world: &World, event: Uuid) -> Option<String> {
    let sql = "SELECT traceparent FROM posthorn.outbox WHERE id = $1";
    world.db.query_one(sql, &[&event]).await.unwrap().get(0)
}

#[tokio::test]
async fn each_attempt_is_a_span_of_the_trace_that_published() {
    let collector = Collector::start();
    let receiver = Receiver::start(|_, nth| Answer::status(if nth == 0 { 503 } else { 204 }).body("CANARY-answer"));
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let subscription = world.subscribe(tenant, &receiver.url("/CANARY-path?key=CANARY"), &["*"]).await;
    world.change(subscription, "retry_schedule = '{0}'").await;
    let event = publish_within(&world, tenant, TRACE).await;
    let settings = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint()),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-token=a%20b".to_owned()),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test".to_owned()),
        ("RUST_LOG", "trace".to_owned()),
    ];
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let dispatcher = world.dispatch_binary(&settings).await;
    world.until_status("delivered", 1).await;
    // what is still in the queue is sent before the end
    dispatcher.signal(Signal::TERM);
    assert_eq!(dispatcher.wait_exit(SOON).await.code(), Some(0));

    let spans = collector.wait_for(2).await;
    let delivery = world.delivery(event).await;
    for (nth, span) in spans.iter().enumerate() {
        assert_eq!((span.name.as_str(), span.kind), ("deliver", SpanKind::Client));
        assert_eq!((span.context.trace_id, span.parent), (parse(TRACE).trace_id, parse(TRACE).span_id));
        span.has([
            ("posthorn.event.id", json!(event)),
            ("posthorn.event.type", json!("invoice.paid")),
            ("posthorn.delivery.id", json!(delivery.id)),
            ("posthorn.subscription.id", json!(subscription)),
            ("posthorn.tenant.id", json!(tenant)),
            ("posthorn.attempt", json!(nth + 1)),
            ("posthorn.generation", json!(0)),
            ("server.address", json!("127.0.0.1")),
            ("service.name", json!("posthorn")),
            ("service.version", json!(env!("CARGO_PKG_VERSION"))),
            ("vcs.ref.head.revision", json!(posthorn::metrics::COMMIT)),
            ("deployment.environment.name", json!("test")),
        ]);
        assert!(!span.text.contains("CANARY"), "{}", span.text);
    }
    let [first, second] = &spans[..] else { panic!("{spans:?}") };
    first.has([
        ("posthorn.outcome", json!("retrying")),
        ("http.response.status_code", json!(503)),
        ("error.type", json!("server_error")),
    ]);
    second.has([("posthorn.outcome", json!("delivered")), ("http.response.status_code", json!(204))]);
    assert!(first.is_error && !second.is_error && !second.attributes.contains_key("error.type"));
    assert_ne!(first.context.span_id, second.context.span_id);
    // the receiver was told the very spans
    let told: Vec<TraceParent> = told(&receiver).into_iter().flatten().collect();
    assert_eq!(told.iter().map(|t| t.span_id).collect::<Vec<_>>(), [first.context.span_id, second.context.span_id]);
    assert!(told.iter().all(|told| told.trace_id == parse(TRACE).trace_id && told.flags == 1));
    assert!(collector.0.requests().iter().all(|request| request.headers["x-token"] == "a b"));
    let line = dispatcher.wait_for_line("webhook delivered", SOON).await;
    assert!(line.contains("4bf92f3577b34da6a3ce929d0e0e4736"), "{line}");
}

#[tokio::test]
async fn a_request_that_publishes_is_a_span_between_its_caller_and_the_webhooks() {
    let collector = Collector::start();
    let receiver = Receiver::start(|_, _| Answer::status(204));
    let serving = Serving::with(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint())]).await;
    let (tenant, api) = serving.tenant("a").await;
    api.subscribe(&receiver.url("/in"), "invoice.*").await;
    let body = json!({"event": "invoice.paid", "payload": {"note": "CANARY"}});
    let event = id_of(&api.clone().with("traceparent", TRACE).post("/events", &body).await.ok(201));
    let spans = collector.wait_for(2).await;
    let [publish, deliver] = &spans[..] else { panic!("{spans:?}") };
    assert_eq!(
        (publish.name.as_str(), publish.kind, publish.parent),
        ("publish", SpanKind::Server, parse(TRACE).span_id)
    );
    publish.has([
        ("posthorn.event.id", json!(event)),
        ("posthorn.tenant.id", json!(tenant)),
        ("http.route", json!("/api/v1/webhooks/events")),
    ]);
    assert_eq!((deliver.name.as_str(), deliver.parent), ("deliver", publish.context.span_id));
    assert_eq!((publish.context.trace_id, deliver.context.trace_id), (parse(TRACE).trace_id, parse(TRACE).trace_id));
    assert!(!format!("{spans:?}").contains("CANARY"));
    let read = api.get(&format!("/events/{event}")).await.ok(200);
    assert_eq!(parse(read["traceparent"].as_str().unwrap()).span_id, publish.context.span_id);
    // nobody named a trace: it begins here
    api.post("/events", &body).await.ok(201);
    let spans = collector.wait_for(4).await;
    let root = spans.iter().find(|span| span.parent == 0).unwrap();
    assert!(spans.iter().any(|span| span.parent == root.context.span_id && span.name == "deliver"));
    assert_ne!(root.context.trace_id, parse(TRACE).trace_id);
}

#[tokio::test]
async fn without_an_export_the_trace_goes_on_and_nothing_else_begins() {
    let receiver = Receiver::start(|_, nth| Answer::status(if nth == 0 { 503 } else { 204 }));
    let serving = Serving::with(&[("OTEL_EXPORTER_OTLP_ENDPOINT", ""), ("POSTHORN_LOG_JSON", "true")]).await;
    let (_, api) = serving.tenant("a").await;
    let made = api.subscribe(&receiver.url("/in"), "*").await;
    serving.world.change(id_of(&made).parse().unwrap(), "retry_schedule = '{0}'").await;
    let body = json!({"event": "invoice.paid", "payload": {}});
    let unsampled = TRACE.replace("-01", "-00");
    let of_trace = api.clone().with("traceparent", &unsampled);
    let event = id_of(&of_trace.post("/events", &body).await.ok(201));
    serving.world.until_status("delivered", 1).await;
    let read = api.get(&format!("/events/{event}")).await.ok(200);
    assert_eq!(read["traceparent"], json!(unsampled));
    let spans = told(&receiver);
    let [Some(first), Some(second)] = spans[..] else { panic!("{spans:?}") };
    for told in [first, second] {
        assert_eq!((told.trace_id, told.flags), (parse(TRACE).trace_id, 0));
        assert_ne!(told.span_id, parse(TRACE).span_id);
    }
    assert_ne!(first.span_id, second.span_id);
    let line: Value = serde_json::from_str(&serving.binary.wait_for_line("webhook delivered", SOON).await).unwrap();
    assert_eq!(line["trace.id"], json!(&TRACE[3..35]));

    // neither no trace nor what is none makes one
    for header in [None, Some("no trace"), Some(&*TRACE.to_uppercase())] {
        let caller = header.map_or_else(|| api.clone(), |header| api.clone().with("traceparent", header));
        let event = id_of(&caller.post("/events", &body).await.ok(201));
        assert_eq!(stored(&serving.world, event.parse().unwrap()).await, None, "{header:?}");
    }
    // of the batch and of POST /deliveries too
    of_trace.post("/events/batch", &json!({"events": [body, body]})).await.ok(202);
    of_trace.post("/deliveries", &body).await.ok(202);
    serving.world.until_status("delivered", 7).await;
    assert_eq!(told(&receiver)[2..].iter().flatten().count(), 3);
    assert_eq!(serving.world.count("SELECT count(*) FROM posthorn.outbox WHERE traceparent IS NOT NULL").await, 4);
}

#[tokio::test]
async fn the_setting_is_read_wherever_events_come_from_and_a_wrong_one_costs_nothing() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    world.db.batch_execute("CREATE TABLE app_orders (id bigint PRIMARY KEY, tenant_id uuid)").await.unwrap();
    world.db.batch_execute("SELECT posthorn.attach('app_orders', 'order', tenant => 'tenant_id')").await.unwrap();
    world.db.batch_execute("GRANT INSERT ON app_orders TO posthorn_publisher").await.unwrap();
    let insert =
        format!("INSERT INTO posthorn.outbox (tenant_id, event, payload) VALUES ('{tenant}', 'a.inserted', '{{}}')");
    let publisher = world.client_as("posthorn_publisher").await;
    let ways = [
        insert.clone(),
        format!("SELECT posthorn.publish('{tenant}', 'a.published', '{{}}')"),
        format!("INSERT INTO app_orders (id, tenant_id) VALUES (1, '{tenant}')"),
    ];
    publisher
        .batch_execute(&format!("BEGIN; SET LOCAL posthorn.traceparent = '{TRACE}'; {}; COMMIT", ways.join(";")))
        .await
        .unwrap();
    let traced = format!("SELECT count(*) FROM posthorn.outbox WHERE traceparent = '{TRACE}'");
    assert_eq!(world.count(&traced).await, 3);
    // it ends with its transaction, and what is no trace is none
    let all_zeros = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";
    for wrong in ["", "x", &TRACE.to_uppercase(), &format!("{TRACE}-01"), all_zeros, &TRACE.replacen("00-", "ff-", 1)] {
        publisher
            .batch_execute(&format!("BEGIN; SET LOCAL posthorn.traceparent = '{wrong}'; {insert}; COMMIT"))
            .await
            .unwrap();
    }
    publisher.batch_execute(&insert).await.unwrap();
    assert_eq!(world.count(&traced).await, 3);
    assert_eq!(world.count("SELECT count(*) FROM posthorn.outbox WHERE traceparent IS NULL").await, 7);
    // a column that is named must be right
    let named = |trace: &str| {
        insert.replace("payload)", "payload, traceparent)").replace("'{}')", &format!("'{{}}', '{trace}')"))
    };
    publisher.batch_execute(&named(OTHER)).await.unwrap();
    let error = publisher.batch_execute(&named("x")).await.unwrap_err();
    let constraint = error.as_db_error().unwrap().constraint().map(str::to_owned);
    assert_eq!(constraint.as_deref(), Some("traceparent_is_version_00_of_trace_context"));
    // days are partitions of their own, made later
    world.db.batch_execute("SELECT posthorn.make_day('outbox', current_date + 40)").await.unwrap();
}

#[tokio::test]
async fn tenants_keep_their_own_traces() {
    let collector = Collector::start();
    let world = World::new().await;
    let mut events = BTreeMap::new();
    let receiver = Receiver::start(|_, _| Answer::status(204));
    for (name, trace) in [("a", TRACE), ("b", OTHER)] {
        let tenant = world.tenant(name).await;
        world.subscribe(tenant, &receiver.url(&format!("/{name}")), &["*"]).await;
        for _ in 0..5 {
            events.insert(publish_within(&world, tenant, trace).await.to_string(), (tenant, trace, name));
        }
    }
    let endpoint = [("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint())];
    let _dispatcher = world.dispatch_binary(&[(endpoint[0].0, &endpoint[0].1)]).await;
    for span in collector.wait_for(10).await {
        let (tenant, trace, _) = events[span.attributes["posthorn.event.id"].as_str().unwrap()];
        span.has([("posthorn.tenant.id", json!(tenant))]);
        assert_eq!((span.context.trace_id, span.parent), (parse(trace).trace_id, parse(trace).span_id));
    }
    for request in receiver.requests() {
        let (_, trace, name) = events[request.headers["webhook-id"].to_str().unwrap()];
        let told = parse(request.headers["traceparent"].to_str().unwrap());
        assert_eq!((request.path.as_str(), told.trace_id), (format!("/{name}").as_str(), parse(trace).trace_id));
    }
}

#[tokio::test]
async fn a_batch_is_one_request_of_many_spans() {
    let collector = Collector::start();
    let receiver = Receiver::start(|_, _| Answer::status(204));
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let subscription = world.subscribe(tenant, &receiver.url("/in"), &["*"]).await;
    world.change(subscription, "batch_max = 10").await;
    let first = publish_within(&world, tenant, TRACE).await;
    let second = publish_within(&world, tenant, OTHER).await;
    let endpoint = collector.endpoint();
    let _dispatcher = world.dispatch_binary(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)]).await;
    let spans = collector.wait_for(2).await;
    let of = |event: Uuid| spans.iter().find(|span| span.attributes["posthorn.event.id"] == json!(event)).unwrap();
    let (first, second) = (of(first), of(second));
    assert_eq!((first.context.trace_id, second.context.trace_id), (parse(TRACE).trace_id, parse(OTHER).trace_id));
    assert_eq!(told(&receiver)[0].map(|told| told.span_id), Some(first.context.span_id));
    assert_eq!(second.links.iter().map(|link| link.span_id).collect::<Vec<_>>(), [first.context.span_id]);
    assert!(first.links.is_empty());
}

#[tokio::test]
async fn the_ratio_is_for_traces_that_begin_here() {
    let collector = Collector::start();
    let receiver = Receiver::start(|_, _| Answer::status(204));
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    world.subscribe(tenant, &receiver.url("/in"), &["*"]).await;
    let endpoint = collector.endpoint();
    let settings = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_TRACES_SAMPLER_ARG", "0")];
    let dispatcher = world.dispatch_binary(&settings).await;
    world.publish(tenant, "invoice.paid", json!({})).await;
    publish_within(&world, tenant, &OTHER.replace("-01", "-00")).await;
    let recorded = publish_within(&world, tenant, TRACE).await;
    world.until_status("delivered", 3).await;
    dispatcher.signal(Signal::TERM);
    dispatcher.wait_exit(SOON).await;
    collector.wait_for(1).await[0].has([("posthorn.event.id", json!(recorded))]);
    // all are told of a trace, and whether it is recorded
    let told: Vec<TraceParent> = told(&receiver).into_iter().map(Option::unwrap).collect();
    assert_eq!(told.iter().map(|told| told.trace_id).collect::<BTreeSet<_>>().len(), 3);
    assert!(told.iter().all(|told| told.flags == u8::from(told.trace_id == parse(TRACE).trace_id)), "{told:?}");
}

#[tokio::test]
async fn a_collector_that_hangs_holds_up_nothing() {
    let hanging = Receiver::start(|_, _| Answer::status(200).after(Duration::from_secs(3600)));
    let receiver = Receiver::start(|_, _| Answer::status(204));
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    world.subscribe(tenant, &receiver.url("/in"), &["*"]).await;
    let dispatcher = world.dispatch_binary(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &hanging.url(""))]).await;
    world.publish(tenant, "invoice.paid", json!({})).await;
    hanging.wait_for(1, SOON).await;
    world.publish_many(tenant, "invoice.paid", 1000).await;
    world.until_status("delivered", 1001).await;
    dispatcher.signal(Signal::TERM);
    let asked = Instant::now();
    assert_eq!(dispatcher.wait_exit(SOON).await.code(), Some(0));
    assert!(asked.elapsed() < Duration::from_secs(9), "{:?}", asked.elapsed());
    dispatcher.wait_for_line("did not take the last spans in time", SOON).await;
}

#[tokio::test]
async fn spans_that_nobody_takes_are_counted_and_told_of_once() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let receiver = Receiver::start(|_, _| Answer::status(204));
    let endpoint = format!("http://{nobody}");
    let serving = Serving::with(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=CANARY"),
    ])
    .await;
    let (tenant, api) = serving.tenant("a").await;
    api.subscribe(&receiver.url("/in"), "*").await;
    for lost in 1..=2 {
        serving.world.publish(tenant, "invoice.paid", json!({})).await;
        let line = format!("posthorn_lost_spans_total {lost}");
        let page = || async { serving.nobody().at("").get("/metrics").await.text };
        eventually(&line, SOON, async || page().await.lines().any(|l| l == line)).await;
    }
    let lines = serving.binary.lines();
    let told: Vec<&String> = lines.iter().filter(|line| line.contains("does not take spans")).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("refused"), "{told:?}");
    assert!(!lines.iter().any(|line| line.contains("CANARY")));
}

#[tokio::test]
async fn a_preview_shows_the_trace_without_a_span() {
    let serving = Serving::with(&[]).await;
    let (tenant, api) = serving.tenant("a").await;
    let subscription = api.subscribe("https://receiver.example/in", "*").await;
    let event = publish_within(&serving.world, tenant, TRACE).await;
    let shown = TRACE.replace("00f067aa0ba902b7", "****************");
    let path = format!("/subscriptions/{}/preview", id_of(&subscription));
    let preview = api.post(&path, &json!({"event_id": event})).await.ok(200);
    assert!(
        preview["headers"].as_array().unwrap().contains(&json!({"name": "traceparent", "value": shown})),
        "{preview}"
    );
    for role in ["posthorn_dispatcher", "posthorn_readonly"] {
        let client = serving.world.client_as(role).await;
        let sql = "SELECT headers ->> 'traceparent' FROM posthorn.preview($1)";
        let Ok(row) = client.query_one(sql, &[&event]).await else {
            assert_eq!(role, "posthorn_dispatcher", "who has no right to the function");
            continue;
        };
        assert_eq!(row.get::<_, String>(0), shown, "{role}");
    }
    let own = json!({"traceparent": TRACE});
    let wish = json!({"url": "https://receiver.example/in", "events": ["*"], "headers": own});
    let refused = api.post("/subscriptions", &wish).await;
    assert_eq!(refused.rules(), [("headers.traceparent".to_owned(), "header_denied".to_owned())]);
}

#[tokio::test]
async fn the_page_is_right() {
    let world = World::new().await;
    let text = page("tracing.md");
    let [publish, find] = sql_blocks(&text)[..] else { panic!("{text}") };
    world.client_as("posthorn_publisher").await.batch_execute(publish).await.unwrap();
    let found = world.client_as("posthorn_readonly").await.query(find, &[]).await.unwrap();
    assert_eq!(found.iter().map(|row| row.get("event")).collect::<Vec<String>>(), ["invoice.paid"]);
    // the table tells every attribute that there is
    let source = include_str!("../../src/traces/spans.rs");
    for name in source.lines().filter_map(|line| line.trim().split_once(" = ")).map(|(name, _)| name) {
        if name.starts_with("posthorn.") {
            assert!(text.contains(&format!("`{name}`")), "{name} is not told of");
        }
    }
}
