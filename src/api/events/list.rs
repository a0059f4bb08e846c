//! The list of events: a search that is bounded and says how far it came.

use poem_openapi::Object;
use serde::Serialize;

use super::shown::EventHead;
use crate::api::checks::Checks;
use crate::api::cursor::{self, LIMIT_DEFAULT};
use crate::api::problem::Problem;
use crate::api::reach::{Asked, Search, like_regex};
use crate::api::times::IdRange;
use crate::domain::event::EventPattern;
use crate::domain::violation::Violation;
use crate::store::search::{self, End, Sought};
use crate::store::{Scope, Store, Work};

/// What can be said of an event's fan-out.
const FANOUT: [&str; 6] = ["done", "open", "muted", "unknown_tenant", "cancelled", "refused"];

/// The parameters of the list as they came.
pub(super) struct EventQuery {
    pub(super) event: Option<String>,
    pub(super) fanout: Option<String>,
    pub(super) asked: Asked,
    pub(super) since: Option<String>,
    pub(super) until: Option<String>,
    pub(super) limit: Option<u32>,
    pub(super) cursor: Option<String>,
}

impl EventQuery {
    /// One page.
    pub(super) async fn answer(self, store: &Store, scope: Scope) -> Result<EventPage, Problem> {
        let mut checks = Checks::default();
        let limit = self.limit.unwrap_or(LIMIT_DEFAULT);
        let below = checks.read(self.cursor.as_deref(), cursor::read);
        let range = IdRange::read(&mut checks, self.since.as_deref(), self.until.as_deref()).below(below);
        self.asked.check(&mut checks);
        let sought = &Sought {
            event: checks.read(self.event.as_deref(), read_pattern),
            resource_type: self.asked.resource_type.clone(),
            resource_id: self.asked.resource_id.clone(),
            fanout: checks.read(self.fanout.as_deref(), read_fanout),
            payload: self.asked.payload.clone(),
            since: range.since,
            before: range.before,
            events: i32::try_from(limit).map_or(i32::MAX, |limit| limit + 1),
        };
        checks.finish()?;
        let found = store
            .tx("list events", scope, move |tx| {
                Work::new(async move {
                    if let Some(filter) = &sought.payload
                        && search::check(tx, filter).await?.contains("like_regex")
                    {
                        return Ok(None);
                    }
                    let found = search::find(tx, sought).await?;
                    let page = &found.events[..found.events.len().min(limit as usize)];
                    let rows = search::heads(tx, page).await?;
                    Ok(Some((found, rows)))
                })
            })
            .await
            .map_err(|error| self.asked.refuse(error))?;
        let (found, rows) = found.ok_or_else(like_regex)?;
        let is_full = found.events.len() > limit as usize;
        let last = if is_full { found.events.get(limit as usize - 1).copied() } else { None };
        let next = last.or(found.oldest.filter(|_| found.end == End::Bound));
        let search = Search::new(&found, is_full);
        Ok(EventPage {
            data: rows.into_iter().map(EventHead::from).collect(),
            next_cursor: next.map(cursor::after),
            search,
        })
    }
}

fn read_pattern(text: &str) -> Result<String, Violation> {
    Ok(EventPattern::parse("event", text)?.as_str().to_owned())
}

fn read_fanout(text: &str) -> Result<&'static str, Violation> {
    FANOUT
        .into_iter()
        .find(|word| word.eq_ignore_ascii_case(text.trim()))
        .ok_or_else(|| Violation::new("fanout", "unknown_word", format!("must be one of {}", FANOUT.join(", "))))
}

/// A page of events.
#[derive(Object, Serialize)]
pub(super) struct EventPage {
    /// Newest first.
    data: Vec<EventHead>,
    /// Where the next page begins; null on the last.
    #[oai(nullable)]
    next_cursor: Option<String>,
    /// How far the search for this page came.
    search: Search,
}
