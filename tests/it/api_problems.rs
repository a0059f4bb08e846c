//! Whatever is wrong with a request: a problem of a stable kind, never a 5xx, and the program goes on (R17, FAILURES 2.4).

use bytes::Bytes;
use hyper::Method;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::json;
use url::form_urlencoded::byte_serialize;
use uuid::Uuid;

use crate::harness::api::BASE;
use crate::harness::{Api, Serving};

const JSON: (&str, &str) = ("content-type", "application/json");

/// Method, path, headers and body of a request; status and kind of the answer.
type Case = (Method, String, Vec<(&'static str, &'static str)>, Bytes, u16, &'static str);

async fn server() -> (Serving, Api) {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    (serving, api)
}

#[tokio::test]
async fn every_kind_of_refusal_has_its_status_and_type() {
    let (serving, api) = server().await;
    let event = Bytes::from_static(b"{\"event\": \"a.b\", \"payload\": {}}");
    let (get, post) = (Method::GET, Method::POST);
    let unknown = format!("/deliveries/{}", Uuid::now_v7());
    let mut cases: Vec<Case> = Vec::new();
    let mut case =
        |method: &Method, path: &str, headers: &[(&'static str, &'static str)], body: &Bytes, status, slug| {
            cases.push((method.clone(), path.to_owned(), headers.to_vec(), body.clone(), status, slug));
        };
    let none = Bytes::new();
    for path in ["", "/", "/nothing", "/subscriptions/", "/events/1/2", "/deliveries/x/retry/y", "//subscriptions"] {
        case(&get, path, &[], &none, 404, "not-found");
    }
    case(&get, &unknown, &[], &none, 404, "not-found");
    for (method, path) in [
        (Method::PUT, "/subscriptions"),
        (Method::PATCH, "/deliveries"),
        (Method::DELETE, "/subscriptions"),
        (Method::DELETE, "/events"),
        (Method::PUT, "/events"),
        (Method::GET, "/events/batch"),
        (Method::GET, "/deliveries/retry"),
        (Method::POST, "/jobs"),
        (Method::TRACE, "/subscriptions"),
        (Method::OPTIONS, "/subscriptions"),
        (Method::PUT, "/event-types"),
    ] {
        case(&method, path, &[], &none, 405, "method");
    }
    for body in
        ["", " ", "{", "[]", "null", "1", "\"x\"", "{\"event\": }", "{} {}", "{'a': 1}", "\u{feff}{}", "{\"a\":1,}"]
    {
        for path in ["/events", "/subscriptions", "/deliveries"] {
            case(&post, path, &[JSON], &Bytes::copy_from_slice(body.as_bytes()), 400, "malformed");
        }
    }
    case(&post, "/events", &[JSON], &Bytes::from_static(b"{\"event\": \"\xff\xfe\"}"), 400, "malformed");
    for headers in
        [&[][..], &[("content-type", "text/plain")], &[("content-type", "application/x-www-form-urlencoded")]]
    {
        for path in ["/events", "/subscriptions", "/deliveries"] {
            case(&post, path, headers, &event, 415, "content-type");
        }
    }
    case(&post, "/events", &[("content-type", "application/xml; charset=utf-8")], &event, 415, "content-type");
    for id in ["1", "x", "%00", "00000000-0000-0000-0000-00000000000g", "'%20OR%201=1", &"9".repeat(5000)] {
        for resource in ["subscriptions", "deliveries", "events", "jobs"] {
            case(&get, &format!("/{resource}/{id}"), &[], &none, 400, "validation");
        }
        case(&Method::DELETE, &format!("/subscriptions/{id}"), &[], &none, 400, "validation");
        case(&post, &format!("/deliveries/{id}/retry"), &[], &none, 400, "validation");
    }
    for query in ["limit=0", "limit=501", "limit=-1", "limit=1.5", "limit=99999999999999999999", "limit=", "cursor=%00"]
    {
        for resource in ["subscriptions", "deliveries", "events", "jobs"] {
            case(&get, &format!("/{resource}?{query}"), &[], &none, 400, "validation");
        }
    }
    for (method, path, headers, body, status, slug) in cases {
        let reply = api.send(method.clone(), &path, &headers, body.clone()).await;
        assert_eq!(reply.status, status, "{method} {path} {headers:?} {body:?}: {}", reply.text);
        reply.problem(status, slug);
        assert_eq!(reply.headers["cache-control"], "no-store");
        assert_eq!(reply.headers["x-content-type-options"], "nosniff");
    }
    api.at("").get("/nowhere").await.problem(404, "not-found");
    api.send(post, "/events", &[("content-type", "application/json; charset=utf-8")], event).await.ok(201);
    serving.assert_alive().await;
}

#[tokio::test]
async fn a_refusal_reaches_a_caller_that_is_still_sending() {
    let (serving, api) = server().await;
    let body = Bytes::from(vec![b' '; 2_000_000]);
    let nobody = serving.nobody();
    for _ in 0..5 {
        for (caller, method, path, content_type, status) in [
            (&api, Method::POST, "/events", "application/json", 413),
            (&api, Method::POST, "/events", "text/plain", 415),
            (&api, Method::PUT, "/events", "application/json", 405),
            (&api, Method::POST, "/nowhere", "application/json", 404),
            (&nobody, Method::POST, "/events", "application/json", 401),
        ] {
            let reply = caller.send(method, path, &[("content-type", content_type)], body.clone()).await;
            assert_eq!(reply.status, status, "{}", reply.text);
        }
    }
    serving.assert_alive().await;
}

/// Texts that have hurt somebody somewhere; the ones with % stand in a URL as they are.
const HOSTILE: &[&str] = &[
    "' OR '1'='1",
    "'; DROP TABLE posthorn.webhook_subscriptions; --",
    "1 UNION SELECT secret FROM posthorn.webhook_subscriptions",
    "$1",
    "\\'; SELECT pg_sleep(30) --",
    "{{7*7}}${jndi:ldap://x}",
    "../../../etc/passwd",
    "<script>alert(1)</script>",
    "\r\nX-Injected: yes",
    "\u{0}",
    "\u{202e}\u{feff}💥ñ",
    "-1",
    "9223372036854775808",
    "1e309",
    "NaN",
    "null",
    "[]",
    "{}",
    "",
    " ",
];

const HOSTILE_IN_URLS: &[&str] =
    &["%00", "%ff%fe", "%zz", "%", "%2e%2e%2f%2e%2e%2f", "%0d%0aX:%20y", "a=b&a=c", "..;/", "%25%30%30", "+", "a;b"];

#[tokio::test]
async fn hostile_texts_in_any_parameter_are_harmless() {
    let (serving, api) = server().await;
    api.subscribe("https://receiver.example/kept", "a.b").await;
    let mut texts: Vec<String> = HOSTILE.iter().map(|t| byte_serialize(t.as_bytes()).collect()).collect();
    texts.extend(HOSTILE_IN_URLS.iter().map(|text| (*text).to_owned()));
    texts.push("A".repeat(30_000));
    let places = [
        "/subscriptions?event={}",
        "/subscriptions?active={}",
        "/subscriptions?limit={}",
        "/subscriptions?cursor={}",
        "/subscriptions?{}",
        "/subscriptions/{}",
        "/deliveries?event={}",
        "/deliveries?status={}",
        "/deliveries?subscription_id={}",
        "/deliveries?event_id={}",
        "/deliveries?cursor={}",
        "/deliveries/{}",
        "/events/{}",
        "/{}",
    ];
    for place in places {
        for text in &texts {
            let reply = api.get(&place.replace("{}", text)).await;
            assert!(reply.status < 500, "{place} {text}: {}", reply.text);
            assert!(!reply.headers.contains_key("x-injected"), "{place} {text}");
            if reply.status >= 400 {
                assert_eq!(reply.headers["content-type"], "application/problem+json", "{place} {text}");
            }
        }
    }
    for text in &texts {
        for reply in [
            api.act(&format!("/deliveries/{text}/retry")).await,
            api.delete(&format!("/subscriptions/{text}")).await,
            api.post(&format!("/deliveries?strict={text}"), &json!({})).await,
        ] {
            assert!((400..500).contains(&reply.status), "{text}: {}", reply.text);
        }
    }
    assert_eq!(api.get("/subscriptions").await.ok(200)["data"].as_array().unwrap().len(), 1);
    serving.assert_alive().await;
}

#[tokio::test]
async fn hostile_texts_in_any_field_are_harmless() {
    let (serving, api) = server().await;
    let texts: Vec<String> = HOSTILE.iter().map(|t| (*t).to_owned()).chain(["x".repeat(100_000)]).collect();
    let subscription =
        ["url", "event", "secret", "description", "filter", "payload_format", "success_policy", "signing"];
    let event = ["event", "resource_type", "resource_id", "deliver_after"];
    for text in &texts {
        for (path, fields) in [("/subscriptions", &subscription[..]), ("/events", &event)] {
            for field in fields {
                let mut body = json!({"event": "a.b"});
                match path {
                    "/events" => body["payload"] = json!({(text.as_str()): text.replace('\0', "")}),
                    _ => body["url"] = json!(format!("https://receiver.example/{}", Uuid::now_v7())),
                }
                body[field] = json!(text);
                let reply = api.post(path, &body).await;
                assert!([201, 400].contains(&reply.status), "{path} {field} {text:.50}: {}", reply.text);
            }
        }
        let body = json!({"event": "a.b", "payload": {}, (text.as_str()): 1});
        api.post("/events", &body).await.rules();
    }
    serving.assert_alive().await;
}

#[tokio::test]
async fn random_bytes_are_never_our_fault() {
    let (serving, api) = server().await;
    let mut runner = TestRunner::deterministic();
    let bytes = proptest::collection::vec(proptest::num::u8::ANY, 0..300);
    let almost = "\\{(\"(event|payload|url|secret|filter|events)\": ?(\"[ -~]{0,20}\"|[0-9.eE+-]{1,8}|\\{\\}|\\[\"a.b\"\\]),?){0,5}\\}?";
    let almost = proptest::string::string_regex(almost).unwrap();
    for n in 0..50 {
        let noise = bytes.new_tree(&mut runner).unwrap().current();
        let text = almost.new_tree(&mut runner).unwrap().current();
        for body in [noise.clone(), text.into_bytes()] {
            for path in ["/events", "/subscriptions", "/deliveries?strict=false"] {
                let reply = api.post_bytes(path, body.clone()).await;
                assert!(reply.status < 500, "{path} {:?}: {}", String::from_utf8_lossy(&body), reply.text);
            }
        }
        if n % 5 == 0 {
            let answer = api.raw(&noise).await;
            assert!(!answer.starts_with("HTTP/1.1 5"), "{noise:?}: {answer}");
        }
    }
    serving.assert_alive().await;
}

#[tokio::test]
async fn abuse_of_http_itself_is_harmless() {
    let (serving, api) = server().await;
    let get = |extra: &str| format!("GET {BASE}/subscriptions HTTP/1.1\r\nhost: h\r\n{extra}connection: close\r\n\r\n");
    let post = |extra: &str, body: &str| {
        format!("POST {BASE}/events HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\n{extra}\r\n{body}")
    };
    let many: String = (0..10_000).map(|n| format!("x-{n}: y\r\n")).collect();
    let requests = [
        format!("GET {BASE}/subscriptions?event={} HTTP/1.1\r\nhost: h\r\n\r\n", "a".repeat(64 * 1024)),
        format!("GET {BASE}/{} HTTP/1.1\r\nhost: h\r\n\r\n", "a/".repeat(10_000)),
        get(&many),
        get(&format!("x-long: {}\r\n", "y".repeat(1_000_000))),
        get(&format!("authorization: Bearer {}\r\n", "y".repeat(60_000))),
        get("authorization: Bearer \u{ff}\u{fe}\r\n"),
        get("authorization: Bearer a\r\nauthorization: Bearer b\r\n"),
        get("x-nul: a\0b\r\n"),
        get("bad header: x\r\n"),
        get(": empty\r\n"),
        get("content-length: x\r\n"),
        get("transfer-encoding: gzip\r\n"),
        get("upgrade: h2c\r\nhttp2-settings: AAAA\r\n"),
        get("x-posthorn-tenant: \u{ff}\r\nauthorization: Bearer operator-token-of-the-tests\r\n"),
        post("content-length: 2\r\ncontent-length: 3\r\n", "{}"),
        post("content-length: -1\r\n", "{}"),
        post("content-length: 99999999999\r\n", "{}"),
        post("content-length: 99999999999999999999999\r\n", "{}"),
        post("content-length: 4\r\ntransfer-encoding: chunked\r\n", "0\r\n\r\n"),
        post("transfer-encoding: chunked\r\n", "zz\r\n{}\r\n0\r\n\r\n"),
        post("transfer-encoding: chunked\r\n", "ffffffffffffffff\r\n{}"),
        post("expect: 100-continue\r\ncontent-length: 2\r\n", "{}"),
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
        "GET /\r\n".to_owned(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        "CONNECT example.com:80 HTTP/1.1\r\nhost: h\r\n\r\n".to_owned(),
        "GET http://169.254.169.254/latest/meta-data/ HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n".to_owned(),
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}".to_owned(),
        "\0".repeat(100_000),
        String::new(),
    ];
    for request in requests {
        let answer = api.raw(request.as_bytes()).await;
        let start: String = request.chars().take(80).collect();
        // a whole HTTP/2 preface is answered in frames, which is as well
        let is_refused = answer.is_empty() || answer.starts_with("HTTP/1.1 4") || answer.contains(" 100 ");
        assert!(is_refused || start.starts_with("PRI *"), "{start:?}: {answer}");
    }
    serving.assert_alive().await;
    api.get("/subscriptions").await.ok(200);
}
