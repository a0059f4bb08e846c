//! The receiving guide's samples, run as a receiver would run them, against requests that our signer signed.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use posthorn::domain::secret::Secret;
use posthorn::domain::signature::{self, Message};
use posthorn::domain::signing_key::SigningKey;
use posthorn::domain::subscription::HeaderFamilies;
use time::OffsetDateTime;

#[path = "../../examples/receiving/verify.rs"]
mod verify_rs;

const BODY: &[u8] = "{\"id\": \"1\", \"data\": {\"name\": \"Größe ☃\", \"amount\": 1E2}}\n".as_bytes();
const ID: &str = "0199c1f0-6f5c-7d6e-9c5b-2f1d3a4b5c6d";
const SAMPLES: [(&str, &str, &str); 4] = [
    ("python3", "verify.py", "python"),
    ("node", "verify.js", "javascript"),
    ("perl", "verify.pl", "perl"),
    ("rust", "verify.rs", "rust"),
];

/// Samples that are run where their language is installed: how, the file, its language on the page.
const OTHERS: [(&str, &str, &str); 4] = [
    ("go", "verify.go", "go"),
    ("java", "Verify.java", "java"),
    ("php", "verify.php", "php"),
    ("ruby", "verify.rb", "ruby"),
];

struct Request {
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
    secret: String,
}

fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

fn secret(text: &str) -> Secret {
    Secret::parse("secret", text).unwrap()
}

fn signed(families: &[&str], secrets: &[Secret], timestamp: i64) -> Request {
    let message = Message { id: ID, event: "invoice.created", timestamp, body: BODY };
    let families = HeaderFamilies::parse("headers", families).unwrap();
    let keys: Vec<SigningKey> = secrets.iter().cloned().map(SigningKey::of).collect();
    let headers = signature::headers(families, &keys, &message);
    let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Request { headers, body: BODY.to_vec(), secret: secrets[0].expose().to_owned() }
}

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn run_script(program: &str, file: &str, request: &Request) -> bool {
    let mut child = Command::new(program)
        .arg(root("examples/receiving").join(file))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program} is needed to run {file}: {error}"));
    child.stdin.take().unwrap().write_all(dump(request).as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{file} ended with {}", output.status);
    match String::from_utf8(output.stdout).unwrap().trim() {
        "ok" => true,
        "not ok" => false,
        other => panic!("{file} printed {other:?}"),
    }
}

fn run_rust(request: &Request) -> bool {
    let header = |name: &str| request.headers.get(name).map(String::as_str);
    let mut checks = Vec::new();
    if let Some(signatures) = header("webhook-signature") {
        let (id, timestamp) = (header("webhook-id").unwrap(), header("webhook-timestamp").unwrap());
        checks.push(verify_rs::verify_standard(id, timestamp, signatures, &request.body, &request.secret, now()));
    }
    let body_signatures = ["x-signature", "x-webhook-signature"].into_iter().filter_map(header);
    checks.extend(body_signatures.map(|one| verify_rs::verify_webhook(&request.body, one, &request.secret)));
    !checks.is_empty() && checks.into_iter().all(|is_genuine| is_genuine)
}

/// Every sample must come to the same verdict.
fn assert_verdict(want: bool, what: &str, request: &Request) {
    for (program, file, _) in SAMPLES {
        let verdict = if program == "rust" { run_rust(request) } else { run_script(program, file, request) };
        assert_eq!(verdict, want, "{file}: {what}");
    }
}

const ALL: [&str; 3] = ["standard", "gestiq", "dotmac"];

#[test]
fn samples_accept_what_we_sign() {
    let (generated, chosen) = (Secret::generate(), secret("contraseña-12345678"));
    for secret in [generated, chosen] {
        for families in [&ALL[..], &["standard"], &["gestiq"], &["dotmac"]] {
            let request = signed(families, std::slice::from_ref(&secret), now());
            assert_verdict(true, &format!("{families:?}"), &request);
        }
    }
}

