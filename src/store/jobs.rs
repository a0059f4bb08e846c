//! Jobs: long work of a tenant, in chunks. The API makes, shows and cancels them; dispatchers take and run them.

use std::fmt;
use std::time::Duration;

use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use super::row::{get, word};
use super::{Scope, Store, StoreError, Tx, Work, sql};

/// Longest time that counting may take for a job; a filter can make it dear.
const COUNT_LIMIT: &str = "10s";

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobKind {
    /// Deliveries that were given up, again.
    Retry,
    /// A subscription's deliveries again, delivered ones too.
    Replay,
    /// A subscription gets events of before.
    Backfill,
    /// Deliveries that wait are given up.
    Cancel,
    /// What events say of a person is blanked; asked for in SQL alone.
    Erase,
}

impl JobKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Retry, Self::Replay, Self::Backfill, Self::Cancel, Self::Erase];

    /// The word used in columns and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Replay => "replay",
            Self::Backfill => "backfill",
            Self::Cancel => "cancel",
            Self::Erase => "erase",
        }
    }

    /// Reads the word in any letter case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(text.trim()))
    }
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// No dispatcher has taken it yet.
    Waiting,
    /// Some of it may be done.
    Running,
    /// All of it is done.
    Done,
    /// Someone ended it; what was done stays.
    Cancelled,
    /// It could not go on.
    Failed,
}

impl JobState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Waiting, Self::Running, Self::Done, Self::Cancelled, Self::Failed];

    /// The word used in columns and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }

    /// Reads the word in any letter case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str().eq_ignore_ascii_case(text.trim()))
    }
}

impl fmt::Display for JobKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A job as stored.
#[derive(Clone, Debug)]
pub struct Job {
    /// Id.
    pub id: Uuid,
    /// What it does.
    pub kind: JobKind,
    /// Only of this subscription.
    pub subscription_id: Option<Uuid>,
    /// Which rows, as JSON text.
    pub filter: String,
    /// Where it stands.
    pub state: JobState,
    /// How many it was about when it was made.
    pub total: i64,
    /// Whether there were not more.
    pub is_total_exact: bool,
    /// Rows looked at.
    pub looked_at: i64,
    /// Deliveries changed or made.
    pub changed: i64,
    /// Rows that met the filter and stayed as they were.
    pub skipped: i64,
    /// Why the last try, or the job, failed.
    pub error: Option<String>,
    /// Who asked for it.
    pub created_by: Option<String>,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When a dispatcher first took it.
    pub started_at: Option<OffsetDateTime>,
    /// When it last got on.
    pub updated_at: OffsetDateTime,
    /// When it came to its end.
    pub finished_at: Option<OffsetDateTime>,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// What it does.
    pub kind: JobKind,
    /// Only of this subscription.
    pub subscription_id: Option<Uuid>,
    /// Which rows: a JSON object with `statuses`, `event`, `error_kind`, `status_code`, `since`, `until`.
    pub filter: String,
}

/// How many rows a job would be about.
#[derive(Clone, Copy, Debug)]
pub struct Estimate {
    /// So many.
    pub total: i64,
    /// Or more, when this is false.
    pub is_total_exact: bool,
}

/// Counts what a job would be about and changes nothing.
///
/// # Errors
/// [`StoreError`] of the database; 57014 when a filter takes too long.
pub async fn count(tx: &Tx<'_>, new: &NewJob) -> Result<Estimate, StoreError> {
    tx.query_one(sql::SESSION_LIMIT_TIME, &[&COUNT_LIMIT]).await?;
    let row = tx.query_one(sql::JOBS_COUNT, &[&new.kind.as_str(), &new.subscription_id, &new.filter]).await?;
    Ok(Estimate { total: get(&row, "total")?, is_total_exact: get(&row, "is_total_exact")? })
}

/// Makes a job; `None`: the tenant has three unfinished ones.
///
/// # Errors
/// [`StoreError`] of the database; 57014 when a filter takes too long.
pub async fn add(tx: &Tx<'_>, new: &NewJob) -> Result<Option<Job>, StoreError> {
    tx.query_one(sql::SESSION_LIMIT_TIME, &[&COUNT_LIMIT]).await?;
    let row = tx.query_one(sql::JOBS_ADD, &[&new.kind.as_str(), &new.subscription_id, &new.filter]).await?;
    match get(&row, "id")? {
        Some(id) => find(tx, id).await,
        None => Ok(None),
    }
}

