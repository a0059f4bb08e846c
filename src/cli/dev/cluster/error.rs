//! What can keep a cluster from starting or stopping, each with what to do about it.

use std::io;
use std::path::{Path, PathBuf};

/// Why a cluster could not be started or stopped. The text is meant for the person at the terminal.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// No folder holds both `postgres` and `initdb`.
    #[error(
        "no PostgreSQL server found in {looked}: install one (Debian, Ubuntu: apt-get install postgresql; Fedora: dnf \
         install postgresql-server; macOS: brew install postgresql) or set POSTHORN_PG_BIN to the folder that holds \
         postgres and initdb"
    )]
    NoBinaries {
        /// The folders looked into.
        looked: String,
    },
    /// `postgres --version` did not say a version.
    #[error("{} --version gave no version ({said}): is it PostgreSQL's server? POSTHORN_PG_BIN names another folder", path.display())]
    BinaryFails {
        /// The program.
        path: PathBuf,
        /// What it said instead.
        said: String,
    },
    /// Only servers older than Posthorn supports are installed.
    #[error("the PostgreSQL in {} is version {found}, Posthorn needs {needed} or later: install a newer postgresql", path.display())]
    TooOld {
        /// Folder of the newest binaries found.
        path: PathBuf,
        /// Their major version.
        found: u32,
        /// The oldest major version supported.
        needed: u32,
    },
    /// The folder was made by a major version that is not installed.
    #[error(
        "{} was made by PostgreSQL {data} but the installed server is {installed}: install postgresql-{data}, or move the \
         folder away and start with an empty one", data_dir.display()
    )]
    VersionMismatch {
        /// The cluster.
        data_dir: PathBuf,
        /// The major version that made it.
        data: u32,
        /// The major versions installed.
        installed: String,
    },
    /// The folder holds something else.
    #[error("{} is not empty and not a PostgreSQL cluster: choose another folder", data_dir.display())]
    NotACluster {
        /// The folder.
        data_dir: PathBuf,
    },
    /// Another server uses the folder.
    #[error("a PostgreSQL server with process id {pid} already runs on {}: stop it (kill -INT {pid}) or choose another folder", data_dir.display())]
    AlreadyRunning {
        /// The cluster.
        data_dir: PathBuf,
        /// Process id of its postmaster.
        pid: u32,
    },
    /// Processes of a dead postmaster have not gone yet.
    #[error("processes of an earlier PostgreSQL server still use {}: wait for them or end them", data_dir.display())]
    Orphans {
        /// The cluster.
        data_dir: PathBuf,
    },
    /// The port asked for is in use.
    #[error("port {port} on 127.0.0.1 is in use: stop the program that holds it or choose another port")]
    PortTaken {
        /// The port.
        port: u16,
    },
    /// The machine gave no port at all.
    #[error("no free TCP port on 127.0.0.1: {source}")]
    NoFreePort {
        /// What the system said.
        source: io::Error,
    },
    /// Root started us, PostgreSQL refuses root, and there is no account to use instead.
    #[error(
        "PostgreSQL refuses to run as root and there is no user postgres: start as an ordinary user, or useradd --system postgres"
    )]
    NoPostgresUser,
    /// A folder or file is closed to us.
    #[error("no permission to {what} {}: give this user access, or choose another folder ({source})", path.display())]
    NoPermission {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Our fallback folder belongs to somebody else.
    #[error("{} belongs to another user (uid {uid}): remove it or choose another folder", path.display())]
    ForeignFolder {
        /// The folder.
        path: PathBuf,
        /// Its owner.
        uid: u32,
    },
    /// A cluster without the password made for it.
    #[error("the cluster's password file {} cannot be read ({source}): restore it, or move the cluster away to start with an empty one", path.display())]
    NoPassword {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The disk is full.
    #[error("no space left on the disk of {}: free some and start again; the server said:\n{tail}", data_dir.display())]
    DiskFull {
        /// The cluster.
        data_dir: PathBuf,
        /// Last lines of the log.
        tail: String,
    },
    /// `initdb` failed.
    #[error("initdb could not make {}:\n{tail}", data_dir.display())]
    InitFailed {
        /// The cluster.
        data_dir: PathBuf,
        /// Last lines it said.
        tail: String,
    },
    /// The server ended while starting, for a reason not named above.
    #[error("the PostgreSQL server ended while starting; its log {} ends with:\n{tail}", log.display())]
    Died {
        /// The log.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },
    /// The server runs but does not answer.
    #[error("the PostgreSQL server did not answer in time; its log {} ends with:\n{tail}", log.display())]
    StartTooSlow {
        /// The log.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },
    /// The server did not stop in order and was killed.
    #[error("the PostgreSQL server did not stop in time and was killed; its log {} ends with:\n{tail}", log.display())]
    StopTooSlow {
        /// The log.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },
    /// Our own runtime is shutting down.
    #[error("starting PostgreSQL was given up because the program is stopping")]
    Cancelled,
    /// Anything else the system refuses.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl ClusterError {
    /// The right variant for a refusal of the system while doing `what` to `path`.
    pub(super) fn io(what: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::NoPermission { what, path, source }
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::DiskFull { data_dir: path, tail: source.to_string() }
            }
            _ => Self::Io { what, path, source },
        }
    }
}
