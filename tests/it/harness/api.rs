//! The API as its callers meet it: HTTP against the running program.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{CONTENT_TYPE, HeaderMap};
use hyper::{Method, Request};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use posthorn::store::StoreRole;
use posthorn::store::api_keys::{self, ApiKey};
use secrecy::ExposeSecret;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use uuid::Uuid;

use super::{Binary, SOON, World, eventually};

/// The operator's token of every [`Serving`].
pub(crate) const ADMIN_TOKEN: &str = "operator-token-of-the-tests";

/// Where the API is, relative to the server.
pub(crate) const BASE: &str = "/api/v1/webhooks";

/// The other place where the same API is.
pub(crate) const OTHER_BASE: &str = "/api/v1/tenant/webhooks";

/// A running `posthorn serve` on a database of its own.
pub(crate) struct Serving {
    pub(crate) world: World,
    pub(crate) binary: Binary,
    address: String,
}

/// A caller: where, and as whom.
#[derive(Clone)]
pub(crate) struct Api {
    client: Client<HttpConnector, Full<Bytes>>,
    address: String,
    base: &'static str,
    headers: Vec<(String, String)>,
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Serving {
    /// API and dispatcher; http and 127.0.0.0/8 are allowed.
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    /// The same with other settings.
    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        let world = World::new().await;
        let url = world.url();
        Self::against(world, url.expose_secret(), settings).await
    }

    /// The same, logged in to the database as `url` says.
    pub(crate) async fn against(world: World, url: &str, settings: &[(&str, &str)]) -> Self {
        let binary = start(url, settings);
        let ready = binary.wait_for_line("posthorn is ready on http://", SOON).await;
        let address = ready.rsplit("http://").next().unwrap().to_owned();
        Self { world, binary, address }
    }

    /// A caller without a token.
    pub(crate) fn nobody(&self) -> Api {
        Api::nobody_at(&self.address)
    }

    /// Where it is, as the beginning of URLs.
    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A new tenant and its caller.
    pub(crate) async fn tenant(&self, name: &str) -> (Uuid, Api) {
        let tenant = Uuid::now_v7();
        let key = self.key(tenant, name).await;
        (tenant, self.nobody().bearer(key.expose().expose_secret()))
    }

    /// A new key.
    pub(crate) async fn key(&self, tenant: Uuid, name: &str) -> ApiKey {
        api_keys::create(&self.world.store(StoreRole::Owner), tenant, name).await.unwrap().key
    }

    /// Panics unless the program still runs and answers.
    pub(crate) async fn assert_alive(&self) {
        self.nobody().at("").get("/health/live").await.ok(200);
        let lines = self.binary.lines();
        assert!(!lines.iter().any(|line| line.contains("panicked")), "{}", lines.join("\n"));
    }
}

/// Starts `posthorn serve` without waiting for it.
pub(crate) fn start(database_url: &str, settings: &[(&str, &str)]) -> Binary {
    start_with(&[], &[&[("DATABASE_URL", database_url)], settings].concat())
}

/// The same with databases given as flags, without or beside DATABASE_URL.
pub(crate) fn start_with(database_urls: &[&str], settings: &[(&str, &str)]) -> Binary {
    let mut env = vec![
        ("POSTHORN_BIND", "127.0.0.1:0"),
        ("POSTHORN_KEYRING", super::world::KEYRING),
        ("POSTHORN_ADMIN_TOKEN", ADMIN_TOKEN),
        ("WEBHOOK_ALLOW_HTTP", "true"),
        ("WEBHOOK_ALLOW_NETWORKS", "127.0.0.0/8"),
    ];
    env.extend_from_slice(settings);
    let mut arguments = vec!["serve"];
    arguments.extend(database_urls.iter().flat_map(|url| ["--database-url", url]));
    Binary::start(&arguments, &env)
}

