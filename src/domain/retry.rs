//! When a failed delivery is tried again: schedules, jitter and the receiver's own `Retry-After` (R41, R42).

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, UNIX_EPOCH};

use time::OffsetDateTime;

/// Most delays a schedule may have.
pub const SCHEDULE_MAX_ENTRIES: usize = 30;

/// Longest single delay: 30 days.
pub const DELAY_MAX: Duration = Duration::from_secs(30 * 86_400);

/// Longest wait a receiver may ask for by `Retry-After`: 24 hours (DESIGN section 4).
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(86_400);

/// Largest part of a delay that jitter adds to it.
const JITTER: f64 = 0.2;

/// Named schedules. `default` is both original documents' schedules one after the other (R42).
pub const PRESETS: [(&str, &str); 5] = [
    ("default", "1s,2s,4s,5m,1h,6h"),
    ("gestiq", "1s,2s,4s"),
    ("gestiq-celery", "60s,120s,240s"),
    ("dotmac", "5m,1h,6h"),
    ("standard-webhooks", "5s,5m,30m,2h,5h,10h,14h,20h,24h"),
];

/// The delays before the first, second, … retry. An empty schedule never retries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule(Vec<Duration>);

impl Schedule {
    /// The schedule of this name.
    pub fn preset(name: &str) -> Option<Self> {
        let (_, list) = PRESETS.iter().find(|(preset, _)| preset.eq_ignore_ascii_case(name.trim()))?;
        Self::parse(list).ok()
    }

    /// Names of all presets, for people.
    pub fn preset_names() -> String {
        PRESETS.map(|(name, _)| name).join(", ")
    }

    /// Reads a preset's name, `none` (never retry), or a list such as `1s,2s,5m` with the units ms, s, m, h and d.
    ///
    /// *Errors*: one sentence saying what is wrong and what would be right.
    ///
    /// ```
    /// use posthorn::retry::Schedule;
    /// assert_eq!(Schedule::parse("gestiq").unwrap().to_string(), "1s,2s,4s");
    /// assert!(Schedule::parse("1 fortnight").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("none") {
            return Ok(Self(Vec::new()));
        }
        let preset = PRESETS.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
        let list = preset.map_or(text, |(_, list)| list);
        let entries: Vec<&str> = list.split(',').collect();
        if entries.len() > SCHEDULE_MAX_ENTRIES {
            return Err(format!(
                "a retry schedule has at most {SCHEDULE_MAX_ENTRIES} delays, this one has {}",
                entries.len()
            ));
        }
        entries.into_iter().map(parse_delay).collect::<Result<_, _>>().map(Self)
    }

    /// The schedule kept in a column of whole seconds; what the column's CHECK would refuse is brought into range.
    pub fn from_seconds(seconds: &[i32]) -> Self {
        let delay = |&s: &i32| Duration::from_secs(u64::try_from(s).unwrap_or(0)).min(DELAY_MAX);
        Self(seconds.iter().take(SCHEDULE_MAX_ENTRIES).map(delay).collect())
    }

    /// The delay before retry number `retry` (from 1) when at most `max_retries` are allowed; the last delay repeats.
    /// `None` when there is no such retry.
    ///
    /// ```
    /// use posthorn::retry::Schedule;
    /// use std::time::Duration;
    /// let schedule = Schedule::parse("1s,5m").unwrap();
    /// assert_eq!(schedule.delay(3, 3), Some(Duration::from_secs(300)));
    /// assert_eq!(schedule.delay(4, 3), None);
    /// ```
    pub fn delay(&self, retry: u32, max_retries: u32) -> Option<Duration> {
        if retry == 0 || retry > max_retries {
            return None;
        }
        let index = usize::try_from(retry - 1).unwrap_or(usize::MAX);
        self.0.get(index).or_else(|| self.0.last()).copied()
    }

    /// Number of delays: the number of retries where nothing else says it.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it never retries.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The delays in order.
    pub fn delays(&self) -> &[Duration] {
        &self.0
    }
}

impl Default for Schedule {
    /// `1s,2s,4s,5m,1h,6h` (R42).
    fn default() -> Self {
        Self::parse("default").expect("the preset is well-formed, a unit test reads them all")
    }
}

impl FromStr for Schedule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text)
    }
}

impl fmt::Display for Schedule {
    /// A text that [`Schedule::parse`] reads back to the same schedule.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        for (index, delay) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let ms = delay.as_millis();
            let (count, unit) =
                UNITS.iter().find(|(_, unit_ms)| ms > 0 && ms % unit_ms == 0).map_or((ms, "ms"), |(u, m)| (ms / m, u));
            write!(f, "{comma}{count}{unit}")?;
        }
        Ok(())
    }
}

/// `delay` lengthened by up to a fifth, as `unit` in 0..=1 says: never shorter than what the schedule promises.
pub fn with_jitter(delay: Duration, unit: f64) -> Duration {
    let unit = if unit.is_finite() { unit.clamp(0.0, 1.0) } else { 0.0 };
    delay.saturating_add(delay.mul_f64(unit * JITTER))
}

