//! Subscriptions: create, list, read, delete (R1–R5).

use std::sync::Arc;

use poem_openapi::param::{Path, Query};
use poem_openapi::{Enum, Object, OpenApi};
use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Tag;
use super::body::{Body, Fields};
use super::caller::Caller;
use super::cursor::{self, LIMIT_DEFAULT};
use super::problem::{Acting, Problem, Reading, Refusal, Writing};
use super::reply::{Created, Found, NoContent, Reply};
use crate::config::WebhookConfig;
use crate::domain::event::EventPattern;
use crate::domain::keyring::Keyring;
use crate::domain::retry::{DELAY_MAX, SCHEDULE_MAX_ENTRIES};
use crate::domain::secret::Secret;
use crate::domain::subscription::{HeaderFamilies, PayloadFormat, ReceiverUrl, SubscriptionStatus, SuccessPolicy};
use crate::domain::violation::Violation;
use crate::store::subscriptions::{self, Creation, NewSubscription, Wanted};
use crate::store::{Store, StoreError, Work};

/// Most characters of a description; the schema says the same.
const DESCRIPTION_MAX_CHARS: usize = 500;
/// Most characters of a filter; the schema says the same of what Postgres prints.
const FILTER_MAX_CHARS: usize = 4000;
/// Most patterns of a subscription; the schema says the same.
const EVENTS_MAX: usize = 100;
/// What answers show of a secret that exists (R57): it cannot be read back.
const MASKED_SECRET: &str = "whsec_****";

/// The operations on subscriptions.
pub(super) struct SubscriptionsApi {
    /// Where they are.
    pub(super) store: Store,
    /// Seals their secrets.
    pub(super) keyring: Arc<Keyring>,
    /// What a URL may be.
    pub(super) webhook: Arc<WebhookConfig>,
}

#[OpenApi(tag = "Tag::Subscriptions")]
impl SubscriptionsApi {
    /// Create a subscription
    ///
    /// The answer shows the secret, given or generated, this one time. Another subscription with the same URL and an
    /// overlapping event is a duplicate: 409 with its id in `existing_id`.
    #[oai(path = "/subscriptions", method = "post", operation_id = "createSubscription")]
    async fn create(
        &self,
        caller: Caller,
        body: Body<SubscriptionInput>,
    ) -> Result<Created<Subscription>, Refusal<Writing>> {
        let draft = Draft::read(body.0, self.webhook.allow_http);
        let (tenant, draft, secret) = (caller.tenant(), &draft, draft.secret());
        let seal = |id| secret.as_ref().map(|secret| self.keyring.seal(tenant, id, secret));
        let stored = self
            .store
            .tx("create subscription", caller.scope(), move |tx| {
                Work::new(async move {
                    subscriptions::check_filter(tx, draft.filter.as_deref()).await?;
                    match &draft.new {
                        Some(new) => subscriptions::create(tx, tenant, new, &seal).await.map(Some),
                        None => Ok(None),
                    }
                })
            })
            .await;
        match stored.map_err(|error| draft.refuse(error))? {
            Some(Creation::Created(made)) => Ok(shown_once(*made, secret.as_ref())),
            Some(Creation::Duplicate(existing)) => Err(Problem::duplicate(existing).into()),
            None => Err(Problem::invalid(draft.violations.clone()).into()),
        }
    }

