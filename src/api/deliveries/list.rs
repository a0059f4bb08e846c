//! The lists of deliveries: by what they are, or by way of a search among events (payload, resource).

use poem_openapi::Object;
use serde::Serialize;
use uuid::Uuid;

use super::shown::{Attempt, Delivery};
use crate::api::checks::Checks;
use crate::api::cursor::{self, LIMIT_DEFAULT};
use crate::api::problem::Problem;
use crate::api::reach::{Asked, Search, like_regex};
use crate::api::times::{IdRange, next_id};
use crate::domain::delivery::{DeliveryStatus, ErrorKind};
use crate::domain::event::EventName;
use crate::domain::violation::Violation;
use crate::store::deliveries::{self, Wanted};
use crate::store::search::{self, End, Sought};
use crate::store::{Scope, Store, StoreError, Tx, Work, subscriptions};

/// The parameters of a list as they came.
#[derive(Default)]
pub(super) struct DeliveryQuery {
    pub(super) event: Option<String>,
    pub(super) status: Option<String>,
    pub(super) subscription_id: Option<Uuid>,
    pub(super) event_id: Option<Uuid>,
    pub(super) error_kind: Option<String>,
    pub(super) status_code: Option<i32>,
    pub(super) since: Option<String>,
    pub(super) until: Option<String>,
    pub(super) asked: Asked,
    pub(super) limit: Option<u32>,
    pub(super) cursor: Option<String>,
    /// What the path names: it must be there.
    pub(super) owner: Option<Owner>,
}

/// Whose deliveries a path names.
#[derive(Clone, Copy)]
pub(super) enum Owner {
    Subscription(Uuid),
    Event(Uuid),
}

impl DeliveryQuery {
    /// One page.
    pub(super) async fn answer(self, store: &Store, scope: Scope) -> Result<DeliveryPage, Problem> {
        let mut checks = Checks::default();
        let range = IdRange::read(&mut checks, self.since.as_deref(), self.until.as_deref());
        let limit = self.limit.unwrap_or(LIMIT_DEFAULT);
        let wanted = Wanted {
            event: checks.read(self.event.as_deref(), read_event_name),
            status: checks.read(self.status.as_deref(), read_status),
            subscription_id: self.subscription_id,
            event_id: self.event_id,
            error_kind: checks.read(self.error_kind.as_deref(), read_error_kind),
            status_code: self.status_code,
            rows: i64::from(limit) + 1,
            ..Wanted::default()
        };
        self.asked.check(&mut checks);
        if self.asked.payload.is_none() && self.asked.resource_id.is_none() {
            let below = checks.read(self.cursor.as_deref(), cursor::read);
            checks.finish()?;
            let range = range.below(below);
            let wanted = Wanted { since: range.since, before: range.before, ..wanted };
            return list(store, scope, &wanted, limit, self.owner).await;
        }
        let below = checks.read(self.cursor.as_deref(), cursor::read_pair);
        checks.finish()?;
        self.search(store, scope, &wanted, range, below, limit).await
    }

    async fn search(
        self,
        store: &Store,
        scope: Scope,
        wanted: &Wanted,
        range: IdRange,
        below: Option<(Uuid, Uuid)>,
        limit: u32,
    ) -> Result<DeliveryPage, Problem> {
        // the event of the cursor may have more deliveries than were shown
        let below_event = below.map(|(event, delivery)| if delivery.is_nil() { event } else { next_id(event) });
        let range = range.below(below_event).below(self.event_id.map(next_id));
        let sought = &Sought {
            event: wanted.event.clone(),
            resource_type: self.asked.resource_type.clone(),
            resource_id: self.asked.resource_id.clone(),
            fanout: None,
            payload: self.asked.payload.clone(),
            since: range.since.max(self.event_id),
            before: range.before,
            events: i32::try_from(limit).unwrap_or(i32::MAX),
        };
        let found = store
            .tx("search deliveries", scope, move |tx| {
                Work::new(async move {
                    if let Some(filter) = &sought.payload
                        && search::check(tx, filter).await?.contains("like_regex")
                    {
                        return Ok(None);
                    }
                    let found = search::find(tx, sought).await?;
                    let rows = deliveries::of_events(tx, &found.events, wanted, below).await?;
                    Ok(Some((found, rows)))
                })
            })
            .await
            .map_err(|error| self.asked.refuse(error))?;
        let (found, mut rows) = found.ok_or_else(like_regex)?;
        let is_full = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let next_cursor = match (rows.last(), found.oldest) {
            (Some(last), _) if is_full => Some(cursor::after_pair(last.event_id, last.id)),
            (_, Some(oldest)) if found.end != End::Exhausted => Some(cursor::after_pair(oldest, Uuid::nil())),
            _ => None,
        };
        let search = Some(Search::new(&found, is_full));
        Ok(DeliveryPage { data: rows.into_iter().map(Delivery::from).collect(), next_cursor, search })
    }
}

