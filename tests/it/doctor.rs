//! `posthorn doctor`: each planted fault is named with its mend, the mend mends it, and a healthy database has none.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use posthorn::domain::secret::Secret;
use posthorn::store::{migrate, sql};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::harness::bouncer::{Bouncer, POOL};
use crate::harness::{Binary, KEYRING, OwnCluster, Serving, World, server};

const PASSWORD: &str = "password-of-a-test";

/// Another key than the one that tests seal with, of another name.
const OTHER_KEYRING: &str = "other:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// What one run said.
struct Told {
    is_well: bool,
    report: Value,
    text: String,
}

impl Told {
    /// The faults and warnings, as check, finding and mend.
    fn ills(&self) -> Vec<(String, String, String)> {
        let text = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
        let findings = self.report["findings"].as_array().unwrap().iter();
        let ills = findings.filter(|finding| finding["severity"] != "ok");
        ills.map(|ill| (text(ill, "check"), text(ill, "finding"), text(ill, "mend"))).collect()
    }

    /// The one ill of a check, whose finding has these words.
    fn ill(&self, check: &str, words: &str) -> (String, String) {
        let ills = self.ills();
        let found = ills.iter().find(|(of, finding, _)| of == check && finding.contains(words));
        let (_, finding, mend) = found.unwrap_or_else(|| panic!("no {check} with {words:?} in {}", self.text));
        assert!(!mend.is_empty(), "{finding}");
        (finding.clone(), mend.clone())
    }

    fn faults(&self) -> u64 {
        self.report["faults"].as_u64().unwrap()
    }

    fn has(&self, check: &str, words: &str) -> bool {
        self.ills().iter().any(|(of, finding, _)| of == check && finding.contains(words))
    }
}

/// Runs it with these settings beside what `serve` needs.
async fn doctor_with(url: &str, arguments: &[&str], settings: &[(&str, &str)]) -> Told {
    let mut env = vec![("DATABASE_URL", url), ("POSTHORN_BIND", "127.0.0.1:0")];
    if !settings.iter().any(|(name, _)| name.starts_with("POSTHORN_KEYRING")) {
        env.push(("POSTHORN_KEYRING", KEYRING));
    }
    env.extend_from_slice(settings);
    let (status, lines) = Binary::start(&[&["doctor", "--json"], arguments].concat(), &env).run_to_end().await;
    let text = lines.join("\n");
    let line = lines.iter().find(|line| line.starts_with('{')).unwrap_or_else(|| panic!("no report: {text}"));
    let told = Told { is_well: status.success(), report: serde_json::from_str(line).unwrap(), text };
    assert_eq!(told.is_well, told.faults() == 0, "{}", told.text);
    assert!(!told.text.contains(PASSWORD) && !told.text.contains("AAECAwQF"), "a secret is told: {}", told.text);
    told
}

async fn doctor(world: &World) -> Told {
    doctor_with(world.url().expose_secret(), &[], &[]).await
}

/// Runs what a mend says, statement by statement as `psql` does.
async fn mend(db: &tokio_postgres::Client, mend: &str) {
    for statement in mend.split("; ") {
        db.batch_execute(statement).await.unwrap_or_else(|error| panic!("{statement}: {error:?}"));
    }
}

/// What the tables of a migrated database have, as `src/cli/doctor/parts.txt` has it.
#[tokio::test]
async fn the_list_of_parts_is_what_the_migrations_make() {
    let world = World::new().await;
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/cli/doctor/parts.txt");
    let rows = world.db.query(sql::DOCTOR_PARTS.text, &[]).await.unwrap();
    let field = |part: &Value, key: &str| part[key].as_str().unwrap().to_owned();
    let lines = rows.iter().map(|row| {
        let part: Value = row.get("facts");
        assert!(part["is_sound"].as_bool().unwrap(), "{part}");
        ["kind", "owner", "name", "made_by"].map(|key| field(&part, key)).join("\t") + "\n"
    });
    let there: String = lines.collect();
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(path, &there).unwrap();
    }
    // how a server prints a statement differs between versions; what there is does not
    let keys = |text: &str| {
        text.lines().map(|line| line.rsplit_once('\t').unwrap().0.to_owned()).collect::<std::collections::BTreeSet<_>>()
    };
    let committed = std::fs::read_to_string(path).unwrap();
    assert_eq!(keys(&committed), keys(&there), "renew it with UPDATE_SCHEMA=1");
    assert!(keys(&there).len() > 300 && there.contains("webhook_deliveries_live_claim_idx"), "{}", there.len());
}

