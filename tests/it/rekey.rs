//! `posthorn rekey`: every sealed value gets under the new key, once, whatever happens meanwhile, and none is lost.

use posthorn::domain::keyring::{Keyring, Purpose};
use posthorn::domain::secret::Secret;
use posthorn::store::StoreRole;
use posthorn::store::sealed::{self, Change, SealedTable};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::harness::api::{id_of, start};
use crate::harness::{Answer, Api, Binary, KEYRING, Receiver, SOON, Serving, World, eventually, page, server};

/// A keyring with a key of its own.
const NEW: &str = "new:Pz8/Pz8/Pz8/Pz8/Pz8/Pz8/Pz8/Pz8/Pz8/Pz8/Pz8=";

/// The same with the key of the tests behind it.
fn both() -> String {
    format!("{NEW},{KEYRING}")
}

fn rekey(world: &World, keyring: &str, arguments: &[&str]) -> Binary {
    let arguments = [&["rekey"], arguments].concat();
    Binary::start(&arguments, &[("DATABASE_URL", world.url().expose_secret()), ("POSTHORN_KEYRING", keyring)])
}

/// Runs it to its end; answers with whether it succeeded, and what it wrote.
async fn rekeyed(world: &World, keyring: &str, arguments: &[&str]) -> (bool, String) {
    let (status, lines) = rekey(world, keyring, arguments).run_to_end().await;
    (status.success(), lines.join("\n"))
}

