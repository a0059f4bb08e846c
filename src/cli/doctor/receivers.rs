//! Whether receivers can be connected to, by the very way that deliveries take; nothing is sent.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream;
use tokio::time::timeout;
use url::{Host, Url};

use super::Patient;
use super::finding::Finding;
use crate::cli::count::many;
use crate::domain::delivery::ErrorKind;
use crate::outbound::{Failure, Outbound};
use crate::run;
use crate::store::StoreError;

/// Connections at once.
const AT_ONCE: usize = 16;

/// Longest time for all of them.
const BUDGET: Duration = Duration::from_secs(20);

/// Names looked up where nothing is connected to, and the longest time for each.
const NAMES: usize = 3;
const LOOK_UP: Duration = Duration::from_secs(3);

/// Hosts of active subscriptions.
pub(super) async fn look(patient: &Patient<'_>) -> Result<Vec<Finding>, StoreError> {
    super::backlog::as_queue_role(patient).await?;
    let subscriptions = super::backlog::subscriptions(patient).await;
    patient.probe.become_role(None).await?;
    let wanted = usize::try_from(patient.command.receivers).unwrap_or(usize::MAX);
    let subscriptions = subscriptions?;
    let active = subscriptions.iter().filter(|one| one.status == "active");
    // a host is tried once, however many subscriptions lead there; the rest of an address may be a secret
    let mut hosts: BTreeMap<String, &str> = BTreeMap::new();
    for one in active.take(wanted.max(NAMES)) {
        let place = Url::parse(&one.url).ok().map(|url| url.origin().ascii_serialization());
        hosts.entry(place.unwrap_or_else(|| format!("subscription {}", one.id))).or_insert(&one.url);
    }
    if wanted == 0 { Ok(names(hosts.into_values().collect()).await) } else { Ok(reach(patient, hosts).await) }
}

async fn reach(patient: &Patient<'_>, hosts: BTreeMap<String, &str>) -> Vec<Finding> {
    let outbound = match Outbound::new(run::outbound_options(&patient.command.config.webhook, 1)) {
        Ok(outbound) => outbound,
        Err(_) => return Vec::new(), // told with the machine
    };
    let count = hosts.len();
    let mut tried = stream::iter(hosts)
        .map(|(place, url)| {
            let outbound = outbound.clone();
            async move { (place, outbound.reach(url).await) }
        })
        .buffer_unordered(AT_ONCE);
    let (mut findings, mut reached, mut done) = (Vec::new(), 0, 0);
    let all = async {
        while let Some((place, result)) = tried.next().await {
            done += 1;
            match result {
                Ok(()) => reached += 1,
                Err(failure) => findings.push(unreached(&place, &failure)),
            }
        }
    };
    if timeout(BUDGET, all).await.is_err() {
        let finding = format!("{} not tried: {} s are over", many(count - done, "host", "hosts"), BUDGET.as_secs());
        findings.push(Finding::warning("receivers", finding, "run it again with a smaller --receivers"));
    }
    if reached > 0 || count == 0 {
        let finding =
            format!("{reached} of {} of active subscriptions can be connected to", many(count, "host", "hosts"));
        findings.push(Finding::ok("receivers", finding));
    }
    findings
}

fn unreached(place: &str, failure: &Failure) -> Finding {
    let mend = match failure.kind {
        ErrorKind::Dns => "have the name made right with whoever has it, or this machine's name server",
        ErrorKind::Blocked => {
            "an address inside is not dialled: WEBHOOK_ALLOW_NETWORKS lets a network in, WEBHOOK_ALLOW_HTTP http"
        }
        ErrorKind::Tls => "have the receiver's certificate renewed, or name its authority with WEBHOOK_CA_FILE",
        _ => "have the receiver started, and firewalls opened from this machine to it",
    };
    Finding::warning("receivers", format!("{place}: {}", failure.message), mend)
}

/// Only whether names are answered for.
async fn names(urls: Vec<&str>) -> Vec<Finding> {
    let name = |url: &&str| match Url::parse(url).ok()?.host()? {
        Host::Domain(name) => Some(name.to_owned()),
        _ => None,
    };
    let mut findings = Vec::new();
    for name in urls.iter().filter_map(name).take(NAMES) {
        findings.extend(look_up(&name).await);
    }
    if findings.is_empty() {
        findings.push(Finding::ok("dns", "names of receivers are answered for, or there is none to ask for"));
    }
    findings
}

/// What is wrong with a name.
pub(super) async fn look_up(name: &str) -> Option<Finding> {
    let started = Instant::now();
    let mend = "look at /etc/resolv.conf and the name server it names; or the name is wrong";
    match timeout(LOOK_UP, tokio::net::lookup_host((name, 0))).await {
        Ok(Ok(mut addresses)) => {
            let took = started.elapsed();
            if addresses.next().map(|address| address.ip()).is_none_or(|ip: IpAddr| ip.is_unspecified()) {
                return Some(Finding::warning("dns", format!("{name} has no address"), mend));
            }
            let is_slow = took > Duration::from_secs(1);
            is_slow
                .then(|| Finding::warning("dns", format!("looking up {name} took {:.1} s", took.as_secs_f64()), mend))
        }
        Ok(Err(error)) => Some(Finding::warning("dns", format!("{name} is not found: {error}"), mend)),
        Err(_) => Some(Finding::warning("dns", format!("no answer for {name} within {} s", LOOK_UP.as_secs()), mend)),
    }
}
