//! Posthorn sends webhooks straight from Postgres.
//!
//! A business module inserts its event into `posthorn.outbox` in its own transaction. A trigger fans the event out
//! into `posthorn.webhook_deliveries` and, when a dispatcher sleeps, wakes it by NOTIFY. The dispatcher claims what is
//! due, signs it, sends it, judges the answer and records the result:
//!
//! ```text
//! Wake -> Claimed -> SignedRequest -> Sent -> Verdict -> row
//! ```
//!
//! The REST API and the dispatcher never call each other; they meet in Postgres. Modules are listed in the order data
//! flows, and imports point one way: `domain` imports nothing; `store` and `outbound` import `domain` and `metrics`;
//! `dispatch` imports `store` and `outbound`; `api` imports `store`; `run` and `cli` wire. `tests/it/layers.rs` keeps it so.

pub mod config;
pub mod domain;
pub mod metrics;

pub mod store;

pub mod outbound;

pub mod dispatch;

pub mod api;

pub mod run;

pub mod cli;
