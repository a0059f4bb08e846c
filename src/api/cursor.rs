//! Cursors of lists: the last id of a page, opaque to callers.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::domain::violation::Violation;

/// Rows of a page when the caller names no number.
pub(super) const LIMIT_DEFAULT: u32 = 100;

/// The cursor after the row with this id.
fn after(id: Uuid) -> String {
    URL_SAFE_NO_PAD.encode(id.as_bytes())
}

/// The id that a cursor stands for.
pub(super) fn read(text: &str) -> Result<Uuid, Violation> {
    let id = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| Uuid::from_slice(&bytes).ok());
    let refuse = || Violation::new("cursor", "cursor_format", "must be a next_cursor of an earlier answer");
    id.filter(|id| id.get_version_num() == 7).ok_or_else(refuse)
}

/// Cuts rows fetched with one more than `limit` to a page, and says where the next begins.
pub(super) fn page<T>(mut rows: Vec<T>, limit: u32, id: impl Fn(&T) -> Uuid) -> (Vec<T>, Option<String>) {
    let limit = limit as usize;
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| has_more).map(|last| after(id(last)));
    (rows, next)
}

/// The text that a cursor of [`page_of_texts`] stands for: an id of letters and digits, or a UUID.
pub(super) fn read_text(text: &str) -> Result<String, Violation> {
    let id = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let is_id =
        |id: &String| (1..=36).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let refuse = || Violation::new("cursor", "cursor_format", "must be a next_cursor of an earlier answer");
    id.filter(is_id).ok_or_else(refuse)
}

/// [`page`] of rows whose ids are texts.
pub(super) fn page_of_texts<T>(mut rows: Vec<T>, limit: u32, id: impl Fn(&T) -> String) -> (Vec<T>, Option<String>) {
    let limit = limit as usize;
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| has_more).map(|last| URL_SAFE_NO_PAD.encode(id(last)));
    (rows, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_read_back() {
        let id = Uuid::now_v7();
        assert_eq!(read(&after(id)), Ok(id));
    }

    #[test]
    fn cursors_of_texts_are_read_back() {
        let rows: Vec<String> = ["aB3", "x"].map(str::to_owned).into();
        let (first, next) = page_of_texts(rows, 1, Clone::clone);
        assert_eq!((first, read_text(&next.unwrap())), (vec!["aB3".to_owned()], Ok("aB3".to_owned())));
        for text in ["", "%", &URL_SAFE_NO_PAD.encode("' OR 1=1"), &URL_SAFE_NO_PAD.encode("a\0")] {
            assert!(read_text(text).is_err(), "{text}");
        }
    }

    #[test]
    fn garbage_is_refused() {
        let nil = after(Uuid::nil());
        for text in ["", "a", "%00", "' OR 1=1", &"A".repeat(10_000), &Uuid::now_v7().to_string(), nil.as_str()] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_page_has_a_cursor_only_when_there_is_more() {
        let ids: Vec<Uuid> = (0..3).map(|_| Uuid::now_v7()).collect();
        assert_eq!(page(ids.clone(), 3, |id| *id), (ids.clone(), None));
        assert_eq!(page(ids.clone(), 2, |id| *id), (ids[..2].to_vec(), Some(after(ids[1]))));
        assert_eq!(page(Vec::new(), 2, |id: &Uuid| *id), (vec![], None));
    }
}
