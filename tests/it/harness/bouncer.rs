//! PgBouncer before the test's server, as operators set it up: with passwords, in one of its three modes.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use secrecy::{ExposeSecret, SecretString};
use tempfile::TempDir;
use tokio_postgres::NoTls;
use url::Url;

use super::{SOON, eventually, server};

/// Connections to the server for each login and database: fewer than the clients of a test, so that these must share.
pub(crate) const POOL: usize = 2;

/// Where Debian puts it, which is not on everybody's PATH.
const PLACES: [&str; 2] = ["pgbouncer", "/usr/sbin/pgbouncer"];

/// A running PgBouncer; ended when dropped.
pub(crate) struct Bouncer {
    child: Child,
    folder: TempDir,
}

impl Bouncer {
    /// Starts one for the logins of these URLs; `None`, with a line that says so, where there is no PgBouncer.
    pub(crate) async fn start(mode: &str, pool: usize, logins: &[&SecretString]) -> Option<Self> {
        let program = PLACES.into_iter().find(|place| Command::new(place).arg("--version").output().is_ok());
        let Some(program) = program else {
            eprintln!("not tested: there is no pgbouncer here");
            return None;
        };
        let folder = tempfile::Builder::new().permissions(Permissions::from_mode(0o777)).tempdir().unwrap();
        // a folder's mode is cut by our umask, and started by root it runs as another user
        fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
        let [settings, users] = ["pgbouncer.ini", "users.txt"].map(|name| folder.path().join(name));
        fs::write(&settings, ini(folder.path(), &users, mode, pool)).unwrap();
        fs::write(&users, logins.iter().map(|url| user_line(url)).collect::<String>()).unwrap();
        let mut command = Command::new(program);
        if rustix::process::geteuid().is_root() {
            command.args(["--user", "postgres"]);
        }
        let child = command.arg("--quiet").arg(&settings).stdin(Stdio::null()).spawn().unwrap();
        let bouncer = Self { child, folder };
        let url = bouncer.url(logins[0]);
        eventually("pgbouncer answers", SOON, async || {
            tokio_postgres::connect(url.expose_secret(), NoTls).await.is_ok()
        })
        .await;
        Some(bouncer)
    }

    /// The same login and database through it. By a socket: a port that is free now may be another test's in a moment.
    pub(crate) fn url(&self, direct: &SecretString) -> SecretString {
        let url = Url::parse(direct.expose_secret()).unwrap();
        let folder = self.folder.path().to_str().unwrap().replace('/', "%2F");
        let (user, password) = (url.username(), url.password().unwrap());
        format!("postgres://{user}:{password}@{folder}:6432{}", url.path()).into()
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ini(folder: &Path, users: &Path, mode: &str, pool: usize) -> String {
    format!(
        "[databases]
         * = host=127.0.0.1 port={}
         [pgbouncer]
         unix_socket_dir = {}
         listen_port = 6432
         pool_mode = {mode}
         default_pool_size = {pool}
         auth_type = scram-sha-256
         auth_file = {}
         query_wait_timeout = 60
         ",
        server().port(),
        folder.display(),
        users.display()
    )
    .lines()
    .map(|line| format!("{}\n", line.trim()))
    .collect()
}

fn user_line(url: &SecretString) -> String {
    let url = Url::parse(url.expose_secret()).unwrap();
    format!("\"{}\" \"{}\"\n", url.username(), url.password().unwrap())
}