/// Values that a key has sealed, over every sealed column there is: found by type, so that a later one is not forgotten.
async fn sealed_by(world: &World, key: &str) -> i64 {
    let find = "SELECT format('SELECT %I AS v FROM posthorn.%I', a.attname, c.relname) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                WHERE c.relnamespace = 'posthorn'::regnamespace AND c.relkind = 'r' AND a.atttypid = 'bytea'::regtype
                  AND a.attname !~ 'sha256' ORDER BY 1";
    let columns: Vec<String> = world.db.query(find, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    assert_eq!(columns.len(), 6, "a new sealed column? store::sealed must know it: {columns:?}");
    let all = columns.join(" UNION ALL ");
    let sql = format!("SELECT count(*) FROM ({all}) s WHERE get_byte(v, 0) = 1 AND substr(v, 3, get_byte(v, 1)) = $1");
    world.db.query_one(&sql, &[&key.as_bytes()]).await.unwrap().get(0)
}

/// So many signed subscriptions of one tenant, with their secrets.
async fn subscriptions(world: &World, tenant: Uuid, count: usize) -> Vec<(Uuid, Secret)> {
    let mut made = Vec::new();
    for _ in 0..count {
        let secret = Secret::generate();
        made.push((world.subscribe_signed(tenant, "https://receiver.example/", &["*"], &secret).await, secret));
    }
    made
}

/// The secret as it is stored now.
async fn stored(world: &World, id: Uuid) -> Vec<u8> {
    let sql = "SELECT s.secret FROM posthorn.webhook_subscriptions s WHERE s.id = $1";
    world.db.query_one(sql, &[&id]).await.unwrap().get(0)
}

async fn set_secret(db: &Client, id: Uuid, sealed: &[u8]) {
    let sql = "UPDATE posthorn.webhook_subscriptions SET secret = $2 WHERE id = $1";
    assert_eq!(db.execute(sql, &[&id, &sealed]).await.unwrap(), 1);
}

fn keyring(text: &str) -> Keyring {
    Keyring::parse(text).unwrap()
}

/// A subscription with something in every sealed column, made and changed by the API with an Idempotency-Key.
async fn full_subscription(api: &Api, url: &str) -> (Value, String) {
    let ca = rcgen::generate_simple_self_signed(["client".to_owned()]).unwrap();
    let body = json!({"url": url, "event": "a.b", "headers": {"X-Api-Key": "own-1"},
        "credentials": {"type": "bearer", "token": "token-1"},
        "client_certificate": ca.cert.pem(), "client_key": ca.signing_key.serialize_pem()});
    let made = api.clone().with("Idempotency-Key", "once").post("/subscriptions", &body).await.ok(201);
    let rotated = api.act(&format!("/subscriptions/{}/rotate-secret", id_of(&made))).await.ok(200);
    let secret = rotated["secret"].as_str().unwrap_or_else(|| panic!("{rotated}")).to_owned();
    (body, secret)
}

#[tokio::test]
async fn every_value_gets_under_the_first_key_and_opens_without_the_old_one() {
    let serving = Serving::start().await;
    let receiver = Receiver::start(|_, _| Answer::status(204));
    let (tenant, api) = serving.tenant("a").await;
    let (body, secret) = full_subscription(&api, &receiver.url("/full")).await;
    let world = &serving.world;
    let before = api.get("/subscriptions").await.ok(200)["data"][0].clone();
    let values = sealed_by(world, "test").await;
    assert_eq!(values, 6, "secret, the one before, headers, credentials, client key, answer");

    let (is_done, said) = rekeyed(world, &both(), &["--json"]).await;

    assert!(is_done, "{said}");
    let report: Value = serde_json::from_str(&said).unwrap();
    let keys = json!([{"id": "new", "values": 6, "is_held": true, "seals": true},
                      {"id": "test", "values": 0, "is_held": true, "seals": false}]);
    assert_eq!(report, json!({"keys": keys, "resealed": 6, "left": 0, "unopened": []}));
    assert_eq!((sealed_by(world, "test").await, sealed_by(world, "new").await), (0, 6));

    let (is_done, said) = rekeyed(world, &both(), &[]).await;
    assert!(is_done && said.contains("resealed 0 values"), "run again it has nothing to do: {said}");

    // to the tenant nothing has changed, and the audit log says what was done
    assert_eq!(api.get("/subscriptions").await.ok(200)["data"][0], before);
    let log = "SELECT string_agg(actor || ' ' || action, ', ') FROM posthorn.audit_log WHERE action ~ 'secret' AND tenant_id = $1";
    let log: String = world.db.query_one(log, &[&tenant]).await.unwrap().get(0);
    assert!(log.contains("rekey secret.resealed") && log.matches("secret.rotated").count() == 1, "{log}");

    // a process that never had the old key sends with all of it, and repeats the answer
    serving.binary.kill().await;
    let alone = start(world.url().expose_secret(), &[("POSTHORN_KEYRING", NEW)]);
    let ready = alone.wait_for_line("posthorn is ready on http://", SOON).await;
    let api = Api::nobody_at(ready.rsplit("http://").next().unwrap()).authorized_as(&api);
    let again = api.clone().with("Idempotency-Key", "once").post("/subscriptions", &body).await;
    assert_eq!((again.status, again.headers.contains_key("idempotency-replayed")), (201, true), "{}", again.text);
    world.publish(tenant, "a.b", json!({})).await;
    let got = receiver.wait_for(1, SOON).await.remove(0);
    assert_eq!(
        (&got.headers["x-api-key"], &got.headers["authorization"]),
        (&"own-1".parse().unwrap(), &"Bearer token-1".parse().unwrap())
    );
    let standard = Secret::parse("secret", &secret).unwrap().standard_key();
    Webhook::from_bytes(standard.to_vec()).unwrap().verify(&got.body, &got.headers).unwrap();
}

#[tokio::test]
async fn killed_in_the_middle_it_loses_nothing_and_goes_on_when_run_again() {
    let world = World::new().await;
    let (tenant, busy) = (world.tenant("a").await, world.tenant("busy").await);
    let mut made = subscriptions(&world, tenant, 5).await;
    made.extend(subscriptions(&world, busy, 1).await);
    made.extend(subscriptions(&world, tenant, 5).await);
    // whoever changes a tenant makes the chunk with its subscription wait within its transaction: there it is killed
    let other = world.client().await;
    other.batch_execute("BEGIN; SELECT FROM posthorn.tenants WHERE name = 'busy' FOR UPDATE").await.unwrap();

    let running = rekey(&world, &both(), &["--chunk-rows", "4"]);
    let waits =
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')";
    world.until(waits).await;
    running.kill().await;
    other.batch_execute("COMMIT").await.unwrap();

    let gone =
        "SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '-- sealed/%'";
    world.until(gone).await;
    assert_eq!(
        (sealed_by(&world, "new").await % 4, sealed_by(&world, "test").await > 0),
        (0, true),
        "whole chunks only"
    );
    let (is_done, said) = rekeyed(&world, &both(), &["--chunk-rows", "4"]).await;
    assert!(is_done, "{said}");
    assert_eq!((sealed_by(&world, "new").await, sealed_by(&world, "test").await), (11, 0));
    for (index, (id, secret)) in made.iter().enumerate() {
        let of = if index == 5 { busy } else { tenant };
        assert_eq!(keyring(NEW).open(of, *id, &stored(&world, *id).await).as_ref(), Ok(secret));
    }
}

#[tokio::test]
async fn a_secret_rotated_meanwhile_stays_the_rotated_one() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let made = subscriptions(&world, tenant, 3).await;
    let (rotated, kept) = (Secret::generate(), &made[1]);
    // the API, with the old keyring still, is in the middle of a rotation
    let api = world.client().await;
    api.batch_execute("BEGIN").await.unwrap();
    set_secret(&api, made[0].0, &world.keyring().seal(tenant, made[0].0, &rotated)).await;

    let running = rekey(&world, &both(), &[]);
    eventually("the others are resealed, the one in hand is passed over", SOON, async || {
        sealed_by(&world, "new").await == 2
    })
    .await;
    api.batch_execute("COMMIT").await.unwrap();

    let (status, lines) = running.run_to_end().await;
    assert!(status.success(), "{lines:?}");
    let new = keyring(NEW);
    assert_eq!(new.open(tenant, made[0].0, &stored(&world, made[0].0).await), Ok(rotated));
    assert_eq!(new.open(tenant, kept.0, &stored(&world, kept.0).await).as_ref(), Ok(&kept.1));
}

