//! Tokens good and bad, made by hand as an attacker would.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use ring::{hmac, signature};
use serde_json::json;

use super::*;

const TENANT: Uuid = Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0001);
const SECRET: &str = "a-secret-of-at-least-thirty-two-bytes";

fn config(algorithm: JwtAlgorithm) -> JwtConfig {
    JwtConfig {
        jwt_key: None,
        jwt_key_file: None,
        jwt_algorithm: Some(algorithm),
        jwt_audience: Some("posthorn".to_owned()),
        jwt_issuer: Some("https://issuer.example".to_owned()),
        jwt_tenant_claim: "tenant_id".to_owned(),
    }
}

fn taking(algorithm: JwtAlgorithm, key: &str) -> Jwt {
    Jwt::new(&config(algorithm), Some(&key.into())).unwrap().unwrap()
}

fn now() -> i64 {
    time::OffsetDateTime::now_utc().unix_timestamp()
}

fn claims() -> Value {
    json!({"iss": "https://issuer.example", "aud": "posthorn", "exp": now() + 600, "tenant_id": TENANT.to_string(), "sub": "anna"})
}

/// Claims with one of them replaced, or taken away by null.
fn claims_with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    match value {
        Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
        value => claims[name] = value,
    }
    claims
}

fn token(header: &Value, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(sign(message.as_bytes()));
    format!("{message}.{signature}")
}

fn by_secret(secret: &[u8]) -> impl Fn(&[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    move |message| hmac::sign(&key, message).as_ref().to_vec()
}

fn hs256(claims: &Value) -> String {
    token(&json!({"alg": "HS256", "typ": "JWT"}), claims, by_secret(SECRET.as_bytes()))
}

/// A public key as PEM: the bytes that say what it is for, then the key.
fn pem(prefix: &str, key: &[u8]) -> String {
    let der = [hex::decode(prefix).unwrap().as_slice(), key].concat();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der))
}

fn ed25519() -> (Ed25519KeyPair, String) {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let pem = pem("302a300506032b6570032100", pair.public_key().as_ref());
    (pair, pem)
}

#[test]
fn a_good_token_says_who_calls_and_what_it_may() {
    let jwt = taking(JwtAlgorithm::Hs256, SECRET);
    let found = jwt.identify(&hs256(&claims())).unwrap();
    assert_eq!((found.tenant, &*found.actor, found.permissions.words()), (TENANT, "jwt:anna", vec!["read"]));
    let scope = |scope: Value| jwt.identify(&hs256(&claims_with("scope", scope))).unwrap().permissions.words();
    assert_eq!(scope(json!("publish openid manage")), ["publish", "manage"]);
    assert!(scope(json!("")).is_empty() && scope(json!(["manage"])).is_empty());
    assert!(jwt.identify(&hs256(&claims_with("aud", json!(["other", "posthorn"])))).is_some());
    assert!(jwt.identify(&hs256(&claims_with("exp", json!(now() - 30)))).is_some(), "clocks differ by up to a minute");
}

#[test]
fn a_token_that_is_not_meant_for_us_is_refused() {
    let jwt = taking(JwtAlgorithm::Hs256, SECRET);
    for (name, value) in [
        ("exp", Value::Null),
        ("exp", json!(now() - 90)),
        ("exp", json!("tomorrow")),
        ("nbf", json!(now() + 90)),
        ("aud", Value::Null),
        ("aud", json!("other")),
        ("iss", Value::Null),
        ("iss", json!("https://issuer.example/")),
        ("tenant_id", Value::Null),
        ("tenant_id", json!("' OR 1=1 --")),
        ("tenant_id", json!(7)),
        ("pad", json!("x".repeat(TOKEN_MAX_BYTES))),
    ] {
        assert!(jwt.identify(&hs256(&claims_with(name, value.clone()))).is_none(), "{name}: {value}");
    }
}

