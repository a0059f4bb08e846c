//! What a body asks for: read field by field, every failed rule noted.

use poem_openapi::Object;
use poem_openapi::types::Example;

use crate::api::body::Fields;
use crate::api::problem::Problem;
use crate::domain::event::EventPattern;
use crate::domain::retry::{DELAY_MAX, SCHEDULE_MAX_ENTRIES};
use crate::domain::secret::Secret;
use crate::domain::subscription::{HeaderFamilies, PayloadFormat, ReceiverUrl, SuccessPolicy};
use crate::domain::violation::Violation;
use crate::store::StoreError;
use crate::store::subscriptions::{self, NewSubscription};

/// Most characters of a description; the schema says the same.
const DESCRIPTION_MAX_CHARS: usize = 500;
/// Most characters of a filter; the schema says the same of what Postgres prints.
const FILTER_MAX_CHARS: usize = 4000;
/// Most patterns of a subscription; the schema says the same.
const EVENTS_MAX: usize = 100;

/// A new subscription. Its fields are read by [`Draft::read`]; this is how the document shows them.
#[derive(Object)]
#[oai(deny_unknown_fields, example, skip_serializing_if_is_none)]
pub(super) struct SubscriptionInput {
    /// Where webhooks go: https, 10 to 2048 characters, without user, password or fragment.
    #[oai(validator(min_length = 10, max_length = 2048))]
    url: String,
    /// The one event or pattern wanted: `invoice.created`, `invoice.*` or `*`. Either this or `events`.
    event: Option<String>,
    /// Events and patterns wanted, 1 to 100. Either this or `event`.
    #[oai(validator(min_items = 1, max_items = 100))]
    events: Option<Vec<String>>,
    /// Signing secret of 8 to 500 characters; generated (`whsec_…`) when absent.
    #[oai(validator(min_length = 8, max_length = 500))]
    secret: Option<String>,
    /// For people, up to 500 characters.
    #[oai(validator(max_length = 500))]
    description: Option<String>,
    /// jsonpath predicate over the payload, such as `$.amount > 100`: only events for which it is true are sent.
    #[oai(validator(max_length = 4000))]
    filter: Option<String>,
    /// Shape of the body: `default`, `gestiq`, `dotmac`, `cloudevents`, `cloudevents_binary` or `raw`.
    payload_format: Option<String>,
    /// Signature headers to send: `standard`, `gestiq`, `dotmac`; all when absent.
    header_families: Option<Vec<String>>,
    /// Which answers count as delivered: `standard` (2xx) or `gestiq` (3xx too).
    success_policy: Option<String>,
    /// Total seconds of one attempt; the server's own setting when absent.
    #[oai(validator(minimum(value = "1"), maximum(value = "300")))]
    timeout_seconds: Option<i32>,
    /// Seconds before each retry, up to 30 delays of up to 30 days; the server's own schedule when absent.
    #[oai(validator(max_items = 30))]
    retry_schedule: Option<Vec<i32>>,
    /// Retries after the first attempt; the last delay repeats when there are more than delays.
    #[oai(validator(minimum(value = "0"), maximum(value = "30")))]
    max_retries: Option<i32>,
    /// Deliveries in flight at once in one dispatcher.
    #[oai(validator(minimum(value = "1"), maximum(value = "10000")))]
    max_in_flight: Option<i32>,
    /// `required`, or `none`: the explicit choice to send unsigned.
    signing: Option<String>,
    /// Whether it receives from the start; true when absent.
    active: Option<bool>,
}

impl Example for SubscriptionInput {
    fn example() -> Self {
        Self {
            url: "https://example.com/webhooks".to_owned(),
            event: None,
            events: Some(vec!["invoice.created".to_owned(), "payment.*".to_owned()]),
            secret: None,
            description: Some("Accounting".to_owned()),
            filter: None,
            payload_format: None,
            header_families: None,
            success_policy: None,
            timeout_seconds: None,
            retry_schedule: None,
            max_retries: None,
            max_in_flight: None,
            signing: None,
            active: None,
        }
    }
}

/// What a body asks for: the subscription when every rule is met, else what is wrong, and the filter for Postgres to judge.
pub(super) struct Draft {
    /// The subscription, when nothing is wrong.
    pub(super) new: Option<NewSubscription>,
    given_secret: Option<Secret>,
    /// For Postgres to judge.
    pub(super) filter: Option<String>,
    /// Everything that is wrong.
    pub(super) violations: Vec<Violation>,
}

