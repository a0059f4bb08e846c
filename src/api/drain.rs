//! Reads bodies: no slower than a caller may be that is not out to hold us, and to the end, so that a refused caller gets to
//! see the refusal and not a connection reset.
//!
//! Closing a connection with unread bytes resets it, and a reset takes an answer that is under way with it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use poem::http::header;
use poem::{Body, Endpoint, Request};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout, timeout_at};

/// Most bytes that are read to be thrown away: a mistake is told, a flood is cut off.
const DRAINED_MAX_BYTES: usize = 16 * 1024 * 1024;

/// Longest time that is spent on it.
const DRAINED_MAX_TIME: Duration = Duration::from_secs(5);

/// Longest time that a body may take whatever its length, and how many bytes allow it a second more.
const PACE: (Duration, usize) = (Duration::from_secs(10), 16 * 1024);

type Chunks = Pin<Box<dyn Stream<Item = io::Result<bytes::Bytes>> + Send>>;

/// Calls `endpoint`, then reads to the end what it left of the body.
pub(super) async fn to_the_end<E: Endpoint>(endpoint: Arc<E>, mut request: Request) -> poem::Result<E::Output> {
    let body = request.take_body();
    if body.is_empty() {
        return endpoint.call(request).await;
    }
    let chunks = paced(Box::pin(body.into_bytes_stream()));
    // a caller that asks first has sent nothing yet, and a refusal keeps it from doing so
    if request.headers().contains_key(header::EXPECT) {
        request.set_body(Body::from_bytes_stream(chunks));
        return endpoint.call(request).await;
    }
    let chunks = Arc::new(Mutex::new(chunks));
    let lent = stream::unfold(Arc::clone(&chunks), |chunks| async {
        let chunk = chunks.lock().await.next().await?;
        Some((chunk, chunks))
    });
    request.set_body(Body::from_bytes_stream(lent));
    let result = endpoint.call(request).await;
    // the answer is worth more than the rest of the question: no fault of the reading changes it
    let _ = timeout(DRAINED_MAX_TIME, drain(&chunks)).await;
    result
}

/// The same until it comes too slowly: then a fault, and the end. Time counts from the first look.
fn paced(chunks: Chunks) -> Chunks {
    let paced = stream::unfold((Some(chunks), None), |(chunks, started)| async move {
        let mut chunks = chunks?;
        let (start, read) = started.unwrap_or_else(|| (Instant::now(), 0));
        match timeout_at(start + allowed(read), chunks.next()).await {
            Ok(Some(chunk)) => {
                let read = read + chunk.as_ref().map_or(0, bytes::Bytes::len);
                Some((chunk, (Some(chunks), Some((start, read)))))
            }
            Ok(None) => None,
            Err(_) => Some((Err(io::ErrorKind::TimedOut.into()), (None, None))),
        }
    });
    // whoever drains it asks again after its end
    Box::pin(paced.fuse())
}

/// How long so many bytes may have taken.
fn allowed(read: usize) -> Duration {
    PACE.0 + Duration::from_secs((read / PACE.1) as u64)
}

async fn drain(chunks: &Mutex<Chunks>) {
    let mut chunks = chunks.lock().await;
    let mut drained = 0;
    while let Some(Ok(chunk)) = chunks.next().await {
        drained += chunk.len();
        if drained > DRAINED_MAX_BYTES {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drip_is_cut_off_and_a_slow_line_is_not() {
        let is_cut = |bytes_per_second: usize| {
            (0..600).any(|second| allowed(bytes_per_second * second).as_secs() < second as u64)
        };
        assert!(is_cut(1) && is_cut(PACE.1 / 2));
        assert!(!is_cut(PACE.1) && !is_cut(PACE.1 * 100));
    }
}
