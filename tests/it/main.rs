//! One binary for all tests that need more than one module: real sockets, a real PostgreSQL.

mod harness;

mod cluster;
mod outbound;
mod receiving;
