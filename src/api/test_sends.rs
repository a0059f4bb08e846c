//! Trying a subscription: a test send (R14), and what a request would be.

mod shown;

use std::sync::Arc;
use std::time::{Duration, Instant};

use poem_openapi::OpenApi;
use poem_openapi::param::Path;
use time::OffsetDateTime;
use uuid::Uuid;

use self::shown::{Preview, PreviewInput, TestInput, TestResult};
use super::Tag;
use super::body::{Fields, OptionalBody};
use super::caller::{Caller, Manages, Reads};
use super::events::short_text;
use super::problem::Problem;
use super::refusal::{Refusal, Writing};
use super::reply::{Found, Reply};
use super::subscriptions::read_body;
use crate::config::WebhookConfig;
use crate::domain::envelope::{self, EventView};
use crate::domain::event::EventName;
use crate::domain::secret::Secret;
use crate::domain::signature::{self, Message};
use crate::domain::signing_key::{KeyPair, SigningKey};
use crate::domain::subscription::HeaderFamilies;
use crate::domain::template::Template;
use crate::domain::traceparent::TraceParent;
use crate::store::subscriptions::{self, Settings};
use crate::store::test_sends::{self, Wish};
use crate::store::{Store, StoreError, Tx, Work, events};

/// What a dispatcher may take beyond the receiver's time before nobody waits any more.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often the answer is looked for.
const LOOK: Duration = Duration::from_millis(25);
/// Payload of a test that brings none.
const SAMPLE_PAYLOAD: &str = r#"{"test": true}"#;
/// Event type of a test where the catalogue has none that fits.
const SAMPLE_EVENT: &str = "webhook.test";
/// What stands for a signature or another secret.
const HIDDEN: &str = "<hidden>";

/// The operations.
pub(super) struct TestSendsApi {
    /// Where subscriptions are.
    pub(super) store: Store,
    /// What requests have in common.
    pub(super) webhook: Arc<WebhookConfig>,
}

#[OpenApi(tag = "Tag::Subscriptions")]
impl TestSendsApi {
    /// Send a test
    ///
    /// Makes one real, signed request now, of a sample, given or stored event, and answers with what the receiver said. To a
    /// subscription that is switched off too. Nothing is retried, and no delivery is kept.
    #[oai(path = "/subscriptions/:id/test", method = "post", operation_id = "testSubscription")]
    async fn test(
        &self,
        caller: Caller<Manages>,
        /// Id of the subscription.
        id: Path<Uuid>,
        body: OptionalBody<TestInput>,
    ) -> Result<Found<TestResult>, Refusal<Writing>> {
        let mut fields = body.0;
        let asked = Asked::read(&mut fields)?;
        refuse_if(fields.finish())?;
        let (tenant, id, asked) = (caller.tenant(), id.0, &asked);
        let (settings, test) = self
            .store
            .tx("ask for test send", caller.scope(), move |tx| {
                Work::new(async move {
                    let Some(found) = subscriptions::find(tx, id).await? else { return Ok(Err(unknown(id))) };
                    let tried = match asked.find(tx, &found.settings).await? {
                        Ok(tried) => tried,
                        Err(problem) => return Ok(Err(problem)),
                    };
                    let test = test_sends::ask(tx, tenant, id, &tried.wish).await?;
                    Ok(test.map(|test| (found.settings, test)).ok_or_else(too_many))
                })
            })
            .await??;
        let timeout = settings.timeout_seconds.and_then(|s| u64::try_from(s).ok()).map(Duration::from_secs);
        let until = Instant::now() + timeout.unwrap_or(self.webhook.timeout()) + PATIENCE;
        loop {
            let answer =
                self.store.tx("test answer", caller.scope(), move |tx| Work::new(test_sends::answer(tx, test))).await?;
            match answer {
                Some(answer) => return Ok(Reply::new(TestResult::new(test, answer))),
                None if Instant::now() > until => return Err(Problem::no_dispatcher().into()),
                None => tokio::time::sleep(LOOK).await,
            }
        }
    }

