//! Posthorn sends webhooks straight from Postgres.
//!
//! # For other programs
//!
//! Sending is the work of the binary, and publishing needs no library: it is an `INSERT`. What a Rust program may want beside
//! them is here, and starts nothing: [`signature`] signs and verifies, [`validate`] has the rules for what comes from outside,
//! [`envelope`] makes the body, [`retry`] plans attempts, [`mask_secret`] is for logs, and [`DeliveryStatus`] and
//! [`SubscriptionStatus`] are the words that tables and answers use. `docs/rust-library.md` tells how to use it.
//!
//! # For readers of the source
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
//! flows, and imports point one way: `domain` imports nothing; `library` shows parts of `domain`; `store` and `outbound`
//! import `domain` and `metrics`; `traces` sends spans by `outbound`; `dispatch` imports `store`, `outbound` and `traces`; `api`
//! imports `store` and `traces`; `page` stands beside it and imports nothing but settings; `run` and `cli` wire.
//! `tests/it/layers.rs` keeps it so. What is hidden from the documentation belongs to the binary and changes without notice.

#![forbid(unsafe_code)]

#[macro_use]
mod failpoints;

mod library;

pub use library::{DeliveryStatus, SubscriptionStatus, envelope, mask_secret, retry, signature, validate};

#[doc(hidden)]
pub mod causes;
#[doc(hidden)]
pub mod config;
#[doc(hidden)]
pub mod domain;
#[doc(hidden)]
pub mod metrics;

#[doc(hidden)]
pub mod store;

#[doc(hidden)]
pub mod outbound;

#[doc(hidden)]
pub mod traces;

#[doc(hidden)]
pub mod dispatch;

#[doc(hidden)]
pub mod api;

#[doc(hidden)]
pub mod page;

#[doc(hidden)]
pub mod run;

#[doc(hidden)]
pub mod cli;

/// The pages whose Rust runs as documentation tests.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../docs/rust-library.md")]
    struct RustLibrary;
}
