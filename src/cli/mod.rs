//! Subcommands, one file each.

pub mod dev;
