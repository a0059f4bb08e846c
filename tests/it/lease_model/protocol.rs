//! One delivery, three slots in two processes, at most two attempts and one replay: every step that anyone can take.

use std::fmt;

/// Attempts that the schedule has.
const ATTEMPTS: u8 = 2;
/// Slots A and B are the first process's, C the second's.
pub(super) const SLOTS: usize = 3;
const PROCESSES: usize = 2;

/// By what a finish finds its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Policy {
    /// `WHERE id`, as Oban and pgmq.
    NoGuard,
    /// `AND state = 'sending'`, as River and pg-boss.
    StateOnly,
    /// `AND owner = me`, as omicron.
    OwnerOnly,
    /// `AND epoch = mine`.
    StrictEpoch,
    /// A failure needs its epoch, a success only its generation; it may even raise what was given up.
    Ours,
    /// The same, but what was answered is told in one commit and what a late success makes of it in a second.
    OursInTwoCommits,
}

/// What must never happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Harm {
    /// A: an ended delivery moves on though nobody replayed it (given up to delivered is no harm).
    TerminalLeft,
    /// B: someone may send what another may still send, under a lease that runs, of the same generation.
    SentTwice,
    /// C: a 2xx was told to the database, and the delivery is given up for good.
    DeadThoughTold,
    /// E: delivered, and nobody got a 2xx since the last replay.
    DeliveredWithoutSuccess,
}

/// As in the table; retrying counts as waiting, failed and abandoned as dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Status {
    Waiting,
    Sending,
    Delivered,
    Dead,
    Cancelled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Stage {
    /// Leased, not sent.
    Leased,
    /// To be given back; whether it was, is not known.
    GivingBack,
    /// Answered with 2xx.
    Success,
    /// Failed, and to be tried again.
    Retry,
    /// Refused, or failed for the last time; or leased once more than the schedule has attempts, and not sent.
    GivenUp,
    /// A success whose delivery was no longer there to be moved.
    Late,
}

/// What a slot is busy with. Whether its epoch is the row's is all that matters of the number, since no epoch ever returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Task {
    stage: Stage,
    generation: u8,
    is_last: bool,
    holds_epoch: bool,
    /// It may send, or has sent what is not told yet, and nobody else should.
    lease_runs: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct State {
    status: Status,
    generation: u8,
    attempts: u8,
    owner: u8,
    lease_runs: bool,
    is_subscribed: bool,
    tasks: [Option<Task>; SLOTS],
    /// A 2xx came in this generation.
    was_answered: bool,
    /// It was told to the database.
    was_told: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Claim(usize),
    Answer(usize, Answer),
    /// With `false` the commit's answer is lost, and it will be repeated.
    Finish(usize, bool),
    Release(usize, bool),
    LeaseEnds,
    OldLeaseEnds(usize),
    Kill(usize),
    Cancel,
    Replay,
    Unsubscribe,
    Sweep,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Success,
    Failure,
    Refusal,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slot = |n: &usize| ["A", "B", "C"][*n];
        match self {
            Self::Claim(n) => write!(f, "{} claims", slot(n)),
            Self::Answer(n, Answer::Success) => write!(f, "{} gets 2xx", slot(n)),
            Self::Answer(n, Answer::Failure) => write!(f, "{} gets 5xx", slot(n)),
            Self::Answer(n, Answer::Refusal) => write!(f, "{} gets 4xx", slot(n)),
            Self::Finish(n, true) => write!(f, "{} finishes", slot(n)),
            Self::Finish(n, false) => write!(f, "{} finishes and does not hear so", slot(n)),
            Self::Release(n, true) => write!(f, "{} gives back", slot(n)),
            Self::Release(n, false) => write!(f, "{} gives back and does not hear so", slot(n)),
            Self::LeaseEnds => write!(f, "the lease ends"),
            Self::OldLeaseEnds(n) => write!(f, "the old lease of {} ends", slot(n)),
            Self::Kill(process) => write!(f, "process {} is killed", process + 1),
            Self::Cancel => write!(f, "it is cancelled"),
            Self::Replay => write!(f, "it is replayed"),
            Self::Unsubscribe => write!(f, "its subscription is deleted"),
            Self::Sweep => write!(f, "it is swept away"),
        }
    }
}

