//! `posthorn man`: writes a man page for each command.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Command};
use clap_mangen::Man as Page;

/// Write the man pages posthorn.1, posthorn-serve.1 and so on
#[derive(Args, Clone, Debug)]
pub struct Man {
    /// Folder that they are written to; made where there is none
    pub directory: PathBuf,
}

/// Writes them, and says how many.
///
/// # Errors
/// When the folder or standard output cannot be written.
pub fn run(arguments: Man, mut command: Command) -> std::io::Result<()> {
    fs::create_dir_all(&arguments.directory)?;
    // the subcommands learn their full names and the flags that all have
    command.build();
    let mut count = 0;
    write_pages(command, &arguments.directory, &mut count)?;
    writeln!(std::io::stdout(), "{count} man pages are in {}", arguments.directory.display())
}

fn write_pages(command: Command, directory: &std::path::Path, count: &mut usize) -> std::io::Result<()> {
    // `help` repeats what is there
    let subcommands: Vec<_> = command.get_subcommands().filter(|one| one.get_name() != "help").cloned().collect();
    let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
    let mut page = Vec::new();
    Page::new(command).render(&mut page)?;
    fs::write(directory.join(format!("{name}.1")), page)?;
    *count += 1;
    subcommands.into_iter().try_for_each(|one| write_pages(one, directory, count))
}