/// How long the `Retry-After` header values ask to wait, at most [`RETRY_AFTER_MAX`]: delta-seconds or any of the three
/// HTTP date forms (RFC 9110 §10.2.3, §5.6.7). Of several values the longest counts; a past date is zero; anything else
/// is `None`. Receivers are strangers: no value may panic or overflow.
pub fn retry_after(values: &[String], now: OffsetDateTime) -> Option<Duration> {
    values.iter().filter_map(|value| retry_after_value(value.trim(), now)).max().map(|wait| wait.min(RETRY_AFTER_MAX))
}

/// The wait before retry number `retry` (from 1), or `None` when the retries are exhausted. What the receiver asked for
/// counts between the schedule's own delay and 24 hours; `unit` in 0..=1 spreads retries out.
pub fn next_delay(
    schedule: &Schedule,
    retry: u32,
    max_retries: u32,
    retry_after: Option<Duration>,
    unit: f64,
) -> Option<Duration> {
    let scheduled = schedule.delay(retry, max_retries)?;
    let own = with_jitter(scheduled, unit);
    let asked = retry_after.filter(|asked| *asked > scheduled);
    Some(asked.map_or(own, |asked| own.max(with_jitter(asked.min(RETRY_AFTER_MAX), unit).min(RETRY_AFTER_MAX))))
}

