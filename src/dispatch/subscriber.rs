//! Subscriber: a subscription made ready for sending. Opening secrets and reading schedules once per change of the
//! subscription, and not once per delivery, is most of what a delivery would cost here.

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;

use super::judge::Policy;
use super::sign::{Unsendable, open_secrets};
use crate::config::WebhookConfig;
use crate::domain::keyring::Keyring;
use crate::domain::secret::Secret;
use crate::store::queue::Subscribed;

/// Most subscribers remembered; beyond it all are made anew.
const REMEMBERED_MAX: usize = 10_000;

/// A subscription as stored, with what was worked out from it.
pub(crate) struct Subscriber {
    pub(crate) stored: Subscribed,
    pub(crate) policy: Policy,
    /// Those that sign, newest first, or why they cannot be opened.
    pub(crate) secrets: Result<Vec<Secret>, Unsendable>,
}

impl Subscriber {
    pub(crate) fn new(stored: Subscribed, webhook: &WebhookConfig, keyring: &Keyring) -> Self {
        let policy = Policy::of(stored.success_policy, stored.retry_schedule.as_deref(), stored.max_retries, webhook);
        Self { policy, secrets: open_secrets(&stored, keyring), stored }
    }
}

/// The subscribers of late.
#[derive(Default)]
pub(crate) struct Subscribers(HashMap<Uuid, Arc<Subscriber>>);

impl Subscribers {
    /// The subscriber of what is stored now: the one remembered, or made anew when anything changed.
    pub(crate) fn of(&mut self, stored: Subscribed, webhook: &WebhookConfig, keyring: &Keyring) -> Arc<Subscriber> {
        match self.0.get(&stored.id) {
            Some(known) if known.stored == stored => known.clone(),
            _ => {
                let id = stored.id;
                let subscriber = Arc::new(Subscriber::new(stored, webhook, keyring));
                if self.0.len() >= REMEMBERED_MAX {
                    self.0.clear();
                }
                // a key of the keyring may be put back by a restart only, so a failure is as lasting as a success
                self.0.insert(id, subscriber.clone());
                subscriber
            }
        }
    }
}
