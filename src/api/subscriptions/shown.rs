//! How a subscription is shown.

use poem_openapi::Object;
use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::api::body::RawJson;
use crate::api::problem::Problem;
use crate::domain::secret::Secret;
use crate::domain::subscription::SubscriptionStatus;
use crate::store::subscriptions;

/// What answers show of a secret that exists (R57): it cannot be read back.
const MASK: &str = "****";

/// A receiver and what it wants to hear of.
#[derive(Object, Serialize)]
pub(super) struct Subscription {
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
    /// Its owner's own.
    metadata: RawJson,
    /// `active`; `inactive` (switched off) and `suspended` (the receiver answered 410, or nothing but failures for long): deliveries wait.
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
    /// `hmac`, or `ed25519`.
    signature: String,
    /// Masked, but in the answer that made it; null when it is sent unsigned.
    #[oai(nullable)]
    secret: Option<String>,
    /// What checks ed25519 signatures: `whpk_` and the base64 of 32 bytes.
    #[oai(nullable)]
    public_key: Option<String>,
    /// Until when the secret before the last rotation signs too.
    #[oai(nullable)]
    #[serde(with = "time::serde::rfc3339::option")]
    previous_secret_until: Option<OffsetDateTime>,
    /// Signature headers that are sent.
    header_families: Vec<String>,
    /// Headers of its own, their values masked.
    headers: std::collections::HashMap<String, String>,
    /// How requests identify themselves: `basic` or `bearer`.
    #[oai(nullable)]
    credentials_type: Option<String>,
    /// Certificates it shows in TLS, PEM.
    #[oai(nullable)]
    client_certificate: Option<String>,
    /// Shape of the body.
    payload_format: String,
    /// Template of the body.
    #[oai(nullable)]
    template: Option<String>,
    /// Content type of what the template makes.
    template_content_type: String,
    /// Which answers count as delivered.
    success_policy: String,
    /// The status codes that count as delivered, in place of the policy.
    #[oai(nullable)]
    success_codes: Option<Vec<i32>>,
    /// Total seconds of one attempt; null: the server's setting.
    #[oai(nullable)]
    timeout_seconds: Option<i32>,
    /// Seconds before each retry; null: the server's schedule.
    #[oai(nullable)]
    retry_schedule: Option<Vec<i32>>,
    /// Retries after the first attempt; null: as many as the schedule has.
    #[oai(nullable)]
    max_retries: Option<i32>,
    /// Deliveries in flight at once, over all dispatchers; null: the server's share.
    #[oai(nullable)]
    max_in_flight: Option<i32>,
    /// Requests per second at most; null: no limit.
    #[oai(nullable)]
    rate_per_second: Option<f64>,
    /// Requests at once after a pause; null: as many as one second allows.
    #[oai(nullable)]
    rate_burst: Option<i32>,
    /// Whether events with an ordering key go one at a time and in order.
    ordered: bool,
    /// Events of one request at most; null: one event per request.
    #[oai(nullable)]
    batch_max: Option<i32>,
    /// How long an event may wait for a batch to fill, in milliseconds.
    batch_wait_ms: i32,
    /// Failures in a row that open the circuit; null: the server's setting.
    #[oai(nullable)]
    circuit_failures: Option<i32>,
    /// Share of failures that opens the circuit; null: the server's setting.
    #[oai(nullable)]
    circuit_failure_ratio: Option<f64>,
    /// Seconds the circuit stays open at first; null: the server's setting.
    #[oai(nullable)]
    circuit_seconds: Option<i32>,
    /// Seconds of nothing but failures that suspend; null: the server's setting.
    #[oai(nullable)]
    suspend_after_seconds: Option<i32>,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When it was last changed.
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
}

impl Subscription {
    /// A stored subscription; the secret only where it has just been made.
    pub(super) fn new(row: subscriptions::Subscription, secret: Option<&Secret>) -> Result<Self, Problem> {
        let settings = row.settings;
        let is_active = row.status == SubscriptionStatus::Active;
        let masked = if settings.is_ed25519 { format!("whsk_{MASK}") } else { format!("whsec_{MASK}") };
        let secret = secret.map_or(masked, |secret| secret.expose().to_owned());
        Ok(Self {
            id: row.id,
            tenant_id: row.tenant_id,
            url: settings.url,
            event: settings.events.first().cloned().unwrap_or_default(),
            events: settings.events,
            filter: settings.filter,
            description: settings.description,
            metadata: RawJson::new(settings.metadata)?,
            status: row.status.to_string(),
            status_reason: row.status_reason,
            status_changed_at: row.status_changed_at,
            active: is_active,
            is_active,
            signing: if settings.is_signed { "required" } else { "none" }.to_owned(),
            signature: if settings.is_ed25519 { "ed25519" } else { "hmac" }.to_owned(),
            secret: settings.is_signed.then_some(secret),
            public_key: row.public_key,
            previous_secret_until: row.previous_secret_until.filter(|until| *until > OffsetDateTime::now_utc()),
            header_families: settings.header_families,
            headers: row.header_names.into_iter().map(|name| (name, MASK.to_owned())).collect(),
            credentials_type: row.credentials_type,
            client_certificate: row.client_certificate,
            payload_format: settings.payload_format.to_string(),
            template: settings.template,
            template_content_type: settings.template_content_type,
            success_policy: settings.success_policy.to_string(),
            success_codes: settings.success_codes,
            timeout_seconds: settings.timeout_seconds,
            retry_schedule: settings.retry_schedule,
            max_retries: settings.max_retries,
            max_in_flight: settings.max_in_flight,
            rate_per_second: settings.rate_per_second,
            rate_burst: settings.rate_burst,
            ordered: settings.ordered,
            batch_max: settings.batch_max,
            batch_wait_ms: settings.batch_wait_ms,
            circuit_failures: settings.circuit_failures,
            circuit_failure_ratio: settings.circuit_failure_ratio,
            circuit_seconds: settings.circuit_seconds,
            suspend_after_seconds: settings.suspend_after_seconds,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// A page of subscriptions.
#[derive(Object, Serialize)]
pub(super) struct SubscriptionPage {
    /// Newest first.
    pub(super) data: Vec<Subscription>,
    /// Where the next page begins; null on the last.
    #[oai(nullable)]
    pub(super) next_cursor: Option<String>,
}
