//! `Idempotency-Key`: a request that is sent again acts once and is answered twice.
//!
//! The answer is stored, sealed, by the transaction that acts: either both are there or neither. Two requests at once meet
//! at a lock of that transaction, which ends with it, however it ends.

use std::marker::PhantomData;
use std::sync::Arc;

use poem::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use poem::{IntoResponse, Request, RequestBody, Response};
use poem_openapi::ApiResponse;
use poem_openapi::registry::{
    MetaApi, MetaHeader, MetaOperationParam, MetaParamIn, MetaResponses, MetaSchema, MetaSchemaRef, Registry,
};
use poem_openapi::types::Type;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::access::Access;
use super::body::{BodyLimit, LARGE};
use super::problem::Problem;
use crate::domain::keyring::{Keyring, Purpose};
use crate::store::idempotency::{self, Begun, Named};
use crate::store::{StoreError, Tx, Work};

/// The caller's name for a request.
const KEY_HEADER: &str = "Idempotency-Key";

/// Longest such name; the schema says the same.
const KEY_MAX_CHARS: usize = 255;

/// Says that an answer is a stored one.
const REPLAYED_HEADER: &str = "Idempotency-Replayed";

/// Headers that are a part of an answer; others belong to the moment.
const KEPT: [header::HeaderName; 3] = [header::CONTENT_TYPE, header::LOCATION, header::ETAG];

/// A request that its caller has named.
pub(super) struct OnceKey {
    named: Named,
    keyring: Arc<Keyring>,
}

impl OnceKey {
    /// Reads the header of a POST, and the body, which is put back for others to read.
    pub(super) async fn read(
        request: &Request,
        body: &mut RequestBody,
        tenant: Uuid,
        keyring: &Arc<Keyring>,
    ) -> poem::Result<Option<Self>> {
        let mut keys = request.headers().get_all(KEY_HEADER).iter();
        let Some(first) = keys.next().filter(|_| request.method() == Method::POST) else { return Ok(None) };
        let key = Some(first).filter(|_| keys.next().is_none()).and_then(|key| key.to_str().ok());
        let key = key
            .filter(|key| (1..=KEY_MAX_CHARS).contains(&key.len()) && key.bytes().all(|b| (0x20..0x7f).contains(&b)));
        let key = key.ok_or_else(|| {
            Problem::violation(KEY_HEADER, "idempotency_key", "must be one text of 1 to 255 printable ASCII characters")
        })?;
        let access = request.data::<Arc<Access>>().ok_or_else(Problem::internal)?;
        let limit = request.data::<BodyLimit>().ok_or_else(Problem::internal)?;
        let asked = request.original_uri();
        let path = access.operations().beneath(asked.path()).unwrap_or(asked.path());
        let bytes = if body.is_some() {
            body.take()?.into_bytes_limit(limit.0.saturating_mul(LARGE)).await?
        } else {
            bytes::Bytes::new()
        };
        let mut hash = Sha256::new();
        hash.update(asked.query().unwrap_or_default().as_bytes());
        hash.update([0]);
        hash.update(&bytes);
        *body = RequestBody::new(bytes.into());
        let route = format!("{} {path}", request.method());
        let named = Named { tenant, route, key: key.to_owned(), request_sha256: hash.finalize().into() };
        Ok(Some(Self { named, keyring: Arc::clone(keyring) }))
    }

