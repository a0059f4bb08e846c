//! stub
use crate::config::*;
use crate::domain::keyring::Keyring;
use crate::metrics::Metrics;
use crate::store::Store;
use std::sync::Arc;
/// s
pub struct ApiState {
    /// s
    pub store: Store,
    /// s
    pub metrics: Metrics,
    /// s
    pub config: Arc<ApiConfig>,
    /// s
    pub webhook: Arc<WebhookConfig>,
    /// s
    pub keyring: Arc<Keyring>,
}
/// s
pub fn routes(_: ApiState) -> poem::Route {
    poem::Route::new()
}
/// s
pub fn metrics_routes(_: Store, _: Metrics, _: Arc<ApiConfig>) -> poem::Route {
    poem::Route::new()
}
