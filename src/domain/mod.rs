//! Pure values and rules: no clock, no network, no database. Everything here can be tested with a table.

pub mod delivery;
pub mod envelope;
pub mod event;
pub mod keyring;
pub mod permission;
pub mod retry;
pub mod secret;
pub mod signature;
pub mod subscription;
pub mod violation;