async fn list(
    store: &Store,
    scope: Scope,
    wanted: &Wanted,
    limit: u32,
    owner: Option<Owner>,
) -> Result<DeliveryPage, Problem> {
    let found = store
        .tx("list deliveries", scope, move |tx| {
            Work::new(async move {
                if let Some(unknown) = unknown(tx, owner).await? {
                    return Ok(Err(unknown));
                }
                deliveries::list(tx, wanted).await.map(Ok)
            })
        })
        .await?
        .map_err(Problem::not_found)?;
    let (rows, next_cursor) = cursor::page(found, limit, |row| row.id);
    Ok(DeliveryPage { data: rows.into_iter().map(Delivery::from).collect(), next_cursor, search: None })
}

/// What is said when the path names what is not there.
async fn unknown(tx: &Tx<'_>, owner: Option<Owner>) -> Result<Option<String>, StoreError> {
    Ok(match owner {
        Some(Owner::Subscription(id)) if subscriptions::find(tx, id).await?.is_none() => {
            Some(format!("there is no subscription {id}"))
        }
        Some(Owner::Event(id)) if search::heads(tx, &[id]).await?.is_empty() => Some(format!("there is no event {id}")),
        _ => None,
    })
}

fn read_event_name(text: &str) -> Result<String, Violation> {
    Ok(EventName::parse("event", text)?.as_str().to_owned())
}

fn read_status(text: &str) -> Result<DeliveryStatus, Violation> {
    DeliveryStatus::parse(text).ok_or_else(|| {
        let words: Vec<&str> = DeliveryStatus::ALL.iter().map(|status| status.as_str()).collect();
        Violation::new("status", "unknown_word", format!("must be one of {}", words.join(", ")))
    })
}

/// Reads the kind of an error in any letter case.
pub(in crate::api) fn read_error_kind(text: &str) -> Result<&'static str, Violation> {
    let mut words = ErrorKind::ALL.iter().map(|kind| kind.as_str());
    words.clone().find(|word| word.eq_ignore_ascii_case(text.trim())).ok_or_else(|| {
        let words: Vec<&str> = words.by_ref().collect();
        Violation::new("error_kind", "unknown_word", format!("must be one of {}", words.join(", ")))
    })
}

/// A page of deliveries.
#[derive(Object, Serialize)]
pub(super) struct DeliveryPage {
    /// Newest first.
    data: Vec<Delivery>,
    /// Where the next page begins; null on the last.
    #[oai(nullable)]
    next_cursor: Option<String>,
    /// How far the search came; null without `payload` and `resource_id`.
    #[oai(nullable)]
    search: Option<Search>,
}

/// A page of attempts.
#[derive(Object, Serialize)]
pub(super) struct AttemptPage {
    /// Newest first.
    data: Vec<Attempt>,
    /// Where the next page begins; null on the last.
    #[oai(nullable)]
    next_cursor: Option<String>,
}

impl AttemptPage {
    /// Of rows fetched with one more than `limit`.
    pub(super) fn new(mut rows: Vec<deliveries::Attempt>, limit: u32) -> Result<Self, Problem> {
        let has_more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let next_cursor = rows.last().filter(|_| has_more).map(|last| cursor::after_number(last.epoch));
        Ok(Self { data: rows.into_iter().map(Attempt::new).collect::<Result<_, _>>()?, next_cursor })
    }
}
