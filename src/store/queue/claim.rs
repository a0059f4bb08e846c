//! Claim: leases.

use std::collections::HashMap;
use std::time::Duration;

use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{int, unsigned};
use crate::domain::traceparent::TraceParent;
use crate::store::row::get;
use crate::store::{Store, StoreError, sql};

/// What a dispatcher asks for.
#[derive(Debug)]
pub struct ClaimRequest<'a> {
    /// The dispatcher's id.
    pub dispatcher_id: Uuid,
    /// Deliveries it can start now.
    pub room: u32,
    /// Deliveries that one subscription may have before others have had their turn.
    pub share: u32,
    /// How much longer than its timeout a delivery is leased.
    pub lease_margin: Duration,
    /// Timeout of subscriptions that set none.
    pub default_timeout: Duration,
    /// Deliveries in flight here that a subscription may have when it sets no limit.
    pub default_cap: u32,
    /// The same of a tenant.
    pub default_tenant_cap: u32,
    /// Deliveries in flight per subscription in this process.
    pub busy_subscriptions: &'a HashMap<Uuid, u32>,
    /// The same per tenant.
    pub busy_tenants: &'a HashMap<Uuid, u32>,
}

/// What a claim answers with.
#[derive(Debug)]
pub struct Claim {
    /// The subscriptions that the deliveries belong to, each once.
    pub served: Vec<Served>,
    /// Leased deliveries; those of one turn of a subscription stand beside each other.
    pub deliveries: Vec<Claimed>,
    /// False when another dispatcher was claiming at this moment: ask again.
    pub is_claimer: bool,
    /// Whether there is, or may be, more that could start now.
    pub has_more: bool,
    /// Whether events wait for a dispatcher to fan them out.
    pub has_open_fanouts: bool,
    /// When something held back by a rate, for a batch or by an open circuit may go.
    pub look_again: Option<Duration>,
    /// Subscriptions and tenants that have as many in flight as they may.
    pub capped: Vec<Uuid>,
}

/// A subscription that a claim served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Served {
    /// Its id.
    pub id: Uuid,
    /// When it was last changed: what is remembered of it holds as long as this stays the same.
    pub changed_at: OffsetDateTime,
    /// The timeout that its leases were made for.
    pub timeout: Duration,
    /// Whether its receiver failed lately, so that a success is worth telling.
    pub is_troubled: bool,
}

/// A leased delivery.
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
    /// Trace context of what published it.
    pub traceparent: Option<TraceParent>,
}

/// Leases at most `room` due deliveries; `None`, and none of them, in a database that is a copy of one that sends elsewhere.
///
/// # Errors
/// [`StoreError`] of the database; nothing is leased then, or the lease runs out by itself.
pub async fn claim(store: &Store, request: &ClaimRequest<'_>) -> Result<Option<Claim>, StoreError> {
    let (subscriptions, subscription_counts) = columns(request.busy_subscriptions);
    let (tenants, tenant_counts) = columns(request.busy_tenants);
    let rows = store
        .query(
            sql::QUEUE_CLAIM,
            &[
                &request.dispatcher_id,
                &int(request.room),
                &int(request.share),
                &request.lease_margin.as_secs_f64(),
                &int(u32::try_from(request.default_timeout.as_secs()).unwrap_or(u32::MAX)),
                &int(request.default_cap),
                &int(request.default_tenant_cap),
                &subscriptions,
                &subscription_counts,
                &tenants,
                &tenant_counts,
            ],
        )
        .await?;
    let Some((look, leased)) = rows.split_first() else { return Ok(None) };
    let look_again: Option<f64> = get(look, "look_again_seconds")?;
    let mut claim = Claim {
        served: Vec::new(),
        deliveries: Vec::with_capacity(leased.len()),
        is_claimer: get(look, "is_claimer")?,
        has_more: get(look, "has_more")?,
        has_open_fanouts: get(look, "has_open_fanouts")?,
        look_again: look_again.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        capped: get::<Option<Vec<Uuid>>>(look, "capped")?.unwrap_or_default(),
    };
    for row in leased {
        let read = if get::<Option<Uuid>>(row, "id")?.is_none() {
            read_served(row).map(|served| claim.served.push(served))
        } else {
            read_claimed(row).map(|claimed| claim.deliveries.push(claimed))
        };
        match read {
            Ok(()) => {}
            // such as a word that a newer binary's schema knows: the others must not suffer for it
            Err(error) => tracing::error!(error = %error, "what was claimed cannot be read; the lease will run out"),
        }
    }
    Ok(Some(claim))
}

fn columns(counts: &HashMap<Uuid, u32>) -> (Vec<Uuid>, Vec<i32>) {
    counts.iter().map(|(id, count)| (*id, int(*count))).unzip()
}

fn read_served(row: &Row) -> Result<Served, StoreError> {
    Ok(Served {
        id: get(row, "subscription_id")?,
        changed_at: get(row, "changed_at")?,
        timeout: Duration::from_secs(unsigned(get(row, "timeout_seconds")?).into()),
        is_troubled: get(row, "is_troubled")?,
    })
}

fn read_claimed(row: &Row) -> Result<Claimed, StoreError> {
    let happened = match get::<Option<String>>(row, "payload")? {
        None => None,
        Some(payload) => Some(Happened {
            payload,
            metadata: get(row, "metadata")?,
            resource_type: get(row, "resource_type")?,
            resource_id: get(row, "resource_id")?,
            at: get(row, "happened_at")?,
            traceparent: get::<Option<&str>>(row, "traceparent")?.and_then(TraceParent::parse),
        }),
    };
    Ok(Claimed {
        id: get(row, "id")?,
        tenant_id: get(row, "tenant_id")?,
        subscription_id: get(row, "subscription_id")?,
        event_id: get(row, "event_id")?,
        event: get(row, "event")?,
        generation: get(row, "generation")?,
        epoch: get(row, "epoch")?,
        number: unsigned(get(row, "attempts")?),
        is_rescue: get(row, "is_rescue")?,
        happened,
    })
}
