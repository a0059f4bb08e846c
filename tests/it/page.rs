//! The admin page: how the server gives it, and what people do with it in a browser against the real program.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use secrecy::ExposeSecret;
use tokio::process::Command;
use tokio::time::timeout;
use uuid::Uuid;

use crate::harness::api::{ADMIN_TOKEN, start};
use crate::harness::{Api, Reply, SOON, Serving, World, page, section};

const UI: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/ui");

/// A whole file of browser tests, on a slow and busy machine.
const LONG: Duration = Duration::from_secs(600);

/// Says what is missing, where people see it: not println!, which is shown of failed tests alone.
fn says(what: &str) {
    let mut errors = std::io::stderr();
    writeln!(errors, "page: {what}").unwrap();
}

/// The page as `make ui` built it, or nothing, and a line that says so.
fn built() -> Option<PathBuf> {
    let folder = Path::new(UI).join("dist");
    if folder.join("index.html").exists() {
        return Some(folder);
    }
    says("it is not built, so that nothing of it is tested: run make ui");
    None
}

/// What a policy says of a directive.
fn directive<'t>(policy: &'t str, name: &str) -> Option<&'t str> {
    policy.split("; ").find_map(|part| part.strip_prefix(name)?.strip_prefix(' '))
}

fn nonce_of(reply: &Reply) -> String {
    let policy = reply.headers["content-security-policy"].to_str().unwrap();
    let styles = directive(policy, "style-src").unwrap();
    styles.strip_prefix("'self' 'nonce-").and_then(|rest| rest.strip_suffix('\'')).expect(styles).to_owned()
}

#[tokio::test]
async fn it_is_at_the_root_with_a_policy_and_a_nonce_of_its_own() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let nobody = serving.nobody().at("");
    let reply = nobody.get("/").await;
    assert_eq!(reply.status, 200);
    for (header, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(reply.headers[header], value, "{header}");
    }
    assert!(reply.headers["permissions-policy"].to_str().unwrap().contains("camera=()"));
    let policy = reply.headers["content-security-policy"].to_str().unwrap();
    for (name, value) in [
        ("default-src", "'none'"),
        ("script-src", "'self'"),
        ("style-src-attr", "'none'"),
        ("connect-src", "'self'"),
        ("img-src", "'self' data:"),
        ("font-src", "'self'"),
        ("base-uri", "'none'"),
        ("form-action", "'none'"),
        ("frame-ancestors", "'none'"),
    ] {
        assert_eq!(directive(policy, name), Some(value), "{policy}");
    }
    let nonce = nonce_of(&reply);
    assert!(nonce.len() >= 22, "{nonce}");
    assert_ne!(nonce_of(&nobody.get("/").await), nonce);
    assert!(!reply.text.contains("__CSP_NONCE__"), "{}", reply.text);
    if built().is_some() {
        assert!(reply.text.contains(&format!("<meta name=\"csp-nonce\" content=\"{nonce}\"")), "{}", reply.text);
    } else {
        assert!(reply.text.contains("make ui"), "{}", reply.text);
    }
    // whoever asks gets the same, and nothing of anybody's
    for caller in [api.at(""), nobody.clone().bearer(ADMIN_TOKEN), nobody.clone().with("cookie", "a=b")] {
        let other = caller.get("/").await;
        assert_eq!(other.text.replace(&nonce_of(&other), &nonce), reply.text);
        assert!(!other.headers.contains_key("set-cookie"));
    }
    assert!(!reply.text.contains(ADMIN_TOKEN) && !reply.text.contains("phk_"), "{}", reply.text);
    let head = nobody.send(Method::HEAD, "/", &[], Bytes::new()).await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
    assert_eq!(nobody.act("/").await.problem(405, "method")["status"], 405);
}

