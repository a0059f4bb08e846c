//! What a subscription says of itself, and the columns that hold it.

use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::TABLE;
use crate::domain::subscription::{HeaderFamilies, PayloadFormat, SuccessPolicy};
use crate::store::StoreError;
use crate::store::row::{get, word};

/// Everything that a subscription says of itself, checked. What may be a secret is in [`super::Sealed`].
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Where webhooks go, normalised.
    pub url: String,
    /// Event names and patterns it wants.
    pub events: Vec<String>,
    /// jsonpath predicate over the payload.
    pub filter: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// Its owner's own, the text of a JSON object.
    pub metadata: String,
    /// Whether requests are signed.
    pub is_signed: bool,
    /// Whether by ed25519 and not by HMAC.
    pub is_ed25519: bool,
    /// Shape of the body.
    pub payload_format: PayloadFormat,
    /// Template of the body.
    pub template: Option<String>,
    /// Content type of what the template makes.
    pub template_content_type: String,
    /// Signature headers.
    pub header_families: Vec<String>,
    /// Which answers count as delivered.
    pub success_policy: SuccessPolicy,
    /// The same by status code.
    pub success_codes: Option<Vec<i32>>,
    /// Total seconds of one attempt.
    pub timeout_seconds: Option<i32>,
    /// Seconds before each retry.
    pub retry_schedule: Option<Vec<i32>>,
    /// Retries after the first attempt.
    pub max_retries: Option<i32>,
    /// Deliveries in flight at once.
    pub max_in_flight: Option<i32>,
    /// Requests per second.
    pub rate_per_second: Option<f64>,
    /// Requests at once after a pause.
    pub rate_burst: Option<i32>,
    /// Whether events of one ordering key go one at a time and in order.
    pub ordered: bool,
    /// Events of one request.
    pub batch_max: Option<i32>,
    /// Milliseconds an event waits for a batch to fill.
    pub batch_wait_ms: i32,
    /// Failures in a row that open the circuit.
    pub circuit_failures: Option<i32>,
    /// Share of failures that opens it.
    pub circuit_failure_ratio: Option<f64>,
    /// Seconds it stays open at first.
    pub circuit_seconds: Option<i32>,
    /// Seconds of nothing but failures that suspend.
    pub suspend_after_seconds: Option<i32>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            url: String::new(),
            events: Vec::new(),
            filter: None,
            description: None,
            metadata: "{}".to_owned(),
            is_signed: true,
            is_ed25519: false,
            payload_format: PayloadFormat::Default,
            template: None,
            template_content_type: "application/json".to_owned(),
            header_families: HeaderFamilies::ALL.names().into_iter().map(str::to_owned).collect(),
            success_policy: SuccessPolicy::Standard,
            success_codes: None,
            timeout_seconds: None,
            retry_schedule: None,
            max_retries: None,
            max_in_flight: None,
            rate_per_second: None,
            rate_burst: None,
            ordered: false,
            batch_max: None,
            batch_wait_ms: 0,
            circuit_failures: None,
            circuit_failure_ratio: None,
            circuit_seconds: None,
            suspend_after_seconds: None,
        }
    }
}

/// Words of settings as their columns have them.
pub(super) struct Columns {
    pub(super) signing: &'static str,
    pub(super) signature: &'static str,
    payload_format: &'static str,
    success_policy: &'static str,
}

impl Columns {
    pub(super) const fn of(settings: &Settings) -> Self {
        Self {
            signing: if settings.is_signed { "required" } else { "none" },
            signature: if settings.is_ed25519 { "ed25519" } else { "hmac" },
            payload_format: settings.payload_format.as_str(),
            success_policy: settings.success_policy.as_str(),
        }
    }

    /// In the order of `subscriptions/set`.
    pub(super) fn params<'a>(&'a self, settings: &'a Settings) -> Vec<&'a (dyn ToSql + Sync)> {
        let params: [&(dyn ToSql + Sync); 26] = [
            &settings.url,
            &settings.events,
            &settings.filter,
            &settings.description,
            &settings.metadata,
            &self.signing,
            &self.signature,
            &self.payload_format,
            &settings.template,
            &settings.template_content_type,
            &settings.header_families,
            &self.success_policy,
            &settings.success_codes,
            &settings.timeout_seconds,
            &settings.retry_schedule,
            &settings.max_retries,
            &settings.max_in_flight,
            &settings.rate_per_second,
            &settings.rate_burst,
            &settings.ordered,
            &settings.batch_max,
            &settings.batch_wait_ms,
            &settings.circuit_failures,
            &settings.circuit_failure_ratio,
            &settings.circuit_seconds,
            &settings.suspend_after_seconds,
        ];
        params.to_vec()
    }
}

pub(super) fn read_settings(row: &Row, id: Uuid) -> Result<Settings, StoreError> {
    Ok(Settings {
        url: get(row, "url")?,
        events: get(row, "events")?,
        filter: get(row, "filter")?,
        description: get(row, "description")?,
        metadata: get(row, "metadata")?,
        is_signed: get::<&str>(row, "signing")? != "none",
        is_ed25519: get::<&str>(row, "signature")? == "ed25519",
        payload_format: word(TABLE, "payload_format", id, get(row, "payload_format")?, PayloadFormat::parse)?,
        template: get(row, "template")?,
        template_content_type: get(row, "template_content_type")?,
        header_families: get(row, "header_families")?,
        success_policy: word(TABLE, "success_policy", id, get(row, "success_policy")?, SuccessPolicy::parse)?,
        success_codes: get(row, "success_codes")?,
        timeout_seconds: get(row, "timeout_seconds")?,
        retry_schedule: get(row, "retry_schedule")?,
        max_retries: get(row, "max_retries")?,
        max_in_flight: get(row, "max_in_flight")?,
        rate_per_second: get(row, "rate_per_second")?,
        rate_burst: get(row, "rate_burst")?,
        ordered: get(row, "ordered")?,
        batch_max: get(row, "batch_max")?,
        batch_wait_ms: get(row, "batch_wait_ms")?,
        circuit_failures: get(row, "circuit_failures")?,
        circuit_failure_ratio: get(row, "circuit_failure_ratio")?,
        circuit_seconds: get(row, "circuit_seconds")?,
        suspend_after_seconds: get(row, "suspend_after_seconds")?,
    })
}
