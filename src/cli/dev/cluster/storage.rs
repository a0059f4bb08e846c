//! The cluster's folder: where it really is, what made it, its password and log, and what its log says when it fails.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::account::Account;
use super::binaries::Binaries;
use super::error::ClusterError;
use super::process;

/// Where root's clusters go when user `postgres` cannot enter the folder asked for.
const FALLBACK_PARENT: &str = "/var/tmp";
/// How much of the end of the log an error quotes.
const TAIL_LINES: usize = 12;
/// How much of the log is read for that, in bytes.
const TAIL_BYTES: u64 = 16 * 1024;

/// The files of one cluster.
#[derive(Clone, Debug)]
pub(super) struct Storage {
    data_dir: PathBuf,
    log_file: PathBuf,
    password_file: PathBuf,
    account: Account,
}

impl Storage {
    /// Makes the folder above `wanted`, or goes to another one when `account` cannot enter that.
    pub(super) fn open(wanted: &Path, account: &Account) -> Result<Self, ClusterError> {
        let parent = wanted.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(parent).map_err(|source| ClusterError::io("make", parent, source))?;
        if account.can_enter(parent) {
            return Ok(Self::at(wanted.to_owned(), *account));
        }
        let hash = hex::encode(&Sha256::digest(wanted.as_os_str().as_encoded_bytes())[..8]);
        let instead = Path::new(FALLBACK_PARENT).join(format!("posthorn-{hash}"));
        match DirBuilder::new().mode(0o700).create(&instead) {
            Ok(()) => account.own(&instead)?,
            Err(source) if source.kind() == io::ErrorKind::AlreadyExists => refuse_foreign(&instead, *account)?,
            Err(source) => return Err(ClusterError::io("make", &instead, source)),
        }
        Ok(Self::at(instead.join("pg"), *account))
    }

    fn at(data_dir: PathBuf, account: Account) -> Self {
        let beside = |suffix: &str| {
            let mut name = data_dir.file_name().unwrap_or_default().to_owned();
            name.push(suffix);
            data_dir.with_file_name(name)
        };
        Self { log_file: beside(".log"), password_file: beside(".password"), data_dir, account }
    }

    pub(super) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    pub(super) fn log_file(&self) -> &Path {
        &self.log_file
    }

    /// The major version that made the cluster, or `None` when there is none yet.
    pub(super) fn version(&self) -> Result<Option<u32>, ClusterError> {
        let file = self.data_dir.join("PG_VERSION");
        match fs::read_to_string(&file) {
            Ok(text) => match text.trim().parse() {
                Ok(major) => Ok(Some(major)),
                Err(_) => Err(ClusterError::NotACluster { data_dir: self.data_dir.clone() }),
            },
            Err(source) if source.kind() == io::ErrorKind::NotFound => self.require_empty().map(|()| None),
            Err(source) => Err(ClusterError::io("read", &file, source)),
        }
    }

    fn require_empty(&self) -> Result<(), ClusterError> {
        match self.data_dir.read_dir() {
            Ok(mut entries) => match entries.next() {
                None => Ok(()),
                Some(_) => Err(ClusterError::NotACluster { data_dir: self.data_dir.clone() }),
            },
            Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(ClusterError::io("read", &self.data_dir, source)),
        }
    }

    /// The superuser's password; a cluster that does not exist yet is made with a fresh one.
    pub(super) fn password_or_init(
        &self,
        binaries: &Binaries,
        account: &Account,
    ) -> Result<SecretString, ClusterError> {
        if self.data_dir.join("PG_VERSION").exists() {
            return match fs::read_to_string(&self.password_file) {
                Ok(text) => Ok(SecretString::from(text.trim())),
                Err(source) => Err(ClusterError::NoPassword { path: self.password_file.clone(), source }),
            };
        }
        let password = SecretString::from(hex::encode(rand::random::<[u8; 24]>()));
        self.write_password(&password)?;
        self.init(binaries, account)?;
        Ok(password)
    }