#[tokio::test]
async fn a_healthy_installation_has_no_fault_and_nothing_is_changed() {
    let serving = Serving::start().await;
    let world = &serving.world;
    let tenant = world.tenant("a").await;
    world.subscribe_signed(tenant, "https://127.0.0.1:1/", &["*"], &Secret::generate()).await;
    let fingerprint = "SELECT md5(string_agg(format('%s %s %s', relname, n_tup_ins, n_tup_upd + n_tup_del), ',' ORDER BY relname))
                       FROM pg_stat_user_tables WHERE schemaname = 'posthorn' AND relname NOT IN ('dispatchers', 'claim_floors')";
    let changes = async || world.db.query_one(fingerprint, &[]).await.unwrap().get::<_, String>(0);
    let before = changes().await;
    let told = doctor(world).await;
    assert!(told.is_well && told.faults() == 0, "{}", told.text);
    // only that tests log in as a superuser
    assert!(told.ills().iter().all(|(_, finding, _)| finding.contains("superuser")), "{:?}", told.ills());
    let checks = told.report["findings"].as_array().unwrap().len();
    assert!(checks >= 20, "{checks} checks: {}", told.text);
    assert_eq!(changes().await, before);
}

/// What a superuser can spoil and mend by a statement, on a server of its own, one after the other: each run has the one fault, so
/// that the mend before has helped.
#[tokio::test]
async fn what_a_statement_spoils_is_found_and_its_mend_mends_it() {
    let own = OwnCluster::new(&[]).await;
    let url = own.login("app", PASSWORD, "posthorn_api, posthorn_dispatcher, posthorn_admin").await;
    let db = own.client().await;
    let healthy = doctor_with(&url, &[], &[]).await;
    assert!(healthy.is_well, "{}", healthy.text);
    for (spoil, check, words) in [
        ("ALTER ROLE posthorn_api BYPASSRLS", "rights", "posthorn_api has BYPASSRLS"),
        ("ALTER ROLE posthorn_dispatcher SUPERUSER", "rights", "posthorn_dispatcher is a superuser"),
        ("GRANT posthorn_owner TO posthorn_api", "rights", "is a member of posthorn_owner"),
        ("REVOKE posthorn_dispatcher FROM app", "rights", "may not become posthorn_dispatcher"),
        (
            "REVOKE SELECT ON posthorn.webhook_attempts FROM posthorn_dispatcher",
            "grants",
            "SELECT TO posthorn_dispatcher",
        ),
        ("REVOKE UPDATE (due_at) ON posthorn.webhook_deliveries FROM posthorn_dispatcher", "grants", "UPDATE (due_at)"),
        (
            "DROP INDEX posthorn.webhook_deliveries_live_claim_idx",
            "index",
            "lacks 1 index: webhook_deliveries_live_claim_idx",
        ),
        ("ALTER TABLE posthorn.outbox DISABLE TRIGGER ALL", "trigger", "of posthorn.outbox is disabled"),
        ("ALTER TABLE posthorn.tenants DISABLE ROW LEVEL SECURITY", "row security", "posthorn.tenants is switched off"),
        ("DROP POLICY every_row ON posthorn.webhook_deliveries", "row security", "lacks policy every_row"),
        ("ALTER ROLE app SET default_transaction_read_only = on", "server", "default_transaction_read_only is on"),
        ("ALTER DATABASE posthorn SET synchronous_commit = off", "server", "synchronous_commit is off"),
        ("ALTER ROLE app SET idle_session_timeout = '5s'", "server", "idle_session_timeout is 5000"),
        ("ALTER ROLE app CONNECTION LIMIT 3", "connections", "the login may have 3 connections"),
        (
            "INSERT INTO posthorn.instance (system_identifier, database_oid) VALUES (1, 1)",
            "copy",
            "a dump was restored into this database",
        ),
    ] {
        db.batch_execute(spoil).await.unwrap_or_else(|error| panic!("{spoil}: {error:?}"));
        let told = doctor_with(&url, &[], &[]).await;
        let (finding, says) = told.ill(check, words);
        let warnings = ["synchronous_commit", "idle_session_timeout"];
        let is_fault = !warnings.iter().any(|warning| spoil.contains(warning));
        assert_eq!(told.is_well, !is_fault, "{spoil}: {}", told.text);
        if says == "posthorn resume" {
            let (status, lines) = Binary::start(&["resume"], &[("DATABASE_URL", &*own.url())]).run_to_end().await;
            assert!(status.success(), "{lines:?}");
        } else if spoil.contains("TRIGGER ALL") {
            // one finding for each trigger
            for (_, _, says) in told.ills().iter().filter(|(check, _, _)| check == "trigger") {
                mend(&db, says).await;
            }
        } else {
            mend(&db, &says).await;
        }
        let told = doctor_with(&url, &[], &[]).await;
        assert!(told.is_well && !told.has(check, words), "{finding} is there still after {says}: {}", told.text);
    }
}

