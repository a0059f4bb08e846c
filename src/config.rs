//! Every setting: name, unit, default and range. A setting is an environment variable and a flag of `posthorn serve`.

mod metrics;
mod page;
mod traces;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use ipnet::IpNet;
use secrecy::SecretString;

pub use self::metrics::{LabelMode, MetricsConfig};
pub use self::page::PageConfig;
use self::page::public_url;
pub use self::traces::{Endpoint, TracesConfig};
use crate::domain::retry::Schedule;

/// Which halves of Posthorn a process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// API and dispatcher.
    All,
    /// The REST API, docs, health and metrics.
    Api,
    /// Sending only; opens a port only when `POSTHORN_METRICS_BIND` is set.
    Dispatcher,
}

impl Role {
    /// Whether this process serves the REST API.
    pub const fn serves_api(self) -> bool {
        matches!(self, Self::All | Self::Api)
    }

    /// Whether this process sends webhooks.
    pub const fn dispatches(self) -> bool {
        matches!(self, Self::All | Self::Dispatcher)
    }
}

/// Where Postgres is.
#[derive(Args, Clone, Debug)]
pub struct DatabaseConfig {
    /// PostgreSQL 15 or later, as postgres://user:password@host:port/database?sslmode=…, or postgres://user:password@/database?host=/run/postgresql for its socket
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: SecretString,
}

/// Where the databases are that one process serves.
#[derive(Args, Clone, Debug)]
pub struct DatabasesConfig {
    /// PostgreSQL 15 or later, as postgres://user:password@host:port/database?sslmode=…, or postgres://user:password@/database?host=/run/postgresql for its socket; the flag may be repeated to dispatch from several databases, of which the API serves the first
    #[arg(long = "database-url", env = "DATABASE_URL", hide_env_values = true, required = true)]
    pub database_urls: Vec<SecretString>,
}

/// What the API needs to know.
#[derive(Args, Clone, Debug)]
pub struct ApiConfig {
    /// Address and port of the REST API; port 0 takes a free one
    #[arg(long = "bind", env = "POSTHORN_BIND", default_value = "127.0.0.1:8080")]
    pub bind: SocketAddr,

    /// Operator's token: may act for any tenant by naming it in the header X-Posthorn-Tenant (at least 16 characters)
    #[arg(long, env = "POSTHORN_ADMIN_TOKEN", hide_env_values = true)]
    pub admin_token: Option<SecretString>,

    /// Token that GET /metrics and GET /health/ready ask for; open when unset
    #[arg(long, env = "POSTHORN_METRICS_TOKEN", hide_env_values = true)]
    pub metrics_token: Option<SecretString>,

    /// Requests a second that each API key may make on average (0 to 100000; 0 is no limit); addresses without a valid key share as many
    #[arg(long = "api-rate-per-second", env = "POSTHORN_API_RATE_PER_SECOND", default_value_t = 500, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub rate_per_second: u32,

    /// Requests that an API key may make at once after a pause (1 to 1000000) [default: twice the rate]
    #[arg(long = "api-rate-burst", env = "POSTHORN_API_RATE_BURST", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rate_burst: Option<u32>,

    /// URL at which people reach this server from outside (scheme, host, port, path): portal links begin with it; relative when unset
    #[arg(long, env = "POSTHORN_PUBLIC_URL", value_parser = public_url)]
    pub public_url: Option<String>,

    /// The admin page.
    #[command(flatten)]
    pub page: PageConfig,

    /// Tokens of another issuer.
    #[command(flatten)]
    pub jwt: JwtConfig,
}

/// How the JWTs that may stand in for API keys are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum JwtAlgorithm {
    /// Ed25519.
    #[value(name = "EdDSA")]
    EdDsa,
    /// RSA with SHA-256 (PKCS #1 v1.5), keys of 2048 bits and more.
    #[value(name = "RS256")]
    Rs256,
    /// ECDSA over P-256 with SHA-256.
    #[value(name = "ES256")]
    Es256,
    /// HMAC with SHA-256.
    #[value(name = "HS256")]
    Hs256,
}

impl fmt::Display for JwtAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EdDsa => "EdDSA",
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::Hs256 => "HS256",
        })
    }
}

/// JWTs of an issuer of yours, taken in place of API keys when all of key, algorithm, audience and issuer are set.
#[derive(Args, Clone, Debug)]
pub struct JwtConfig {
    /// Public key (PEM) that JWTs are verified with, or the secret of HS256 (at least 32 bytes); no JWTs are taken when unset
    #[arg(long, env = "POSTHORN_JWT_KEY", hide_env_values = true)]
    pub jwt_key: Option<SecretString>,

    /// File with the same; a secret must be readable by its owner alone
    #[arg(long, env = "POSTHORN_JWT_KEY_FILE", conflicts_with = "jwt_key")]
    pub jwt_key_file: Option<PathBuf>,

    /// The one algorithm of JWTs (EdDSA, RS256, ES256 or HS256)
    #[arg(long, env = "POSTHORN_JWT_ALGORITHM", value_enum)]
    pub jwt_algorithm: Option<JwtAlgorithm>,

