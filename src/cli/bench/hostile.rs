//! What requests cost that are made to cost much: CPU of the server and of PostgreSQL, each answered as it must be.

mod inputs;

use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, StatusCode, header};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use uuid::Uuid;

use self::inputs::{DEAR_FILTER, FILTERED, Input, Want};
use super::child::Server;
use super::error::BenchError;
use super::figures::Figure;
use super::lab::Lab;
use super::sizes::Sizes;
use super::stage::Stage;
use crate::store::api_keys::{self, ApiKey};
use crate::store::{Store, StoreRole};

/// After so long there are requests enough of one kind.
const LONG: Duration = Duration::from_secs(2);

/// How much of an unexpected answer is shown.
const SHOWN_CHARS: usize = 300;

/// How long a dispatcher may take for an event with a dear filter: it tries twice.
const FAN_OUT_LIMIT: Duration = Duration::from_secs(60);

/// How often it is asked whether it is done.
const LOOK: Duration = Duration::from_millis(20);

/// Every input, one after the other, against a server of its own.
pub(super) async fn measure(lab: &Lab, sizes: &Sizes) -> Result<Vec<Figure>, BenchError> {
    let stage = lab.stage().await?;
    let tenant = Uuid::now_v7();
    let store = Store::new(&stage.url.to_string().into(), StoreRole::Owner, 1, lab.config.webhook.max_payload_bytes)?;
    let key = api_keys::create(&store, tenant, "bench").await?.key;
    store.close();
    let server = Server::start(lab, &stage.url).await?;
    let api = Api::new(&server, &key);
    let subscription = prepare(&api).await?;
    let (mut figures, mut worst, mut wrong) = (Vec::new(), 0.0f64, Vec::new());
    for input in inputs::all() {
        let path = input.path.replace("{subscription}", &subscription);
        let before = seconds(lab, &server);
        let (started, mut count) = (Instant::now(), 0);
        while count < sizes.hostile_requests && started.elapsed() < LONG {
            count += 1;
            if let Some(answer) = api.ask(&input, &path).await? {
                wrong.push(answer);
                break;
            }
        }
        if let (Some(before), Some(after)) = (before, seconds(lab, &server)) {
            // a process that ends between two looks at /proc is missing from one: less than nothing is nothing
            let each = (after - before).max(0.0) * 1e3 / f64::from(count);
            worst = worst.max(each);
            let key = format!("hostile.{}.{}", input.group, input.name);
            figures.push(Figure::highest(
                key,
                format!("  {}: {}, ms", input.group, input.name.replace('_', " ")),
                2,
                each,
            ));
        }
    }
    if !wrong.is_empty() {
        return Err(BenchError::Answers { answers: wrong.join("; ") });
    }
    if !figures.is_empty() {
        let label = "hostile request, dearest kind, CPU of all, ms";
        figures.insert(0, Figure::highest("hostile.worst_cpu_ms", label, 2, worst));
    }
    figures.extend(dear_filter(lab, &stage, &server, &api).await?);
    figures.extend(
        server.peak_mib().map(|mib| Figure::highest("hostile.rss_peak_mib", "  server resident, peak, MiB", 1, mib)),
    );
    Ok(figures)
}

/// What an event costs whose subscription has a dear filter, until a dispatcher has come to an end with it.
async fn dear_filter(lab: &Lab, stage: &Stage, server: &Server, api: &Api) -> Result<Option<Figure>, BenchError> {
    const WHAT: &str = "a dear filter";
    let before = seconds(lab, server);
    api.send(Method::POST, "/events", inputs::dear_event()).await?.expect("an event for a dear filter", 201)?;
    let started = Instant::now();
    let is_open = "SELECT EXISTS (SELECT FROM posthorn.event_fanouts WHERE state = 'open')";
    while stage.db.query_one(is_open, &[]).await.map_err(BenchError::database(WHAT))?.get(0) {
        if started.elapsed() > FAN_OUT_LIMIT {
            return Err(BenchError::Unrecorded { what: WHAT, seconds: FAN_OUT_LIMIT.as_secs() });
        }
        tokio::time::sleep(LOOK).await;
    }
    let label = "  event with a dear filter, beside its publisher, ms";
    let used =
        |before: f64, after: f64| Figure::highest("hostile.dear_filter_cpu_ms", label, 0, (after - before) * 1e3);
    Ok(before.zip(seconds(lab, server)).map(|(before, after)| used(before, after)))
}