/// Every action there is, the harmless first: of the shortest ways to a harm the plainest is found.
pub(super) fn actions() -> Vec<Action> {
    use Action::{
        Answer as Answered, Cancel, Claim, Finish, Kill, LeaseEnds, OldLeaseEnds, Release, Replay, Sweep, Unsubscribe,
    };
    let mut all: Vec<Action> = (0..SLOTS).map(Claim).collect();
    for answer in [Answer::Success, Answer::Failure, Answer::Refusal] {
        all.extend((0..SLOTS).map(|n| Answered(n, answer)));
    }
    all.push(LeaseEnds);
    for is_known in [true, false] {
        all.extend((0..SLOTS).map(|n| Finish(n, is_known)));
        all.extend((0..SLOTS).map(|n| Release(n, is_known)));
    }
    all.extend((0..SLOTS).map(OldLeaseEnds));
    all.extend((0..PROCESSES).map(Kill));
    all.extend([Cancel, Replay, Unsubscribe, Sweep]);
    all
}

const fn process_of(slot: usize) -> usize {
    slot / 2
}

impl State {
    /// The same with the slots of one process in order: they differ in nothing.
    pub(super) fn canonical(mut self) -> Self {
        self.tasks[..2].sort_unstable();
        self
    }

    pub(super) const fn start() -> Self {
        Self {
            status: Status::Waiting,
            generation: 0,
            attempts: 0,
            owner: 0,
            lease_runs: false,
            is_subscribed: true,
            tasks: [None; SLOTS],
            was_answered: false,
            was_told: false,
        }
    }

    /// Nothing more happens by itself.
    pub(super) fn is_settled(&self) -> bool {
        !self.is_live() && self.tasks.iter().all(Option::is_none)
    }

    const fn is_live(&self) -> bool {
        matches!(self.status, Status::Waiting | Status::Sending)
    }

    /// What is wrong with the state as it is.
    pub(super) fn harm(&self, policy: Policy) -> Option<Harm> {
        // the second commit is on its way: not lost yet
        let is_late = |task: &Task| task.stage == Stage::Late && task.generation == self.generation;
        let comes_late = policy == Policy::OursInTwoCommits && self.tasks.iter().flatten().any(is_late);
        match self.status {
            Status::Dead if self.was_told && !comes_late => Some(Harm::DeadThoughTold),
            Status::Delivered if !self.was_answered => Some(Harm::DeliveredWithoutSuccess),
            _ => None,
        }
    }

    /// What is wrong with a step to here from `before`.
    pub(super) fn harm_since(&self, before: &Self, action: Action) -> Option<Harm> {
        if let Action::Claim(slot) = action {
            let may_send = |task: &Task| task.lease_runs && task.generation == self.generation;
            let others = self.tasks.iter().enumerate().filter(|(n, _)| *n != slot);
            return others.filter_map(|(_, task)| task.as_ref()).any(may_send).then_some(Harm::SentTwice);
        }
        let is_raised = before.status == Status::Dead && self.status == Status::Delivered;
        let has_left = !before.is_live() && before.status != self.status && !is_raised;
        (has_left && action != Action::Replay).then_some(Harm::TerminalLeft)
    }

    /// Where an action leads; `None` when it cannot be taken.
    pub(super) fn after(&self, action: Action, policy: Policy) -> Option<Self> {
        let mut next = *self;
        let is_possible = match action {
            Action::Claim(slot) => next.claim(slot),
            Action::Answer(slot, answer) => next.answer(slot, answer),
            Action::Finish(slot, is_known) => next.finish(slot, is_known, policy),
            Action::Release(slot, is_known) => next.release(slot, is_known, policy),
            Action::LeaseEnds => next.end_lease(),
            Action::OldLeaseEnds(slot) => next.end_old_lease(slot),
            Action::Kill(process) => next.kill(process),
            Action::Cancel => next.status == Status::Waiting && next.cancel(),
            Action::Replay => next.replay(),
            // of what has ended it only says that it will not be replayed
            Action::Unsubscribe => next.is_live() && std::mem::replace(&mut next.is_subscribed, false),
            // with the deletion itself, or later when a dispatcher held the row at that moment
            Action::Sweep => !next.is_subscribed && next.is_live() && next.cancel(),
        };
        is_possible.then_some(next)
    }

    fn claim(&mut self, slot: usize) -> bool {
        let is_free = self.status == Status::Waiting || self.status == Status::Sending && !self.lease_runs;
        if self.tasks[slot].is_some() || !is_free || !self.is_subscribed {
            return false;
        }
        self.raise_epoch();
        // one more than the schedule has is as good as any number beyond
        self.attempts = (self.attempts + 1).min(ATTEMPTS + 1);
        (self.status, self.lease_runs) = (Status::Sending, true);
        self.owner = process_of(slot) as u8;
        self.tasks[slot] = Some(Task {
            stage: if self.attempts > ATTEMPTS { Stage::GivenUp } else { Stage::Leased },
            generation: self.generation,
            is_last: self.attempts == ATTEMPTS,
            holds_epoch: true,
            lease_runs: true,
        });
        true
    }

