//! What installs and runs Posthorn elsewhere: files that can be read, that name what there is, and settings that are settings.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use serde_yaml::Value;

use crate::harness::{blocks, page};

/// The longest that an orderly end may take: draining, and recording what was drained as long again; then the pauses around both.
const LONGEST_END: u64 = 2 * 25 + 5 + 5 + 5 + 5;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The documents of a YAML file.
fn yaml(path: &str) -> Vec<Value> {
    serde_yaml::Deserializer::from_str(&read(path))
        .map(|document| Value::deserialize(document).unwrap_or_else(|error| panic!("{path}: {error}")))
        .collect()
}

/// Every setting that the configuration page has.
fn settings() -> BTreeSet<String> {
    let page = page("configuration.md");
    let words = page.split('`').filter(|word| is_setting(word)).map(ToOwned::to_owned);
    words.collect()
}

fn is_setting(word: &str) -> bool {
    let prefixes = ["POSTHORN_", "WEBHOOK_", "DATABASE_URL"];
    prefixes.iter().any(|prefix| word.starts_with(prefix)) && word.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
}

#[test]
fn settings_in_units_images_and_manifests_are_settings() {
    let known = settings();
    assert!(known.len() > 40, "{known:?}");
    let files = [
        "Dockerfile",
        "compose.yaml",
        "ops/systemd/posthorn.service",
        "ops/systemd/posthorn.env",
        "ops/kubernetes/settings.yaml",
        "ops/kubernetes/secret.yaml",
        "ops/kubernetes/posthorn.yaml",
    ];
    for file in files {
        let text = read(file);
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| is_setting(word));
        let mut count = 0;
        for word in words.filter(|word| *word != "POSTHORN_COMMIT") {
            assert!(known.contains(word), "{file}: {word} is not in docs/configuration.md");
            count += 1;
        }
        assert!(count > 0, "{file} sets nothing");
    }
}

#[test]
fn the_image_is_made_of_what_there_is_and_runs_as_nobody() {
    let text = read("Dockerfile");
    let copied = text.lines().filter_map(|line| line.strip_prefix("COPY ")).filter(|line| !line.starts_with("--from="));
    let mut sources = Vec::new();
    for line in copied {
        let words: Vec<&str> = line.split_whitespace().collect();
        sources.extend(words[..words.len() - 1].iter().map(ToString::to_string));
    }
    for source in &sources {
        assert!(root().join(source).exists(), "the image copies {source}, which is not there");
    }
    // what the program's sources take in when they are compiled must be in the image's folder too
    for folder in ["src", "sql", "migrations", "docs", "openapi", "examples", "build.rs", "Cargo.lock"] {
        assert!(sources.iter().any(|source| source == folder), "the image lacks {folder}");
    }
    assert!(text.contains(":nonroot\n"), "the last stage does not run as a user that is not root");
    let stages: Vec<&str> = text.lines().filter_map(|line| line.split_once(" AS ").map(|(_, name)| name)).collect();
    let used = text.split("--from=").skip(1).map(|rest| rest.split(' ').next().unwrap());
    assert!(used.into_iter().all(|stage| stages.contains(&stage)), "{stages:?}");
    let rust = read("Cargo.toml");
    assert!(rust.contains("path = \"tests/it/main.rs\"") && rust.contains("path = \"examples/publish/publish.rs\""));
}

