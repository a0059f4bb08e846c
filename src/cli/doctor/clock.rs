//! How far this machine's clock and the database's are apart: what we sign has our time, what is due goes by the database's.

use std::time::{Duration, Instant};

use time::OffsetDateTime;

use super::Patient;
use super::finding::Finding;
use crate::store::{StoreError, sql};

/// Seconds from which it is told.
const NOTABLE: f64 = 2.0;

/// Seconds from which receivers may refuse what we sign: many accept five minutes, some less.
const HARMFUL: f64 = 30.0;

/// Asks three times and believes the quickest answer.
pub(super) async fn look(patient: &Patient<'_>) -> Result<Vec<Finding>, StoreError> {
    let mut best: Option<(Duration, f64)> = None;
    for _ in 0..3 {
        let (started, before) = (Instant::now(), seconds());
        let theirs: f64 = patient.probe.ask_one(sql::DOCTOR_CLOCK, &[]).await?;
        let (took, after) = (started.elapsed(), seconds());
        if best.is_none_or(|(shortest, _)| took < shortest) {
            best = Some((took, theirs - before.midpoint(after)));
        }
    }
    let (_, ahead) = best.unwrap_or_default();
    let way = if ahead > 0.0 { "ahead of" } else { "behind" };
    let finding = format!("the database's clock is {:.1} s {way} this machine's", ahead.abs());
    let mend = "set both clocks by NTP, such as `timedatectl set-ntp true` on each machine";
    Ok(vec![match ahead.abs() {
        apart if apart >= HARMFUL => {
            Finding::fault("clock", format!("{finding}: receivers may refuse signatures"), mend)
        }
        apart if apart >= NOTABLE => Finding::warning("clock", finding, mend),
        _ => Finding::ok("clock", finding),
    }])
}

fn seconds() -> f64 {
    let now = OffsetDateTime::now_utc();
    now.unix_timestamp() as f64 + f64::from(now.microsecond()) / 1e6
}