/// Units from long to short with their length in milliseconds.
const UNITS: [(&str, u128); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

fn parse_delay(entry: &str) -> Result<Duration, String> {
    let entry = entry.trim();
    let digits = entry.find(|c: char| !c.is_ascii_digit()).unwrap_or(entry.len());
    let (count, unit) = entry.split_at(digits);
    let unit_ms = UNITS.iter().find(|(name, _)| *name == unit.trim_start()).map(|(_, ms)| *ms);
    let (Some(unit_ms), false) = (unit_ms, count.is_empty()) else {
        let presets = PRESETS.map(|(name, _)| name).join(", ");
        return Err(format!(
            "{:?} is not a delay: write a number and a unit of ms, s, m, h or d in a list such as 1s,2s,5m, or one of {presets}, none",
            super::delivery::printable(entry, 40)
        ));
    };
    // Digits that do not fit are certainly too long a delay.
    let ms = count.parse::<u64>().map_or(u128::MAX, |count| u128::from(count) * unit_ms);
    match u64::try_from(ms).map(Duration::from_millis) {
        Ok(delay) if delay <= DELAY_MAX => Ok(delay),
        _ => Err(format!("a retry delay is at most 30d, not {}", super::delivery::printable(entry, 40))),
    }
}

fn retry_after_value(value: &str, now: OffsetDateTime) -> Option<Duration> {
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    let at = date.duration_since(UNIX_EPOCH).ok()?.as_secs();
    let now = u64::try_from(now.unix_timestamp()).unwrap_or(0);
    Some(Duration::from_secs(at.saturating_sub(now)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(1994-11-06 08:48:37 UTC);

    fn secs(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    #[test]
    fn presets_and_lists_are_read() {
        for (text, want) in [
            ("default", "1s,2s,4s,5m,1h,6h"),
            ("Gestiq", "1s,2s,4s"),
            ("gestiq-celery", "1m,2m,4m"),
            ("dotmac", "5m,1h,6h"),
            ("standard-webhooks", "5s,5m,30m,2h,5h,10h,14h,20h,1d"),
            (" 10ms, 1s ,90s,30d", "10ms,1s,90s,30d"),
            ("0s", "0ms"),
            ("none", "none"),
        ] {
            let schedule = Schedule::parse(text).unwrap();
            assert_eq!(schedule.to_string(), want);
            assert_eq!(Schedule::parse(want).unwrap(), schedule);
        }
        assert_eq!(Schedule::default().len(), 6);
        assert_eq!(Schedule::from_seconds(&[1, 60, -5, i32::MAX]).delays(), [secs(1), secs(60), secs(0), DELAY_MAX]);
    }

    #[test]
    fn malformed_schedules_are_refused_with_a_reason() {
        let many = vec!["1s"; 31].join(",");
        for (text, part) in [
            ("", "is not a delay"),
            ("5", "is not a delay"),
            ("s", "is not a delay"),
            ("1s,,2s", "is not a delay"),
            ("-1s", "is not a delay"),
            ("1.5s", "is not a delay"),
            ("1 fortnight", "is not a delay"),
            ("31d", "at most 30d"),
            ("99999999999999999999s", "at most 30d"),
            ("18446744073709551615d", "at most 30d"),
            (many.as_str(), "at most 30 delays"),
        ] {
            let message = Schedule::parse(text).unwrap_err();
            assert!(message.contains(part), "{text:?}: {message}");
        }
    }

    #[test]
    fn the_last_delay_repeats_until_the_retries_are_used_up() {
        let schedule = Schedule::parse("1s,2s").unwrap();
        let delays: Vec<_> = (0..6).map(|retry| schedule.delay(retry, 4)).collect();
        assert_eq!(delays, [None, Some(secs(1)), Some(secs(2)), Some(secs(2)), Some(secs(2)), None]);
        assert_eq!(Schedule::parse("none").unwrap().delay(1, 5), None);
        assert_eq!(schedule.delay(u32::MAX, u32::MAX), Some(secs(2)));
    }

    #[test]
    fn jitter_only_lengthens() {
        for (unit, want_ms) in
            [(0.0, 1000), (0.5, 1100), (1.0, 1200), (7.0, 1200), (-1.0, 1000), (f64::NAN, 1000), (f64::INFINITY, 1000)]
        {
            assert_eq!(with_jitter(secs(1), unit), Duration::from_millis(want_ms), "{unit}");
        }
        assert_eq!(with_jitter(Duration::MAX, 1.0), Duration::MAX);
    }

    #[test]
    fn retry_after_forms() {
        for (value, want) in [
            ("120", Some(secs(120))),
            (" 0 ", Some(secs(0))),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(secs(60))),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(secs(60))),
            ("Sun Nov  6 08:49:37 1994", Some(secs(60))),
            ("Sun, 06 Nov 1994 08:47:37 GMT", Some(secs(0))),
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(RETRY_AFTER_MAX)),
            ("99999999999999999999", Some(RETRY_AFTER_MAX)),
            ("9223372036854775", Some(RETRY_AFTER_MAX)),
            ("18446744073709551615", Some(RETRY_AFTER_MAX)),
            ("1e15", None),
            ("1e300", None),
            ("inf", None),
            ("NaN", None),
            ("-1", None),
            ("+5", None),
            ("1.5", None),
            ("٣", None),
            ("", None),
            ("soon", None),
        ] {
            assert_eq!(retry_after(&[value.to_owned()], NOW), want, "{value:?}");
        }
        let several = ["5", "nonsense", "Sun, 06 Nov 1994 08:49:37 GMT", "30"].map(str::to_owned);
        assert_eq!(retry_after(&several, NOW), Some(secs(60)));
        assert_eq!(retry_after(&[], NOW), None);
    }

    #[test]
    fn retry_after_counts_between_the_schedule_and_a_day() {
        let schedule = Schedule::parse("10s,2d").unwrap();
        for (retry, asked, unit, want) in [
            (1, None, 0.0, Some(secs(10))),
            (1, None, 1.0, Some(secs(12))),
            (1, Some(secs(0)), 0.0, Some(secs(10))),
            (1, Some(secs(11)), 0.0, Some(secs(11))),
            (1, Some(secs(100)), 1.0, Some(secs(120))),
            (1, Some(Duration::MAX), 1.0, Some(RETRY_AFTER_MAX)),
            (2, Some(Duration::MAX), 0.0, Some(secs(172_800))),
            (3, None, 0.0, Some(secs(172_800))),
            (4, Some(secs(1)), 0.0, None),
        ] {
            assert_eq!(next_delay(&schedule, retry, 3, asked, unit), want, "{retry} {asked:?} {unit}");
        }
    }

    proptest! {
        #[test]
        fn any_retry_after_is_bounded(values in proptest::collection::vec(".*", 0..4), now in -99_999_999_999i64..=253_402_300_799) {
            let now = OffsetDateTime::from_unix_timestamp(now).unwrap();
            prop_assert!(retry_after(&values, now).is_none_or(|wait| wait <= RETRY_AFTER_MAX));
        }

        #[test]
        fn near_dates_and_numbers_are_bounded(value in "[A-Z][a-z]{2,8},? ?[0-9]{1,2}[ -][A-Z][a-z]{2}[ -][0-9]{2,4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT|[0-9]{1,40}|[A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8} [0-9]{4}") {
            prop_assert!(retry_after(&[value], NOW).is_none_or(|wait| wait <= RETRY_AFTER_MAX));
        }

        #[test]
        fn a_retry_never_comes_before_its_schedule(retry in 1u32..20, asked in proptest::option::of(any::<u64>()), unit in any::<f64>()) {
            let schedule = Schedule::default();
            let wait = next_delay(&schedule, retry, 20, asked.map(Duration::from_secs), unit).unwrap();
            prop_assert!(wait >= schedule.delay(retry, 20).unwrap());
            prop_assert!(wait <= RETRY_AFTER_MAX);
        }

        #[test]
        fn any_schedule_text_is_read_or_refused(text in ".{0,60}|([0-9]{1,25}(ms|s|m|h|d),?){1,5}") {
            if let Ok(schedule) = Schedule::parse(&text) {
                prop_assert_eq!(Schedule::parse(&schedule.to_string()), Ok(schedule));
            }
        }
    }
}