#[test]
fn compose_waits_for_what_it_needs() {
    let [compose] = &yaml("compose.yaml")[..] else { panic!("compose.yaml is one document") };
    let services = compose["services"].as_mapping().unwrap();
    assert_eq!(services.len(), 4);
    for (name, service) in services {
        let needs = match &service["depends_on"] {
            Value::Sequence(names) => names.iter().map(|name| name.as_str().unwrap().to_owned()).collect::<Vec<_>>(),
            Value::Mapping(names) => names.keys().map(|name| name.as_str().unwrap().to_owned()).collect(),
            _ => Vec::new(),
        };
        for need in needs {
            assert!(services.contains_key(need.as_str()), "{name:?} needs {need}, which is no service");
        }
        for volume in service["volumes"].as_sequence().into_iter().flatten() {
            let source = volume.as_str().unwrap().split(':').next().unwrap();
            let is_there = if source.starts_with("./") {
                root().join(source).exists()
            } else {
                compose["volumes"].as_mapping().unwrap().contains_key(source)
            };
            assert!(is_there, "{name:?} mounts {source}");
        }
    }
    let posthorn = &compose["services"]["posthorn"];
    assert_eq!(posthorn["depends_on"]["migrate"]["condition"], "service_completed_successfully");
    assert!(seconds(posthorn["stop_grace_period"].as_str().unwrap()) >= LONGEST_END);
    assert_eq!(
        compose["services"]["prometheus"]["volumes"][0],
        "./ops/prometheus/rules.yml:/etc/prometheus/rules.yml:ro"
    );
    let scraped = compose["configs"]["prometheus"]["content"].as_str().unwrap();
    let scraped: Value = serde_yaml::from_str(scraped).unwrap();
    let example = &yaml("ops/prometheus/prometheus.yml")[0];
    for same in ["global", "rule_files"] {
        assert_eq!(scraped[same], example[same], "{same} differs from ops/prometheus/prometheus.yml");
    }
    assert_eq!(scraped["scrape_configs"][0]["job_name"], example["scrape_configs"][0]["job_name"]);
}

#[test]
fn compose_gets_what_it_asks_for() {
    let folder = tempfile::tempdir().unwrap();
    let block = blocks("installing.md").into_iter().find(|block| block.code.contains("> .env")).unwrap();
    let script = format!("set -eu; cd '{}'; {}", folder.path().display(), block.code);
    assert!(Command::new("sh").args(["-c", &script]).status().unwrap().success());
    let env = fs::read_to_string(folder.path().join(".env")).unwrap();
    let set: BTreeSet<&str> = env.lines().map(|line| line.split_once('=').unwrap().0).collect();
    let text = read("compose.yaml");
    let asked: BTreeSet<&str> = text.split("${").skip(1).map(|rest| rest.split([':', '}']).next().unwrap()).collect();
    assert_eq!(set, asked);
    // the file's own first lines say the same
    for line in block.code.lines() {
        assert!(text.contains(line.trim()), "compose.yaml does not say: {line}");
    }
    assert!(read(".gitignore").contains("/.env\n") && read(".dockerignore").contains(".env\n"));
}

