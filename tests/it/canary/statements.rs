//! The same seen from the database: with every statement and parameter logged, and every kind of credential there is.

use std::process::Command;

use hyper::Method;
use rcgen::{CertificateParams, KeyPair};
use rustix::process::Signal;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::api_access::token;
use crate::harness::api::id_of;
use crate::harness::{Answer, Api, OwnCluster, Receiver, SOON, eventually, server};

const PASSWORD: &str = "CANARYloginPassword";
const ADMIN: &str = "CANARY-operator-0123456789";
const METRICS: &str = "CANARY-metrics-0123456789";
const JWT_SECRET: &str = "CANARY-issuer-secret-of-thirty-two-bytes";
const SEALING_KEY: &str = "CANARYstatementsAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// Everything that PostgreSQL can be told to log.
const LOUD: [(&str, &str); 6] = [
    ("log_statement", "all"),
    ("log_min_duration_statement", "0"),
    ("log_parameter_max_length", "-1"),
    ("log_parameter_max_length_on_error", "-1"),
    ("log_error_verbosity", "verbose"),
    ("log_connections", "on"),
];

/// What is looked for; none of it may come out but to the receiver that it is for and to whoever has just made it.
struct Secrets(Vec<(&'static str, String)>);

impl Secrets {
    fn new(named: &[(&'static str, &str)]) -> Self {
        Self(named.iter().map(|(name, text)| (*name, (*text).to_owned())).collect())
    }

    fn assert_absent(&self, place: &str, text: &str) {
        for (name, secret) in &self.0 {
            for form in [secret.clone(), hex::encode(secret), secret.replace('\n', "\\n")] {
                let found = text.find(&form).map(|at| text[..at].chars().rev().take(200).collect::<Vec<_>>());
                let before: Option<String> = found.map(|before| before.into_iter().rev().collect());
                assert!(before.is_none(), "the {name} is in {place}, after: {}", before.unwrap_or_default());
            }
        }
    }
}

/// Subscriptions with each kind of credential, changes and mistakes with them; answers with what came back.
async fn drive(api: &Api, receiver: &Receiver, certificate: &str, key: &str) -> Vec<String> {
    let mut answers = Vec::new();
    let body = |n: u32, more: Value| {
        let mut body =
            json!({"url": receiver.url(&format!("/{n}")), "event": "a.b", "headers": {"x-api-key": "CANARY-header"}});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let kinds = [
        json!({"credentials": {"type": "basic", "username": "aladdin", "password": "CANARY-basic"}}),
        json!({"credentials": {"type": "bearer", "token": "CANARY-bearer"}}),
        json!({"client_certificate": certificate, "client_key": key}),
        json!({"signature": "ed25519"}),
    ];
    for (n, kind) in kinds.into_iter().enumerate() {
        let made = api
            .clone()
            .with("idempotency-key", &format!("once-{n}"))
            .post("/subscriptions", &body(n as u32, kind))
            .await;
        let id = id_of(&made.ok(201));
        answers.push(made.text);
        let path = format!("/subscriptions/{id}");
        answers.push(
            api.patch(&path, &json!({"headers": {"x-api-key": "CANARY-header"}, "description": "new"})).await.text,
        );
        answers.push(api.act(&format!("{path}/test")).await.text);
        answers.push(api.post(&format!("{path}/preview"), &json!({"event": "a.b", "payload": {}})).await.text);
        answers.push(api.post(&format!("{path}/replay"), &json!({"since": "2020-01-01T00:00:00Z"})).await.text);
        answers.push(api.get(&path).await.text);
        // refused by the program, and by the database: with its parameters in its log
        answers
            .push(api.patch(&path, &json!({"credentials": {"type": "bearer", "token": "CANARY-bearer\n"}})).await.text);
        answers.push(api.patch(&path, &json!({"client_key": "CANARY-basic"})).await.text);
        answers.push(
            api.post("/subscriptions", &body(n as u32, json!({"filter": "$.a ? (CANARY", "secret": "CANARY-basic"})))
                .await
                .text,
        );
    }
    answers
}

#[tokio::test]
async fn no_secret_reaches_the_databases_log_nor_rests_there_in_clear() {
    let own = OwnCluster::new(&LOUD).await;
    let url = own.login("canary", PASSWORD, "posthorn_api, posthorn_dispatcher, posthorn_admin").await;
    // what makes the login names its password, as whoever runs it knows
    let began = own.log().len();
    let keyring = format!("canary:{SEALING_KEY}");
    let settings = [
        ("RUST_LOG", "trace"),
        ("POSTHORN_KEYRING", keyring.as_str()),
        ("POSTHORN_ADMIN_TOKEN", ADMIN),
        ("POSTHORN_METRICS_TOKEN", METRICS),
        ("POSTHORN_JWT_KEY", JWT_SECRET),
        ("POSTHORN_JWT_ALGORITHM", "HS256"),
        ("POSTHORN_JWT_AUDIENCE", "posthorn"),
        ("POSTHORN_JWT_ISSUER", "https://issuer.example"),
        ("POSTHORN_JWT_TENANT_CLAIM", "org"),
    ];
    let (binary, nobody) = own.serve(&url, &settings).await;
    let tenant = Uuid::now_v7();
    let key = own.key(tenant).await;
    let api = nobody.clone().with_key(&key);
    let key_text = key.expose().expose_secret().to_owned();
    let jwt = token(JWT_SECRET, tenant, Some("read manage"));
    let client = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec!["client.example".to_owned()]).unwrap().self_signed(&client).unwrap().pem();
    let key_pem = client.serialize_pem();
    let body_of_key = key_pem.lines().nth(1).unwrap();
    let secrets = Secrets::new(&[
        ("login's password", PASSWORD),
        ("operator's token", ADMIN),
        ("metrics token", METRICS),
        ("issuer's secret", JWT_SECRET),
        ("keyring", SEALING_KEY.trim_end_matches('=')),
        ("API key", key_text.rsplit('_').next().unwrap()),
        ("JWT", &jwt),
        ("own header", "CANARY-header"),
        ("basic password", "CANARY-basic"),
        ("bearer token", "CANARY-bearer"),
        ("client's key", body_of_key),
    ]);
    let receiver = Receiver::start(|_, n| Answer::status(if n % 3 == 0 { 500 } else { 204 }).body("an answer"));
    let mut answers = drive(&api, &receiver, &certificate, &key_pem).await;
    let event = api.publish("a.b", json!({"n": 1})).await;
    eventually("something was sent", SOON, async || !receiver.requests().is_empty()).await;
    for path in
        ["/subscriptions", "/deliveries", "/jobs", "/audit-log", "/api-keys", "/tenant", &format!("/events/{event}")]
    {
        answers.push(nobody.clone().bearer(&jwt).get(path).await.text);
        answers.push(nobody.clone().bearer(&format!("{jwt}x")).get(path).await.text);
    }
    let admin = nobody.at("/api/v1/admin").bearer(ADMIN);
    for path in
        ["/tenants", &format!("/tenants/{tenant}/api-keys"), "/tenants?cursor=x", "/openapi.json", "/openapi.yaml"]
    {
        answers.push(admin.get(path).await.text);
    }
    for path in ["/metrics", "/health/ready", "/openapi.json", "/openapi.yaml"] {
        answers.push(nobody.at("").bearer(METRICS).get(path).await.text);
    }
    let wrong = admin.send(
        Method::POST,
        "/tenants",
        &[("content-type", "application/json")],
        format!("{{\"name\": {ADMIN:?}, ").into(),
    );
    answers.push(wrong.await.text);
    for answer in &answers {
        secrets.assert_absent("an answer", answer);
    }

    let db = own.client().await;
    let seen = "SELECT string_agg(concat_ws(' ', a.query, a.application_name), ' ') FROM pg_stat_activity a WHERE a.pid <> pg_backend_pid()";
    secrets.assert_absent("pg_stat_activity", &db.query_one(seen, &[]).await.unwrap().get::<_, String>(0));
    let dump = Command::new(server().program("pg_dump")).args(["--schema=posthorn", &own.url()]).output().unwrap();
    let dump = String::from_utf8(dump.stdout).unwrap();
    assert!(dump.contains("client.example") || dump.contains("BEGIN CERTIFICATE"), "the dump holds nothing");
    secrets.assert_absent("the dump", &dump);
    for file in ["cmdline", "comm"] {
        let text = std::fs::read(format!("/proc/{}/{file}", binary.pid())).unwrap();
        secrets.assert_absent("the process table", &String::from_utf8_lossy(&text));
    }
    binary.signal(Signal::TERM);
    let (_, output) = binary.run_to_end().await;
    assert!(output.iter().any(|line| line.contains("TRACE")), "nothing is logged at this level");
    secrets.assert_absent("the output", &output.join("\n"));
    let log = own.log();
    assert!(
        log.matches("webhook_subscriptions").count() > 10 && log.to_lowercase().contains("parameters:"),
        "nothing is logged there"
    );
    secrets.assert_absent("the database's log", &log[began..]);
}