#[test]
fn a_token_does_not_choose_how_it_is_verified() {
    let (pair, public) = ed25519();
    let jwt = taking(JwtAlgorithm::EdDsa, &public);
    let good = token(&json!({"alg": "EdDSA"}), &claims(), |message| pair.sign(message).as_ref().to_vec());
    assert!(jwt.identify(&good).is_some());
    let forged = [
        token(&json!({"alg": "none"}), &claims(), |_| Vec::new()),
        token(&json!({"alg": "None"}), &claims(), |_| Vec::new()),
        // the public key, which everybody knows, taken for a secret
        token(&json!({"alg": "HS256"}), &claims(), by_secret(public.as_bytes())),
        token(&json!({"alg": "HS256"}), &claims(), by_secret(pair.public_key().as_ref())),
        token(&json!({"alg": "EdDSA", "kid": "../../dev/null"}), &claims(), by_secret(b"")),
        token(&json!({"alg": "EdDSA", "jku": "https://evil.example"}), &claims(), |_| vec![0; 64]),
        hs256(&claims()),
        format!("{good}x"),
        good[..good.len() - 1].to_owned(),
        good.rsplit_once('.').unwrap().0.to_owned(),
        String::new(),
        "..".to_owned(),
    ];
    for token in forged {
        assert!(jwt.identify(&token).is_none(), "{token}");
    }
    let tampered = {
        let (head, signature) = good.rsplit_once('.').unwrap();
        let header = head.split('.').next().unwrap();
        format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(claims_with("sub", json!("eve")).to_string()))
    };
    assert!(jwt.identify(&tampered).is_none());
}

#[test]
fn every_algorithm_takes_its_own_signatures() {
    let random = SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).unwrap();
    let public = pem("3059301306072a8648ce3d020106082a8648ce3d030107034200", pair.public_key().as_ref());
    let by_ecdsa = |message: &[u8]| pair.sign(&random, message).unwrap().as_ref().to_vec();
    let es256 = token(&json!({"alg": "ES256"}), &claims(), by_ecdsa);
    assert!(taking(JwtAlgorithm::Es256, &public).identify(&es256).is_some());

    let key: Vec<u8> = STANDARD.decode(RSA_PRIVATE.lines().collect::<String>()).unwrap();
    let pair = signature::RsaKeyPair::from_pkcs8(&key).unwrap();
    let by_rsa = |message: &[u8]| {
        let mut signed = vec![0; pair.public().modulus_len()];
        pair.sign(&signature::RSA_PKCS1_SHA256, &random, message, &mut signed).unwrap();
        signed
    };
    let rs256 = token(&json!({"alg": "RS256"}), &claims(), by_rsa);
    let jwt = taking(JwtAlgorithm::Rs256, RSA_PUBLIC);
    assert!(jwt.identify(&rs256).is_some());
    assert!(jwt.identify(&es256).is_none());
    assert!(taking(JwtAlgorithm::Es256, &public).identify(&rs256).is_none());
}

#[test]
fn settings_that_would_let_anybody_in_are_refused() {
    let complete = config(JwtAlgorithm::Hs256);
    let refused = |config: &JwtConfig, key: Option<&str>| {
        Jwt::new(config, key.map(SecretString::from).as_ref()).err().map(|error| error.to_string())
    };
    assert_eq!(refused(&complete, Some(SECRET)), None);
    assert!(refused(&complete, Some(&SECRET[..31])).unwrap().contains("32 bytes"));
    assert!(refused(&complete, None).unwrap().contains("POSTHORN_JWT_KEY"));
    assert!(refused(&JwtConfig { jwt_audience: None, ..complete.clone() }, Some(SECRET)).unwrap().contains("AUDIENCE"));
    assert!(refused(&JwtConfig { jwt_issuer: None, ..complete.clone() }, Some(SECRET)).unwrap().contains("ISSUER"));
    assert!(
        refused(&JwtConfig { jwt_algorithm: None, ..complete.clone() }, Some(SECRET)).unwrap().contains("ALGORITHM")
    );
    for algorithm in [JwtAlgorithm::EdDsa, JwtAlgorithm::Rs256, JwtAlgorithm::Es256] {
        let said = refused(&config(algorithm), Some(SECRET)).unwrap();
        assert!(said.contains("PEM") && !said.contains(SECRET), "{said}");
    }
    let nothing = JwtConfig { jwt_algorithm: None, jwt_audience: None, jwt_issuer: None, ..complete };
    assert!(Jwt::new(&nothing, None).unwrap().is_none());
}

