//! Sealed secrets that were tampered with open nowhere: nothing is sent with them, and each is repaired by what it was (A18).

use posthorn::domain::keyring::Keyring;
use posthorn::domain::secret::Secret;
use secrecy::ExposeSecret;
use serde_json::json;
use uuid::Uuid;

use crate::harness::api::start;
use crate::harness::{Answer, Receiver, World};

/// Runs a statement with a subscription as $1.
async fn change(world: &World, sql: &str, subscription: Uuid) {
    assert_eq!(world.db.execute(sql, &[&subscription]).await.unwrap_or_else(|e| panic!("{sql}: {e:?}")), 1, "{sql}");
}

#[tokio::test]
async fn a_sealed_secret_that_was_tampered_with_signs_nothing() {
    let world = World::new().await;
    let (a, b) = (world.tenant("a").await, world.tenant("b").await);
    let receiver = Receiver::start(|_, _| Answer::status(204));
    let own = world.subscribe_signed(a, &receiver.url("/own"), &["*"], &Secret::generate()).await;
    let sibling = world.subscribe_signed(a, &receiver.url("/sibling"), &["no.such"], &Secret::generate()).await;
    let other = world.subscribe_signed(b, &receiver.url("/other"), &["no.such"], &Secret::generate()).await;
    world
        .db
        .batch_execute("CREATE TABLE public.kept AS SELECT id, secret FROM posthorn.webhook_subscriptions")
        .await
        .unwrap();
    let from = |id: Uuid| {
        format!(
            "UPDATE posthorn.webhook_subscriptions SET secret = (SELECT k.secret FROM public.kept k WHERE k.id = '{id}') WHERE id = $1"
        )
    };
    let made =
        |expression: &str| format!("UPDATE posthorn.webhook_subscriptions s SET secret = {expression} WHERE s.id = $1");
    let byte = |at: &str| made(&format!("set_byte(s.secret, {at}, get_byte(s.secret, {at}) # 1)"));
    let tampered = [
        ("of a sibling's row", from(sibling)),
        ("of another tenant's row", from(other)),
        ("cut by a byte", made("substr(s.secret, 1, octet_length(s.secret) - 1)")),
        ("cut to the shortest that the column takes", made("substr(s.secret, 1, 43)")),
        ("longer by a byte", made("s.secret || '\\x00'::bytea")),
        ("another key's id", made("overlay(s.secret placing 'tesu'::bytea from 3)")),
        ("a key's id longer than everything", made("set_byte(s.secret, 1, 255)")),
        ("a key's id of no length", made("set_byte(s.secret, 1, 0)")),
        ("one bit of the nonce", byte("8")),
        ("one bit of the ciphertext", byte("octet_length(s.secret) - 20")),
        ("one bit of the tag", byte("octet_length(s.secret) - 1")),
        ("nothing but zeros", made("'\\x01'::bytea || decode(repeat('00', 99), 'hex')")),
    ];
    let dispatcher = world.dispatch(&["--retry-schedule=1h"]).await;
    for (n, (what, sql)) in tampered.iter().enumerate() {
        change(&world, sql, own).await;
        let event = world.publish(a, "invoice.paid", json!({"n": n})).await;
        world.until_status("retrying", 1).await;
        let delivery = world.delivery(event).await;
        assert_eq!(delivery.last_error_kind.as_deref(), Some("secret_unavailable"), "{what}");
        let said = world.attempts(delivery.id).await.remove(0).error.unwrap();
        assert!(said.contains("secret") && !said.contains("\\x"), "{what}: {said}");
        assert_eq!(receiver.requests().len(), n, "{what}: something was sent");
        // as it was, it is sent
        change(&world, &from(own), own).await;
        world.pass_time(100_000.0).await;
        world.until_status("delivered", i64::try_from(n + 1).unwrap()).await;
        assert_eq!(receiver.requests().len(), n + 1, "{what}");
    }
    // what cannot be a sealed secret is not even stored
    for (what, expression) in
        [("empty", "''::bytea"), ("short", "'\\x01'::bytea"), ("plain", "decode(repeat('41', 60), 'hex')")]
    {
        let refused = world.db.execute(&made(expression), &[&own]).await.expect_err(what);
        assert_eq!(refused.as_db_error().unwrap().constraint(), Some("secret_is_sealed_not_plain"), "{what}");
    }
    drop(dispatcher);
}

#[tokio::test]
async fn without_a_usable_keyring_nothing_starts() {
    let world = World::new().await;
    let url = world.url();
    let two = format!("{0},{0}", Keyring::generate_entry("a"));
    for (what, keyring) in
        [("empty", ""), ("no id", ":AAAA"), ("short", "a:AAAA"), ("no base64", "a:????"), ("twice", &two)]
    {
        let binary = start(url.expose_secret(), &[("POSTHORN_KEYRING", keyring)]);
        let (status, lines) = binary.run_to_end().await;
        let said = lines.join("\n");
        assert!(!status.success() && said.contains("keyring"), "{what}: {said}");
    }
}