    /// Preview a request
    ///
    /// What would be sent now of a sample, given or stored event, without sending it: headers (signatures and secrets hidden)
    /// and body, of a stored event with its own id and time. A format or template that is given is tried in place of the stored one.
    #[oai(path = "/subscriptions/:id/preview", method = "post", operation_id = "previewSubscription")]
    async fn preview(
        &self,
        caller: Caller<Reads>,
        /// Id of the subscription.
        id: Path<Uuid>,
        body: OptionalBody<PreviewInput>,
    ) -> Result<Found<Preview>, Refusal<Writing>> {
        let mut fields = body.0;
        let asked = Asked::read(&mut fields)?;
        let (id, asked, fields) = (id.0, &asked, &fields);
        let (found, tried) = self
            .store
            .tx("preview subscription", caller.scope(), move |tx| {
                Work::new(async move {
                    let Some(mut found) = subscriptions::find(tx, id).await? else { return Ok(Err(unknown(id))) };
                    let mut fields = fields.clone();
                    read_body(&mut fields, &mut found.settings);
                    let violations = fields.finish();
                    if !violations.is_empty() {
                        return Ok(Err(Problem::invalid(violations)));
                    }
                    Ok(asked.find(tx, &found.settings).await?.map(|tried| (found, tried)))
                })
            })
            .await??;
        Ok(Reply::new(self.shown(&found, &tried)?))
    }
}

impl TestSendsApi {
    fn shown(&self, found: &subscriptions::Subscription, tried: &Tried) -> Result<Preview, Problem> {
        let (settings, wish) = (&found.settings, &tried.wish);
        let event = EventView {
            id: tried.id,
            event: &wish.event,
            tenant_id: found.tenant_id,
            created_at: tried.created_at,
            resource_type: wish.resource_type.as_deref(),
            resource_id: wish.resource_id.as_deref(),
            payload_json: &wish.payload,
            metadata_json: wish.metadata.as_deref(),
            source: &self.webhook.source,
        };
        let (body, content_type, extra) = match &settings.template {
            Some(text) => {
                let template = Template::parse("template", text, &settings.template_content_type)
                    .map_err(|violation| Problem::invalid(vec![violation]))?;
                let body =
                    template.render(&event).map_err(|e| Problem::violation("template", "template", e.to_string()))?;
                (body.into(), settings.template_content_type.clone(), Vec::new())
            }
            None => {
                let rendered = match settings.batch_max {
                    None => envelope::render(settings.payload_format, &event),
                    Some(_) => envelope::render_batch(settings.payload_format, [&event]),
                };
                (rendered.body, rendered.content_type.into_owned(), rendered.extra_headers)
            }
        };
        let body =
            if settings.template.is_some() && settings.batch_max.is_some() { envelope::array([body]) } else { body };
        let mut headers =
            vec![("content-type".to_owned(), content_type), ("user-agent".to_owned(), self.webhook.user_agent.clone())];
        headers.extend(signature_headers(settings, &event, &body));
        headers.extend(tried.trace.map(|trace| (TraceParent::HEADER.to_owned(), trace.with_span_hidden())));
        headers.extend(extra.into_iter().map(|(name, value)| (name.to_owned(), value)));
        headers.extend(found.header_names.iter().map(|name| (name.clone(), HIDDEN.to_owned())));
        headers.extend(found.credentials_type.iter().map(|_| ("authorization".to_owned(), HIDDEN.to_owned())));
        let body = String::from_utf8_lossy(&body).into_owned();
        Ok(Preview { method: "POST".to_owned(), url: settings.url.clone(), headers: shown::headers(headers), body })
    }
}