#[tokio::test]
async fn its_files_last_and_come_compressed() {
    let Some(folder) = built() else { return };
    let serving = Serving::start().await;
    let nobody = serving.nobody().at("");
    let names = fs::read_dir(folder.join("assets")).unwrap().map(|file| file.unwrap().file_name());
    let names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    let of = |ending: &str| names.iter().find(|name| name.ends_with(ending)).unwrap_or_else(|| panic!("no {ending}"));
    let compressed = of(".js.br").trim_end_matches(".br");
    let size = |ending: &str| fs::metadata(folder.join(format!("assets/{compressed}{ending}"))).unwrap().len();
    for (accepted, coding, ending) in [("gzip, br", Some("br"), ".br"), ("gzip", Some("gzip"), ".gz"), ("", None, "")] {
        let path = format!("/assets/{compressed}");
        let head = nobody.send(Method::HEAD, &path, &[("accept-encoding", accepted)], Bytes::new()).await;
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept-Encoding: {accepted}\r\n\r\n");
        let answer = nobody.raw_to_the_end(request.as_bytes()).await.to_lowercase();
        assert_eq!(head.status, 200);
        assert_eq!(head.headers["cache-control"], "public, max-age=31536000, immutable");
        assert_eq!(head.headers["content-type"], "text/javascript; charset=utf-8");
        assert_eq!(head.headers["vary"], "Accept-Encoding");
        assert_eq!(head.headers["x-content-type-options"], "nosniff");
        assert_eq!(head.headers.get("content-encoding").map(|coding| coding.to_str().unwrap()), coding);
        assert!(
            answer.contains(&format!("content-length: {}\r\n", size(ending))),
            "{accepted}: {}",
            answer.split("\r\n\r\n").next().unwrap()
        );
    }
    let style = nobody.get(&format!("/assets/{}", of(".css"))).await;
    assert_eq!((style.status, &style.headers["content-type"]), (200, &"text/css; charset=utf-8".parse().unwrap()));
    let icon = nobody.get("/favicon.svg").await;
    assert_eq!((icon.status, &icon.headers["content-type"]), (200, &"image/svg+xml".parse().unwrap()));
    assert_eq!(icon.headers["cache-control"], "public, max-age=3600");
    nobody.get(&format!("/assets/{}", of(".js.br"))).await.problem(404, "not-found");
}

#[tokio::test]
async fn what_is_no_file_of_it_is_not_found() {
    let serving = Serving::start().await;
    let nobody = serving.nobody().at("");
    for path in [
        "/assets/",
        "/assets/nothing.js",
        "/assets/..",
        "/assets/../index.html",
        "/assets/..%2findex.html",
        "/assets/%2e%2e%2fpackage.json",
        "/assets/.gitkeep",
        "/index.html",
        "/webhooks",
    ] {
        let reply = nobody.get(path).await;
        reply.problem(404, "not-found");
        assert_eq!(reply.headers["cache-control"], "no-store", "{path}");
    }
}

#[tokio::test]
async fn origins_that_may_show_it_in_a_frame_are_named() {
    let origins = "https://app.example.com,http://localhost:3000";
    let serving = Serving::with(&[("POSTHORN_PAGE_ANCESTORS", origins)]).await;
    let reply = serving.nobody().at("").get("/").await;
    let policy = reply.headers["content-security-policy"].to_str().unwrap();
    assert_eq!(directive(policy, "frame-ancestors"), Some("https://app.example.com http://localhost:3000"));

    let world = World::new().await;
    for wrong in ["*", "http://app.example.com", "https://a.example;script-src *"] {
        let refused = start(world.url().expose_secret(), &[("POSTHORN_PAGE_ANCESTORS", wrong)]);
        let (status, lines) = refused.run_to_end().await;
        assert!(!status.success() && lines.join("\n").contains("must be origins such as"), "{wrong}: {lines:?}");
    }
}

#[tokio::test]
async fn it_can_be_switched_off() {
    let serving = Serving::with(&[("POSTHORN_PAGE", "false")]).await;
    let nobody = serving.nobody().at("");
    for path in ["/", "/favicon.svg", "/assets/x.js"] {
        nobody.get(path).await.problem(404, "not-found");
    }
    assert_eq!(nobody.get("/docs").await.status, 200);
}