impl Draft {
    pub(super) fn read(mut fields: Fields, allow_http: bool) -> Self {
        let url = fields.required_text("url").and_then(|url| fields.keep(ReceiverUrl::parse("url", &url, allow_http)));
        let events = read_events(&mut fields);
        let given_secret = fields.text("secret").and_then(|secret| fields.keep(Secret::parse("secret", &secret)));
        let description = limited_text(&mut fields, "description", DESCRIPTION_MAX_CHARS);
        let filter = limited_text(&mut fields, "filter", FILTER_MAX_CHARS);
        if filter.as_ref().is_some_and(|filter| filter.contains("like_regex")) {
            fields.fail("filter", "filter_like_regex", "must not use like_regex");
        }
        let payload_format = fields.word("payload_format", &words(PayloadFormat::ALL), PayloadFormat::parse);
        let header_families = fields
            .take::<Vec<String>>("header_families", "a list of texts")
            .and_then(|names| fields.keep(HeaderFamilies::parse("header_families", &names)));
        let success_policy = fields.word("success_policy", &words(SuccessPolicy::ALL), SuccessPolicy::parse);
        let timeout_seconds = fields.number("timeout_seconds", 1..=300);
        let retry_schedule = read_schedule(&mut fields);
        let max_retries = fields.number("max_retries", 0..=30);
        let max_in_flight = fields.number("max_in_flight", 1..=10_000);
        let is_signed = fields.word("signing", "required, none", read_signing).unwrap_or(true);
        if !is_signed && given_secret.is_some() {
            fields.fail("secret", "secret_without_signing", "must be absent when signing is none");
        }
        let is_active = fields.take("active", "true or false").unwrap_or(true);
        let violations = fields.finish();
        let new = url.filter(|_| violations.is_empty()).map(|url| NewSubscription {
            url,
            events,
            filter: filter.clone(),
            description,
            is_active,
            is_signed,
            payload_format: payload_format.unwrap_or_default(),
            header_families: header_families.unwrap_or_default(),
            success_policy: success_policy.unwrap_or_default(),
            timeout_seconds,
            retry_schedule,
            max_retries,
            max_in_flight,
        });
        Self { new, given_secret, filter, violations }
    }

    /// The secret to store: the given one, or a new one; none for a subscription that is not signed or not valid.
    pub(super) fn secret(&self) -> Option<Secret> {
        let is_signed = self.new.as_ref().is_some_and(|new| new.is_signed);
        is_signed.then(|| self.given_secret.clone().unwrap_or_else(Secret::generate))
    }

    /// The answer to a failed transaction: with everything else that is wrong when it is the filter's fault.
    pub(super) fn refuse(&self, error: StoreError) -> Problem {
        let Some(fault) = subscriptions::filter_fault(&error) else { return error.into() };
        let mut violations = self.violations.clone();
        violations.push(Violation::new("filter", "filter_jsonpath", format!("must be a jsonpath predicate: {fault}")));
        Problem::invalid(violations)
    }
}

fn read_events(fields: &mut Fields) -> Vec<EventPattern> {
    let one = fields.text("event");
    let many = fields.take::<Vec<String>>("events", "a list of texts");
    let named: Vec<(String, String)> = match (one, many) {
        (Some(event), None) => vec![("event".to_owned(), event)],
        (None, Some(events)) => {
            events.into_iter().enumerate().map(|(index, event)| (format!("events[{index}]"), event)).collect()
        }
        (Some(_), Some(_)) => {
            fields.fail("events", "event_or_events", "give either event or events");
            return Vec::new();
        }
        (None, None) => Vec::new(),
    };
    if !(1..=EVENTS_MAX).contains(&named.len()) {
        fields.fail("events", "events_count", format!("name 1 to {EVENTS_MAX} events, in event or in events"));
        return Vec::new();
    }
    let mut patterns: Vec<EventPattern> =
        named.iter().filter_map(|(field, text)| fields.keep(EventPattern::parse(field, text).map_err(Some))).collect();
    let mut seen = std::collections::HashSet::new();
    patterns.retain(|pattern| seen.insert(pattern.clone()));
    patterns
}

fn read_schedule(fields: &mut Fields) -> Option<Vec<i32>> {
    let schedule = fields.take::<Vec<i32>>("retry_schedule", "a list of whole seconds")?;
    let longest = i32::try_from(DELAY_MAX.as_secs()).unwrap_or(i32::MAX);
    if schedule.len() > SCHEDULE_MAX_ENTRIES || schedule.iter().any(|seconds| !(0..=longest).contains(seconds)) {
        let message = format!("must be at most {SCHEDULE_MAX_ENTRIES} delays of 0 to {longest} seconds");
        fields.fail("retry_schedule", "retry_schedule_range", message);
    }
    Some(schedule)
}

fn limited_text(fields: &mut Fields, field: &'static str, max: usize) -> Option<String> {
    let text = fields.text(field)?;
    let chars = text.chars().count();
    if chars > max {
        fields.fail(field, "length", format!("must have at most {max} characters, has {chars}"));
        return None;
    }
    Some(text)
}

fn read_signing(word: &str) -> Option<bool> {
    match word.trim().to_ascii_lowercase().as_str() {
        "required" => Some(true),
        "none" => Some(false),
        _ => None,
    }
}

fn words<T: ToString>(all: &[T]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
