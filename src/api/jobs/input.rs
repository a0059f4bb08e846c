//! What is asked of a job: which rows, and whether to do it or only to count.

use poem_openapi::Object;
use poem_openapi::types::Example;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use crate::api::body::Fields;
use crate::api::deliveries::read_error_kind;
use crate::api::problem::Problem;
use crate::api::times::order;
use crate::domain::delivery::DeliveryStatus;
use crate::domain::event::EventPattern;
use crate::store::jobs::{JobKind, NewJob};

use DeliveryStatus::{Abandoned, Cancelled, Delivered, Failed, Pending, Retrying};

// The fields are read by `Wish::retry`: this type is there for the document alone.
/// Which deliveries to retry.
#[derive(Object)]
#[oai(deny_unknown_fields, example, skip_serializing_if_is_none)]
pub(super) struct RetryInput {
    /// Those that are `failed`, `abandoned`, `cancelled` or `retrying`; failed and abandoned ones when absent.
    #[oai(nullable, validator(min_items = 1, max_items = 4))]
    status: Option<Vec<String>>,
    /// Those of this event type, or of this group, such as `invoice.*`.
    #[oai(nullable)]
    event: Option<String>,
    /// Those to this subscription.
    #[oai(nullable)]
    subscription_id: Option<Uuid>,
    /// Those whose last failure was of this kind.
    #[oai(nullable)]
    error_kind: Option<String>,
    /// Those whose last answer had this HTTP status.
    #[oai(nullable, validator(minimum(value = "100"), maximum(value = "999")))]
    status_code: Option<i32>,
    /// Those made at this time or later.
    #[oai(nullable)]
    since: Option<OffsetDateTime>,
    /// Those made before this time.
    #[oai(nullable)]
    until: Option<OffsetDateTime>,
    /// Count and change nothing.
    #[oai(nullable)]
    dry_run: Option<bool>,
}

// The fields are read by `Wish::cancel`: this type is there for the document alone.
/// Which deliveries to cancel.
#[derive(Object)]
#[oai(deny_unknown_fields, example, skip_serializing_if_is_none)]
pub(super) struct CancelInput {
    /// Those that are `pending` or `retrying`; both when absent.
    #[oai(nullable, validator(min_items = 1, max_items = 2))]
    status: Option<Vec<String>>,
    /// Those of this event type, or of this group, such as `invoice.*`.
    #[oai(nullable)]
    event: Option<String>,
    /// Those to this subscription.
    #[oai(nullable)]
    subscription_id: Option<Uuid>,
    /// Those whose last failure was of this kind.
    #[oai(nullable)]
    error_kind: Option<String>,
    /// Those whose last answer had this HTTP status.
    #[oai(nullable, validator(minimum(value = "100"), maximum(value = "999")))]
    status_code: Option<i32>,
    /// Those made at this time or later.
    #[oai(nullable)]
    since: Option<OffsetDateTime>,
    /// Those made before this time.
    #[oai(nullable)]
    until: Option<OffsetDateTime>,
    /// Count and change nothing.
    #[oai(nullable)]
    dry_run: Option<bool>,
}

// The fields are read by `Wish::replay`: this type is there for the document alone.
/// Which deliveries to replay.
#[derive(Object)]
#[oai(deny_unknown_fields, example, skip_serializing_if_is_none)]
pub(super) struct ReplayInput {
    /// Those made at this time or later.
    since: OffsetDateTime,
    /// Those made before this time; until now when absent.
    #[oai(nullable)]
    until: Option<OffsetDateTime>,
    /// Those that are `delivered`, `failed`, `abandoned` or `cancelled`; all four when absent.
    #[oai(nullable, validator(min_items = 1, max_items = 4))]
    status: Option<Vec<String>>,
    /// Those of this event type, or of this group, such as `invoice.*`.
    #[oai(nullable)]
    event: Option<String>,
    /// Count and change nothing.
    #[oai(nullable)]
    dry_run: Option<bool>,
}

// The fields are read by `Wish::backfill`: this type is there for the document alone.
/// Which events to deliver as well.
#[derive(Object)]
#[oai(deny_unknown_fields, example, skip_serializing_if_is_none)]
pub(super) struct BackfillInput {
    /// Events published at this time or later.
    since: OffsetDateTime,
    /// Events published before this time; until now when absent.
    #[oai(nullable)]
    until: Option<OffsetDateTime>,
    /// Count and change nothing.
    #[oai(nullable)]
    dry_run: Option<bool>,
}

impl Example for RetryInput {
    fn example() -> Self {
        Self {
            status: Some(vec![Failed.to_string(), Abandoned.to_string()]),
            event: Some("invoice.*".to_owned()),
            subscription_id: None,
            error_kind: Some("timeout".to_owned()),
            status_code: None,
            since: Some(OffsetDateTime::UNIX_EPOCH),
            until: None,
            dry_run: Some(true),
        }
    }
}

