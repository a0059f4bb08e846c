//! What receivers answer: whole HTTP answers, and `Retry-After`.

use std::sync::LazyLock;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Empty;
use hyper::Request;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use posthorn::domain::retry::{self, RETRY_AFTER_MAX, Schedule};
use posthorn::outbound::Answer;
use time::macros::datetime;
use tokio::io::AsyncWriteExt;
use tokio::runtime::Runtime;
use tokio::time::Instant;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime can be made")
});

/// The bytes are everything that a receiver says before it closes the connection.
pub(crate) fn answer(bytes: &[u8]) {
    let Some(answer) = RUNTIME.block_on(answer_of(bytes)) else { return };
    assert!((200..=999).contains(&answer.status) || answer.status == 101, "{}", answer.status);
    assert!(answer.headers.len() <= 64 && answer.retry_after.len() <= 4);
    let size: usize = answer.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    assert!(size <= 8 * 1024 && answer.body.len() <= 4 * 1024, "{size} {}", answer.body.len());
    let values = answer.headers.iter().map(|(_, value)| value).chain(&answer.retry_after);
    assert!(values.clone().all(|value| !value.chars().any(char::is_control)));
    assert!(answer.body_text().chars().all(|c| !c.is_control() || c == '\n' || c == '\t'));
    let asked = retry::retry_after(&answer.retry_after, datetime!(2026-01-01 0:00 UTC));
    assert!(asked.is_none_or(|wait| wait <= RETRY_AFTER_MAX));
}

/// Asks hyper, set up as the client is, over a connection that says `bytes`.
async fn answer_of(bytes: &[u8]) -> Option<Answer> {
    let (ours, mut theirs) = tokio::io::duplex(256 * 1024);
    let handshake = http1::Builder::new().max_buf_size(64 * 1024).handshake::<_, Empty<Bytes>>(TokioIo::new(ours));
    let (mut sender, connection) = handshake.await.ok()?;
    let asked = async {
        let request = Request::post("/").header("host", "receiver.example").body(Empty::new()).expect("it is good");
        let response = sender.send_request(request).await.ok()?;
        Some(Answer::read(response, Instant::now() + Duration::from_secs(1)).await)
    };
    let told = async {
        // more than fits is never read: the receiver is cut off, as it is by our own deadline
        let _ = theirs.write_all(&bytes[..bytes.len().min(200 * 1024)]).await;
        let _ = theirs.shutdown().await;
        theirs
    };
    let (answer, _, _theirs) = tokio::join!(asked, connection, told);
    answer
}

/// Each line is a value of `Retry-After`, and the whole a schedule.
pub(crate) fn retry_after(bytes: &[u8]) {
    let Some(text) = super::text(bytes) else { return };
    let values: Vec<String> = text.lines().map(str::to_owned).collect();
    for now in [datetime!(1969-07-20 20:17 UTC), datetime!(2026-01-01 0:00 UTC), datetime!(9999-12-31 23:59:59 UTC)] {
        let asked = retry::retry_after(&values, now);
        assert!(asked.is_none_or(|wait| wait <= RETRY_AFTER_MAX), "{asked:?}");
        let schedule = Schedule::default();
        for retry in [0, 1, 6, 7, u32::MAX] {
            let delay = retry::next_delay(&schedule, retry, u32::MAX, asked, 1.0);
            assert!(delay.is_none_or(|delay| delay <= Duration::from_secs(60 * 86_400)), "{delay:?}");
        }
    }
    if let Ok(schedule) = Schedule::parse(text) {
        assert_eq!(Schedule::parse(&schedule.to_string()).as_ref(), Ok(&schedule));
    }
}
