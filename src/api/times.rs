//! Times as callers write them, and the ids that stand for them: an id's first 48 bits are its millisecond.

use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};
use uuid::Uuid;

use super::checks::Checks;
use crate::domain::violation::Violation;

/// Bits of an id behind its millisecond.
const BITS_BELOW_TIME: u32 = 80;

/// Reads an RFC 3339 time that can be written in UTC.
pub(super) fn read(field: &str, text: &str) -> Result<OffsetDateTime, Violation> {
    // in UTC it can be a year beyond those that can be written
    let in_utc = |time: OffsetDateTime| time.checked_to_offset(UtcOffset::UTC);
    let time = OffsetDateTime::parse(text, &Rfc3339).ok().and_then(in_utc).filter(|time| time.year() >= 1);
    let message = "must be a time such as 2030-01-31T12:00:00Z (RFC 3339), in UTC within the years 1 to 9999";
    time.ok_or_else(|| Violation::new(field, "time", message))
}

/// A range of time as a range of ids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct IdRange {
    /// Nothing below this.
    pub(super) since: Option<Uuid>,
    /// Nothing from this on.
    pub(super) before: Option<Uuid>,
}

impl IdRange {
    /// What `since` and `until` of a list mean, to the millisecond: from `since` on, and before `until`.
    pub(super) fn read(checks: &mut Checks, since: Option<&str>, until: Option<&str>) -> Self {
        let since = checks.read(since, |text| read("since", text));
        let until = checks.read(until, |text| read("until", text));
        if let (Some(since), Some(until)) = (since, until)
            && since >= until
        {
            checks.fail(order());
        }
        Self { since: since.map(first_id_at), before: until.map(first_id_at) }
    }

    /// The same without what is not below `id`.
    pub(super) fn below(self, id: Option<Uuid>) -> Self {
        let before = [self.before, id].into_iter().flatten().min();
        Self { before, ..self }
    }
}

/// What is wrong with a range that is none.
pub(super) fn order() -> Violation {
    Violation::new("until", "time_order", "must be later than since")
}

/// Below every id of this millisecond and above those of the one before.
pub(super) fn first_id_at(time: OffsetDateTime) -> Uuid {
    let milliseconds = (time.unix_timestamp_nanos() / 1_000_000).max(0);
    Uuid::from_u128(milliseconds.unsigned_abs() << BITS_BELOW_TIME)
}

/// The millisecond of an id.
pub(super) fn time_of(id: Uuid) -> Option<OffsetDateTime> {
    let milliseconds = i128::try_from(id.as_u128() >> BITS_BELOW_TIME).ok()?;
    OffsetDateTime::from_unix_timestamp_nanos(milliseconds * 1_000_000).ok()
}

/// The id that follows in the order of ids.
pub(super) fn next_id(id: Uuid) -> Uuid {
    Uuid::from_u128(id.as_u128().saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_within_their_millisecond() {
        let id = Uuid::now_v7();
        let time = time_of(id).unwrap();
        assert!(first_id_at(time) < id && id < first_id_at(time + time::Duration::milliseconds(1)));
        assert_eq!(first_id_at(OffsetDateTime::UNIX_EPOCH - time::Duration::days(1)), Uuid::nil());
    }

    #[test]
    fn a_range_ends_at_the_smaller_of_two_ids() {
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let range = IdRange { since: None, before: Some(b) };
        assert_eq!(range.below(Some(a)).before, Some(a));
        assert_eq!(range.below(None).before, Some(b));
        assert_eq!(IdRange::default().below(Some(a)).before, Some(a));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "yesterday", "2030-01-31", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59-01:00"] {
            assert!(read("since", text).is_err(), "{text}");
        }
    }
}
