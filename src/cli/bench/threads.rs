//! Threads of a purpose of their own, named after it: receiver and load do not share a scheduler with anything else, and
//! what each costs can be read by its name.

use std::io;

use tokio::runtime::{Builder, Handle, Runtime};

/// A runtime with as many threads as there are cores, which is what the dispatcher under test has in its own process.
pub(super) struct Threads {
    name: &'static str,
    runtime: Option<Runtime>,
}

impl Threads {
    /// Starts them; a name longer than 15 bytes would be cut short by the system.
    pub(super) fn start(name: &'static str) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread().thread_name(name).enable_all().build()?;
        Ok(Self { name, runtime: Some(runtime) })
    }

    pub(super) const fn name(&self) -> &'static str {
        self.name
    }

    /// Where to spawn.
    pub(super) fn handle(&self) -> &Handle {
        self.runtime.as_ref().expect("it is there until the drop").handle()
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // waiting for it is not allowed on a thread of another runtime
            runtime.shutdown_background();
        }
    }
}