/// One job.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn find(tx: &Tx<'_>, id: Uuid) -> Result<Option<Job>, StoreError> {
    tx.query_opt(sql::JOBS_GET, &[&id]).await?.as_ref().map(read).transpose()
}

/// Jobs, newest first: at most `rows` of those below the id `before`.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn list(
    tx: &Tx<'_>,
    state: Option<JobState>,
    kind: Option<JobKind>,
    before: Option<Uuid>,
    rows: i64,
) -> Result<Vec<Job>, StoreError> {
    let (state, kind) = (state.map(JobState::as_str), kind.map(JobKind::as_str));
    tx.query(sql::JOBS_LIST, &[&state, &kind, &before, &rows]).await?.iter().map(read).collect()
}

/// Ends a job; answers with it as it is then.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn cancel(tx: &Tx<'_>, id: Uuid) -> Result<Option<Job>, StoreError> {
    tx.query_one(sql::JOBS_CANCEL, &[&id]).await?;
    find(tx, id).await
}

/// A job taken by a dispatcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The job.
    pub id: Uuid,
    /// Which try this is since the last that got on; 1 is the first.
    pub attempt: i32,
}

/// What a chunk came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chunk {
    /// Whether the job is done.
    pub is_finished: bool,
    /// Deliveries changed or made.
    pub changed: i32,
    /// How long to leave it alone, so that it keeps its pace.
    pub pause: Duration,
}

/// Takes the job that is due longest. It counts as tried from here on, so that one that kills or outlasts its dispatcher stands
/// in nobody's way.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn take(store: &Store) -> Result<Option<Taken>, StoreError> {
    let rows = store.query(sql::JOBS_TAKE, &[]).await?;
    rows.first().map(|row| Ok(Taken { id: get(row, "id")?, attempt: get(row, "failures")? })).transpose()
}

/// Does the next chunk of a taken job, of at most `rows`, within `time_limit` (such as `5s`), and writes down where the job
/// stands in the same transaction; with `gives_up` a filter that takes long is not tried again. `None`: it was cancelled.
///
/// # Errors
/// [`StoreError`] of the database, [`StoreError::Unavailable`] for its time limit; nothing of the chunk has happened then.
pub async fn run(
    store: &Store,
    job: Uuid,
    rows: i32,
    rows_per_second: i32,
    gives_up: bool,
    time_limit: &str,
) -> Result<Option<Chunk>, StoreError> {
    let row = store
        .tx("run job", Scope::Instance, move |tx| {
            Work::new(async move {
                tx.query_one(sql::SESSION_LIMIT_TIME, &[&time_limit]).await?;
                tx.query_one(sql::JOBS_RUN, &[&job, &rows, &rows_per_second, &gives_up]).await
            })
        })
        .await?;
    if get::<Option<&str>>(&row, "kind")?.is_none() {
        return Ok(None);
    }
    let seconds: f64 = get(&row, "pause_seconds")?;
    Ok(Some(Chunk {
        is_finished: get(&row, "is_finished")?,
        changed: get(&row, "changed")?,
        pause: Duration::try_from_secs_f64(seconds).unwrap_or_default(),
    }))
}

/// Says beside a job why its chunk failed; after `most` failures in a row it has failed for good. `at_once`: it need not wait.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn note(store: &Store, job: Uuid, reason: &str, most: i32, at_once: bool) -> Result<(), StoreError> {
    store.query(sql::JOBS_NOTE, &[&job, &reason, &most, &at_once]).await?;
    Ok(())
}

fn read(row: &Row) -> Result<Job, StoreError> {
    let id: Uuid = get(row, "id")?;
    Ok(Job {
        id,
        kind: word("jobs", "kind", id, get(row, "kind")?, JobKind::parse)?,
        subscription_id: get(row, "subscription_id")?,
        filter: get(row, "filter")?,
        state: word("jobs", "state", id, get(row, "state")?, JobState::parse)?,
        total: get(row, "total")?,
        is_total_exact: get(row, "is_total_exact")?,
        looked_at: get(row, "looked_at")?,
        changed: get(row, "changed")?,
        skipped: get(row, "skipped")?,
        error: get(row, "error")?,
        created_by: get(row, "created_by")?,
        created_at: get(row, "created_at")?,
        started_at: get(row, "started_at")?,
        updated_at: get(row, "updated_at")?,
        finished_at: get(row, "finished_at")?,
    })
}