#[tokio::test]
async fn an_index_that_could_not_be_built_is_found() {
    let world = World::new().await;
    for _ in 0..2 {
        world.tenant("twice").await;
    }
    let build = "CREATE UNIQUE INDEX CONCURRENTLY tenants_own_name ON posthorn.tenants (name)";
    world.db.execute(build, &[]).await.unwrap_err();
    let (_, says) = doctor(&world).await.ill("index", "tenants_own_name of tenants is invalid");
    mend(&world.db, &says).await;
    let spoil = "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'posthorn.circuits_retry_idx'::regclass";
    world.db.execute(spoil, &[]).await.unwrap();
    let told = doctor(&world).await;
    assert!(!told.has("index", "tenants_own_name"));
    let (_, says) = told.ill("index", "circuits_retry_idx is invalid and not used");
    mend(&world.db, &says).await;
    let told = doctor(&world).await;
    assert!(told.is_well, "{}", told.text);
}

#[tokio::test]
async fn a_schema_that_is_not_there_or_newer_is_found() {
    let world = World::empty().await;
    let told = doctor(&world).await;
    let (_, says) = told.ill("schema", "there is no schema posthorn");
    let url = world.url();
    let arguments: Vec<_> = says.split(' ').skip(1).collect();
    let (status, lines) = Binary::start(&arguments, &[("DATABASE_URL", url.expose_secret())]).run_to_end().await;
    assert!(status.success(), "{lines:?}");
    assert!(doctor(&world).await.is_well);

    let known = migrate::known_version();
    let copy = "INSERT INTO posthorn.schema_history (version, name, applied_on, checksum)
                SELECT version + 1, name, applied_on, checksum FROM posthorn.schema_history ORDER BY version DESC LIMIT 1";
    world.db.execute(copy, &[]).await.unwrap();
    let (_, says) = doctor(&world).await.ill("schema", &format!("at version {}, newer", known + 1));
    assert!(says.contains("newer binary"), "{says}");
    world.db.execute("DELETE FROM posthorn.schema_history WHERE version >= $1", &[&known]).await.unwrap();
    let told = doctor(&world).await;
    let (_, says) = told.ill("schema", &format!("at version {}, this binary needs {known}", known - 1));
    assert_eq!(says, "posthorn migrate");
}

