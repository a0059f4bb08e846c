//! `posthorn dev`: everything on one machine with nothing installed but PostgreSQL's binaries.

pub mod cluster;