impl Example for CancelInput {
    fn example() -> Self {
        Self {
            status: None,
            event: Some("invoice.created".to_owned()),
            subscription_id: None,
            error_kind: None,
            status_code: None,
            since: None,
            until: None,
            dry_run: Some(true),
        }
    }
}

impl Example for ReplayInput {
    fn example() -> Self {
        Self { since: OffsetDateTime::UNIX_EPOCH, until: None, status: None, event: None, dry_run: Some(true) }
    }
}

impl Example for BackfillInput {
    fn example() -> Self {
        Self { since: OffsetDateTime::UNIX_EPOCH, until: None, dry_run: Some(true) }
    }
}

/// What a body asks for.
pub(super) struct Wish {
    /// The job.
    pub(super) job: NewJob,
    /// Whether only to count.
    pub(super) is_dry_run: bool,
}

impl Wish {
    /// Deliveries that were given up, again.
    pub(super) fn retry(fields: Fields) -> Result<Self, Problem> {
        let allowed = [Failed, Abandoned, Cancelled, Retrying];
        Self::read(fields, JobKind::Retry, None, Some((&allowed, &allowed[..2])))
    }

    /// Deliveries that wait, given up.
    pub(super) fn cancel(fields: Fields) -> Result<Self, Problem> {
        let allowed = [Pending, Retrying];
        Self::read(fields, JobKind::Cancel, None, Some((&allowed, &allowed)))
    }

    /// A subscription's deliveries again.
    pub(super) fn replay(fields: Fields, subscription: Uuid) -> Result<Self, Problem> {
        let allowed = [Delivered, Failed, Abandoned, Cancelled];
        Self::read(fields, JobKind::Replay, Some(subscription), Some((&allowed, &allowed)))
    }

    /// Events of before for a subscription.
    pub(super) fn backfill(fields: Fields, subscription: Uuid) -> Result<Self, Problem> {
        Self::read(fields, JobKind::Backfill, Some(subscription), None)
    }

    /// `statuses`: those that can be asked for, and those meant when nothing is said.
    fn read(
        mut fields: Fields,
        kind: JobKind,
        subscription: Option<Uuid>,
        statuses: Option<(&[DeliveryStatus], &[DeliveryStatus])>,
    ) -> Result<Self, Problem> {
        let mut filter = Map::new();
        if let Some((allowed, default)) = statuses {
            let words = read_statuses(&mut fields, allowed).unwrap_or_else(|| default.to_vec());
            filter.insert("statuses".to_owned(), words.iter().map(|status| status.as_str()).collect());
            if let Some(event) = fields.text("event") {
                let pattern = fields.keep(EventPattern::parse("event", &event).map_err(Some));
                filter.extend(pattern.map(|pattern| ("event".to_owned(), pattern.as_str().into())));
            }
        }
        let mut subscription_id = subscription;
        if subscription.is_some() {
            fields.require("since");
        } else {
            subscription_id = fields.take("subscription_id", "a UUID");
            if let Some(kind) = fields.text("error_kind") {
                let kind = fields.keep(read_error_kind(&kind).map_err(Some));
                filter.extend(kind.map(|kind| ("error_kind".to_owned(), kind.into())));
            }
            let code = fields.number("status_code", 100..=999);
            filter.extend(code.map(|code| ("status_code".to_owned(), code.into())));
        }
        let (since, until) = (fields.time("since"), fields.time("until"));
        if since.zip(until).is_some_and(|(since, until)| since >= until) {
            fields.keep::<()>(Err(Some(order())));
        }
        for (name, time) in [("since", since), ("until", until)] {
            let text = time.and_then(|time| time.format(&Rfc3339).ok());
            filter.extend(text.map(|text| (name.to_owned(), text.into())));
        }
        let is_dry_run = fields.take("dry_run", "true or false").unwrap_or(false);
        let violations = fields.finish();
        if !violations.is_empty() {
            return Err(Problem::invalid(violations));
        }
        let filter = Value::Object(filter).to_string();
        Ok(Self { job: NewJob { kind, subscription_id, filter }, is_dry_run })
    }
}

fn read_statuses(fields: &mut Fields, allowed: &[DeliveryStatus]) -> Option<Vec<DeliveryStatus>> {
    let words = fields.take::<Vec<String>>("status", "a list of texts")?;
    let read = |word: &String| DeliveryStatus::parse(word).filter(|status| allowed.contains(status));
    let mut statuses: Vec<DeliveryStatus> = words.iter().filter_map(read).collect();
    if statuses.len() != words.len() || words.is_empty() {
        let names: Vec<&str> = allowed.iter().map(|status| status.as_str()).collect();
        fields.fail("status", "unknown_word", format!("must be one or more of {}", names.join(", ")));
        return None;
    }
    let mut seen = Vec::new();
    statuses.retain(|status| {
        !seen.contains(status) && {
            seen.push(*status);
            true
        }
    });
    Some(statuses)
}
