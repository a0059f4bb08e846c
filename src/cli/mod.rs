//! The commands, one file each.

pub mod bench;
pub mod completions;
mod count;
pub mod dev;
pub mod doctor;
pub mod keys;
pub mod listen;
pub mod man;
pub mod migrate;
pub mod openapi;
mod progress;
pub mod prune;
pub mod rekey;
pub mod replay;
pub mod resume;
pub mod serve;
mod shown;
pub mod stats;
mod tenant;

use tokio::signal::unix::{SignalKind, signal};

/// Waits for SIGTERM or Ctrl-C.
///
/// # Errors
/// When signals cannot be listened for.
pub async fn until_stopped() -> std::io::Result<()> {
    let mut term = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! { _ = term.recv() => {}, _ = interrupt.recv() => {} }
    Ok(())
}