#[tokio::test]
async fn what_was_read_before_a_rotation_is_not_written_after_it() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let made = subscriptions(&world, tenant, 2).await;
    let store = world.store(StoreRole::Rekey);
    let rows = sealed::page(&store, SealedTable::Subscriptions, None, 10).await.unwrap();
    let rotated = Secret::generate();
    set_secret(&world.db, made[0].0, &world.keyring().seal(tenant, made[0].0, &rotated)).await;

    let new = keyring(NEW);
    let changes = rows.into_iter().zip(&made).map(|(row, (id, secret))| {
        let mut new_values = row.values.clone();
        new_values[0] = Some(new.seal(tenant, *id, secret));
        Change { row, new_values, count: 1 }
    });
    let done = sealed::replace(&store, SealedTable::Subscriptions, &changes.collect::<Vec<_>>()).await.unwrap();

    assert_eq!(done, 1);
    assert_eq!(world.keyring().open(tenant, made[0].0, &stored(&world, made[0].0).await), Ok(rotated));
    assert_eq!(new.open(tenant, made[1].0, &stored(&world, made[1].0).await).as_ref(), Ok(&made[1].1));
}

#[tokio::test]
async fn dispatchers_deliver_all_the_while_and_mend_by_themselves() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(204));
    let secret = Secret::generate();
    for n in 0..20 {
        world.subscribe_signed(tenant, &receiver.url(&format!("/{n}")), &["*"], &secret).await;
    }
    // one that has both keys, and then one that was never given the old key
    let dispatcher =
        world.dispatch_as_shipped(keyring(&both()), &["--allow-http=true", "--allow-networks=127.0.0.0/8"]).await;
    let running = rekey(&world, &both(), &["--chunk-rows", "1"]);
    for n in 0..10 {
        world.publish(tenant, "invoice.paid", json!({"n": n})).await;
    }
    let (status, lines) = running.run_to_end().await;
    assert!(status.success(), "{lines:?}");
    world.until_status("delivered", 200).await;
    let webhook = Webhook::from_bytes(secret.standard_key().to_vec()).unwrap();
    for got in receiver.wait_for(200, SOON).await {
        webhook.verify(&got.body, &got.headers).unwrap();
    }
    assert_eq!(world.count("SELECT count(*) FROM posthorn.webhook_attempts WHERE error_kind IS NOT NULL").await, 0);
    dispatcher.stop().await;
}

#[tokio::test]
async fn a_dispatcher_without_the_old_key_sends_once_rekey_has_been() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(204));
    world.subscribe_signed(tenant, &receiver.url("/"), &["*"], &Secret::generate()).await;
    let local = ["--allow-http=true", "--allow-networks=127.0.0.0/8"];
    let dispatcher = world.dispatch_as_shipped(keyring(NEW), &local).await;
    world.publish(tenant, "invoice.paid", json!({})).await;
    world.until("SELECT count(*) = 1 FROM posthorn.webhook_attempts WHERE error_kind = 'secret_unavailable'").await;

    let (is_done, said) = rekeyed(&world, &both(), &[]).await;

    assert!(is_done, "{said}");
    world.pass_time(3600.0).await;
    world.until_status("delivered", 1).await;
    dispatcher.stop().await;
}

