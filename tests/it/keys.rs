//! `posthorn keys`: made once, listed without the secret, refused from the moment it is revoked.

use secrecy::ExposeSecret;
use uuid::Uuid;

use crate::harness::{Binary, REVOKED_WITHIN, Serving, World, eventually};

/// Runs `posthorn keys …`; answers with whether it succeeded and everything it wrote.
async fn keys(world: &World, arguments: &[&str]) -> (bool, Vec<String>) {
    let arguments: Vec<&str> = ["keys"].iter().chain(arguments).copied().collect();
    let command = Binary::start(&arguments, &[("DATABASE_URL", world.url().expose_secret())]);
    let (status, lines) = command.run_to_end().await;
    (status.success(), lines)
}

#[tokio::test]
async fn a_key_is_shown_once_works_and_is_revoked() {
    let serving = Serving::start().await;
    let world = &serving.world;
    let tenant = Uuid::now_v7();
    let named = tenant.to_string();
    let (is_made, lines) = keys(world, &["create", "--tenant", &named, "--name", "billing"]).await;
    assert!(is_made, "{lines:?}");
    assert!(lines.iter().any(|line| line.contains(&format!("added tenant {tenant}"))), "{lines:?}");
    let shown: Vec<&String> = lines.iter().filter(|line| line.starts_with("phk_")).collect();
    assert_eq!(shown.len(), 1, "{lines:?}");
    let key = shown[0];
    let (_, more) = keys(world, &["create", "--tenant", &named]).await;
    assert!(!more.iter().any(|line| line.contains("added tenant")), "{more:?}");

    let api = serving.nobody().bearer(key);
    assert_eq!(api.subscribe("https://receiver.example/", "a.b").await["tenant_id"], named);

    let id = key.split('_').nth(1).unwrap();
    let secret = key.rsplit('_').next().unwrap();
    keys(world, &["create", "--tenant", &Uuid::now_v7().to_string(), "--name", "elsewhere"]).await;
    let (_, all) = keys(world, &["list"]).await;
    let (_, own) = keys(world, &["list", "--tenant", &named]).await;
    assert_eq!((all.len(), own.len()), (3, 2), "{all:?}");
    let line = own.iter().find(|line| line.starts_with(id)).unwrap();
    let columns: Vec<&str> = line.split('\t').collect();
    assert_eq!((columns[1], columns[2], columns[4]), (named.as_str(), "active", "billing"), "{line}");
    assert!(!all.concat().contains(secret), "{all:?}");

    let (is_revoked, lines) = keys(world, &["revoke", id]).await;
    assert!(is_revoked && lines[0].contains("revoked"), "{lines:?}");
    eventually("the key is refused", REVOKED_WITHIN, async || api.get("/subscriptions").await.status == 401).await;
    let (is_revoked_again, again) = keys(world, &["revoke", id]).await;
    assert!(is_revoked_again, "{again:?}");
    assert_eq!(again, lines);
}

#[tokio::test]
async fn a_key_may_do_less_and_end() {
    let world = World::new().await;
    let tenant = Uuid::now_v7().to_string();
    let narrow = ["create", "--tenant", &tenant, "--scopes", "publish,read", "--expires-at", "2001-01-31T12:00:00Z"];
    let (is_made, lines) = keys(&world, &narrow).await;
    assert!(is_made, "{lines:?}");
    let (_, listed) = keys(&world, &["list"]).await;
    let columns: Vec<&str> = listed[0].split('\t').collect();
    assert_eq!((columns[2], columns[5]), ("expired", "read,publish"), "{listed:?}");
}

#[tokio::test]
async fn what_a_key_command_cannot_do_it_says() {
    let world = World::new().await;
    let tenant = Uuid::now_v7().to_string();
    let long = "x".repeat(201);
    for (arguments, words) in [
        (&["revoke", "0000000000"][..], "there is no key with id 0000000000"),
        (&["revoke", "' OR 1=1 --"], "there is no key with id ' OR 1=1 --"),
        (&["create", "--tenant", "x"], "invalid value 'x' for '--tenant"),
        (&["create"], "--tenant"),
        (&["create", "--tenant", &tenant, "--scopes", "all"], "must be one of read, publish, manage, keys"),
        (&["create", "--tenant", &tenant, "--name", &long], "200"),
    ] {
        let (is_done, lines) = keys(&world, arguments).await;
        let said = lines.join("\n");
        assert!(!is_done && said.contains(words), "{arguments:?}: {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
    assert_eq!(world.count("SELECT count(*) FROM posthorn.tenants").await, 0);
}

#[tokio::test]
async fn without_the_schema_it_says_what_to_do() {
    let world = World::empty().await;
    let (is_done, lines) = keys(&world, &["list"]).await;
    assert!(!is_done && lines.join("\n").contains("posthorn migrate"), "{lines:?}");
}
