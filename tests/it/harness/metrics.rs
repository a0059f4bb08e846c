//! The metrics page of a running program.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Binary;

/// Time for one page; a stopped process answers never.
const PAGE: Duration = Duration::from_secs(2);

/// Sum of the series of a metric, or of one series when its labels are given too. `None` while the page or the metric is not there.
pub(crate) async fn metric_of(binary: &Binary, metric: &str) -> Option<f64> {
    let lines = binary.lines();
    let address =
        lines.iter().find_map(|line| line.split_once("posthorn is ready on http://").map(|(_, rest)| rest))?;
    let page = timeout(PAGE, page_at(address)).await.ok()?.ok()?;
    let values: Vec<f64> = page.lines().filter_map(|line| value_of(line, metric)).collect();
    (!values.is_empty()).then(|| values.iter().sum())
}

fn value_of(line: &str, metric: &str) -> Option<f64> {
    let rest = line.strip_prefix(metric)?;
    let is_whole_name = rest.starts_with([' ', '{']);
    is_whole_name.then(|| rest.rsplit(' ').next()?.parse().ok()).flatten()
}

async fn page_at(address: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /metrics HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut page = String::new();
    stream.read_to_string(&mut page).await?;
    Ok(page)
}
