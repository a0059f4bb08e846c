//! No secret comes out anywhere: a run with everything logged, marked secrets, success and failure (R57, FAILURES A15).

mod statements;

use std::process::Command;

use rustix::process::Signal;
use secrecy::ExposeSecret;
use serde_json::json;
use uuid::Uuid;

use crate::harness::api::{id_of, start};
use crate::harness::{Answer, Api, Receiver, SOON, Serving, World, eventually, server};

const PASSWORD: &str = "CANARYdatabasePassword1";
const ADMIN: &str = "CANARY-admin-token-0123456789";
const METRICS: &str = "CANARY-metrics-token-0123456789";
const SECRET: &str = "CANARY-webhook-secret-12345678";
/// base64 of 32 bytes, as a key of the keyring is written.
const SEALING_KEY: &str = "CANARYkeyringAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
/// Not a secret, but nothing for a log at its usual level either.
const PAYLOAD: &str = "CANARY-payload-of-a-customer";

/// What is looked for, and where it may not be.
struct Canaries(Vec<(&'static str, String)>);

impl Canaries {
    fn of(key: &str, generated: &str) -> Self {
        let secret_of_key = key.rsplit('_').next().unwrap().to_owned();
        let given = [("password", PASSWORD), ("admin token", ADMIN), ("metrics token", METRICS), ("secret", SECRET)];
        let mut all: Vec<_> = given.map(|(name, text)| (name, text.to_owned())).into();
        all.push(("keyring", SEALING_KEY.trim_end_matches('=').to_owned()));
        all.push(("API key", secret_of_key));
        all.push(("generated secret", generated.trim_start_matches("whsec_").trim_end_matches('=').to_owned()));
        Self(all)
    }

    fn assert_absent(&self, place: &str, text: &str) {
        for (name, canary) in &self.0 {
            for form in [canary.clone(), hex::encode(canary)] {
                let found = text.lines().find(|line| line.contains(&form));
                assert!(found.is_none(), "the {name} is in {place}: {}", found.unwrap_or_default());
            }
        }
    }
}

async fn login(world: &World) -> String {
    let role = format!("canary_{}", world.database());
    let sql = format!(
        "CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'; GRANT posthorn_api, posthorn_dispatcher, posthorn_owner TO {role}"
    );
    server().admin(&sql).await.unwrap();
    format!("postgres://{role}:{PASSWORD}@127.0.0.1:{}/{}", server().port(), world.database())
}

/// Success and failure on every path that has a secret to lose; answers with every text that came back.
async fn drive(serving: &Serving, api: &Api, key: &str, receiver: &Receiver) -> Vec<String> {
    let mut answers = Vec::new();
    let body = |path: &str| json!({"url": receiver.url(path), "event": "a.b", "secret": SECRET});
    let made = id_of(&api.post("/subscriptions", &body("/ok")).await.ok(201));
    let unsent = json!({"url": receiver.url("/bad"), "event": "a.c", "secret": SECRET, "retry_schedule": [0]});
    api.post("/subscriptions", &unsent).await.ok(201);
    // what a careless caller sends in the wrong place comes back in no complaint
    for wrong in [
        json!({"url": receiver.url("/ok"), "event": "a.*", "secret": SECRET}),
        json!({"url": "nowhere", "event": "a.b", "secret": SECRET, "max_retries": 99}),
        json!({"url": format!("https://user:{SECRET}@receiver.example/"), "event": "a.b"}),
        json!({"url": receiver.url("/x"), "event": "a.b", "secret": format!("{SECRET}\n")}),
        json!({"url": receiver.url("/x"), "event": "a.b", "secret": [SECRET]}),
        json!({"url": receiver.url("/x"), "event": "a.b", "secret": SECRET, "signing": "none"}),
    ] {
        answers.push(api.post("/subscriptions", &wrong).await.text);
    }
    let cut_short = format!("{{\"url\": \"https://receiver.example/\", \"secret\": \"{SECRET}\", \"event\": ");
    answers.push(api.post_bytes("/subscriptions", cut_short).await.text);
    for (event, status) in [("a.b", "delivered"), ("a.c", "abandoned")] {
        let delivery = api.delivery_of(&api.publish(event, json!({"name": PAYLOAD})).await).await;
        answers.push(api.wait_for_status(&delivery, status).await.to_string());
    }
    let operator = serving.nobody().bearer(ADMIN);
    answers.push(operator.get("/subscriptions").await.text);
    answers.push(operator.clone().with("X-Posthorn-Tenant", ADMIN).get("/subscriptions").await.text);
    for (token, path) in
        [(key, "/subscriptions?event=x"), (&key[..key.len() - 1], "/subscriptions"), (SECRET, "/events/1")]
    {
        answers.push(serving.nobody().bearer(token).get(path).await.text);
    }
    for path in ["/subscriptions?active=all", "/deliveries", &format!("/subscriptions/{made}"), "/event-types"] {
        answers.push(api.get(path).await.text);
    }
    for path in ["/metrics", "/health/ready", "/openapi.json", "/openapi.yaml", "/docs"] {
        answers.push(serving.nobody().at("").bearer(METRICS).get(path).await.text);
    }
    answers.push(serving.nobody().at("").bearer("wrong").get("/metrics").await.text);
    answers
}

/// Every row of every table, as text.
fn dump(url: &str) -> String {
    let program = server().program("pg_dump");
    let output = Command::new(&program).args(["--data-only", "--schema=posthorn", url]).output().unwrap();
    assert!(output.status.success(), "{program:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

async fn lose_the_database(serving: &Serving, api: &Api) -> Vec<String> {
    let name = serving.world.database();
    server().admin(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false")).await.unwrap();
    let leave = format!("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'");
    server().admin(&leave).await.unwrap();
    let body = json!({"url": "https://receiver.example/", "event": "a.d", "secret": SECRET});
    let mut answers = vec![api.post("/subscriptions", &body).await.text, api.get("/deliveries").await.text];
    answers.push(serving.nobody().at("").bearer(METRICS).get("/health/ready").await.text);
    eventually("the dispatcher has noticed", SOON, async || {
        serving.binary.lines().iter().any(|line| line.contains("WARN") || line.contains("ERROR"))
    })
    .await;
    server().admin(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true")).await.unwrap();
    eventually("it is back", SOON, async || api.get("/deliveries").await.status == 200).await;
    answers
}

#[tokio::test]
async fn no_secret_comes_out_of_a_run_with_everything_logged() {
    let world = World::new().await;
    let url = login(&world).await;
    let keyring = format!("canary:{SEALING_KEY}");
    let settings = [
        ("RUST_LOG", "trace"),
        ("POSTHORN_ADMIN_TOKEN", ADMIN),
        ("POSTHORN_METRICS_TOKEN", METRICS),
        ("POSTHORN_KEYRING", keyring.as_str()),
    ];
    let serving = Serving::against(world, &url, &settings).await;
    let key = serving.key(Uuid::now_v7(), "canary").await;
    let key = key.expose().expose_secret().to_owned();
    let api = serving.nobody().bearer(&key);
    let receiver = Receiver::start(|path, _| match path {
        "/ok" => Answer::status(204),
        _ => Answer::status(500).body("a fault of the receiver"),
    });
    let generated = api.subscribe(&receiver.url("/generated"), "a.z").await["secret"].as_str().unwrap().to_owned();
    let canaries = Canaries::of(&key, &generated);

    for answer in drive(&serving, &api, &key, &receiver).await {
        canaries.assert_absent("an answer", &answer);
    }
    let tables = dump(serving.world.url().expose_secret());
    assert!(tables.contains("webhook_subscriptions") && tables.contains(PAYLOAD), "the dump holds nothing");
    canaries.assert_absent("a table", &tables);
    for request in receiver.requests() {
        canaries
            .assert_absent("a webhook", &format!("{:?} {}", request.headers, String::from_utf8_lossy(&request.body)));
    }
    let command_line = std::fs::read(format!("/proc/{}/cmdline", serving.binary.pid())).unwrap();
    canaries.assert_absent("the command line", &String::from_utf8_lossy(&command_line));

    for answer in lose_the_database(&serving, &api).await {
        canaries.assert_absent("an answer without a database", &answer);
    }
    serving.binary.signal(Signal::TERM);
    let (_, output) = serving.binary.run_to_end().await;
    assert!(output.iter().any(|line| line.contains("TRACE")), "nothing is logged at this level");
    canaries.assert_absent("the output", &output.join("\n"));
}

#[tokio::test]
async fn a_payload_is_in_no_log_of_the_usual_level() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let receiver = Receiver::start(|path, _| Answer::status(if path == "/ok" { 204 } else { 400 }));
    api.subscribe(&receiver.url("/ok"), "a.b").await;
    api.subscribe(&receiver.url("/bad"), "a.c").await;
    for (event, status) in [("a.b", "delivered"), ("a.c", "failed")] {
        let delivery = api.delivery_of(&api.publish(event, json!({"name": PAYLOAD})).await).await;
        api.wait_for_status(&delivery, status).await;
    }
    let too_deep = format!("{{\"event\": \"a.b\", \"payload\": {{\"{PAYLOAD}\": \"\\u0000\"}}}}");
    api.post_bytes("/events", too_deep).await.rules();
    serving.binary.signal(Signal::TERM);
    let (_, output) = serving.binary.run_to_end().await;
    for (level, what) in [("INFO", "a delivery"), ("ERROR", "a permanent failure")] {
        assert!(output.iter().any(|line| line.contains(level)), "{what} is not logged: {output:#?}");
    }
    assert!(!output.join("\n").contains(PAYLOAD), "{output:#?}");
}

#[tokio::test]
async fn a_start_that_fails_repeats_no_secret() {
    let world = World::new().await;
    let url = world.url();
    let url = url.expose_secret();
    let nowhere = format!("postgres://canary:{PASSWORD}@127.0.0.1:1/posthorn");
    let no_port = format!("postgres://canary:{PASSWORD}@127.0.0.1:port/posthorn");
    let no_url = format!("canary:{PASSWORD}");
    let wrong_login = format!("postgres://nobody_here:{PASSWORD}@127.0.0.1:{}/postgres", server().port());
    let bad_keys = ["CANARYkeyring", "a:CANARYkeyring", "a:CANARYkeyring,b:"].map(|keys| ("POSTHORN_KEYRING", keys));
    let mut starts = vec![start(&nowhere, &[]), start(&no_port, &[]), start(&no_url, &[]), start(&wrong_login, &[])];
    starts.extend(bad_keys.map(|setting| start(url, &[setting])));
    starts.push(start(url, &[("POSTHORN_ADMIN_TOKEN", "CANARY")]));
    starts.push(start(url, &[("POSTHORN_BIND", "nowhere")]));
    for binary in starts {
        let (status, lines) = binary.run_to_end().await;
        let said = lines.join("\n");
        assert!(!status.success() && !said.is_empty(), "{said}");
        assert!(!said.contains("CANARY"), "{said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}
