//! Every answer that is not 2xx: one problem body (RFC 9457), whatever refused the request.

use std::io::ErrorKind;

use poem::error::{MethodNotAllowedError, NotFoundError, ReadBodyError, ResponseError};
use poem::http::{StatusCode, header};
use poem::{IntoResponse, Response};
use poem_openapi::Object;
use poem_openapi::error::{AuthorizationError, ContentTypeError, ParseParamError, ParsePathError};
use serde::Serialize;
use uuid::Uuid;

use super::limits::Allowance;
use crate::domain::permission::{Permission, Permissions};
use crate::domain::violation::Violation;
use crate::store::StoreError;

pub(super) const CONTENT_TYPE: &str = "application/problem+json";

/// CHECK constraint of the outbox that a payload beyond the limit meets.
const SIZE_CONSTRAINT: &str = "payload_is_within_the_size_limit";

/// A refused request. Holds nothing that the caller may not see.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{title}: {detail}")]
pub(super) struct Problem {
    status: StatusCode,
    slug: &'static str,
    title: &'static str,
    detail: String,
    errors: Vec<Violation>,
    more: Box<More>,
}

/// What only some problems have to say. Apart, for a result that may be a problem should not be large.
#[derive(Clone, Debug, Default)]
struct More {
    existing_id: Option<Uuid>,
    scope: Option<Permission>,
    retry_after_seconds: Option<u32>,
    allowance: Option<Allowance>,
}