#[tokio::test]
async fn what_does_not_open_is_named_and_stops_nothing() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let made = subscriptions(&world, tenant, 5).await;
    let ids: Vec<Uuid> = made.iter().map(|(id, _)| *id).collect();
    // of a key thrown away too early, of another key by the same name, of two rows swapped, of no form at all
    let lost = keyring(&Keyring::generate_entry("lost")).seal(tenant, ids[0], &made[0].1);
    let imposter = keyring(&Keyring::generate_entry("test")).seal(tenant, ids[1], &made[1].1);
    set_secret(&world.db, ids[0], &lost).await;
    set_secret(&world.db, ids[1], &imposter).await;
    let swapped = [stored(&world, ids[3]).await, stored(&world, ids[2]).await];
    set_secret(&world.db, ids[2], &swapped[0]).await;
    set_secret(&world.db, ids[3], &swapped[1]).await;
    let headers = world.keyring().seal_text(tenant, ids[0], Purpose::Headers, r#"{"X-Own":"1"}"#);
    let sql = "UPDATE posthorn.webhook_subscriptions SET header_names = '{X-Own}', sealed_headers = $2 WHERE id = $1";
    world.db.execute(sql, &[&ids[0], &headers]).await.unwrap();

    let (is_checked, said) = rekeyed(&world, &both(), &["--check"]).await;
    assert!(!is_checked && said.contains("key lost: 1 values, NOT in the keyring"), "{said}");
    assert_eq!(sealed_by(&world, "new").await, 0, "a check changes nothing");

    let (is_done, said) = rekeyed(&world, &both(), &[]).await;

    assert!(!is_done && said.contains("4 values cannot be opened"), "{said}");
    for (id, why) in [(ids[0], "does not hold its key"), (ids[1], "same id"), (ids[2], "changed"), (ids[3], "changed")]
    {
        let line = said.lines().find(|line| line.contains(&id.to_string())).unwrap_or_else(|| panic!("{id}: {said}"));
        assert!(line.contains(why) && line.contains("secret"), "{line}");
    }
    assert_eq!(sealed_by(&world, "new").await, 2, "the one that opens, and the headers beside a secret that does not");
    for (id, was) in [(ids[0], lost), (ids[1], imposter), (ids[2], swapped[0].clone())] {
        assert_eq!(stored(&world, id).await, was, "what does not open is left as it is");
    }
    assert!(made.iter().all(|(_, secret)| !said.contains(secret.expose())));
}

