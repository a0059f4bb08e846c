//! Settings that cannot be used, or that work against each other.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use secrecy::ExposeSecret;

use super::finding::Finding;
use crate::causes::with_causes;
use crate::config::Config;
use crate::run;

/// Where clouds tell their machines' secrets.
const METADATA: [u8; 4] = [169, 254, 169, 254];

/// All of it; asks nobody.
pub(super) fn look(config: &Config) -> Vec<Finding> {
    let mut findings: Vec<_> =
        [clear_text, tokens, tokens_of_others, metrics, lifetimes].iter().filter_map(|check| check(config)).collect();
    findings.extend(config.webhook.allow_networks.iter().filter_map(|network| wide(*network)));
    if config.databases.database_urls.len() > 1 && !config.role.dispatches() {
        let finding = "several databases with --role api: the API serves one";
        findings.push(Finding::fault("settings", finding, "run one API for each database"));
    }
    if findings.is_empty() {
        findings.push(Finding::ok("settings", "no setting works against another"));
    }
    findings
}

/// Whether others than this machine can reach the API.
fn is_public(config: &Config) -> bool {
    config.role.serves_api() && (!config.api.bind.ip().is_loopback() || config.api.public_url.is_some())
}

fn clear_text(config: &Config) -> Option<Finding> {
    let finding = "WEBHOOK_ALLOW_HTTP is on where others reach the API: payloads may travel in clear";
    let mend = "take WEBHOOK_ALLOW_HTTP away; it is for development";
    (config.webhook.allow_http && is_public(config)).then(|| Finding::warning("settings", finding, mend))
}

fn tokens(config: &Config) -> Option<Finding> {
    let is_weak = config.api.admin_token.as_ref().is_some_and(|token| token.expose_secret().len() < 16);
    let mend = "make one with `openssl rand -hex 32`";
    is_weak.then(|| Finding::fault("settings", "POSTHORN_ADMIN_TOKEN has less than 16 characters", mend))
}

fn tokens_of_others(config: &Config) -> Option<Finding> {
    let error = run::load_jwt(&config.api.jwt).err()?;
    Some(Finding::fault(
        "settings",
        with_causes(&error),
        "set all of POSTHORN_JWT_KEY, _ALGORITHM, _AUDIENCE and _ISSUER, or none",
    ))
}

fn metrics(config: &Config) -> Option<Finding> {
    let finding = "GET /metrics is open to whoever reaches the API: it names tenants";
    let is_open = is_public(config) && config.api.metrics_token.is_none();
    is_open.then(|| {
        Finding::warning("settings", finding, "set POSTHORN_METRICS_TOKEN, or keep /metrics from outside in the proxy")
    })
}

/// History that goes before a delivery is through with its retries cannot be looked at when it fails.
fn lifetimes(config: &Config) -> Option<Finding> {
    let schedule = &config.webhook.retry_schedule;
    let retries = config.webhook.max_retries.unwrap_or_else(|| u32::try_from(schedule.len()).unwrap_or(u32::MAX));
    let total: Duration = (1..=retries).filter_map(|retry| schedule.delay(retry, retries)).sum();
    let kept = u64::from(config.retention.retention_days) * 86_400;
    let (days, total_days) = (config.retention.retention_days, total.as_secs().div_ceil(86_400));
    let finding = format!(
        "POSTHORN_RETENTION_DAYS is {days}, and retries go on for up to {total_days} days: attempts are gone before the last"
    );
    let mend =
        format!("set POSTHORN_RETENTION_DAYS to {} or more, or a shorter WEBHOOK_RETRY_SCHEDULE", total_days + 1);
    (kept > 0 && kept < total.as_secs()).then(|| Finding::warning("settings", finding, mend))
}

fn wide(network: IpNet) -> Option<Finding> {
    let mend = "name the receivers' own networks alone, such as 10.1.2.0/24";
    if network.contains(&IpAddr::from(METADATA)) {
        let finding =
            format!("WEBHOOK_ALLOW_NETWORKS has {network}, in which clouds tell a machine's secrets (169.254.169.254)");
        return Some(Finding::fault("settings", finding, mend));
    }
    let widest = if matches!(network, IpNet::V4(_)) { 8 } else { 32 };
    let finding =
        format!("WEBHOOK_ALLOW_NETWORKS has {network}, which is very wide: tenants can have anything in it called");
    (network.prefix_len() < widest).then(|| Finding::warning("settings", finding, mend))
}
