//! Requests made on demand, to see what a receiver answers: asked for by the API, made by a dispatcher.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use super::row::get;
use super::{RowError, Store, StoreError, Tx, sql};

/// What to send.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Event type it pretends to be of.
    pub event: String,
    /// The data, JSON text.
    pub payload: String,
    /// Kind of the thing it is about.
    pub resource_type: Option<String>,
    /// Id of the thing it is about.
    pub resource_id: Option<String>,
    /// The event's metadata, JSON text.
    pub metadata: Option<String>,
}

/// A wish that a dispatcher took.
#[derive(Clone, Debug)]
pub struct Taken {
    /// Its id, the event's id of the request.
    pub id: Uuid,
    /// Whose.
    pub tenant_id: Uuid,
    /// To whom.
    pub subscription_id: Uuid,
    /// What.
    pub wish: Wish,
    /// When it was asked for.
    pub at: OffsetDateTime,
}

/// The request as it was made and what came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TestAnswer {
    /// Where it went.
    pub url: String,
    /// Headers of the request as pairs of name and value; credentials and own headers masked.
    pub request_headers: Vec<(String, String)>,
    /// Body of the request.
    pub request_body: String,
    /// Whether a delivery with this answer would count as delivered.
    pub is_delivered: bool,
    /// HTTP status, when there was an answer.
    pub status_code: Option<u16>,
    /// Headers of the answer.
    pub response_headers: Vec<(String, String)>,
    /// Beginning of the answer's body.
    pub response_body: Option<String>,
    /// Whether there was more.
    pub response_body_truncated: bool,
    /// Kind of the failure.
    pub error_kind: Option<String>,
    /// The same in words.
    pub error: Option<String>,
    /// How long it took.
    pub duration_ms: u64,
}

/// Asks for a request; `None` when there is no such subscription or ten are waiting for an answer.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn ask(tx: &Tx<'_>, tenant: Uuid, subscription: Uuid, wish: &Wish) -> Result<Option<Uuid>, StoreError> {
    let Wish { event, payload, resource_type, resource_id, metadata } = wish;
    let row = tx
        .query_opt(sql::TEST_SENDS_ASK, &[&tenant, &subscription, event, payload, resource_type, resource_id, metadata])
        .await?;
    row.map(|row| get(&row, "id")).transpose()
}

/// What came of it, when it is known.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn answer(tx: &Tx<'_>, id: Uuid) -> Result<Option<TestAnswer>, StoreError> {
    let Some(row) = tx.query_opt(sql::TEST_SENDS_ANSWER, &[&id]).await? else { return Ok(None) };
    let read = |text: String| {
        let refuse = |e: serde_json::Error| RowError {
            table: "test_sends",
            column: "answer",
            id: id.to_string(),
            reason: e.to_string(),
        };
        serde_json::from_str(&text).map_err(|e| refuse(e).into())
    };
    get::<Option<String>>(&row, "answer")?.map(read).transpose()
}

/// Takes a wish that someone still waits for.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn take(store: &Store) -> Result<Option<Taken>, StoreError> {
    let rows = store.query(sql::TEST_SENDS_TAKE, &[]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let wish = Wish {
        event: get(row, "event")?,
        payload: get(row, "payload")?,
        resource_type: get(row, "resource_type")?,
        resource_id: get(row, "resource_id")?,
        metadata: get(row, "metadata")?,
    };
    Ok(Some(Taken {
        id: get(row, "id")?,
        tenant_id: get(row, "tenant_id")?,
        subscription_id: get(row, "subscription_id")?,
        wish,
        at: get(row, "requested_at")?,
    }))
}

/// Says what came of it.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn record(store: &Store, id: Uuid, answer: &TestAnswer) -> Result<(), StoreError> {
    let text = serde_json::to_string(answer).expect("texts and numbers can always be written");
    store.query(sql::TEST_SENDS_RECORD, &[&id, &text]).await?;
    Ok(())
}

/// Forgets what was asked more than ten minutes ago.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn forget(store: &Store) -> Result<(), StoreError> {
    store.query(sql::TEST_SENDS_FORGET, &[]).await?;
    Ok(())
}
