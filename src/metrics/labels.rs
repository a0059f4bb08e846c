//! The labels that are in use: each set is bounded, for their values come from tenants, publishers and receivers.

use std::collections::HashSet;

use uuid::Uuid;

use crate::config::LabelMode;

/// Most tenants that get a label of their own; the rest share `other` (C18).
pub(super) const TENANT_LABELS_MAX: usize = 200;

/// Most subscriptions that get a label of their own; the rest share `other`.
pub(super) const SUBSCRIPTION_LABELS_MAX: usize = 200;

/// Most event names that get a label of their own: names come from publishers.
const EVENT_LABELS_MAX: usize = 500;

/// Most pairs of event name and tenant, each of which has some twenty series; the rest have the tenant `other`.
const PAIRS_MAX: usize = 1_000;

/// Most pairs of event name and HTTP status: receivers choose the status. The rest have the event `other`.
const STATUSES_MAX: usize = 1_000;

/// The label of whatever has none of its own.
pub(super) const OTHER: &str = "other";

/// The label of everybody, where nobody has one of their own.
const ALL: &str = "all";

#[derive(Default)]
pub(super) struct Labels {
    tenants: HashSet<Uuid>,
    subscriptions: HashSet<Uuid>,
    events: HashSet<String>,
    pairs: HashSet<(String, Uuid)>,
    statuses: HashSet<(String, u16)>,
}

impl Labels {
    pub(super) fn event<'a>(&mut self, event: &'a str) -> &'a str {
        if is_kept(&mut self.events, event.to_owned(), EVENT_LABELS_MAX) { event } else { OTHER }
    }

    pub(super) fn tenant(&mut self, mode: LabelMode, event: &str, tenant: Uuid) -> String {
        let is_kept = match mode {
            LabelMode::Off => return ALL.to_owned(),
            LabelMode::Full => true,
            LabelMode::Capped => {
                is_kept(&mut self.tenants, tenant, TENANT_LABELS_MAX)
                    && is_kept(&mut self.pairs, (event.to_owned(), tenant), PAIRS_MAX)
            }
        };
        if is_kept { tenant.to_string() } else { OTHER.to_owned() }
    }

    /// `None`: subscriptions have no series.
    pub(super) fn subscription(&mut self, mode: LabelMode, subscription: Uuid) -> Option<String> {
        let is_kept = match mode {
            LabelMode::Off => return None,
            LabelMode::Full => true,
            LabelMode::Capped => is_kept(&mut self.subscriptions, subscription, SUBSCRIPTION_LABELS_MAX),
        };
        Some(if is_kept { subscription.to_string() } else { OTHER.to_owned() })
    }

    pub(super) fn event_of_status<'a>(&mut self, event: &'a str, status: u16) -> &'a str {
        if is_kept(&mut self.statuses, (event.to_owned(), status), STATUSES_MAX) { event } else { OTHER }
    }
}

/// Whether a value is in a set, or there is room for it.
fn is_kept<T: Eq + std::hash::Hash>(set: &mut HashSet<T>, value: T, most: usize) -> bool {
    set.contains(&value) || (set.len() < most && set.insert(value))
}
