//! Cursors of lists: the last id of a page, two of them, a number, or a place in an order of its own; opaque to callers.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::domain::violation::Violation;
use crate::store::statistics::HealthPlace;

/// Rows of a page when the caller names no number.
pub(super) const LIMIT_DEFAULT: u32 = 100;

/// The cursor after the row with this id.
pub(super) fn after(id: Uuid) -> String {
    URL_SAFE_NO_PAD.encode(id.as_bytes())
}

/// The id that a cursor stands for.
pub(super) fn read(text: &str) -> Result<Uuid, Violation> {
    let id = decode(text).and_then(|bytes| Uuid::from_slice(&bytes).ok());
    id.filter(|id| id.get_version_num() == 7).ok_or_else(refuse)
}

/// The cursor after a row of a list that goes by one id and then by another; nil: after all of the first.
pub(super) fn after_pair(first: Uuid, second: Uuid) -> String {
    URL_SAFE_NO_PAD.encode([*first.as_bytes(), *second.as_bytes()].concat())
}

/// The two ids that such a cursor stands for.
pub(super) fn read_pair(text: &str) -> Result<(Uuid, Uuid), Violation> {
    let pair = decode(text).and_then(|bytes| {
        let (first, second) = bytes.split_at_checked(16)?;
        Some((Uuid::from_slice(first).ok()?, Uuid::from_slice(second).ok()?))
    });
    pair.filter(|(first, _)| first.get_version_num() == 7).ok_or_else(refuse)
}

/// The cursor after a row with this number.
pub(super) fn after_number(number: i32) -> String {
    URL_SAFE_NO_PAD.encode(number.to_be_bytes())
}

/// The number that such a cursor stands for.
pub(super) fn read_number(text: &str) -> Result<i32, Violation> {
    let number = decode(text).and_then(|bytes| bytes.try_into().ok());
    number.map(i32::from_be_bytes).ok_or_else(refuse)
}

/// The cursor after a receiver in the list of their health.
pub(super) fn after_health(place: &HealthPlace) -> String {
    let HealthPlace { rank, since_us, subscription_id } = place;
    let mut bytes = vec![u8::try_from(*rank).unwrap_or(u8::MAX)];
    bytes.extend(since_us.to_be_bytes());
    bytes.extend(subscription_id.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The place that such a cursor stands for.
pub(super) fn read_health(text: &str) -> Result<HealthPlace, Violation> {
    let place = decode(text).and_then(|bytes| {
        let (rank, rest) = bytes.split_first()?;
        let (since, id) = rest.split_first_chunk::<8>()?;
        let subscription_id = Uuid::from_slice(id).ok()?;
        Some(HealthPlace { rank: i32::from(*rank), since_us: i64::from_be_bytes(*since), subscription_id })
    });
    place.ok_or_else(refuse)
}

fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

fn refuse() -> Violation {
    Violation::new("cursor", "cursor_format", "must be a next_cursor of an earlier answer")
}

/// Cuts rows fetched with one more than `limit` to a page, and says where the next begins.
pub(super) fn page<T>(rows: Vec<T>, limit: u32, id: impl Fn(&T) -> Uuid) -> (Vec<T>, Option<String>) {
    page_by(rows, limit, |row| after(id(row)))
}

/// The same with cursors that `after` makes.
pub(super) fn page_by<T>(mut rows: Vec<T>, limit: u32, after: impl Fn(&T) -> String) -> (Vec<T>, Option<String>) {
    let limit = limit as usize;
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| has_more).map(after);
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
pub(super) fn page_of_texts<T>(rows: Vec<T>, limit: u32, id: impl Fn(&T) -> String) -> (Vec<T>, Option<String>) {
    page_by(rows, limit, |row| after_text(&id(row)))
}

/// The cursor after a row whose id is a text.
pub(super) fn after_text(id: &str) -> String {
    URL_SAFE_NO_PAD.encode(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_read_back() {
        let id = Uuid::now_v7();
        assert_eq!(read(&after(id)), Ok(id));
        assert_eq!(read_pair(&after_pair(id, Uuid::nil())), Ok((id, Uuid::nil())));
        assert_eq!(read_number(&after_number(7)), Ok(7));
        let place = HealthPlace { rank: 3, since_us: i64::MAX, subscription_id: id };
        assert_eq!(read_health(&after_health(&place)), Ok(place));
    }

    #[test]
    fn a_cursor_of_another_list_is_refused() {
        let id = Uuid::now_v7();
        assert!(read(&after_pair(id, id)).is_err() && read(&after_number(1)).is_err());
        assert!(read_pair(&after(id)).is_err() && read_pair(&after_number(1)).is_err());
        assert!(read_number(&after(id)).is_err());
        assert!(read_health(&after_pair(id, id)).is_err() && read_health(&after(id)).is_err());
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