#[test]
fn samples_refuse_what_we_did_not_sign() {
    let secrets = [Secret::generate()];
    for family in ALL {
        let mut request = signed(&[family], &secrets, now());
        request.body.pop();
        assert_verdict(false, &format!("changed body, {family}"), &request);
        let mut request = signed(&[family], &secrets, now());
        request.secret = Secret::generate().expose().to_owned();
        assert_verdict(false, &format!("other secret, {family}"), &request);
        let mut request = signed(&[family], &secrets, now());
        let signature = request.headers.iter_mut().find(|(name, _)| name.ends_with("signature")).unwrap().1;
        signature.truncate(signature.len() - 2);
        assert_verdict(false, &format!("shortened signature, {family}"), &request);
    }
    let mut unsigned = signed(&ALL, &secrets, now());
    unsigned.headers.retain(|name, _| !name.ends_with("signature"));
    assert_verdict(false, "no signature", &unsigned);
    for age in [-1_000, 1_000] {
        assert_verdict(false, &format!("{age} s old"), &signed(&["standard"], &secrets, now() - age));
    }
    let mut relabelled = signed(&["standard"], &secrets, now());
    relabelled.headers.insert("webhook-id".to_owned(), "another".to_owned());
    assert_verdict(false, "another id", &relabelled);
}

