//! Subscriptions of one tenant: what the API adds, changes, lists and deletes. Secrets go in sealed and never come out.

mod filter;
mod patterns;
mod settings;

use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::row::{get, word};
use super::{StoreError, Tx, sql};
use crate::domain::event::EventPattern;
use crate::domain::subscription::SubscriptionStatus;

pub use filter::{check_filter, filter_fault};
pub use patterns::patterns_of;
pub use settings::Settings;
use settings::{Columns, read_settings};

const TABLE: &str = "webhook_subscriptions";

/// A subscription as stored, without its secrets.
#[derive(Clone, Debug)]
pub struct Subscription {
    /// Id.
    pub id: Uuid,
    /// Whose it is.
    pub tenant_id: Uuid,
    /// What it says of itself.
    pub settings: Settings,
    /// Whether it receives.
    pub status: SubscriptionStatus,
    /// Why it is suspended.
    pub status_reason: Option<String>,
    /// Since when it has this status.
    pub status_changed_at: OffsetDateTime,
    /// What checks its ed25519 signatures.
    pub public_key: Option<String>,
    /// Until when the secret before signs too.
    pub previous_secret_until: Option<OffsetDateTime>,
    /// Names of its own headers.
    pub header_names: Vec<String>,
    /// `basic` or `bearer`.
    pub credentials_type: Option<String>,
    /// The client certificate in PEM form.
    pub client_certificate: Option<String>,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it was last changed.
    pub updated_at: OffsetDateTime,
}

/// A sealed secret with its public key, if it has one.
#[derive(Clone, Debug, Default)]
pub struct SealedSecret {
    /// `None`: requests go unsigned.
    pub secret: Option<Vec<u8>>,
    /// What checks ed25519 signatures.
    pub public_key: Option<String>,
}

/// What may be a secret, sealed; each part `None` where it is to stay as it is.
#[derive(Clone, Debug, Default)]
pub struct Sealed {
    /// The signing secret.
    pub secret: Option<SealedSecret>,
    /// Names of its own headers, and all of them sealed.
    pub headers: Option<(Vec<String>, Option<Vec<u8>>)>,
    /// `basic` or `bearer`, and the header's value sealed.
    pub credentials: Option<Option<(&'static str, Vec<u8>)>>,
    /// The client certificate in PEM form and its key sealed.
    pub certificate: Option<Option<(String, Vec<u8>)>>,
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

/// Lets one change of a tenant's subscriptions follow the other until the transaction ends: two equal requests at once are
/// seen as duplicates, and none overwrites what the other has just read.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn take_turns(tx: &Tx<'_>, tenant: Uuid) -> Result<(), StoreError> {
    tx.query(sql::SESSION_LOCK_TENANT, &[&tenant]).await?;
    Ok(())
}

/// Adds a subscription. `seal` gets the id that secrets are sealed for.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn create(
    tx: &Tx<'_>,
    tenant: Uuid,
    settings: &Settings,
    is_active: bool,
    seal: &(dyn Fn(Uuid) -> Sealed + Send + Sync),
) -> Result<Subscription, StoreError> {
    let id: Uuid = get(&tx.query_one(sql::SESSION_NEW_ID, &[]).await?, "id")?;
    let status = if is_active { SubscriptionStatus::Active } else { SubscriptionStatus::Inactive };
    let sealed = seal(id);
    let SealedSecret { secret, public_key } = sealed.secret.unwrap_or_default();
    let (names, headers) = sealed.headers.unwrap_or_default();
    let (credentials_type, credentials) = sealed.credentials.flatten().unzip();
    let (certificate, key) = sealed.certificate.flatten().unzip();
    let status = status.as_str();
    let columns = Columns::of(settings);
    let mut params = columns.params(settings);
    let rest: [&(dyn ToSql + Sync); 11] = [
        &id,
        &tenant,
        &status,
        &secret,
        &public_key,
        &names,
        &headers,
        &credentials_type,
        &credentials,
        &certificate,
        &key,
    ];
    params.extend(rest);
    tx.query_one(sql::SUBSCRIPTIONS_ADD, &params).await?;
    read(&tx.query_one(sql::SUBSCRIPTIONS_GET, &[&id]).await?)
}

