//! Check: events against the schemas of their types, where type or tenant is strict. An event is checked once, before it is
//! fanned out; one that was refused is checked again whenever one of its deliveries is retried, by whatever means.

use std::collections::HashMap;

use uuid::Uuid;

use super::Tools;
use crate::domain::delivery::{ERROR_TEXT_MAX_CHARS, ErrorKind, printable};
use crate::domain::schema::Fault;
use crate::store::StoreError;
use crate::store::fanout::{self, ToCheck};
use crate::store::queue::Claimed;

/// Why an event's deliveries must not be sent.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) kind: ErrorKind,
    pub(super) message: String,
}

/// Checks an event that was taken for fan-out, and says beside it what came of it.
pub(super) async fn judge(tools: &Tools, event: Uuid) -> Result<(), StoreError> {
    let refusal = refusal_of(tools, event).await?;
    if let Some(refusal) = &refusal {
        tracing::warn!(event.id = %event, error_kind = %refusal.kind, "an event is not as its type or tenant wants it");
        tools.tallies.notify_one(); // its deliveries fail
    }
    let refusal = refusal.as_ref().map(|refusal| (refusal.kind, refusal.message.as_str()));
    fanout::judge(&tools.store, event, refusal).await
}

/// Of leased deliveries those that still must not be sent, by their id. Asks only about what was retried by hand.
pub(super) async fn refused_again(tools: &Tools, deliveries: &[Claimed]) -> Result<HashMap<Uuid, Refusal>, StoreError> {
    let retried: Vec<Uuid> = deliveries.iter().filter(|c| c.generation > 0).map(|c| c.event_id).collect();
    let mut refusals = HashMap::new();
    if retried.is_empty() {
        return Ok(refusals);
    }
    for event in fanout::refused(&tools.store, &retried).await? {
        match refusal_of(tools, event).await? {
            Some(refusal) => {
                let of_event = deliveries.iter().filter(|claimed| claimed.event_id == event);
                refusals.extend(of_event.map(|claimed| (claimed.id, refusal.clone())));
            }
            None => fanout::forgive(&tools.store, event).await?,
        }
    }
    Ok(refusals)
}

async fn refusal_of(tools: &Tools, event: Uuid) -> Result<Option<Refusal>, StoreError> {
    let Some(ToCheck { event, payload, json_schema, is_unknown, .. }) = fanout::rule(&tools.store, event).await? else {
        return Ok(None);
    };
    if is_unknown {
        let message = format!("the tenant's catalogue, which is strict, has no event type {event}");
        return Ok(Some(Refusal { kind: ErrorKind::UnknownEventType, message }));
    }
    let Some(json_schema) = json_schema else { return Ok(None) };
    let schemas = tools.schemas.clone();
    let checked = tokio::task::spawn_blocking(move || match &*schemas.of(&json_schema) {
        Ok(schema) => schema.check(&payload).map_err(|faults| ("the payload does not fit", faults)),
        // over the API it could not have been saved
        Err(faults) => Err(("the payload cannot be checked against", faults.clone())),
    });
    let (what, faults) = match checked.await {
        Ok(Ok(())) => return Ok(None),
        Ok(Err(found)) => found,
        Err(_) => ("the payload cannot be checked against", Vec::new()),
    };
    let message = format!("{what} the schema of {event}{}", list(&faults));
    Ok(Some(Refusal { kind: ErrorKind::SchemaMismatch, message: printable(&message, ERROR_TEXT_MAX_CHARS) }))
}

/// `: /amount: value is not of type "string"; /lines/0: …`
fn list(faults: &[Fault]) -> String {
    let each = faults.iter().map(|fault| {
        let place = if fault.pointer.is_empty() { "the payload itself" } else { &fault.pointer };
        format!("{place}: {}", fault.message)
    });
    let all = each.collect::<Vec<_>>().join("; ");
    if all.is_empty() { all } else { format!(": {all}") }
}
