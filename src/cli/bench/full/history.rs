//! The rate with a long history of delivered rows against that with none.

use super::super::drain::drain;
use super::super::error::BenchError;
use super::super::figures::Figure;
use super::super::lab::Lab;
use super::super::sizes::Sizes;
use super::super::stage::Stage;

/// Days that the history is spread over.
pub(super) const DAYS: i32 = 10;

/// Rows of one INSERT.
pub(super) const ROWS_PER_INSERT: u32 = 250_000;

pub(super) const MAKE_DAYS: &str = "SELECT posthorn.make_day(p.parent, current_date - n)
    FROM unnest('{outbox,webhook_deliveries_done,webhook_attempts}'::text[]) AS p (parent), generate_series(0, $1::int) AS n";

/// Row $1 to $2 of $3, each a delivery of one of 1,000 subscriptions of 100 tenants, and its one attempt. The id's first
/// 48 bits are its millisecond, so that rows come in the order of time, as they do.
const INSERT: &str = "WITH made AS MATERIALIZED (
        SELECT n, now() - make_interval(days => $4::int) * (1 - n::float8 / $3::float8) AS at, md5(n::text) AS random
        FROM generate_series($1::bigint, $2::bigint) AS n
    ), delivery AS MATERIALIZED (
        SELECT m.at, md5('event ' || m.n)::uuid AS event_id, md5('tenant ' || m.n % 100)::uuid AS tenant_id,
            md5('subscription ' || m.n % 1000)::uuid AS subscription_id,
            (lpad(to_hex((extract(epoch FROM m.at) * 1000)::bigint), 12, '0') || '7' || substr(m.random, 1, 3)
                || '8' || substr(m.random, 4, 15))::uuid AS id
        FROM made m
    ), attempt AS (
        INSERT INTO posthorn.webhook_attempts (delivery_id, epoch, tenant_id, generation, number, target_url, started_at,
            duration_ms, status_code, recorded_at)
        SELECT d.id, 1, d.tenant_id, 0, 1, 'https://receiver.example/hook', d.at, 12, 204, d.at FROM delivery d
    )
    INSERT INTO posthorn.webhook_deliveries_done (id, tenant_id, subscription_id, event_id, event, status, epoch, attempts,
        due_at, last_status_code, created_at, updated_at, finished_at)
    SELECT d.id, d.tenant_id, d.subscription_id, d.event_id, 'bench.history', 'delivered', 1, 1, d.at, 204, d.at, d.at, d.at
    FROM delivery d";

/// A drain in a fresh database, and one in the database with the history, which is made once.
pub(in super::super) async fn measure(lab: &Lab, sizes: &Sizes) -> Result<Vec<Figure>, BenchError> {
    let none = {
        let stage = lab.stage().await?;
        rate(lab, &stage, sizes).await?
    };
    let (stage, is_new) = lab.kept_stage("history").await?;
    if is_new && let Err(error) = make(&stage, sizes.history_rows).await {
        drop(stage);
        lab.drop_kept("history").await?;
        return Err(error);
    }
    let with = rate(lab, &stage, sizes).await?;
    let label = format!("drain of {} after {} delivered, deliveries/s", sizes.deliveries, sizes.history_rows);
    Ok(vec![
        Figure::new("history.per_second", label, 0, with),
        Figure::new("history.none_per_second", "  with no history, deliveries/s", 0, none),
        Figure::new("history.ratio", "  with : without history", 3, with / none),
    ])
}

async fn rate(lab: &Lab, stage: &Stage, sizes: &Sizes) -> Result<f64, BenchError> {
    let tenant = stage.subscribe_one(lab, 1).await?;
    stage.fill(lab, tenant, sizes.deliveries).await?;
    Ok(drain(lab, stage, sizes.deliveries, 1).await?.per_second)
}

async fn make(stage: &Stage, rows: u32) -> Result<(), BenchError> {
    const WHAT: &str = "making a history";
    stage.db.query(MAKE_DAYS, &[&DAYS]).await.map_err(BenchError::database(WHAT))?;
    stage.execute("SET synchronous_commit = off", WHAT).await?;
    let total = f64::from(rows);
    for first in (1..=rows).step_by(ROWS_PER_INSERT as usize) {
        let last = rows.min(first.saturating_add(ROWS_PER_INSERT - 1));
        let inserted = stage.db.execute(INSERT, &[&i64::from(first), &i64::from(last), &total, &DAYS]).await;
        inserted.map_err(BenchError::database(WHAT))?;
    }
    stage.execute("RESET synchronous_commit", WHAT).await?;
    stage.execute("ANALYZE", WHAT).await
}
