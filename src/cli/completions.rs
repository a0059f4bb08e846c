//! `posthorn completions`: prints what makes a shell complete our commands.

use std::io::Write;

use clap::{Args, Command};
use clap_complete::Shell;

/// Print a script that completes posthorn's commands and flags in a shell
#[derive(Args, Clone, Debug)]
pub struct Completions {
    /// Which shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Prints it.
///
/// # Errors
/// When standard output cannot be written.
pub fn run(arguments: Completions, mut command: Command) -> std::io::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "posthorn", &mut script);
    std::io::stdout().lock().write_all(&script)
}
