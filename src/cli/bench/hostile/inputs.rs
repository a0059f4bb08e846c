//! Requests made to cost much or to get through where they should not, and what each must be answered with.

use std::fmt::Write;

use hyper::Method;
use serde_json::{Value, json};
use url::form_urlencoded::byte_serialize;

/// One request.
pub(in super::super) struct Input {
    /// What it abuses.
    pub(in super::super) group: &'static str,
    /// How.
    pub(in super::super) name: &'static str,
    pub(in super::super) method: Method,
    /// Path and query beneath the API's base; `{subscription}` stands for the one to preview with.
    pub(in super::super) path: String,
    /// JSON, or what claims to be.
    pub(in super::super) body: String,
    pub(in super::super) want: Want,
}

/// The answer it must get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Want {
    /// 400 that names this field, or a part of it.
    Refused(&'static str),
    /// This status: it is as it should be, or too large.
    Answered(u16),
}

use Want::{Answered, Refused};

/// Event type of the subscription with the dear filter.
pub(in super::super) const FILTERED: &str = "hostile.filtered";

/// A filter that compares everything with everything, which its text does not tell.
pub(in super::super) const DEAR_FILTER: &str = "$.numbers == $.others";

/// A filter that walks over everything for everything that it walks over.
const WALK_WITHIN_WALK: &str = "exists($.** ? (exists($.** ? (@ == -1))))";

