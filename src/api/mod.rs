//! The REST API: one file per resource, each handler a transaction of one tenant. It meets the dispatcher in Postgres only.

mod body;
mod caller;
mod checks;
mod cursor;
mod deliveries;
mod drain;
mod etag;
mod events;
mod jobs;
mod monitor;
mod problem;
mod reach;
mod refusal;
mod reply;
mod subscriptions;
mod test_sends;
mod times;

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use poem::endpoint::BoxEndpoint;
use poem::http::{HeaderValue, Method, header};
use poem::middleware::{AddData, CatchPanic, PanicHandler};
use poem::{Endpoint, EndpointExt, IntoResponse, Response, Route};
use poem_openapi::registry::{MetaApi, Registry};
use poem_openapi::{ExtraHeader, OpenApi, OpenApiService, Tags};
use uuid::Uuid;

use self::body::BodyLimit;
use self::caller::{Access, TENANT_HEADER};
use self::deliveries::DeliveriesApi;
use self::events::EventsApi;
use self::jobs::JobsApi;
pub use self::monitor::Watched;
use self::problem::Problem;
use self::subscriptions::SubscriptionsApi;
use self::test_sends::TestSendsApi;
use crate::config::{ApiConfig, WebhookConfig};
use crate::domain::keyring::Keyring;
use crate::metrics::Metrics;
use crate::store::Store;

/// Both base paths serve the same API.
const BASES: [&str; 2] = ["/api/v1/webhooks", "/api/v1/tenant/webhooks"];

/// What a body may have beyond its payload, in bytes.
const BODY_MARGIN_BYTES: usize = 64 * 1024;

/// What the API stands on. Each resource gets only what it needs of it.
pub struct ApiState {
    /// Store of role `Api`.
    pub store: Store,
    /// Shown at `/metrics`.
    pub metrics: Metrics,
    /// What `/metrics` and `/health/ready` report of: the API's own database first.
    pub watched: Vec<Watched>,
    /// Tokens.
    pub config: Arc<ApiConfig>,
    /// What a webhook may be.
    pub webhook: Arc<WebhookConfig>,
    /// Seals secrets.
    pub keyring: Arc<Keyring>,
}

/// Headings of the document, in reading order.
#[derive(Tags)]
enum Tag {
    /// Receivers and what they want to hear of.
    Subscriptions,
    /// Events on their way to receivers.
    Deliveries,
    /// What happened.
    Events,
    /// The same again, and other long work: retry, replay, backfill, cancel.
    Jobs,
}

/// Everything that `posthorn serve` answers: the tenant API under both bases, its document and docs page, metrics, health.
pub fn routes(state: ApiState) -> impl Endpoint<Output = Response> + 'static {
    let access = Access::new(state.store.clone(), state.config.admin_token.as_ref());
    let limit = BodyLimit(state.webhook.max_payload_bytes as usize + BODY_MARGIN_BYTES);
    let document = service(Shown);
    let mut route = Route::new()
        .nest("/docs", document.swagger_ui())
        .at("/openapi.json", poem::get(document.spec_endpoint()))
        .at("/openapi.yaml", poem::get(document.spec_endpoint_yaml()));
    for base in BASES {
        route = route.nest(base, service(resources(&state)));
    }
    let token = state.config.metrics_token.clone();
    let route = monitor::add_to(route, state.watched, true, state.metrics, token.as_ref());
    dressed(route.with(AddData::new(access)).with(AddData::new(limit)))
}

/// Metrics and health alone, for a process without the API.
pub fn metrics_routes(
    watched: Vec<Watched>,
    metrics: Metrics,
    config: Arc<ApiConfig>,
) -> impl Endpoint<Output = Response> + 'static {
    dressed(monitor::add_to(Route::new(), watched, false, metrics, config.metrics_token.as_ref()))
}

/// The OpenAPI document as YAML; needs no database.
pub fn document() -> String {
    service(Shown).spec_yaml()
}

/// The resources, in the order of the document.
type Resources = (SubscriptionsApi, TestSendsApi, DeliveriesApi, EventsApi, JobsApi);

fn resources(state: &ApiState) -> Resources {
    let store = || state.store.clone();
    let (keyring, webhook) = (Arc::clone(&state.keyring), Arc::clone(&state.webhook));
    (
        SubscriptionsApi { store: store(), keyring, webhook: webhook.clone() },
        TestSendsApi { store: store(), webhook },
        DeliveriesApi { store: store() },
        EventsApi { store: store() },
        JobsApi { store: store() },
    )
}

/// The document of the resources without anything behind it.
struct Shown;

impl OpenApi for Shown {
    fn meta() -> Vec<MetaApi> {
        Resources::meta()
    }

    fn register(registry: &mut Registry) {
        Resources::register(registry);
    }

    fn add_routes(self, _: &mut HashMap<String, HashMap<Method, BoxEndpoint<'static>>>) {}
}

fn service<T: OpenApi>(apis: T) -> OpenApiService<T, ()> {
    let service = OpenApiService::new(apis, "Posthorn", env!("CARGO_PKG_VERSION"))
        .description(include_str!("description.md"))
        .extra_request_header::<Option<Uuid>, _>(
            ExtraHeader::new(TENANT_HEADER).description("With the operator's token: the tenant to act for"),
        );
    BASES.into_iter().fold(service, |service, base| service.server(base))
}

/// What every answer has in common: problems instead of poem's texts, and headers.
fn dressed<E: Endpoint + 'static>(endpoint: E) -> impl Endpoint<Output = Response> + 'static {
    endpoint
        .around(drain::to_the_end)
        .catch_all_error(async |error: poem::Error| Problem::from_poem(&error))
        .with(CatchPanic::new().with_handler(OnPanic))
        .map_to_response()
        .map(|mut response: Response| async move {
            let headers = response.headers_mut();
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            response
        })
}

/// A panic ends its own request and nothing else.
#[derive(Clone)]
struct OnPanic;

impl PanicHandler for OnPanic {
    type Response = Response;

    fn get_response(&self, _: Box<dyn Any + Send>) -> Response {
        tracing::error!("a request panicked");
        Problem::internal().into_response()
    }
}
