//! x

mod receiving;