/// Schemas that are well-formed and dear to check; event types `hostile.<name>`.
pub(in super::super) fn dear_schemas() -> [(&'static str, String); 4] {
    let words: Vec<String> = (0..3000).map(|n| format!("\"word{n}\"")).collect();
    let pattern = |pattern: &str| format!(r#"{{"properties": {{"t": {{"pattern": "{pattern}"}}}}}}"#);
    let doubling = r##"{"properties": {"p": {"allOf": [{"$ref": "#"}, {"$ref": "#"}, {"properties": {"p": {"type": "string"}}}]}}}"##;
    [
        ("doubling", doubling.to_owned()),
        ("comparing", format!(r#"{{"properties": {{"list": {{"items": {{"enum": [{}]}}}}}}}}"#, words.join(","))),
        ("catastrophic", pattern("^(a+b?)+c$")),
        ("states", pattern("[ab]*a[ab]{200}c")),
    ]
}

/// An event for that subscription, on which the filter takes a second or two.
pub(in super::super) fn dear_event() -> String {
    let numbers = |from: u32| (from..from + 8000).collect::<Vec<_>>();
    json!({"event": FILTERED, "payload": {"numbers": numbers(0), "others": numbers(8000)}}).to_string()
}

/// All of them.
pub(in super::super) fn all() -> Vec<Input> {
    [payloads(), headers(), queries(), filters(), templates(), urls(), schemas()].into_iter().flatten().collect()
}

fn post(group: &'static str, name: &'static str, path: &str, body: String, want: Want) -> Input {
    Input { group, name, method: Method::POST, path: path.to_owned(), body, want }
}

fn nested(levels: usize) -> String {
    format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels))
}

fn payloads() -> Vec<Input> {
    let event = |name, payload: &str, want| {
        let body = format!("{{\"event\": \"a.b\", \"payload\": {payload}}}");
        post("payload", name, "/events", body, want)
    };
    let twice: Vec<String> = (0..20_000).map(|n| format!("\"a\": {n}")).collect();
    let exponents = format!("{{\"n\": [{}0]}}", "1E2, 1.0, ".repeat(10_000));
    let with = |name, field: &'static str, text: &str| {
        let mut body = json!({"event": "a.b", "payload": {}});
        body[field] = json!(text);
        post("payload", name, "/events", body.to_string(), Refused(field))
    };
    vec![
        event("keys_given_20000_times", &format!("{{{}}}", twice.join(",")), Answered(201)),
        event("numbers_in_odd_forms", &exponents, Answered(201)),
        event("numbers_that_print_long", &format!("{{\"n\": [{}0]}}", "1e-300, ".repeat(10_000)), Answered(413)),
        event("number_of_a_million_digits", "{\"n\": 1e1000000}", Refused("body")),
        event("50000_levels", &nested(50_000), Refused("body")),
        event("nul", "{\"a\": \"\\u0000\"}", Refused("body")),
        event("half_a_character", "{\"a\": \"\\ud800\"}", Refused("body")),
        with("line_break_in_the_type", "event", "a.b\r\nX-Injected: yes"),
        with("nul_in_the_type", "event", "a.b\0"),
        with("no_ascii_in_the_type", "event", "a.ñ\u{202e}💥"),
        with("long_type", "event", &"a.".repeat(100_000)),
        with("line_break_in_the_resource", "resource_id", "1\r\nX: y"),
        with("id_with_a_dot", "id", "evt.1"),
    ]
}

fn subscription(group: &'static str, name: &'static str, field: &str, value: Value, want: Want) -> Input {
    let mut body = json!({"url": "https://receiver.example/hostile", "event": "a.b"});
    body[field] = value;
    post(group, name, "/subscriptions", body.to_string(), want)
}

fn headers() -> Vec<Input> {
    let of = |name, value: Value| subscription("headers", name, "headers", value, Refused("headers"));
    let ours = [
        "Host",
        "content-length",
        "TRANSFER-ENCODING",
        "Connection",
        "Webhook-Id",
        "webhook-signature",
        "Authorization",
        "Cookie",
        "Expect",
        "Upgrade",
        "TE",
        "X-Signature",
        "X-Webhook-Event-Id",
        "User-Agent",
        "Proxy-Authorization",
    ];
    let denied: serde_json::Map<String, Value> = ours.iter().map(|name| ((*name).to_owned(), json!("1"))).collect();
    let many: serde_json::Map<String, Value> = (0..15_000).map(|n| (format!("x-{n}"), json!("1"))).collect();
    vec![
        of("those_of_the_connection", denied.into()),
        of("15000", many.into()),
        of("long_value", json!({"x-a": "x".repeat(300_000)})),
        of("long_name", json!({("x".repeat(300_000)): "1"})),
        of("line_break_in_a_value", json!({"x-a": "1\r\nX-Injected: yes"})),
        of("line_break_in_a_name", json!({"x-a\r\nX-Injected": "1"})),
        of("nul_in_a_value", json!({"x-a": "1\0"})),
        of("no_ascii_in_a_value", json!({"x-a": "ñ"})),
        of("twice_in_other_case", json!({"X-A": "1", "x-a": "2"})),
        subscription(
            "headers",
            "line_break_in_credentials",
            "credentials",
            json!({"type": "bearer", "token": "a\r\nX: y"}),
            Refused("credentials"),
        ),
        {
            let mut input =
                subscription("headers", "line_break_in_the_content_type", "template", json!("x"), Refused("template"));
            input.want = Refused("template_content_type");
            input.body = input.body.replacen('{', "{\"template_content_type\": \"text/plain\\r\\nX: y\", ", 1);
            input
        },
    ]
}

fn get(group: &'static str, name: &'static str, path: &str, parameter: &'static str, text: &str, want: Want) -> Input {
    let text: String = byte_serialize(text.as_bytes()).collect();
    let path = format!("{path}?{parameter}={text}");
    Input { group, name, method: Method::GET, path, body: String::new(), want }
}

fn queries() -> Vec<Input> {
    let union = "' UNION SELECT secret FROM posthorn.webhook_subscriptions --";
    vec![
        get("query", "sql_in_a_cursor", "/deliveries", "cursor", union, Refused("cursor")),
        get("query", "sql_in_a_status", "/deliveries", "status", union, Refused("status")),
        get("query", "sql_in_an_id", "/deliveries", "subscription_id", union, Refused("subscription_id")),
        get("query", "sql_in_an_event", "/events", "event", "a.b' OR '1'='1", Refused("event")),
        get("query", "sql_in_a_limit", "/events", "limit", "1; SELECT pg_sleep(30)", Refused("limit")),
        get("query", "sql_in_a_time", "/deliveries", "since", "now()", Refused("since")),
        get("query", "unknown_parameter", "/deliveries", "sort", "id; DROP TABLE x", Refused("sort")),
        get("query", "long_cursor", "/subscriptions", "cursor", &"A".repeat(30_000), Refused("cursor")),
        get("query", "sql_in_a_jsonpath", "/events", "payload", "'; DROP TABLE x --", Refused("payload")),
        get("query", "like_regex", "/events", "payload", "$.a like_regex \"^(a+)+$\"", Refused("payload")),
        get("query", "walk_within_walk", "/events", "payload", WALK_WITHIN_WALK, Refused("payload")),
    ]
}

fn filters() -> Vec<Input> {
    let of = |name, filter: &str| subscription("filter", name, "filter", json!(filter), Refused("filter"));
    vec![
        of("like_regex", "$.a like_regex \"^(a+)+$\""),
        subscription(
            "filter",
            "like_regex_spelt_otherwise",
            "filter",
            json!("$.a l\\u0069ke_regex \"^(a+)+$\""),
            // the table's own rule
            Refused("body"),
        ),
        of("walk_within_walk", WALK_WITHIN_WALK),
        of("no_jsonpath", "'; DROP TABLE x --"),
        of("100000_brackets", &format!("{}$.a == 1{}", "(".repeat(100_000), ")".repeat(100_000))),
        of("100000_steps", &format!("${} == 1", ".a".repeat(100_000))),
        of("10000_alternatives", &format!("{}$.a == 1", "$.a == 1 || ".repeat(10_000))),
        of("long_text", &format!("$.a == \"{}\"", "x".repeat(300_000))),
    ]
}

fn templates() -> Vec<Input> {
    let of = |name, template: &str| subscription("template", name, "template", json!(template), Refused("template"));
    let big = format!("{{\"s\": \"{}\", \"l\": [{}0]}}", "\\\"".repeat(50_000), "0,".repeat(50_000));
    let preview = |name, template: &str| {
        let template = json!(template);
        let body = format!(
            "{{\"template\": {template}, \"template_content_type\": \"text/plain\", \"event\": \"a.b\", \"payload\": {big}}}"
        );
        post("template", name, "/subscriptions/{subscription}/preview", body, Refused("template"))
    };
    let loops = "{% for a in data.l %}{% for b in data.l %}{% for c in data.l %}x{% endfor %}{% endfor %}{% endfor %}";
    let equal = format!("{{% if {} %}}{{% endif %}}", vec!["data.l == data.l"; 20].join(" and "));
    vec![
        preview("loop_over_a_range", "{% for a in range(1000000000) %}x{% endfor %}"),
        of("variables", "{% set x = 'a' %}{{ x }}"),
        of("macro", "{% macro m() %}{{ m() }}{% endmacro %}"),
        of("multiplied_text", "{{ 'a' * 1000000000 }}"),
        of("include", "{% include '/etc/passwd' %}"),
        of("17_blocks_deep", &("{% if a %}".repeat(17) + &"{% endif %}".repeat(17))),
        of("4000_brackets", &format!("{{{{ {}a{} }}}}", "(".repeat(4000), ")".repeat(4000))),
        of("long", &"{{ data.a }}".repeat(25_000)),
        preview("three_loops", loops),
        preview("filter_chain", &format!("{{{{ data.s{} }}}}", "|tojson".repeat(50))),
        preview("many_copies", &"{{ data.s }}".repeat(1300)),
        preview("lists_compared", &equal),
        preview("searching_in_a_loop", "{% for a in data.l %}{% if 'zz' in data.s %}{% endif %}{% endfor %}"),
        preview("growing_replacement", "{{ data.s|replace('\"', data.s)|length }}"),
    ]
}

fn urls() -> Vec<Input> {
    let of = |name, url: &str| subscription("url", name, "url", json!(url), Refused("url"));
    vec![
        of("user_name", "https://user:word@receiver.example/"),
        of("fragment", "https://receiver.example/#top"),
        of("64_kb", &format!("https://receiver.example/{}", "x".repeat(65_536))),
        of("200_kb_to_be_encoded", &format!("https://receiver.example/{}", "ñ".repeat(100_000))),
        of("spaces", "https://receiver example/"),
        of("two_trailing_dots", "https://receiver.example../"),
        of("no_host", "https:///receiver.example"),
        of("only_a_port", "https://:8443/"),
        of("port_0", "https://receiver.example:0/"),
        of("port_65536", "https://receiver.example:65536/"),
        of("no_slashes", "http:127.0.0.1/"),
        of("backslash", "https://good.example\\@bad.example/"),
        of("line_break", "https://receiver.example/a\r\nX: y"),
        of("no_web", "file:///etc/passwd"),
        of("10000_labels", &format!("https://{}example/", "a.".repeat(10_000))),
    ]
}

fn schemas() -> Vec<Input> {
    let of = |name, schema: &str| {
        let body = format!("{{\"name\": \"hostile.own\", \"json_schema\": {schema}}}");
        post("schema", name, "/event-types", body, Refused("json_schema"))
    };
    let mut chain = String::from(r##"{"$ref": "#/$defs/d0", "$defs": {"##);
    for n in 0..60 {
        let next = n + 1;
        write!(chain, r##""d{n}": {{"allOf": [{{"$ref": "#/$defs/d{next}"}}, {{"$ref": "#/$defs/d{next}"}}]}}, "##)
            .expect("a text can always be written to");
    }
    chain.push_str(r#""d60": {"type": "object"}}}"#);
    let use_of = |name, payload: &str| {
        let body = format!("{{\"event\": \"hostile.{name}\", \"payload\": {payload}}}");
        post("schema", name, "/events", body, Refused("payload"))
    };
    let deep = format!("{}1{}", "{\"p\":".repeat(120), "}".repeat(120));
    let list = format!("{{\"list\": [{}]}}", vec!["\"nothing\""; 20_000].join(","));
    let text = format!("{{\"t\": \"{}\"}}", "ab".repeat(100_000));
    vec![
        of("3000_levels", &format!("{}{{}}{}", "{\"not\":".repeat(3000), "}".repeat(3000))),
        of("enum_of_40000", &format!("{{\"enum\": [{}1]}}", "1,".repeat(40_000))),
        of("reference_to_the_web", r#"{"$ref": "http://127.0.0.1:1/schema.json"}"#),
        of("reference_to_a_file", r#"{"$ref": "file:///etc/passwd"}"#),
        of("reference_to_itself", r##"{"$ref": "#"}"##),
        of("chain_that_doubles", &chain),
        of("huge_pattern", r#"{"properties": {"a": {"pattern": "((a{1000}){1000}){1000}"}}}"#),
        of("looking_ahead", r#"{"properties": {"a": {"pattern": "(?=.*a)(?=.*b)"}}}"#),
        of("many_patterns", &many_patterns()),
        use_of("doubling", &deep),
        use_of("comparing", &list),
        use_of("catastrophic", &text),
        use_of("states", &text),
    ]
}

/// As much work for the reader of patterns as 64 KiB can hold, and then one that is none.
fn many_patterns() -> String {
    let one = "{\"pattern\": \"[\\\\p{L}]{1,100}[\\\\p{L}]{1,100}\"}, ";
    format!("{{\"allOf\": [{}{{\"pattern\": \"(\"}}]}}", one.repeat(1000))
}