    fn write_password(&self, password: &SecretString) -> Result<(), ClusterError> {
        let path = &self.password_file;
        let io = |source| ClusterError::io("write", path, source);
        match fs::remove_file(path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => return Err(io(source)),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(io)?;
        writeln!(file, "{}", password.expose_secret()).map_err(io)?;
        self.account.own(path)
    }

    /// Runs initdb in a folder beside the real one and renames it when done: a cluster half made is never opened.
    fn init(&self, binaries: &Binaries, account: &Account) -> Result<(), ClusterError> {
        let mut unfinished = self.data_dir.clone().into_os_string();
        unfinished.push(".unfinished");
        let unfinished = PathBuf::from(unfinished);
        match fs::remove_dir_all(&unfinished) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(ClusterError::io("remove", &unfinished, source));
            }
            _ => {}
        }
        DirBuilder::new()
            .mode(0o700)
            .create(&unfinished)
            .map_err(|source| ClusterError::io("make", &unfinished, source))?;
        account.own(&unfinished)?;
        let initdb = binaries.initdb();
        let output = account
            .command(&initdb)
            .args(["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"])
            .arg("--pwfile")
            .arg(&self.password_file)
            .arg("--pgdata")
            .arg(&unfinished)
            .output()
            .map_err(|source| ClusterError::io("run", &initdb, source))?;
        if !output.status.success() {
            return Err(self.why_init_failed(&String::from_utf8_lossy(&output.stderr)));
        }
        fs::rename(&unfinished, &self.data_dir).map_err(|source| ClusterError::io("make", &self.data_dir, source))
    }

    fn why_init_failed(&self, said: &str) -> ClusterError {
        let (data_dir, tail) = (self.data_dir.clone(), last_lines(said));
        if said.contains("No space left on device") {
            ClusterError::DiskFull { data_dir, tail }
        } else {
            ClusterError::InitFailed { data_dir, tail }
        }
    }

    /// Refuses when a live server holds the folder. A lock file whose process is dead is PostgreSQL's to judge (its
    /// backends may live); one whose number now belongs to another program would stop PostgreSQL, so it is removed.
    pub(super) fn refuse_running_postmaster(&self) -> Result<(), ClusterError> {
        let lock = self.data_dir.join("postmaster.pid");
        let Some(pid) = self.locked_by() else { return Ok(()) };
        match process::who_is(pid, &self.data_dir) {
            process::Holder::Postmaster => Err(ClusterError::AlreadyRunning { data_dir: self.data_dir.clone(), pid }),
            process::Holder::Nobody => Ok(()),
            process::Holder::Stranger => {
                fs::remove_file(&lock).map_err(|source| ClusterError::io("remove", &lock, source))
            }
        }
    }

    fn locked_by(&self) -> Option<u32> {
        let text = fs::read_to_string(self.data_dir.join("postmaster.pid")).ok()?;
        text.lines().next()?.trim().parse().ok()
    }

    /// The log, open for the server to append to.
    pub(super) fn open_log(&self) -> Result<File, ClusterError> {
        OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&self.log_file)
            .map_err(|source| ClusterError::io("write", &self.log_file, source))
    }

    /// Length of the log in bytes, to read later what came after.
    pub(super) fn log_length(&self) -> u64 {
        self.log_file.metadata().map_or(0, |metadata| metadata.len())
    }

    /// The last lines of the log.
    pub(super) fn log_tail(&self) -> String {
        last_lines(&self.log_since(0))
    }

    fn log_since(&self, start: u64) -> String {
        let read = || -> io::Result<Vec<u8>> {
            let mut file = File::open(&self.log_file)?;
            let start = start.max(file.metadata()?.len().saturating_sub(TAIL_BYTES));
            file.seek(SeekFrom::Start(start))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        read().map_or_else(|error| format!("(log not readable: {error})"), |b| String::from_utf8_lossy(&b).into_owned())
    }

    /// Names the reason for which a server on `port` ended, from what it wrote after `log_start`.
    pub(super) fn why_it_died(&self, log_start: u64, port: u16) -> ClusterError {
        let said = self.log_since(log_start);
        let data_dir = self.data_dir.clone();
        if said.contains("could not create any TCP/IP sockets") || said.contains("Address already in use") {
            ClusterError::PortTaken { port }
        } else if said.contains("lock file \"postmaster.pid\" already exists") {
            ClusterError::AlreadyRunning { data_dir, pid: self.locked_by().unwrap_or_default() }
        } else if said.contains("pre-existing shared memory block") {
            ClusterError::Orphans { data_dir }
        } else if said.contains("No space left on device") {
            ClusterError::DiskFull { data_dir, tail: last_lines(&said) }
        } else {
            ClusterError::Died { log: self.log_file.clone(), tail: last_lines(&said) }
        }
    }
}

/// In a folder that anyone can write to, somebody else may have made our name first.
fn refuse_foreign(folder: &Path, account: Account) -> Result<(), ClusterError> {
    let metadata = folder.symlink_metadata().map_err(|source| ClusterError::io("read", folder, source))?;
    if metadata.is_dir() && metadata.uid() == account.uid() {
        return Ok(());
    }
    Err(ClusterError::ForeignFolder { path: folder.to_owned(), uid: metadata.uid() })
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}
