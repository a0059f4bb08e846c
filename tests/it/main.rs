//! One test binary, linked once; modules mirror the house.

mod cluster;
mod days;
mod demo;
mod dev;
mod docs;
mod harness;
mod isolation_sql;
mod layers;
mod migrate;
mod openapi;
mod outbound;
mod outbox;
mod partitions;
mod publish;
mod receiving;
mod schema;
mod sql;
