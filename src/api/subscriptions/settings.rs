//! Reads what a subscription says of itself, secrets apart; every failed rule is noted.

use crate::api::body::Fields;
use crate::api::reach::WALK_WITHIN_WALK;
use crate::domain::event::EventPattern;
use crate::domain::filter::is_walk_within_walk;
use crate::domain::retry::{DELAY_MAX, SCHEDULE_MAX_ENTRIES, Schedule};
use crate::domain::subscription::{PayloadFormat, SuccessPolicy};
use crate::domain::template::{self, Template};
use crate::store::subscriptions::Settings;

/// Most characters of a description; the schema says the same.
const DESCRIPTION_MAX_CHARS: usize = 500;
/// Most characters of a filter; the schema says the same of what Postgres prints.
const FILTER_MAX_CHARS: usize = 4000;
/// Most patterns of a subscription; the schema says the same.
const EVENTS_MAX: usize = 100;
/// Most bytes of metadata; the schema says the same of what Postgres prints.
const METADATA_MAX_BYTES: usize = 16_000;
/// Most characters of a content type; the schema says the same.
const CONTENT_TYPE_MAX_CHARS: usize = 100;
/// Most status codes; the schema says the same.
const SUCCESS_CODES_MAX: usize = 50;

/// Reads everything but URL, events and what concerns secrets. `filter_fault` is what Postgres has against the filter.
pub(super) fn read_settings(fields: &mut Fields, settings: &mut Settings, filter_fault: Option<&str>) {
    read_texts(fields, settings, filter_fault);
    read_body(fields, settings);
    read_policy(fields, settings);
    read_limits(fields, settings);
    check_together(fields, settings);
}

/// Reads `event` or `events`.
pub(super) fn read_events(fields: &mut Fields) -> Vec<String> {
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
    patterns.iter().map(|pattern| pattern.as_str().to_owned()).collect()
}

fn read_texts(fields: &mut Fields, settings: &mut Settings, filter_fault: Option<&str>) {
    fields.set("description", &mut settings.description, None, |f| {
        f.limited_text("description", DESCRIPTION_MAX_CHARS).map(Some)
    });
    fields.set("metadata", &mut settings.metadata, "{}".to_owned(), |f| {
        let text = f.object("metadata")?;
        if text.len() > METADATA_MAX_BYTES {
            f.fail("metadata", "length", format!("must have at most {METADATA_MAX_BYTES} bytes, has {}", text.len()));
            return None;
        }
        Some(text)
    });
    let is_new_filter = fields.has("filter");
    fields.set("filter", &mut settings.filter, None, |f| f.limited_text("filter", FILTER_MAX_CHARS).map(Some));
    if settings.filter.as_ref().is_some_and(|filter| filter.contains("like_regex")) {
        fields.fail("filter", "filter_like_regex", "must not use like_regex");
    }
    // an older one stays as it is, under the time limit of whoever evaluates it
    if is_new_filter && settings.filter.as_deref().is_some_and(is_walk_within_walk) {
        fields.fail("filter", "filter_cost", WALK_WITHIN_WALK);
    }
    if let Some(fault) = filter_fault {
        fields.fail("filter", "filter_jsonpath", format!("must be a jsonpath predicate: {fault}"));
    }
}

/// Reads the shape of the body.
pub(crate) fn read_body(fields: &mut Fields, settings: &mut Settings) {
    let (says_format, says_template) = (fields.has("payload_format"), fields.has("template"));
    fields.set("payload_format", &mut settings.payload_format, PayloadFormat::Default, |f| {
        f.word("payload_format", &words(PayloadFormat::ALL), PayloadFormat::parse)
    });
    let content_type = || Settings::default().template_content_type;
    fields.set("template_content_type", &mut settings.template_content_type, content_type(), |f| {
        let text = f.limited_text("template_content_type", CONTENT_TYPE_MAX_CHARS)?.trim().to_ascii_lowercase();
        if !is_content_type(&text) {
            let message = "must be a media type such as application/json or text/plain; charset=utf-8";
            f.fail("template_content_type", "media_type", message);
            return None;
        }
        Some(text)
    });
    if says_format && !says_template && settings.payload_format != PayloadFormat::Template {
        settings.template = None;
    }
    fields.set("template", &mut settings.template, None, |f| f.text("template").map(Some));
    if says_template && !says_format {
        let is_template = settings.template.is_some();
        if is_template || settings.payload_format == PayloadFormat::Template {
            settings.payload_format = if is_template { PayloadFormat::Template } else { PayloadFormat::Default };
        }
    }
    match (&settings.template, settings.payload_format) {
        (Some(text), PayloadFormat::Template) => {
            let checked = Template::parse("template", text, &settings.template_content_type);
            fields.keep(checked.map_err(Some));
        }
        (None, PayloadFormat::Template) => {
            fields.fail("template", "required", "is required where payload_format is template");
        }
        (Some(_), _) => fields.fail("template", "template_format", "must be absent unless payload_format is template"),
        (None, _) => {}
    }
}

