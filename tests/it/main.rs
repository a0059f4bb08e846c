//! One binary for all tests that need more than one module: real sockets, a real PostgreSQL.

mod harness;

mod cluster;
mod demo;
mod outbound;
mod publish;
mod receiving;
