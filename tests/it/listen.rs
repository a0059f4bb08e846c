//! `posthorn listen`: what arrives is verified, shown, answered as asked or handed on, and nothing is left behind.

use posthorn::domain::secret::Secret;
use posthorn::domain::signature;
use rustix::process::Signal;
use secrecy::ExposeSecret;
use serde_json::json;
use time::OffsetDateTime;

use crate::harness::api::BASE;
use crate::harness::{Answer, Api, Binary, KEYRING, Receiver, SOON, Serving, World};

/// Starts it at a free port; answers with its address too.
async fn listen(arguments: &[&str], env: &[(&str, &str)]) -> (Binary, String) {
    let program = Binary::start(&[&["listen", "--bind", "127.0.0.1:0"], arguments].concat(), env);
    let line = program.wait_for_line("listening on http://", SOON).await;
    let (_, rest) = line.split_once("http://").unwrap();
    let address = rest.split_once('/').unwrap().0.to_owned();
    assert!(address.starts_with("127.0.0.1:"), "{address}");
    (program, address)
}

async fn interrupt(program: &Binary) {
    program.signal(Signal::INT);
    assert!(program.wait_exit(SOON).await.success(), "{:?}", program.lines());
}

/// Headers of a webhook with this body.
fn signed(secret: &Secret, body: &str) -> Vec<(&'static str, String)> {
    let now = OffsetDateTime::now_utc().unix_timestamp();
    vec![
        ("webhook-id", "0198".to_owned()),
        ("webhook-timestamp", now.to_string()),
        ("webhook-signature", signature::standard(secret, "0198", now, body.as_bytes())),
    ]
}

async fn post(address: &str, headers: &[(&str, String)], body: String) -> u16 {
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let api = Api::nobody_at(address);
    api.send(hyper::Method::POST, "/in", &headers, body.into()).await.status
}

#[tokio::test]
async fn with_the_database_it_subscribes_verifies_and_leaves_nothing() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let url = world.url();
    let env = [("DATABASE_URL", url.expose_secret()), ("POSTHORN_KEYRING", KEYRING)];
    let tenant_id = tenant.to_string();
    let (program, _) = listen(&["--subscribe", "a.*,b.c", "--tenant", &tenant_id], &env).await;
    program.wait_for_line(" to a.*, b.c sends to http://127.0.0.1:", SOON).await;
    let dispatching = world.dispatch(&[]).await;
    let event = world.publish(tenant, "a.b", json!({"customer": {"name": "Ada"}})).await;
    world.publish(tenant, "x.y", json!({})).await;
    let line = program.wait_for_line(&event.to_string(), SOON).await;
    assert!(line.contains("a.b") && line.contains("  verified  ") && line.ends_with("  204"), "{line}");
    program.wait_for_line("      \"name\": \"Ada\"", SOON).await;
    world.until_status("delivered", 1).await;
    interrupt(&program).await;
    dispatching.stop().await;
    let left = "SELECT count(*) FROM posthorn.webhook_subscriptions WHERE status <> 'deleted' OR secret IS NOT NULL";
    assert_eq!(world.count(left).await, 0);
    assert!(program.lines().iter().any(|line| line.ends_with("is removed")), "{:?}", program.lines());
    assert!(!program.lines().iter().any(|line| line.contains("x.y")), "nobody subscribed to it");
}

#[tokio::test]
async fn with_the_api_it_subscribes_verifies_and_leaves_nothing() {
    let serving = Serving::start().await;
    let (tenant, api) = serving.tenant("a").await;
    let key = serving.key(tenant, "listen").await;
    let base = format!("{}{BASE}", serving.origin());
    let key = key.expose().expose_secret().to_owned();
    let env = [("POSTHORN_API_URL", base.as_str()), ("POSTHORN_API_KEY", key.as_str())];
    let (program, _) = listen(&["--subscribe", "a.b", "--brief"], &env).await;
    let event = api.publish("a.b", json!({"n": 1})).await;
    let line = program.wait_for_line(&event, SOON).await;
    assert!(line.contains("  verified  "), "{line}");
    interrupt(&program).await;
    let left = "SELECT count(*) FROM posthorn.webhook_subscriptions WHERE status <> 'deleted'";
    assert_eq!(serving.world.count(left).await, 0);

    for (arguments, env, words) in [
        (vec!["--subscribe", "a.b"], vec![], "--subscribe needs --api-url and --api-key"),
        (vec!["--subscribe", "A B"], env.to_vec(), "the API answered 400"),
        (vec!["--subscribe", "a.b"], vec![env[0], ("POSTHORN_API_KEY", "phk_no_key")], "the API answered 401"),
    ] {
        let arguments = [&["listen", "--bind", "127.0.0.1:0"], arguments.as_slice()].concat();
        let (status, lines) = Binary::start(&arguments, &env).run_to_end().await;
        assert!(!status.success() && lines.join("\n").contains(words), "{arguments:?}: {lines:?}");
    }
}

#[tokio::test]
async fn it_answers_in_turn_as_asked_and_refuses_what_is_not_signed() {
    let secret = Secret::generate();
    let env = [("POSTHORN_LISTEN_SECRET", secret.expose())];
    let (program, address) = listen(&["--status", "500,503,200", "--delay", "1ms"], &env).await;
    let body = r#"{"event":"a.b"}"#;
    let mut answers = Vec::new();
    for _ in 0..2 {
        answers.push(post(&address, &signed(&secret, body), body.to_owned()).await);
    }
    assert_eq!(post(&address, &signed(&Secret::generate(), body), body.to_owned()).await, 401);
    assert_eq!(post(&address, &[], body.to_owned()).await, 401);
    for _ in 0..2 {
        answers.push(post(&address, &signed(&secret, body), body.to_owned()).await);
    }
    assert_eq!(answers, [500, 503, 200, 200], "what is refused takes no turn");
    program.wait_for_line("NOT VERIFIED (no signature)", SOON).await;
    program.wait_for_line("NOT VERIFIED (webhook-signature: ", SOON).await;
    let large = "x".repeat(1024 * 1024 + 1);
    assert_eq!(post(&address, &signed(&secret, &large), large.clone()).await, 413);
    interrupt(&program).await;
    assert!(!program.lines().join("\n").contains(secret.expose()), "it told its secret");
}

#[tokio::test]
async fn it_hands_on_byte_for_byte_and_answers_what_was_answered() {
    let receiver = Receiver::start(|path, _| Answer::status(if path == "/hook?a=1" { 418 } else { 204 }).body("tea"));
    let secret = Secret::generate();
    let env = [("POSTHORN_LISTEN_SECRET", secret.expose())];
    let (program, address) = listen(&["--forward", &receiver.url("/hook?a=1"), "--brief"], &env).await;
    let body = "{\"event\": \"a.b\",  \"n\":1.00}";
    let headers = signed(&secret, body);
    assert_eq!(post(&address, &headers, body.to_owned()).await, 418);
    assert_eq!(post(&address, &[], body.to_owned()).await, 401);
    let got = receiver.requests();
    assert_eq!(got.len(), 1, "what is not verified is not handed on");
    assert_eq!(got[0].body, body);
    assert!(headers.iter().all(|(name, value)| got[0].headers[*name] == value.as_str()), "{:?}", got[0].headers);
    interrupt(&program).await;

    drop(receiver);
    let (program, address) = listen(&["--forward", "http://127.0.0.1:1/"], &env).await;
    assert_eq!(post(&address, &signed(&secret, body), body.to_owned()).await, 502);
    program.wait_for_line("not handed on: ", SOON).await;
    interrupt(&program).await;
}