    /// List subscriptions
    ///
    /// Newest first; deleted ones are not shown.
    #[oai(path = "/subscriptions", method = "get", operation_id = "listSubscriptions")]
    async fn list(
        &self,
        caller: Caller,
        /// Only those that receive this event, by name or by pattern, or that have this very pattern.
        event: Query<Option<String>>,
        /// Only active ones (`true`, the default), only others (`false`), or `all`.
        active: Query<Option<Active>>,
        /// Rows of a page, 100 unless given.
        #[oai(validator(minimum(value = "1"), maximum(value = "500")))]
        limit: Query<Option<u32>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<Found<SubscriptionPage>, Refusal<Reading>> {
        let limit = limit.0.unwrap_or(LIMIT_DEFAULT);
        let wanted = &Wanted {
            patterns: event.0.as_deref().map(patterns_for).transpose()?,
            is_active: active.0.unwrap_or(Active::True).as_bool(),
            before: cursor::read(cursor.0.as_deref())?,
            rows: i64::from(limit) + 1,
        };
        let found = self
            .store
            .tx("list subscriptions", caller.scope(), move |tx| Work::new(subscriptions::list(tx, wanted)))
            .await?;
        let (rows, next_cursor) = cursor::page(found, limit, |row| row.id);
        Ok(Reply::new(SubscriptionPage { data: rows.into_iter().map(Subscription::from).collect(), next_cursor }))
    }

    /// Get a subscription
    #[oai(path = "/subscriptions/:id", method = "get", operation_id = "getSubscription")]
    async fn get(
        &self,
        caller: Caller,
        /// Id of the subscription.
        id: Path<Uuid>,
    ) -> Result<Found<Subscription>, Refusal<Reading>> {
        let found = self
            .store
            .tx("get subscription", caller.scope(), move |tx| Work::new(subscriptions::find(tx, id.0)))
            .await?;
        Ok(Reply::new(found.ok_or_else(|| unknown(id.0))?.into()))
    }

    /// Delete a subscription
    ///
    /// Its secret is forgotten and deliveries that wait are cancelled. History stays.
    #[oai(path = "/subscriptions/:id", method = "delete", operation_id = "deleteSubscription")]
    async fn delete(
        &self,
        caller: Caller,
        /// Id of the subscription.
        id: Path<Uuid>,
    ) -> Result<NoContent, Refusal<Acting>> {
        let is_found = self
            .store
            .tx("delete subscription", caller.scope(), move |tx| Work::new(subscriptions::delete(tx, id.0)))
            .await?;
        if is_found { Ok(NoContent) } else { Err(unknown(id.0).into()) }
    }
}

fn unknown(id: Uuid) -> Problem {
    Problem::not_found(format!("there is no subscription {id}"))
}

fn shown_once(made: subscriptions::Subscription, secret: Option<&Secret>) -> Created<Subscription> {
    let location = format!("subscriptions/{}", made.id);
    let secret = secret.map(|secret| secret.expose().to_owned());
    Reply::new(Subscription { secret, ..made.into() }).at(location)
}

/// What `?event=` asks for: of an event name everything that matches it, of a pattern itself.
fn patterns_for(text: &str) -> Result<Vec<String>, Problem> {
    let asked = EventPattern::parse("event", text).map_err(|violation| Problem::invalid(vec![violation]))?;
    Ok(subscriptions::patterns_of(asked.as_str()))
}

/// Which subscriptions a list shows.
#[derive(Clone, Copy, Enum)]
#[oai(rename_all = "lowercase")]
enum Active {
    All,
    True,
    False,
}

impl Active {
    const fn as_bool(self) -> Option<bool> {
        match self {
            Self::All => None,
            Self::True => Some(true),
            Self::False => Some(false),
        }
    }
}

/// A new subscription. Its fields are read by [`Draft::read`]; this is how the document shows them.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct SubscriptionInput {
    /// Where webhooks go: https, 10 to 2048 characters, without user, password or fragment.
    #[oai(validator(min_length = 10, max_length = 2048))]
    url: String,
    /// The one event or pattern wanted: `invoice.created`, `invoice.*` or `*`. Either this or `events`.
    event: Option<String>,
    /// Events and patterns wanted, 1 to 100. Either this or `event`.
    #[oai(validator(min_items = 1, max_items = 100))]
    events: Option<Vec<String>>,
    /// Signing secret of 8 to 500 characters; generated (`whsec_…`) when absent.
    #[oai(validator(min_length = 8, max_length = 500))]
    secret: Option<String>,
    /// For people, up to 500 characters.
    #[oai(validator(max_length = 500))]
    description: Option<String>,
    /// jsonpath predicate over the payload, such as `$.amount > 100`: only events for which it is true are sent.
    #[oai(validator(max_length = 4000))]
    filter: Option<String>,
    /// Shape of the body: `default`, `gestiq`, `dotmac`, `cloudevents`, `cloudevents_binary` or `raw`.
    payload_format: Option<String>,
    /// Signature headers to send: `standard`, `gestiq`, `dotmac`; all when absent.
    header_families: Option<Vec<String>>,
    /// Which answers count as delivered: `standard` (2xx) or `gestiq` (3xx too).
    success_policy: Option<String>,
    /// Total seconds of one attempt; the server's own setting when absent.
    #[oai(validator(minimum(value = "1"), maximum(value = "300")))]
    timeout_seconds: Option<i32>,
    /// Seconds before each retry, up to 30 delays of up to 30 days; the server's own schedule when absent.
    #[oai(validator(max_items = 30))]
    retry_schedule: Option<Vec<i32>>,
    /// Retries after the first attempt; the last delay repeats when there are more than delays.
    #[oai(validator(minimum(value = "0"), maximum(value = "30")))]
    max_retries: Option<i32>,
    /// Deliveries in flight at once in one dispatcher.
    #[oai(validator(minimum(value = "1"), maximum(value = "10000")))]
    max_in_flight: Option<i32>,
    /// `required`, or `none`: the explicit choice to send unsigned.
    signing: Option<String>,
    /// Whether it receives from the start; true when absent.
    active: Option<bool>,
}

