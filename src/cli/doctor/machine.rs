//! This machine: certificates, names, ports, open files.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use rustix::process::{Resource, getrlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::finding::Finding;
use super::receivers::look_up;
use crate::causes::with_causes;
use crate::config::Config;
use crate::outbound::Outbound;
use crate::run;
use crate::store::target::Target;

/// Files beside connections to receivers: to the database, the API's callers, logs.
const FILES: u64 = 200;

/// Longest wait for whoever has our port.
const ANSWER: Duration = Duration::from_secs(2);

/// All of it.
pub(super) async fn look(config: &Config) -> Vec<Finding> {
    let mut findings = vec![certificates(config), files(config)];
    findings.extend(names(config).await);
    if config.role.serves_api() {
        findings.push(port(config.api.bind, "POSTHORN_BIND").await);
    } else if let Some(address) = config.dispatcher.metrics_bind {
        findings.push(port(address, "POSTHORN_METRICS_BIND").await);
    }
    findings
}

/// Whom receivers' certificates are verified against.
fn certificates(config: &Config) -> Finding {
    match Outbound::new(run::outbound_options(&config.webhook, 1)) {
        Ok(_) => {
            let public = webpki_roots::TLS_SERVER_ROOTS.len();
            let own = config.webhook.ca_file.as_ref().map(|file| format!(" and those of {}", file.display()));
            Finding::ok(
                "certificates",
                format!("receivers are verified against {public} public authorities{}", own.unwrap_or_default()),
            )
        }
        Err(error) => {
            let finding = with_causes(&error);
            Finding::fault(
                "certificates",
                finding,
                "let WEBHOOK_CA_FILE name a readable PEM file of certificate authorities, or take it away",
            )
        }
    }
}

fn files(config: &Config) -> Finding {
    let wanted = u64::from(config.dispatcher.concurrency) * config.databases.database_urls.len() as u64 + FILES;
    match getrlimit(Resource::Nofile).current {
        Some(limit) if config.role.dispatches() && limit < wanted => Finding::warning(
            "files",
            format!(
                "{limit} files may be open, and POSTHORN_CONCURRENCY needs {wanted}: deliveries would fail for want of sockets"
            ),
            format!("ulimit -n {wanted}; or LimitNOFILE={wanted} in the systemd unit"),
        ),
        _ => Finding::ok("files", "enough files may be open"),
    }
}

/// Names of the databases' hosts.
async fn names(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    for target in config.databases.database_urls.iter().filter_map(|url| Target::of(url).ok()) {
        for host in target.host.split(',').filter(|host| !host.starts_with('/')) {
            let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
            if name.parse::<std::net::IpAddr>().is_err() {
                findings.extend(look_up(name).await);
            }
        }
    }
    findings
}

/// Whether we could listen there, or do already.
async fn port(address: SocketAddr, setting: &str) -> Finding {
    let taken = match TcpListener::bind(address).await {
        Ok(_) => return Finding::ok("port", format!("{address} is free")),
        Err(error) => error,
    };
    let mend = format!("end what listens there, or choose another address with {setting}");
    match taken.kind() {
        io::ErrorKind::AddrInUse => match timeout(ANSWER, asks_health(address)).await {
            Ok(Ok(true)) => Finding::ok("port", format!("posthorn listens on {address} already")),
            _ => Finding::fault("port", format!("another program listens on {address}"), mend),
        },
        io::ErrorKind::PermissionDenied => Finding::fault(
            "port",
            format!("{address} may not be listened on: {taken}"),
            format!("choose a port above 1023 with {setting}"),
        ),
        _ => Finding::fault(
            "port",
            format!("{address} cannot be listened on: {taken}"),
            format!("choose an address of this machine with {setting}"),
        ),
    }
}

/// Whether what listens answers as we do.
async fn asks_health(address: SocketAddr) -> io::Result<bool> {
    let mut own = address;
    if own.ip().is_unspecified() {
        own.set_ip(if own.is_ipv4() { [127, 0, 0, 1].into() } else { [0, 0, 0, 0, 0, 0, 0, 1].into() });
    }
    let mut stream = TcpStream::connect(own).await?;
    let request = "GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(4096).read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    Ok(answer.starts_with("HTTP/1.1 200") && answer.contains(r#"{"status":"live"}"#))
}
