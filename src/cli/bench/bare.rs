//! The bare sender: the dispatcher's own HTTP client with signed requests made beforehand, and no database. The limit.
//!
//! Sender and receiver are on threads of their own, as many each as the dispatcher under test and the receiver have.

use std::time::Instant;

use hyper::HeaderMap;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use time::OffsetDateTime;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::error::BenchError;
use super::figures::Figure;
use super::lab::Lab;
use super::sizes::Sizes;
use super::stage::{self, EVENT};
use super::{receiver, usage};
use crate::domain::secret::Secret;
use crate::domain::signature::{self, Message};
use crate::domain::signing_key::SigningKey;
use crate::domain::subscription::HeaderFamilies;
use crate::outbound::{Outbound, Outcome, SignedRequest};
use crate::run;

/// Connections, and so requests in flight.
const CONNECTIONS: u32 = 32;

/// The rate, and what a request costs both ends.
pub(super) async fn measure(lab: &Lab, sizes: &Sizes) -> Result<Vec<Figure>, BenchError> {
    let requests = requests(lab, sizes.bare_requests);
    let seconds = || Some((usage::threads_seconds(lab.load.name())?, usage::threads_seconds(receiver::THREADS)?));
    let before = seconds();
    let rate = send(lab, requests).await?;
    let mut figures = vec![Figure::new("bare.per_second", "bare sender, requests/s", 0, rate)];
    if let (Some(before), Some(after)) = (before, seconds()) {
        let each = |seconds: f64| seconds * 1e6 / f64::from(sizes.bare_requests);
        let (sender, receiver) = (each(after.0 - before.0), each(after.1 - before.1));
        figures.push(Figure::new("bare.cpu_sender_us", "  CPU of the sender per request, us", 1, sender));
        figures.push(Figure::new("bare.cpu_receiver_us", "  CPU of the receiver per request, us", 1, receiver));
    }
    Ok(figures)
}

/// Requests per second.
pub(super) async fn per_second(lab: &Lab, sizes: &Sizes) -> Result<f64, BenchError> {
    send(lab, requests(lab, sizes.bare_requests)).await
}

async fn send(lab: &Lab, shares: Vec<Vec<SignedRequest>>) -> Result<f64, BenchError> {
    let webhook = &lab.config.webhook;
    let outbound = Outbound::new(run::outbound_options(webhook, CONNECTIONS))?;
    let expected = shares.iter().map(Vec::len).sum::<usize>();
    let (timeout, started) = (webhook.timeout(), Instant::now());
    let mut senders = JoinSet::new();
    for requests in shares {
        senders.spawn_on(send_all(outbound.clone(), requests, timeout), lab.load.handle());
    }
    let answered: usize = senders.join_all().await.into_iter().sum();
    let took = started.elapsed();
    if answered < expected {
        let (arrived, expected) = (answered as u64, expected as u64);
        return Err(BenchError::Missing { what: "the bare sender", arrived, expected, seconds: took.as_secs() });
    }
    Ok(expected as f64 / took.as_secs_f64())
}

async fn send_all(outbound: Outbound, requests: Vec<SignedRequest>, timeout: std::time::Duration) -> usize {
    let mut answered = 0;
    for request in requests {
        let sent = outbound.send(request, timeout).await;
        answered += usize::from(matches!(sent.outcome, Outcome::Answered(answer) if answer.status == 204));
    }
    answered
}

/// Requests made beforehand, a share for each connection.
fn requests(lab: &Lab, count: u32) -> Vec<Vec<SignedRequest>> {
    let (secret, payload) = (Secret::generate(), stage::payload(lab));
    let one = || signed_request(lab, &secret, &payload);
    (0..CONNECTIONS).map(|n| (0..share(count, n)).map(|_| one()).collect()).collect()
}

/// How many of all requests go over connection `n`.
fn share(requests: u32, n: u32) -> u32 {
    requests / CONNECTIONS + u32::from(n < requests % CONNECTIONS)
}

/// What the dispatcher would send: the same headers, body and signature.
fn signed_request(lab: &Lab, secret: &Secret, payload: &str) -> SignedRequest {
    let event_id = Uuid::now_v7();
    let (id, body) = (event_id.to_string(), stage::body(lab, payload, event_id, Uuid::nil()));
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
    insert(USER_AGENT, &lab.config.webhook.user_agent);
    for (name, value) in signature::headers(families, &[SigningKey::of(secret.clone())], &message) {
        insert(HeaderName::from_static(name), &value);
    }
    SignedRequest { url: lab.receiver.url(), headers, body, identity: None }
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