    /// Does what is asked within `tx` and stores the answer, or finds that it was done.
    pub(super) async fn once<'e: 't, 't, T, R, F, A>(
        &self,
        tx: &'t Tx<'t>,
        work: &F,
        answer: &A,
    ) -> Result<Result<Once<R>, Problem>, StoreError>
    where
        T: Send,
        R: IntoResponse,
        F: Fn(&'t Tx<'t>) -> Work<'e, 't, T>,
        A: Fn(T) -> Result<R, Problem>,
    {
        match idempotency::begin(tx, &self.named).await? {
            Begun::Running => return Ok(Err(Problem::in_progress())),
            Begun::Other => return Ok(Err(Problem::idempotency_conflict())),
            Begun::Answered(sealed) => return Ok(self.open(&sealed).map(Once::replayed)),
            Begun::New => {}
        }
        let done = work(tx).done().await?;
        // to here, so that no response, which is not Sync, is held while we wait
        let (parts, body) = match answer(done) {
            Ok(reply) => reply.into_response().into_parts(),
            Err(problem) => return Ok(Err(problem)),
        };
        let Ok(body) = body.into_vec().await else { return Ok(Err(Problem::internal())) };
        let stored = Stored {
            status: parts.status.as_u16(),
            headers: KEPT
                .iter()
                .filter_map(|name| Some((name.as_str().to_owned(), parts.headers.get(name)?.to_str().ok()?.to_owned())))
                .collect(),
            body: String::from_utf8_lossy(&body).into_owned(),
        };
        let plain = zeroize::Zeroizing::new(serde_json::to_string(&stored).expect("texts can always be written"));
        let sealed = self.keyring.seal_text(self.named.tenant, self.named.sealed_for(), Purpose::Answer, &plain);
        idempotency::keep(tx, &self.named, &sealed).await?;
        Ok(Ok(Once::fresh(Response::from_parts(parts, body.into())).of()))
    }

    fn open(&self, sealed: &[u8]) -> Result<Stored, Problem> {
        let fault = |error: &dyn std::fmt::Display| {
            tracing::error!(route = self.named.route, error = %error, "a stored answer cannot be read");
            Problem::internal()
        };
        let plain = self.keyring.open_text(self.named.tenant, self.named.sealed_for(), Purpose::Answer, sealed);
        serde_json::from_str(&plain.map_err(|error| fault(&error))?).map_err(|error| fault(&error))
    }
}

/// An answer as stored.
#[derive(Deserialize, Serialize)]
struct Stored {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

/// An answer `R` to an operation that takes an `Idempotency-Key`, new or given before.
pub(super) struct Once<R> {
    response: Response,
    of: PhantomData<fn() -> R>,
}

impl<R: IntoResponse> Once<R> {
    /// A new answer.
    pub(super) fn fresh(reply: R) -> Self {
        Self { response: reply.into_response(), of: PhantomData }
    }
}

impl<R> Once<R> {
    fn of<Q>(self) -> Once<Q> {
        Once { response: self.response, of: PhantomData }
    }

    fn replayed(stored: Stored) -> Self {
        let status = StatusCode::from_u16(stored.status).unwrap_or(StatusCode::OK);
        let mut response = Response::builder().status(status).body(stored.body);
        for (name, value) in &stored.headers {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                response.headers_mut().insert(name, value);
            }
        }
        response.headers_mut().insert(REPLAYED_HEADER, HeaderValue::from_static("true"));
        Self { response, of: PhantomData }
    }
}

impl<R: Send> IntoResponse for Once<R> {
    fn into_response(self) -> Response {
        self.response
    }
}

impl<R: ApiResponse> ApiResponse for Once<R> {
    fn meta() -> MetaResponses {
        let mut meta = R::meta();
        for response in &mut meta.responses {
            response.headers.push(MetaHeader {
                name: REPLAYED_HEADER.to_uppercase(),
                description: Some("`true` when this is the answer to an earlier request with the same key".to_owned()),
                required: false,
                deprecated: false,
                schema: String::schema_ref(),
            });
        }
        meta
    }

    fn register(registry: &mut Registry) {
        R::register(registry);
    }
}

/// Adds the header to the operations that take it, known by their answers.
pub(super) fn document(mut apis: Vec<MetaApi>) -> Vec<MetaApi> {
    let operations = apis.iter_mut().flat_map(|api| &mut api.paths).flat_map(|path| &mut path.operations);
    for operation in operations {
        let headers = operation.responses.responses.iter().flat_map(|response| &response.headers);
        if headers.into_iter().any(|header| header.name.eq_ignore_ascii_case(REPLAYED_HEADER)) {
            operation.params.push(MetaOperationParam {
                name: KEY_HEADER.to_owned(),
                schema: MetaSchemaRef::Inline(Box::new(MetaSchema {
                    min_length: Some(1),
                    max_length: Some(KEY_MAX_CHARS),
                    ..MetaSchema::new("string")
                })),
                in_type: MetaParamIn::Header,
                description: Some(
                    "A name of yours for this request, 1 to 255 printable characters: sent again within 24 hours it is \
                     answered the same and acts once"
                        .to_owned(),
                ),
                required: false,
                deprecated: false,
                explode: true,
                style: None,
            });
        }
    }
    apis
}
