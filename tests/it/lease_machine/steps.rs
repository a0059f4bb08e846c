//! What can be wished for, and the statements that come of it.

use std::fmt;

use posthorn::store::queue::{Attempt, Claimed};
use proptest::prelude::*;
use uuid::Uuid;

use super::reference::short;

/// Dispatchers of a case.
pub(super) const DISPATCHERS: usize = 3;

/// The types of event that are published.
pub(super) const EVENTS: [&str; 2] = ["order.paid", "invoice.paid"];

/// What a receiver answers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
    Success,
    Failure,
    Refusal,
}

/// A step as it is drawn. Numbers choose among what there is at that moment; a wish that nothing fits is passed over.
#[derive(Clone, Debug)]
pub(super) enum Wish {
    Publish {
        tenant: usize,
        event: usize,
        key: usize,
        is_later: bool,
    },
    /// Publishes in a transaction that stays open.
    Begin {
        tenant: usize,
        event: usize,
    },
    Commit,
    Rollback,
    Claim {
        dispatcher: usize,
        room: u32,
    },
    /// A dispatcher sends what it holds, if its lease is long enough.
    Send {
        held: usize,
        answer: Answer,
    },
    Finish {
        held: usize,
        is_known: bool,
    },
    /// All that a dispatcher has to tell, in one batch.
    FinishAll {
        dispatcher: usize,
    },
    GiveBack {
        held: usize,
        is_known: bool,
    },
    Die {
        dispatcher: usize,
    },
    PassHour,
    Cancel(usize),
    Retry(usize),
    CancelEvent(usize),
    SetActive {
        subscription: usize,
        is_active: bool,
    },
    Delete {
        subscription: usize,
    },
    Sweep,
    RetryMany {
        subscription: usize,
    },
    CancelMany {
        subscription: usize,
    },
    /// Both at once, on two connections, each waiting for the rows that the other wants.
    Together(Box<Wish>, Box<Wish>),
}

/// Any wish. In order there are few lines, so that they grow long.
pub(super) fn wish(is_ordered: bool) -> impl Strategy<Value = Wish> {
    let n = 0..1000_usize;
    let both = (racing(), racing()).prop_map(|(one, other)| Wish::Together(one.into(), other.into()));
    let begin = (0..2_usize, 0..2_usize).prop_map(|(tenant, event)| Wish::Begin { tenant, event });
    let open = prop_oneof![2 => begin, 3 => Just(Wish::Commit), 1 => Just(Wish::Rollback)];
    // an open transaction keeps others from publishing with its key, and the steps are taken one by one
    let open = if is_ordered { Just(Wish::PassHour).boxed() } else { open.boxed() };
    prop_oneof![
        4 => (0..2_usize, 0..2_usize, 0..2_usize, prop::bool::weighted(0.1))
            .prop_map(|(tenant, event, key, is_later)| Wish::Publish { tenant, event, key, is_later }),
        3 => open,
        20 => racing(),
        14 => (n.clone(), answer()).prop_map(|(held, answer)| Wish::Send { held, answer }),
        4 => (0..DISPATCHERS).prop_map(|dispatcher| Wish::FinishAll { dispatcher }),
        1 => (0..DISPATCHERS).prop_map(|dispatcher| Wish::Die { dispatcher }),
        8 => Just(Wish::PassHour),
        2 => (0..3_usize, prop::bool::weighted(0.7))
            .prop_map(|(subscription, is_active)| Wish::SetActive { subscription, is_active }),
        1 => Just(Wish::Sweep),
        1 => (0..3_usize).prop_map(|subscription| Wish::RetryMany { subscription }),
        1 => (0..3_usize).prop_map(|subscription| Wish::CancelMany { subscription }),
        6 => both,
    ]
}

/// What can also happen while something else does.
fn racing() -> impl Strategy<Value = Wish> {
    let n = 0..1000_usize;
    prop_oneof![
        8 => (0..DISPATCHERS, 1..5_u32).prop_map(|(dispatcher, room)| Wish::Claim { dispatcher, room }),
        10 => (n.clone(), prop::bool::weighted(0.6)).prop_map(|(held, is_known)| Wish::Finish { held, is_known }),
        2 => (n.clone(), prop::bool::weighted(0.8)).prop_map(|(held, is_known)| Wish::GiveBack { held, is_known }),
        2 => n.clone().prop_map(Wish::Cancel),
        4 => n.clone().prop_map(Wish::Retry),
        1 => n.clone().prop_map(Wish::CancelEvent),
        2 => (0..3_usize).prop_map(|subscription| Wish::Delete { subscription }),
    ]
}

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![3 => Just(Answer::Success), 4 => Just(Answer::Failure), 2 => Just(Answer::Refusal)]
}

/// What is asked of the database.
#[derive(Clone, Debug)]
pub(super) enum Statement {
    Claim {
        dispatcher: usize,
        room: usize,
    },
    Record {
        dispatcher: usize,
        results: Vec<Attempt>,
    },
    RecordLate {
        dispatcher: usize,
        results: Vec<Attempt>,
    },
    Release {
        dispatcher: usize,
        leases: Vec<(Uuid, i32)>,
    },
    Cancel(Uuid),
    Retry(Uuid),
    /// Tenant and event.
    CancelEvent(usize, Uuid),
    SetActive(usize, bool),
    Delete(usize),
    Sweep,
    RetryMany(usize),
    CancelMany(usize),
}

/// What it answered.
#[derive(Debug)]
pub(super) enum Outcome {
    Claimed(Vec<Claimed>),
    Moved(Vec<Uuid>),
    Done(bool),
    Count(usize),
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = |results: &[Attempt]| -> Vec<String> {
            let tell = |r: &Attempt| format!("{} {} (epoch {})", short(r.delivery_id), r.status.as_str(), r.epoch);
            results.iter().map(tell).collect()
        };
        match self {
            Self::Claim { dispatcher, room } => write!(f, "dispatcher {dispatcher} claims up to {room}"),
            Self::Record { dispatcher, results } => {
                write!(f, "dispatcher {dispatcher} records {}", told(results).join(", "))
            }
            Self::RecordLate { dispatcher, results } => {
                write!(f, "dispatcher {dispatcher} records late {}", told(results).join(", "))
            }
            Self::Release { dispatcher, leases } => {
                let leases: Vec<_> =
                    leases.iter().map(|(id, epoch)| format!("{} (epoch {epoch})", short(*id))).collect();
                write!(f, "dispatcher {dispatcher} gives back {}", leases.join(", "))
            }
            Self::Cancel(id) => write!(f, "{} is cancelled", short(*id)),
            Self::Retry(id) => write!(f, "{} is replayed", short(*id)),
            Self::CancelEvent(_, event) => write!(f, "event {} is cancelled", short(*event)),
            Self::SetActive(n, true) => write!(f, "subscription {n} is activated"),
            Self::SetActive(n, false) => write!(f, "subscription {n} is deactivated"),
            Self::Delete(n) => write!(f, "subscription {n} is deleted"),
            Self::Sweep => write!(f, "what nobody would touch is swept up"),
            Self::RetryMany(n) => write!(f, "what was given up of subscription {n} is replayed"),
            Self::CancelMany(n) => write!(f, "what waits of subscription {n} is cancelled"),
        }
    }
}
