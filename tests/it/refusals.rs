//! What commands say when they cannot do what they are told: once, and with what to do about it.

use secrecy::ExposeSecret;

use crate::harness::{Binary, KEYRING, World, server};

const TENANT: &str = "6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10";

/// The commands that work in the database as its owner.
const OF_THE_OWNER: [&[&str]; 6] = [
    &["migrate"],
    &["keys", "create", "--tenant", TENANT],
    &["keys", "list"],
    &["replay", "--tenant", TENANT],
    &["prune", "--older-than", "30"],
    &["resume"],
];

/// Runs a command that fails; answers with its last line.
async fn refusal(arguments: &[&str], env: &[(&str, &str)]) -> String {
    let (status, lines) = Binary::start(arguments, env).run_to_end().await;
    let last = lines.last().cloned().unwrap_or_default();
    assert!(!status.success() && last.starts_with("posthorn: "), "{arguments:?}: {lines:?}");
    last
}

#[tokio::test]
async fn a_login_that_serves_is_told_which_login_or_grant_an_operators_command_takes() {
    let world = World::new().await;
    let login = format!("runner_{}", world.database());
    let make = format!("CREATE ROLE {login} LOGIN PASSWORD 'word'; GRANT posthorn_api, posthorn_dispatcher TO {login}");
    server().admin(&make).await.unwrap();
    let url = format!("postgres://{login}:word@127.0.0.1:{}/{}", server().port(), world.database());
    let env = [("DATABASE_URL", &*url), ("POSTHORN_KEYRING", KEYRING)];
    for arguments in OF_THE_OWNER {
        let line = refusal(arguments, &env).await;
        let grant = format!("run `GRANT posthorn_owner TO \"{login}\"`");
        assert!(line.contains(&grant) && line.contains("the login that installed posthorn"), "{arguments:?}: {line}");
        assert!(!line.contains("posthorn migrate"), "migrating does not help: {line}");
    }
    let line = refusal(&["rekey"], &env).await;
    assert!(line.contains("GRANT posthorn_rekey TO"), "{line}");

    // one that nobody has granted anything
    let bare = format!("bare_{}", world.database());
    server().admin(&format!("CREATE ROLE {bare} LOGIN PASSWORD 'word'")).await.unwrap();
    let url = format!("postgres://{bare}:word@127.0.0.1:{}/{}", server().port(), world.database());
    for arguments in OF_THE_OWNER.into_iter().skip(1) {
        let line = refusal(arguments, &[("DATABASE_URL", &url)]).await;
        assert!(line.contains(&format!("`GRANT posthorn_owner TO {bare}` for an operator")), "{arguments:?}: {line}");
    }
}

#[tokio::test]
async fn without_an_address_of_the_database_it_is_said_how_that_is_given() {
    for arguments in OF_THE_OWNER.into_iter().chain([["serve"].as_slice(), &["doctor"], &["stats"], &["prune"]]) {
        let line = refusal(arguments, &[]).await;
        assert!(line.contains("Set DATABASE_URL, such as DATABASE_URL=postgres://"), "{arguments:?}: {line}");
    }
    let (status, lines) = Binary::start(&["prune"], &[]).run_to_end().await;
    assert!(status.code() == Some(2) && lines.join("\n").contains("--older-than"), "the other is told too: {lines:?}");
}

#[tokio::test]
async fn a_tenant_that_is_no_id_is_told_what_an_id_is_and_where_it_is_found() {
    for arguments in [["replay"].as_slice(), &["keys", "create"], &["keys", "list"], &["stats"], &["listen"]] {
        let arguments = [arguments, &["--tenant", "acme"]].concat();
        let (status, lines) =
            Binary::start(&arguments, &[("DATABASE_URL", "postgres://x@127.0.0.1:1/x")]).run_to_end().await;
        let said = lines.join("\n");
        assert!(
            status.code() == Some(2) && said.contains("SELECT id, name FROM posthorn.tenants"),
            "{arguments:?}: {said}"
        );
    }
}

#[tokio::test]
async fn who_listens_for_a_tenant_that_there_is_not_is_told_so() {
    let world = World::new().await;
    let arguments = ["listen", "--bind", "127.0.0.1:0", "--subscribe", "a.*", "--tenant", TENANT];
    let url = world.url();
    let line = refusal(&arguments, &[("DATABASE_URL", url.expose_secret()), ("POSTHORN_KEYRING", KEYRING)]).await;
    assert!(line.contains(&format!("there is no tenant {TENANT}")) && line.contains("keys create"), "{line}");
}

#[tokio::test]
async fn no_line_says_the_same_twice() {
    let world = World::new().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let no_server = "postgres://nobody@127.0.0.1:1/x";
    let no_database = world.url().expose_secret().replace(world.database(), "no_such_database");
    let here = world.url();
    let mut lines = Vec::new();
    for url in [no_server, &no_database] {
        for arguments in OF_THE_OWNER.into_iter().chain([["stats"].as_slice(), &["serve"], &["rekey"]]) {
            lines.push(refusal(arguments, &[("DATABASE_URL", url), ("POSTHORN_KEYRING", KEYRING)]).await);
        }
    }
    let env = [("DATABASE_URL", here.expose_secret()), ("POSTHORN_KEYRING", KEYRING)];
    lines.push(refusal(&["serve", "--bind", &taken], &env).await);
    lines.push(refusal(&["listen", "--bind", &taken], &env).await);
    let empty = World::empty().await.url();
    lines.push(refusal(&["stats"], &[("DATABASE_URL", empty.expose_secret())]).await);
    for line in lines {
        let parts: Vec<&str> = line.split(": ").collect();
        let twice = parts.iter().enumerate().find(|(n, part)| parts[..*n].iter().any(|before| before.contains(*part)));
        assert!(twice.is_none(), "{twice:?} in {line}");
    }
}
