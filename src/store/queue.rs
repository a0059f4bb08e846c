//! The queue: claim, record, release, and the wake-up gate's statements. Every function is one round trip.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use super::row::{get, word};
use super::{Store, StoreError, sql};
use crate::domain::delivery::{DeliveryStatus, ErrorKind};
use crate::domain::subscription::{HeaderFamilies, PayloadFormat, SuccessPolicy};

/// What a dispatcher asks for.
#[derive(Debug)]
pub struct ClaimRequest<'a> {
    /// Deliveries it can start now.
    pub room: u32,
    /// Subscription after which the walk begins; nil begins at the first.
    pub after: Uuid,
    /// The dispatcher's id.
    pub dispatcher_id: Uuid,
    /// How much longer than its timeout a delivery is leased.
    pub lease_margin: Duration,
    /// Timeout of subscriptions that set none.
    pub default_timeout: Duration,
    /// Deliveries in flight per subscription in this process.
    pub busy: &'a HashMap<Uuid, u32>,
    /// Deliveries in flight that a subscription may have when it sets no limit.
    pub default_cap: u32,
}

/// What a claim answers with.
#[derive(Debug)]
pub struct Claim {
    /// Leased deliveries.
    pub deliveries: Vec<Claimed>,
    /// Where the next claim goes on; `None` when the walk came to its end.
    pub stopped_at: Option<Uuid>,
    /// False when another dispatcher was claiming at this moment: ask again.
    pub is_claimer: bool,
    /// Whether events wait for a dispatcher to fan them out.
    pub has_open_fanouts: bool,
}

/// A leased delivery with everything that sending it needs.
#[derive(Debug)]
pub struct Claimed {
    /// Delivery.
    pub id: Uuid,
    /// Its tenant.
    pub tenant_id: Uuid,
    /// Its subscription.
    pub subscription_id: Uuid,
    /// Its event.
    pub event_id: Uuid,
    /// Event type.
    pub event: String,
    /// Which replay.
    pub generation: i32,
    /// Fencing number of this lease.
    pub epoch: i32,
    /// This attempt's number within the generation.
    pub number: u32,
    /// Whether the lease of someone else had run out.
    pub is_rescue: bool,
    /// When it was fanned out.
    pub created_at: OffsetDateTime,
    /// The receiver.
    pub url: String,
    /// Whether an unsigned request is what the subscription asked for.
    pub is_unsigned: bool,
    /// Sealed secrets, newest first.
    pub sealed_secrets: Vec<Vec<u8>>,
    /// Shape of the body.
    pub payload_format: PayloadFormat,
    /// Signature headers to send.
    pub header_families: HeaderFamilies,
    /// Which answers count as delivered.
    pub success_policy: SuccessPolicy,
    /// The subscription's own schedule in seconds.
    pub retry_schedule: Option<Vec<i32>>,
    /// The subscription's own number of retries.
    pub max_retries: Option<u32>,
    /// Total time of the attempt.
    pub timeout: Duration,
    /// Deliveries in flight that its subscription may have here.
    pub cap: u32,
    /// The event, or `None` when its row is gone.
    pub happened: Option<Happened>,
}

/// The event as stored.
#[derive(Debug)]
pub struct Happened {
    /// Payload as Postgres prints it.
    pub payload: String,
    /// The event's own metadata as Postgres prints it.
    pub metadata: Option<String>,
    /// Kind of the thing it is about.
    pub resource_type: Option<String>,
    /// Id of the thing it is about.
    pub resource_id: Option<String>,
    /// Start of the publishing transaction.
    pub at: OffsetDateTime,
}

/// Leases at most `room` due deliveries.
///
/// # Errors
/// [`StoreError`] of the database; nothing is leased then, or the lease runs out by itself.
pub async fn claim(store: &Store, request: &ClaimRequest<'_>) -> Result<Claim, StoreError> {
    let busy_ids: Vec<Uuid> = request.busy.keys().copied().collect();
    let busy_counts: Vec<i32> = request.busy.values().map(|count| int(*count)).collect();
    let rows = store
        .query(
            sql::QUEUE_CLAIM,
            &[
                &int(request.room),
                &request.after,
                &request.dispatcher_id,
                &request.lease_margin.as_secs_f64(),
                &int(u32::try_from(request.default_timeout.as_secs()).unwrap_or(u32::MAX)),
                &busy_ids,
                &busy_counts,
                &int(request.default_cap),
            ],
        )
        .await?;
    let scan = rows.first().ok_or(StoreError::NoRow { statement: sql::QUEUE_CLAIM.name })?;
    let mut claim = Claim {
        deliveries: Vec::new(),
        stopped_at: get(scan, "stopped_at")?,
        is_claimer: get(scan, "is_claimer")?,
        has_open_fanouts: get(scan, "has_open_fanouts")?,
    };
    for row in &rows {
        if get::<Option<Uuid>>(row, "id")?.is_some() {
            match read_claimed(row) {
                Ok(claimed) => claim.deliveries.push(claimed),
                // such as a word that a newer binary's schema knows: the others must not suffer for it
                Err(error) => tracing::error!(error = %error, "a delivery cannot be read; its lease will run out"),
            }
        }
    }
    Ok(claim)
}

