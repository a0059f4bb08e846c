//! Parts of the dispatcher that outlive a fault of ours: a panic costs what the part was doing, never the part itself while
//! the process goes on and seems well.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;

use super::{Tools, backoff};

/// Runs a part until it ends by itself, beginning anew after each panic.
pub(super) async fn keep_alive<F: Future<Output = ()>>(tools: &Tools, part: &'static str, begin: impl Fn() -> F) {
    let mut panics = 0;
    while AssertUnwindSafe(begin()).catch_unwind().await.is_err() {
        panics += 1;
        tools.metrics.panicked(part);
        tracing::error!(part, "a part of the dispatcher panicked and begins anew");
        tokio::time::sleep(backoff(panics)).await;
    }
}