    /// What `aud` of a JWT must be or contain
    #[arg(long, env = "POSTHORN_JWT_AUDIENCE")]
    pub jwt_audience: Option<String>,

    /// What `iss` of a JWT must be
    #[arg(long, env = "POSTHORN_JWT_ISSUER")]
    pub jwt_issuer: Option<String>,

    /// Claim of a JWT that holds the tenant's id
    #[arg(long, env = "POSTHORN_JWT_TENANT_CLAIM", default_value = "tenant_id")]
    pub jwt_tenant_claim: String,
}

/// What a webhook may be and where it may go: the API checks it when a subscription is saved, the sender on every attempt.
#[derive(Args, Clone, Debug)]
pub struct WebhookConfig {
    /// Accept http:// receivers, not only https:// (for development)
    #[arg(long, env = "WEBHOOK_ALLOW_HTTP", default_value_t = false, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    pub allow_http: bool,

    /// Private networks, and addresses of this machine, that may be dialled all the same, on any port: CIDRs separated by commas
    #[arg(long, env = "WEBHOOK_ALLOW_NETWORKS", value_delimiter = ',', value_parser = network)]
    pub allow_networks: Vec<IpNet>,

    /// PEM file with an extra certificate authority to trust
    #[arg(long, env = "WEBHOOK_CA_FILE")]
    pub ca_file: Option<PathBuf>,

    /// Total time of one attempt in seconds, from DNS to the last byte read (1 to 300)
    #[arg(long, env = "WEBHOOK_TIMEOUT_SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=300))]
    pub timeout_seconds: u32,

    /// Delays between attempts: times such as 1s,2s,4s,5m,1h,6h or a preset (default, gestiq, gestiq-celery, dotmac, standard-webhooks)
    #[arg(long, env = "WEBHOOK_RETRY_SCHEDULE", default_value = "default", value_parser = Schedule::parse)]
    pub retry_schedule: Schedule,

    /// Retries after the first attempt (0 to 30); the schedule's last delay repeats when there are more [default: as many as the schedule has]
    #[arg(long, env = "WEBHOOK_MAX_RETRIES", value_parser = clap::value_parser!(u32).range(0..=30))]
    pub max_retries: Option<u32>,

    /// User-Agent of every webhook [default: Posthorn/ and the version]
    #[arg(long, env = "WEBHOOK_USER_AGENT", default_value = concat!("Posthorn/", env!("CARGO_PKG_VERSION")), hide_default_value = true)]
    pub user_agent: String,

    /// metadata.source of the default envelope
    #[arg(long, env = "WEBHOOK_SOURCE", default_value = "posthorn")]
    pub source: String,

    /// Largest payload accepted, in bytes as PostgreSQL prints it (1024 to 16777216)
    #[arg(long, env = "WEBHOOK_MAX_PAYLOAD_BYTES", default_value_t = 262_144, value_parser = clap::value_parser!(u32).range(1024..=16_777_216))]
    pub max_payload_bytes: u32,
}

/// Reads a CIDR, or an address as a network of one.
fn network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    text.parse()
        .or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from))
        .map_err(|_| "must be networks such as 127.0.0.0/8 or 10.1.2.3, separated by commas".to_owned())
}

impl WebhookConfig {
    /// Total time of one attempt.
    pub const fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds as u64)
    }
}

/// Keys that seal the subscriptions' secrets in the database.
#[derive(Args, Clone, Debug)]
pub struct KeyringConfig {
    /// Keys as id:base64 of 32 bytes, separated by commas; the first seals, all open
    #[arg(long, env = "POSTHORN_KEYRING", hide_env_values = true)]
    pub keyring: Option<SecretString>,

    /// File with the same, one key a line; readable by its owner alone
    #[arg(long, env = "POSTHORN_KEYRING_FILE", conflicts_with = "keyring")]
    pub keyring_file: Option<PathBuf>,
}

/// How the dispatcher works.
#[derive(Args, Clone, Debug)]
pub struct DispatcherConfig {
    /// Deliveries in flight at once in this process, for each database (1 to 10000)
    #[arg(long, env = "POSTHORN_CONCURRENCY", default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub concurrency: u32,

    /// Seconds between looks at the table when no NOTIFY arrives (1 to 60): the longest delay a lost wake-up can cause
    #[arg(long, env = "POSTHORN_POLL_SECONDS", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=60))]
    pub poll_seconds: u32,

    /// Seconds a delivery may take beyond its own timeout before another dispatcher may take it over (5 to 600)
    #[arg(long, env = "POSTHORN_LEASE_MARGIN_SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u32).range(5..=600))]
    pub lease_margin_seconds: u32,

    /// Seconds that deliveries in flight get to finish after SIGTERM (0 to 600)
    #[arg(long, env = "POSTHORN_DRAIN_SECONDS", default_value_t = 25, value_parser = clap::value_parser!(u32).range(0..=600))]
    pub drain_seconds: u32,

    /// Failures in a row that open a receiver's circuit, so that its deliveries wait (0 to 100000; 0 is never)
    #[arg(long, env = "POSTHORN_CIRCUIT_FAILURES", default_value_t = 20, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub circuit_failures: u32,