/// A command that runs a sample of another language, compiled into `folder` where it must be; `None` where there is no such language.
fn command_of(language: &str, file: &str, folder: &Path) -> Option<Command> {
    let source = root("examples/receiving").join(file);
    let version = if language == "go" { "version" } else { "--version" };
    if !Command::new(language).arg(version).output().is_ok_and(|output| output.status.success()) {
        eprintln!("not tested: {file}, there is no {language} here");
        return None;
    }
    let (compile, run) = match language {
        "go" => {
            let mut compile = Command::new("go");
            compile.args(["build", "-o"]).arg(folder.join("verify")).arg(&source).env("GOCACHE", folder.join("cache"));
            (Some(compile), Command::new(folder.join("verify")))
        }
        "java" => {
            let mut compile = Command::new("javac");
            compile.arg("-d").arg(folder).arg(&source);
            let mut run = Command::new("java");
            run.args(["-XX:TieredStopAtLevel=1", "-cp"]).arg(folder).arg("Verify").env("LC_ALL", "C.UTF-8");
            (Some(compile), run)
        }
        _ => {
            let mut run = Command::new(language);
            run.arg(&source);
            (None, run)
        }
    };
    if let Some(mut compile) = compile {
        let output = compile.output().unwrap_or_else(|error| panic!("{compile:?}: {error}"));
        assert!(output.status.success(), "{file}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Some(run)
}

#[test]
fn samples_in_other_languages_come_to_the_same_verdicts() {
    let guide = std::fs::read_to_string(root("docs/verifying.md")).unwrap();
    for (file, language) in OTHERS.iter().map(|(_, file, language)| (*file, *language)).chain([("Verify.cs", "csharp")])
    {
        let sample = std::fs::read_to_string(root("examples/receiving").join(file)).unwrap();
        let shown = format!("```{language}\n{sample}```\n");
        assert!(guide.contains(&shown), "docs/verifying.md differs from examples/receiving/{file}");
    }
    for (language, file, _) in OTHERS {
        let folder = tempfile::tempdir().unwrap();
        let Some(command) = command_of(language, file, folder.path()) else { continue };
        for (want, what, request) in requests() {
            let mut run = Command::new(command.get_program());
            run.args(command.get_args()).envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
            if language == "java" {
                // it has no parser of JSON
                run.arg(&request.secret).arg(STANDARD.encode(&request.body));
                run.args(request.headers.iter().map(|(name, value)| format!("{name}={value}")));
            }
            let mut child = run.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
            let read = child.stdin.take().unwrap().write_all(dump(&request).as_bytes());
            assert!(read.is_ok() || language == "java", "{file}: {read:?}");
            let output = child.wait_with_output().unwrap();
            let verdict = String::from_utf8(output.stdout).unwrap();
            assert!(output.status.success(), "{file}: {what}: {}", output.status);
            assert_eq!(verdict.trim(), if want { "ok" } else { "not ok" }, "{file}: {what}");
        }
    }
}

/// One request of every kind, and whether it is genuine.
fn requests() -> Vec<(bool, &'static str, Request)> {
    let secrets = [Secret::generate(), Secret::generate()];
    let altered = |families: &[&str], change: &dyn Fn(&mut Request)| {
        let mut request = signed(families, &secrets[..1], now());
        change(&mut request);
        request
    };
    let mut all = vec![
        (true, "generated secret", signed(&ALL, &secrets[..1], now())),
        (true, "own secret", signed(&ALL, &[secret("contraseña-12345678")], now())),
        (true, "gestiq", signed(&["gestiq"], &secrets[..1], now())),
        (true, "dotmac", signed(&["dotmac"], &secrets[..1], now())),
        (false, "too old", signed(&["standard"], &secrets[..1], now() - 1_000)),
        (false, "too new", signed(&["standard"], &secrets[..1], now() + 1_000)),
        (false, "unsigned", altered(&ALL, &|r| r.headers.retain(|name, _| !name.ends_with("signature")))),
        (
            false,
            "another id",
            altered(&["standard"], &|r| drop(r.headers.insert("webhook-id".into(), "another".into()))),
        ),
        (
            false,
            "no number",
            altered(&["standard"], &|r| drop(r.headers.insert("webhook-timestamp".into(), "x".into()))),
        ),
    ];
    for family in ALL {
        all.push((false, "changed body", altered(&[family], &|r| r.body.truncate(BODY.len() - 1))));
        all.push((false, "other secret", altered(&[family], &|r| secrets[1].expose().clone_into(&mut r.secret))));
        all.push((
            false,
            "short signature",
            altered(&[family], &|r| {
                let signature = r.headers.iter_mut().find(|(name, _)| name.ends_with("signature")).unwrap().1;
                signature.truncate(signature.len() - 2);
            }),
        ));
    }
    for one in &secrets {
        let mut request = signed(&["standard"], &secrets, now());
        one.expose().clone_into(&mut request.secret);
        all.push((true, "rotation", request));
    }
    all
}

/// What a sample reads from standard input.
fn dump(request: &Request) -> String {
    let body = STANDARD.encode(&request.body);
    serde_json::json!({ "headers": request.headers, "body_base64": body, "secret": request.secret }).to_string()
}

#[test]
fn either_secret_of_a_rotation_verifies() {
    let secrets = [Secret::generate(), Secret::generate()];
    for secret in &secrets {
        let mut request = signed(&["standard"], &secrets, now());
        request.secret = secret.expose().to_owned();
        assert_verdict(true, "rotation", &request);
    }
}

#[test]
fn the_reference_library_accepts_what_we_sign() {
    for secret in [Secret::generate(), secret("my-webhook-secret-12345678")] {
        let reference = standardwebhooks::Webhook::from_bytes(secret.standard_key().to_vec()).unwrap();
        let secrets = [secret, Secret::generate()];
        let mut headers = hyper::HeaderMap::new();
        for (name, value) in &signed(&ALL, &secrets, now()).headers {
            headers.insert(hyper::header::HeaderName::try_from(name).unwrap(), value.parse().unwrap());
        }
        reference.verify(BODY, &headers).unwrap();
        assert!(reference.verify(b"{}", &headers).is_err());
    }
}

#[test]
fn the_guide_shows_the_samples_that_are_run() {
    let guide = std::fs::read_to_string(root("docs/receiving.md")).unwrap();
    for (_, file, language) in SAMPLES {
        let sample = std::fs::read_to_string(root("examples/receiving").join(file)).unwrap();
        assert!(
            guide.contains(&format!("```{language}\n{sample}```\n")),
            "docs/receiving.md differs from examples/receiving/{file}"
        );
    }
}
