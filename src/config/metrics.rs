//! What the metrics tell apart: each label costs the server that scrapes them.

use std::fmt;

use clap::{Args, ValueEnum};

/// Whose series are told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LabelMode {
    /// Nobody's.
    Off,
    /// Those of the first 200 that are seen; the others share `other`.
    #[default]
    Capped,
    /// Everybody's.
    Full,
}

impl fmt::Display for LabelMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "off",
            Self::Capped => "capped",
            Self::Full => "full",
        })
    }
}

/// What the metrics tell apart.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct MetricsConfig {
    /// Tenants with a label of their own in /metrics: capped (200, the others share `other`), full (every one) or off (all share `all`)
    #[arg(id = "metrics_tenants", long = "metrics-tenants", env = "POSTHORN_METRICS_TENANTS", value_enum, default_value_t = LabelMode::Capped)]
    pub tenants: LabelMode,

    /// Subscriptions with series of their own in /metrics: capped (200, the others share `other`), full (every one) or off
    #[arg(id = "metrics_subscriptions", long = "metrics-subscriptions", env = "POSTHORN_METRICS_SUBSCRIPTIONS", value_enum, default_value_t = LabelMode::Capped)]
    pub subscriptions: LabelMode,

    /// Tell in /metrics what waits for each tenant and subscription, the 200 with most; asks the database at most every 15 seconds
    #[arg(id = "metrics_queues", long = "metrics-queues", env = "POSTHORN_METRICS_QUEUES", default_value_t = false, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    pub queues: bool,
}
