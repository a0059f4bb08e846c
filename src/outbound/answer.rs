//! Reads a stranger's answer without letting it take our memory or our time.

use std::time::Duration;

use http_body_util::BodyExt;
use hyper::Response;
use hyper::body::{Body, Incoming};
use hyper::header::{HeaderMap, HeaderValue, RETRY_AFTER};
use tokio::time::{Instant, timeout_at};

use super::Answer;
use crate::domain::delivery::printable;

/// Read from a body before the connection is given up, so that a small rest does not cost a connection.
const BODY_READ_MAX_BYTES: usize = 16 * 1024;
/// Kept of a body.
const BODY_KEPT_MAX_BYTES: usize = 4 * 1024;
/// Spent on a body, within the total timeout: the status already says what we need.
const BODY_BUDGET: Duration = Duration::from_secs(2);
/// Headers kept.
const HEADERS_KEPT_MAX: usize = 64;
/// Names and values kept, all together.
const HEADERS_KEPT_MAX_BYTES: usize = 8 * 1024;
/// `Retry-After` values kept; one is the rule.
const RETRY_AFTER_KEPT_MAX: usize = 4;
/// Of one `Retry-After` value, in characters; the longest date form has 33.
const RETRY_AFTER_MAX_CHARS: usize = 64;

impl Answer {
    /// The kept body for people and for `text` columns: invalid UTF-8 replaced, NUL and other control characters but
    /// line breaks and tabs made spaces, a character cut in half by our limit left out.
    pub fn body_text(&self) -> String {
        let mut bytes = self.body.as_slice();
        if self.body_truncated
            && let Err(error) = std::str::from_utf8(bytes)
            && error.error_len().is_none()
        {
            bytes = &bytes[..error.valid_up_to()];
        }
        let text = String::from_utf8_lossy(bytes);
        text.chars().map(|c| if c.is_control() && c != '\n' && c != '\t' { ' ' } else { c }).collect()
    }

    /// Takes what we keep of a response. Dropping an unfinished body closes its connection, which therefore never
    /// returns to the pool with something unread in it.
    pub async fn read(response: Response<Incoming>, deadline: Instant) -> Self {
        let (head, mut body) = response.into_parts();
        let mut answer = Self {
            status: head.status.as_u16(),
            headers: kept_headers(&head.headers),
            retry_after: retry_after(&head.headers),
            body: Vec::new(),
            body_truncated: false,
            body_error: None,
        };
        // The timer is registered only when the body is not there yet.
        if !body.is_end_stream() {
            let deadline = deadline.min(Instant::now() + BODY_BUDGET);
            match timeout_at(deadline, answer.read_body(&mut body)).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => answer.body_broke("the body broke off"),
                Err(_) => answer.body_broke("the body did not end in time"),
            }
        }
        answer
    }

    async fn read_body(&mut self, body: &mut Incoming) -> Result<(), hyper::Error> {
        let mut seen = 0;
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            seen += data.len();
            let room = BODY_KEPT_MAX_BYTES - self.body.len();
            self.body.extend_from_slice(&data[..data.len().min(room)]);
            if seen >= BODY_READ_MAX_BYTES {
                break;
            }
        }
        self.body_truncated = seen > self.body.len();
        Ok(())
    }

    fn body_broke(&mut self, why: &str) {
        self.body_truncated = true;
        self.body_error = Some(why.to_owned());
    }
}

fn kept_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let mut kept = Vec::with_capacity(headers.len().min(HEADERS_KEPT_MAX));
    let mut room = HEADERS_KEPT_MAX_BYTES;
    for (name, value) in headers.iter().take(HEADERS_KEPT_MAX) {
        let value = text(value, usize::MAX);
        let Some(left) = room.checked_sub(name.as_str().len() + value.len()) else { break };
        room = left;
        kept.push((name.as_str().to_owned(), value));
    }
    kept
}

fn retry_after(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(RETRY_AFTER).iter().take(RETRY_AFTER_KEPT_MAX);
    values.map(|value| text(value, RETRY_AFTER_MAX_CHARS)).collect()
}

fn text(value: &HeaderValue, max_chars: usize) -> String {
    printable(&String::from_utf8_lossy(value.as_bytes()), max_chars)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &[u8], body_truncated: bool) -> Answer {
        let (headers, retry_after) = (Vec::new(), Vec::new());
        Answer { status: 200, headers, retry_after, body: body.to_vec(), body_truncated, body_error: None }
    }

    #[test]
    fn body_text_has_no_nul_and_no_half_character() {
        assert_eq!(answer(b"a\0b\x1bc\r\nd\te", false).body_text(), "a b c \nd\te");
        assert_eq!(answer(b"\xff\xfeok", false).body_text(), "\u{fffd}\u{fffd}ok");
        assert_eq!(answer(b"caf\xc3", true).body_text(), "caf");
        assert_eq!(answer(b"caf\xc3", false).body_text(), "caf\u{fffd}");
    }

    #[test]
    fn headers_are_cut_by_number_and_size_but_retry_after_is_found() {
        let mut headers = HeaderMap::new();
        for n in 0..80 {
            headers.append("x-many", HeaderValue::from(n));
        }
        headers.append(RETRY_AFTER, HeaderValue::from(7));
        assert_eq!(kept_headers(&headers).len(), HEADERS_KEPT_MAX);
        assert_eq!(retry_after(&headers), ["7"]);

        let mut headers = HeaderMap::new();
        headers.insert("x-small", HeaderValue::from_bytes(b"\xffok\t!").unwrap());
        headers.insert("x-big", HeaderValue::from_str(&"b".repeat(9000)).unwrap());
        assert_eq!(kept_headers(&headers), [("x-small".to_owned(), "\u{fffd}ok !".to_owned())]);
    }
}
