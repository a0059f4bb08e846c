//! What dispatchers have in hand, and what they do with it.

use std::sync::Arc;
use std::time::Duration;

use posthorn::domain::delivery::{DeliveryStatus, ErrorKind};
use posthorn::store::queue::{Attempt, Claimed};

use super::super::reference::{LEASE_HOURS, short};
use super::super::steps::{Answer, Outcome, Statement};
use super::{ATTEMPTS, Bench, Resolved, pick};

/// What a dispatcher has in hand.
pub(super) struct Held {
    pub(super) id: usize,
    pub(super) dispatcher: usize,
    pub(super) claimed: Arc<Claimed>,
    lease_ends: i64,
    pub(super) stage: Stage,
    /// It has told its result and does not know: it will not send.
    has_told: bool,
}

pub(super) enum Stage {
    Leased,
    Answered(Attempt),
    /// A success that moved nothing.
    Late(Attempt),
    GivingBack,
}

impl Bench<'_> {
    /// What the outcome means for who asked.
    pub(super) fn settle(&mut self, resolved: Resolved, outcome: Outcome) -> Result<(), String> {
        let Resolved { statement, held: ids, is_known } = resolved;
        match (statement, outcome) {
            (Statement::Claim { dispatcher, .. }, Outcome::Claimed(claimed)) => {
                for claimed in claimed {
                    self.hold(dispatcher, claimed)?;
                }
            }
            (Statement::Record { .. }, Outcome::Moved(moved)) => {
                for held in self.held.iter_mut().filter(|held| ids.contains(&held.id)) {
                    let Stage::Answered(result) = &held.stage else { continue };
                    held.has_told = true;
                    if result.status == DeliveryStatus::Delivered && !moved.contains(&result.delivery_id) {
                        held.stage = Stage::Late(result.clone());
                    }
                }
                let is_late = |held: &Held| matches!(held.stage, Stage::Late(_));
                self.held.retain(|held| !ids.contains(&held.id) || !is_known || is_late(held));
            }
            (Statement::Release { .. }, _) if !is_known => {
                for held in self.held.iter_mut().filter(|held| ids.contains(&held.id)) {
                    (held.stage, held.has_told) = (Stage::GivingBack, true);
                }
            }
            _ if is_known => self.held.retain(|held| !ids.contains(&held.id)),
            _ => {}
        }
        Ok(())
    }

    fn hold(&mut self, dispatcher: usize, claimed: Claimed) -> Result<(), String> {
        let step = format!("  dispatcher {dispatcher} holds {} (epoch {})", short(claimed.id), claimed.epoch);
        self.told.push(step);
        let now = self.reference.now;
        let same = |held: &&Held| (held.claimed.id, held.claimed.generation) == (claimed.id, claimed.generation);
        if self.held.iter().filter(same).any(|held| held.lease_ends > now && !held.has_told) {
            return Err(format!("I3 {} is leased twice", short(claimed.id)));
        }
        let id = self.next_held;
        self.next_held += 1;
        let (lease_ends, claimed) = (now + LEASE_HOURS, Arc::new(claimed));
        self.held.push(Held { id, dispatcher, claimed, lease_ends, stage: Stage::Leased, has_told: false });
        Ok(())
    }

    /// As the dispatcher does: what has had its attempts is given up unsent, and nobody begins without enough of a lease.
    pub(super) fn send(&mut self, n: usize, answer: Answer) -> Result<(), String> {
        let now = self.reference.now;
        let Some(held) = pick(n, self.held.iter_mut().filter(|held| matches!(held.stage, Stage::Leased))) else {
            return Ok(());
        };
        let name = format!("{} (epoch {})", short(held.claimed.id), held.claimed.epoch);
        if held.claimed.number > ATTEMPTS {
            held.stage = Stage::Answered(attempt(&held.claimed, None));
            self.told.push(format!("{name} is to be given up"));
        } else if held.lease_ends > now {
            held.stage = Stage::Answered(attempt(&held.claimed, Some(answer)));
            self.told.push(format!("{name} is sent: {answer:?}"));
            let sent = self.sent.entry((held.claimed.id, held.claimed.generation)).or_default();
            *sent += 1;
            if *sent > ATTEMPTS {
                return Err(format!("I5 {name} was sent {sent} times"));
            }
        }
        Ok(())
    }
}

impl Held {
    pub(super) fn result(&self) -> Option<Attempt> {
        match &self.stage {
            Stage::Answered(result) | Stage::Late(result) => Some(result.clone()),
            Stage::Leased | Stage::GivingBack => None,
        }
    }
}

/// What an answer makes of an attempt by a schedule of an hour and an hour; without one it was not sent.
fn attempt(claimed: &Claimed, answer: Option<Answer>) -> Attempt {
    let (status, status_code, error_kind) = match answer {
        Some(Answer::Success) => (DeliveryStatus::Delivered, Some(200), None),
        Some(Answer::Failure) if claimed.number < ATTEMPTS => {
            (DeliveryStatus::Retrying, Some(503), Some(ErrorKind::ServerError))
        }
        Some(Answer::Failure) => (DeliveryStatus::Abandoned, Some(503), Some(ErrorKind::ServerError)),
        Some(Answer::Refusal) => (DeliveryStatus::Failed, Some(400), Some(ErrorKind::ClientError)),
        None => (DeliveryStatus::Abandoned, None, Some(ErrorKind::LeaseExpired)),
    };
    Attempt {
        delivery_id: claimed.id,
        epoch: claimed.epoch,
        generation: claimed.generation,
        number: claimed.number,
        tenant_id: claimed.tenant_id,
        status,
        delay: (status == DeliveryStatus::Retrying).then_some(Duration::from_secs(3600)),
        target_url: "https://receiver.example/".to_owned(),
        age: Duration::ZERO,
        duration: Duration::ZERO,
        status_code,
        error_kind,
        error: None,
        response_headers: None,
        response_body: None,
        response_body_truncated: false,
    }
}
