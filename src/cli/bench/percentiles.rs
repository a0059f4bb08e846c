//! Lists of times and of figures, boiled down.

use std::time::Instant;

/// Of one list of times, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Percentiles {
    pub(super) p50: f64,
    pub(super) p99: f64,
    pub(super) max: f64,
}

impl Percentiles {
    /// By nearest rank; zeros of an empty list.
    pub(super) fn of(mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        let at = |percent: usize| times.get((times.len() * percent).div_ceil(100).max(1) - 1).copied().unwrap_or(0.0);
        Self { p50: at(50), p99: at(99), max: at(100) }
    }
}

/// A quantity over all rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) min: f64,
    pub(super) max: f64,
}

impl Spread {
    /// Median (between the two in the middle of an even number) and range; zeros of an empty list.
    pub(super) fn of(values: &[f64]) -> Self {
        let mut values = values.to_vec();
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(0.0);
        let last = values.len().saturating_sub(1);
        Self { median: f64::midpoint(at(last / 2), at(last.div_ceil(2))), min: at(0), max: at(last) }
    }
}

/// From one instant to another that may be earlier.
pub(super) fn milliseconds(from: Instant, to: Instant) -> f64 {
    if to >= from { (to - from).as_secs_f64() * 1000.0 } else { -(from - to).as_secs_f64() * 1000.0 }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn percentiles_are_taken_by_nearest_rank() {
        let times = (1..=200).rev().map(f64::from).collect();
        assert_eq!(Percentiles::of(times), Percentiles { p50: 100.0, p99: 198.0, max: 200.0 });
        assert_eq!(Percentiles::of(vec![3.0]), Percentiles { p50: 3.0, p99: 3.0, max: 3.0 });
        assert_eq!(Percentiles::of(Vec::new()).max, 0.0);
    }

    #[test]
    fn the_median_stands_in_the_middle() {
        assert_eq!(Spread::of(&[3.0, 1.0, 2.0]), Spread { median: 2.0, min: 1.0, max: 3.0 });
        assert_eq!(Spread::of(&[4.0, 1.0]).median, 2.5);
        assert_eq!(Spread::of(&[]).median, 0.0);
    }

    #[test]
    fn times_may_run_backwards() {
        let now = Instant::now();
        let later = now + Duration::from_millis(5);
        assert_eq!((milliseconds(now, later), milliseconds(later, now)), (5.0, -5.0));
    }
}