/// CPU seconds of the server and of PostgreSQL, where that runs here.
fn seconds(lab: &Lab, server: &Server) -> Option<f64> {
    Some(server.seconds()? + lab.postgres_seconds().unwrap_or_default())
}

/// What the inputs need to be there; answers with the id of a subscription to preview with.
async fn prepare(api: &Api) -> Result<String, BenchError> {
    let of = |event: &str, filter: Value| {
        json!({"url": "https://receiver.example/", "event": event, "filter": filter, "active": true}).to_string()
    };
    let made = api.send(Method::POST, "/subscriptions", of("no.such", Value::Null)).await?;
    made.expect("a subscription", 201)?;
    let dear = api.send(Method::POST, "/subscriptions", of(FILTERED, json!(DEAR_FILTER))).await?;
    dear.expect("a subscription with a dear filter", 201)?;
    for (name, schema) in inputs::dear_schemas() {
        let body = format!("{{\"name\": \"hostile.{name}\", \"json_schema\": {schema}, \"is_strict\": true}}");
        api.send(Method::POST, "/event-types", body).await?.expect("a strict event type", 201)?;
    }
    let made: Value = serde_json::from_str(&made.body).unwrap_or_default();
    Ok(made["id"].as_str().unwrap_or_default().to_owned())
}

/// A tenant's program.
struct Api {
    client: Client<HttpConnector, Full<Bytes>>,
    base: String,
    token: SecretString,
}

/// An answer.
struct Answer {
    status: StatusCode,
    body: String,
}

impl Api {
    fn new(server: &Server, key: &ApiKey) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { client, base: format!("http://{}/api/v1/webhooks", server.address), token: key.expose() }
    }

    /// Sends an input; what was answered when it is not what must be.
    async fn ask(&self, input: &Input, path: &str) -> Result<Option<String>, BenchError> {
        let answer = self.send(input.method.clone(), path, input.body.clone()).await?;
        let is_right = match input.want {
            Want::Answered(status) => answer.status.as_u16() == status,
            Want::Refused(field) => answer.names(field),
        };
        Ok((!is_right).then(|| answer.told(&format!("{} {}", input.group, input.name))))
    }

    async fn send(&self, method: Method, path: &str, body: String) -> Result<Answer, BenchError> {
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| {
            let what = format!("{} {:.60}", method, path);
            BenchError::Unanswered { what, source }
        };
        let mut request = Request::builder()
            .method(&method)
            .uri(format!("{}{path}", self.base))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token.expose_secret()));
        if method == Method::POST {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let request = request.body(Full::new(body.into())).map_err(|error| failed(error.into()))?;
        let response = self.client.request(request).await.map_err(|error| failed(error.into()))?;
        let (head, body) = response.into_parts();
        let body = body.collect().await.map_err(|error| failed(error.into()))?.to_bytes();
        Ok(Answer { status: head.status, body: String::from_utf8_lossy(&body).into_owned() })
    }
}

impl Answer {
    /// Whether it is the 400 that names this field or a part of it.
    fn names(&self, field: &str) -> bool {
        let read: Value = serde_json::from_str(&self.body).unwrap_or_default();
        let of_field = |error: &Value| {
            let rest = error["field"].as_str().and_then(|named| named.strip_prefix(field));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '/', '[']))
        };
        let errors = read["errors"].as_array();
        self.status == StatusCode::BAD_REQUEST && errors.is_some_and(|errors| errors.iter().any(of_field))
    }

    fn expect(&self, what: &str, status: u16) -> Result<(), BenchError> {
        let is_right = self.status.as_u16() == status;
        if is_right { Ok(()) } else { Err(BenchError::Answers { answers: self.told(what) }) }
    }

    fn told(&self, what: &str) -> String {
        format!("{} to {what}: {:.SHOWN_CHARS$}", self.status.as_u16(), self.body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_asked_for_its_field() {
        let answer = |status: u16, field: &str| Answer {
            status: StatusCode::from_u16(status).unwrap(),
            body: json!({"errors": [{"field": field}]}).to_string(),
        };
        for (field, is_named) in [("url", true), ("url.a", true), ("url[0]", true), ("urls", false), ("a.url", false)] {
            assert_eq!(answer(400, field).names("url"), is_named, "{field}");
        }
        assert!(!answer(500, "url").names("url") && !answer(413, "url").names("url"));
    }
}
