//! What waits, who is there to send it, and what is kept from going.

use serde::Deserialize;
use uuid::Uuid;

use super::Patient;
use super::finding::Finding;
use crate::cli::count::many;
use crate::cli::shown;
use crate::store::{StoreError, StoreRole, sql};

#[derive(Deserialize)]
struct Queue {
    waiting: i64,
    oldest_seconds: Option<f64>,
    open_fanouts: i64,
    is_copy: bool,
}

#[derive(Deserialize)]
struct Dispatcher {
    host: String,
    pid: i32,
    version: String,
}

/// A subscription, and where it leads.
#[derive(Deserialize)]
pub(super) struct Subscription {
    pub(super) id: Uuid,
    pub(super) status: String,
    reason: Option<String>,
    pub(super) url: String,
}

/// A receiver that fails.
#[derive(Deserialize)]
struct Failing {
    id: Uuid,
    url: String,
    circuit: String,
    retry_in_seconds: Option<f64>,
    failing_seconds: f64,
    reason: String,
    all_failing: i64,
}

/// Most of them, and of suspended ones, that are named.
const NAMED: usize = 5;

/// Most subscriptions that are looked at, the newest.
const SUBSCRIPTIONS: i64 = 10_000;

/// Seconds that the oldest may wait: from the first it is told, from the second it is a fault.
const LATE: (f64, f64) = (60.0, 900.0);

/// The role that may see every tenant's queue, where the login may become it; with it the rest is asked.
pub(super) async fn as_queue_role(patient: &Patient<'_>) -> Result<(), StoreError> {
    patient.probe.become_role(Some(StoreRole::Dispatcher)).await
}

/// Asks as the dispatcher.
pub(super) async fn look(patient: &Patient<'_>) -> Result<Vec<Finding>, StoreError> {
    as_queue_role(patient).await?;
    let probe = &patient.probe;
    let queue: Queue = probe.ask_one(sql::DOCTOR_QUEUE, &[]).await?;
    let dispatchers: Vec<Dispatcher> = probe.ask(sql::DOCTOR_DISPATCHERS, &[]).await?;
    let subscriptions = subscriptions(patient).await?;
    let failing: Vec<Failing> = probe.ask(sql::DOCTOR_FAILING, &[&(NAMED as i64)]).await?;
    patient.probe.become_role(None).await?;
    let mut findings = vec![
        match queue.is_copy {
            true => Finding::fault(
                "copy",
                "a dump was restored into this database: nothing is sent from it",
                "posthorn resume",
            ),
            false => Finding::ok("copy", "it is no copy of another database"),
        },
        of_queue(&queue, dispatchers.len()),
    ];
    findings.extend(of_dispatchers(&dispatchers, &queue));
    findings.extend(of_receivers(&failing, &subscriptions));
    Ok(findings)
}

/// The newest that are active or suspended. The probe has the dispatcher's role.
pub(super) async fn subscriptions(patient: &Patient<'_>) -> Result<Vec<Subscription>, StoreError> {
    patient.probe.ask(sql::DOCTOR_SUBSCRIPTIONS, &[&Uuid::nil(), &SUBSCRIPTIONS]).await
}

fn of_queue(queue: &Queue, dispatchers: usize) -> Finding {
    let Queue { waiting, open_fanouts, .. } = queue;
    let oldest = queue.oldest_seconds.unwrap_or_default().max(0.0);
    let finding = format!(
        "{waiting} deliveries are not finished, {open_fanouts} events wait to be fanned out, the oldest that is due waits for {oldest:.0} s"
    );
    let mend = match dispatchers {
        0 => "start a dispatcher: posthorn serve",
        _ => {
            "look who it is with `posthorn stats`, or docs/operating-in-sql.md, Late; where all receivers wait, start another dispatcher or raise POSTHORN_CONCURRENCY"
        }
    };
    match oldest {
        late if late >= LATE.1 => Finding::fault("backlog", finding, mend),
        late if late >= LATE.0 => Finding::warning("backlog", finding, mend),
        _ => Finding::ok("backlog", finding),
    }
}

fn of_dispatchers(dispatchers: &[Dispatcher], queue: &Queue) -> Vec<Finding> {
    let ours = env!("CARGO_PKG_VERSION");
    let name = |one: &Dispatcher| format!("{} (pid {}, version {})", one.host, one.pid, one.version);
    if dispatchers.is_empty() {
        let mend = "posthorn serve";
        return vec![match queue.waiting + queue.open_fanouts {
            0 => Finding::warning("dispatchers", "no dispatcher is alive; nothing waits", mend),
            _ => Finding::fault("dispatchers", "no dispatcher is alive, and deliveries wait", mend),
        }];
    }
    let others: Vec<_> = dispatchers.iter().filter(|one| one.version != ours).map(name).collect();
    let mut findings = Vec::new();
    if !others.is_empty() {
        findings.push(Finding::warning(
            "dispatchers",
            format!("dispatchers of another version than {ours}: {}", others.join(", ")),
            format!("restart them with version {ours} once all is well"),
        ));
    }
    findings.push(Finding::ok(
        "dispatchers",
        format!("alive: {}", dispatchers.iter().map(name).collect::<Vec<_>>().join(", ")),
    ));
    findings
}

fn of_receivers(failing: &[Failing], subscriptions: &[Subscription]) -> Vec<Finding> {
    let suspended: Vec<_> = subscriptions.iter().filter(|one| one.status == "suspended").collect();
    let mut findings = Vec::new();
    if !suspended.is_empty() {
        let some: Vec<_> = suspended
            .iter()
            .take(NAMED)
            .map(|one| format!("{} ({})", one.id, one.reason.as_deref().unwrap_or("?")))
            .collect();
        findings.push(Finding::warning(
            "subscriptions",
            format!("{} suspended: {}", many(suspended.len(), "subscription", "subscriptions"), some.join(", ")),
            "have the receiver mended, then POST /api/v1/webhooks/subscriptions/<id>/enable; what waited goes then",
        ));
    }
    if let Some(first) = failing.first() {
        let named: Vec<_> = failing.iter().map(Failing::told).collect();
        findings.push(Finding::warning(
            "subscriptions",
            format!("{}: {}", many(first.all_failing, "receiver fails", "receivers fail"), named.join("; ")),
            "have the receiver mended; what waits goes by itself. All of them, and why: SELECT url, state, since_at, reason FROM posthorn.subscription_health WHERE state IN ('failing', 'degraded')",
        ));
    }
    if findings.is_empty() {
        findings.push(Finding::ok("subscriptions", "none is suspended, no receiver fails"));
    }
    findings
}

impl Failing {
    /// Where it is, and how it fares.
    fn told(&self) -> String {
        let Self { id, url, reason, .. } = self;
        let (host, since) = (shown::host(url), shown::roughly(self.failing_seconds));
        let circuit = shown::circuit(&self.circuit, self.retry_in_seconds).map(|circuit| format!(", {circuit}"));
        format!("{host} (subscription {id}: for {since}{}, {reason})", circuit.unwrap_or_default())
    }
}
