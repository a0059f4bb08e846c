//! One test binary, linked once; modules mirror the house.

mod cluster;
mod demo;
mod harness;
mod openapi;
mod outbound;
mod publish;
mod receiving;