fn read_claimed(row: &Row) -> Result<Claimed, StoreError> {
    let id: Uuid = get(row, "id")?;
    let subscription_id: Uuid = get(row, "subscription_id")?;
    let table = "webhook_subscriptions";
    let families: Vec<String> = get(row, "header_families")?;
    let secrets = [get::<Option<Vec<u8>>>(row, "secret")?, get(row, "previous_secret")?];
    let happened = match get::<Option<String>>(row, "payload")? {
        None => None,
        Some(payload) => Some(Happened {
            payload,
            metadata: get(row, "metadata")?,
            resource_type: get(row, "resource_type")?,
            resource_id: get(row, "resource_id")?,
            at: get(row, "happened_at")?,
        }),
    };
    Ok(Claimed {
        id,
        tenant_id: get(row, "tenant_id")?,
        subscription_id,
        event_id: get(row, "event_id")?,
        event: get(row, "event")?,
        generation: get(row, "generation")?,
        epoch: get(row, "epoch")?,
        number: unsigned(get(row, "attempts")?),
        is_rescue: get(row, "is_rescue")?,
        created_at: get(row, "created_at")?,
        url: get(row, "url")?,
        is_unsigned: get::<&str>(row, "signing")? == "none",
        sealed_secrets: secrets.into_iter().flatten().collect(),
        payload_format: word(
            table,
            "payload_format",
            subscription_id,
            get(row, "payload_format")?,
            PayloadFormat::parse,
        )?,
        header_families: word(table, "header_families", subscription_id, &families.join(","), |_| {
            HeaderFamilies::parse("header_families", &families).ok()
        })?,
        success_policy: word(
            table,
            "success_policy",
            subscription_id,
            get(row, "success_policy")?,
            SuccessPolicy::parse,
        )?,
        retry_schedule: get(row, "retry_schedule")?,
        max_retries: get::<Option<i32>>(row, "max_retries")?.map(unsigned),
        timeout: Duration::from_secs(unsigned(get(row, "timeout_seconds")?).into()),
        cap: unsigned(get(row, "cap")?),
        happened,
    })
}

/// What one attempt came to, ready to be written.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Delivery.
    pub delivery_id: Uuid,
    /// The lease it was made under.
    pub epoch: i32,
    /// Which replay.
    pub generation: i32,
    /// This attempt's number within the generation.
    pub number: u32,
    /// Tenant.
    pub tenant_id: Uuid,
    /// Where the delivery goes from here; never `Pending` or `Sending`.
    pub status: DeliveryStatus,
    /// Time to the next attempt when `status` is `Retrying`.
    pub delay: Option<Duration>,
    /// Where it went.
    pub target_url: String,
    /// Since its start. An age and not a time: the database's clock is the one that counts.
    pub age: Duration,
    /// How long it took.
    pub duration: Duration,
    /// HTTP status.
    pub status_code: Option<u16>,
    /// Why it did not deliver.
    pub error_kind: Option<ErrorKind>,
    /// The same in words.
    pub error: Option<String>,
    /// Headers of the answer as JSON text: `[["name", "value"], …]`.
    pub response_headers: Option<String>,
    /// Beginning of the answer's body.
    pub response_body: Option<String>,
    /// Whether there was more.
    pub response_body_truncated: bool,
}

/// Writes attempts and moves their deliveries on; answers with the deliveries that moved. One that is missing was fenced:
/// its lease belongs to someone else by now, or it was cancelled. Its attempt row is written all the same.
///
/// # Errors
/// [`StoreError`] of the database; the call may be repeated with the same attempts.
pub async fn record(store: &Store, dispatcher_id: Uuid, attempts: &[Attempt]) -> Result<Vec<Uuid>, StoreError> {
    // After an outage one batch can hold the results of two leases of a delivery. An UPDATE moves a row once, by either of
    // them, and a success must not lose to a failure: such a failure is written afterwards, when it is fenced.
    let is_delivered = |attempt: &Attempt| attempt.status == DeliveryStatus::Delivered;
    let delivered: HashSet<Uuid> = attempts.iter().filter(|a| is_delivered(a)).map(|a| a.delivery_id).collect();
    let (first, afterwards): (Vec<&Attempt>, Vec<&Attempt>) =
        attempts.iter().partition(|a| is_delivered(a) || !delivered.contains(&a.delivery_id));
    let mut moved = record_each(store, dispatcher_id, &first).await?;
    if !afterwards.is_empty() {
        moved.extend(record_each(store, dispatcher_id, &afterwards).await?);
    }
    Ok(moved)
}

