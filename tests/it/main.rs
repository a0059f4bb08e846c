//! One test binary, linked once; modules mirror the house.

mod cluster;
mod harness;
mod outbound;
mod receiving;
