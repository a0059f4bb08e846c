//! Finds PostgreSQL's binaries: where we are told, on PATH, then in the usual places of each system.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::error::ClusterError;

/// Oldest major version whose features the schema uses.
const OLDEST: u32 = 15;

/// Folders whose sub-folders hold one version each, and where in those the binaries are.
const VERSIONED: [(&str, &str, &str); 5] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/opt/homebrew/opt", "postgresql", "bin"),
    ("/usr/local/opt", "postgresql", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
];

/// A folder with `postgres` and `initdb` in it, and the version they say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binaries {
    folder: PathBuf,
    major: u32,
}

impl Binaries {
    /// Every server installed here, in order of preference; only the one in `POSTHORN_PG_BIN` when that is set.
    ///
    /// # Errors
    /// [`ClusterError::NoBinaries`] names the package to install.
    pub fn installed() -> Result<Vec<Self>, ClusterError> {
        match env::var_os("POSTHORN_PG_BIN") {
            Some(folder) => Self::find_in(&[PathBuf::from(folder)]),
            None => Self::find_in(&usual_places()),
        }
    }

    /// The servers in these folders, in their order.
    ///
    /// # Errors
    /// [`ClusterError::NoBinaries`] when none holds `postgres` and `initdb`; [`ClusterError::BinaryFails`] when they do not run.
    pub fn find_in(folders: &[PathBuf]) -> Result<Vec<Self>, ClusterError> {
        let mut found: Vec<Self> = Vec::new();
        let mut broken = None;
        for folder in folders.iter().filter_map(|folder| real_folder(folder)) {
            if found.iter().any(|known| known.folder == folder) {
                continue;
            }
            match major_version(&folder.join("postgres")) {
                Ok(major) => found.push(Self { folder, major }),
                Err(error) => broken = Some(error),
            }
        }
        match (found.is_empty(), broken) {
            (false, _) => Ok(found),
            (true, Some(error)) => Err(error),
            (true, None) => Err(ClusterError::NoBinaries { looked: list(folders) }),
        }
    }

    /// The first that Posthorn supports, for a new cluster.
    pub(super) fn newest(installed: Vec<Self>) -> Result<Self, ClusterError> {
        let best = installed.iter().max_by_key(|binaries| binaries.major).cloned();
        match installed.into_iter().find(|binaries| binaries.major >= OLDEST) {
            Some(first) => Ok(first),
            None => Err(best.map_or(ClusterError::NoBinaries { looked: String::new() }, |best| ClusterError::TooOld {
                path: best.folder,
                found: best.major,
                needed: OLDEST,
            })),
        }
    }

    /// The one that can open a cluster made by `version`.
    pub(super) fn choose(installed: Vec<Self>, version: u32, data_dir: &Path) -> Result<Self, ClusterError> {
        if let Some(same) = installed.iter().find(|binaries| binaries.major == version) {
            return Self::newest(vec![same.clone()]);
        }
        let versions: Vec<String> = installed.iter().map(|binaries| binaries.major.to_string()).collect();
        Err(ClusterError::VersionMismatch {
            data_dir: data_dir.to_owned(),
            data: version,
            installed: versions.join(" and "),
        })
    }

    pub(super) fn postgres(&self) -> PathBuf {
        self.folder.join("postgres")
    }

    pub(super) fn initdb(&self) -> PathBuf {
        self.folder.join("initdb")
    }
}

/// The folder that really holds the binaries, links followed: both must be there.
fn real_folder(folder: &Path) -> Option<PathBuf> {
    let postgres = folder.join("postgres").canonicalize().ok()?;
    let real = postgres.parent()?;
    real.join("initdb").is_file().then(|| real.to_owned())
}

fn usual_places() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<PathBuf> = env::split_paths(&path).filter(|folder| folder.is_absolute()).collect();
    for (parent, prefix, bin) in VERSIONED {
        places.extend(highest_first(Path::new(parent), prefix).into_iter().map(|folder| folder.join(bin)));
    }
    places
}

fn highest_first(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    let Ok(entries) = parent.read_dir() else { return Vec::new() };
    let mut versions: Vec<(u32, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let version = name.strip_prefix(prefix)?.trim_start_matches('@');
            Some((leading_number(version).unwrap_or(0), entry.path()))
        })
        .collect();
    versions.sort_by(|left, right| right.cmp(left));
    versions.into_iter().map(|(_, folder)| folder).collect()
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` is 15, `postgres (PostgreSQL) 18beta1` is 18.
fn major_version(postgres: &Path) -> Result<u32, ClusterError> {
    let output =
        Command::new(postgres).arg("--version").output().map_err(|source| ClusterError::io("run", postgres, source))?;
    let said = String::from_utf8_lossy(&output.stdout);
    said.split_once("(PostgreSQL)").and_then(|(_, version)| leading_number(version.trim())).ok_or_else(|| {
        ClusterError::BinaryFails {
            path: postgres.to_owned(),
            said: format!("{} {}", said.trim(), String::from_utf8_lossy(&output.stderr).trim()),
        }
    })
}

fn leading_number(text: &str) -> Option<u32> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

fn list(folders: &[PathBuf]) -> String {
    let names: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(major: u32) -> Binaries {
        Binaries { folder: PathBuf::from(format!("/pg/{major}/bin")), major }
    }

    #[test]
    fn a_cluster_is_opened_by_the_version_that_made_it() {
        let chosen = Binaries::choose(vec![version(17), version(15)], 15, Path::new("/data")).unwrap();
        assert_eq!(chosen, version(15));
    }

    #[test]
    fn a_missing_version_is_refused_naming_both() {
        let error = Binaries::choose(vec![version(17), version(16)], 15, Path::new("/data")).unwrap_err().to_string();
        assert!(error.contains("/data was made by PostgreSQL 15"), "{error}");
        assert!(error.contains("installed server is 17 and 16"), "{error}");
    }

    #[test]
    fn a_server_older_than_supported_is_refused() {
        let error = Binaries::newest(vec![version(14), version(13)]).unwrap_err().to_string();
        assert!(error.contains("is version 14, Posthorn needs 15"), "{error}");
    }

    #[test]
    fn versions_of_every_form_are_read() {
        for (text, expected) in [("15.18 (Debian)", Some(15)), ("18beta1", Some(18)), ("16", Some(16)), ("x", None)] {
            assert_eq!(leading_number(text), expected, "{text}");
        }
    }
}
