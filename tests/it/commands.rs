//! Shell completions and man pages of every command, and the page that tells of the commands.

use std::collections::BTreeSet;
use std::fs;

use secrecy::ExposeSecret;

use crate::harness::{Binary, KEYRING, World, page};

/// Every command, as `--help` lists them.
async fn commands() -> BTreeSet<String> {
    let (status, lines) = Binary::start(&["--help"], &[]).run_to_end().await;
    assert!(status.success());
    let list = lines.iter().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // further lines of a description are indented deeper
    let names = list.filter_map(|line| line.strip_prefix("  ")).filter(|line| !line.starts_with(' '));
    names.map(|line| line.split(' ').next().unwrap().to_owned()).filter(|name| name != "help").collect()
}

#[tokio::test]
async fn every_shell_completes_every_command() {
    let commands = commands().await;
    assert!(commands.len() >= 12 && commands.contains("doctor"), "{commands:?}");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let (status, lines) = Binary::start(&["completions", shell], &[]).run_to_end().await;
        let script = lines.join("\n");
        assert!(status.success(), "{shell}: {script}");
        for name in &commands {
            assert!(script.contains(name), "{shell} does not know {name}");
        }
        assert!(script.contains("receivers"), "{shell} does not know flags");
    }
    // the shell itself takes it, and completes
    let script = format!(
        "source <({} completions bash) && COMP_WORDS=(posthorn doc) && COMP_CWORD=1 && _posthorn posthorn doc posthorn && echo \"${{COMPREPLY[@]}}\"",
        env!("CARGO_BIN_EXE_posthorn")
    );
    let (status, lines) = Binary::start_program("bash", &["-c", &script], &[]).run_to_end().await;
    assert!(status.success() && lines == ["doctor"], "{lines:?}");
}

#[tokio::test]
async fn every_command_has_a_man_page() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("man1");
    let (status, lines) = Binary::start(&["man", directory.to_str().unwrap()], &[]).run_to_end().await;
    assert!(status.success(), "{lines:?}");
    for name in commands().await {
        let text =
            fs::read_to_string(directory.join(format!("posthorn-{name}.1"))).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(text.contains(".SH SYNOPSIS") && text.contains(&name), "{name}");
    }
    for more in ["posthorn.1", "posthorn-keys-create.1"] {
        assert!(directory.join(more).exists(), "{more}");
    }
    let doctor = fs::read_to_string(directory.join("posthorn-doctor.1")).unwrap();
    assert!(doctor.contains("receivers") && doctor.contains("DATABASE_URL"), "{doctor}");
}

#[tokio::test]
async fn the_page_tells_every_command_and_what_it_says_to_run_runs() {
    let text = page("commands.md");
    for name in commands().await {
        assert!(text.contains(&format!("`posthorn {name}")), "docs/commands.md does not tell of {name}");
    }
    let world = World::new().await;
    let tenant = "INSERT INTO posthorn.tenants (id, name) VALUES ('6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10', 'a')";
    world.db.batch_execute(tenant).await.unwrap();
    let (folder, url) = (tempfile::tempdir().unwrap(), world.url());
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_posthorn")).parent().unwrap().to_str().unwrap();
    let path = format!("{program}:{}", std::env::var("PATH").unwrap());
    let home = folder.path().to_str().unwrap();
    let env = [
        ("PATH", &*path),
        ("HOME", home),
        ("DATABASE_URL", url.expose_secret()),
        ("POSTHORN_KEYRING", KEYRING),
        ("POSTHORN_BIND", "127.0.0.1:0"),
    ];
    let blocks: Vec<&str> = text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(blocks.len() >= 5, "{}", blocks.len());
    for block in blocks {
        let script = format!("set -e; cd {home}\n{block}");
        let (status, lines) = Binary::start_program("bash", &["-c", &script], &env).run_to_end().await;
        assert!(status.success(), "{block}: {lines:?}");
    }
}