#[tokio::test]
async fn a_database_that_cannot_be_reached_is_a_finding_and_no_hang() {
    let world = World::new().await;
    let (port, database) = (server().port(), world.database().to_owned());
    let login = format!("doctor_{database}");
    let make = format!("CREATE ROLE {login} LOGIN PASSWORD '{PASSWORD}'");
    server().admin(&make).await.unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent_port = silent.local_addr().unwrap().port();
    for (url, words, says) in [
        (
            format!("postgres://{login}:wrong@127.0.0.1:{port}/{database}"),
            "password authentication failed",
            "right password",
        ),
        (
            format!("postgres://{login}:{PASSWORD}@127.0.0.1:{port}/no_such"),
            "does not exist",
            "CREATE DATABASE \"no_such\"",
        ),
        (format!("postgres://{login}:{PASSWORD}@{closed}/{database}"), "onnection refused", "start PostgreSQL"),
        (
            format!("postgres://{login}:{PASSWORD}@127.0.0.1:{port}/{database}?sslmode=verify-full"),
            "TLS",
            "sslrootcert",
        ),
        (format!("postgres://{login}:{PASSWORD}@no-such-host.invalid/{database}"), "no-such-host.invalid", "DNS"),
        (format!("postgres://{login}:{PASSWORD}@127.0.0.1:{silent_port}/{database}"), "not available", "firewall"),
        ("mysql://u:p@h/x".to_owned(), "must look like postgres://", "postgres://user:password"),
    ] {
        let started = Instant::now();
        let told = doctor_with(&url, &[], &[]).await;
        let (finding, mend) = told.ill("connection", "no session in");
        assert!(finding.contains(words) || told.has("dns", words), "{url}: {finding}");
        assert!(mend.contains(says), "{url}: {mend}");
        assert!(started.elapsed() < Duration::from_secs(15), "{url} took {:?}", started.elapsed());
    }
}

#[tokio::test]
async fn a_table_that_somebody_locks_is_a_finding_and_no_hang() {
    let world = World::new().await;
    let mut other = world.client().await;
    let lock = other.transaction().await.unwrap();
    lock.batch_execute("LOCK TABLE posthorn.webhook_subscriptions").await.unwrap();
    let started = Instant::now();
    let told = doctor(&world).await;
    told.ill("backlog", "lock timeout");
    told.ill("keyring", "could not be looked at");
    assert!(started.elapsed() < Duration::from_secs(18), "{:?}", started.elapsed());
    lock.rollback().await.unwrap();
    assert!(doctor(&world).await.is_well);
}

#[tokio::test]
async fn a_login_for_the_api_alone_has_nothing_to_mend() {
    let own = OwnCluster::new(&[]).await;
    let url = own.login("api_alone", PASSWORD, "posthorn_api").await;
    let told = doctor_with(&url, &[], &[("POSTHORN_ROLE", "api")]).await;
    // but that the server's administrators may be looked into by themselves alone
    assert!(told.is_well && told.ills().iter().all(|(check, _, _)| check == "held"), "{}", told.text);
    doctor_with(&url, &[], &[]).await.ill("rights", "may not become posthorn_dispatcher");
}

