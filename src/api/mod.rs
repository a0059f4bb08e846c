//! The REST API: one file per resource, each handler a transaction of one tenant. It meets the dispatcher in Postgres only.

mod access;
mod admin;
mod audit;
mod body;
mod caller;
mod checks;
mod cursor;
mod deliveries;
mod drain;
mod etag;
mod event_types;
mod events;
mod jobs;
mod jwt;
mod keys;
mod limits;
mod monitor;
mod once;
mod operations;
mod problem;
mod reach;
mod refusal;
mod reply;
mod schemas;
mod statistics;
pub mod strangers;
mod strict;
mod subscriptions;
mod surround;
mod tenant;
mod test_sends;
mod times;
mod trace;
mod whoami;

use std::any::Any;
use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::Arc;

use poem::endpoint::BoxEndpoint;
use poem::http::{HeaderValue, Method, StatusCode, header};
use poem::middleware::{AddData, CatchPanic, PanicHandler};
use poem::{Endpoint, EndpointExt, IntoEndpoint, IntoResponse, Response, Route};
use poem_openapi::registry::{MetaApi, Registry};
use poem_openapi::{ExtraHeader, OpenApi, OpenApiService, Tags};
use uuid::Uuid;

use self::access::{Access, AccessParts, TENANT_HEADER};
use self::audit::AuditApi;
use self::body::BodyLimit;
use self::deliveries::DeliveriesApi;
use self::event_types::EventTypesApi;
use self::events::EventsApi;
use self::jobs::JobsApi;
pub use self::jwt::{Jwt, JwtError};
use self::keys::KeysApi;
use self::limits::Limits;
pub use self::monitor::Watched;
use self::operations::Operations;
use self::problem::Problem;
use self::statistics::StatisticsApi;
use self::strict::Strictness;
use self::subscriptions::SubscriptionsApi;
use self::tenant::TenantApi;
use self::test_sends::TestSendsApi;
use self::whoami::WhoAmIApi;
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
    /// Store of role `Admin`, where there is an admin API.
    pub admin_store: Option<Store>,
    /// Takes tokens in place of API keys.
    pub jwt: Option<Jwt>,
    /// Shown at `/metrics`.
    pub metrics: Metrics,
    /// What `/metrics` and `/health/ready` report of: the API's own database first, which must be there.
    pub watched: Vec<Arc<Watched>>,
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
    /// What can happen: the common types and your own, with their JSON Schemas.
    #[oai(rename = "Event types")]
    EventTypes,
    /// How deliveries and receivers fare.
    Statistics,
    /// The same again, and other long work: retry, replay, backfill, cancel.
    Jobs,
    /// The caller's own tenant.
    Tenant,
    /// Keys by which the tenant's programs call.
    #[oai(rename = "API keys")]
    ApiKeys,
    /// Who changed what and when.
    #[oai(rename = "Audit log")]
    AuditLog,
}

/// Everything that `posthorn serve` answers: the tenant API under both bases, its document and docs page, metrics, health, and
/// what `add_page` puts beside them.
pub fn routes(state: ApiState, add_page: impl FnOnce(Route) -> Route) -> impl Endpoint<Output = Response> + 'static {
    let limit = BodyLimit(state.webhook.max_payload_bytes as usize + BODY_MARGIN_BYTES);
    let document = service(Shown::<Resources>::new());
    let strictness = Arc::new(Strictness::new(state.store.clone()));
    let mut route = Route::new()
        .nest("/docs", document.swagger_ui())
        .at("/openapi.json", poem::get(document.spec_endpoint()))
        .at("/openapi.yaml", poem::get(document.spec_endpoint_yaml()));
    let operations = Arc::new(Operations::new(&BASES, Resources::meta()));
    for base in BASES {
        let operations = Arc::clone(&operations);
        let resources = service(resources(&state, &strictness));
        let endpoint = resources.into_endpoint();
        route = route.nest(
            base,
            endpoint
                .around(move |endpoint, request| surround::with_headers(endpoint, Arc::clone(&operations), request)),
        );
    }
    let access = Access::new(AccessParts {
        store: state.store,
        admin_token: state.config.admin_token.as_ref(),
        jwt: state.jwt,
        keyring: state.keyring,
        limits: Limits::new(state.config.rate_per_second, state.config.rate_burst),
        operations,
    });
    if let (Some(store), Some(token)) = (&state.admin_store, &state.config.admin_token) {
        let limits = Limits::new(state.config.rate_per_second, state.config.rate_burst);
        route = admin::add_to(route, store, token, limits, state.config.public_url.clone());
    }
    let token = state.config.metrics_token.clone();
    let route = add_page(monitor::add_to(route, state.watched, true, state.metrics, token.as_ref()));
    dressed(route.with(AddData::new(access)).with(AddData::new(limit)))
}

