//! How long the operators' views take beside ten million finished deliveries.

use serde_json::Value;
use tokio_postgres::Client;

use super::super::error::BenchError;
use super::super::figures::Figure;
use super::super::lab::Lab;
use super::super::sizes::Sizes;
use super::super::stage::Stage;
use super::lists::{self, PREPARE, TENANTS};

/// Times that each is asked; before those once, so that what is measured is not a connection that reads the catalog.
const ASKED: usize = 5;

/// Finished deliveries for each that waits.
const FINISHED_PER_WAITING: u32 = 500;

/// The subscriptions and tenants whose deliveries there are.
const SUBSCRIBE: &str = "INSERT INTO posthorn.tenants (id, name)
        SELECT md5('tenant ' || n)::uuid, 'bench' FROM generate_series(0, $1::int8 - 1) AS n;
    INSERT INTO posthorn.webhook_subscriptions (id, tenant_id, url, events, signing)
        SELECT md5('subscription ' || n)::uuid, md5('tenant ' || n % $1::int8)::uuid, 'https://receiver.example/hook', '{bench.*}', 'none'
        FROM generate_series(0, $1::int8 * 10 - 1) AS n;
    INSERT INTO posthorn.outbox (tenant_id, event, payload)
        SELECT md5('tenant ' || n)::uuid, 'other.e' || n, '{}' FROM generate_series(0, $1::int8 - 1) AS n;
    INSERT INTO posthorn.dispatchers (id, host, pid, version, concurrency, seen_at)
        VALUES (md5('dispatcher')::uuid, 'bench', 1, '1', 256, now() + interval '1 day')";

/// $1 that wait, some of them leased.
const WAIT: &str = "INSERT INTO posthorn.webhook_deliveries_live (tenant_id, subscription_id, event_id, event, status, epoch, due_at,
        lease_until, dispatcher_id)
    SELECT md5('tenant ' || n % $2::int8)::uuid, md5('subscription ' || n % ($2::int8 * 10))::uuid, posthorn.uuid7(), 'bench.e' || n % 20,
        CASE WHEN n < 256 THEN 'sending' ELSE 'pending' END, 1, now() - make_interval(secs => ($1::int8 - n) / 100.0),
        CASE WHEN n < 256 THEN now() + interval '1 day' END, CASE WHEN n < 256 THEN md5('dispatcher')::uuid END
    FROM generate_series(0, $1::int8 - 1) AS n";

/// The roll-up of the deliveries of a time, as though the last had been recorded just now: $1 resolution, $2 hours.
const ROLL_UP: &str = "WITH last AS (
        SELECT max(d.finished_at) AS at FROM posthorn.webhook_deliveries_done d
        WHERE d.id >= (SELECT l.id FROM posthorn.webhook_deliveries_done l ORDER BY l.id DESC LIMIT 1)
    ), rolled_up AS MATERIALIZED (
        SELECT d.tenant_id, d.subscription_id, d.event, d.last_error_kind,
            date_trunc($1::text, d.finished_at + (now() - last.at), 'UTC') AS starts_at, count(*) AS attempts,
            count(*) FILTER (WHERE d.status = 'delivered') AS delivered, count(*) FILTER (WHERE d.status = 'failed') AS failed,
            count(*) FILTER (WHERE d.status = 'abandoned') AS abandoned
        FROM posthorn.webhook_deliveries_done d, last
        WHERE d.finished_at > last.at - make_interval(hours => $2::int)
          AND d.id >= (SELECT posthorn.first_id_at(f.at - make_interval(hours => $2::int)) FROM last f)
        GROUP BY 4, 5, GROUPING SETS ((1, 2, 3), (1, 2), (1, 3), (1))
    ), errors AS (
        INSERT INTO posthorn.delivery_errors (tenant_id, resolution, starts_at, subscription_id, event, error_kind, failures)
        SELECT r.tenant_id, $1::text, r.starts_at, coalesce(r.subscription_id, '00000000-0000-0000-0000-000000000000'),
            coalesce(r.event, '*'), r.last_error_kind, r.attempts
        FROM rolled_up r WHERE r.last_error_kind IS NOT NULL
    )
    INSERT INTO posthorn.delivery_statistics (tenant_id, resolution, starts_at, subscription_id, event, attempts, delivered, retried,
        failed, abandoned, duration_sum_ms, duration_max_ms, durations, delay_sum_ms, delay_max_ms, delays)
    SELECT r.tenant_id, $1::text, r.starts_at, coalesce(r.subscription_id, '00000000-0000-0000-0000-000000000000'), coalesce(r.event, '*'),
        sum(r.attempts), sum(r.delivered), 0, sum(r.failed), sum(r.abandoned), sum(r.attempts) * 20, 400,
        array_fill(0, ARRAY[5]) || sum(r.attempts)::int || array_fill(0, ARRAY[18]), 0, 0, array_fill(0, ARRAY[24])
    FROM rolled_up r
    GROUP BY r.tenant_id, r.starts_at, r.subscription_id, r.event";

/// A query that an operator asks.
struct Asked {
    name: &'static str,
    query: &'static str,
    /// Whether it may show nothing: what it tells of comes and goes.
    may_be_empty: bool,
}

const fn asked(name: &'static str, query: &'static str) -> Asked {
    Asked { name, query, may_be_empty: false }
}

