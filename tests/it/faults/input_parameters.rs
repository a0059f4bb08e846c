//! Every query parameter of every list in the document, with whatever can be written there: refused by name or answered, and
//! never a fault of ours, a moment too long or somebody else's row (I9, I22).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hyper::Method;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::json;
use url::form_urlencoded::byte_serialize;
use uuid::Uuid;

use crate::harness::{Api, SOON, Serving, eventually};

const DOCUMENT: &str = include_str!("../../../openapi/posthorn.yaml");

/// Texts that have meaning to a database, each made to be seen when it is taken for SQL.
const INJECTIONS: [&str; 16] = [
    "' OR '1'='1",
    "' OR 1=1 --",
    "\" OR \"\"=\"",
    "'; DROP TABLE posthorn.tenants; --",
    "'); DELETE FROM posthorn.outbox; --",
    "1; SELECT pg_sleep(20)",
    "' || pg_sleep(20) || '",
    "1 AND 1=(SELECT count(*) FROM posthorn.tenants)",
    "' UNION SELECT id::text FROM posthorn.tenants --",
    "$$; SET ROLE posthorn_owner; $$",
    "\\'; RESET ROLE; --",
    "%' ESCAPE '!' OR '%'='",
    "a.b' AND '1'='1",
    "(SELECT current_user)",
    "$1::text; COMMIT; --",
    "/*!50000 OR 1=1*/",
];

/// Path and query parameters of each operation that reads, as the document has them.
fn lists() -> BTreeMap<String, BTreeSet<String>> {
    let (mut path, mut method, mut name) = (String::new(), String::new(), String::new());
    let mut found = BTreeMap::<String, BTreeSet<String>>::new();
    for line in DOCUMENT.lines().take_while(|line| !line.starts_with("components:")) {
        let word = line.trim().trim_start_matches("- ").trim_end_matches(':');
        if line.starts_with("  /") {
            word.clone_into(&mut path);
        } else if line.starts_with("    ") && ["get", "put", "post", "patch", "delete"].contains(&word) {
            word.clone_into(&mut method);
        } else if let Some(named) = word.strip_prefix("name: ") {
            named.clone_into(&mut name);
        } else if word == "in: query" && method == "get" {
            found.entry(path.clone()).or_default().insert(name.clone());
        }
    }
    found
}

/// A server with one row of most things, ids of which stand in paths.
async fn server() -> (Serving, Api, Vec<(String, BTreeSet<String>)>) {
    let serving = Serving::with(&[("POSTHORN_API_RATE_PER_SECOND", "0")]).await;
    let (_, api) = serving.tenant("a").await;
    let (_, other) = serving.tenant("b").await;
    other.subscribe("https://other.example/", "a.b").await;
    let subscription = api.subscribe("https://receiver.example/", "x.y").await["id"].as_str().unwrap().to_owned();
    let event = api.publish("a.b", json!({"n": 1})).await;
    let of = |path: &str| if path.starts_with("/events") { event.clone() } else { subscription.clone() };
    let lists: Vec<_> = lists().into_iter().map(|(path, names)| (path.replace("{id}", &of(&path)), names)).collect();
    let parameters: usize = lists.iter().map(|(_, names)| names.len()).sum();
    assert!(lists.len() >= 10 && parameters >= 40, "{lists:?}");
    (serving, api, lists)
}

/// Whatever is asked: an answer or a refusal that names a parameter, in time, and nothing of the other tenant.
async fn ask(api: &Api, path: &str, query: &str) {
    let asked = format!("{path}?{query}");
    let reply = tokio::time::timeout(Duration::from_secs(10), api.get(&asked)).await.expect(&asked);
    match reply.status {
        200 => assert!(!reply.text.contains("other.example"), "{asked}: {}", reply.text),
        400 => {
            let rules = reply.rules();
            assert!(!rules.is_empty(), "{asked}: {}", reply.text);
        }
        404 => {} // a path whose id is of another kind of thing
        414 | 431 => {}
        status => panic!("{status} to {asked}: {}", reply.text),
    }
    for inner in ["tokio", "postgres::", "src/", "SELECT ", "panicked"] {
        let shown = reply.text.replace(&query_text(query), "");
        assert!(
            reply.status == 200 || !shown.contains(inner) || query.contains(&encoded(inner)),
            "{asked}: {}",
            reply.text
        );
    }
}

fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}

fn query_text(query: &str) -> String {
    url::form_urlencoded::parse(query.as_bytes()).map(|(_, value)| value.into_owned()).collect()
}

#[tokio::test]
async fn no_parameter_is_taken_for_sql() {
    let (serving, api, lists) = server().await;
    for (path, names) in &lists {
        for name in names {
            for text in INJECTIONS {
                ask(&api, path, &format!("{name}={}", encoded(text))).await;
            }
        }
        let reply = api.get(&format!("{path}?{}=1", encoded("limit; DROP TABLE x"))).await;
        assert!([400, 404].contains(&reply.status), "{path}: {}", reply.text);
    }
    let tables = "SELECT count(*) FROM posthorn.tenants";
    assert_eq!(serving.world.count(tables).await, 2);
    assert_eq!(serving.world.count("SELECT count(*) FROM posthorn.outbox").await, 1);
    let asleep = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '{}' AND state = 'active' AND query LIKE '%pg_sleep(20)%' AND pid <> pg_backend_pid()",
        serving.world.database()
    );
    eventually("nothing sleeps", SOON, async || serving.world.count(&asleep).await == 0).await;
    serving.assert_alive().await;
}

/// What a parameter may be given.
fn value() -> impl Strategy<Value = String> {
    let numbers = prop_oneof![
        any::<i64>().prop_map(|n| n.to_string()),
        any::<i128>().prop_map(|n| n.to_string()),
        any::<f64>().prop_map(|n| n.to_string()),
        prop::sample::select(vec![
            "0",
            "-1",
            "501",
            "2147483648",
            "9223372036854775807",
            "9223372036854775808",
            "1e3",
            "0x10",
            "+5",
            "05",
            "٣"
        ])
        .prop_map(str::to_owned),
    ];
    let times = prop_oneof![
        "[0-9]{4}-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9](\\.[0-9]{1,12})?(Z|[+-][0-2][0-9]:[0-5][0-9])",
        prop::sample::select(vec![
            "0000-01-01T00:00:00Z",
            "0001-01-01T00:00:00+23:59",
            "9999-12-31T23:59:59.999999999Z",
            "9999-12-31T23:59:59-23:59",
            "+292277026596-12-04T15:30:07Z",
            "-9999-01-01T00:00:00Z",
            "2030-02-30T00:00:00Z",
            "2016-12-31T23:59:60Z",
            "infinity",
            "now",
            "1969-12-31T23:59:59Z",
            "2030-01-31",
            "2030-01-31T12:00:00",
            "2030-01-31 12:00:00Z",
        ])
        .prop_map(str::to_owned),
    ];
    let ids = any::<u128>().prop_map(|bits| Uuid::from_u128(bits).to_string());
    prop_oneof![3 => numbers, 3 => times, 1 => ids, 2 => "\\PC{0,40}", 1 => "[A-Za-z0-9_-]{0,80}={0,2}", 1 => Just(String::new())]
}

#[tokio::test]
async fn whatever_a_parameter_is_given_it_is_answered_or_refused() {
    let (serving, api, lists) = server().await;
    let mut runner = TestRunner::deterministic();
    let several = prop::collection::vec(value(), 3);
    for _ in 0..6 {
        for (path, names) in &lists {
            for name in names {
                let values = several.new_tree(&mut runner).unwrap().current();
                ask(&api, path, &format!("{name}={}", encoded(&values[0]))).await;
                // in any company, twice, and turned round: until before since
                let other = names.iter().nth(values[1].len() % names.len()).unwrap();
                ask(&api, path, &format!("{name}={}&{other}={}", encoded(&values[1]), encoded(&values[2]))).await;
            }
            if names.contains("since") {
                ask(&api, path, "since=2030-01-31T12:00:00Z&until=2001-01-31T12:00:00%2B05:30").await;
            }
        }
    }
    let head = api.send(Method::HEAD, "/subscriptions?limit=-1", &[], bytes::Bytes::new()).await;
    assert_eq!(head.status, 400);
    serving.assert_alive().await;
}
