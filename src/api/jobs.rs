//! Again: retry and cancel by filter, replay, backfill (R46). Each is a job that goes on in chunks; here they are made, shown and
//! cancelled.

mod input;

use poem::Request;
use poem_openapi::param::{Path, Query};
use poem_openapi::{Object, OpenApi};
use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

use self::input::{BackfillInput, CancelInput, ReplayInput, RetryInput, Wish};
use super::body::{Body, RawJson};
use super::caller::{Caller, Manages, Reads};
use super::checks::Checks;
use super::cursor::{self, LIMIT_DEFAULT};
use super::once::Once;
use super::problem::Problem;
use super::refusal::{Acting, Reading, Refusal, Writing};
use super::reply::{Accepted, Either, Found, Reply};
use super::{BASES, Tag};
use crate::domain::subscription::SubscriptionStatus;
use crate::domain::violation::Violation;
use crate::store::jobs::{self, JobKind, JobState, NewJob};
use crate::store::{Store, StoreError, Tx, Work, search, subscriptions};

/// The operations that make jobs, and on jobs.
pub(super) struct JobsApi {
    /// Where they are.
    pub(super) store: Store,
}

/// A count, or the job that was made.
type Begun = Either<Found<Estimate>, Accepted<Job>>;

#[OpenApi(tag = "Tag::Jobs")]
impl JobsApi {
    /// Retry deliveries
    ///
    /// Those that the filter names become due again, each as a new generation with its attempts counted from 0, by a job in chunks.
    /// Those whose subscription is not active are passed over. With `dry_run` they are only counted.
    #[oai(path = "/deliveries/retry", method = "post", operation_id = "retryDeliveries")]
    async fn retry(
        &self,
        caller: Caller<Manages>,
        request: &Request,
        body: Body<RetryInput>,
    ) -> Result<Once<Begun>, Refusal<Writing>> {
        Ok(self.begin(&caller, request, Wish::retry(body.0)?).await?)
    }

    /// Cancel deliveries
    ///
    /// Those that wait and that the filter names are given up, by a job in chunks. With `dry_run` they are only counted.
    #[oai(path = "/deliveries/cancel", method = "post", operation_id = "cancelDeliveries")]
    async fn cancel_deliveries(
        &self,
        caller: Caller<Manages>,
        request: &Request,
        body: Body<CancelInput>,
    ) -> Result<Once<Begun>, Refusal<Writing>> {
        Ok(self.begin(&caller, request, Wish::cancel(body.0)?).await?)
    }

    /// Replay a subscription's deliveries
    ///
    /// Finished deliveries of a range of time are sent again, delivered ones too: the same `webhook-id` and body, a new generation.
    /// With `dry_run` they are only counted.
    #[oai(path = "/subscriptions/:id/replay", method = "post", operation_id = "replaySubscription")]
    async fn replay(
        &self,
        caller: Caller<Manages>,
        request: &Request,
        /// Id of the subscription.
        id: Path<Uuid>,
        body: Body<ReplayInput>,
    ) -> Result<Once<Begun>, Refusal<Writing>> {
        Ok(self.begin(&caller, request, Wish::replay(body.0, id.0)?).await?)
    }

    /// Backfill a subscription
    ///
    /// Events of a range of time that it wants, by its events and filter of now, and of which it has no delivery yet, are delivered
    /// to it. Asking twice delivers nothing twice. With `dry_run` they are only counted.
    #[oai(path = "/subscriptions/:id/backfill", method = "post", operation_id = "backfillSubscription")]
    async fn backfill(
        &self,
        caller: Caller<Manages>,
        request: &Request,
        /// Id of the subscription.
        id: Path<Uuid>,
        body: Body<BackfillInput>,
    ) -> Result<Once<Begun>, Refusal<Writing>> {
        Ok(self.begin(&caller, request, Wish::backfill(body.0, id.0)?).await?)
    }

