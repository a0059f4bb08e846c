//! Reads what a refused caller is still sending, so that it gets to see the refusal and not a connection reset.
//!
//! Closing a connection with unread bytes resets it, and a reset takes an answer that is under way with it.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use poem::http::header;
use poem::{Body, Endpoint, Request};
use tokio::sync::Mutex;
use tokio::time::timeout;

/// Most bytes that are read to be thrown away: a mistake is told, a flood is cut off.
const DRAINED_MAX_BYTES: usize = 16 * 1024 * 1024;

/// Longest time that is spent on it.
const DRAINED_MAX_TIME: Duration = Duration::from_secs(5);

type Chunks = Pin<Box<dyn Stream<Item = std::io::Result<bytes::Bytes>> + Send>>;

/// Calls `endpoint`, then reads to the end what it left of the body.
pub(super) async fn to_the_end<E: Endpoint>(endpoint: Arc<E>, mut request: Request) -> poem::Result<E::Output> {
    // a caller that asks first has sent nothing yet, and a refusal keeps it from doing so
    if request.headers().contains_key(header::EXPECT) {
        return endpoint.call(request).await;
    }
    let body = request.take_body();
    if body.is_empty() {
        return endpoint.call(request).await;
    }
    let chunks: Chunks = Box::pin(body.into_bytes_stream());
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
