//! The API's parsers of what callers write, for fuzzing: the very functions that requests go through, and nothing beside them.

use uuid::Uuid;

use super::body::Fields;
use super::cursor;
use super::jwt::Jwt;
use super::subscriptions;

/// Field and rule of everything wrong with the body of a new subscription; `None` when it is no JSON object.
pub fn new_subscription(body: &[u8]) -> Option<Vec<(String, &'static str)>> {
    let violations = subscriptions::violations_of_new(Fields::parse(body).ok()?);
    Some(violations.into_iter().map(|violation| (violation.field, violation.rule)).collect())
}

/// Reads each field of a body as every type there is; answers with the texts and the fields found wrong.
pub fn fields(body: &[u8]) -> Option<(Vec<String>, Vec<String>)> {
    let mut fields = Fields::parse(body).ok()?;
    let texts = [fields.text("t"), fields.limited_text("l", 5), fields.name("n", 3), fields.object("o")];
    let numbers = (fields.number("i", 0..=9), fields.decimal("d", 0.0..=1.0), fields.time("at"));
    assert!(numbers.0.is_none_or(|number| (0..=9).contains(&number)), "{numbers:?}");
    assert!(numbers.1.is_none_or(|number| (0.0..=1.0).contains(&number)), "{numbers:?}");
    let wrong = fields.finish().into_iter().map(|violation| violation.field).collect();
    Some((texts.into_iter().flatten().collect(), wrong))
}

/// The cursor of each kind of list that this text is read as, written again.
pub fn cursors(text: &str) -> Vec<String> {
    let kinds = [
        cursor::read(text).map(cursor::after),
        cursor::read_pair(text).map(|(first, second)| cursor::after_pair(first, second)),
        cursor::read_number(text).map(cursor::after_number),
        cursor::read_health(text).map(|place| cursor::after_health(&place)),
        cursor::read_text(text).map(|id| cursor::after_text(&id)),
    ];
    kinds.into_iter().flatten().collect()
}

/// Tenant and actor of a token that is taken.
pub fn token(jwt: &Jwt, token: &str) -> Option<(Uuid, String)> {
    jwt.identify(token).map(|identity| (identity.tenant, identity.actor.to_string()))
}