impl Problem {
    fn new(status: StatusCode, slug: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, slug, title, detail: detail.into(), errors: Vec::new(), more: Box::default() }
    }

    fn with(self, more: More) -> Self {
        Self { more: Box::new(more), ..self }
    }

    /// 400 with every failed rule (R2).
    pub(super) fn invalid(errors: Vec<Violation>) -> Self {
        let detail = errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        Self { errors, ..Self::new(StatusCode::BAD_REQUEST, "validation", "The request is not valid", detail) }
    }

    /// 400 for one failed rule.
    pub(super) fn violation(field: &str, rule: &'static str, message: impl Into<String>) -> Self {
        Self::invalid(vec![Violation::new(field, rule, message)])
    }

    /// 400 for a body that is no JSON object at all.
    pub(super) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", "The request cannot be read", detail)
    }

    /// 401, the same for a missing, malformed, unknown, wrong and revoked key.
    pub(super) fn unauthorised() -> Self {
        let detail = "send the header Authorization: Bearer <api key>, with a key that is valid";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorised", "A valid API key is needed", detail)
    }

    /// 403, naming the scope that is missing.
    pub(super) fn forbidden(needed: Permission, has: Permissions) -> Self {
        let has = if has.is_empty() { "none".to_owned() } else { has.words().join(", ") };
        let detail = format!("this needs the scope {needed}; the key or token has: {has}");
        let title = "The scope does not suffice";
        Self::new(StatusCode::FORBIDDEN, "scope", title, detail).with(More { scope: Some(needed), ..More::default() })
    }

    /// 429.
    pub(super) fn too_many(allowance: Allowance, retry_after_seconds: u32) -> Self {
        let detail = format!("more requests than the limit allows; try again in {retry_after_seconds} s");
        let (allowance, retry_after_seconds) = (Some(allowance), Some(retry_after_seconds));
        Self::new(StatusCode::TOO_MANY_REQUESTS, "rate-limit", "Too many requests", detail).with(More {
            allowance,
            retry_after_seconds,
            ..More::default()
        })
    }

    /// 409 for an `Idempotency-Key` that named another request.
    pub(super) fn idempotency_conflict() -> Self {
        let detail = "this Idempotency-Key was used for a request with another body or query; use a new one";
        Self::new(StatusCode::CONFLICT, "idempotency-conflict", "The key names another request", detail)
    }

    /// 409 for an `Idempotency-Key` whose request has not been answered yet.
    pub(super) fn in_progress() -> Self {
        let detail = "the request with this Idempotency-Key is still running; try again";
        Self::new(StatusCode::CONFLICT, "in-progress", "Still running", detail)
            .with(More { retry_after_seconds: Some(1), ..More::default() })
    }

    /// 404, the same for what does not exist and for what is another tenant's.
    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "Not found", detail)
    }

    /// 409 for a subscription that is there already (R3).
    pub(super) fn duplicate(existing: Uuid) -> Self {
        let detail = format!("subscription {existing} has the same URL and an overlapping event");
        let title = "The subscription exists already";
        Self::new(StatusCode::CONFLICT, "duplicate-subscription", title, detail)
            .with(More { existing_id: Some(existing), ..More::default() })
    }

    /// 409 for something that cannot be done in its present state.
    pub(super) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", "Not possible in the present state", detail)
    }

    /// 412 for a change meant for a state that is no longer.
    pub(super) fn changed_meanwhile() -> Self {
        let detail = "it was changed since that ETag was read: read it again";
        Self::new(StatusCode::PRECONDITION_FAILED, "changed-meanwhile", "Changed meanwhile", detail)
    }

    /// 413.
    pub(super) fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "Too large", detail)
    }

    /// 500 without a word of what went wrong: that is in the log.
    pub(super) fn internal() -> Self {
        let detail = "the fault is on our side and has been logged";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Internal error", detail)
    }

    /// 503.
    pub(super) fn unavailable() -> Self {
        let detail = "the database cannot be reached; try again";
        let title = "Temporarily unavailable";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", title, detail)
    }

    /// 503 where no dispatcher took what only one can do.
    pub(super) fn no_dispatcher() -> Self {
        let detail = "no dispatcher answered in time: is one running (posthorn serve), and is the receiver slow?";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "no-dispatcher", "No dispatcher answered", detail)
    }

    /// What a poem error comes to, from our handlers or from poem's own parsing and routing.
    pub(super) fn from_poem(error: &poem::Error) -> Self {
        if let Some(problem) = error.downcast_ref::<Self>() {
            problem.clone()
        } else if error.is::<ParsePathError>() {
            Self::violation("id", "uuid", "must be a UUID")
        } else if let Some(ParseParamError { name, reason }) = error.downcast_ref() {
            Self::violation(name, "parameter", expected(name).unwrap_or(reason))
        } else if let Some(unsupported) = error.downcast_ref::<ContentTypeError>() {
            let detail = format!("{unsupported}; send Content-Type: application/json");
            Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content-type", "The body must be JSON", detail)
        } else if error.is::<AuthorizationError>() {
            Self::unauthorised()
        } else if error.is::<NotFoundError>() {
            Self::not_found("there is nothing at this path")
        } else if error.is::<MethodNotAllowedError>() {
            let title = "Method not allowed";
            Self::new(StatusCode::METHOD_NOT_ALLOWED, "method", title, "this path does not take this method")
        } else if matches!(error.downcast_ref(), Some(ReadBodyError::PayloadTooLarge)) {
            Self::too_large("the body is larger than this server takes")
        } else if matches!(error.downcast_ref(), Some(ReadBodyError::Io(fault)) if fault.kind() == ErrorKind::TimedOut)
        {
            let detail = "the body came too slowly; send it again";
            Self::new(StatusCode::REQUEST_TIMEOUT, "timeout", "The request took too long", detail)
        } else if error.status().is_client_error() {
            Self::new(error.status(), "malformed", "The request cannot be read", error.to_string())
        } else {
            tracing::error!(error = %error, "request failed");
            Self::internal()
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Unavailable { .. } => {
                tracing::warn!(error = %error.with_causes(), "request refused: no database");
                return Self::unavailable();
            }
            StoreError::Constraint { constraint, .. } if constraint == SIZE_CONSTRAINT => {
                return Self::too_large("the payload is larger than WEBHOOK_MAX_PAYLOAD_BYTES as PostgreSQL prints it");
            }
            StoreError::Constraint { constraint, .. } => {
                return Self::violation("body", "constraint", format!("refused by the rule {constraint}"));
            }
            StoreError::Value { message, .. } => return Self::violation("body", "value", message.clone()),
            _ => {}
        }
        // class 54: beyond what Postgres can take, such as a payload nested too deeply
        if error.sqlstate().is_some_and(|code| code.code().starts_with("54")) {
            return Self::violation(
                "body",
                "limit",
                "is nested too deeply or otherwise beyond what PostgreSQL can take",
            );
        }
        tracing::error!(error = %error.with_causes(), "request failed");
        Self::internal()
    }
}

/// What a query parameter takes, in words of ours: poem's name the types of this program.
fn expected(parameter: &str) -> Option<&'static str> {
    match parameter {
        "limit" => Some("must be a whole number from 1 to 500"),
        "active" => Some("must be true, false or all"),
        "strict" | "own" => Some("must be true or false"),
        "since" | "until" => Some("must be a time such as 2030-01-31T12:00:00Z (RFC 3339)"),
        "bucket" => Some("must be minute, hour or day"),
        "state" => Some("must be healthy, degraded, failing, suspended or paused"),
        "status_code" => Some("must be a whole number from 100 to 999"),
        _ if parameter.ends_with("_id") => Some("must be a UUID"),
        _ => None,
    }
}