/// Changes a subscription; `None` when there is none any more: plain SQL may delete it at any moment.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn change(
    tx: &Tx<'_>,
    id: Uuid,
    settings: &Settings,
    sealed: &Sealed,
) -> Result<Option<Subscription>, StoreError> {
    // before the rest: there is no moment at which what signs and its secret do not fit
    if let Some(secret) = &sealed.secret {
        set_secret(tx, id, settings, secret, 0).await?;
    }
    let columns = Columns::of(settings);
    let mut params = columns.params(settings);
    params.push(&id);
    if tx.query_opt(sql::SUBSCRIPTIONS_SET, &params).await?.is_none() {
        return Ok(None);
    }
    if let Some((names, headers)) = &sealed.headers {
        tx.query_one(sql::SUBSCRIPTIONS_SET_HEADERS, &[&id, names, headers]).await?;
    }
    if let Some(credentials) = &sealed.credentials {
        let (kind, value) = credentials.as_ref().map(|(kind, value)| (kind, value)).unzip();
        tx.query_one(sql::SUBSCRIPTIONS_SET_CREDENTIALS, &[&id, &kind, &value]).await?;
    }
    if let Some(certificate) = &sealed.certificate {
        let (certificate, key) = certificate.as_ref().map(|(certificate, key)| (certificate, key)).unzip();
        tx.query_one(sql::SUBSCRIPTIONS_SET_CERTIFICATE, &[&id, &certificate, &key]).await?;
    }
    find(tx, id).await
}

/// Gives a subscription another secret, for what its settings say of signing; the one before signs too for so many seconds.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn set_secret(
    tx: &Tx<'_>,
    id: Uuid,
    settings: &Settings,
    new: &SealedSecret,
    overlap_seconds: i32,
) -> Result<(), StoreError> {
    let Columns { signing, signature, .. } = Columns::of(settings);
    let SealedSecret { secret, public_key } = new;
    tx.query_one(sql::SUBSCRIPTIONS_SET_SECRET, &[&id, secret, public_key, &overlap_seconds, &signing, &signature])
        .await?;
    Ok(())
}

/// Switches a subscription on or off; `None` when there is none.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn set_active(tx: &Tx<'_>, id: Uuid, is_active: bool) -> Result<Option<Subscription>, StoreError> {
    let Some(current) = find(tx, id).await? else { return Ok(None) };
    let status = if is_active { SubscriptionStatus::Active } else { SubscriptionStatus::Inactive };
    if current.status == status {
        return Ok(Some(current));
    }
    tx.query_opt(sql::SUBSCRIPTIONS_SET_STATUS, &[&id, &status.as_str()]).await?;
    find(tx, id).await
}

/// A subscription of the tenant with the same URL and an overlapping event (R3), other than `but`.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn duplicate_of(
    tx: &Tx<'_>,
    tenant: Uuid,
    settings: &Settings,
    but: Option<Uuid>,
) -> Result<Option<Uuid>, StoreError> {
    let parse = |events: &[String]| -> Vec<EventPattern> {
        events.iter().filter_map(|event| EventPattern::parse("events", event).ok()).collect()
    };
    let ours = parse(&settings.events);
    for row in tx.query(sql::SUBSCRIPTIONS_SAME_URL, &[&tenant, &settings.url]).await? {
        let (id, events): (Uuid, Vec<String>) = (get(&row, "id")?, get(&row, "events")?);
        let theirs = parse(&events);
        if Some(id) != but && ours.iter().any(|ours| theirs.iter().any(|pattern| pattern.overlaps(ours))) {
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

/// A subscription with a sealed secret and nothing else of its own, for a program that listens for a while.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn listen(
    tx: &Tx<'_>,
    id: Uuid,
    tenant: Uuid,
    url: &str,
    events: &[String],
    sealed: &[u8],
) -> Result<(), StoreError> {
    tx.query_one(sql::LISTEN_SUBSCRIBE, &[&id, &tenant, &url, &events, &sealed]).await?;
    Ok(())
}

/// Whether an active subscription has one of these patterns.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn has_match(tx: &Tx<'_>, patterns: &[String]) -> Result<bool, StoreError> {
    get(&tx.query_one(sql::SUBSCRIPTIONS_MATCHES, &[&patterns]).await?, "is_found")
}

/// An event type of the catalogue that one of these patterns matches.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn sample_event(tx: &Tx<'_>, patterns: &[String]) -> Result<Option<String>, StoreError> {
    tx.query_opt(sql::SUBSCRIPTIONS_SAMPLE_EVENT, &[&patterns]).await?.map(|row| get(&row, "name")).transpose()
}

fn read(row: &Row) -> Result<Subscription, StoreError> {
    let id: Uuid = get(row, "id")?;
    Ok(Subscription {
        id,
        tenant_id: get(row, "tenant_id")?,
        settings: read_settings(row, id)?,
        status: word(TABLE, "status", id, get(row, "status")?, SubscriptionStatus::parse)?,
        status_reason: get(row, "status_reason")?,
        status_changed_at: get(row, "status_changed_at")?,
        public_key: get(row, "public_key")?,
        previous_secret_until: get(row, "previous_secret_until")?,
        header_names: get(row, "header_names")?,
        credentials_type: get(row, "credentials_type")?,
        client_certificate: get(row, "client_certificate")?,
        created_at: get(row, "created_at")?,
        updated_at: get(row, "updated_at")?,
    })
}
