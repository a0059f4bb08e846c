//! Which scenarios there are, and who runs each.

use clap::ValueEnum;

use super::error::BenchError;
use super::figures::Figure;
use super::lab::Lab;
use super::sizes::Sizes;
use super::{bare, bulk, chaos, drain, fan_out, full, hostile, latency, memory, neighbour, producers, publish_deliver};

/// One thing to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    /// The dispatcher's HTTP client alone, 32 connections, no database: the limit
    Bare,
    /// A backlog that waits, then one dispatcher; CPU and WAL per delivery
    Drain,
    /// Clients that publish one event per transaction, without and with a dispatcher
    PublishDeliver,
    /// A backlog whose events go to 1, 5 and 50 subscriptions
    Fanout,
    /// From a producer's COMMIT to the receiver, at steady rates
    Latency,
    /// A healthy receiver while another one of another tenant hangs with a backlog
    Neighbour,
    /// The producers' INSERT without trigger, without notify, with the gate, with a NOTIFY in every transaction
    Producers,
    /// 10,000 events to 5 subscriptions by INSERT … SELECT and by COPY, beside the same without triggers
    Bulk,
    /// Resident memory of an idle dispatcher
    Memory,
    /// CPU of the API and PostgreSQL for requests made to cost much
    Hostile,
    /// --full: the rate with a backlog of a million
    Backlog,
    /// --full: the rate with ten million delivered rows
    History,
    /// --full: the rate while ten million deliveries go by retention
    Retention,
    /// --full: the rate with ten thousand subscriptions that have due work
    Subscriptions,
    /// --full: four dispatcher processes against one
    Dispatchers,
    /// --full: latency while a snapshot is held open, and after
    Snapshot,
    /// --full: the API's lists of ten million deliveries
    Lists,
    /// --full: the operators' views beside ten million deliveries
    Views,
    /// --chaos: order of events while dispatchers are killed and receivers fail
    Ordering,
    /// --chaos: a rate limit held by three dispatchers together
    RateLimit,
}

use Scenario::{
    Backlog, Bare, Bulk, Dispatchers, Drain, Fanout, History, Hostile, Latency, Lists, Memory, Neighbour, Ordering,
    Producers, PublishDeliver, RateLimit, Retention, Snapshot, Subscriptions, Views,
};

const DEFAULT: [Scenario; 10] =
    [Bare, Drain, PublishDeliver, Fanout, Latency, Neighbour, Producers, Bulk, Memory, Hostile];
const LONG: [Scenario; 8] = [Backlog, History, Retention, Subscriptions, Dispatchers, Snapshot, Lists, Views];
const CHAOS: [Scenario; 2] = [Ordering, RateLimit];

/// What the command's flags choose.
pub(super) fn selected(only: &[Scenario], full: bool, chaos: bool) -> Vec<Scenario> {
    match (only, chaos, full) {
        ([], true, _) => CHAOS.to_vec(),
        ([], false, true) => DEFAULT.into_iter().chain(LONG).collect(),
        ([], false, false) => DEFAULT.to_vec(),
        (only, ..) => only.to_vec(),
    }
}

impl Scenario {
    /// As `--only` names it.
    pub(super) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Measures it once.
    pub(super) async fn run(self, lab: &Lab, sizes: &Sizes, round: u32) -> Result<Vec<Figure>, BenchError> {
        match self {
            Bare => bare::measure(lab, sizes).await,
            Drain => drain::measure(lab, sizes).await,
            PublishDeliver => publish_deliver::measure(lab, sizes).await,
            Fanout => fan_out::measure(lab, sizes).await,
            Latency => latency::measure(lab, sizes).await,
            Neighbour => neighbour::measure(lab, sizes).await,
            Producers => producers::measure(lab, sizes, round).await,
            Bulk => bulk::measure(lab, sizes).await,
            Memory => memory::measure(lab).await,
            Hostile => hostile::measure(lab, sizes).await,
            Backlog => full::backlog::measure(lab, sizes).await,
            History => full::history::measure(lab, sizes).await,
            Retention => full::retention::measure(lab, sizes).await,
            Subscriptions => full::subscriptions::measure(lab, sizes).await,
            Dispatchers => full::dispatchers::measure(lab, sizes).await,
            Snapshot => full::snapshot::measure(lab, sizes).await,
            Lists => full::lists::measure(lab, sizes).await,
            Views => full::views::measure(lab, sizes).await,
            Ordering => chaos::ordering::measure(lab, sizes).await,
            RateLimit => chaos::rate_limit::measure(lab, sizes).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_choose_the_scenarios() {
        assert_eq!(selected(&[], false, false), DEFAULT);
        assert_eq!(selected(&[], true, false).len(), DEFAULT.len() + LONG.len());
        assert_eq!(selected(&[], false, true), CHAOS);
        assert_eq!(selected(&[History, Bare], false, false), [History, Bare]);
    }

    #[test]
    fn every_scenario_is_in_one_group() {
        for scenario in Scenario::value_variants() {
            let groups = [DEFAULT.contains(scenario), LONG.contains(scenario), CHAOS.contains(scenario)];
            assert_eq!(groups.iter().filter(|is_in| **is_in).count(), 1, "{scenario:?}");
        }
    }
}
