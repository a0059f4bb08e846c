//! Fail points of the running program (feature `failpoints`): set by its environment, held by a file.

use std::path::PathBuf;

use tempfile::TempDir;

use super::{Binary, SOON};

/// Holds tasks at fail points until opened.
pub(crate) struct Latch {
    _folder: TempDir,
    file: PathBuf,
}

impl Latch {
    /// A closed one.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("open");
        Self { _folder: folder, file }
    }

    /// What FAILPOINTS says so that each task that comes to `point` is held here.
    pub(crate) fn holds(&self, point: &str) -> String {
        format!("{point}=return({})", self.file.display())
    }

    /// Lets everyone go on, for good.
    pub(crate) fn open(&self) {
        std::fs::write(&self.file, "").unwrap();
    }
}

impl Binary {
    /// Waits until a task of it is held at a fail point.
    pub(crate) async fn held_at(&self, point: &str) {
        self.wait_for_line(&format!("fail point {point} is held"), SOON).await;
    }
}