/// What a body asks for: the subscription when every rule is met, else what is wrong, and the filter for Postgres to judge.
struct Draft {
    new: Option<NewSubscription>,
    given_secret: Option<Secret>,
    filter: Option<String>,
    violations: Vec<Violation>,
}

impl Draft {
    fn read(mut fields: Fields, allow_http: bool) -> Self {
        let url = fields.required_text("url").and_then(|url| fields.keep(ReceiverUrl::parse("url", &url, allow_http)));
        let events = read_events(&mut fields);
        let given_secret = fields.text("secret").and_then(|secret| fields.keep(Secret::parse("secret", &secret)));
        let description = limited_text(&mut fields, "description", DESCRIPTION_MAX_CHARS);
        let filter = limited_text(&mut fields, "filter", FILTER_MAX_CHARS);
        if filter.as_ref().is_some_and(|filter| filter.contains("like_regex")) {
            fields.fail("filter", "filter_like_regex", "must not use like_regex");
        }
        let payload_format = fields.word("payload_format", &words(PayloadFormat::ALL), PayloadFormat::parse);
        let header_families = fields
            .take::<Vec<String>>("header_families", "a list of texts")
            .and_then(|names| fields.keep(HeaderFamilies::parse("header_families", &names)));
        let success_policy = fields.word("success_policy", &words(SuccessPolicy::ALL), SuccessPolicy::parse);
        let timeout_seconds = fields.number("timeout_seconds", 1..=300);
        let retry_schedule = read_schedule(&mut fields);
        let max_retries = fields.number("max_retries", 0..=30);
        let max_in_flight = fields.number("max_in_flight", 1..=10_000);
        let is_signed = fields.word("signing", "required, none", read_signing).unwrap_or(true);
        if !is_signed && given_secret.is_some() {
            fields.fail("secret", "secret_without_signing", "must be absent when signing is none");
        }
        let is_active = fields.take("active", "true or false").unwrap_or(true);
        let violations = fields.finish();
        let new = url.filter(|_| violations.is_empty()).map(|url| NewSubscription {
            url,
            events,
            filter: filter.clone(),
            description,
            is_active,
            is_signed,
            payload_format: payload_format.unwrap_or_default(),
            header_families: header_families.unwrap_or_default(),
            success_policy: success_policy.unwrap_or_default(),
            timeout_seconds,
            retry_schedule,
            max_retries,
            max_in_flight,
        });
        Self { new, given_secret, filter, violations }
    }

    /// The secret to store: the given one, or a new one; none for a subscription that is not signed or not valid.
    fn secret(&self) -> Option<Secret> {
        let is_signed = self.new.as_ref().is_some_and(|new| new.is_signed);
        is_signed.then(|| self.given_secret.clone().unwrap_or_else(Secret::generate))
    }

    /// The answer to a failed transaction: with everything else that is wrong when it is the filter's fault.
    fn refuse(&self, error: StoreError) -> Problem {
        let Some(fault) = subscriptions::filter_fault(&error) else { return error.into() };
        let mut violations = self.violations.clone();
        violations.push(Violation::new("filter", "filter_jsonpath", format!("must be a jsonpath predicate: {fault}")));
        Problem::invalid(violations)
    }
}

fn read_events(fields: &mut Fields) -> Vec<EventPattern> {
    let one = fields.text("event");
    let many = fields.take::<Vec<String>>("events", "a list of texts");
    let named: Vec<(String, String)> = match (one, many) {
        (Some(event), None) => vec![("event".to_owned(), event)],
        (None, Some(events)) => {
            events.into_iter().enumerate().map(|(index, event)| (format!("events[{index}]"), event)).collect()
        }
        (Some(_), Some(_)) => {
            fields.fail("events", "event_or_events", "give either event or events");
            return Vec::new();
        }
        (None, None) => Vec::new(),
    };
    if !(1..=EVENTS_MAX).contains(&named.len()) {
        fields.fail("events", "events_count", format!("name 1 to {EVENTS_MAX} events, in event or in events"));
        return Vec::new();
    }
    let mut patterns: Vec<EventPattern> =
        named.iter().filter_map(|(field, text)| fields.keep(EventPattern::parse(field, text).map_err(Some))).collect();
    let mut seen = std::collections::HashSet::new();
    patterns.retain(|pattern| seen.insert(pattern.clone()));
    patterns
}