#[test]
fn manifests_fit_each_other() {
    let folder = root().join("ops/kubernetes");
    let kustomization = &yaml("ops/kubernetes/kustomization.yaml")[0];
    let listed: Vec<&str> =
        kustomization["resources"].as_sequence().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    let mut objects = Vec::new();
    for name in listed.iter().chain(&["servicemonitor.yaml"]) {
        assert!(folder.join(name).is_file(), "{name} is not there");
        objects.extend(yaml(&format!("ops/kubernetes/{name}")));
    }
    let names: BTreeSet<String> =
        objects.iter().map(|o| format!("{}/{}", text(&o["kind"]), text(&o["metadata"]["name"]))).collect();
    assert_eq!(names.len(), objects.len(), "two of a name: {names:?}");
    let of = |kind: &str| objects.iter().find(|object| object["kind"] == *kind).unwrap_or_else(|| panic!("no {kind}"));
    for kind in ["Deployment", "Job"] {
        let pod = &of(kind)["spec"]["template"]["spec"];
        let container = &pod["containers"][0];
        for source in container["envFrom"].as_sequence().unwrap() {
            let (kind, name) = match &source["configMapRef"] {
                Value::Null => ("Secret", &source["secretRef"]["name"]),
                map => ("ConfigMap", &map["name"]),
            };
            assert!(names.contains(&format!("{kind}/{}", text(name))), "there is no {kind} {name:?}");
        }
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
        assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
        assert_eq!(container["securityContext"]["allowPrivilegeEscalation"], false);
    }
    let deployment = of("Deployment");
    let pod = &deployment["spec"]["template"]["spec"];
    assert!(pod["terminationGracePeriodSeconds"].as_u64().unwrap() >= LONGEST_END);
    let container = &pod["containers"][0];
    assert_eq!(container["livenessProbe"]["httpGet"]["path"], "/health/live");
    assert_eq!(container["readinessProbe"]["httpGet"]["path"], "/health/ready");
    let labels = &deployment["spec"]["template"]["metadata"]["labels"];
    for selector in [
        &deployment["spec"]["selector"]["matchLabels"],
        &of("Service")["spec"]["selector"],
        &of("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
    ] {
        assert_eq!(selector, labels);
    }
    assert_eq!(&of("ServiceMonitor")["spec"]["selector"]["matchLabels"], &of("Service")["metadata"]["labels"]);
    assert_eq!(of("ServiceMonitor")["spec"]["endpoints"][0]["port"], of("Service")["spec"]["ports"][0]["name"]);
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// Seconds of `75s` or `1m`.
fn seconds(text: &str) -> u64 {
    let (number, unit) = text.split_at(text.len() - 1);
    number.parse::<u64>().unwrap() * if unit == "m" { 60 } else { 1 }
}

#[test]
fn the_unit_is_one_and_may_do_little() {
    let unit = read("ops/systemd/posthorn.service");
    let value = |key: &str| {
        let key = format!("{key}=");
        unit.lines().find_map(|line| line.strip_prefix(key.as_str())).unwrap_or_else(|| panic!("no {key}"))
    };
    assert!(value("TimeoutStopSec").parse::<u64>().unwrap() >= LONGEST_END);
    assert_eq!((value("User"), value("EnvironmentFile")), ("posthorn", "/etc/posthorn/posthorn.env"));
    if !analyzes() {
        return;
    }
    // what it starts need not be installed here, nor its settings
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("posthorn.service");
    fs::write(&copy, unit.replace("/usr/bin/posthorn", env!("CARGO_BIN_EXE_posthorn"))).unwrap();
    let told = analyze(&["verify", "--man=no"], &copy);
    assert!(!told.contains("posthorn.service"), "{told}");
    let told = analyze(&["security", "--offline=true", "--threshold=25"], &copy);
    let exposure =
        told.lines().find(|line| line.contains("Overall exposure level")).unwrap_or_else(|| panic!("{told}"));
    assert!(exposure.contains("OK"), "{told}");
}

fn analyzes() -> bool {
    let is_there =
        Command::new("systemd-analyze").arg("--version").output().is_ok_and(|output| output.status.success());
    if !is_there {
        eprintln!("not tested: there is no systemd-analyze here");
    }
    is_there
}

fn analyze(arguments: &[&str], unit: &Path) -> String {
    let output = Command::new("systemd-analyze").args(arguments).arg(unit).output().unwrap();
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

#[test]
fn the_package_is_made_of_what_there_is() {
    let manifest = read("Cargo.toml");
    let (_, deb) = manifest.split_once("[package.metadata.deb]\n").unwrap();
    let (deb, _) = deb.split_once("\n[lints").unwrap();
    let assets: Vec<Vec<&str>> = deb
        .lines()
        .filter_map(|line| line.trim().strip_prefix("[\"")?.strip_suffix("\"],"))
        .map(|line| line.split("\", \"").collect())
        .collect();
    assert!(assets.len() > 5, "{assets:?}");
    for asset in &assets {
        let (folder, name) = asset[0].rsplit_once('/').unwrap_or(("", asset[0]));
        if folder.starts_with("target") {
            continue;
        }
        let has = fs::read_dir(root().join(folder)).unwrap().any(|entry| {
            let file = entry.unwrap().file_name();
            let file = file.to_str().unwrap();
            name.strip_prefix('*').map_or(file == name, |end| file.ends_with(end))
        });
        assert!(has, "the package takes {}, which is not there", asset[0]);
    }
    assert!(assets.iter().any(|asset| asset[1] == "etc/posthorn/posthorn.env" && asset[2] == "600"));
    assert!(deb.contains("conf-files = [\"/etc/posthorn/posthorn.env\"]"));
    let script: PathBuf = root().join("ops/debian/postinst");
    assert!(Command::new("sh").arg("-n").arg(&script).status().unwrap().success());
    assert!(
        fs::read_to_string(script).unwrap().contains("\n#DEBHELPER#\n"),
        "cargo-deb has nowhere to put the unit's part"
    );
}
