//! One test binary, linked once; modules mirror the house.

mod api_callers;
mod api_deliveries;
mod api_events;
mod api_isolation;
mod api_monitor;
mod api_problems;
mod api_subscriptions;
mod canary;
mod cluster;
mod days;
mod demo;
mod dev;
mod docs;
mod harness;
mod isolation_sql;
mod keys;
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
