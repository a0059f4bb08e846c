//! Subscriptions of one tenant: what the API adds, lists and deletes. Secrets go in sealed and never come out.

use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use super::row::{get, word};
use super::{StoreError, Tx, sql};
use crate::domain::event::EventPattern;
use crate::domain::subscription::{HeaderFamilies, PayloadFormat, ReceiverUrl, SubscriptionStatus, SuccessPolicy};

const TABLE: &str = "webhook_subscriptions";

/// What a new subscription says, checked.
#[derive(Clone, Debug)]
pub struct NewSubscription {
    /// Where webhooks go.
    pub url: ReceiverUrl,
    /// Events it wants.
    pub events: Vec<EventPattern>,
    /// jsonpath predicate over the payload.
    pub filter: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// Whether it receives from the start.
    pub is_active: bool,
    /// Whether requests are signed.
    pub is_signed: bool,
    /// Shape of the body.
    pub payload_format: PayloadFormat,
    /// Signature headers.
    pub header_families: HeaderFamilies,
    /// Which answers count as delivered.
    pub success_policy: SuccessPolicy,
    /// Total seconds of one attempt.
    pub timeout_seconds: Option<i32>,
    /// Seconds before each retry.
    pub retry_schedule: Option<Vec<i32>>,
    /// Retries after the first attempt.
    pub max_retries: Option<i32>,
    /// Deliveries in flight at once.
    pub max_in_flight: Option<i32>,
}

/// A subscription as stored, without its secrets.
#[derive(Clone, Debug)]
pub struct Subscription {
    /// Id.
    pub id: Uuid,
    /// Whose it is.
    pub tenant_id: Uuid,
    /// Where webhooks go.
    pub url: String,
    /// Event names and patterns.
    pub events: Vec<String>,
    /// jsonpath predicate as Postgres prints it.
    pub filter: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// Whether it receives.
    pub status: SubscriptionStatus,
    /// Why it is suspended.
    pub status_reason: Option<String>,
    /// Since when it has this status.
    pub status_changed_at: OffsetDateTime,
    /// Whether requests are signed.
    pub is_signed: bool,
    /// Shape of the body.
    pub payload_format: PayloadFormat,
    /// Signature headers.
    pub header_families: Vec<String>,
    /// Which answers count as delivered.
    pub success_policy: SuccessPolicy,
    /// Total seconds of one attempt.
    pub timeout_seconds: Option<i32>,
    /// Seconds before each retry.
    pub retry_schedule: Option<Vec<i32>>,
    /// Retries after the first attempt.
    pub max_retries: Option<i32>,
    /// Deliveries in flight at once.
    pub max_in_flight: Option<i32>,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it was last changed.
    pub updated_at: OffsetDateTime,
}

/// What came of [`create`].
#[derive(Debug)]
pub enum Creation {
    /// It is stored.
    Created(Box<Subscription>),
    /// This one has the same URL and an overlapping event (R3).
    Duplicate(Uuid),
}

/// Which subscriptions [`list`] answers with.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Those with one of these patterns.
    pub patterns: Option<Vec<String>>,
    /// Those that are active, or those that are not.
    pub is_active: Option<bool>,
    /// Those older than this one.
    pub before: Option<Uuid>,
    /// At most so many.
    pub rows: i64,
}

/// Lets Postgres read a filter: whether it is a jsonpath is for nobody else to say.
///
/// # Errors
/// One that [`filter_fault`] recognises when it is none.
pub async fn check_filter(tx: &Tx<'_>, filter: Option<&str>) -> Result<(), StoreError> {
    if let Some(filter) = filter {
        tx.query_one(sql::SUBSCRIPTIONS_CHECK_FILTER, &[&filter]).await?;
    }
    Ok(())
}

/// What Postgres has against a filter, if that is what the error of [`check_filter`] is about.
pub fn filter_fault(error: &StoreError) -> Option<String> {
    use std::error::Error as _;
    let code = error.sqlstate()?.code();
    let (StoreError::Value { statement, source, .. } | StoreError::Statement { statement, source }) = error else {
        return None;
    };
    // 22…: a value it cannot read; 42601: syntax; 54001: nested too deeply
    let is_about_filter = *statement == sql::SUBSCRIPTIONS_CHECK_FILTER.name
        && (code.starts_with("22") || code == "42601" || code == "54001");
    is_about_filter.then(|| {
        source
            .as_db_error()
            .map_or_else(|| source.source().map(ToString::to_string).unwrap_or_default(), |e| e.message().to_owned())
    })
}

