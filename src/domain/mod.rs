//! Pure values and rules: no clock, no network, no database. Everything here can be tested with a table.

pub mod client_identity;
pub mod custom_headers;
pub mod delivery;
pub mod envelope;
pub mod event;
pub mod filter;
pub mod histogram;
pub mod keyring;
pub mod permission;
pub mod retry;
pub mod schema;
pub mod secret;
pub mod signature;
pub mod signing_key;
pub mod subscription;
pub mod template;
pub mod traceparent;
pub mod violation;
