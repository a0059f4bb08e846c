//! A database that a dump was restored into: what its dispatcher says while it sends nothing.

use std::time::{Duration, Instant};

/// How soon a dispatcher notices that it may send.
pub(super) const LOOK: Duration = Duration::from_secs(1);

/// Time between two lines of the log.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// When it was said last.
#[derive(Default)]
pub(super) struct CopyNotice {
    told_at: Option<Instant>,
}

impl CopyNotice {
    /// Says it, once a minute.
    pub(super) fn tell(&mut self) {
        if self.told_at.is_some_and(|at| at.elapsed() < TOLD_EVERY) {
            return;
        }
        self.told_at = Some(Instant::now());
        tracing::error!(
            "this database is a copy, restored from a dump of another (see posthorn.instance): nothing is sent from it. If it is to \
             send in the other's place, run `posthorn resume`; docs/backup-and-restore.md says what to think of first"
        );
    }
}
