//! Subscriptions: create, list, read, change, switch, rotate, delete (R1–R5, R12, R13).

mod draft;
mod input;
mod secrets;
mod settings;
mod shown;

use std::sync::Arc;

use poem::Request;
use poem_openapi::param::{Header, Path, Query};
use poem_openapi::{Enum, OpenApi};
use uuid::Uuid;

use self::draft::{Draft, seal_secret};
use self::input::{Rotation, SubscriptionChange, SubscriptionInput};
use self::secrets::read_secret;
pub(super) use self::settings::read_body;
use self::shown::{Subscription, SubscriptionPage};
use super::Tag;
use super::body::{Body, Fields, OptionalBody};
use super::caller::{Caller, Manages, Reads};
use super::checks::Checks;
use super::cursor::{self, LIMIT_DEFAULT};
use super::etag::ETag;
use super::once::Once;
use super::problem::Problem;
use super::refusal::{Acting, Changing, Reading, Refusal, Writing};
use super::reply::{Created, Found, NoContent, Reply};
use crate::config::WebhookConfig;
use crate::domain::event::EventPattern;
use crate::domain::keyring::Keyring;
use crate::domain::secret::Secret;
use crate::domain::signing_key::KeyPair;
use crate::domain::violation::Violation;
use crate::store::subscriptions::{self, Settings, Wanted};
use crate::store::{Scope, Store, Tx, Work};

/// How long the old secret signs too after a rotation that does not say, in seconds (R13).
const OVERLAP_SECONDS: i32 = 86_400;
/// The longest that a rotation may say.
const OVERLAP_MAX_SECONDS: i32 = 30 * 86_400;

/// The operations on subscriptions.
pub(super) struct SubscriptionsApi {
    /// Where they are.
    pub(super) store: Store,
    /// Seals their secrets.
    pub(super) keyring: Arc<Keyring>,
    /// What a URL may be.
    pub(super) webhook: Arc<WebhookConfig>,
}