#[tokio::test]
async fn a_pooler_that_shares_sessions_is_found() {
    let world = World::new().await;
    let Some(bouncer) = Bouncer::start("transaction", POOL, &[&world.url()]).await else { return };
    let pooled: SecretString = bouncer.url(&world.url());
    let told = doctor_with(pooled.expose_secret(), &[], &[]).await;
    let (_, says) = told.ill("pooler", "transaction or statement mode");
    assert!(says.contains("past the pooler") && !told.is_well, "{says}");
    assert!(doctor(&world).await.is_well, "past it, as the mend says");
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_found() {
    let world = World::new().await;
    let Some(library) = crate::harness::faketime() else { return };
    let url = world.url();
    for (offset, severity) in [("-120s", "fault"), ("+5s", "warning"), ("+0", "ok")] {
        let fake =
            [("LD_PRELOAD", library.to_str().unwrap()), ("FAKETIME", offset), ("FAKETIME_DONT_FAKE_MONOTONIC", "1")];
        let told = doctor_with(url.expose_secret(), &[], &fake).await;
        let findings = told.report["findings"].as_array().unwrap();
        let clock = findings.iter().find(|finding| finding["check"] == "clock").unwrap();
        assert_eq!(clock["severity"], severity, "{clock}");
        assert_eq!(clock["mend"].as_str().is_some_and(|mend| mend.contains("NTP")), severity != "ok", "{clock}");
    }
}

#[tokio::test]
async fn who_holds_the_queue_back_is_found() {
    let world = World::new().await;
    let url = world.url();
    let told = doctor(&world).await;
    assert!(!told.has("held", "open"), "{}", told.text);

    let other = world.client().await;
    let pid: i32 = other.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    other.batch_execute("BEGIN; SELECT txid_current()").await.unwrap();
    let told = doctor_with(url.expose_secret(), &["--held-seconds", "0"], &[]).await;
    let (_, says) = told.ill("held", &format!("session {pid} "));
    assert_eq!(says, format!("SELECT pg_terminate_backend({pid})"));
    mend(&world.db, &says).await;

    let gid = format!("held in {}", world.database());
    let prepare = format!("BEGIN; INSERT INTO posthorn.tenants (name) VALUES ('never'); PREPARE TRANSACTION '{gid}'");
    world.db.batch_execute(&prepare).await.unwrap();
    let told = doctor_with(url.expose_secret(), &["--held-seconds", "0"], &[]).await;
    assert!(!told.has("held", &format!("session {pid} ")), "{}", told.text);
    let (_, says) = told.ill("held", &format!("prepared transaction {gid}"));
    mend(&world.db, &says).await;
    let told = doctor_with(url.expose_secret(), &["--held-seconds", "0"], &[]).await;
    assert!(!told.has("held", "prepared"), "{}", told.text);
}

#[tokio::test]
async fn a_key_that_is_missing_or_another_is_found() {
    let world = World::new().await;
    let url = world.url();
    let tenant = world.tenant("a").await;
    world.subscribe_signed(tenant, "https://receiver.example/", &["*"], &Secret::generate()).await;
    let with = async |keyring: &str| doctor_with(url.expose_secret(), &[], &[("POSTHORN_KEYRING", keyring)]).await;

    let told = with(OTHER_KEYRING).await;
    let (_, says) = told.ill("keyring", "1 value sealed with key test, which the keyring does not hold");
    assert!(says.contains("`test:…` back into the keyring") && !told.is_well, "{says}");
    assert!(with(&format!("{OTHER_KEYRING},{KEYRING}")).await.is_well, "put back as the mend says");

    let imposter = OTHER_KEYRING.replace("other:", "test:");
    with(&imposter).await.ill("keyring", "that the key of their name does not open");
    let told = doctor_with(url.expose_secret(), &[], &[("POSTHORN_KEYRING_FILE", "/no/such/keyring")]).await;
    told.ill("keyring", "/no/such/keyring cannot be used");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keyring");
    std::fs::write(&file, KEYRING).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let path = file.to_str().unwrap();
    let (_, says) = doctor_with(url.expose_secret(), &[], &[("POSTHORN_KEYRING_FILE", path)])
        .await
        .ill("keyring", "others can read it");
    assert!(says.contains("chmod 600"), "{says}");
}

#[tokio::test]
async fn receivers_that_cannot_be_reached_are_found_and_get_no_webhook() {
    let world = World::new().await;
    let url = world.url();
    let tenant = world.tenant("a").await;
    let open = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    world.subscribe(tenant, &format!("http://{}/hook?token={PASSWORD}", open.local_addr().unwrap()), &["*"]).await;
    world.subscribe(tenant, &format!("http://{closed}/hook?token={PASSWORD}"), &["*"]).await;
    world.subscribe(tenant, "https://no-such-host.invalid/hook", &["*"]).await;
    let dev = [("WEBHOOK_ALLOW_HTTP", "true"), ("WEBHOOK_ALLOW_NETWORKS", "127.0.0.0/8")];
    let told = doctor_with(url.expose_secret(), &["--receivers", "10"], &dev).await;
    told.ill("receivers", &format!("http://{closed}: connection refused"));
    let (_, says) = told.ill("receivers", "https://no-such-host.invalid: ");
    assert!(says.contains("name"), "{says}");
    assert!(told.text.contains("1 of 3 hosts of active subscriptions can be connected to"), "{}", told.text);
    let (mut caller, _) = open.accept().await.unwrap();
    let mut sent = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut caller, &mut sent).await.unwrap();
    assert!(sent.is_empty(), "{}", String::from_utf8_lossy(&sent));

    let told = doctor_with(url.expose_secret(), &["--receivers", "10"], &[]).await;
    let (_, says) = told.ill("receivers", &format!("http://{closed}: http is not allowed"));
    assert!(says.contains("WEBHOOK_ALLOW_NETWORKS"), "{says}");
    // without being asked to, it connects to nobody
    let told = doctor_with(url.expose_secret(), &[], &dev).await;
    told.ill("dns", "no-such-host.invalid");
    assert!(!told.has("receivers", ""), "{}", told.text);
    let also = tokio::time::timeout(Duration::from_millis(100), open.accept()).await;
    assert!(also.is_err(), "somebody connected");
}

