//! How far a bounded search came, and the parameters that all searches of events have in common.

use poem_openapi::Object;
use serde::Serialize;
use time::OffsetDateTime;

use super::checks::Checks;
use super::problem::Problem;
use super::times::time_of;
use crate::domain::filter::is_walk_within_walk;
use crate::domain::violation::Violation;
use crate::store::StoreError;
use crate::store::search::{self, End, Found};
use crate::store::subscriptions::filter_fault;

/// Most characters of a jsonpath in a search.
const PAYLOAD_MAX_CHARS: usize = 1000;

/// Said of a jsonpath that is quadratic.
pub(super) const WALK_WITHIN_WALK: &str = "must not walk over the payload for each thing that a walk finds, nor compare two walks: that takes minutes on a large one";

/// How far a search came.
#[derive(Object, Serialize)]
pub(super) struct Search {
    /// Events looked at for this page: at most 10,000 with `payload` and 50,000 without, and for at most a second.
    events_looked_at: i32,
    /// Time of the oldest of them.
    #[oai(nullable)]
    #[serde(with = "time::serde::rfc3339::option")]
    looked_back_to: Option<OffsetDateTime>,
    /// False: it stopped at a bound before the page was full; `next_cursor` goes on from there.
    is_complete: bool,
}

impl Search {
    /// Of what was found, for a page that is full or not.
    pub(super) fn new(found: &Found, is_page_full: bool) -> Self {
        Self {
            events_looked_at: found.looked_at,
            looked_back_to: found.oldest.and_then(time_of),
            is_complete: is_page_full || found.end != End::Bound,
        }
    }
}

/// What a search asks of an event: the same parameters in each.
#[derive(Default)]
pub(super) struct Asked {
    /// `resource_type`.
    pub(super) resource_type: Option<String>,
    /// `resource_id`.
    pub(super) resource_id: Option<String>,
    /// `payload`.
    pub(super) payload: Option<String>,
}

impl Asked {
    /// Notes what is wrong with them.
    pub(super) fn check(&self, checks: &mut Checks) {
        let named = [("resource_type", &self.resource_type, 100), ("resource_id", &self.resource_id, 200)];
        for (name, text, max) in named {
            checks.read(text.as_deref(), |text| printable(name, text, max));
        }
        if self.resource_type.is_some() && self.resource_id.is_none() {
            checks.fail(Violation::new("resource_type", "resource_id_missing", "needs resource_id beside it"));
        }
        checks.read(self.payload.as_deref(), |text| printable("payload", text, PAYLOAD_MAX_CHARS));
        if self.payload.as_deref().is_some_and(is_walk_within_walk) {
            checks.fail(Violation::new("payload", "payload_cost", WALK_WITHIN_WALK));
        }
    }

    /// What Postgres, or its clock, has against the jsonpath; or the error itself.
    pub(super) fn refuse(&self, error: StoreError) -> Problem {
        if self.payload.is_none() {
            return error.into();
        }
        if let Some(fault) = filter_fault(&error) {
            return Problem::violation("payload", "payload_jsonpath", format!("must be a jsonpath predicate: {fault}"));
        }
        if search::is_too_dear(&error) {
            return Problem::violation("payload", "payload_cost", "takes too long on a single event; ask for less");
        }
        error.into()
    }
}

/// What is wrong with a jsonpath that Postgres reads and we do not take.
pub(super) fn like_regex() -> Problem {
    Problem::violation("payload", "payload_like_regex", "must not use like_regex")
}

fn printable(name: &str, text: &str, max: usize) -> Result<(), Violation> {
    if (1..=max).contains(&text.chars().count()) && !text.chars().any(char::is_control) {
        return Ok(());
    }
    Err(Violation::new(name, "printable", format!("must have 1 to {max} characters, none of them a control character")))
}
