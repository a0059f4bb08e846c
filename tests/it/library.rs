//! The public library against published vectors, by the names that other programs use.

use posthorn::retry::{self, Strategy};
use posthorn::signature::{self, KeyPair, StandardHeaders, VerifyError};
use posthorn::{DeliveryStatus, SubscriptionStatus, mask_secret, validate};

/// What Standard Webhooks and its reference server sign in their own tests.
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const AT: i64 = 1_614_265_330;
const BODY: &[u8] = br#"{"test": 2432232314}"#;
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const V1: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
const PRIVATE: &str = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
const PUBLIC: &str = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";
const V1A: &str = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==";

/// The body that the original documents show, as their receivers get it, and its HMAC-SHA256 from
/// `openssl dgst -sha256 -hmac your-webhook-secret`.
const SEEDS_SECRET: &str = "your-webhook-secret";
const SEEDS_BODY: &[u8] = br#"{"event": "invoice.created", "data": {"invoice_id": "inv-123", "amount": "1500.00"}}"#;
const SEEDS_HEX: &str = "8e58e84ab4f645fd17cb98e4c72d1c1f003e59fccdc2cd202e8a84f6cb87e195";

fn received(signature: &str) -> StandardHeaders<'_> {
    StandardHeaders { id: ID, timestamp: "1614265330", signature }
}

#[test]
fn the_published_v1_vector_is_signed_and_verified() {
    let secret = validate::secret(SECRET).unwrap();
    assert_eq!(signature::sign(&secret, ID, AT, BODY), V1);
    let verify =
        |signature: &str, body: &[u8], now| signature::verify_at(&secret, &received(signature), body, now, 300);
    assert_eq!(verify(V1, BODY, AT + 300), Ok(()));
    assert_eq!(verify(&format!("{V1A} {V1}"), BODY, AT), Ok(()));
    assert_eq!(verify(V1, BODY, AT + 301), Err(VerifyError::TooOld));
    assert_eq!(verify(V1, BODY, AT - 301), Err(VerifyError::TooNew));
    assert_eq!(verify(V1, b"{}", AT), Err(VerifyError::Mismatch));
    assert_eq!(verify(V1A, BODY, AT), Err(VerifyError::NoSignature));
}

#[test]
fn the_published_v1a_vector_is_signed_and_verified() {
    let private = validate::secret(PRIVATE).unwrap();
    assert_eq!(KeyPair::read(&private).unwrap().public_text(), PUBLIC);
    assert_eq!(signature::sign(&private, ID, AT, BODY), V1A);
    let verify = |key: &str, signature: &str, body: &[u8], now| {
        signature::verify_ed25519_at(key, &received(signature), body, now, 300)
    };
    assert_eq!(verify(PUBLIC, V1A, BODY, AT), Ok(()));
    assert_eq!(verify(PUBLIC, &format!("{V1} {V1A}"), BODY, AT), Ok(()));
    assert_eq!(verify(PUBLIC, V1A, BODY, AT + 301), Err(VerifyError::TooOld));
    assert_eq!(verify(PUBLIC, V1A, b"{}", AT), Err(VerifyError::Mismatch));
    assert_eq!(verify(PUBLIC, V1, BODY, AT), Err(VerifyError::NoSignature));
    assert_eq!(verify(&KeyPair::generate().public_text(), V1A, BODY, AT), Err(VerifyError::Mismatch));
    assert_eq!(verify("whpk_", V1A, BODY, AT), Err(VerifyError::Mismatch));
    assert_eq!(signature::verify_at(&private, &received(V1A), BODY, AT, 300), Ok(()), "its own signer verifies too");
}

#[test]
fn verification_goes_by_the_clock_unless_told_otherwise() {
    let (secret, pair) = (validate::secret(SECRET).unwrap(), KeyPair::generate());
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    for (age, want) in [(0, Ok(())), (1_000, Err(VerifyError::TooOld)), (-1_000, Err(VerifyError::TooNew))] {
        let (at, text) = (now - age, (now - age).to_string());
        let (v1, v1a) = [&secret, &pair.to_secret()].map(|key| signature::sign(key, ID, at, BODY)).into();
        let received = |signature| StandardHeaders { id: ID, timestamp: &text, signature };
        assert_eq!(signature::verify(&secret, &received(&v1), BODY), want);
        assert_eq!(signature::verify_ed25519(&pair.public_text(), &received(&v1a), BODY), want);
    }
}

#[test]
fn body_signatures_are_those_of_the_original_receivers() {
    let secret = validate::secret(SEEDS_SECRET).unwrap();
    assert_eq!(signature::sign_raw(&secret, SEEDS_BODY), format!("sha256={SEEDS_HEX}"));
    let verify = |body: &[u8], signature: &str| signature::verify_raw(&secret, body, signature);
    assert_eq!(verify(SEEDS_BODY, &format!("sha256={SEEDS_HEX}")), Ok(()));
    assert_eq!(verify(SEEDS_BODY, SEEDS_HEX), Ok(()));
    assert_eq!(verify(&SEEDS_BODY[1..], SEEDS_HEX), Err(VerifyError::Mismatch));
    assert_eq!(verify(SEEDS_BODY, "sha256=abc123..."), Err(VerifyError::NoSignature));
    // a secret with a prefix is the key as it is written: receivers of this header know no base64
    let prefixed = validate::secret(SECRET).unwrap();
    let plain = signature::sign_raw(&prefixed, b"{}");
    assert_eq!(plain, "sha256=6cbbcdf2c8016ca85b50543b19e8e121ef16137967bdfa3ce660972922bafaeb");
}

#[test]
fn refusals_name_every_rule_and_never_the_value() {
    let refused = validate::secret(" CANARY ").unwrap_err();
    assert_eq!(refused.violations()[0].rule, "secret_whitespace");
    assert!(!format!("{refused} {refused:?}").contains("CANARY"));
    let refused = validate::url("http://u:CANARY@example.com/").unwrap_err();
    assert_eq!(refused.violations().len(), 2);
    assert!(refused.to_string().contains("; "), "{refused}");
    assert!(!format!("{refused} {refused:?}").contains("CANARY"));
    assert!(validate::url_with_http("http://127.0.0.1:8080/in").is_ok());
    assert!(validate::payload("{}").is_ok());
    assert_eq!(mask_secret("CANARY-CANARY"), "****");
}

#[test]
fn presets_are_the_documented_schedules() {
    let plan = |name: &str| {
        let strategy = Strategy::preset(name).unwrap();
        strategy.plan().map(|retry| retry.delay.as_secs()).collect::<Vec<_>>()
    };
    assert_eq!(
        retry::presets().map(plan).collect::<Vec<_>>(),
        [
            vec![1, 2, 4, 300, 3_600, 21_600],
            vec![1, 2, 4],
            vec![60, 120, 240],
            vec![300, 3_600, 21_600],
            vec![5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400],
        ]
    );
    let strategy = Strategy::default();
    assert_eq!(strategy.plan().last().unwrap().elapsed.as_secs(), 25_507);
    assert_eq!((strategy.next(Some(204), 1), strategy.next(Some(410), 1), strategy.next(None, 7)), (None, None, None));
    assert_eq!(Strategy::preset("fortnightly"), None);
}

#[test]
fn statuses_are_words_in_any_case() {
    assert_eq!(DeliveryStatus::parse("DELIVERED"), Some(DeliveryStatus::Delivered));
    assert_eq!(SubscriptionStatus::parse("Suspended").map(SubscriptionStatus::as_str), Some("suspended"));
    assert!(DeliveryStatus::Abandoned.is_terminal() && !DeliveryStatus::Retrying.is_terminal());
}
