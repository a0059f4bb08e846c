//! How much of everything is measured: one option each.

use clap::Args;

/// Sizes of the scenarios.
#[derive(Args, Clone, Debug)]
pub struct Sizes {
    /// bare: requests
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub bare_requests: u32,

    /// drain: deliveries that wait (history, subscriptions and dispatchers drain as many)
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub deliveries: u32,

    /// publish-deliver: clients, separated by commas
    #[arg(long, value_delimiter = ',', default_values_t = [1, 8, 16, 32], value_parser = clap::value_parser!(u32).range(1..=100))]
    pub publish_clients: Vec<u32>,

    /// publish-deliver: seconds of publishing, with and without a dispatcher each
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub publish_seconds: u32,

    /// fanout: subscriptions per event, separated by commas
    #[arg(long, value_delimiter = ',', default_values_t = [1, 5, 50], value_parser = clap::value_parser!(u32).range(1..=500))]
    pub fanouts: Vec<u32>,

    /// fanout: deliveries of each
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub fanout_deliveries: u32,

    /// latency: events per second, separated by commas; each in a transaction of its own
    #[arg(long, value_delimiter = ',', default_values_t = [20, 1000], value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub latency_rates: Vec<u32>,

    /// latency: seconds of each rate
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub latency_seconds: u32,

    /// neighbour: deliveries that wait for the receiver that hangs
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub neighbour_backlog: u32,

    /// neighbour: events per second for the healthy receiver
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub neighbour_rate: u32,

    /// neighbour: seconds alone, and as many beside the one that hangs
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub neighbour_seconds: u32,

    /// producers: clients
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub producer_clients: u32,

    /// producers: milliseconds of one slice of one variant
    #[arg(long, default_value_t = 700, value_parser = clap::value_parser!(u32).range(50..=600_000))]
    pub producer_slice_ms: u32,

    /// producers: slices of each variant in a round
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub producer_slices: u32,

    /// producers: deliveries that keep the dispatcher busy throughout
    #[arg(long, default_value_t = 30_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub producer_backlog: u32,

    /// bulk: events of one statement
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub bulk_events: u32,

    /// bulk: statements of each variant in a round
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub bulk_turns: u32,

    /// hostile: requests of each kind, fewer of those that take long
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub hostile_requests: u32,

    /// backlog: deliveries of the big one
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    pub backlog_big: u32,

    /// backlog: deliveries of the small one, drained several times
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub backlog_small: u32,

    /// history, lists, views, retention: finished rows, spread over the last ten days
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000_000))]
    pub history_rows: u32,

    /// retention: deliveries that wait, more than are sent meanwhile
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(100..=100_000_000))]
    pub retention_backlog: u32,

    /// retention: least milliseconds of a slice, with a day going or without
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(10..=600_000))]
    pub retention_slice_ms: u64,

    /// subscriptions: those with due work of the many
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub subscriptions_many: u32,

    /// subscriptions: those with due work of the few
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub subscriptions_few: u32,

    /// dispatchers: processes
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(2..=16))]
    pub dispatcher_processes: u32,

    /// snapshot: events per second
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub snapshot_rate: u32,

    /// snapshot: seconds before it is taken
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub snapshot_before: u32,

    /// snapshot: seconds it is held
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub snapshot_held: u32,

    /// snapshot: seconds after its release
    #[arg(long, default_value_t = 45, value_parser = clap::value_parser!(u32).range(6..=3600))]
    pub snapshot_after: u32,

    /// ordering: events
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub order_events: u32,

    /// ordering: ordering keys
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub order_keys: u32,

    /// ordering: percent of requests that the receiver answers with 500
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(0..=90))]
    pub order_failures: u32,

    /// ordering: seconds between kills of one of the three dispatchers
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub order_kill_seconds: u32,

    /// ordering: most seconds until everything has arrived
    #[arg(long, default_value_t = 900, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub order_limit_seconds: u32,

    /// rate-limit: the subscription's limit in webhooks per second
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub limit_rate: u32,

    /// rate-limit: seconds
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(2..=3600))]
    pub limit_seconds: u32,

    /// Seed of everything that is chosen by chance
    #[arg(long, default_value_t = 20_260_101)]
    pub seed: u64,
}
