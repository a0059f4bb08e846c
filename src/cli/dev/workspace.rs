//! The folder of `posthorn dev`: the cluster, the keyring, the demo's credentials, and `dev.json` while it runs.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::cluster::process::is_alive;
use crate::domain::keyring::Keyring;
use crate::domain::secret::Secret;

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// A file or the folder itself.
    #[error("cannot {verb} {path}: {source}. Choose another folder with --dir, or mend its owner and mode")]
    Io {
        /// What was tried.
        verb: &'static str,
        /// Where.
        path: String,
        /// The system's error.
        source: io::Error,
    },
    /// Another `posthorn dev` has the folder.
    #[error(
        "posthorn dev already runs in {dir} (process {pid}, {api_url}): use it, stop it (kill -INT {pid}), or choose another folder with --dir"
    )]
    Running {
        /// The folder.
        dir: String,
        /// Its process id.
        pid: u32,
        /// Where its API is.
        api_url: String,
    },
    /// `credentials.json` is not what was written.
    #[error("{path} cannot be read: {reason}. Remove it to get a new demo tenant")]
    Credentials {
        /// Where.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// The opened folder.
pub(super) struct Workspace {
    dir: PathBuf,
}

/// What the demo tenant's people hold; kept so that they stay the same over restarts.
#[derive(Deserialize, Serialize)]
pub(super) struct Credentials {
    pub(super) tenant_id: Uuid,
    api_key: String,
    admin_token: String,
    receiver_secret: String,
}

impl Credentials {
    pub(super) fn new(tenant_id: Uuid, api_key: SecretString) -> Self {
        Self {
            tenant_id,
            api_key: api_key.expose_secret().to_owned(),
            admin_token: hex::encode(rand::random::<[u8; 24]>()),
            receiver_secret: Secret::generate().expose().to_owned(),
        }
    }

    pub(super) fn api_key(&self) -> &str {
        &self.api_key
    }

    /// With a token of the operator that holds until the program ends, and is not kept.
    pub(super) fn with_admin_token(self, token: &SecretString) -> Self {
        Self { admin_token: token.expose_secret().to_owned(), ..self }
    }

    pub(super) fn admin_token(&self) -> SecretString {
        self.admin_token.clone().into()
    }

    /// The secret that the receiver verifies with.
    pub(super) fn receiver_secret(&self) -> Secret {
        // checked when it was read, and made by ourselves before
        Secret::parse("receiver_secret", &self.receiver_secret).unwrap_or_else(|_| Secret::generate())
    }
}

impl Workspace {
    /// Makes the folder and the keyring where they are missing.
    pub(super) fn open(dir: &Path) -> Result<Self, WorkspaceError> {
        fs::create_dir_all(dir).map_err(at("make", dir))?;
        let dir = dir.canonicalize().map_err(at("find", dir))?;
        let workspace = Self { dir };
        let keyring = workspace.keyring_file();
        if !keyring.exists() {
            write_private(&keyring, &format!("{}\n", Keyring::generate_entry("dev")))?;
        }
        Ok(workspace)
    }

    pub(super) fn data_dir(&self) -> PathBuf {
        self.dir.join("pg")
    }

    pub(super) fn keyring_file(&self) -> PathBuf {
        self.dir.join("keyring")
    }

    /// The credentials of an earlier start.
    pub(super) fn credentials(&self) -> Result<Option<Credentials>, WorkspaceError> {
        let path = self.dir.join("credentials.json");
        let refuse = |reason: String| WorkspaceError::Credentials { path: path.display().to_string(), reason };
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(at("read", &path))?,
        };
        let credentials: Credentials = serde_json::from_str(&text).map_err(|e| refuse(e.to_string()))?;
        Secret::parse("receiver_secret", &credentials.receiver_secret)
            .map_err(|violations| refuse(violations.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")))?;
        Ok(Some(credentials))
    }

    /// Keeps new credentials, readable by their owner alone.
    pub(super) fn keep(&self, credentials: Credentials) -> Result<Credentials, WorkspaceError> {
        let text = serde_json::to_string_pretty(&credentials).unwrap_or_default();
        write_private(&self.dir.join("credentials.json"), &text)?;
        Ok(credentials)
    }

    /// Writes `dev.json`, at once and whole: who sees it can use everything in it.
    pub(super) fn announce(
        &self,
        api_url: &str,
        database_url: &str,
        receiver_url: &str,
        data_dir: &Path,
        credentials: &Credentials,
    ) -> Result<PathBuf, WorkspaceError> {
        let path = self.dir.join("dev.json");
        let half = self.dir.join("dev.json.part");
        let text = json!({
            "api_url": api_url,
            "database_url": database_url,
            "receiver_url": receiver_url,
            "tenant_id": credentials.tenant_id,
            "api_key": credentials.api_key,
            "admin_token": credentials.admin_token,
            "pid": std::process::id(),
            "data_dir": data_dir,
        });
        let _ = fs::remove_file(&half); // of a start that was killed
        write_private(&half, &format!("{text:#}\n"))?;
        fs::rename(&half, &path).map_err(at("write", &path))?;
        Ok(path)
    }

    /// Who has announced that it runs here, and has not been killed since.
    pub(super) fn running(&self) -> Option<WorkspaceError> {
        #[derive(Deserialize)]
        struct Announced {
            pid: u32,
            api_url: String,
        }
        let text = fs::read_to_string(self.dir.join("dev.json")).ok()?;
        let Announced { pid, api_url } = serde_json::from_str(&text).ok()?;
        is_alive(pid).then(|| WorkspaceError::Running { dir: self.dir.display().to_string(), pid, api_url })
    }

    /// Takes `dev.json` away: nobody is ready any more.
    pub(super) fn withdraw(&self) {
        let _ = fs::remove_file(self.dir.join("dev.json")); // not being there is what is wanted
    }
}

fn at(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> WorkspaceError {
    let path = path.display().to_string();
    move |source| WorkspaceError::Io { verb, path, source }
}

/// Writes a new file that only its owner can read.
fn write_private(path: &Path, text: &str) -> Result<(), WorkspaceError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).and_then(|mut file| file.write_all(text.as_bytes())).map_err(at("write", path))
}
