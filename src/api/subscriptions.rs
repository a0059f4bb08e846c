//! Subscriptions: create, list, read, delete (R1–R5).

mod input;

use std::sync::Arc;

use poem::Request;
use poem_openapi::param::{Path, Query};
use poem_openapi::{Enum, Object, OpenApi};
use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

use self::input::{Draft, SubscriptionInput};
use super::Tag;
use super::body::Body;
use super::caller::{Caller, Manages, Reads};
use super::checks::Checks;
use super::cursor::{self, LIMIT_DEFAULT};
use super::once::Once;
use super::problem::Problem;
use super::refusal::{Acting, Reading, Refusal, Writing};
use super::reply::{Created, Found, NoContent, Reply};
use crate::config::WebhookConfig;
use crate::domain::event::EventPattern;
use crate::domain::keyring::Keyring;
use crate::domain::secret::Secret;
use crate::domain::subscription::SubscriptionStatus;
use crate::domain::violation::Violation;
use crate::store::subscriptions::{self, Creation, Wanted};
use crate::store::{Store, Work};

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
        caller: Caller<Manages>,
        request: &Request,
        body: Body<SubscriptionInput>,
    ) -> Result<Once<Created<Subscription>>, Refusal<Writing>> {
        let draft = Draft::read(body.0, self.webhook.allow_http);
        let (tenant, draft, secret) = (caller.tenant(), &draft, draft.secret());
        let seal = |id| secret.as_ref().map(|secret| self.keyring.seal(tenant, id, secret));
        let seal = &seal;
        let answer = |made| match made {
            Some(Creation::Created(made)) => Ok(shown_once(request, *made, secret.as_ref())),
            Some(Creation::Duplicate(existing)) => Err(Problem::duplicate(existing)),
            None => Err(Problem::invalid(draft.violations.clone())),
        };
        let made = caller
            .once(
                &self.store,
                "create subscription",
                move |tx| {
                    Work::new(async move {
                        subscriptions::check_filter(tx, draft.filter.as_deref()).await?;
                        match &draft.new {
                            Some(new) => subscriptions::create(tx, tenant, new, seal).await.map(Some),
                            None => Ok(None),
                        }
                    })
                },
                answer,
            )
            .await;
        Ok(made.map_err(|error| draft.refuse(error))??)
    }

    /// List subscriptions
    ///
    /// Newest first; deleted ones are not shown.
    #[oai(path = "/subscriptions", method = "get", operation_id = "listSubscriptions")]
    async fn list(
        &self,
        caller: Caller<Reads>,
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
        let mut checks = Checks::default();
        let wanted = &Wanted {
            patterns: checks.read(event.0.as_deref(), patterns_for),
            is_active: active.0.unwrap_or(Active::True).as_bool(),
            before: checks.read(cursor.0.as_deref(), cursor::read),
            rows: i64::from(limit) + 1,
        };
        checks.finish()?;
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
        caller: Caller<Reads>,
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
        caller: Caller<Manages>,
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

fn shown_once(request: &Request, made: subscriptions::Subscription, secret: Option<&Secret>) -> Created<Subscription> {
    let id = made.id;
    let secret = secret.map(|secret| secret.expose().to_owned());
    Reply::new(Subscription { secret, ..made.into() }).at(request, id)
}

/// What `?event=` asks for: of an event name everything that matches it, of a pattern itself.
fn patterns_for(text: &str) -> Result<Vec<String>, Violation> {
    Ok(subscriptions::patterns_of(EventPattern::parse("event", text)?.as_str()))
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
