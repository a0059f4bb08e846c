//! Subscribers: subscriptions as sending to them needs them, read again only when they changed.

use std::time::Duration;

use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use super::unsigned;
use crate::domain::subscription::{HeaderFamilies, PayloadFormat, SuccessPolicy};
use crate::store::row::{get, word};
use crate::store::{Store, StoreError, sql};

/// A subscription as sending to it needs it.
#[derive(Clone, Debug)]
pub struct Subscribed {
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub tenant_id: Uuid,
    /// When it was last changed.
    pub changed_at: OffsetDateTime,
    /// The receiver.
    pub url: String,
    /// Whether an unsigned request is what it asked for.
    pub is_unsigned: bool,
    /// The sealed secret.
    pub secret: Option<Vec<u8>>,
    /// The sealed secret before the last rotation, and until when it signs too.
    pub previous_secret: Option<(Vec<u8>, OffsetDateTime)>,
    /// Shape of the body.
    pub payload_format: PayloadFormat,
    /// The body's template and the content type of what it makes.
    pub template: Option<(String, String)>,
    /// Signature headers to send.
    pub header_families: HeaderFamilies,
    /// Which answers count as delivered.
    pub success_policy: SuccessPolicy,
    /// The same by status code.
    pub success_codes: Option<Vec<i32>>,
    /// Its own schedule in seconds.
    pub retry_schedule: Option<Vec<i32>>,
    /// Its own number of retries.
    pub max_retries: Option<u32>,
    /// Total time of an attempt, if it set one.
    pub timeout: Option<Duration>,
    /// Events of one request at most; `None` when it wants them one by one.
    pub batch_max: Option<u32>,
    /// Its own headers, sealed.
    pub sealed_headers: Option<Vec<u8>>,
    /// What identifies requests to the receiver, sealed.
    pub sealed_credentials: Option<Vec<u8>>,
    /// The client certificate in PEM form with its sealed key.
    pub client_certificate: Option<(String, Vec<u8>)>,
}

/// Reads subscriptions. What cannot be read of one, such as a word that only a newer version knows, is logged and that one
/// left out: the others must not suffer for it.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn subscribers(store: &Store, ids: &[Uuid]) -> Result<Vec<Subscribed>, StoreError> {
    let rows = store.query(sql::QUEUE_SUBSCRIBERS, &[&ids]).await?;
    let read_or_tell = |row| match read(row) {
        Ok(subscribed) => Some(subscribed),
        Err(error) => {
            tracing::error!(error = %error, "a subscription cannot be read; nothing is sent to it");
            None
        }
    };
    Ok(rows.iter().filter_map(read_or_tell).collect())
}

fn read(row: &Row) -> Result<Subscribed, StoreError> {
    let id: Uuid = get(row, "id")?;
    let table = "webhook_subscriptions";
    let families: Vec<String> = get(row, "header_families")?;
    let previous: Option<Vec<u8>> = get(row, "previous_secret")?;
    let template: Option<String> = get(row, "template")?;
    let certificate: Option<String> = get(row, "client_certificate")?;
    Ok(Subscribed {
        id,
        tenant_id: get(row, "tenant_id")?,
        changed_at: get(row, "changed_at")?,
        url: get(row, "url")?,
        is_unsigned: get::<&str>(row, "signing")? == "none",
        secret: get(row, "secret")?,
        previous_secret: previous.zip(get(row, "previous_secret_until")?),
        payload_format: word(table, "payload_format", id, get(row, "payload_format")?, PayloadFormat::parse)?,
        template: template.zip(get(row, "template_content_type")?),
        header_families: word(table, "header_families", id, &families.join(","), |_| {
            HeaderFamilies::parse("header_families", &families).ok()
        })?,
        success_policy: word(table, "success_policy", id, get(row, "success_policy")?, SuccessPolicy::parse)?,
        success_codes: get(row, "success_codes")?,
        retry_schedule: get(row, "retry_schedule")?,
        max_retries: get::<Option<i32>>(row, "max_retries")?.map(unsigned),
        timeout: get::<Option<i32>>(row, "timeout_seconds")?
            .map(|seconds| Duration::from_secs(unsigned(seconds).into())),
        batch_max: get::<Option<i32>>(row, "batch_max")?.map(unsigned),
        sealed_headers: get(row, "sealed_headers")?,
        sealed_credentials: get(row, "sealed_credentials")?,
        client_certificate: certificate.zip(get(row, "sealed_client_key")?),
    })
}