impl ResponseError for Problem {
    fn status(&self) -> StatusCode {
        self.status
    }

    fn as_response(&self) -> Response {
        self.clone().into_response()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = ProblemBody {
            r#type: format!("urn:posthorn:problem:{}", self.slug),
            title: self.title.to_owned(),
            status: self.status.as_u16(),
            detail: self.detail,
            errors: self.errors.into_iter().map(FailedRule::from).collect(),
            existing_id: self.more.existing_id,
            scope: self.more.scope.map(|scope| scope.as_str().to_owned()),
        };
        let text = serde_json::to_string(&body).expect("strings and numbers can always be written");
        let mut response = Response::builder().status(self.status).content_type(CONTENT_TYPE).body(text);
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
        }
        let is_unavailable = self.status == StatusCode::SERVICE_UNAVAILABLE;
        if let Some(seconds) = self.more.retry_after_seconds.or(is_unavailable.then_some(1)) {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if let Some(allowance) = self.more.allowance {
            allowance.add_to(headers);
        }
        response
    }
}

/// Why a request was refused (RFC 9457).
#[derive(Object, Serialize)]
#[oai(rename = "Problem")]
pub(super) struct ProblemBody {
    /// Stable name of the kind of problem, for programs.
    r#type: String,
    /// The kind in words.
    title: String,
    /// The HTTP status again.
    status: u16,
    /// What is wrong with this request.
    detail: String,
    /// Every failed rule.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[oai(default)]
    errors: Vec<FailedRule>,
    /// Of a duplicate: the subscription that exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    existing_id: Option<Uuid>,
    /// Of a 403: the scope that is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
}

/// One failed rule.
#[derive(Object, Serialize)]
struct FailedRule {
    /// The field or parameter.
    field: String,
    /// Stable name of the rule, for programs.
    rule: String,
    /// What would be right.
    message: String,
}

impl From<Violation> for FailedRule {
    fn from(violation: Violation) -> Self {
        Self { field: violation.field, rule: violation.rule.to_owned(), message: violation.message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn shown(problem: Problem) -> (StatusCode, serde_json::Value) {
        let response = problem.into_response();
        assert_eq!(response.content_type(), Some(CONTENT_TYPE));
        let status = response.status();
        (status, response.into_body().into_json().await.unwrap())
    }

    #[tokio::test]
    async fn every_failed_rule_is_in_the_body() {
        let errors =
            vec![Violation::new("url", "url_scheme", "must begin with https://"), Violation::new("event", "x", "y")];
        let (status, body) = shown(Problem::invalid(errors)).await;
        assert_eq!(status, 400);
        assert_eq!(body["type"], "urn:posthorn:problem:validation");
        assert_eq!(body["errors"][0]["rule"], "url_scheme");
        assert_eq!(body["errors"].as_array().unwrap().len(), 2);
        assert_eq!(body["detail"], "url: must begin with https://; event: y");
    }

    #[tokio::test]
    async fn a_duplicate_names_the_existing_subscription() {
        let (status, body) = shown(Problem::duplicate(Uuid::from_u128(7))).await;
        assert_eq!((status, &body["existing_id"]), (StatusCode::CONFLICT, &Uuid::from_u128(7).to_string().into()));
    }

    #[tokio::test]
    async fn errors_of_the_framework_become_problems() {
        let cases: [(poem::Error, u16); 7] = [
            (NotFoundError.into(), 404),
            (MethodNotAllowedError.into(), 405),
            (ReadBodyError::PayloadTooLarge.into(), 413),
            (ContentTypeError::ExpectContentType.into(), 415),
            (AuthorizationError.into(), 401),
            (ParsePathError { name: "param0", reason: "no".to_owned() }.into(), 400),
            (poem::Error::from_string("internals", StatusCode::INTERNAL_SERVER_ERROR), 500),
        ];
        for (error, want) in cases {
            let (status, body) = shown(Problem::from_poem(&error)).await;
            assert_eq!((status.as_u16(), body["status"].as_u64()), (want, Some(want.into())), "{error}");
            assert!(!body.to_string().contains("internals"));
        }
    }

    #[tokio::test]
    async fn an_unreachable_database_says_when_to_come_back() {
        let error = StoreError::Unavailable { context: "connecting", source: "no route".into() };
        let response = Problem::from(error).into_response();
        assert_eq!((response.status().as_u16(), response.header("retry-after")), (503, Some("1")));
        assert_eq!(Problem::unauthorised().into_response().header("www-authenticate"), Some("Bearer"));
    }
}
