//! `posthorn doctor`: looks at everything that sending stands on, says what is wrong and what mends it, and changes nothing.
//!
//! A file of checks for each area. Each check ends within a bounded time, and one that does not is a finding itself.

mod backlog;
mod clock;
mod conflicts;
mod finding;
mod holders;
mod keyring;
mod machine;
mod parts;
mod reach;
mod receivers;
mod rights;
mod schema;
mod server;
mod tables;

use std::future::Future;
use std::time::Duration;

use clap::Args;
use secrecy::SecretString;
use tokio::time::timeout;

use crate::cli::count::many;
use crate::config::Config;
use crate::store::StoreError;
use crate::store::probe::Probe;
use crate::store::target::Target;
use finding::{Finding, Report};
use reach::Session;

/// Look for what keeps webhooks from going out, and say what mends it; changes nothing
#[derive(Args, Clone, Debug)]
pub struct Doctor {
    /// Settings
    #[command(flatten)]
    pub config: Config,

    /// Write the findings as one line of JSON
    #[arg(long)]
    pub json: bool,

    /// Connect to the hosts of so many active subscriptions as well, the newest first, and send nothing (0 to 1000)
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub receivers: u32,

    /// Seconds from which an open transaction is told, since it keeps the queue's dead rows (0 to 86400)
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u32).range(0..=86_400))]
    pub held_seconds: u32,
}

/// Why it ends with another status than 0.
#[derive(Debug, thiserror::Error)]
pub enum DoctorError {
    /// Something is broken.
    #[error("{} found; what mends each is said with it", many(*.0, "fault", "faults"))]
    Faults(usize),
    /// Standard output.
    #[error("the findings cannot be written")]
    Output(#[from] std::io::Error),
}

/// Longest time for one area: it asks several questions, each of which gives up sooner.
const LONGEST: Duration = Duration::from_secs(25);

/// Looks, and tells.
///
/// # Errors
/// [`DoctorError`].
pub async fn run(command: Doctor) -> Result<(), DoctorError> {
    let mut findings = conflicts::look(&command.config);
    findings.extend(bounded("machine", async { Ok(machine::look(&command.config).await) }).await);
    let urls = &command.config.databases.database_urls;
    for url in urls {
        let mut found = database(&command, url).await;
        if urls.len() > 1 {
            let name = Target::of(url).map_or_else(|_| "?".to_owned(), |at| format!("{}/{}", at.host, at.database));
            found.iter_mut().for_each(|finding| finding.database = Some(name.clone()));
        }
        findings.extend(found);
    }
    let report = Report::new(findings);
    report.write(command.json)?;
    match report.faults() {
        0 => Ok(()),
        faults => Err(DoctorError::Faults(faults)),
    }
}

/// A database that answers, and how it is to be served.
struct Patient<'a> {
    command: &'a Doctor,
    url: &'a SecretString,
    probe: Probe,
    session: Session,
}

/// Everything about one database, as far as one can get.
async fn database(command: &Doctor, url: &SecretString) -> Vec<Finding> {
    let opened = match timeout(LONGEST, reach::open(url)).await {
        Ok(opened) => opened,
        Err(_) => return vec![late("connection")],
    };
    let (probe, session) = match opened {
        Ok(opened) => opened,
        Err(finding) => return vec![*finding],
    };
    let patient = Patient { command, url, probe, session };
    let mut findings = reach::look(&patient);
    findings.extend(server::look(&patient));
    findings.extend(bounded("clock", clock::look(&patient)).await);
    findings.extend(bounded("held", holders::look(&patient)).await);
    if !patient.session.is_standby {
        findings.extend(bounded("listen", reach::listens(&patient)).await);
    }
    let version = bounded("schema", schema::look(&patient)).await;
    let is_there = version.iter().all(|finding| finding.severity == finding::Severity::Ok);
    findings.extend(version);
    if is_there {
        findings.extend(bounded("parts", parts::look(&patient)).await);
        findings.extend(bounded("rights", rights::look(&patient)).await);
        findings.extend(bounded("tables", tables::look(&patient)).await);
        if is_another_logins(&patient).await {
            let finding = "not looked at, nor keyring and receivers: that takes posthorn_dispatcher; see it where dispatchers run";
            findings.push(Finding::ok("backlog", finding));
            return findings;
        }
        findings.extend(bounded("backlog", backlog::look(&patient)).await);
        findings.extend(bounded("keyring", keyring::look(&patient)).await);
        findings.extend(bounded("receivers", receivers::look(&patient)).await);
    }
    findings
}

/// Whether the queue is not for this login to see, and need not be: it serves the API alone.
async fn is_another_logins(patient: &Patient<'_>) -> bool {
    let role = patient.command.config.role;
    !role.dispatches() && matches!(backlog::as_queue_role(patient).await, Err(StoreError::Denied { .. }))
}

/// What an area found; when it could not look or took too long, that.
async fn bounded(check: &'static str, look: impl Future<Output = Result<Vec<Finding>, StoreError>>) -> Vec<Finding> {
    match timeout(LONGEST, look).await {
        Ok(Ok(findings)) => findings,
        Ok(Err(error @ StoreError::Denied { .. })) => {
            let finding = format!("this could not be looked at: {}", error.with_causes());
            vec![Finding::warning(check, finding, "see to the rights first, or give the login of `posthorn serve`")]
        }
        Ok(Err(error)) => {
            let finding = format!("this could not be looked at: {}", error.with_causes());
            vec![Finding::fault(check, finding, "look whether the database is overloaded or locked, and run it again")]
        }
        Err(_) => vec![late(check)],
    }
}

fn late(check: &'static str) -> Finding {
    let finding = format!("no end of this within {} s", LONGEST.as_secs());
    Finding::fault(check, finding, "look whether the network, the database or a name server hangs, and run it again")
}

/// A name as SQL takes it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
