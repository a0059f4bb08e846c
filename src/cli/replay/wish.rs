//! Which deliveries are meant.

use clap::Args;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use crate::cli::tenant;

/// The status of those that wait for their next retry.
pub(super) const RETRYING: &str = "retrying";

/// Which deliveries: all that is said must hold.
#[derive(Args, Clone, Debug, Default)]
pub struct Chosen {
    /// Of this tenant; may be left out where a subscription, an event or a delivery is named
    #[arg(long, value_name = "ID", value_parser = tenant::id)]
    pub tenant: Option<Uuid>,

    /// To this subscription
    #[arg(long, value_name = "ID")]
    pub subscription: Option<Uuid>,

    /// Of this event; may be repeated
    #[arg(long = "event-id", value_name = "ID")]
    pub event_ids: Vec<Uuid>,

    /// This delivery
    #[arg(long, value_name = "ID", conflicts_with = "event_ids")]
    pub delivery: Option<Uuid>,

    /// Of this event type or group, such as invoice.paid or invoice.*
    #[arg(long, value_name = "TYPE")]
    pub event: Option<String>,

    /// With one of these statuses: abandoned (retries ran out), failed, cancelled, delivered, retrying (due now, with all retries again). Unless said: what was given up, abandoned and failed; of events and deliveries that are named delivered ones too
    #[arg(long, value_delimiter = ',', value_name = "STATUS", value_parser = status)]
    pub status: Vec<&'static str>,

    /// Whose last failure was of this kind, such as timeout or server_error
    #[arg(long, value_name = "KIND")]
    pub error_kind: Option<String>,

    /// Made at this time or later: a time such as 2026-01-31T12:00:00Z, or 90m, 6h, 2d ago
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub since: Option<OffsetDateTime>,

    /// Made before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub until: Option<OffsetDateTime>,

    /// About this kind of thing
    #[arg(long, value_name = "TYPE", requires = "resource_id")]
    pub resource_type: Option<String>,

    /// About this thing
    #[arg(long, value_name = "ID", requires = "resource_type")]
    pub resource_id: Option<String>,
}

impl Chosen {
    pub(super) fn statuses(&self) -> Vec<&'static str> {
        match (self.status.is_empty(), self.event_ids.is_empty() && self.delivery.is_none()) {
            (false, _) => self.status.clone(),
            (true, true) => vec!["failed", "abandoned"],
            (true, false) => vec!["delivered", "failed", "abandoned"],
        }
    }

    /// As the database takes it.
    pub(super) fn filter(&self, statuses: &[&str]) -> Result<String, &'static str> {
        let is_anything = self.tenant.is_some()
            || self.subscription.is_some()
            || self.delivery.is_some()
            || !self.event_ids.is_empty();
        if !is_anything {
            return Err("say whose: --tenant, --subscription, --event-id or --delivery");
        }
        let is_narrow = !self.event_ids.is_empty()
            || self.delivery.is_some()
            || self.resource_id.is_some()
            || (self.subscription.is_some() && self.since.is_some());
        if statuses.contains(&"delivered") && statuses.contains(&RETRYING) {
            return Err(
                "delivered ones and those that wait for a retry are sent again by two commands, one --status each",
            );
        }
        if statuses.contains(&"delivered") && !is_narrow {
            return Err(
                "delivered ones are sent again by --subscription with --since, --event-id, --delivery or --resource-type with --resource-id",
            );
        }
        let mut filter = Map::new();
        filter.insert("statuses".to_owned(), statuses.iter().copied().collect());
        let ids: Vec<String> = self.event_ids.iter().map(Uuid::to_string).collect();
        let time = |time: Option<OffsetDateTime>| time.and_then(|time| time.format(&Rfc3339).ok());
        let texts = [
            ("event", self.event.clone()),
            ("error_kind", self.error_kind.clone()),
            ("delivery_id", self.delivery.map(|id| id.to_string())),
            ("since", time(self.since)),
            ("until", time(self.until)),
            ("resource_type", self.resource_type.clone()),
            ("resource_id", self.resource_id.clone()),
        ];
        filter.extend(texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), Value::String(text?)))));
        if filter.len() == 1 && ids.is_empty() && self.subscription.is_none() && !statuses.contains(&"delivered") {
            // whose is said: everything of theirs that was given up
            filter.insert("since".to_owned(), "-infinity".into());
        }
        if !ids.is_empty() {
            filter.insert("event_ids".to_owned(), ids.into_iter().collect());
        }
        Ok(Value::Object(filter).to_string())
    }
}

fn status(word: &str) -> Result<&'static str, String> {
    match word.trim().to_lowercase().as_str() {
        "exhausted" | "abandoned" => Ok("abandoned"),
        "failed" => Ok("failed"),
        "cancelled" => Ok("cancelled"),
        "delivered" => Ok("delivered"),
        RETRYING => Ok(RETRYING),
        _ => Err("must be abandoned, failed, cancelled, delivered or retrying".to_owned()),
    }
}

fn time(text: &str) -> Result<OffsetDateTime, String> {
    let wrong = || "must be a time such as 2026-01-31T12:00:00Z, or how long ago, such as 90m, 6h, 2d".to_owned();
    if let Ok(time) = OffsetDateTime::parse(text, &Rfc3339) {
        return Ok(time);
    }
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86400,
        _ => return Err(wrong()),
    };
    let ago = number.parse::<u32>().ok().map(|number| i64::from(number) * seconds).ok_or_else(wrong)?;
    OffsetDateTime::now_utc().checked_sub(time::Duration::seconds(ago)).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_such_and_as_how_long_ago() {
        assert_eq!(time("2026-01-31T12:00:00Z").unwrap().unix_timestamp(), 1_769_860_800);
        let ago = (OffsetDateTime::now_utc() - time("2h").unwrap()).whole_seconds();
        assert!((7199..=7201).contains(&ago), "{ago}");
        for wrong in ["", "2", "h", "-2h", "2y", "yesterday", "ü"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn nothing_is_not_everything() {
        assert!(Chosen { event: Some("*".to_owned()), ..Chosen::default() }.filter(&["failed"]).is_err());
        let tenant = Some(Uuid::nil());
        let filter = Chosen { tenant, ..Chosen::default() }.filter(&["failed"]).unwrap();
        assert_eq!(filter, r#"{"since":"-infinity","statuses":["failed"]}"#);
    }
}
