//! The lease protocol of one delivery as a model, searched through exhaustively: what a result may change decides everything.
//!
//! Five rules are compared for how a finish finds its row, four of them as other queues have them. The model of ours does what
//! `sql/queue` and `src/dispatch/record.rs` do, statement by statement; `lease_machine` holds the statements to the same.

mod protocol;
mod search;

use std::fmt::Write as _;

use protocol::{Harm, Policy};
use search::{Findings, explore};

const POLICIES: [(Policy, &str); 5] = [
    (Policy::NoGuard, "no guard"),
    (Policy::StateOnly, "state only"),
    (Policy::OwnerOnly, "owner only"),
    (Policy::StrictEpoch, "strict epoch"),
    (Policy::Ours, "ours"),
];

fn told(name: &str, findings: &Findings) -> String {
    let mut text = format!("{name}: {} states, {} steps", findings.states, findings.steps);
    for (harm, trace) in &findings.harms {
        write!(text, "\n  {harm:?}: {}", trace.join("; ")).unwrap();
    }
    text
}

#[test]
fn of_five_rules_for_a_finish_only_ours_does_no_harm() {
    use Harm::{DeadThoughTold, DeliveredWithoutSuccess, SentTwice, TerminalLeft};
    let found = POLICIES.map(|(policy, name)| (name, explore(policy)));
    for (name, findings) in &found {
        eprintln!("{}", told(name, findings));
        assert_eq!(findings.stuck, None, "{name}: from everywhere an end can be reached");
        assert!(findings.states > 10_000, "{name}: {} states are not the whole of it", findings.states);
    }
    let harms = found.each_ref().map(|(_, findings)| findings.harms.keys().copied().collect::<Vec<_>>());
    assert_eq!(harms[0], [TerminalLeft, SentTwice, DeadThoughTold, DeliveredWithoutSuccess], "no guard");
    assert_eq!(harms[1], [SentTwice, DeadThoughTold, DeliveredWithoutSuccess], "state only");
    assert_eq!(harms[2], [SentTwice, DeadThoughTold, DeliveredWithoutSuccess], "owner only");
    assert_eq!(harms[3], [DeadThoughTold], "strict epoch");
    assert_eq!(harms[4], [], "ours");
}

/// The harm that fencing everything does: a slow success is thrown away.
#[test]
fn strict_fencing_loses_a_slow_success() {
    let findings = explore(Policy::StrictEpoch);
    let shortest = &findings.harms[&Harm::DeadThoughTold];
    let expected = ["A claims", "A gets 2xx", "the lease ends", "B claims", "B gets 5xx", "A finishes", "B finishes"];
    assert_eq!(shortest, &expected);
}

/// Why a success that comes too late for its row is written with what it makes of the row, and not before it.
#[test]
fn an_attempt_told_before_its_late_success_is_lost_with_the_dispatcher() {
    let findings = explore(Policy::OursInTwoCommits);
    eprintln!("{}", told("ours, in two commits", &findings));
    assert_eq!(findings.harms.keys().copied().collect::<Vec<_>>(), [Harm::DeadThoughTold]);
    assert!(findings.harms[&Harm::DeadThoughTold].iter().any(|step| step.ends_with("is killed")));
}
