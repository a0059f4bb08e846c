//! Promises that must hold while dispatchers are killed and receivers fail.

mod failing;
mod order;
pub(super) mod ordering;
pub(super) mod rate_limit;