/// A key of this test alone.
const RSA_PRIVATE: &str = "\
MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC3hKF7GPadvgDf\n\
4DBdxgN+lUa9FLOjL3fAJMl8w727NV/viSrHXNVWl77LTKxQMCvuSoWC+SgniwFH\n\
dBlZTG/7Oe70d62iUfJWSn6kkSpeRSkrHD+gVriTxhonP9aNvlXoqzHkvGglj9im\n\
4eeANZL+nFsZTITqlvyvwWN/3ICFR/Pa8xUQrvXw+SYtWvbjRcDMEdandym36aZW\n\
8UKsi9EuL6ZMS67uSshRKRW+K3WnK2RBOtHHwFcGM3Fq7gwQEj3mXm3UvrRy8ub0\n\
4KH5Ny8EXAQSa3ldwoeVDGNzT/mhyqomO6vy6rakeZpI2/FFd6ItwWWcqw++7SMN\n\
skOAwqgpAgMBAAECggEAB+6gbADmQ/Lnsn+0x3mRK19bZPfQ9qDv7Z9PQC5V6JJy\n\
noFiOb41hMb2Zm7ejuVIUBeNrsY9XmTofdYbl0pJAJ/+dpTh3Ba9Hln6ZintBnn/\n\
nglcOE/Rc72whOIN57L25S02k9IyNDRVbtGDH083UOTP2Hv0WYObRfTxmiudCfFN\n\
Bpgb9nYNT2spfHsQHiQlOlmxdDL/tPrOiwS0zwbY3njxVq2/tx93Pm0Y0ic0d5/A\n\
y8KigDEsO7WclvLo6Yp2FavpCZ9wfQL/u2iq/w/ZWnelJvOwd4Pp0dFTkV20oIXg\n\
Vk73iyxS47D1iSnqindtJ1Y9vZINxDjVPFQ5YQpZ2wKBgQDphmTFhOUoGfx5TYEJ\n\
10GFJa2hgkCh/GSccwJNMdtvy5yaZnUdJpmNsm94DGF/t8qJsLfhx4Cpq/YFd8b3\n\
h1TiInvmUFW88X230oDsqiIdZNK+unX7KaPU3r+iQJT9eKfUAIDtwwa/FLZ+2FK2\n\
q34Xq/AL2nXJhNtrbZxfsA5MewKBgQDJLinjV4BswaUXWbty5HumKO5bf4mf//GU\n\
W9QgFOwcRQKs03Skhg1in8/FrsvILBCeCql0RkKnZw/3Jgyu30zlxj5G2hHpEzDN\n\
df/G4dvtbLBVmiKTho9ObPojiDMBi8hluvyvFP3clnez4Xh3dU55J/zSVIAsAX+j\n\
5I4yC/kWqwKBgQC3HoLg/FAx/QalHGiGjfw764rXLmt+WouOvwTcAa+gX9rinFtT\n\
y5P3sCeGzLabz0SMaj4XVzkGU+ks6nrkWYPve7kKpo5FBl1eCzy72MG9qPU1SMQB\n\
euqUn0NIeTob9UQtk2OGjjs5FYXxu7JIufu7lkE7GkjpCDyDZkWMJ2NfBwKBgEOM\n\
mYn5Fmjt+DXH7lWcfBwFgEr+nsI3WPEciDQhcknnrgdDlNWtIQ9tY4EXuNrEWOwH\n\
3m/pK3Yz97tfbkDFP3ejQcPecscUp31FUpV/vq2QogCMGXH5a2LE2pRVpfKt8aKe\n\
zzsmTDrl1tlyKlXJ8IhjsdMZhlPASRBJrKkHNiKzAoGAKWfSZ84s5xqpZviKjhQG\n\
aWTZ8PkhoTXe/t7WPmlX4zwHpKyKire7HCw20BCGrMTi90lC5B53jpZfv0+69Mwj\n\
IhF8s4yR9ulsiYtzuinbGnlEBzF8YwvuxnXT/pfEor3h0vSdv5tpyg5LplZ2wYpA\n\
mBV68nJWQUrWEhrWr/a6BBE=\n\
";

/// The public half.
const RSA_PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\n\
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAt4Shexj2nb4A3+AwXcYD\n\
fpVGvRSzoy93wCTJfMO9uzVf74kqx1zVVpe+y0ysUDAr7kqFgvkoJ4sBR3QZWUxv\n\
+znu9HetolHyVkp+pJEqXkUpKxw/oFa4k8YaJz/Wjb5V6Ksx5LxoJY/YpuHngDWS\n\
/pxbGUyE6pb8r8Fjf9yAhUfz2vMVEK718PkmLVr240XAzBHWp3cpt+mmVvFCrIvR\n\
Li+mTEuu7krIUSkVvit1pytkQTrRx8BXBjNxau4MEBI95l5t1L60cvLm9OCh+Tcv\n\
BFwEEmt5XcKHlQxjc0/5ocqqJjur8uq2pHmaSNvxRXeiLcFlnKsPvu0jDbJDgMKo\n\
KQIDAQAB\n\
-----END PUBLIC KEY-----\n\
";
