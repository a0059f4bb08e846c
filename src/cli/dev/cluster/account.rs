//! Who the server runs as: ourselves, or, since PostgreSQL refuses root, the system's user `postgres`.

use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::error::ClusterError;

/// The operating system user that owns the cluster and runs the server.
#[derive(Clone, Copy, Debug)]
pub(super) enum Account {
    /// The user we are.
    Ourselves,
    /// Another one; only root can do this.
    Other { uid: u32, gid: u32 },
}

impl Account {
    /// Ourselves, unless we are root: then the owner of an existing cluster, else user `postgres`.
    pub(super) fn for_cluster(data_dir: &Path) -> Result<Self, ClusterError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self::Ourselves);
        }
        if let Ok(version) = data_dir.join("PG_VERSION").metadata()
            && version.uid() != 0
        {
            return Ok(Self::Other { uid: version.uid(), gid: version.gid() });
        }
        match (id_of_postgres("-u"), id_of_postgres("-g")) {
            (Some(uid), Some(gid)) if uid != 0 => Ok(Self::Other { uid, gid }),
            _ => Err(ClusterError::NoPostgresUser),
        }
    }

    /// A command that runs as this account, from a folder every account can read.
    pub(super) fn command(self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/").stdin(Stdio::null());
        if let Self::Other { uid, gid } = self {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// Makes this account the owner of `path`.
    pub(super) fn own(self, path: &Path) -> Result<(), ClusterError> {
        match self {
            Self::Ourselves => Ok(()),
            Self::Other { uid, gid } => chown(path, Some(uid), Some(gid))
                .map_err(|source| ClusterError::io("change the owner of", path, source)),
        }
    }

    /// Whether this account may enter `folder`, which takes the right to pass every folder above it.
    pub(super) fn can_enter(self, folder: &Path) -> bool {
        match self {
            Self::Ourselves => true,
            Self::Other { .. } => self
                .command(Path::new("/bin/sh"))
                .args(["-c", "cd -- \"$1\"", "sh"])
                .arg(folder)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success()),
        }
    }

    /// The user id behind this account.
    pub(super) fn uid(self) -> u32 {
        match self {
            Self::Ourselves => rustix::process::geteuid().as_raw(),
            Self::Other { uid, .. } => uid,
        }
    }
}

/// Asks `id`, which also knows users that are in no file of this machine.
fn id_of_postgres(which: &str) -> Option<u32> {
    let output = Command::new("id").args([which, "postgres"]).stderr(Stdio::null()).output().ok()?;
    String::from_utf8_lossy(&output.stdout).trim().parse().ok()
}