    /// List jobs
    ///
    /// Newest first. Finished ones are kept for 90 days.
    #[oai(path = "/jobs", method = "get", operation_id = "listJobs")]
    async fn list(
        &self,
        caller: Caller<Reads>,
        /// Only those that are `waiting`, `running`, `done`, `cancelled` or `failed`.
        state: Query<Option<String>>,
        /// Only those of this kind: `retry`, `replay`, `backfill`, `cancel` or `erase`.
        kind: Query<Option<String>>,
        /// Rows of a page, 100 unless given.
        #[oai(validator(minimum(value = "1"), maximum(value = "500")))]
        limit: Query<Option<u32>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<Found<JobPage>, Refusal<Reading>> {
        let limit = limit.0.unwrap_or(LIMIT_DEFAULT);
        let mut checks = Checks::default();
        let state = checks.read(state.0.as_deref(), read_state);
        let kind = checks.read(kind.0.as_deref(), read_kind);
        let before = checks.read(cursor.0.as_deref(), cursor::read);
        checks.finish()?;
        let found = self
            .store
            .tx("list jobs", caller.scope(), move |tx| {
                Work::new(jobs::list(tx, state, kind, before, i64::from(limit) + 1))
            })
            .await?;
        let (rows, next_cursor) = cursor::page(found, limit, |row| row.id);
        Ok(Reply::new(JobPage { data: rows.into_iter().map(Job::new).collect::<Result<_, _>>()?, next_cursor }))
    }

    /// Get a job
    #[oai(path = "/jobs/:id", method = "get", operation_id = "getJob")]
    async fn get(
        &self,
        caller: Caller<Reads>,
        /// Id of the job.
        id: Path<Uuid>,
    ) -> Result<Found<Job>, Refusal<Reading>> {
        let found = self.store.tx("get job", caller.scope(), move |tx| Work::new(jobs::find(tx, id.0))).await?;
        Ok(Reply::new(Job::new(found.ok_or_else(|| unknown(id.0))?)?))
    }

    /// Cancel a job
    ///
    /// It ends after the chunk that is under way; what it did stays. Cancelling it again changes nothing.
    #[oai(path = "/jobs/:id/cancel", method = "post", operation_id = "cancelJob")]
    async fn cancel(
        &self,
        caller: Caller<Manages>,
        /// Id of the job.
        id: Path<Uuid>,
    ) -> Result<Once<Found<Job>>, Refusal<Acting>> {
        let answer = |found: Option<jobs::Job>| match found {
            Some(job) if job.state == JobState::Cancelled => Ok(Reply::new(Job::new(job)?)),
            Some(job) => Err(Problem::conflict(format!("it is {} already", job.state))),
            None => Err(unknown(id.0)),
        };
        Ok(caller.once(&self.store, "cancel job", move |tx| Work::new(jobs::cancel(tx, id.0)), answer).await??)
    }
}

/// What came of asking for a job.
enum Beginning {
    Counted(jobs::Estimate),
    Made(Box<jobs::Job>),
    TooMany,
    NoSubscription(Uuid),
    Inactive(SubscriptionStatus),
}

impl JobsApi {
    async fn begin(&self, caller: &Caller<Manages>, request: &Request, wish: Wish) -> Result<Once<Begun>, Problem> {
        let (new, is_dry_run) = (&wish.job, wish.is_dry_run);
        let answer = |beginning| match beginning {
            Beginning::Counted(estimate) => Ok(Either::One(Reply::new(Estimate::from(estimate)))),
            Beginning::Made(job) => {
                let path = format!("{}/jobs/{}", base_of(request), job.id);
                Ok(Either::Other(Reply::new(Job::new(*job)?).at_path(path)))
            }
            Beginning::TooMany => Err(Problem::conflict("three jobs are unfinished: wait for one, or cancel it")),
            Beginning::NoSubscription(id) => Err(Problem::not_found(format!("there is no subscription {id}"))),
            Beginning::Inactive(status) => {
                Err(Problem::conflict(format!("the subscription is {status}, so nothing would be sent")))
            }
        };
        caller
            .once(&self.store, "begin job", move |tx| Work::new(begin(tx, new, is_dry_run)), answer)
            .await
            .map_err(refuse)?
    }
}

async fn begin(tx: &Tx<'_>, new: &NewJob, is_dry_run: bool) -> Result<Beginning, StoreError> {
    if let Some(id) = new.subscription_id {
        let Some(of) = subscriptions::find(tx, id).await? else { return Ok(Beginning::NoSubscription(id)) };
        if new.kind != JobKind::Cancel && of.status != SubscriptionStatus::Active {
            return Ok(Beginning::Inactive(of.status));
        }
    }
    if is_dry_run {
        return jobs::count(tx, new).await.map(Beginning::Counted);
    }
    let made = jobs::add(tx, new).await?;
    Ok(made.map_or(Beginning::TooMany, |job| Beginning::Made(Box::new(job))))
}

/// Counting can be dear only where a subscription's filter is.
fn refuse(error: StoreError) -> Problem {
    if search::is_too_dear(&error) {
        return Problem::conflict("the subscription's filter takes too long: make it simpler, or the range shorter");
    }
    error.into()
}

fn base_of(request: &Request) -> &'static str {
    let path = request.original_uri().path();
    BASES.into_iter().find(|base| path.starts_with(base)).unwrap_or(BASES[0])
}

