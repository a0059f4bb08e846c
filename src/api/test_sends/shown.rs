//! Bodies and answers of test sends and previews as the document shows them.

use std::collections::HashMap;

use poem_openapi::Object;
use poem_openapi::types::Example;
use serde::Serialize;
use uuid::Uuid;

use crate::api::body::RawJson;
use crate::store::test_sends::TestAnswer;

/// The event to try with; a sample when nothing is said.
macro_rules! tried {
    ($(#[$about:meta])* $name:ident { $($own:tt)* }) => {
        $(#[$about])*
        #[derive(Object, Default)]
        #[oai(deny_unknown_fields, example, skip_serializing_if_is_none)]
        pub(super) struct $name {
            /// A stored event. Either this, or an event and its payload, or nothing.
            #[oai(nullable)]
            event_id: Option<Uuid>,
            /// Event type; one of the catalogue that the subscription wants when absent.
            #[oai(nullable, validator(min_length = 1, max_length = 100))]
            event: Option<String>,
            /// The data; `{"test": true}` when absent.
            #[oai(nullable)]
            payload: Option<HashMap<String, RawJson>>,
            /// Kind of the thing it is about.
            #[oai(nullable, validator(min_length = 1, max_length = 100))]
            resource_type: Option<String>,
            /// Id of the thing it is about.
            #[oai(nullable, validator(min_length = 1, max_length = 200))]
            resource_id: Option<String>,
            /// Metadata of the event.
            #[oai(nullable)]
            metadata: Option<HashMap<String, RawJson>>,
            $($own)*
        }
    };
}

tried! {
    /// The event to send. Everything may be absent.
    TestInput {}
}

tried! {
    /// The event to show. Everything may be absent.
    PreviewInput {
        /// Format to try in place of the stored one.
        #[oai(nullable)]
        payload_format: Option<String>,
        /// Template to try in place of the stored one.
        #[oai(nullable, validator(min_length = 1, max_length = 16384))]
        template: Option<String>,
        /// Content type of what it makes.
        #[oai(nullable, validator(max_length = 100))]
        template_content_type: Option<String>,
    }
}

impl Example for TestInput {
    fn example() -> Self {
        Self { event: Some("invoice.created".to_owned()), ..Self::default() }
    }
}

impl Example for PreviewInput {
    fn example() -> Self {
        Self { template: Some(r#"{"text": "Invoice {{ data.number|escaped }}"}"#.to_owned()), ..Self::default() }
    }
}

/// One header.
#[derive(Object, Serialize)]
pub(super) struct Header {
    /// Name, in lower case.
    pub(super) name: String,
    /// Value.
    pub(super) value: String,
}

/// Headers as they are shown.
pub(super) fn headers(pairs: Vec<(String, String)>) -> Vec<Header> {
    pairs.into_iter().map(|(name, value)| Header { name, value }).collect()
}

/// The request that was made and what came of it.
#[derive(Object, Serialize)]
pub(super) struct TestResult {
    /// Id of the event that it pretended to be of.
    id: Uuid,
    /// Whether a delivery with this answer would count as delivered.
    delivered: bool,
    /// Where it went.
    url: String,
    /// Headers of the request; own headers and credentials masked.
    request_headers: Vec<Header>,
    /// Body of the request; empty when none could be made.
    request_body: String,
    /// HTTP status, when there was an answer.
    #[oai(nullable)]
    status_code: Option<u16>,
    /// Headers of the answer.
    response_headers: Vec<Header>,
    /// Beginning of the answer's body.
    #[oai(nullable)]
    response_body: Option<String>,
    /// Whether there was more.
    response_body_truncated: bool,
    /// Why it would not count as delivered; null when it would.
    #[oai(nullable)]
    error_kind: Option<String>,
    /// The same in words.
    #[oai(nullable)]
    error: Option<String>,
    /// How long it took in milliseconds.
    duration_ms: u64,
}

impl TestResult {
    pub(super) fn new(id: Uuid, answer: TestAnswer) -> Self {
        Self {
            id,
            delivered: answer.is_delivered,
            url: answer.url,
            request_headers: headers(answer.request_headers),
            request_body: answer.request_body,
            status_code: answer.status_code,
            response_headers: headers(answer.response_headers),
            response_body: answer.response_body,
            response_body_truncated: answer.response_body_truncated,
            error_kind: answer.error_kind,
            error: answer.error,
            duration_ms: answer.duration_ms,
        }
    }
}

/// A request that was not made.
#[derive(Object, Serialize)]
pub(super) struct Preview {
    /// Always POST.
    pub(super) method: String,
    /// Where it would go.
    pub(super) url: String,
    /// Its headers; signatures, own headers and credentials hidden.
    pub(super) headers: Vec<Header>,
    /// Its body.
    pub(super) body: String,
}