/// Runs the tests of a file in a browser, against a server with a tenant of its own that Node may reach the database of.
async fn in_a_browser(name: &str) {
    if built().is_none() {
        return;
    }
    if !Path::new(UI).join("node_modules/playwright-core").exists() {
        return says("no browser tests without ui/node_modules: run make ui");
    }
    let Some(chromium) = chromium() else {
        return says("no browser tests without Chromium, which .ci/setup could not install");
    };
    let file = Path::new(UI).join(format!("e2e/{name}.test.mjs"));
    assert!(file.exists(), "there is no {}", file.display());
    let serving = Serving::with(&[("POSTHORN_API_RATE_PER_SECOND", "0")]).await;
    let tenant = Uuid::now_v7();
    let key = serving.key(tenant, "Acme").await;
    let output = Command::new("node")
        .args(["--test", "--test-reporter=spec"])
        .arg(&file)
        .current_dir(UI)
        .env("POSTHORN_URL", serving.origin())
        .env("POSTHORN_TENANT", tenant.to_string())
        .env("POSTHORN_KEY", key.expose().expose_secret())
        .env("POSTHORN_ADMIN_TOKEN", ADMIN_TOKEN)
        .env("POSTHORN_CHROMIUM", chromium)
        .env("DATABASE_URL", serving.world.url().expose_secret())
        .kill_on_drop(true)
        .output();
    let output = timeout(LONG, output).await.unwrap_or_else(|_| panic!("{name} does not end")).unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{said}");
    serving.assert_alive().await;
}

/// Where Chromium is.
fn chromium() -> Option<PathBuf> {
    let named = std::env::var_os("POSTHORN_CHROMIUM").map(PathBuf::from);
    let usual = ["/usr/bin/chromium", "/usr/bin/google-chrome"].map(PathBuf::from);
    named.into_iter().chain(usual).find(|path| path.exists())
}

/// One test for each file of `ui/e2e`.
macro_rules! browser_tests {
    ($($test:ident = $file:literal;)*) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            in_a_browser($file).await;
        })*

        const BROWSER_TESTS: &[&str] = &[$($file),*];
    };
}

browser_tests! {
    the_policy_keeps_strangers_out = "policy";
    the_whole_story_is_lived_by_pointer_and_by_keyboard = "story";
    people_sign_in_and_out = "sign-in";
    webhooks_are_made_changed_tested_and_removed = "webhooks";
    deliveries_are_found_understood_and_sent_again = "deliveries";
    events_are_found_published_and_cancelled = "events";
    the_overview_leads_newcomers_and_tells_of_trouble = "overview";
    event_types_are_found_made_and_changed = "event-types";
    keys_settings_tenants_and_the_audit_log_are_looked_after = "administration";
    every_screen_is_accessible_at_any_width_in_both_schemes_and_languages = "screens";
}

#[test]
fn every_file_of_browser_tests_is_run() {
    let Ok(files) = fs::read_dir(Path::new(UI).join("e2e")) else { return };
    for file in files {
        let name = file.unwrap().file_name().into_string().unwrap();
        if let Some(name) = name.strip_suffix(".test.mjs") {
            assert!(BROWSER_TESTS.contains(&name), "ui/e2e/{name}.test.mjs is run by nobody: add it to browser_tests!");
        }
    }
}

#[tokio::test]
async fn the_documented_way_to_embed_it_works() {
    let serving = Serving::start().await;
    let (tenant, _) = serving.tenant("Acme").await;
    let text = page("admin-page.md");
    let embedding = section(&text, "\n## In an application of yours\n");
    let command = embedding.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
    let script = format!("set -eu\n{command}");
    let output = Command::new("sh")
        .args(["-c", &script])
        .env("POSTHORN_URL", serving.origin())
        .env("POSTHORN_ADMIN_TOKEN", ADMIN_TOKEN)
        .env("TENANT_ID", tenant.to_string())
        .output();
    let output = timeout(SOON, output).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let link: serde_json::Value = serde_json::from_str(&said).expect(&said);
    let token = link["token"].as_str().unwrap();
    assert_eq!(link["url"], format!("/#/portal?token={token}"));
    let caller = Api::nobody_at(serving.origin().trim_start_matches("http://")).bearer(token);
    assert_eq!(caller.get("/caller").await.ok(200)["tenant_id"], tenant.to_string());
}