async fn record_each(store: &Store, dispatcher_id: Uuid, attempts: &[&Attempt]) -> Result<Vec<Uuid>, StoreError> {
    // one row per delivery and epoch, or the upsert would touch a row twice
    let column = Columns(attempts);
    let rows = store
        .query(
            sql::QUEUE_RECORD,
            &[
                &column.of(|a| a.delivery_id),
                &column.of(|a| a.epoch),
                &column.of(|a| a.generation),
                &column.of(|a| a.status.as_str()),
                &column.of(|a| a.delay.map(|d| d.as_secs_f64())),
                &column.of(|a| int(a.number)),
                &column.of(|a| a.tenant_id),
                &dispatcher_id,
                &column.of(|a| a.target_url.as_str()),
                &column.of(|a| a.age.as_secs_f64()),
                &column.of(|a| i32::try_from(a.duration.as_millis()).unwrap_or(i32::MAX)),
                &column.of(|a| a.status_code.map(i32::from)),
                &column.of(|a| a.error_kind.map(ErrorKind::as_str)),
                &column.of(|a| a.error.as_deref()),
                &column.of(|a| a.response_headers.as_deref()),
                &column.of(|a| a.response_body.as_deref()),
                &column.of(|a| a.response_body_truncated),
            ],
        )
        .await?;
    rows.iter().map(|row| get(row, "id")).collect()
}

/// The attempts as the columns of an `unnest`.
struct Columns<'a>(&'a [&'a Attempt]);

impl<'a> Columns<'a> {
    fn of<T>(&self, value: impl Fn(&'a Attempt) -> T) -> Vec<T> {
        self.0.iter().copied().map(value).collect()
    }
}

/// Lets successes count whose delivery was given up meanwhile; answers with those that became delivered.
///
/// # Errors
/// [`StoreError`] of the database; the call may be repeated.
pub async fn record_late(store: &Store, attempts: &[Attempt]) -> Result<Vec<Uuid>, StoreError> {
    let attempts: Vec<&Attempt> = attempts.iter().collect();
    let column = Columns(&attempts);
    let rows = store
        .query(
            sql::QUEUE_RECORD_LATE,
            &[
                &column.of(|a| a.delivery_id),
                &column.of(|a| a.generation),
                &column.of(|a| a.status_code.map(i32::from)),
            ],
        )
        .await?;
    rows.iter().map(|row| get(row, "id")).collect()
}

/// Gives leases back unsent.
///
/// # Errors
/// [`StoreError`] of the database; the leases then run out by themselves.
pub async fn release(store: &Store, leases: &[(Uuid, i32)]) -> Result<usize, StoreError> {
    let (ids, epochs): (Vec<Uuid>, Vec<i32>) = leases.iter().copied().unzip();
    Ok(store.query(sql::QUEUE_RELEASE, &[&ids, &epochs]).await?.len())
}

/// Cancels at most `limit` deliveries whose subscription is deleted; answers with how many.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn cancel_orphans(store: &Store, limit: u32) -> Result<usize, StoreError> {
    Ok(store.query(sql::QUEUE_CANCEL_ORPHANS, &[&int(limit)]).await?.len())
}

/// Suspends subscriptions whose receiver answered 410.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn suspend(store: &Store, subscriptions: &[Uuid], reason: &str) -> Result<(), StoreError> {
    store.query(sql::SUBSCRIPTIONS_SUSPEND, &[&subscriptions, &reason]).await?;
    Ok(())
}

/// Wakes other dispatchers.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn recruit(store: &Store) -> Result<(), StoreError> {
    store.query(sql::QUEUE_RECRUIT, &[]).await?;
    Ok(())
}

/// What monitoring wants to know of the queue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QueueState {
    /// Deliveries not finished, of all tenants.
    pub waiting: i64,
    /// Age of the oldest due delivery of an active subscription.
    pub oldest_age: Option<Duration>,
    /// Events still to be fanned out.
    pub open_fanouts: i64,
    /// Dispatchers seen in the last 15 seconds.
    pub dispatchers_alive: i64,
}

/// Asks for the queue's state.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn state(store: &Store) -> Result<QueueState, StoreError> {
    let row = store.query_one(sql::QUEUE_STATE, &[]).await?;
    let oldest: Option<f64> = get(&row, "oldest_age_seconds")?;
    Ok(QueueState {
        waiting: get(&row, "waiting")?,
        oldest_age: oldest.map(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)),
        open_fanouts: get(&row, "open_fanouts")?,
        dispatchers_alive: get(&row, "dispatchers_alive")?,
    })
}

fn int(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

fn unsigned(value: i32) -> u32 {
    u32::try_from(value).unwrap_or(0)
}
