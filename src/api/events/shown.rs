//! How events are shown.

use poem_openapi::Object;
use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::api::body::RawJson;
use crate::api::problem::Problem;
use crate::store::events;
use crate::store::search::Head;

/// Something that happened.
#[derive(Object, Serialize)]
pub(super) struct Event {
    /// Id.
    id: Uuid,
    /// Whose.
    tenant_id: Uuid,
    /// Event type.
    event: String,
    /// The data.
    payload: RawJson,
    /// Kind of the thing it is about.
    #[oai(nullable)]
    resource_type: Option<String>,
    /// Id of the thing it is about.
    #[oai(nullable)]
    resource_id: Option<String>,
    /// Its own metadata.
    #[oai(nullable)]
    metadata: Option<RawJson>,
    /// Events with the same key reach `ordered` subscriptions one at a time.
    #[oai(nullable)]
    ordering_key: Option<String>,
    /// Not to be sent before.
    #[oai(nullable)]
    #[serde(with = "time::serde::rfc3339::option")]
    deliver_after: Option<OffsetDateTime>,
    /// When it was published.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// `done`; `open`: a dispatcher will make its deliveries; `muted`, `unknown_tenant` or `cancelled`: it has none;
    /// `refused`: it does not fit its strict type, and its deliveries have failed.
    fanout: String,
    /// Why it is open or refused.
    #[oai(nullable)]
    fanout_reason: Option<String>,
    /// Trace context (W3C) of what published it.
    #[oai(nullable)]
    traceparent: Option<String>,
}

impl Event {
    pub(super) fn new(row: events::Event) -> Result<Self, Problem> {
        Ok(Self {
            id: row.id,
            tenant_id: row.tenant_id,
            event: row.event,
            payload: RawJson::new(row.payload)?,
            resource_type: row.resource_type,
            resource_id: row.resource_id,
            metadata: row.metadata.map(RawJson::new).transpose()?,
            ordering_key: row.ordering_key,
            deliver_after: row.deliver_after,
            created_at: row.created_at,
            fanout: row.fanout,
            fanout_reason: row.fanout_reason,
            traceparent: row.traceparent,
        })
    }
}

/// Something that happened, without its data.
#[derive(Object, Serialize)]
pub(super) struct EventHead {
    /// Id.
    id: Uuid,
    /// Whose.
    tenant_id: Uuid,
    /// Event type.
    event: String,
    /// Kind of the thing it is about.
    #[oai(nullable)]
    resource_type: Option<String>,
    /// Id of the thing it is about.
    #[oai(nullable)]
    resource_id: Option<String>,
    /// Events with the same key reach `ordered` subscriptions one at a time.
    #[oai(nullable)]
    ordering_key: Option<String>,
    /// Not to be sent before.
    #[oai(nullable)]
    #[serde(with = "time::serde::rfc3339::option")]
    deliver_after: Option<OffsetDateTime>,
    /// When it was published.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// `done`; `open`: a dispatcher will make its deliveries; `muted`, `unknown_tenant` or `cancelled`: it has none;
    /// `refused`: it does not fit its strict type, and its deliveries have failed.
    fanout: String,
    /// Why it is open or refused.
    #[oai(nullable)]
    fanout_reason: Option<String>,
}

impl From<Head> for EventHead {
    fn from(row: Head) -> Self {
        Self {
            id: row.id,
            tenant_id: row.tenant_id,
            event: row.event,
            resource_type: row.resource_type,
            resource_id: row.resource_id,
            ordering_key: row.ordering_key,
            deliver_after: row.deliver_after,
            created_at: row.created_at,
            fanout: row.fanout,
            fanout_reason: row.fanout_reason,
        }
    }
}
