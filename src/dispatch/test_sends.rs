//! Test sends: requests that someone asked for and waits for, beside the pipeline and its slots. Nothing is retried, no
//! circuit hears of it, and it goes to subscriptions that are switched off too.

use std::sync::Arc;
use std::time::Duration;

use hyper::HeaderMap;
use time::OffsetDateTime;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::judge::judge;
use super::sign::{Unsendable, sign};
use super::subscriber::Subscriber;
use super::{Tools, backoff, jittered};
use crate::domain::delivery::DeliveryStatus;
use crate::outbound::{Answer, Outcome, SignedRequest};
use crate::store::StoreError;
use crate::store::queue::{self, Claimed, Happened};
use crate::store::test_sends::{self, Taken, TestAnswer};

/// Test sends at once in one process.
const AT_ONCE: usize = 8;

/// Time between looks when no call was heard.
const LOOK: Duration = Duration::from_secs(5);

/// What is shown in place of a credential.
const MASK: &str = "****";

/// Runs until `stop` is cancelled; then gives those on their way up, since nobody can be told any more.
pub(super) async fn keep_testing(tools: Arc<Tools>, stop: CancellationToken) {
    let (room, running) = (Arc::new(Semaphore::new(AT_ONCE)), TaskTracker::new());
    let mut failures = 0;
    while !stop.is_cancelled() {
        let Ok(permit) = room.clone().acquire_owned().await else { return };
        let pause = match test_sends::take(&tools.store).await {
            Ok(Some(taken)) => {
                let (tools, stop) = (tools.clone(), stop.clone());
                running.spawn(async move {
                    tokio::select! { () = answer(&tools, taken) => {}, () = stop.cancelled() => {} }
                    drop(permit);
                });
                continue;
            }
            Ok(None) => {
                failures = 0;
                jittered(LOOK)
            }
            Err(error) => {
                failures += 1;
                tracing::warn!(error = %error.with_causes(), "test sends could not be looked for, trying again");
                backoff(failures)
            }
        };
        drop(permit);
        tokio::select! {
            () = tools.test_sends.notified() => {}
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => {}
        }
    }
}

async fn answer(tools: &Tools, taken: Taken) {
    let id = taken.id;
    let result = async {
        let Some(answer) = make(tools, taken).await? else { return Ok(()) };
        test_sends::record(&tools.store, id, &answer).await
    };
    if let Err(error) = result.await as Result<(), StoreError> {
        tracing::warn!(test_send.id = %id, error = %error.with_causes(), "a test send could not be answered");
    }
}

/// The request, made; `None` when the subscription has gone.
async fn make(tools: &Tools, taken: Taken) -> Result<Option<TestAnswer>, StoreError> {
    let stored = queue::subscribers(&tools.store, &[taken.subscription_id]).await?;
    // a dispatcher sees every tenant's: whose it is, is for it to ask
    let Some(stored) = stored.into_iter().find(|stored| stored.tenant_id == taken.tenant_id) else { return Ok(None) };
    let subscriber = Subscriber::new(stored, &tools.webhook, &tools.keyring);
    let now = OffsetDateTime::now_utc();
    let request = match sign(&subscriber, &[pretended(taken)], &tools.webhook, now, None) {
        Ok(request) => request,
        Err(unsendable) => return Ok(Some(not_made(&subscriber, unsendable))),
    };
    let mut answer = shown(&subscriber, &request);
    let sent = tools.outbound.send(request, subscriber.timeout).await;
    let verdict = judge(&sent.outcome, 1, &subscriber.policy, now, 0.0);
    answer.is_delivered = verdict.status == DeliveryStatus::Delivered;
    let (kind, error) = verdict.error.unzip();
    (answer.error_kind, answer.error) = (kind.map(|kind| kind.to_string()), error);
    answer.duration_ms = u64::try_from(sent.duration.as_millis()).unwrap_or(u64::MAX);
    if let Outcome::Answered(said) = &sent.outcome {
        answer.status_code = Some(said.status);
        answer.response_headers.clone_from(&said.headers);
        answer.response_body = Some(said).filter(|said| !said.body.is_empty()).map(Answer::body_text);
        answer.response_body_truncated = said.body_truncated;
    }
    Ok(Some(answer))
}

/// The wish as a delivery that there is not.
fn pretended(taken: Taken) -> Claimed {
    let Taken { id, tenant_id, subscription_id, wish, at } = taken;
    let happened = Happened {
        payload: wish.payload,
        metadata: wish.metadata,
        resource_type: wish.resource_type,
        resource_id: wish.resource_id,
        at,
        traceparent: None,
    };
    Claimed {
        id,
        tenant_id,
        subscription_id,
        event_id: id,
        event: wish.event,
        generation: 0,
        epoch: 0,
        number: 1,
        is_rescue: false,
        happened: Some(happened),
    }
}

fn not_made(subscriber: &Subscriber, unsendable: Unsendable) -> TestAnswer {
    let nothing = SignedRequest {
        url: subscriber.stored.url.clone(),
        headers: HeaderMap::new(),
        body: bytes::Bytes::new(),
        identity: None,
    };
    let Unsendable { kind, message } = unsendable;
    TestAnswer { error_kind: Some(kind.to_string()), error: Some(message), ..shown(subscriber, &nothing) }
}

fn shown(subscriber: &Subscriber, request: &SignedRequest) -> TestAnswer {
    let own = subscriber.outfit.as_ref().ok().map(|outfit| &outfit.headers);
    // all of the outfit's values are hidden but the user agent
    let is_hidden = |name| own.and_then(|own| own.get(name)).is_some_and(hyper::header::HeaderValue::is_sensitive);
    let text = |name, value: &hyper::header::HeaderValue| {
        if is_hidden(name) { MASK.to_owned() } else { value.to_str().unwrap_or(MASK).to_owned() }
    };
    TestAnswer {
        url: request.url.clone(),
        request_headers: request.headers.iter().map(|(name, value)| (name.to_string(), text(name, value))).collect(),
        request_body: String::from_utf8_lossy(&request.body).into_owned(),
        is_delivered: false,
        status_code: None,
        response_headers: Vec::new(),
        response_body: None,
        response_body_truncated: false,
        error_kind: None,
        error: None,
        duration_ms: 0,
    }
}
