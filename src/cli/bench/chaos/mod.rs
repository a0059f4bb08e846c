//! Promises that must hold while dispatchers are killed and receivers fail.

pub(super) mod ordering;
pub(super) mod rate_limit;
