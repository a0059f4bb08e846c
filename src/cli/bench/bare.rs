//! The bare sender: the dispatcher's own HTTP client with signed requests made beforehand, and no database. The limit.

use std::time::Instant;

use hyper::HeaderMap;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use time::OffsetDateTime;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::BenchError;
use super::stage::{EVENT, Stage};
use crate::domain::signature::{self, Message};
use crate::domain::subscription::HeaderFamilies;
use crate::outbound::{Outbound, Outcome, SignedRequest};
use crate::run;

/// Connections, and so requests in flight.
const CONNECTIONS: u32 = 32;

/// Requests per second of `requests` requests.
pub(super) async fn measure(stage: &Stage, requests: u32) -> Result<f64, BenchError> {
    let webhook = &stage.config.webhook;
    let outbound = Outbound::new(run::outbound_options(webhook, CONNECTIONS))?;
    let shares: Vec<Vec<SignedRequest>> = (0..CONNECTIONS).map(|n| requests_of(stage, share(requests, n))).collect();
    let (timeout, started) = (webhook.timeout(), Instant::now());
    let mut senders = JoinSet::new();
    for requests in shares {
        let outbound = outbound.clone();
        senders.spawn(async move {
            let mut answered: u64 = 0;
            for request in requests {
                let sent = outbound.send(request, timeout).await;
                answered += u64::from(matches!(sent.outcome, Outcome::Answered(answer) if answer.status == 204));
            }
            answered
        });
    }
    let answered: u64 = senders.join_all().await.into_iter().sum();
    let took = started.elapsed();
    if answered < u64::from(requests) {
        let (expected, seconds) = (requests.into(), took.as_secs());
        return Err(BenchError::Missing { what: "the bare sender", arrived: answered, expected, seconds });
    }
    Ok(f64::from(requests) / took.as_secs_f64())
}

/// How many of all requests go over connection `n`.
fn share(requests: u32, n: u32) -> u32 {
    requests / CONNECTIONS + u32::from(n < requests % CONNECTIONS)
}

fn requests_of(stage: &Stage, count: u32) -> Vec<SignedRequest> {
    (0..count).map(|_| signed_request(stage)).collect()
}

/// What the dispatcher would send: the same headers, body and signature.
fn signed_request(stage: &Stage) -> SignedRequest {
    let event_id = Uuid::now_v7();
    let (id, body) = (event_id.to_string(), stage.body(event_id));
    let timestamp = OffsetDateTime::now_utc().unix_timestamp();
    let message = Message { id: &id, event: EVENT, timestamp, body: &body };
    let families = HeaderFamilies { standard: true, gestiq: false, dotmac: false };
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let mut insert = |name, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    insert(USER_AGENT, &stage.config.webhook.user_agent);
    for (name, value) in signature::headers(families, std::slice::from_ref(&stage.secret), &message) {
        insert(HeaderName::from_static(name), &value);
    }
    SignedRequest { url: stage.receiver.url(), headers, body }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_goes_over_one_connection() {
        for requests in [1, 31, 32, 33, 20_000] {
            assert_eq!((0..CONNECTIONS).map(|n| share(requests, n)).sum::<u32>(), requests);
        }
    }
}
