//! ETags: which state of a thing was read, so that a change does not overwrite another (RFC 9110 section 8.8.3).

use std::fmt;

use time::OffsetDateTime;

use super::problem::Problem;

/// The states that a change may be meant for.
#[derive(Debug)]
pub(super) enum ETag {
    /// Any.
    Any,
    /// One of these.
    One(Vec<String>),
}

impl ETag {
    /// The state that was last changed then.
    pub(super) fn of(updated_at: OffsetDateTime) -> Self {
        Self::One(vec![tag(updated_at)])
    }

    /// Reads `If-Match`; absent is any.
    ///
    /// *Errors*: 400 for what is no list of ETags.
    pub(super) fn expected(header: Option<&str>) -> Result<Self, Problem> {
        let Some(text) = header.map(str::trim).filter(|text| *text != "*") else { return Ok(Self::Any) };
        let is_tag = |tag: &str| {
            let strong = tag.strip_prefix("W/").unwrap_or(tag);
            strong.len() >= 2 && strong.starts_with('"') && strong.ends_with('"')
        };
        let tags: Vec<&str> = text.split(',').map(str::trim).collect();
        if tags.iter().all(|tag| is_tag(tag)) {
            // a weak one never matches: RFC 9110 section 13.1.1
            Ok(Self::One(tags.into_iter().map(str::to_owned).collect()))
        } else {
            Err(Problem::violation("If-Match", "etag", "must be the ETag of an earlier answer, quotes included, or *"))
        }
    }

    /// Refuses with 412 when the thing was changed at another time.
    pub(super) fn check(&self, updated_at: OffsetDateTime) -> Result<(), Problem> {
        match self {
            Self::One(tags) if !tags.contains(&tag(updated_at)) => Err(Problem::changed_meanwhile()),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::One(tags) => f.write_str(&tags.join(", ")),
        }
    }
}

/// Microseconds, as Postgres keeps them.
fn tag(updated_at: OffsetDateTime) -> String {
    format!("\"{:x}\"", updated_at.unix_timestamp_nanos() / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::Duration;

    #[test]
    fn only_the_state_that_was_read_matches() {
        let read_at = OffsetDateTime::UNIX_EPOCH + Duration::microseconds(1_234_567);
        let etag = ETag::of(read_at).to_string();
        for header in [None, Some("*"), Some(etag.as_str()), Some(&format!("\"x\", {etag}"))] {
            ETag::expected(header).unwrap().check(read_at).unwrap();
        }
        let later = read_at + Duration::microseconds(1);
        for header in [etag.clone(), format!("W/{}", ETag::of(later)), "\"x\"".to_owned()] {
            assert!(ETag::expected(Some(&header)).unwrap().check(later).is_err(), "{header}");
        }
        for header in ["", "x", "\"a\", b", "\""] {
            assert!(ETag::expected(Some(header)).is_err(), "{header}");
        }
    }
}
