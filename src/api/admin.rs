//! The operator's own API: tenants and their keys. It has its own token, its own role in Postgres and its own document.

mod keys;
mod portal_links;
mod tenants;

use std::sync::Arc;

use poem::middleware::AddData;
use poem::{EndpointExt, IntoEndpoint, Request, Route};
use poem_openapi::auth::Bearer;
use poem_openapi::{OpenApi, OpenApiService, SecurityScheme, Tags};
use secrecy::SecretString;

use self::keys::KeysApi;
use self::portal_links::PortalLinksApi;
use self::tenants::TenantsApi;
use super::access::BearerHash;
use super::limits::Limits;
use super::operations::Operations;
use super::problem::Problem;
use super::{Shown, surround};
use crate::store::Store;

/// Where it is.
const BASE: &str = "/api/v1/admin";

/// Headings of the document, in reading order.
#[derive(Tags)]
enum Tag {
    /// Who owns subscriptions and events.
    Tenants,
    /// Keys by which tenants' programs call.
    #[oai(rename = "API keys")]
    ApiKeys,
    /// Ways into one tenant's admin page, for a while.
    #[oai(rename = "Portal links")]
    PortalLinks,
}

/// The resources, in the order of the document.
type Resources = (TenantsApi, KeysApi, PortalLinksApi);

/// What admitting the operator needs.
struct Door {
    token: BearerHash,
    limits: Limits,
    operations: Arc<Operations>,
}

/// The operator's token (`POSTHORN_ADMIN_TOKEN`).
#[derive(SecurityScheme)]
#[oai(ty = "bearer", rename = "OperatorToken", checker = "admit")]
struct Operator(());

async fn admit(request: &Request, bearer: Bearer) -> poem::Result<()> {
    let door = request.data::<Arc<Door>>().ok_or_else(Problem::internal)?;
    door.limits.admit_stranger(request.remote_addr())?;
    if !door.token.is(&bearer.token) {
        door.limits.note_stranger(request.remote_addr());
        return Err(Problem::unauthorised().into());
    }
    Ok(door.operations.check_query(request.method(), request.original_uri())?)
}

/// Adds the API and its document to `route`; `store` has the role `Admin`, `limits` are those of strangers; links
/// begin with `public_url`.
pub(super) fn add_to(
    route: Route,
    store: &Store,
    token: &SecretString,
    limits: Limits,
    public_url: Option<String>,
) -> Route {
    let document = service(Shown::<Resources>::new());
    let operations = Arc::new(Operations::new(&[BASE], <Resources as OpenApi>::meta()));
    let door = Arc::new(Door { token: BearerHash::of(token), limits, operations: Arc::clone(&operations) });
    let portal_links = PortalLinksApi { store: store.clone(), public_url: public_url.unwrap_or_default() };
    let resources = service((TenantsApi { store: store.clone() }, KeysApi { store: store.clone() }, portal_links));
    let endpoint = resources
        .into_endpoint()
        .around(move |endpoint, request| surround::with_headers(endpoint, Arc::clone(&operations), request))
        .with(AddData::new(door));
    route
        .at(format!("{BASE}/openapi.json"), poem::get(document.spec_endpoint()))
        .at(format!("{BASE}/openapi.yaml"), poem::get(document.spec_endpoint_yaml()))
        .nest(BASE, endpoint)
}

/// The document as YAML.
pub(super) fn document() -> String {
    service(Shown::<Resources>::new()).spec_yaml()
}

fn service<T: OpenApi>(apis: T) -> OpenApiService<T, ()> {
    OpenApiService::new(apis, "Posthorn for operators", env!("CARGO_PKG_VERSION"))
        .description(include_str!("admin/description.md"))
        .server(BASE)
}