#[tokio::test]
async fn a_check_tells_when_an_old_key_may_go() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    subscriptions(&world, tenant, 3).await;
    let (is_checked, said) = rekeyed(&world, &both(), &["--check"]).await;
    assert!(is_checked && said.contains("key test: 3 values") && said.contains("key new: 0 values, seals"), "{said}");
    let (is_checked, said) = rekeyed(&world, NEW, &["--check", "--json"]).await;
    assert!(!is_checked && said.contains(r#"{"id":"test","values":3,"is_held":false,"seals":false}"#), "{said}");
    assert!(rekeyed(&world, &both(), &[]).await.0);
    let (is_checked, said) = rekeyed(&world, &both(), &["--check"]).await;
    assert!(is_checked && said.contains("key test: 0 values, seals nothing in this database"), "{said}");
    assert!(rekeyed(&world, NEW, &["--check"]).await.0, "nothing needs the old key");
}

#[tokio::test]
async fn its_role_can_do_nothing_else() {
    let world = World::new().await;
    let login = format!("rekey_{}", world.database());
    let setup = format!("CREATE ROLE {login} LOGIN PASSWORD 'word'; GRANT posthorn_rekey TO {login}");
    server().admin(&setup).await.unwrap();
    let tenant = world.tenant("a").await;
    subscriptions(&world, tenant, 1).await;
    let url = format!("postgres://{login}:word@127.0.0.1:{}/{}", server().port(), world.database());
    let env = [("DATABASE_URL", &*url), ("POSTHORN_KEYRING", &both())];
    let (status, lines) = Binary::start(&["rekey"], &env).run_to_end().await;
    assert!(status.success(), "{lines:?}");

    let rekey = world.client_as("posthorn_rekey").await;
    for refused in [
        "SELECT url FROM posthorn.webhook_subscriptions",
        "UPDATE posthorn.webhook_subscriptions SET url = 'https://other.example/'",
        "INSERT INTO posthorn.webhook_subscriptions (tenant_id) VALUES (posthorn.uuid7())",
        "DELETE FROM posthorn.webhook_subscriptions",
        "UPDATE posthorn.idempotency_keys SET request_sha256 = answer",
        "SELECT payload FROM posthorn.outbox",
        "SELECT id FROM posthorn.webhook_deliveries",
        "SELECT secret_sha256 FROM posthorn.api_keys",
        "SELECT id FROM posthorn.audit_log",
        "SELECT posthorn.publish(posthorn.uuid7(), 'a.b', '{}')",
    ] {
        let error = rekey.batch_execute(refused).await.expect_err(refused);
        assert_eq!(error.code().map(|code| code.code()), Some("42501"), "{refused}: {error}");
    }
}

#[tokio::test]
async fn without_the_schema_it_says_what_to_do() {
    let (is_done, said) = rekeyed(&World::empty().await, &both(), &[]).await;
    assert!(!is_done && said.contains("posthorn migrate"), "{said}");
}

#[tokio::test]
async fn a_keyring_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;

    let world = World::new().await;
    let url = world.url();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyring");
    std::fs::write(&path, both()).unwrap();
    for (mode, is_taken) in [(0o644, false), (0o640, false), (0o604, false), (0o600, true), (0o400, true)] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let env = [("DATABASE_URL", url.expose_secret()), ("POSTHORN_KEYRING_FILE", path.to_str().unwrap())];
        let (status, lines) = Binary::start(&["rekey", "--check"], &env).run_to_end().await;
        let said = lines.join("\n");
        assert_eq!((status.success(), said.contains("chmod 600")), (is_taken, !is_taken), "{mode:o}: {said}");
        assert!(!said.contains(NEW.split_once(':').unwrap().1), "{said}");
        if !is_taken {
            let (status, lines) = Binary::start(&["serve"], &env).run_to_end().await;
            assert!(!status.success() && lines.join("\n").contains("chmod 600"), "{mode:o}: {lines:?}");
        }
    }
}

#[tokio::test]
async fn the_page_tells_the_steps_right() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let folder = tempfile::tempdir().unwrap();
    let page = page("secrets.md");
    let steps: Vec<&str> = page.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert_eq!(steps.len(), 6);
    let ids = || {
        let text = std::fs::read_to_string(folder.path().join("keyring")).unwrap();
        text.lines().map(|line| line.split(':').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_posthorn")).parent().unwrap().to_str().unwrap();
    let path = format!("{program}:{}", std::env::var("PATH").unwrap());
    let url = world.url();
    let mut after = Vec::new();
    for step in steps {
        let script = format!("set -e; cd {}; {step}", folder.path().display());
        let env = [("PATH", &*path), ("DATABASE_URL", url.expose_secret()), ("POSTHORN_KEYRING_FILE", "keyring")];
        let env = if step.contains("--keyring-file") { &env[..2] } else { &env };
        let (status, lines) = Binary::start_program("/bin/sh", &["-c", &script], env).run_to_end().await;
        assert!(status.success(), "{step}: {lines:?}");
        if after.is_empty() {
            let first = keyring(&std::fs::read_to_string(folder.path().join("keyring")).unwrap());
            let id = Uuid::now_v7();
            let sealed = first.seal(tenant, id, &Secret::generate());
            let sql = "INSERT INTO posthorn.webhook_subscriptions (id, tenant_id, url, events, secret)
                       VALUES ($1, $2, 'https://receiver.example/', '{*}', $3)";
            world.db.execute(sql, &[&id, &tenant, &sealed]).await.unwrap();
        }
        after.push(ids());
    }
    let want = [
        vec!["2026"],
        vec!["2026", "2027"],
        vec!["2027", "2026"],
        vec!["2027", "2026"],
        vec!["2027", "2026"],
        vec!["2027"],
    ];
    assert_eq!(after, want);
    assert_eq!((sealed_by(&world, "2027").await, sealed_by(&world, "2026").await), (1, 0));
}