/// Every view as a whole but the deliveries, and with the filters of docs/operating-in-sql.md.
const QUERIES: [Asked; 20] = [
    asked("backlog", "SELECT * FROM posthorn.backlog"),
    asked("backlog_oldest", "SELECT * FROM posthorn.backlog ORDER BY oldest_due_at LIMIT 10"),
    asked("backlog_by_tenant", "SELECT * FROM posthorn.backlog_by_tenant"),
    asked("throughput", "SELECT * FROM posthorn.throughput"),
    asked(
        "throughput_of_all",
        "SELECT starts_at, sum(delivered) FROM posthorn.throughput GROUP BY starts_at ORDER BY starts_at DESC",
    ),
    asked("errors_by_kind", "SELECT * FROM posthorn.errors_by_kind"),
    asked("slowest_receivers", "SELECT * FROM posthorn.slowest_receivers"),
    asked("dispatcher_leases", "SELECT * FROM posthorn.dispatcher_leases"),
    asked("unmatched_events", "SELECT * FROM posthorn.unmatched_events"),
    asked("table_health", "SELECT * FROM posthorn.table_health"),
    Asked { may_be_empty: true, ..asked("held_snapshots", "SELECT * FROM posthorn.held_snapshots") },
    asked("server_health", "SELECT * FROM posthorn.server_health"),
    asked("subscription_health", "SELECT * FROM posthorn.subscription_health"),
    asked("deliveries", "SELECT * FROM posthorn_webhooks.webhook_deliveries ORDER BY created_at DESC LIMIT 100"),
    asked(
        "deliveries_of_event",
        "SELECT * FROM posthorn_webhooks.webhook_deliveries WHERE event = 'bench.e7' ORDER BY created_at DESC LIMIT 5",
    ),
    asked(
        "deliveries_failed",
        "SELECT last_error FROM posthorn_webhooks.webhook_deliveries WHERE status = 'FAILED' LIMIT 1",
    ),
    asked(
        "deliveries_failed_newest",
        "SELECT * FROM posthorn_webhooks.webhook_deliveries WHERE status = 'FAILED' ORDER BY created_at DESC LIMIT 100",
    ),
    asked(
        "deliveries_of_tenant",
        "SELECT * FROM posthorn_webhooks.webhook_deliveries WHERE tenant_id = md5('tenant 7')::uuid ORDER BY created_at DESC LIMIT 100",
    ),
    asked("subscriptions", "SELECT * FROM posthorn_webhooks.webhook_subscriptions"),
    asked(
        "subscriptions_of_event",
        "SELECT * FROM posthorn_webhooks.webhook_subscriptions WHERE event = 'bench.*' AND active = true",
    ),
];

/// What else an installation with such a history has, made by the first round; then every view, as `posthorn_readonly`.
pub(in super::super) async fn measure(lab: &Lab, sizes: &Sizes) -> Result<Vec<Figure>, BenchError> {
    let stage = lists::filled(lab, sizes).await?;
    furnish(&stage, sizes.history_rows).await?;
    let operator = stage.connect().await?;
    let as_operator = operator.batch_execute("SET ROLE posthorn_readonly").await;
    as_operator.map_err(BenchError::database("becoming posthorn_readonly"))?;
    let (mut figures, mut worst) = (Vec::new(), 0.0f64);
    for asked in &QUERIES {
        time(&operator, asked).await?;
        let mut longest = 0.0f64;
        for _ in 0..ASKED {
            longest = longest.max(time(&operator, asked).await?);
        }
        worst = worst.max(longest);
        let (key, label) = (format!("views.{}_ms", asked.name), format!("  {}, longest of {ASKED}, ms", asked.name));
        figures.push(Figure::highest(key, label, 1, longest));
    }
    let label = format!("operators' views beside {} deliveries, slowest, ms", sizes.history_rows);
    figures.insert(0, Figure::highest("views.worst_ms", label, 1, worst));
    Ok(figures)
}

/// Milliseconds that a query took to plan and to run.
async fn time(operator: &Client, asked: &Asked) -> Result<f64, BenchError> {
    let explain = format!("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {}", asked.query);
    let row = operator.query_one(&explain, &[]).await.map_err(BenchError::database("asking a view"))?;
    let told: Value = row.get(0);
    let number = |path: &str| told.pointer(path).and_then(Value::as_f64).unwrap_or_default();
    if number("/0/Plan/Actual Rows") == 0.0 && !asked.may_be_empty {
        return Err(BenchError::Empty { query: asked.name });
    }
    Ok(number("/0/Planning Time") + number("/0/Execution Time"))
}

async fn furnish(stage: &Stage, rows: u32) -> Result<(), BenchError> {
    const WHAT: &str = "making what operators look at";
    let found = stage.db.query_one("SELECT EXISTS (SELECT FROM posthorn.tenants)", &[]).await;
    if found.map_err(BenchError::database(WHAT))?.get(0) {
        return Ok(());
    }
    stage.execute(PREPARE, WHAT).await?;
    let waiting = i64::from((rows / FINISHED_PER_WAITING).max(256));
    stage.db.execute(WAIT, &[&waiting, &TENANTS]).await.map_err(BenchError::database(WHAT))?;
    for (resolution, hours) in [("minute", 2i32), ("hour", 26)] {
        stage.db.execute(ROLL_UP, &[&resolution, &hours]).await.map_err(BenchError::database(WHAT))?;
    }
    // last and in one transaction, since it is what is looked for above
    stage.execute(&SUBSCRIBE.replace("$1", &TENANTS.to_string()), WHAT).await?;
    stage.execute("RESET session_replication_role; RESET synchronous_commit", WHAT).await?;
    stage.execute("VACUUM ANALYZE", WHAT).await?;
    stage.checkpoint().await
}