fn unknown(id: Uuid) -> Problem {
    Problem::not_found(format!("there is no job {id}"))
}

fn read_state(text: &str) -> Result<JobState, Violation> {
    let words = || JobState::ALL.map(JobState::as_str).join(", ");
    JobState::parse(text).ok_or_else(|| Violation::new("state", "unknown_word", format!("must be one of {}", words())))
}

fn read_kind(text: &str) -> Result<JobKind, Violation> {
    let words = || JobKind::ALL.map(JobKind::as_str).join(", ");
    JobKind::parse(text).ok_or_else(|| Violation::new("kind", "unknown_word", format!("must be one of {}", words())))
}

/// How many a job would be about.
#[derive(Object, Serialize)]
struct Estimate {
    /// So many.
    total: i64,
    /// False: there are more; counting ends after a million, or after two seconds.
    is_total_exact: bool,
}

impl From<jobs::Estimate> for Estimate {
    fn from(counted: jobs::Estimate) -> Self {
        Self { total: counted.total, is_total_exact: counted.is_total_exact }
    }
}

/// Long work in chunks.
#[derive(Object, Serialize)]
struct Job {
    /// Id.
    id: Uuid,
    /// `retry`, `replay`, `backfill` or `cancel`.
    kind: String,
    /// Only of this subscription.
    #[oai(nullable)]
    subscription_id: Option<Uuid>,
    /// Which rows: what was asked for.
    filter: RawJson,
    /// `waiting`, `running`, `done`, `cancelled`, or `failed`: `error` says why.
    state: String,
    /// How many it was about when it was made.
    total: i64,
    /// False: there were more.
    is_total_exact: bool,
    /// Rows looked at so far.
    looked_at: i64,
    /// Of these, what met the filter: `changed` and `skipped` together.
    processed: i64,
    /// Deliveries made due, made anew or cancelled.
    changed: i64,
    /// Left as they were: their subscription is not active, someone else held them, or they were there already.
    skipped: i64,
    /// Why the last try, or the job, failed.
    #[oai(nullable)]
    error: Option<String>,
    /// Who asked for it.
    #[oai(nullable)]
    created_by: Option<String>,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When it began.
    #[oai(nullable)]
    #[serde(with = "time::serde::rfc3339::option")]
    started_at: Option<OffsetDateTime>,
    /// When it last got on.
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
    /// When it came to its end.
    #[oai(nullable)]
    #[serde(with = "time::serde::rfc3339::option")]
    finished_at: Option<OffsetDateTime>,
}

impl Job {
    fn new(row: jobs::Job) -> Result<Self, Problem> {
        Ok(Self {
            id: row.id,
            kind: row.kind.to_string(),
            subscription_id: row.subscription_id,
            filter: RawJson::new(row.filter)?,
            state: row.state.to_string(),
            total: row.total,
            is_total_exact: row.is_total_exact,
            looked_at: row.looked_at,
            processed: row.changed + row.skipped,
            changed: row.changed,
            skipped: row.skipped,
            error: row.error,
            created_by: row.created_by,
            created_at: row.created_at,
            started_at: row.started_at,
            updated_at: row.updated_at,
            finished_at: row.finished_at,
        })
    }
}

/// A page of jobs.
#[derive(Object, Serialize)]
struct JobPage {
    /// Newest first.
    data: Vec<Job>,
    /// Where the next page begins; null on the last.
    #[oai(nullable)]
    next_cursor: Option<String>,
}