/// The signature headers with the signatures themselves hidden: they are made with a key that is thrown away.
fn signature_headers(settings: &Settings, event: &EventView<'_>, body: &[u8]) -> Vec<(String, String)> {
    let families = HeaderFamilies::parse("header_families", &settings.header_families).unwrap_or_default();
    let key = match (settings.is_signed, settings.is_ed25519) {
        (false, _) => None,
        (true, false) => Some(SigningKey::Hmac(Secret::generate())),
        (true, true) => Some(SigningKey::Ed25519(KeyPair::generate())),
    };
    let (id, name) = match settings.batch_max {
        None => (event.id, event.event),
        Some(_) => (envelope::batch_id([event.id]), envelope::BATCH),
    };
    let id = id.to_string();
    let message = Message { id: &id, event: name, timestamp: OffsetDateTime::now_utc().unix_timestamp(), body };
    let hide = |(name, value): (&'static str, String)| {
        let shown = match name {
            "webhook-signature" => format!("{},{HIDDEN}", value.split(',').next().unwrap_or_default()),
            "x-signature" => format!("sha256={HIDDEN}"),
            "x-webhook-signature" => HIDDEN.to_owned(),
            _ => value,
        };
        (name.to_owned(), shown)
    };
    signature::headers(families, key.as_slice(), &message).into_iter().map(hide).collect()
}

fn unknown(id: Uuid) -> Problem {
    Problem::not_found(format!("there is no subscription {id}"))
}

fn too_many() -> Problem {
    Problem::conflict("ten test sends are waiting for an answer already")
}

fn refuse_if(violations: Vec<crate::domain::violation::Violation>) -> Result<(), Problem> {
    if violations.is_empty() { Ok(()) } else { Err(Problem::invalid(violations)) }
}

/// The event that was asked for.
struct Asked {
    event_id: Option<Uuid>,
    event: Option<EventName>,
    payload: Option<String>,
    resource_type: Option<String>,
    resource_id: Option<String>,
    metadata: Option<String>,
}

impl Asked {
    /// Takes the fields of an event; the others stay.
    fn read(fields: &mut Fields) -> Result<Self, Problem> {
        let event_id = fields.take::<Uuid>("event_id", "a UUID");
        let event = fields.text("event");
        let event = event.and_then(|name| fields.keep(EventName::parse("event", &name).map_err(Some)));
        let asked = Self {
            event_id,
            event,
            payload: fields.object("payload"),
            resource_type: short_text(fields, "resource_type", 100),
            resource_id: short_text(fields, "resource_id", 200),
            metadata: fields.object("metadata"),
        };
        if asked.event_id.is_some() && (asked.event.is_some() || asked.payload.is_some()) {
            fields.fail("event_id", "event_or_id", "give either event_id or an event and its payload");
        }
        Ok(asked)
    }

    async fn find(&self, tx: &Tx<'_>, settings: &Settings) -> Result<Result<Tried, Problem>, StoreError> {
        if let Some(id) = self.event_id {
            let found = events::find(tx, id).await?;
            return Ok(found.map(Tried::stored).ok_or_else(|| Problem::not_found(format!("there is no event {id}"))));
        }
        let event = match &self.event {
            Some(event) => event.as_str().to_owned(),
            None => {
                let sample = subscriptions::sample_event(tx, &settings.events).await?;
                let plain = || settings.events.iter().find(|event| !event.contains('*')).cloned();
                sample.or_else(plain).unwrap_or_else(|| SAMPLE_EVENT.to_owned())
            }
        };
        let wish = Wish {
            event,
            payload: self.payload.clone().unwrap_or_else(|| SAMPLE_PAYLOAD.to_owned()),
            resource_type: self.resource_type.clone(),
            resource_id: self.resource_id.clone(),
            metadata: self.metadata.clone(),
        };
        Ok(Ok(Tried { id: Uuid::now_v7(), created_at: OffsetDateTime::now_utc(), wish, trace: None }))
    }
}

/// The event to try with: a stored one, or one that there is not.
struct Tried {
    id: Uuid,
    created_at: OffsetDateTime,
    wish: Wish,
    trace: Option<TraceParent>,
}

impl Tried {
    fn stored(event: events::Event) -> Self {
        let wish = Wish {
            event: event.event,
            payload: event.payload,
            resource_type: event.resource_type,
            resource_id: event.resource_id,
            metadata: event.metadata,
        };
        let trace = event.traceparent.as_deref().and_then(TraceParent::parse);
        Self { id: event.id, created_at: event.created_at, wish, trace }
    }
}
