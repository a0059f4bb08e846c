//! One test binary, linked once; modules mirror the house.

mod cluster;
mod demo;
mod dev;
mod docs;
mod harness;
mod outbound;
mod publish;
mod receiving;
