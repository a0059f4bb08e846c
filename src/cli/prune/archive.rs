//! A day as a file: JSON lines under gzip, there under its name only when it is whole, with a manifest that can prove it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;
use sha2::{Digest, Sha256};
use time::{Date, OffsetDateTime};

use crate::cli::progress::Progress;
use crate::store::archive::{self, DayState};
use crate::store::{Store, StoreError};

/// Rows read at once.
const PAGE: i32 = 1000;

/// Why a day is not archived.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The file.
    #[error("{path} cannot be written")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another archive, or a run that ended between file and drop.
    #[error("{0} is there already, and is not overwritten: move it away")]
    Exists(PathBuf),
    /// The rows.
    #[error("its rows cannot be read")]
    Store(#[from] StoreError),
    /// Somebody changed the day meanwhile.
    #[error("it changed while it was archived ({written} rows written, {counted} counted): run it again")]
    Changed {
        /// Rows in the file.
        written: i64,
        /// Rows counted before.
        counted: i64,
    },
}

/// What proves a file.
#[derive(Serialize)]
struct Manifest<'a> {
    table: &'a str,
    day: String,
    file: &'a str,
    rows: i64,
    bytes: u64,
    sha256: String,
    archived_at: String,
    posthorn: &'static str,
}

/// A folder of archives.
pub(super) struct Archive {
    folder: PathBuf,
}

impl Archive {
    pub(super) fn in_folder(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Writes a day, and answers with the file's name once file and manifest are on disk under their names.
    pub(super) async fn write(
        &self,
        store: &Store,
        table: &str,
        day: Date,
        state: &DayState,
    ) -> Result<String, ArchiveError> {
        let [name, manifest_name] = names(table, day);
        let (file, manifest) = (self.folder.join(&name), self.folder.join(&manifest_name));
        fs::create_dir_all(&self.folder).map_err(failed(&self.folder))?;
        for path in [&file, &manifest] {
            if path.exists() {
                return Err(ArchiveError::Exists(path.clone()));
            }
        }
        let draft = Draft::new(&self.folder, &name)?;
        let (rows, bytes, sha256) = self.copy(store, table, day, state, &draft).await?;
        if rows != state.rows {
            return Err(ArchiveError::Changed { written: rows, counted: state.rows });
        }
        let archived_at = OffsetDateTime::now_utc().to_string();
        let day = day.to_string();
        let text =
            Manifest { table, day, file: &name, rows, bytes, sha256, archived_at, posthorn: env!("CARGO_PKG_VERSION") };
        let manifest_draft = Draft::new(&self.folder, &manifest_name)?;
        let text = serde_json::to_vec_pretty(&text).map_err(io::Error::from).map_err(failed(&manifest))?;
        let mut out = &manifest_draft.file;
        out.write_all(&text).and_then(|()| out.sync_all()).map_err(failed(&manifest))?;
        // the manifest last: where it is, the file is whole
        draft.publish(&file)?;
        manifest_draft.publish(&manifest)?;
        File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(failed(&self.folder))?;
        Ok(name)
    }

    /// Takes back a day that was not dropped after all.
    pub(super) fn take_back(&self, table: &str, day: Date) -> Result<(), ArchiveError> {
        let [name, manifest_name] = names(table, day);
        for name in [manifest_name, name] {
            let path = self.folder.join(name);
            fs::remove_file(&path).map_err(failed(&path))?;
        }
        Ok(())
    }

    async fn copy(
        &self,
        store: &Store,
        table: &str,
        day: Date,
        state: &DayState,
        draft: &Draft,
    ) -> Result<(i64, u64, String), ArchiveError> {
        let progress = Progress::new("archived", "rows", u64::try_from(state.rows).ok());
        let mut out =
            GzEncoder::new(Summed { file: &draft.file, hash: Sha256::new(), bytes: 0 }, Compression::default());
        let (mut rows, mut after) = (0, archive::START);
        loop {
            let page = archive::page(store, table, day, after, PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            after = *last;
            for (_, line) in &page {
                writeln!(out, "{line}").map_err(failed(&draft.path))?;
                rows += 1;
            }
            progress.add(page.len() as u64);
        }
        let Summed { hash, bytes, .. } = out.finish().map_err(failed(&draft.path))?;
        draft.file.sync_all().map_err(failed(&draft.path))?;
        Ok((rows, bytes, hex::encode(hash.finalize())))
    }
}

/// Of the day and of what proves it.
fn names(table: &str, day: Date) -> [String; 2] {
    [format!("{table}-{day}.jsonl.gz"), format!("{table}-{day}.manifest.json")]
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> ArchiveError {
    let path = path.to_owned();
    move |source| ArchiveError::File { path, source }
}

/// A file under another name until it is whole; gone when it never is.
struct Draft {
    path: PathBuf,
    file: File,
}

impl Draft {
    fn new(folder: &Path, name: &str) -> Result<Self, ArchiveError> {
        let path = folder.join(format!(".{name}.{}.part", std::process::id()));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        // payloads are nobody else's to read
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(failed(&path))?;
        Ok(Self { path, file })
    }

    /// Gives it its name, unless something has it.
    fn publish(self, name: &Path) -> Result<(), ArchiveError> {
        match fs::hard_link(&self.path, name) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(ArchiveError::Exists(name.to_owned())),
            Err(source) => Err(ArchiveError::File { path: name.to_owned(), source }),
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // what is left of it is in nobody's way
        let _ = fs::remove_file(&self.path);
    }
}

/// Counts and hashes what it writes.
struct Summed<'a> {
    file: &'a File,
    hash: Sha256,
    bytes: u64,
}

impl Write for Summed<'_> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let written = self.file.write(data)?;
        self.hash.update(&data[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