/// What the column takes; nobody should find out the difference from an error of the database.
fn is_content_type(text: &str) -> bool {
    let (kind, parameter) = text.split_once(';').map_or((text, None), |(kind, rest)| (kind, Some(rest)));
    let parameter_is_good = parameter.is_none_or(|rest| {
        let rest = rest.strip_prefix(' ').unwrap_or(rest);
        rest.strip_prefix("charset=").is_some_and(|name| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        })
    });
    let is_good = |(top, sub): (&str, &str)| {
        let is_sub = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b".+-".contains(&b);
        !top.is_empty() && top.bytes().all(|b| b.is_ascii_lowercase()) && !sub.is_empty() && sub.bytes().all(is_sub)
    };
    parameter_is_good && kind.split_once('/').is_some_and(is_good)
}

fn read_policy(fields: &mut Fields, settings: &mut Settings) {
    fields.set("success_policy", &mut settings.success_policy, SuccessPolicy::Standard, |f| {
        f.word("success_policy", &words(SuccessPolicy::ALL), SuccessPolicy::parse)
    });
    fields.set("success_codes", &mut settings.success_codes, None, |f| {
        let codes = f.take::<Vec<i32>>("success_codes", "a list of status codes")?;
        if !(1..=SUCCESS_CODES_MAX).contains(&codes.len()) || codes.iter().any(|code| !(200..=399).contains(code)) {
            let message = format!("must be 1 to {SUCCESS_CODES_MAX} status codes from 200 to 399");
            f.fail("success_codes", "success_codes_range", message);
            return None;
        }
        Some(Some(codes))
    });
    fields.set("timeout_seconds", &mut settings.timeout_seconds, None, |f| {
        f.number("timeout_seconds", 1..=300).map(Some)
    });
    if fields.has("retry_preset") && fields.has("retry_schedule") {
        fields.fail("retry_preset", "preset_or_schedule", "give either retry_preset or retry_schedule");
    }
    fields.set("retry_preset", &mut settings.retry_schedule, None, |f| {
        let preset = f.word("retry_preset", &Schedule::preset_names(), Schedule::preset)?;
        Some(Some(preset.delays().iter().filter_map(|delay| i32::try_from(delay.as_secs()).ok()).collect()))
    });
    fields.set("retry_schedule", &mut settings.retry_schedule, None, read_schedule);
    fields.set("max_retries", &mut settings.max_retries, None, |f| f.number("max_retries", 0..=30).map(Some));
}

#[expect(clippy::option_option, reason = "the setting itself is an Option; the outer one is whether it could be read")]
fn read_schedule(fields: &mut Fields) -> Option<Option<Vec<i32>>> {
    let schedule = fields.take::<Vec<i32>>("retry_schedule", "a list of whole seconds")?;
    let longest = i32::try_from(DELAY_MAX.as_secs()).unwrap_or(i32::MAX);
    if schedule.len() > SCHEDULE_MAX_ENTRIES || schedule.iter().any(|seconds| !(0..=longest).contains(seconds)) {
        let message = format!("must be at most {SCHEDULE_MAX_ENTRIES} delays of 0 to {longest} seconds");
        fields.fail("retry_schedule", "retry_schedule_range", message);
        return None;
    }
    Some(Some(schedule))
}

fn read_limits(fields: &mut Fields, settings: &mut Settings) {
    let mut number = |field: &'static str, setting: &mut Option<i32>, range| {
        fields.set(field, setting, None, |f| f.number(field, range).map(Some));
    };
    number("max_in_flight", &mut settings.max_in_flight, 1..=10_000);
    number("rate_burst", &mut settings.rate_burst, 1..=100_000);
    number("batch_max", &mut settings.batch_max, 1..=1000);
    number("circuit_failures", &mut settings.circuit_failures, 0..=100_000);
    number("circuit_seconds", &mut settings.circuit_seconds, 1..=86_400);
    number("suspend_after_seconds", &mut settings.suspend_after_seconds, 0..=31_536_000);
    fields.set("batch_wait_ms", &mut settings.batch_wait_ms, 0, |f| f.number("batch_wait_ms", 0..=60_000));
    fields.set("rate_per_second", &mut settings.rate_per_second, None, |f| {
        f.decimal("rate_per_second", 0.01..=10_000.0).map(Some)
    });
    fields.set("circuit_failure_ratio", &mut settings.circuit_failure_ratio, None, |f| {
        f.decimal("circuit_failure_ratio", 0.001..=1.0).map(Some)
    });
    fields.set("ordered", &mut settings.ordered, false, |f| f.take("ordered", "true or false"));
}

/// What each may say alone but not together.
fn check_together(fields: &mut Fields, settings: &Settings) {
    if settings.batch_max.is_some() && settings.payload_format == PayloadFormat::CloudEventsBinary {
        fields.fail(
            "batch_max",
            "batch_cloudevents_binary",
            "cannot be used with cloudevents_binary, which has no batches",
        );
    }
    if settings.batch_max.is_some()
        && settings.template.is_some()
        && !template::is_json(&settings.template_content_type)
    {
        fields.fail("batch_max", "batch_template", "needs a template that makes JSON: a batch is a JSON array");
    }
    if settings.batch_wait_ms > 0 && settings.batch_max.is_none() {
        fields.fail("batch_wait_ms", "batch_wait_without_batch", "needs batch_max");
    }
    if settings.rate_burst.is_some() && settings.rate_per_second.is_none() {
        fields.fail("rate_burst", "burst_without_rate", "needs rate_per_second");
    }
}

fn words<T: ToString>(all: &[T]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
