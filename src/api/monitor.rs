//! For operators and their machines: metrics and health (R10, R11, R74).

mod watched;

use std::sync::Arc;

use futures_util::future::join_all;
use poem::{Endpoint, IntoResponse, Request, Response, Route};
use secrecy::SecretString;
use serde::Serialize;

use super::access::BearerHash;
use super::problem::Problem;
use crate::metrics::Metrics;
use crate::store::queue::QueueState;

pub use watched::Watched;

/// What health says of a restored copy.
const IS_COPY: &str = "a restored copy: nothing is sent from it until `posthorn resume`";

/// What is watched, and who may look.
struct Monitor {
    databases: Vec<Arc<Watched>>,
    /// Whether the process is of no use without the first, the API's.
    needs_first: bool,
    metrics: Metrics,
    token: Option<BearerHash>,
}

/// Adds `/metrics`, `/health/live` and `/health/ready`. The first and the last ask for `token` when there is one.
pub(super) fn add_to(
    route: Route,
    databases: Vec<Arc<Watched>>,
    needs_first: bool,
    metrics: Metrics,
    token: Option<&SecretString>,
) -> Route {
    let token = token.map(BearerHash::of);
    let monitor = Arc::new(Monitor { databases, needs_first, metrics, token });
    let (scraped, asked) = (Arc::clone(&monitor), monitor);
    route
        .at("/metrics", poem::get(answer(move |request| page(Arc::clone(&scraped), request))))
        .at("/health/live", poem::get(answer(|_| async { Ok(json(Live { status: "live" })) })))
        .at("/health/ready", poem::get(answer(move |request| ready(Arc::clone(&asked), request))))
}

fn answer<F, Fut>(handle: F) -> impl Endpoint<Output = Response>
where
    F: Fn(Request) -> Fut + Send + Sync,
    Fut: Future<Output = Result<Response, Problem>> + Send,
{
    poem::endpoint::make(move |request| {
        let handled = handle(request);
        async move { handled.await.map_err(poem::Error::from) }
    })
}

async fn page(monitor: Arc<Monitor>, request: Request) -> Result<Response, Problem> {
    monitor.admit(&request)?;
    join_all(monitor.databases.iter().map(|watched| watched.measure())).await;
    let text = monitor.metrics.render().map_err(|error| {
        tracing::error!(error = %error, "metrics cannot be written");
        Problem::internal()
    })?;
    Ok(Response::builder().content_type("text/plain; version=0.0.4; charset=utf-8").body(text))
}

async fn ready(monitor: Arc<Monitor>, request: Request) -> Result<Response, Problem> {
    monitor.admit(&request)?;
    let mut states = join_all(monitor.databases.iter().map(|watched| watched.queue())).await;
    let is_of_use = if monitor.needs_first { states[0].is_ok() } else { states.iter().any(Result::is_ok) };
    if !is_of_use {
        return Err(states.swap_remove(0).err().unwrap_or_else(Problem::unavailable));
    }
    let databases: Vec<ReadyDatabase<'_>> = monitor
        .databases
        .iter()
        .zip(&states)
        .map(|(watched, state)| ReadyDatabase {
            database: &watched.name,
            status: match state {
                Ok(state) if state.is_copy => "copy",
                Ok(_) => "ready",
                Err(_) => "unavailable",
            },
            detail: state.as_ref().ok().filter(|state| state.is_copy).map(|_| IS_COPY),
            queue: state.as_ref().ok().map(ReadyQueue::of),
        })
        .collect();
    let is_well = |state: &Result<QueueState, Problem>| state.as_ref().is_ok_and(|state| !state.is_copy);
    let status = if states.iter().all(is_well) { "ready" } else { "degraded" };
    let whole = databases.iter().filter_map(|d| d.queue).reduce(ReadyQueue::with).unwrap_or_default();
    Ok(json(Ready { status, whole, databases }))
}

impl Monitor {
    fn admit(&self, request: &Request) -> Result<(), Problem> {
        let Some(token) = &self.token else { return Ok(()) };
        let given = request.header("authorization").and_then(|value| value.split_once(' '));
        match given {
            Some((scheme, given)) if scheme.eq_ignore_ascii_case("bearer") && token.is(given.trim()) => Ok(()),
            _ => Err(Problem::unauthorised()),
        }
    }
}

#[derive(Serialize)]
struct Live {
    status: &'static str,
}

#[derive(Serialize)]
struct Ready<'a> {
    status: &'static str,
    #[serde(flatten)]
    whole: ReadyQueue,
    databases: Vec<ReadyDatabase<'a>>,
}

#[derive(Serialize)]
struct ReadyDatabase<'a> {
    database: &'a str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'static str>,
    #[serde(flatten)]
    queue: Option<ReadyQueue>,
}

#[derive(Clone, Copy, Default, Serialize)]
struct ReadyQueue {
    queue_depth: i64,
    oldest_waiting_seconds: f64,
    open_fanouts: i64,
    dispatchers_alive: i64,
}

impl ReadyQueue {
    fn of(state: &QueueState) -> Self {
        Self {
            queue_depth: state.waiting,
            oldest_waiting_seconds: state.oldest_age.unwrap_or_default().as_secs_f64(),
            open_fanouts: state.open_fanouts,
            dispatchers_alive: state.dispatchers_alive,
        }
    }

    /// Of several: sums of what waits, and the worst of the rest.
    fn with(self, other: Self) -> Self {
        Self {
            queue_depth: self.queue_depth + other.queue_depth,
            oldest_waiting_seconds: self.oldest_waiting_seconds.max(other.oldest_waiting_seconds),
            open_fanouts: self.open_fanouts + other.open_fanouts,
            dispatchers_alive: self.dispatchers_alive.min(other.dispatchers_alive),
        }
    }
}

fn json(body: impl Serialize + Send) -> Response {
    poem::web::Json(body).into_response()
}