    /// Sends and hears the answer. When the answer comes makes no difference, but nobody begins without enough of a lease.
    fn answer(&mut self, slot: usize, answer: Answer) -> bool {
        let generation = self.generation;
        let Some(task) = self.tasks[slot].as_mut().filter(|t| t.stage == Stage::Leased && t.lease_runs) else {
            return false;
        };
        task.stage = match answer {
            Answer::Success => Stage::Success,
            Answer::Failure if !task.is_last => Stage::Retry,
            Answer::Failure | Answer::Refusal => Stage::GivenUp,
        };
        task.is_last = false; // of no matter any more
        self.was_answered |= answer == Answer::Success && task.generation == generation;
        true
    }

    fn finish(&mut self, slot: usize, is_known: bool, policy: Policy) -> bool {
        let Some(task) = self.tasks[slot] else { return false };
        let verdict = match task.stage {
            Stage::Leased | Stage::GivingBack => return false,
            Stage::Success | Stage::Late => Status::Delivered,
            Stage::Retry => Status::Waiting,
            Stage::GivenUp => Status::Dead,
        };
        let is_of_now = task.generation == self.generation;
        let moves = match task.stage {
            Stage::Late => is_of_now && self.status == Status::Dead,
            Stage::Success if policy.is_ours() => is_of_now && self.is_live(),
            _ => self.lets_finish(slot, task, policy),
        };
        let comes_late = policy.is_ours() && task.stage == Stage::Success && !moves;
        self.was_told |= verdict == Status::Delivered && is_of_now && !(comes_late && policy == Policy::Ours);
        if moves {
            (self.status, self.lease_runs) = (verdict, false);
        }
        let task = Task { lease_runs: false, ..task };
        let late = Task { stage: Stage::Late, ..task };
        self.tasks[slot] = if comes_late { Some(late) } else { (!is_known).then_some(task) };
        true
    }

    fn release(&mut self, slot: usize, is_known: bool, policy: Policy) -> bool {
        let is_unsent = |task: &Task| matches!(task.stage, Stage::Leased | Stage::GivingBack);
        let Some(task) = self.tasks[slot].filter(is_unsent) else { return false };
        if self.lets_finish(slot, task, policy) {
            (self.status, self.lease_runs) = (Status::Waiting, false);
            self.attempts = self.attempts.saturating_sub(1);
        }
        let giving_back = Task { stage: Stage::GivingBack, is_last: false, lease_runs: false, ..task };
        self.tasks[slot] = (!is_known).then_some(giving_back);
        true
    }

    /// Whether a failure, or what is given back, finds its row.
    fn lets_finish(&self, slot: usize, task: Task, policy: Policy) -> bool {
        let is_sending = self.status == Status::Sending;
        match policy {
            Policy::NoGuard => true,
            Policy::StateOnly => is_sending,
            Policy::OwnerOnly => is_sending && usize::from(self.owner) == process_of(slot),
            Policy::StrictEpoch | Policy::Ours | Policy::OursInTwoCommits => is_sending && task.holds_epoch,
        }
    }

    fn end_lease(&mut self) -> bool {
        self.tasks.iter_mut().flatten().filter(|task| task.holds_epoch).for_each(|task| task.lease_runs = false);
        std::mem::replace(&mut self.lease_runs, false)
    }

    /// The row forgot this lease before its time.
    fn end_old_lease(&mut self, slot: usize) -> bool {
        let is_old = |task: &&mut Task| !(task.holds_epoch && self.lease_runs);
        let Some(task) = self.tasks[slot].as_mut().filter(is_old) else { return false };
        std::mem::replace(&mut task.lease_runs, false)
    }

    fn kill(&mut self, process: usize) -> bool {
        let before = self.tasks;
        (0..SLOTS).filter(|slot| process_of(*slot) == process).for_each(|slot| self.tasks[slot] = None);
        self.tasks != before
    }

    fn cancel(&mut self) -> bool {
        self.raise_epoch();
        (self.status, self.lease_runs) = (Status::Cancelled, false);
        true
    }

    fn replay(&mut self) -> bool {
        if self.status == Status::Sending || !self.is_subscribed || self.generation > 0 {
            return false;
        }
        self.raise_epoch();
        self.generation += 1;
        (self.status, self.attempts) = (Status::Waiting, 0);
        (self.was_answered, self.was_told) = (false, false);
        true
    }

    fn raise_epoch(&mut self) {
        self.tasks.iter_mut().flatten().for_each(|task| task.holds_epoch = false);
    }
}

impl Policy {
    fn is_ours(self) -> bool {
        matches!(self, Self::Ours | Self::OursInTwoCommits)
    }
}
