//! The process dies, freezes, panics or starves, at each stage of the pipeline: nothing is lost and nothing invented. Rows P1
//! to P20 of `docs/reliability.md`.

#[cfg(feature = "failpoints")]
mod kills;
