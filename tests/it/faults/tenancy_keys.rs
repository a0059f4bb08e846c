//! A key that is refused tells nothing by what it costs: not which part was wrong, and not by how long it takes (A13).

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use posthorn::store::api_keys::ApiKey;
use secrecy::ExposeSecret;
use uuid::Uuid;

use crate::harness::{Api, OwnCluster, SOON, eventually};

const PASSWORD: &str = "password-of-a-test";

/// Ways not to be let in, each with the key that is refused.
async fn refused_keys(own: &OwnCluster) -> Vec<(&'static str, String)> {
    let (tenant, disabled) = (Uuid::now_v7(), Uuid::now_v7());
    let text = |key: &ApiKey| key.expose().expose_secret().to_owned();
    let (right, revoked, expired) = (own.key(tenant).await, own.key(tenant).await, own.key(tenant).await);
    let of_disabled = own.key(disabled).await;
    let end = format!(
        "UPDATE posthorn.api_keys SET revoked_at = now() WHERE id = '{}';
         UPDATE posthorn.api_keys SET expires_at = now() - interval '1 s' WHERE id = '{}';
         UPDATE posthorn.tenants SET disabled_at = now() WHERE id = '{disabled}'",
        revoked.id(),
        expired.id(),
    );
    own.client().await.batch_execute(&end).await.unwrap();
    let (right, other) = (text(&right), text(&ApiKey::generate()));
    let secret = |key: &str| key.rsplit_once('_').unwrap().1.to_owned();
    let but_one = format!("{}{}", &right[..right.len() - 1], if right.ends_with('0') { "1" } else { "0" });
    vec![
        ("an id that nobody has", text(&ApiKey::generate())),
        ("a wrong secret", format!("{}_{}", right.rsplit_once('_').unwrap().0, secret(&other))),
        ("a secret wrong in its last letter", but_one),
        ("revoked", text(&revoked)),
        ("expired", text(&expired)),
        ("of a disabled tenant", text(&of_disabled)),
    ]
}

/// What the database was asked for since the log was so long, without the values.
fn asked_since(own: &OwnCluster, length: usize) -> Vec<String> {
    let log = own.log();
    let asked = log[length..].lines().filter(|line| line.starts_with("app ") && line.contains("execute "));
    asked.map(|line| line.split_once(": ").unwrap().1.to_owned()).collect()
}

#[tokio::test]
async fn a_key_that_is_refused_costs_the_same_whatever_is_wrong_with_it() {
    let own = OwnCluster::new(&[("log_statement", "all"), ("log_line_prefix", "%u ")]).await;
    let url = own.login("app", PASSWORD, "posthorn_api").await;
    let (_binary, nobody) =
        own.serve(&url, &[("POSTHORN_ROLE", "api"), ("POSTHORN_API_RATE_PER_SECOND", "100000")]).await;
    let keys = refused_keys(&own).await;
    let ask = async |key: &str| nobody.clone().bearer(key).get("/tenant").await.problem(401, "unauthorised");
    // plans and connections are made by the first
    ask(&keys[0].1).await;
    for (what, key) in &keys {
        let length = own.log().len();
        ask(key).await;
        eventually("it is logged", SOON, async || !asked_since(&own, length).is_empty()).await;
        let asked = asked_since(&own, length);
        assert!(asked.len() == 1 && asked[0].contains("keys/find"), "{what}: {asked:?}");
    }
    // a difference shows in every round, the noise of a busy machine in some
    let mut rounds: Vec<Vec<Duration>> = Vec::new();
    while !rounds.last().is_some_and(|medians| are_alike(medians)) {
        assert!(rounds.len() < 5, "{:?}: {rounds:?}", keys.iter().map(|(what, _)| what).collect::<Vec<_>>());
        rounds.push(medians(&nobody, &keys).await);
    }
}

/// Within wide bounds: a round trip or a slow hash more would be beyond them.
fn are_alike(medians: &[Duration]) -> bool {
    let (least, most) = (medians.iter().min().unwrap(), medians.iter().max().unwrap());
    *most < *least * 3
}

/// How long each takes to be refused: medians of samples taken in turn.
async fn medians(nobody: &Api, keys: &[(&'static str, String)]) -> Vec<Duration> {
    let mut times = vec![Vec::new(); keys.len()];
    for _ in 0..41 {
        for (samples, (_, key)) in times.iter_mut().zip(keys) {
            let caller = nobody.clone().bearer(key);
            let start = Instant::now();
            caller.get("/tenant").await.problem(401, "unauthorised");
            samples.push(start.elapsed());
        }
    }
    let middle = |samples: &mut Vec<Duration>| {
        samples.sort_unstable();
        samples[samples.len() / 2]
    };
    times.iter_mut().map(middle).collect()
}

/// Hashes, tags and tokens are compared in constant time, by `subtle`: an ordinary comparison of one is a mistake.
#[test]
fn nothing_secret_is_compared_by_an_operator() {
    let mut found = Vec::new();
    let mut compared = 0;
    for (path, text) in rust_files(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))) {
        let code = text.split("#[cfg(test)]").next().unwrap();
        compared += code.matches(".ct_eq(").count();
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//") && is_secret_compared(line)) {
            found.push(format!("{path}: {}", line.trim()));
        }
    }
    assert!(compared >= 5, "{compared}");
    // the caller's own request against what it sent before under the same name
    found.retain(|line| !line.contains(r#""request_sha256")? != named.request_sha256"#));
    assert_eq!(found, Vec::<String>::new());
}

/// Whether a line has `==` or `!=` beside a word that names a secret or a hash of one.
fn is_secret_compared(line: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || "_.()&*\"?<>[]:".contains(c);
    line.match_indices("==").chain(line.match_indices("!=")).any(|(at, _)| {
        let before = line[..at].trim_end().rsplit(|c| !is_word(c)).next().unwrap_or_default();
        let after = line[at + 2..].trim_start().split(|c| !is_word(c)).next().unwrap_or_default();
        [before, after].iter().any(|side| {
            ["hash", "digest", "sha256", "token", "secret_", "mac("].iter().any(|name| side.contains(name))
                && !side.contains(".len()")
                && !side.contains("is_empty")
        })
    })
}

fn rust_files(folder: &Path) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("tests.rs") {
            files.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
        }
    }
    files
}
