//! The bodies of subscriptions as the document shows them. They are read by [`super::draft::Draft`], field by field.

use std::collections::HashMap;

use poem_openapi::types::Example;
use poem_openapi::{Enum, Object};

use crate::api::body::RawJson;

/// A new subscription and a change of one say the same, but for what stands before.
macro_rules! settings {
    ($(#[$about:meta])* $name:ident { $($own:tt)* }) => {
        $(#[$about])*
        #[derive(Object, Default)]
        #[oai(deny_unknown_fields, example, skip_serializing_if_is_none)]
        pub(super) struct $name {
            $($own)*
            /// The one event or pattern wanted: `invoice.created`, `invoice.*` or `*`. Either this or `events`.
            #[oai(validator(max_length = 100, pattern = r"^(\*|([A-Za-z0-9_]+\.)+(\*|[A-Za-z0-9_]+))$"))]
            event: Option<String>,
            /// Events and patterns wanted, 1 to 100. Either this or `event`.
            #[oai(validator(min_items = 1, max_items = 100))]
            events: Option<Vec<String>>,
            /// For people, up to 500 characters.
            #[oai(nullable, validator(max_length = 500))]
            description: Option<String>,
            /// Whatever you want to keep with it: a JSON object of up to 16,000 bytes. Not sent.
            #[oai(nullable)]
            metadata: Option<HashMap<String, RawJson>>,
            /// jsonpath predicate over the payload, such as `$.amount > 100`: only events for which it is true are sent. No `like_regex`.
            #[oai(nullable, validator(max_length = 4000))]
            filter: Option<String>,
            /// `required`, or `none`: the explicit choice to send unsigned.
            #[oai(nullable)]
            signing: Option<Signing>,
            /// `hmac` (`v1`), or `ed25519` (`v1a`): the receiver checks with the public key and holds no secret.
            #[oai(nullable)]
            signature: Option<Signature>,
            /// Signing secret of 8 to 500 characters, or for ed25519 a private key (`whsk_…`); generated when absent.
            #[oai(nullable, validator(min_length = 8, max_length = 500))]
            secret: Option<String>,
            /// Signature headers to send; all when absent, `standard` alone with ed25519.
            #[oai(nullable, validator(min_items = 1))]
            header_families: Option<Vec<HeaderFamily>>,
            /// Headers of its own, up to 32; their values are kept sealed and never shown again.
            #[oai(nullable)]
            headers: Option<HashMap<String, String>>,
            /// How requests identify themselves to the receiver; kept sealed and never shown again.
            #[oai(nullable)]
            credentials: Option<CredentialsInput>,
            /// Certificate to show the receiver in TLS with any that follow it, PEM. Together with `client_key`.
            #[oai(nullable, validator(max_length = 32768))]
            client_certificate: Option<String>,
            /// Its private key, PEM, not encrypted; kept sealed and never shown again.
            #[oai(nullable, validator(max_length = 16384))]
            client_key: Option<String>,
            /// Shape of the body; `template` with the field `template`.
            #[oai(nullable)]
            payload_format: Option<Format>,
            /// Template of the body (minijinja): `{{ data.amount }}`, `for`, `if` and `with`.
            #[oai(nullable, validator(min_length = 1, max_length = 16384))]
            template: Option<String>,
            /// Content type of what the template makes; `application/json` when absent, where values are written as JSON.
            #[oai(nullable, validator(max_length = 100))]
            template_content_type: Option<String>,
            /// Which answers count as delivered: `standard` (2xx) or `gestiq` (3xx too).
            #[oai(nullable)]
            success_policy: Option<Policy>,
            /// The status codes that count as delivered, 1 to 50 of 200 to 399, in place of the policy.
            #[oai(nullable, validator(min_items = 1, max_items = 50))]
            success_codes: Option<Vec<i32>>,
            /// Total seconds of one attempt; the server's own setting when absent.
            #[oai(nullable, validator(minimum(value = "1"), maximum(value = "300")))]
            timeout_seconds: Option<i32>,
            /// Retry schedule by name: `default`, `gestiq`, `gestiq-celery`, `dotmac` or `standard-webhooks`. Either this or `retry_schedule`.
            #[oai(nullable)]
            retry_preset: Option<String>,
            /// Seconds before each retry, up to 30 delays of up to 30 days; the server's own schedule when absent.
            #[oai(nullable, validator(max_items = 30))]
            retry_schedule: Option<Vec<i32>>,
            /// Retries after the first attempt; the last delay repeats when there are more than delays.
            #[oai(nullable, validator(minimum(value = "0"), maximum(value = "30")))]
            max_retries: Option<i32>,
            /// Deliveries in flight at once, over all dispatchers.
            #[oai(nullable, validator(minimum(value = "1"), maximum(value = "10000")))]
            max_in_flight: Option<i32>,
            /// Requests per second at most, over all dispatchers; no limit when absent.
            #[oai(nullable, validator(minimum(value = "0.01"), maximum(value = "10000")))]
            rate_per_second: Option<f64>,
            /// Requests that may go at once after a pause; as many as one second allows when absent.
            #[oai(nullable, validator(minimum(value = "1"), maximum(value = "100000")))]
            rate_burst: Option<i32>,
            /// Whether events with an ordering key go one at a time and in the order of their commits, key by key.
            #[oai(nullable)]
            ordered: Option<bool>,
            /// Events of one request at most, which is then a JSON array; one event per request when absent.
            #[oai(nullable, validator(minimum(value = "1"), maximum(value = "1000")))]
            batch_max: Option<i32>,
            /// How long an event may wait for a batch to fill, in milliseconds.
            #[oai(nullable, validator(minimum(value = "0"), maximum(value = "60000")))]
            batch_wait_ms: Option<i32>,
            /// Failures in a row that open the circuit; 0: it never opens. The server's own setting when absent.
            #[oai(nullable, validator(minimum(value = "0"), maximum(value = "100000")))]
            circuit_failures: Option<i32>,
            /// Share of failures among the attempts of a minute that opens the circuit.
            #[oai(nullable, validator(minimum(value = "0.001"), maximum(value = "1")))]
            circuit_failure_ratio: Option<f64>,
            /// How long the circuit stays open before a probe, in seconds.
            #[oai(nullable, validator(minimum(value = "1"), maximum(value = "86400")))]
            circuit_seconds: Option<i32>,
            /// Nothing but failures for so long suspends the subscription, in seconds; 0: never.
            #[oai(nullable, validator(minimum(value = "0"), maximum(value = "31536000")))]
            suspend_after_seconds: Option<i32>,
        }
    };
}

settings! {
    /// A new subscription.
    SubscriptionInput {
        /// Where webhooks go: https, 10 to 2048 characters, without user, password or fragment.
        #[oai(validator(min_length = 10, max_length = 2048, pattern = r"^[Hh][Tt][Tt][Pp][Ss]?://[^\s\\/@#?]+[^\s\\#]*$"))]
        url: String,
        /// Whether it receives from the start; true when absent.
        #[oai(nullable)]
        active: Option<bool>,
    }
}

settings! {
    /// What is to change of a subscription: what is absent stays as it is, null sets the default again.
    SubscriptionChange {
        /// Where webhooks go: https, 10 to 2048 characters, without user, password or fragment.
        #[oai(validator(min_length = 10, max_length = 2048, pattern = r"^[Hh][Tt][Tt][Pp][Ss]?://[^\s\\/@#?]+[^\s\\#]*$"))]
        url: Option<String>,
    }
}

/// A new secret. Everything may be absent.
#[derive(Object, Default)]
#[oai(deny_unknown_fields, example, skip_serializing_if_is_none)]
pub(super) struct Rotation {
    /// The new secret, 8 to 500 characters, or for ed25519 a private key (`whsk_…`); generated when absent.
    #[oai(nullable, validator(min_length = 8, max_length = 500))]
    secret: Option<String>,
    /// How long the old secret signs too, in seconds: a day when absent, 0 stops it at once, 30 days at most.
    #[oai(nullable, validator(minimum(value = "0"), maximum(value = "2592000")))]
    overlap_seconds: Option<i32>,
}

/// Whether requests are signed.
#[derive(Enum)]
#[oai(rename_all = "lowercase")]
enum Signing {
    Required,
    None,
}

/// What signs.
#[derive(Enum)]
#[oai(rename_all = "lowercase")]
enum Signature {
    Hmac,
    Ed25519,
}

/// Signature and identification headers.
#[derive(Enum)]
#[oai(rename_all = "lowercase")]
enum HeaderFamily {
    Standard,
    Gestiq,
    Dotmac,
}

/// Shape of the body.
#[derive(Enum)]
#[oai(rename_all = "snake_case")]
enum Format {
    Default,
    Gestiq,
    Dotmac,
    #[oai(rename = "cloudevents")]
    CloudEvents,
    #[oai(rename = "cloudevents_binary")]
    CloudEventsBinary,
    Raw,
    Template,
}

/// Which answers count as delivered.
#[derive(Enum)]
#[oai(rename_all = "lowercase")]
enum Policy {
    Standard,
    Gestiq,
}

/// HTTP Basic (`username` and `password`) or a bearer token (`token`).
#[derive(Object)]
#[oai(deny_unknown_fields, skip_serializing_if_is_none)]
struct CredentialsInput {
    /// `basic` or `bearer`.
    r#type: CredentialsType,
    /// User name, without a colon.
    #[oai(validator(min_length = 1, max_length = 2048))]
    username: Option<String>,
    /// Password.
    #[oai(validator(max_length = 2048))]
    password: Option<String>,
    /// Token.
    #[oai(validator(min_length = 1, max_length = 2048))]
    token: Option<String>,
}

/// Kind of credentials.
#[derive(Enum)]
#[oai(rename_all = "lowercase")]
enum CredentialsType {
    Basic,
    Bearer,
}

impl Example for SubscriptionInput {
    fn example() -> Self {
        let events = Some(vec!["invoice.created".to_owned(), "payment.*".to_owned()]);
        let description = Some("Accounting".to_owned());
        Self { url: "https://example.com/webhooks".to_owned(), events, description, ..Self::default() }
    }
}

impl Example for SubscriptionChange {
    fn example() -> Self {
        Self { timeout_seconds: Some(5), rate_per_second: Some(50.0), ..Self::default() }
    }
}

impl Example for Rotation {
    fn example() -> Self {
        Self { secret: None, overlap_seconds: Some(86_400) }
    }
}
