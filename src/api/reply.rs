//! Answers that went well: a status, a JSON body, and where the new thing is.

use std::fmt::Display;

use poem::http::{HeaderValue, StatusCode, header};
use poem::{IntoResponse, Request, Response};
use poem_openapi::ApiResponse;
use poem_openapi::registry::{MetaHeader, MetaMediaType, MetaResponse, MetaResponses, Registry};
use poem_openapi::types::Type;
use serde::Serialize;

use super::etag::ETag;

/// 200, 201 or 202 with a body. Written by serde and not by way of a tree of values, which would spoil raw JSON.
pub(super) struct Reply<const STATUS: u16, T> {
    body: T,
    location: Option<String>,
    etag: Option<String>,
}

/// 200.
pub(super) type Found<T> = Reply<200, T>;
/// 201.
pub(super) type Created<T> = Reply<201, T>;
/// 202.
pub(super) type Accepted<T> = Reply<202, T>;

impl<const STATUS: u16, T> Reply<STATUS, T> {
    /// An answer with this body.
    pub(super) const fn new(body: T) -> Self {
        Self { body, location: None, etag: None }
    }

    /// The same, saying at which path the thing can be read from now on.
    pub(super) fn at_path(self, path: String) -> Self {
        Self { location: Some(path), ..self }
    }

    /// The same, saying where the thing can be read from now on: beneath the collection that was posted to.
    pub(super) fn at(self, request: &Request, id: impl Display) -> Self {
        let collection = request.original_uri().path().trim_end_matches('/');
        Self { location: Some(format!("{collection}/{id}")), ..self }
    }

    /// The same, saying which state of the thing this is.
    pub(super) fn tagged(self, etag: &ETag) -> Self {
        Self { etag: Some(etag.to_string()), ..self }
    }
}

impl<const STATUS: u16, T: Serialize + Send> IntoResponse for Reply<STATUS, T> {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(STATUS).expect("the three statuses above are valid");
        let text = serde_json::to_string(&self.body).expect("our answers have text keys only");
        let mut response = Response::builder().status(status).content_type("application/json").body(text);
        if let Some(location) = self.location.and_then(|path| HeaderValue::from_str(&path).ok()) {
            response.headers_mut().insert(header::LOCATION, location);
        }
        if let Some(etag) = self.etag.and_then(|etag| HeaderValue::from_str(&etag).ok()) {
            response.headers_mut().insert(header::ETAG, etag);
        }
        response
    }
}

impl<const STATUS: u16, T: Type> ApiResponse for Reply<STATUS, T> {
    fn meta() -> MetaResponses {
        let (description, headers) = match STATUS {
            201 => ("Created", vec![location(true)]),
            202 => ("Accepted: it goes on in the background", vec![location(false)]),
            _ => ("Found", vec![]),
        };
        let content = vec![MetaMediaType { content_type: "application/json", schema: T::schema_ref() }];
        MetaResponses {
            responses: vec![MetaResponse { description, status: Some(STATUS), status_range: None, content, headers }],
        }
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

fn location(required: bool) -> MetaHeader {
    MetaHeader {
        name: "LOCATION".to_owned(),
        description: Some("Path of the new thing".to_owned()),
        required,
        deprecated: false,
        schema: String::schema_ref(),
    }
}

/// One of two answers that went well.
pub(super) enum Either<A, B> {
    /// The one.
    One(A),
    /// The other.
    Other(B),
}

impl<A: IntoResponse, B: IntoResponse> IntoResponse for Either<A, B> {
    fn into_response(self) -> Response {
        match self {
            Self::One(answer) => answer.into_response(),
            Self::Other(answer) => answer.into_response(),
        }
    }
}

impl<A: ApiResponse, B: ApiResponse> ApiResponse for Either<A, B> {
    fn meta() -> MetaResponses {
        MetaResponses { responses: A::meta().responses.into_iter().chain(B::meta().responses).collect() }
    }

    fn register(registry: &mut Registry) {
        A::register(registry);
        B::register(registry);
    }
}

/// 204.
pub(super) struct NoContent;

impl IntoResponse for NoContent {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

impl ApiResponse for NoContent {
    fn meta() -> MetaResponses {
        let (status, content, headers) = (Some(204), vec![], vec![]);
        MetaResponses {
            responses: vec![MetaResponse { description: "Done", status, status_range: None, content, headers }],
        }
    }

    fn register(_: &mut Registry) {}
}