#[tokio::test]
async fn deliveries_that_nobody_sends_and_suspended_subscriptions_are_found() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let suspended = world.subscribe(tenant, "https://receiver.example/", &["*"]).await;
    world.subscribe(tenant, "https://127.0.0.1:1/", &["*"]).await;
    world.publish(tenant, "invoice.paid", serde_json::json!({})).await;
    world.db.batch_execute("UPDATE posthorn.webhook_deliveries SET due_at = now() - interval '1 hour'").await.unwrap();
    let stop =
        "UPDATE posthorn.webhook_subscriptions SET status = 'suspended', status_reason = 'answered 410' WHERE id = $1";
    world.db.execute(stop, &[&suspended]).await.unwrap();
    let told = doctor(&world).await;
    let (_, says) = told.ill("dispatchers", "no dispatcher is alive, and deliveries wait");
    assert_eq!(says, "posthorn serve");
    told.ill("backlog", "2 deliveries are not finished");
    let (_, says) = told.ill("subscriptions", &format!("1 subscription suspended: {suspended} (answered 410)"));
    assert!(says.contains("/enable"), "{says}");
    assert_eq!(told.faults(), 2, "{}", told.text);
    let older = "INSERT INTO posthorn.dispatchers (host, pid, version, concurrency) VALUES ('far', 7, '0.0.1', 8)";
    world.db.execute(older, &[]).await.unwrap();
    doctor(&world).await.ill("dispatchers", "far (pid 7, version 0.0.1)");
}