fn read_schedule(fields: &mut Fields) -> Option<Vec<i32>> {
    let schedule = fields.take::<Vec<i32>>("retry_schedule", "a list of whole seconds")?;
    let longest = i32::try_from(DELAY_MAX.as_secs()).unwrap_or(i32::MAX);
    if schedule.len() > SCHEDULE_MAX_ENTRIES || schedule.iter().any(|seconds| !(0..=longest).contains(seconds)) {
        let message = format!("must be at most {SCHEDULE_MAX_ENTRIES} delays of 0 to {longest} seconds");
        fields.fail("retry_schedule", "retry_schedule_range", message);
    }
    Some(schedule)
}

fn limited_text(fields: &mut Fields, field: &'static str, max: usize) -> Option<String> {
    let text = fields.text(field)?;
    let chars = text.chars().count();
    if chars > max {
        fields.fail(field, "length", format!("must have at most {max} characters, has {chars}"));
        return None;
    }
    Some(text)
}

fn read_signing(word: &str) -> Option<bool> {
    match word.trim().to_ascii_lowercase().as_str() {
        "required" => Some(true),
        "none" => Some(false),
        _ => None,
    }
}

fn words<T: ToString>(all: &[T]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// A receiver and what it wants to hear of.
#[derive(Object, Serialize)]
struct Subscription {
    /// Id.
    id: Uuid,
    /// Whose it is.
    tenant_id: Uuid,
    /// Where webhooks go, normalised.
    url: String,
    /// Event names and patterns.
    events: Vec<String>,
    /// The first of them.
    event: String,
    /// jsonpath predicate over the payload.
    #[oai(nullable)]
    filter: Option<String>,
    /// For people.
    #[oai(nullable)]
    description: Option<String>,
    /// `active`; `inactive` and `suspended` (the receiver answered 410): deliveries wait.
    status: String,
    /// Why it is suspended.
    #[oai(nullable)]
    status_reason: Option<String>,
    /// Since when it has this status.
    #[serde(with = "time::serde::rfc3339")]
    status_changed_at: OffsetDateTime,
    /// Whether it receives.
    active: bool,
    /// The same as `active`.
    is_active: bool,
    /// `required`, or `none`: sent unsigned.
    signing: String,
    /// Masked, but in the answer that created it; null when it is sent unsigned.
    #[oai(nullable)]
    secret: Option<String>,
    /// Shape of the body.
    payload_format: String,
    /// Signature headers that are sent.
    header_families: Vec<String>,
    /// Which answers count as delivered.
    success_policy: String,
    /// Total seconds of one attempt; null: the server's setting.
    #[oai(nullable)]
    timeout_seconds: Option<i32>,
    /// Seconds before each retry; null: the server's schedule.
    #[oai(nullable)]
    retry_schedule: Option<Vec<i32>>,
    /// Retries after the first attempt; null: as many as the schedule has.
    #[oai(nullable)]
    max_retries: Option<i32>,
    /// Deliveries in flight at once in one dispatcher; null: the server's share.
    #[oai(nullable)]
    max_in_flight: Option<i32>,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When it was last changed.
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
}

impl From<subscriptions::Subscription> for Subscription {
    fn from(row: subscriptions::Subscription) -> Self {
        let is_active = row.status == SubscriptionStatus::Active;
        Self {
            id: row.id,
            tenant_id: row.tenant_id,
            url: row.url,
            event: row.events.first().cloned().unwrap_or_default(),
            events: row.events,
            filter: row.filter,
            description: row.description,
            status: row.status.to_string(),
            status_reason: row.status_reason,
            status_changed_at: row.status_changed_at,
            active: is_active,
            is_active,
            signing: if row.is_signed { "required" } else { "none" }.to_owned(),
            secret: row.is_signed.then(|| MASKED_SECRET.to_owned()),
            payload_format: row.payload_format.to_string(),
            header_families: row.header_families,
            success_policy: row.success_policy.to_string(),
            timeout_seconds: row.timeout_seconds,
            retry_schedule: row.retry_schedule,
            max_retries: row.max_retries,
            max_in_flight: row.max_in_flight,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// A page of subscriptions.
#[derive(Object, Serialize)]
struct SubscriptionPage {
    /// Newest first.
    data: Vec<Subscription>,
    /// Where the next page begins; null on the last.
    #[oai(nullable)]
    next_cursor: Option<String>,
}
