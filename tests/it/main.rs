//! One test binary, linked once; modules mirror the house.

mod cluster;
mod crash;
mod days;
mod demo;
mod dev;
mod dispatch_claim;
mod dispatch_record;
mod dispatch_rescue;
mod dispatch_retries;
mod dispatch_send;
mod dispatch_stop;
mod dispatch_verdicts;
mod dispatch_wake;
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
