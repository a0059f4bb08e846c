//! The one PostgreSQL server of a test run: started by the first test that needs it, gone when the process ends.

use std::cell::RefCell;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{OnceLock, mpsc};

use posthorn::cli::dev::cluster::{Cluster, ClusterOptions};
use posthorn::store::migrate;
use secrecy::SecretString;
use tokio::sync::Mutex;
use tokio_postgres::NoTls;

/// Database that every test's own is copied from.
const TEMPLATE: &str = "posthorn_template";

/// Removes the folder $1 once our end of its standard input has closed and no server uses it any more.
const CLEAN: &str = "read -r _; while [ -e \"$1/pg/postmaster.pid\" ]; do sleep 0.1; done; rm -rf -- \"$1\"";

/// A running server with the migrated template.
pub(crate) struct Server {
    cluster: Cluster,
    copying: Mutex<()>,
    databases: AtomicU32,
    over: mpsc::Sender<String>,
    _cleaner: Child,
}

/// The databases of a test; one of 10 MB for each of a thousand tests is more than a small machine has room for.
struct OfThisTest(RefCell<Vec<String>>);

thread_local! {
    /// Every test has a thread, which ends with it.
    static OF_THIS_TEST: OfThisTest = const { OfThisTest(RefCell::new(Vec::new())) };
}

impl Drop for OfThisTest {
    fn drop(&mut self) {
        for name in self.0.take() {
            // a run that is over removes the server with everything in it
            let _ = server().over.send(name);
        }
    }
}

/// The server, started when first asked for. Not tied to the runtime of any test.
pub(crate) fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let start = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(Server::start())
        };
        // a thread of its own, because the caller is inside a runtime already
        std::thread::spawn(start).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

impl Server {
    async fn start() -> Self {
        remove_left_over();
        let folder = folder_of(std::process::id());
        fs::create_dir_all(&folder).unwrap();
        let cleaner = clean_up_after_us(&folder);
        // durable, as a user has it: only what tests need more of is set
        // and with a socket beside TCP, in the data directory
        let settings =
            [("max_connections", "500"), ("max_prepared_transactions", "5"), ("unix_socket_directories", ".")];
        let settings = settings.map(|(k, v)| (k.to_owned(), v.to_owned()));
        let options = ClusterOptions { data_dir: folder.join("pg"), port: None, settings: settings.into() };
        let cluster = Cluster::start(options).await.unwrap_or_else(|error| panic!("{error}"));
        let over = drop_beside(cluster.url("postgres"));
        let server = Self { cluster, copying: Mutex::new(()), databases: AtomicU32::new(0), over, _cleaner: cleaner };
        server.make_template().await;
        server
    }

    async fn make_template(&self) {
        self.admin(&format!("CREATE DATABASE {TEMPLATE}")).await.unwrap();
        migrate::migrate(&self.url(TEMPLATE)).await.unwrap();
        // copying a database asks that nobody is connected to it: so nobody can be, and who was is sent away
        self.admin(&format!("ALTER DATABASE {TEMPLATE} ALLOW_CONNECTIONS false")).await.unwrap();
        let leave = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = 'posthorn_template'";
        self.admin(leave).await.unwrap();
    }

    /// A new database with the schema; answers with its name.
    pub(crate) async fn migrated_database(&self) -> String {
        self.database_from(TEMPLATE).await
    }

    /// A new database without the schema.
    pub(crate) async fn empty_database(&self) -> String {
        self.database_from("template0").await
    }

    async fn database_from(&self, template: &str) -> String {
        let name = format!("t_{}", self.databases.fetch_add(1, Ordering::Relaxed) + 1);
        let _one_at_a_time = self.copying.lock().await;
        self.admin(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await.unwrap();
        OF_THIS_TEST.with(|mine| mine.0.borrow_mut().push(name.clone()));
        name
    }

    /// Where a database is, as superuser.
    pub(crate) fn url(&self, database: &str) -> SecretString {
        self.cluster.url(database).into()
    }

    /// The same by its socket, as libpq has it: the folder is a parameter.
    pub(crate) fn socket_url(&self, database: &str) -> SecretString {
        let url = self.cluster.url(database);
        let (login, _) = url.split_once('@').expect("a login in the URL");
        let (folder, port) = (self.socket_folder(), self.port());
        format!("{login}@/{database}?host={folder}&port={port}").into()
    }

    /// Where its socket is.
    pub(crate) fn socket_folder(&self) -> String {
        self.cluster.data_dir().to_str().expect("a path in UTF-8").to_owned()
    }

    /// TCP port on 127.0.0.1.
    pub(crate) const fn port(&self) -> u16 {
        self.cluster.port()
    }

    /// Runs statements of the whole server, such as CREATE ROLE, as superuser.
    pub(crate) async fn admin(&self, statements: &str) -> Result<(), tokio_postgres::Error> {
        let (client, connection) = tokio_postgres::connect(&self.cluster.url("postgres"), NoTls).await?;
        let running = tokio::spawn(connection);
        let result = client.batch_execute(statements).await;
        drop(client);
        running.await.unwrap()?;
        result
    }

    /// PostgreSQL's own program of that name, of the version that runs here.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        let options = fs::read_to_string(self.cluster.data_dir().join("postmaster.opts")).unwrap();
        let postgres = options.split_whitespace().next().unwrap().trim_matches('"');
        Path::new(postgres).with_file_name(name)
    }

    /// Whether PostgreSQL's own program of that name is there; says so where it is not, as with a server that comes alone.
    pub(crate) fn has_program(&self, name: &str) -> bool {
        let is_there = self.program(name).exists();
        if !is_there {
            eprintln!("a test did not run: this PostgreSQL came without {name}");
        }
        is_there
    }
}

/// Drops the databases that it is told, one after the other, while tests run.
fn drop_beside(url: String) -> mpsc::Sender<String> {
    let (sender, databases) = mpsc::channel::<String>();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for name in databases {
            runtime.block_on(async {
                let Ok((client, connection)) = tokio_postgres::connect(&url, NoTls).await else { return };
                let running = tokio::spawn(connection);
                // one in which a transaction is prepared stays until the server goes
                let _ = client.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await;
                drop(client);
                let _ = running.await;
            });
        }
    });
    sender
}

fn folder_of(process: u32) -> PathBuf {
    std::env::temp_dir().join(format!("posthorn-it-{process}"))
}

/// The server stops by itself when we end (see [`Cluster`]); its folder is removed by a shell that outlives us.
fn clean_up_after_us(folder: &Path) -> Child {
    Command::new("/bin/sh")
        .args(["-c", CLEAN, "posthorn-it-clean"])
        .arg(folder)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap()
}

/// Removes folders of runs whose cleaner was killed too.
fn remove_left_over() {
    for entry in fs::read_dir(std::env::temp_dir()).unwrap().flatten() {
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix("posthorn-it-")).and_then(|id| id.parse().ok());
        let is_over = |id: u32| Path::new("/proc/self").exists() && !Path::new(&format!("/proc/{id}")).exists();
        if process.is_some_and(is_over) && !entry.path().join("pg/postmaster.pid").exists() {
            // somebody else may be removing it at this moment
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
