//! Who keeps dead rows of the queue from being cleaned away: claims walk over all of them.

use serde::Deserialize;

use super::Patient;
use super::finding::Finding;
use crate::store::{StoreError, sql};

#[derive(Deserialize)]
struct Holder {
    kind: String,
    name: String,
    who: String,
    seconds: Option<f64>,
    bytes: i64,
}

/// So many times the limit, and it is a fault.
const FAR_TOO_LONG: f64 = 12.0;

/// WAL kept for a slot that nobody reads, from which it is a fault.
const SLOT_BYTES: i64 = 8 << 30;

/// As the login: its rights decide whose sessions it may look into.
pub(super) async fn look(patient: &Patient<'_>) -> Result<Vec<Finding>, StoreError> {
    let limit = f64::from(patient.command.held_seconds);
    let holders: Vec<Holder> = patient.probe.ask(sql::DOCTOR_HOLDERS, &[&limit]).await?;
    let mut findings: Vec<_> = holders.iter().map(|holder| told(holder, limit)).collect();
    if findings.is_empty() {
        findings.push(Finding::ok("held", format!("no transaction is open for {limit:.0} s")));
    }
    let hidden: i64 = patient.probe.ask_one(sql::DOCTOR_HIDDEN, &[]).await?;
    if hidden > 0 {
        let login = super::quoted(&patient.session.login);
        findings.push(Finding::warning(
            "held",
            format!("sessions that cannot be looked into: {hidden}; what they hold is not known"),
            format!("GRANT pg_read_all_stats TO {login}"),
        ));
    }
    Ok(findings)
}

fn told(holder: &Holder, limit: f64) -> Finding {
    let Holder { kind, name, who, .. } = holder;
    let seconds = holder.seconds.unwrap_or_default();
    let (finding, mend, is_fault) = match &**kind {
        "session" => (
            format!("session {name} ({who}) has a transaction open for {seconds:.0} s: dead rows of the queue stay"),
            format!("SELECT pg_terminate_backend({name})"),
            seconds >= limit.max(1.0) * FAR_TOO_LONG,
        ),
        "prepared transaction" => (
            format!("prepared transaction {name} (of {who}) is open for {seconds:.0} s: dead rows of the queue stay"),
            format!("ROLLBACK PREPARED '{}'", name.replace('\'', "''")),
            seconds >= limit.max(1.0) * FAR_TOO_LONG,
        ),
        _ => (
            format!(
                "nobody reads replication slot {name} ({who}), and {} MiB of WAL are kept for it",
                holder.bytes >> 20
            ),
            format!("SELECT pg_drop_replication_slot('{}')", name.replace('\'', "''")),
            holder.bytes >= SLOT_BYTES,
        ),
    };
    if is_fault { Finding::fault("held", finding, mend) } else { Finding::warning("held", finding, mend) }
}
