//! Whether the database can be reached, as whom, how, and whether a NOTIFY arrives.

use std::collections::BTreeMap;

use secrecy::SecretString;
use serde::Deserialize;

use super::finding::Finding;
use super::{Patient, quoted};
use crate::store::probe::Probe;
use crate::store::target::Target;
use crate::store::{StoreError, pooler, sql};

/// What the login finds as it comes in.
#[derive(Debug, Deserialize)]
pub(super) struct Session {
    pub(super) version: i32,
    pub(super) version_text: String,
    pub(super) login: String,
    pub(super) database: String,
    pub(super) is_standby: bool,
    pub(super) max_connections: i32,
    pub(super) reserved: i32,
    pub(super) connected: i32,
    pub(super) database_limit: Option<i32>,
    pub(super) login_limit: Option<i32>,
    pub(super) is_encrypted: Option<bool>,
    pub(super) settings: BTreeMap<String, Setting>,
}

/// A setting of the server, as it holds for the login.
#[derive(Debug, Deserialize)]
pub(super) struct Setting {
    pub(super) value: String,
    /// Where it comes from: `default`, `configuration file`, `database`, `user`, …
    pub(super) source: String,
    /// `postmaster`: it needs a restart.
    pub(super) context: String,
}

/// Connects. Before anything is set: a shared session would keep what is set on it.
pub(super) async fn open(url: &SecretString) -> Result<(Probe, Session), Box<Finding>> {
    pooler::refuse_shared_sessions(url).await.map_err(|error| Box::new(refused(url, &error)))?;
    let opening = async {
        let probe = Probe::connect(url).await?;
        let session = probe.ask_one(sql::DOCTOR_SESSION, &[]).await?;
        probe.restrain().await?;
        Ok((probe, session))
    };
    opening.await.map_err(|error| Box::new(refused(url, &error)))
}

fn refused(url: &SecretString, error: &StoreError) -> Finding {
    if matches!(error, StoreError::SharedSessions) {
        return Finding::fault(
            "pooler",
            "the database URL leads through a pooler in transaction or statement mode",
            "give posthorn a DATABASE_URL that leads past the pooler, or through one in session mode; programs that publish can stay behind it",
        );
    }
    let place = Target::of(url).map_or_else(|_| "?".to_owned(), |at| format!("{} at {}", at.database, at.host));
    let finding = format!("no session in {place}: {}", error.with_causes());
    Finding::fault("connection", finding, mend(url, error))
}

fn mend(url: &SecretString, error: &StoreError) -> String {
    let database = Target::of(url).map(|at| at.database).unwrap_or_default();
    let text = error.with_causes().to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let mend = match error.sqlstate().map(|code| code.code()) {
        Some("28P01") => "put the right password into DATABASE_URL, or set it as a superuser: \\password <login>",
        Some("28000") => {
            "make the login, or let it in from this address in pg_hba.conf: CREATE ROLE <login> LOGIN PASSWORD '…'"
        }
        Some("3D000") => {
            return format!("CREATE DATABASE {}; or mend the name at the end of DATABASE_URL", quoted(&database));
        }
        Some("42501") => return format!("GRANT CONNECT ON DATABASE {} TO <login>", quoted(&database)),
        Some("53300") => {
            "close other sessions, raise max_connections, or the CONNECTION LIMIT of the login or the database"
        }
        Some("57P03" | "55000") => "wait until the server has started, or let the database take connections",
        _ if matches!(error, StoreError::Url { .. }) => {
            "write DATABASE_URL as postgres://user:password@host:5432/database?sslmode=verify-full"
        }
        _ if says(&["tls", "certificate", "handshake"]) => {
            "let the server speak TLS (ssl = on) with a certificate for this host, name its authority with sslrootcert=FILE, or take sslmode out of DATABASE_URL on a private network"
        }
        _ if says(&["lookup", "resolve", "name or service"]) => "mend the host in DATABASE_URL, or this machine's DNS",
        _ if says(&["refused"]) => "start PostgreSQL there, or mend host and port in DATABASE_URL",
        _ if says(&["password missing"]) => "put the password into DATABASE_URL",
        _ => "look whether host and port in DATABASE_URL are right, and whether a firewall lets them through",
    };
    mend.to_owned()
}

/// What is known from coming in.
pub(super) fn look(patient: &Patient<'_>) -> Vec<Finding> {
    let session = &patient.session;
    let host = Target::of(patient.url).map(|at| at.host).unwrap_or_default();
    let is_local =
        host.starts_with('/') || ["localhost", "127.", "[::1]", "::1"].iter().any(|own| host.starts_with(own));
    let is_encrypted = session.is_encrypted == Some(true);
    let (database, version, login) = (&session.database, &session.version_text, &session.login);
    let mut findings = vec![match session.version {
        150_000.. => Finding::ok("connection", format!("{database} at {host}: PostgreSQL {version}, as {login}")),
        _ => Finding::fault(
            "connection",
            format!("PostgreSQL {version} is too old"),
            "upgrade the server: posthorn needs 15 or later",
        ),
    }];
    findings.push(match () {
        () if is_encrypted => Finding::ok("encryption", "the connection is encrypted by TLS"),
        () if is_local => Finding::ok("encryption", "the connection stays on this machine"),
        () => Finding::warning(
            "encryption",
            "the connection to another machine is not encrypted",
            "add ?sslmode=verify-full to DATABASE_URL, unless the network is private",
        ),
    });
    findings.push(Finding::ok("pooler", "sessions are ours alone"));
    findings.push(match session.is_standby {
        true => Finding::fault(
            "standby",
            "the server is a standby and only reads",
            "point DATABASE_URL at the primary; of several hosts target_session_attrs=read-write takes the one that writes",
        ),
        false => Finding::ok("standby", "the server is no standby"),
    });
    findings
}

/// Whether what is sent to a channel comes back.
pub(super) async fn listens(patient: &Patient<'_>) -> Result<Vec<Finding>, StoreError> {
    Ok(vec![match patient.probe.hears_itself().await? {
        true => Finding::ok("listen", "a NOTIFY comes back: dispatchers are woken at once"),
        false => Finding::fault(
            "listen",
            "a NOTIFY did not come back within 5 s: deliveries wait for the next poll",
            "look at SELECT pg_notification_queue_usage(); near 1, end the session that listens and stays in a transaction; else look for a pooler or proxy between",
        ),
    }])
}
