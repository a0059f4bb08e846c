//! The trace that a request which publishes belongs to.

use poem::Request;

use crate::domain::traceparent::TraceParent;
use crate::store::Scope;
use crate::traces::Publishing;

/// Begins the span of a request. A header that cannot be read, or is there twice, is none, as the specification wants it.
pub(super) fn publishing(request: &Request, scope: &Scope) -> Publishing {
    let mut headers = request.headers().get_all(TraceParent::HEADER).iter();
    let header = headers.next().filter(|_| headers.next().is_none()).and_then(|header| header.to_str().ok());
    let tenant = match scope {
        Scope::Tenant { id, .. } => Some(*id),
        Scope::Operator | Scope::Instance => None,
    };
    // none of these paths has an id in it
    Publishing::begin(request.original_uri().path(), tenant, header)
}