    /// Share of failures among the attempts of a minute, at least 20, that opens a receiver's circuit (above 0, to 1)
    #[arg(long, env = "POSTHORN_CIRCUIT_FAILURE_RATIO", default_value_t = 0.5, value_parser = ratio)]
    pub circuit_failure_ratio: f64,

    /// Seconds before a probe of a receiver whose circuit opened; doubles with every probe that fails, up to an hour (1 to 86400)
    #[arg(long, env = "POSTHORN_CIRCUIT_SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub circuit_seconds: u32,

    /// Seconds of nothing but failures after which a subscription is suspended; its deliveries wait (0 to 31536000; 0 is never) [default: 5 days]
    #[arg(long, env = "POSTHORN_SUSPEND_AFTER_SECONDS", default_value_t = 432_000, hide_default_value = true, value_parser = clap::value_parser!(u32).range(0..=31_536_000))]
    pub suspend_after_seconds: u32,

    /// Rows per second that a bulk retry, replay, backfill or cancellation changes at most, each (1 to 100000)
    #[arg(long, env = "POSTHORN_JOB_ROWS_PER_SECOND", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub job_rows_per_second: u32,

    /// Seconds that a tenant's oldest due delivery has waited when posthorn.backlog.high is published (0 to 86400; 0 is never)
    #[arg(long, env = "POSTHORN_BACKLOG_HIGH_SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u32).range(0..=86_400))]
    pub backlog_high_seconds: u32,

    /// Address and port of /metrics and /health in a process without the API
    #[arg(long, env = "POSTHORN_METRICS_BIND")]
    pub metrics_bind: Option<SocketAddr>,
}

/// Reads a share.
fn ratio(text: &str) -> Result<f64, String> {
    let ratio = text.parse().ok().filter(|ratio| *ratio > 0.0 && *ratio <= 1.0);
    ratio.ok_or_else(|| "must be a number above 0 and up to 1, such as 0.5".to_owned())
}

/// How long history is kept.
#[derive(Args, Clone, Debug)]
pub struct RetentionConfig {
    /// Whole days that events, finished deliveries and attempts are kept (0 to 3650, 0 for ever); the smallest of several processes counts
    #[arg(long, env = "POSTHORN_RETENTION_DAYS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(0..=3650))]
    pub retention_days: u32,

    /// Whole days that entries of the audit log are kept (0 to 36500, 0 for ever); the smallest of several processes counts
    #[arg(long, env = "POSTHORN_AUDIT_RETENTION_DAYS", default_value_t = 400, value_parser = clap::value_parser!(u32).range(0..=36_500))]
    pub audit_retention_days: u32,
}

/// Everything `posthorn serve` needs.
#[derive(Args, Clone, Debug)]
pub struct Config {
    /// What this process runs
    #[arg(long, env = "POSTHORN_ROLE", value_enum, default_value_t = Role::All)]
    pub role: Role,

    /// Where Postgres is.
    #[command(flatten)]
    pub databases: DatabasesConfig,

    /// What the API needs to know.
    #[command(flatten)]
    pub api: ApiConfig,

    /// What a webhook may be and where it may go.
    #[command(flatten)]
    pub webhook: WebhookConfig,

    /// Keys that seal secrets.
    #[command(flatten)]
    pub keyring: KeyringConfig,

    /// How the dispatcher works.
    #[command(flatten)]
    pub dispatcher: DispatcherConfig,

    /// How long history is kept.
    #[command(flatten)]
    pub retention: RetentionConfig,

    /// What the metrics tell apart.
    #[command(flatten)]
    pub metrics: MetricsConfig,

    /// Where traces go.
    #[command(flatten)]
    pub traces: TracesConfig,
}

#[cfg(test)]
pub(crate) mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Parser)]
    struct Command<T: Args> {
        #[command(flatten)]
        config: T,
    }

    /// A [`WebhookConfig`] from flags.
    pub(crate) fn webhook(flags: &[&str]) -> WebhookConfig {
        Command::try_parse_from(["posthorn"].iter().chain(flags)).map(|c: Command<WebhookConfig>| c.config).unwrap()
    }

    #[test]
    fn the_library_takes_payloads_as_large_as_an_installation_does() {
        assert_eq!(webhook(&[]).max_payload_bytes as usize, crate::domain::event::PAYLOAD_MAX_BYTES);
    }

    #[test]
    fn every_setting_is_an_environment_variable_and_says_what_it_is() {
        for argument in Command::<Config>::command().get_arguments() {
            let name = argument.get_id();
            if name == "help" {
                continue;
            }
            assert!(argument.get_env().is_some(), "{name} has no environment variable");
            assert!(argument.get_help().is_some(), "{name} has no description");
        }
    }

    #[test]
    fn a_value_out_of_range_is_refused() {
        for flags in [["--timeout-seconds", "0"], ["--retry-schedule", "soon"], ["--allow-networks", "10.0.0.0/99"]] {
            let result = Command::<WebhookConfig>::try_parse_from(["posthorn"].iter().chain(&flags));
            assert!(result.is_err(), "{flags:?} was accepted");
        }
    }
}