impl Api {
    /// A caller without a token of the server at this address.
    pub(crate) fn nobody_at(address: &str) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { client, address: address.to_owned(), base: BASE, headers: Vec::new() }
    }

    /// The same server, called as `other` calls.
    pub(crate) fn authorized_as(self, other: &Self) -> Self {
        Self { headers: other.headers.clone(), ..self }
    }

    /// The same caller elsewhere than at [`BASE`].
    pub(crate) fn at(&self, base: &'static str) -> Self {
        Self { base, ..self.clone() }
    }

    /// The same caller with another header.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same caller with a token.
    pub(crate) fn bearer(self, token: &str) -> Self {
        self.with("authorization", &format!("Bearer {token}"))
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, &[], Bytes::new()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.send(Method::DELETE, path, &[], Bytes::new()).await
    }

    /// POST without a body.
    pub(crate) async fn act(&self, path: &str) -> Reply {
        self.send(Method::POST, path, &[], Bytes::new()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        self.post_bytes(path, body.to_string()).await
    }

    /// POST of whatever these bytes are, said to be JSON.
    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Reply {
        let json = [("content-type", "application/json")];
        self.send(Method::PATCH, path, &json, body.to_string().into()).await
    }

    pub(crate) async fn post_bytes(&self, path: &str, body: impl Into<Bytes>) -> Reply {
        self.send(Method::POST, path, &[(CONTENT_TYPE.as_str(), "application/json")], body.into()).await
    }

    /// Any request.
    pub(crate) async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Bytes) -> Reply {
        let uri = format!("http://{}{}{path}", self.address, self.base);
        let mut request = Request::builder().method(&method).uri(&uri);
        for (name, value) in self.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).chain(headers.iter().copied()) {
            request = request.header(name, value);
        }
        let answer = async {
            let response = self.client.request(request.body(Full::new(body)).unwrap()).await.unwrap();
            let (head, body) = response.into_parts();
            let text = String::from_utf8(body.collect().await.unwrap().to_bytes().into()).unwrap();
            Reply { status: head.status.as_u16(), headers: head.headers, text }
        };
        timeout(SOON, answer).await.unwrap_or_else(|_| panic!("no answer to {method} {uri}"))
    }

    /// Sends bytes that need not be HTTP on a connection of their own, and answers with everything that came back.
    pub(crate) async fn raw(&self, request: &[u8]) -> String {
        self.converse(request, true).await
    }

    /// As `raw`, of a whole request with `Connection: close`. Nothing else ends it: a server may leave who has gone without an answer.
    pub(crate) async fn raw_to_the_end(&self, request: &[u8]) -> String {
        self.converse(request, false).await
    }

    async fn converse(&self, request: &[u8], is_ended: bool) -> String {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        let mut answer = Vec::new();
        let conversation = async {
            // the server may refuse before it has read everything
            let _ = stream.write_all(request).await;
            if is_ended {
                let _ = stream.shutdown().await;
            }
            let _ = stream.read_to_end(&mut answer).await;
        };
        timeout(SOON, conversation).await.expect("the server neither answers nor closes");
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// A new subscription's JSON.
    pub(crate) async fn subscribe(&self, url: &str, event: &str) -> Value {
        self.post("/subscriptions", &serde_json::json!({"url": url, "event": event})).await.ok(201)
    }

    /// Publishes and answers with the event's id.
    pub(crate) async fn publish(&self, event: &str, payload: Value) -> String {
        let body = serde_json::json!({"event": event, "payload": payload});
        id_of(&self.post("/events", &body).await.ok(201))
    }

    /// The one delivery of an event.
    pub(crate) async fn delivery_of(&self, event_id: &str) -> String {
        let page = self.get(&format!("/deliveries?event_id={event_id}")).await.ok(200);
        assert_eq!(page["data"].as_array().unwrap().len(), 1, "{page}");
        id_of(&page["data"][0])
    }

    /// Waits until a delivery has a status and answers with its whole record.
    pub(crate) async fn wait_for_status(&self, delivery: &str, status: &str) -> Value {
        let path = format!("/deliveries/{delivery}");
        eventually(&format!("delivery {status}"), SOON + Duration::from_secs(5), async || {
            self.get(&path).await.ok(200)["status"] == status
        })
        .await;
        self.get(&path).await.ok(200)
    }
}

impl Reply {
    /// The body, of an answer with this status.
    pub(crate) fn ok(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        if self.text.is_empty() { Value::Null } else { serde_json::from_str(&self.text).expect(&self.text) }
    }

    /// The body, which must be a problem (RFC 9457) of this status and kind.
    pub(crate) fn problem(&self, status: u16, slug: &str) -> Value {
        let body = self.ok(status);
        assert_eq!(self.headers[CONTENT_TYPE], "application/problem+json", "{}", self.text);
        assert_eq!(body["type"], format!("urn:posthorn:problem:{slug}"), "{}", self.text);
        assert_eq!(body["status"], status, "{}", self.text);
        for member in ["title", "detail"] {
            assert!(body[member].as_str().is_some_and(|text| !text.is_empty()), "{member}: {}", self.text);
        }
        body
    }

    /// Field and rule of everything that a 400 names.
    pub(crate) fn rules(&self) -> Vec<(String, String)> {
        let body = self.problem(400, "validation");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        body["errors"].as_array().unwrap().iter().map(|e| (text(&e["field"]), text(&e["rule"]))).collect()
    }
}

/// `id` of an object.
pub(crate) fn id_of(object: &Value) -> String {
    object["id"].as_str().unwrap_or_else(|| panic!("no id: {object}")).to_owned()
}