#[tokio::test]
async fn receivers_that_fail_are_found_before_their_circuit_opens_and_after() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let add = "INSERT INTO posthorn.circuits (subscription_id, tenant_id, state, retry_at, failures_in_a_row, failing_since_at)
        VALUES ($1, $2, $3, now() + $4::text::interval, $5, now() - $6::text::interval)";
    let retry: Option<String> = None;
    let once = world.subscribe(tenant, "https://once.example/", &["*"]).await;
    world.db.execute(add, &[&once, &tenant, &"closed", &retry, &1_i32, &"3 minutes"]).await.unwrap();
    let recently = world.subscribe(tenant, "https://recently.example/", &["*"]).await;
    world.db.execute(add, &[&recently, &tenant, &"closed", &retry, &2_i32, &"1 second"]).await.unwrap();
    assert!(!doctor(&world).await.has("subscriptions", ""), "these may pass");

    let failing = world.subscribe(tenant, "https://failing.example/?token=secret-of-a-path", &["a.*"]).await;
    world.db.execute(add, &[&failing, &tenant, &"closed", &retry, &2_i32, &"3 minutes"]).await.unwrap();
    // one was tried, and many more wait that were not
    world.publish(tenant, "a.tried", serde_json::json!({})).await;
    let fail = "UPDATE posthorn.webhook_deliveries SET status = 'retrying', last_error = 'status 503', due_at = now() + interval '1 hour'
        WHERE subscription_id = $1";
    assert_eq!(world.db.execute(fail, &[&failing]).await.unwrap(), 1);
    world.publish_many(tenant, "a.waits", 120).await;
    let told = doctor(&world).await;
    let words = format!(
        "1 receiver fails: https://failing.example (subscription {failing}: for 3 min, 2 failures in a row, the last: status 503)"
    );
    let (_, says) = told.ill("subscriptions", &words);
    assert!(says.contains("posthorn.subscription_health"), "{says}");
    assert!(!told.text.contains("secret-of-a-path"), "{}", told.text);

    // opened by the share of failures: none in a row, and failing since it opened
    let open = world.subscribe(tenant, "https://open.example/", &["*"]).await;
    let half = "INSERT INTO posthorn.circuits (subscription_id, tenant_id, state, retry_at, changed_at, reason)
        VALUES ($1, $2, 'open', now() + interval '100 seconds', now() - interval '1 hour', '15 of 20 attempts failed')";
    world.db.execute(half, &[&open, &tenant]).await.unwrap();
    let told = doctor(&world).await;
    told.ill("subscriptions", "2 receivers fail: https://open.example");
    told.ill("subscriptions", "for 1 h 0 min, circuit open, next try in 1 min");
    told.ill("subscriptions", "15 of 20 attempts failed");
    // those that somebody disabled do not fail
    let disable = "UPDATE posthorn.webhook_subscriptions SET status = 'inactive' WHERE id = ANY ($1)";
    world.db.execute(disable, &[&vec![open, failing]]).await.unwrap();
    assert!(!doctor(&world).await.has("subscriptions", ""));
}

#[tokio::test]
async fn settings_that_cannot_work_are_found() {
    let world = World::new().await;
    let url = world.url();
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let with = async |settings: &[(&str, &str)]| doctor_with(url.expose_secret(), &[], settings).await;
    let told = with(&[
        ("POSTHORN_ADMIN_TOKEN", "short"),
        ("WEBHOOK_ALLOW_NETWORKS", "0.0.0.0/0,10.0.0.0/7"),
        ("WEBHOOK_CA_FILE", "/no/such/file"),
        ("POSTHORN_JWT_ISSUER", "https://issuer.example"),
        ("POSTHORN_JWT_KEY", "x"),
        ("POSTHORN_RETENTION_DAYS", "1"),
        ("WEBHOOK_RETRY_SCHEDULE", "24h,48h"),
    ])
    .await;
    for words in [
        "POSTHORN_ADMIN_TOKEN",
        "0.0.0.0/0, in which clouds",
        "10.0.0.0/7, which is very wide",
        "JWT",
        "retries go on for up to 3 days",
    ] {
        told.ill("settings", words);
    }
    told.ill("certificates", "/no/such/file");
    let told = with(&[("POSTHORN_BIND", &taken)]).await;
    let (_, says) = told.ill("port", &format!("another program listens on {taken}"));
    assert!(says.contains("POSTHORN_BIND"), "{says}");
    let told = with(&[("WEBHOOK_ALLOW_HTTP", "true"), ("POSTHORN_PUBLIC_URL", "https://hooks.example")]).await;
    told.ill("settings", "payloads may travel in clear");
    told.ill("settings", "/metrics is open");
}

#[tokio::test]
async fn for_people_it_is_text_with_the_words_and_no_colour_in_a_pipe() {
    let world = World::empty().await;
    let url = world.url();
    let env = [("DATABASE_URL", url.expose_secret()), ("POSTHORN_KEYRING", KEYRING), ("POSTHORN_BIND", "127.0.0.1:0")];
    let (status, lines) = Binary::start(&["doctor"], &env).run_to_end().await;
    let text = lines.join("\n");
    assert_eq!(status.code(), Some(1), "{text}");
    assert!(text.contains("FAULT    schema") && text.contains("mend: posthorn migrate"), "{text}");
    assert!(text.contains("1 fault found") && !text.contains('\x1b'), "{text}");
}