/// A subscription as it is now and the secret that was made with it; or why not.
type Made = Result<(subscriptions::Subscription, Option<Secret>), Problem>;

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
        let fault = &self.filter_fault(caller.scope(), &body.0).await?;
        let (tenant, fields, allow_http) = (caller.tenant(), &body.0, self.webhook.allow_http);
        let answer = |made: Made| {
            let made = made?;
            let id = made.0.id;
            Ok(shown(made)?.at(request, id))
        };
        Ok(caller
            .once(
                &self.store,
                "create subscription",
                move |tx| {
                    Work::new(async move {
                        let draft =
                            Draft::read(fields.clone(), Settings::default(), true, allow_http, fault.as_deref());
                        let draft = match draft {
                            Ok(draft) => draft,
                            Err(violations) => return Ok(Err(Problem::invalid(violations))),
                        };
                        subscriptions::take_turns(tx, tenant).await?;
                        if let Some(existing) = subscriptions::duplicate_of(tx, tenant, &draft.settings, None).await? {
                            return Ok(Err(Problem::duplicate(existing)));
                        }
                        let secret = draft.secret(None);
                        let seal = |id| draft.seal(&self.keyring, tenant, id, secret.as_ref());
                        let row = subscriptions::create(tx, tenant, &draft.settings, draft.is_active, &seal).await?;
                        Ok(Ok((row, secret)))
                    })
                },
                answer,
            )
            .await??)
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
        let data = rows.into_iter().map(|row| Subscription::new(row, None)).collect::<Result<_, _>>()?;
        Ok(Reply::new(SubscriptionPage { data, next_cursor }))
    }

    /// Get a subscription
    ///
    /// With an `ETag`, for a change that must not overwrite another.
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
        Ok(shown((found.ok_or_else(|| unknown(id.0))?, None))?)
    }

    /// Change a subscription
    ///
    /// What the body does not say stays as it is; null sets the default again. A secret that is given or becomes necessary
    /// takes the place of the old one at once and is shown this one time; rotate-secret lets both sign for a while.
    #[oai(path = "/subscriptions/:id", method = "patch", operation_id = "updateSubscription")]
    async fn update(
        &self,
        caller: Caller<Manages>,
        /// Id of the subscription.
        id: Path<Uuid>,
        /// `ETag` of the state that the change is meant for: 412 when it is no longer that.
        #[oai(name = "If-Match")]
        if_match: Header<Option<String>>,
        body: Body<SubscriptionChange>,
    ) -> Result<Found<Subscription>, Refusal<Changing>> {
        let fault = &self.filter_fault(caller.scope(), &body.0).await?;
        let (tenant, id, fields, expected) = (caller.tenant(), id.0, &body.0, &ETag::expected(if_match.0.as_deref())?);
        let made = self
            .store
            .tx("update subscription", caller.scope(), move |tx| {
                Work::new(self.change(tx, tenant, id, fields, expected, fault.as_deref()))
            })
            .await??;
        Ok(shown(made)?)
    }

    /// Enable a subscription
    ///
    /// What waits for it is sent. A suspended one starts afresh, its failures forgotten.
    #[oai(path = "/subscriptions/:id/enable", method = "post", operation_id = "enableSubscription")]
    async fn enable(
        &self,
        caller: Caller<Manages>,
        /// Id of the subscription.
        id: Path<Uuid>,
    ) -> Result<Once<Found<Subscription>>, Refusal<Acting>> {
        self.switch(&caller, id.0, true).await
    }

    /// Disable a subscription
    ///
    /// What is on its way arrives; what waits, waits. Events from now on become no deliveries of it: backfill brings them.
    #[oai(path = "/subscriptions/:id/disable", method = "post", operation_id = "disableSubscription")]
    async fn disable(
        &self,
        caller: Caller<Manages>,
        /// Id of the subscription.
        id: Path<Uuid>,
    ) -> Result<Once<Found<Subscription>>, Refusal<Acting>> {
        self.switch(&caller, id.0, false).await
    }

    /// Rotate the secret
    ///
    /// The answer shows the new secret this one time. Until the overlap ends both sign: `webhook-signature` carries two
    /// signatures, the newest first. A rotation within the overlap ends that of the one before.
    #[oai(path = "/subscriptions/:id/rotate-secret", method = "post", operation_id = "rotateSecret")]
    async fn rotate(
        &self,
        caller: Caller<Manages>,
        /// Id of the subscription.
        id: Path<Uuid>,
        body: OptionalBody<Rotation>,
    ) -> Result<Once<Found<Subscription>>, Refusal<Writing>> {
        let (tenant, id, fields) = (caller.tenant(), id.0, &body.0);
        let answer = |made: Made| shown(made?);
        Ok(caller
            .once(&self.store, "rotate secret", move |tx| Work::new(self.renew(tx, tenant, id, fields)), answer)
            .await??)
    }

    /// Delete a subscription
    ///
    /// Its secrets are forgotten and deliveries that wait are cancelled. History stays.
    #[oai(path = "/subscriptions/:id", method = "delete", operation_id = "deleteSubscription")]
    async fn delete(
        &self,
        caller: Caller<Manages>,
        /// Id of the subscription.
        id: Path<Uuid>,
    ) -> Result<NoContent, Refusal<Acting>> {
        let tenant = caller.tenant();
        let is_found = self
            .store
            .tx("delete subscription", caller.scope(), move |tx| {
                Work::new(async move {
                    // not between the reading and the writing of a change
                    subscriptions::take_turns(tx, tenant).await?;
                    subscriptions::delete(tx, id.0).await
                })
            })
            .await?;
        if is_found { Ok(NoContent) } else { Err(unknown(id.0).into()) }
    }
}

