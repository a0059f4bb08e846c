//! Period: from the times that a caller names to the rows of the roll-up that cover them.

use poem_openapi::Enum;
use time::{Duration, OffsetDateTime, UtcOffset};

use crate::domain::violation::Violation;
use crate::store::statistics::Resolution;

/// Longest time that figures are added up for.
const LONGEST: Duration = Duration::days(732);

/// Most steps of a series.
const STEPS_MAX: i64 = 1500;

/// Length of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "lowercase")]
pub(super) enum Bucket {
    Minute,
    Hour,
    Day,
}

impl From<Bucket> for Resolution {
    fn from(bucket: Bucket) -> Self {
        match bucket {
            Bucket::Minute => Self::Minute,
            Bucket::Hour => Self::Hour,
            Bucket::Day => Self::Day,
        }
    }
}

/// The finest rows that are kept for this time and not too many, and their bounds around it.
pub(super) fn of_totals(
    since: Option<OffsetDateTime>,
    until: Option<OffsetDateTime>,
    now: OffsetDateTime,
) -> Result<(Resolution, OffsetDateTime, OffsetDateTime), Vec<Violation>> {
    let (since, until) = bounds(since, until, Duration::days(1), now)?;
    let (length, age) = (until - since, now - since);
    let resolution = if length <= Duration::hours(2) && age <= Duration::days(2) {
        Resolution::Minute
    } else if length <= Duration::days(31) && age <= Duration::days(90) {
        Resolution::Hour
    } else {
        Resolution::Day
    };
    Ok((resolution, floor(since, resolution), ceiling(until, resolution)))
}

/// The bounds of a series.
pub(super) fn of_series(
    bucket: Bucket,
    since: Option<OffsetDateTime>,
    until: Option<OffsetDateTime>,
    now: OffsetDateTime,
) -> Result<(OffsetDateTime, OffsetDateTime), Vec<Violation>> {
    let usual = match bucket {
        Bucket::Minute => Duration::hours(1),
        Bucket::Hour => Duration::days(1),
        Bucket::Day => Duration::days(30),
    };
    let (since, until) = bounds(since, until, usual, now)?;
    let resolution = Resolution::from(bucket);
    let (since, until) = (floor(since, resolution), ceiling(until, resolution));
    let steps = (until - since).whole_seconds() / resolution.seconds();
    if steps > STEPS_MAX {
        let message =
            format!("{steps} steps lie between since and until, more than {STEPS_MAX}: choose a longer bucket");
        return Err(vec![Violation::new("since", "too_many_steps", message)]);
    }
    Ok((since, until))
}

fn bounds(
    since: Option<OffsetDateTime>,
    until: Option<OffsetDateTime>,
    usual: Duration,
    now: OffsetDateTime,
) -> Result<(OffsetDateTime, OffsetDateTime), Vec<Violation>> {
    let mut violations = Vec::new();
    let mut in_range = |field: &str, time: OffsetDateTime| {
        // far enough from the ends of what can be written that rounding cannot leave it
        let time = time.checked_to_offset(UtcOffset::UTC).filter(|time| (1970..=9000).contains(&time.year()));
        if time.is_none() {
            violations.push(Violation::new(field, "time", "must be within the years 1970 to 9000"));
        }
        time.unwrap_or(now)
    };
    let until = until.map_or(now, |time| in_range("until", time));
    let since = since.map_or(until - usual, |time| in_range("since", time));
    if violations.is_empty() && since >= until {
        violations.push(Violation::new("until", "period", "must be later than since"));
    } else if violations.is_empty() && until - since > LONGEST {
        violations.push(Violation::new("since", "period", "must be at most 2 years before until"));
    }
    if violations.is_empty() { Ok((since, until)) } else { Err(violations) }
}

/// Start of the minute, hour or day (UTC) that a time is in.
fn floor(time: OffsetDateTime, resolution: Resolution) -> OffsetDateTime {
    let seconds = time.unix_timestamp().div_euclid(resolution.seconds()) * resolution.seconds();
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(time)
}

fn ceiling(time: OffsetDateTime, resolution: Resolution) -> OffsetDateTime {
    let floor = floor(time, resolution);
    if floor == time { time } else { floor + Duration::seconds(resolution.seconds()) }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2030-05-10 12:34:56 UTC);

    #[test]
    fn a_day_up_to_now_unless_said_otherwise() {
        let found = of_totals(None, None, NOW).unwrap();
        assert_eq!(found, (Resolution::Hour, datetime!(2030-05-09 12:00 UTC), datetime!(2030-05-10 13:00 UTC)));
        assert_eq!(
            of_series(Bucket::Minute, None, None, NOW).unwrap(),
            (datetime!(2030-05-10 11:34 UTC), datetime!(2030-05-10 12:35 UTC))
        );
    }

    #[test]
    fn rows_are_as_fine_as_they_are_kept() {
        for (since, until, want) in [
            (NOW - Duration::hours(1), None, Resolution::Minute),
            (NOW - Duration::hours(50), Some(NOW - Duration::hours(49)), Resolution::Hour),
            (NOW - Duration::days(100), Some(NOW - Duration::days(99)), Resolution::Day),
            (NOW - Duration::days(60), None, Resolution::Day),
        ] {
            assert_eq!(of_totals(Some(since), until, NOW).unwrap().0, want, "{since}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let rule = |found: Result<_, Vec<Violation>>| found.map(|_| ()).unwrap_err()[0].rule;
        assert_eq!(rule(of_totals(Some(NOW), Some(NOW), NOW)), "period");
        assert_eq!(rule(of_totals(Some(NOW - Duration::days(800)), None, NOW)), "period");
        let far = datetime!(9999-12-31 23:59:59 -23:59);
        assert_eq!(rule(of_totals(None, Some(far), NOW)), "time");
        let since = Some(NOW - Duration::days(2));
        assert_eq!(of_series(Bucket::Minute, since, None, NOW).unwrap_err()[0].rule, "too_many_steps");
        assert!(of_series(Bucket::Hour, since, None, NOW).is_ok());
    }
}