/// Metrics and health alone, for a process without the API.
pub fn metrics_routes(
    watched: Vec<Arc<Watched>>,
    metrics: Metrics,
    config: Arc<ApiConfig>,
) -> impl Endpoint<Output = Response> + 'static {
    dressed(monitor::add_to(Route::new(), watched, false, metrics, config.metrics_token.as_ref()))
}

/// The OpenAPI document as YAML; needs no database.
pub fn document() -> String {
    service(Shown::<Resources>::new()).spec_yaml()
}

/// The admin API's document as YAML.
pub fn admin_document() -> String {
    admin::document()
}

/// The resources, in the order of the document.
type Resources = (
    SubscriptionsApi,
    TestSendsApi,
    DeliveriesApi,
    EventsApi,
    EventTypesApi,
    StatisticsApi,
    JobsApi,
    TenantApi,
    WhoAmIApi,
    KeysApi,
    AuditApi,
);

fn resources(state: &ApiState, strictness: &Arc<Strictness>) -> Resources {
    let store = || state.store.clone();
    let (keyring, webhook) = (Arc::clone(&state.keyring), Arc::clone(&state.webhook));
    (
        SubscriptionsApi { store: store(), keyring, webhook: webhook.clone() },
        TestSendsApi { store: store(), webhook },
        DeliveriesApi { store: store(), strictness: Arc::clone(strictness) },
        EventsApi { store: store(), strictness: Arc::clone(strictness) },
        EventTypesApi { store: store() },
        StatisticsApi { store: store(), watched: Arc::clone(&state.watched[0]) },
        JobsApi { store: store() },
        TenantApi { store: store() },
        WhoAmIApi { store: store() },
        KeysApi { store: store() },
        AuditApi { store: store() },
    )
}

/// The document of some resources without anything behind it.
struct Shown<T>(PhantomData<fn() -> T>);

impl<T> Shown<T> {
    const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T: OpenApi> OpenApi for Shown<T> {
    fn meta() -> Vec<MetaApi> {
        once::document(T::meta())
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
        schemas::keep_references_plain(registry);
    }

    fn add_routes(self, _: &mut HashMap<String, HashMap<Method, BoxEndpoint<'static>>>) {}
}

/// What the document says first: how to call, then the guide to receiving as it is in `docs/`.
const DESCRIPTION: &str = concat!(include_str!("description.md"), "\n", include_str!("../../docs/receiving.md"));

fn service<T: OpenApi>(apis: T) -> OpenApiService<T, ()> {
    let service = OpenApiService::new(apis, "Posthorn", env!("CARGO_PKG_VERSION"))
        .description(DESCRIPTION)
        .extra_request_header::<Option<Uuid>, _>(ExtraHeader::new(TENANT_HEADER).description(
        "With the operator's token: the tenant to act for. Keys and other tokens act for their own, and for no other",
    ));
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
            let is_method = response.status() == StatusCode::METHOD_NOT_ALLOWED;
            let headers = response.headers_mut();
            if is_method && !headers.contains_key(header::ALLOW) {
                // whatever is no operation of an API is there to be read
                headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            }
            headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
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