impl SubscriptionsApi {
    async fn change(
        &self,
        tx: &Tx<'_>,
        tenant: Uuid,
        id: Uuid,
        fields: &Fields,
        expected: &ETag,
        filter_fault: Option<&str>,
    ) -> Result<Made, crate::store::StoreError> {
        subscriptions::take_turns(tx, tenant).await?;
        let Some(current) = subscriptions::find(tx, id).await? else { return Ok(Err(unknown(id))) };
        if let Err(problem) = expected.check(current.updated_at) {
            return Ok(Err(problem));
        }
        let before = current.settings;
        let allow_http = self.webhook.allow_http;
        let draft = match Draft::read(fields.clone(), before.clone(), false, allow_http, filter_fault) {
            Ok(draft) => draft,
            Err(violations) => return Ok(Err(Problem::invalid(violations))),
        };
        if draft.is_moved
            && let Some(existing) = subscriptions::duplicate_of(tx, tenant, &draft.settings, Some(id)).await?
        {
            return Ok(Err(Problem::duplicate(existing)));
        }
        let secret = draft.secret(Some(&before));
        let sealed = draft.seal(&self.keyring, tenant, id, secret.as_ref());
        let changed = subscriptions::change(tx, id, &draft.settings, &sealed).await?;
        Ok(changed.map(|row| (row, secret)).ok_or_else(|| unknown(id)))
    }

    async fn renew(
        &self,
        tx: &Tx<'_>,
        tenant: Uuid,
        id: Uuid,
        fields: &Fields,
    ) -> Result<Made, crate::store::StoreError> {
        subscriptions::take_turns(tx, tenant).await?;
        let Some(current) = subscriptions::find(tx, id).await? else { return Ok(Err(unknown(id))) };
        if !current.settings.is_signed {
            let detail = "it is sent unsigned (signing is none): there is no secret to rotate";
            return Ok(Err(Problem::conflict(detail)));
        }
        let is_ed25519 = current.settings.is_ed25519;
        let mut fields = fields.clone();
        let given = read_secret(&mut fields, is_ed25519);
        let overlap = fields.number("overlap_seconds", 0..=OVERLAP_MAX_SECONDS).unwrap_or(OVERLAP_SECONDS);
        let violations = fields.finish();
        if !violations.is_empty() {
            return Ok(Err(Problem::invalid(violations)));
        }
        let generate = || if is_ed25519 { KeyPair::generate().to_secret() } else { Secret::generate() };
        let secret = given.unwrap_or_else(generate);
        let sealed = seal_secret(&self.keyring, tenant, id, &secret);
        subscriptions::set_secret(tx, id, &current.settings, &sealed, overlap).await?;
        let row = subscriptions::find(tx, id).await?;
        Ok(row.map(|row| (row, Some(secret))).ok_or_else(|| unknown(id)))
    }

    async fn switch(
        &self,
        caller: &Caller<Manages>,
        id: Uuid,
        is_active: bool,
    ) -> Result<Once<Found<Subscription>>, Refusal<Acting>> {
        let answer = |found: Option<subscriptions::Subscription>| shown((found.ok_or_else(|| unknown(id))?, None));
        Ok(caller
            .once(
                &self.store,
                "switch subscription",
                move |tx| Work::new(subscriptions::set_active(tx, id, is_active)),
                answer,
            )
            .await??)
    }

    /// What Postgres has against the filter of a body. Asked beforehand, since its error ends the transaction.
    async fn filter_fault(&self, scope: Scope, fields: &Fields) -> Result<Option<String>, Problem> {
        let Some(filter) = fields.clone().text("filter") else { return Ok(None) };
        let filter = &filter;
        let checked =
            self.store.tx("check filter", scope, move |tx| Work::new(subscriptions::check_filter(tx, filter))).await;
        match checked {
            Ok(()) => Ok(None),
            Err(error) => subscriptions::filter_fault(&error).map(Some).ok_or_else(|| error.into()),
        }
    }
}

fn unknown(id: Uuid) -> Problem {
    Problem::not_found(format!("there is no subscription {id}"))
}

fn shown<const STATUS: u16>(
    (row, secret): (subscriptions::Subscription, Option<Secret>),
) -> Result<Reply<STATUS, Subscription>, Problem> {
    let etag = ETag::of(row.updated_at);
    Ok(Reply::new(Subscription::new(row, secret.as_ref())?).tagged(&etag))
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

/// Everything wrong with the body of a new subscription, but for what only Postgres knows of its filter.
pub(super) fn violations_of_new(fields: Fields) -> Vec<Violation> {
    Draft::read(fields, Settings::default(), true, true, None).err().unwrap_or_default()
}
