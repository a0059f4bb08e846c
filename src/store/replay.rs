//! Deliveries again, for an operator: what SQL's `retry()` and `replay()` do, by way of their own room.

use tokio_postgres::Row;
use uuid::Uuid;

use super::jobs::JobState;
use super::row::{get, word};
use super::{Store, StoreError, sql};

/// What is to be sent again.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Whose; `None`: what is named says it.
    pub tenant: Option<Uuid>,
    /// `retry` or `replay`.
    pub kind: &'static str,
    /// Only to this subscription.
    pub subscription: Option<Uuid>,
    /// A JSON object as `posthorn.jobs.filter` has it.
    pub filter: String,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Deliveries that it is about.
    pub matched: i64,
    /// Made due.
    pub changed: i64,
    /// Left as they are.
    pub skipped: i64,
    /// Who does it, where they are more than `at_most`.
    pub job: Option<Uuid>,
}

/// How far a job is.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Where it stands.
    pub state: JobState,
    /// Made due so far.
    pub changed: i64,
    /// Left as they are so far.
    pub skipped: i64,
    /// Why its last try, or the job, failed.
    pub error: Option<String>,
}

/// Makes them due, at most so many here and more by a job; or counts.
///
/// # Errors
/// [`StoreError`] of the database, in whose words a wish is refused.
pub async fn ask(store: &Store, wish: &Wish, at_most: i32, dry_run: bool) -> Result<Asked, StoreError> {
    let Wish { tenant, kind, subscription, filter } = wish;
    let row = store.query_one(sql::REPLAY_ASK, &[tenant, kind, subscription, filter, &at_most, &dry_run]).await?;
    let number = |column| get::<Option<i64>>(&row, column).map(Option::unwrap_or_default);
    Ok(Asked {
        matched: number("matched")?,
        changed: number("changed")?,
        skipped: number("skipped")?,
        job: get(&row, "job_id")?,
    })
}

/// Looks at a job; `None`: it is gone.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn standing(store: &Store, job: Uuid) -> Result<Option<Standing>, StoreError> {
    let read = |row: &Row| {
        Ok(Standing {
            state: word("jobs", "state", job, get(row, "state")?, JobState::parse)?,
            changed: get(row, "changed")?,
            skipped: get(row, "skipped")?,
            error: get(row, "error")?,
        })
    };
    store.query(sql::REPLAY_JOB, &[&job]).await?.first().map(read).transpose()
}
