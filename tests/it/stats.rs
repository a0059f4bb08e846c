//! `posthorn stats`: the figures are those of the database, once and live, and it outlives the database.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use secrecy::ExposeSecret;
use serde_json::Value;
use uuid::Uuid;

use crate::harness::{Answer, Binary, Receiver, SOON, Serving, World, eventually, server};

/// Runs it once as a program that reads JSON does.
async fn figures(url: &str, arguments: &[&str]) -> Value {
    let arguments = [&["stats", "--json"], arguments].concat();
    let (status, lines) = Binary::start(&arguments, &[("DATABASE_URL", url)]).run_to_end().await;
    assert!(status.success(), "{lines:?}");
    serde_json::from_str(&lines[0]).unwrap()
}

#[tokio::test]
async fn the_figures_are_what_happened() {
    let serving = Serving::start().await;
    let world = &serving.world;
    let receiver = Receiver::start(|path, _| Answer::status(if path.contains("bad") { 500 } else { 204 }));
    let (tenant, other) = (world.tenant("a").await, world.tenant("b").await);
    world.subscribe(tenant, &receiver.url("/good"), &["invoice.*"]).await;
    let bad = world.subscribe(tenant, &receiver.url("/bad?token=secret-of-a-path"), &["invoice.*"]).await;
    for n in 0..5 {
        world.publish(tenant, "invoice.paid", serde_json::json!({"n": n})).await;
    }
    let url = world.url();
    let url = url.expose_secret();
    eventually("the roll-up has it all", SOON, async || {
        let rates = &figures(url, &[]).await["rates"][0];
        rates["delivered"] == 5 && rates["retried"].as_i64().is_some_and(|retried| retried >= 5)
    })
    .await;
    let told = figures(url, &[]).await;
    assert_eq!(told["queue"]["waiting"], 5, "those of the bad one wait: {told}");
    for span in told["rates"].as_array().unwrap() {
        assert_eq!(span["delivered"], 5, "{span}");
        assert!(span["delay_p50_ms"].as_f64().unwrap() <= span["delay_p99_ms"].as_f64().unwrap(), "{span}");
    }
    assert_eq!(told["dispatchers"][0]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(told["dispatchers"][0]["pid"], serving.binary.pid());
    assert_eq!(told["worst_subscriptions"][0]["id"], bad.to_string(), "{told}");
    assert_eq!(told["worst_subscriptions"][0]["state"], "failing");
    assert_eq!(told["top_event_types"][0]["event"], "invoice.paid");
    assert_eq!(told["top_event_types"][0]["delivered"], 5);

    let of_other = figures(url, &["--tenant", &other.to_string()]).await;
    assert_eq!((&of_other["queue"]["waiting"], &of_other["rates"][1]["attempts"]), (&0.into(), &0.into()));
    assert!(of_other["worst_subscriptions"].as_array().unwrap().is_empty(), "{of_other}");
    let of_tenant = figures(url, &["--tenant", &tenant.to_string()]).await;
    assert_eq!(of_tenant["queue"]["waiting"], 5);

    let open = "UPDATE posthorn.circuits SET state = 'open', retry_at = now() + interval '90 seconds' WHERE subscription_id = $1";
    assert_eq!(world.db.execute(open, &[&bad]).await.unwrap(), 1);
    // for people, and for a pipe: no sequences of a terminal, no secret of a path
    let (status, lines) = Binary::start(&["stats"], &[("DATABASE_URL", url)]).run_to_end().await;
    let text = lines.join("\n");
    assert!(
        status.success() && text.contains("waiting 5") && text.contains("failing") && text.contains("invoice.paid"),
        "{text}"
    );
    assert!(text.contains("circuit open, next try in 1 min 2") && text.contains("for less than 1 min"), "{text}");
    assert!(!text.contains('\x1b') && !text.contains("secret-of-a-path"), "{text}");
}

#[tokio::test]
async fn a_login_that_may_not_look_is_told_the_grant() {
    let world = World::new().await;
    let login = format!("stats_{}", world.database());
    server().admin(&format!("CREATE ROLE {login} LOGIN PASSWORD 'word'")).await.unwrap();
    let url = format!("postgres://{login}:word@127.0.0.1:{}/{}", server().port(), world.database());
    let (status, lines) = Binary::start(&["stats"], &[("DATABASE_URL", &*url)]).run_to_end().await;
    let said = lines.join("\n");
    assert!(!status.success() && said.contains("GRANT posthorn_readonly TO"), "{said}");
    server().admin(&format!("GRANT posthorn_readonly TO {login}")).await.unwrap();
    assert_eq!(figures(&url, &[]).await["queue"]["waiting"], 0);
    let empty = World::empty().await;
    let (status, lines) =
        Binary::start(&["stats"], &[("DATABASE_URL", empty.url().expose_secret())]).run_to_end().await;
    assert!(!status.success() && lines.join("\n").contains("posthorn migrate"), "{lines:?}");
}

/// The program in a terminal of 30 lines and 100 columns.
struct Terminal {
    child: Child,
    keys: File,
    shown: Arc<Mutex<String>>,
}

impl Terminal {
    fn start(arguments: &[&str], url: &str) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let size = Winsize { ws_row: 30, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&ours, size).unwrap();
        let path = ptsname(&ours, Vec::new()).unwrap();
        let theirs = || Stdio::from(File::options().read(true).write(true).open(path.to_str().unwrap()).unwrap());
        let child = Command::new(env!("CARGO_BIN_EXE_posthorn"))
            .args(arguments)
            .env_clear()
            .env("DATABASE_URL", url)
            .stdin(theirs())
            .stdout(theirs())
            .stderr(theirs())
            .spawn()
            .unwrap();
        let keys = File::from(ours);
        let shown = Arc::new(Mutex::new(String::new()));
        let (mut reader, copy) = (keys.try_clone().unwrap(), Arc::clone(&shown));
        std::thread::spawn(move || {
            let mut some = [0; 4096];
            // an error: nobody has the other end any more
            while let Ok(count) = reader.read(&mut some) {
                copy.lock().unwrap().push_str(&String::from_utf8_lossy(&some[..count]));
            }
        });
        Self { child, keys, shown }
    }

    /// What is on the screen: all since it was last written from the top.
    fn screen(&self) -> String {
        self.shown.lock().unwrap().rsplit("\x1b[H").next().unwrap().to_owned()
    }

    async fn wait_for(&self, part: &str) {
        eventually(&format!("{part:?} on the screen"), SOON, async || self.screen().contains(part)).await;
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn the_table_lives_outlives_the_database_and_ends_with_q() {
    let world = World::new().await;
    let tenant: Uuid = world.tenant("a").await;
    world.subscribe(tenant, "https://receiver.example/", &["*"]).await;
    let url = world.url();
    let mut terminal = Terminal::start(&["stats", "--every", "1"], url.expose_secret());
    terminal.wait_for("waiting 0").await;
    assert!(terminal.screen().contains("q quits"), "{}", terminal.screen());
    world.publish(tenant, "invoice.paid", serde_json::json!({})).await;
    terminal.wait_for("waiting 1").await;

    let database = world.database();
    let gone = format!("ALTER DATABASE {database} ALLOW_CONNECTIONS false");
    server().admin(&gone).await.unwrap();
    let end = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'");
    server().admin(&end).await.unwrap();
    terminal.wait_for("does not answer, trying again").await;
    server().admin(&gone.replace("false", "true")).await.unwrap();
    terminal.wait_for("waiting 1").await;

    terminal.keys.write_all(b"xq").unwrap();
    eventually("it has ended", SOON, async || terminal.shown.lock().unwrap().contains("\x1b[?1049l")).await;
    assert!(terminal.child.wait().unwrap().success());
}
