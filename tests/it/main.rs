//! One binary for all tests that need more than one module: real sockets, a real PostgreSQL.

mod harness;

mod outbound;
mod receiving;
