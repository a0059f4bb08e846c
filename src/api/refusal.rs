//! What an operation may be refused with, for the document: a [`Problem`] and the statuses it can have.

use std::marker::PhantomData;

use poem_openapi::ApiResponse;
use poem_openapi::registry::{MetaHeader, MetaMediaType, MetaResponse, MetaResponses, Registry};
use poem_openapi::types::Type;

use super::problem::{CONTENT_TYPE, Problem, ProblemBody};

/// Which problems an operation can answer with; for the document.
pub(super) trait Statuses {
    /// The statuses.
    const ALL: &'static [u16];
}

/// Statuses of an operation that reads.
pub(super) struct Reading;

impl Statuses for Reading {
    const ALL: &'static [u16] = &[400, 401, 403, 404, 405, 429, 500, 503];
}

/// Statuses of an operation that changes something and takes no body.
pub(super) struct Acting;

impl Statuses for Acting {
    const ALL: &'static [u16] = &[400, 401, 403, 404, 405, 408, 409, 413, 429, 500, 503];
}

/// Statuses of an operation that takes a body.
pub(super) struct Writing;

impl Statuses for Writing {
    const ALL: &'static [u16] = &[400, 401, 403, 404, 405, 408, 409, 413, 415, 429, 500, 503];
}

/// Statuses of an operation that changes a thing that has an ETag.
pub(super) struct Changing;

impl Statuses for Changing {
    const ALL: &'static [u16] = &[400, 401, 403, 404, 405, 408, 409, 412, 413, 415, 429, 500, 503];
}

/// A [`Problem`] of an operation that declares the statuses `S`.
pub(super) struct Refusal<S>(Problem, PhantomData<fn() -> S>);

impl<S, E: Into<Problem>> From<E> for Refusal<S> {
    fn from(error: E) -> Self {
        Self(error.into(), PhantomData)
    }
}

impl<S> From<Refusal<S>> for poem::Error {
    fn from(refusal: Refusal<S>) -> Self {
        refusal.0.into()
    }
}

impl<S: Statuses> ApiResponse for Refusal<S> {
    fn meta() -> MetaResponses {
        let response = |status: u16| MetaResponse {
            description: describe(status),
            status: Some(status),
            status_range: None,
            content: vec![MetaMediaType { content_type: CONTENT_TYPE, schema: ProblemBody::schema_ref() }],
            headers: headers_of(status),
        };
        MetaResponses { responses: S::ALL.iter().copied().map(response).collect() }
    }

    fn register(registry: &mut Registry) {
        ProblemBody::register(registry);
    }
}

const fn describe(status: u16) -> &'static str {
    match status {
        400 => "The request is not valid; every failed rule is named",
        401 => "No valid API key",
        403 => "The key or token has not the scope that this needs; it is named",
        404 => "Not found, or another tenant's",
        405 => "The path does not take this method",
        408 => "The body came slower than 16 KiB a second, ten seconds long",
        409 => "Not possible in the present state, a duplicate, or an Idempotency-Key that named another request",
        412 => "It was changed since its ETag was read",
        413 => "The body or the payload is too large",
        415 => "The body is not application/json",
        429 => "More requests than the limit allows; Retry-After says when to try again",
        503 => "The database cannot be reached; Retry-After says when to try again",
        _ => "A fault on our side",
    }
}

fn headers_of(status: u16) -> Vec<MetaHeader> {
    let retry_after = "Seconds after which to try again";
    let described: &[(&str, &str, bool)] = match status {
        401 => &[("WWW-AUTHENTICATE", "Always Bearer", true)],
        405 => &[("ALLOW", "The methods that the path takes", true)],
        409 => &[("RETRY-AFTER", "Seconds, when the request with the same Idempotency-Key is still running", false)],
        429 => &[
            ("RETRY-AFTER", retry_after, true),
            ("RATELIMIT-LIMIT", "Requests at once, after a pause", true),
            ("RATELIMIT-REMAINING", "Requests that could follow at once", true),
            ("RATELIMIT-RESET", "Seconds until all of them could again", true),
        ],
        503 => &[("RETRY-AFTER", retry_after, true)],
        _ => &[],
    };
    let header = |&(name, description, required): &(&str, &str, bool)| MetaHeader {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        required,
        deprecated: false,
        schema: String::schema_ref(),
    };
    described.iter().map(header).collect()
}
