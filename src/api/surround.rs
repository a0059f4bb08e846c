//! What surrounds every request of an API: the caller hears of its limit, and of the methods that a path takes.

use std::sync::Arc;

use poem::error::MethodNotAllowedError;
use poem::http::{HeaderValue, StatusCode, header};
use poem::{Endpoint, IntoResponse, Request, Response};

use super::limits::Told;
use super::operations::Operations;
use super::problem::Problem;

/// Calls `endpoint` and adds the headers that its answer needs.
pub(super) async fn with_headers<E: Endpoint>(
    endpoint: Arc<E>,
    operations: Arc<Operations>,
    mut request: Request,
) -> poem::Result<Response> {
    let told = Arc::new(Told::default());
    request.set_data(Arc::clone(&told));
    let path = request.original_uri().path().to_owned();
    let mut response = match endpoint.call(request).await {
        Ok(output) => output.into_response(),
        Err(error) => {
            let is_method = error.is::<MethodNotAllowedError>();
            let mut response = Problem::from_poem(&error).into_response();
            if let Some(methods) = is_method.then(|| HeaderValue::try_from(operations.allowed(&path)).ok()).flatten() {
                response.headers_mut().insert(header::ALLOW, methods);
            }
            response
        }
    };
    // who is not known is told nothing of anybody's limit
    if let Some(allowance) = told.allowance().filter(|_| response.status() != StatusCode::UNAUTHORIZED) {
        allowance.add_to(response.headers_mut());
    }
    Ok(response)
}
