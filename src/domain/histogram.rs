//! Percentiles from the histograms of the statistics, whose buckets the schema fixes (`posthorn.bucket_bounds()`).

/// Upper bounds of all buckets but the last, in milliseconds, exclusive.
pub const BOUNDS_MS: [i32; 23] = [
    1, 2, 3, 5, 10, 20, 30, 50, 100, 200, 300, 500, 1000, 2000, 3000, 5000, 10_000, 20_000, 30_000, 60_000, 300_000,
    3_600_000, 86_400_000,
];

/// Buckets of a histogram.
pub const BUCKETS: usize = BOUNDS_MS.len() + 1;

/// The value in milliseconds beneath which the share `quantile` (0 to 1) of what was counted lies, or `None` when nothing
/// was. Within a bucket values are taken as spread evenly, so the answer lies in the bucket of the true value: it is wrong
/// by less than a factor of 2 up to 30 seconds, and never more than the largest value.
///
/// ```
/// use posthorn::domain::histogram::{BUCKETS, quantile};
/// let mut counts = [0; BUCKETS];
/// counts[4] = 100; // 5 to 10 ms
/// assert_eq!(quantile(&counts, 9, 0.5), Some(7.5));
/// ```
pub fn quantile(counts: &[i64; BUCKETS], largest_ms: i32, quantile: f64) -> Option<f64> {
    let total: i64 = counts.iter().sum();
    if total == 0 {
        return None;
    }
    let wanted = quantile * as_float(total);
    let (mut below, mut value) = (0.0, f64::from(largest_ms));
    for (bucket, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let count = as_float(*count);
        if below + count >= wanted {
            let low = bucket.checked_sub(1).map_or(0.0, |before| f64::from(BOUNDS_MS[before]));
            let high = BOUNDS_MS.get(bucket).map_or(f64::from(largest_ms), |bound| f64::from(*bound));
            value = low + (high - low) * ((wanted - below) / count);
            break;
        }
        below += count;
    }
    Some((value.min(f64::from(largest_ms)) * 10.0).round() / 10.0)
}

/// Counts stay far below 2^53.
#[expect(clippy::cast_precision_loss, reason = "no count of deliveries comes near 2^53")]
const fn as_float(count: i64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(values: &[i32]) -> [i64; BUCKETS] {
        let mut counts = [0; BUCKETS];
        for value in values {
            counts[BOUNDS_MS.iter().filter(|bound| *bound <= value).count()] += 1;
        }
        counts
    }

    #[test]
    fn of_nothing_there_is_no_percentile() {
        assert_eq!(quantile(&histogram(&[]), 0, 0.5), None);
    }

    #[test]
    fn the_answer_is_within_a_factor_of_two_and_below_the_largest() {
        for values in [vec![7; 10], (1..=1000).collect(), vec![0, 1, 2, 3, 4000], vec![29_999; 3], (0..50).collect()] {
            let largest = *values.iter().max().unwrap();
            let mut sorted = values.clone();
            sorted.sort_unstable();
            for q in [0.5, 0.95, 0.99] {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small index")]
                let index = ((q * sorted.len() as f64).ceil() as usize - 1).min(sorted.len() - 1);
                let truth = f64::from(sorted[index].max(1));
                let found = quantile(&histogram(&values), largest, q).unwrap();
                assert!(
                    found <= f64::from(largest) && found >= truth / 2.0 && found <= truth * 2.0,
                    "{values:?} {q}: {found} {truth}"
                );
            }
        }
    }

    #[test]
    fn what_is_beyond_the_last_bound_is_at_most_the_largest() {
        let days = [200_000_000; 4];
        let found = quantile(&histogram(&days), 200_000_000, 0.99).unwrap();
        assert!((86_400_000.0..=200_000_000.0).contains(&found), "{found}");
    }
}