/// Adds a subscription unless it is a duplicate. `seal` gets the id that the secret is sealed for.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn create(
    tx: &Tx<'_>,
    tenant: Uuid,
    new: &NewSubscription,
    seal: &(dyn Fn(Uuid) -> Option<Vec<u8>> + Send + Sync),
) -> Result<Creation, StoreError> {
    // two equal requests at once: the second waits here, and then sees the first
    tx.query(sql::SESSION_LOCK_TENANT, &[&tenant]).await?;
    if let Some(existing) = duplicate_of(tx, tenant, new).await? {
        return Ok(Creation::Duplicate(existing));
    }
    let id: Uuid = get(&tx.query_one(sql::SESSION_NEW_ID, &[]).await?, "id")?;
    let events: Vec<&str> = new.events.iter().map(EventPattern::as_str).collect();
    let status = if new.is_active { SubscriptionStatus::Active } else { SubscriptionStatus::Inactive };
    let signing = if new.is_signed { "required" } else { "none" };
    tx.query_one(
        sql::SUBSCRIPTIONS_ADD,
        &[
            &id,
            &tenant,
            &new.url.as_str(),
            &events,
            &new.filter,
            &new.description,
            &status.as_str(),
            &signing,
            &seal(id),
            &new.payload_format.as_str(),
            &new.header_families.names(),
            &new.success_policy.as_str(),
            &new.timeout_seconds,
            &new.retry_schedule,
            &new.max_retries,
            &new.max_in_flight,
        ],
    )
    .await?;
    let row = tx.query_one(sql::SUBSCRIPTIONS_GET, &[&id]).await?;
    Ok(Creation::Created(Box::new(read(&row)?)))
}

async fn duplicate_of(tx: &Tx<'_>, tenant: Uuid, new: &NewSubscription) -> Result<Option<Uuid>, StoreError> {
    for row in tx.query(sql::SUBSCRIPTIONS_SAME_URL, &[&tenant, &new.url.as_str()]).await? {
        let (id, events): (Uuid, Vec<String>) = (get(&row, "id")?, get(&row, "events")?);
        let theirs: Vec<EventPattern> = events.iter().filter_map(|e| EventPattern::parse("events", e).ok()).collect();
        if new.events.iter().any(|ours| theirs.iter().any(|pattern| pattern.overlaps(ours))) {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

/// One subscription that is not deleted.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn find(tx: &Tx<'_>, id: Uuid) -> Result<Option<Subscription>, StoreError> {
    tx.query_opt(sql::SUBSCRIPTIONS_GET, &[&id]).await?.as_ref().map(read).transpose()
}

/// Subscriptions, newest first.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn list(tx: &Tx<'_>, wanted: &Wanted) -> Result<Vec<Subscription>, StoreError> {
    tx.query(sql::SUBSCRIPTIONS_LIST, &[&wanted.patterns, &wanted.is_active, &wanted.before, &wanted.rows])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// Deletes a subscription and cancels what waits for it; false when there is none.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn delete(tx: &Tx<'_>, id: Uuid) -> Result<bool, StoreError> {
    get(&tx.query_one(sql::SUBSCRIPTIONS_DELETE, &[&id]).await?, "is_found")
}

/// Whether an active subscription has one of these patterns.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn has_match(tx: &Tx<'_>, patterns: &[String]) -> Result<bool, StoreError> {
    get(&tx.query_one(sql::SUBSCRIPTIONS_MATCHES, &[&patterns]).await?, "is_found")
}

fn read(row: &Row) -> Result<Subscription, StoreError> {
    let id: Uuid = get(row, "id")?;
    Ok(Subscription {
        id,
        tenant_id: get(row, "tenant_id")?,
        url: get(row, "url")?,
        events: get(row, "events")?,
        filter: get(row, "filter")?,
        description: get(row, "description")?,
        status: word(TABLE, "status", id, get(row, "status")?, SubscriptionStatus::parse)?,
        status_reason: get(row, "status_reason")?,
        status_changed_at: get(row, "status_changed_at")?,
        is_signed: get::<&str>(row, "signing")? != "none",
        payload_format: word(TABLE, "payload_format", id, get(row, "payload_format")?, PayloadFormat::parse)?,
        header_families: get(row, "header_families")?,
        success_policy: word(TABLE, "success_policy", id, get(row, "success_policy")?, SuccessPolicy::parse)?,
        timeout_seconds: get(row, "timeout_seconds")?,
        retry_schedule: get(row, "retry_schedule")?,
        max_retries: get(row, "max_retries")?,
        max_in_flight: get(row, "max_in_flight")?,
        created_at: get(row, "created_at")?,
        updated_at: get(row, "updated_at")?,
    })
}

/// Every pattern that matches an event name, as `posthorn.event_patterns` has it; of a pattern, itself alone.
pub fn patterns_of(event: &str) -> Vec<String> {
    let mut patterns = vec![event.to_owned()];
    if event.ends_with('*') {
        return patterns;
    }
    patterns.extend(event.rmatch_indices('.').map(|(dot, _)| format!("{}.*", &event[..dot])));
    if !event.starts_with("posthorn.") {
        patterns.push("*".to_owned());
    }
    patterns
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::EventName;

    #[test]
    fn patterns_of_an_event_are_those_that_match_it() {
        assert_eq!(patterns_of("a.b.c"), ["a.b.c", "a.b.*", "a.*", "*"]);
        assert_eq!(patterns_of("posthorn.endpoint_failing"), ["posthorn.endpoint_failing", "posthorn.*"]);
        assert_eq!(patterns_of("invoice.*"), ["invoice.*"]);
        let name = EventName::parse("event", "invoice.line.added").unwrap();
        assert!(patterns_of(name.as_str()).iter().all(|p| EventPattern::parse("events", p).unwrap().matches(&name)));
    }
}
