//! The collector, over the HTTP client that webhooks are sent with: no second one, and the same certificates.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};

use crate::outbound::{Outbound, OutboundError, OutboundOptions, Outcome, SignedRequest};

/// Longest that one request may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Posts spans to the collector. Clones are the same one.
#[derive(Clone)]
pub(super) struct Collector {
    outbound: Outbound,
    last_failure: Arc<Mutex<Option<String>>>,
}

impl Collector {
    /// Reaches any network: the operator says where the collector is, and it usually is beside us.
    pub(super) fn new(ca_file: Option<&Path>) -> Result<Self, OutboundError> {
        let everywhere = [IpNet::V4(Ipv4Net::default()), IpNet::V6(Ipv6Net::default())];
        let outbound = Outbound::new(OutboundOptions {
            allow_http: true,
            allow_networks: everywhere.to_vec(),
            ca_file: ca_file.map(Path::to_owned),
            pool_idle_per_host: 1,
            pool_idle_timeout: Duration::from_secs(30),
        })?;
        Ok(Self { outbound, last_failure: Arc::default() })
    }

    /// Why the last request that got no answer got none.
    pub(super) fn take_failure(&self) -> Option<String> {
        self.last_failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Collector")
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (head, body) = request.into_parts();
        let request = SignedRequest { url: head.uri.to_string(), headers: head.headers, body, identity: None };
        match self.outbound.send(request, TIMEOUT).await.outcome {
            Outcome::Answered(answer) => {
                let mut response = Response::builder().status(answer.status);
                if let Some(pause) = answer.retry_after.first() {
                    response = response.header("retry-after", pause);
                }
                Ok(response.body(answer.body.into())?)
            }
            Outcome::NotAnswered(failure) => {
                *self.last_failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure.message.clone());
                Err(failure.message.into())
            }
        }
    }
}
