//! How long the API's lists of deliveries take for a tenant with one percent of ten million.

use std::time::Instant;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use uuid::Uuid;

use super::super::error::BenchError;
use super::super::figures::Figure;
use super::super::lab::Lab;
use super::super::percentiles::{Percentiles, milliseconds};
use super::super::sizes::Sizes;
use super::super::stage::Stage;
use super::history::{DAYS, MAKE_DAYS, ROWS_PER_INSERT};
use crate::domain::delivery::DeliveryStatus;
use crate::store::deliveries::{self, Wanted};
use crate::store::search::{self, Sought};
use crate::store::{Scope, Store, StoreError, StoreRole, Work};

/// Tenants, each with as many rows as any other.
pub(super) const TENANTS: i64 = 100;

/// Lists of each kind, of a tenant by chance.
const LISTS: usize = 200;

/// Lists before those, so that what is measured is not a connection that reads the catalog.
const WARM_UP: usize = 20;

/// Rows of a page as the API asks for it.
const ROWS: i64 = 101;

/// Names of the tables that are filled, without the triggers that would fan events out.
pub(super) const PREPARE: &str = "SET session_replication_role = replica; SET synchronous_commit = off";

/// Row $1 to $2 of $3, an event and its one delivery: of 100 tenants with 10 subscriptions each, 20 types of event, ten events per
/// resource; 3.5 % failed or were abandoned, 0.2 % were cancelled, a tenth was answered with 200 and the rest with 204.
const INSERT: &str = "WITH made AS MATERIALIZED (
        SELECT n, now() - make_interval(days => $4::int) * (1 - n::float8 / $3::float8) AS at, md5(n::text) AS random,
            n / $5::int8 * 7919 % 1000 AS dice
        FROM generate_series($1::bigint, $2::bigint) AS n
    ), delivery AS MATERIALIZED (
        SELECT m.n, m.at, m.dice, md5('tenant ' || m.n % $5::int8)::uuid AS tenant_id,
            md5('subscription ' || m.n % ($5::int8 * 10))::uuid AS subscription_id,
            (lpad(to_hex((extract(epoch FROM m.at) * 1000)::bigint), 12, '0') || '7' || substr(m.random, 1, 3)
                || '8' || substr(m.random, 4, 15))::uuid AS event_id,
            (lpad(to_hex((extract(epoch FROM m.at) * 1000)::bigint + 1), 12, '0') || '7' || substr(m.random, 20, 3)
                || '8' || substr(m.random, 4, 15))::uuid AS id
        FROM made m
    ), event AS (
        INSERT INTO posthorn.outbox (id, tenant_id, event, payload, resource_type, resource_id, created_at)
        SELECT d.event_id, d.tenant_id, 'bench.e' || d.dice % 20, jsonb_build_object('n', d.n), 'thing',
            (d.n / ($5::int8 * 10))::text, d.at
        FROM delivery d
    )
    INSERT INTO posthorn.webhook_deliveries_done (id, tenant_id, subscription_id, event_id, event, status, epoch, attempts,
        due_at, last_status_code, last_error_kind, created_at, updated_at, finished_at)
    SELECT d.id, d.tenant_id, d.subscription_id, d.event_id, 'bench.e' || d.dice % 20,
        CASE WHEN d.dice < 20 THEN 'failed' WHEN d.dice < 35 THEN 'abandoned' WHEN d.dice < 37 THEN 'cancelled'
             ELSE 'delivered' END,
        1, 1, d.at,
        CASE WHEN d.dice < 20 THEN 404 WHEN d.dice < 30 THEN 503 WHEN d.dice < 37 THEN NULL WHEN d.dice < 137 THEN 200 ELSE 204 END,
        CASE WHEN d.dice < 20 THEN 'client_error' WHEN d.dice < 30 THEN 'server_error' WHEN d.dice < 35 THEN 'timeout' END,
        d.at, d.at, d.at
    FROM delivery d";

/// One kind of list.
struct Kind {
    name: &'static str,
    /// What it asks for of a tenant.
    wanted: fn(&Chosen) -> Wanted,
}

/// A tenant by chance, and something of it.
struct Chosen {
    tenant: Uuid,
    subscription: Uuid,
    event: Uuid,
    /// A time by chance.
    id: Uuid,
    resource: String,
}

const KINDS: [Kind; 15] = [
    Kind { name: "all", wanted: |_| Wanted::default() },
    Kind { name: "status_failed", wanted: |_| status(DeliveryStatus::Failed) },
    Kind { name: "status_cancelled", wanted: |_| status(DeliveryStatus::Cancelled) },
    Kind { name: "status_delivered", wanted: |_| status(DeliveryStatus::Delivered) },
    Kind { name: "event", wanted: |_| event("bench.e7") },
    Kind { name: "event_unknown", wanted: |_| event("bench.none") },
    Kind { name: "event_and_status", wanted: |_| Wanted { status: Some(DeliveryStatus::Failed), ..event("bench.e7") } },
    Kind { name: "subscription", wanted: |of| Wanted { subscription_id: Some(of.subscription), ..Wanted::default() } },
    Kind {
        name: "subscription_and_status",
        wanted: |of| Wanted { subscription_id: Some(of.subscription), ..status(DeliveryStatus::Failed) },
    },
    Kind { name: "event_id", wanted: |of| Wanted { event_id: Some(of.event), ..Wanted::default() } },
    Kind { name: "error_kind", wanted: |_| Wanted { error_kind: Some("timeout"), ..Wanted::default() } },
    Kind { name: "error_kind_unknown", wanted: |_| Wanted { error_kind: Some("tls"), ..Wanted::default() } },
    Kind { name: "status_code", wanted: |_| Wanted { status_code: Some(404), ..Wanted::default() } },
    Kind { name: "status_code_unknown", wanted: |_| Wanted { status_code: Some(418), ..Wanted::default() } },
    Kind { name: "status_code_usual", wanted: |_| Wanted { status_code: Some(200), ..Wanted::default() } },
];

/// Every kind of list in a database that is filled once.
pub(in super::super) async fn measure(lab: &Lab, sizes: &Sizes) -> Result<Vec<Figure>, BenchError> {
    let stage = filled(lab, sizes).await?;
    let store = Store::new(&stage.url.to_string().into(), StoreRole::Api, 1, lab.config.webhook.max_payload_bytes)?;
    let mut chance = StdRng::seed_from_u64(sizes.seed);
    let (mut figures, mut worst) = (Vec::new(), 0.0f64);
    for kind in &KINDS {
        let mut times = Vec::with_capacity(LISTS);
        for nth in 0..WARM_UP + LISTS {
            let chosen = choose(&stage, &mut chance, sizes.history_rows).await?;
            let mut wanted = Wanted { rows: ROWS, ..(kind.wanted)(&chosen) };
            match nth % 3 {
                0 => {}
                1 => wanted.before = Some(chosen.id),
                _ => wanted.since = Some(chosen.id),
            }
            let began = Instant::now();
            list(&store, &chosen, &wanted).await?;
            if nth >= WARM_UP {
                times.push(milliseconds(began, Instant::now()));
            }
        }
        worst = worst.max(add(&mut figures, kind.name, times));
    }
    let mut times = Vec::with_capacity(LISTS);
    for nth in 0..WARM_UP + LISTS {
        let chosen = choose(&stage, &mut chance, sizes.history_rows).await?;
        let began = Instant::now();
        by_resource(&store, &chosen).await?;
        if nth >= WARM_UP {
            times.push(milliseconds(began, Instant::now()));
        }
    }
    worst = worst.max(add(&mut figures, "resource", times));
    store.close();
    let label = format!("lists of 100 of {} deliveries, slowest kind's p99, ms", sizes.history_rows);
    figures.insert(0, Figure::new("lists.worst_p99_ms", label, 2, worst));
    Ok(figures)
}

/// The database with the rows, made by whoever asks first.
pub(super) async fn filled(lab: &Lab, sizes: &Sizes) -> Result<Stage, BenchError> {
    let (stage, is_new) = lab.kept_stage("lists").await?;
    if is_new && let Err(error) = fill(&stage, sizes.history_rows).await {
        drop(stage);
        lab.drop_kept("lists").await?;
        return Err(error);
    }
    Ok(stage)
}

/// Adds the figures of one kind; answers with its p99.
fn add(figures: &mut Vec<Figure>, name: &str, times: Vec<f64>) -> f64 {
    let times = Percentiles::of(times);
    figures.push(Figure::new(format!("lists.{name}.p99_ms"), format!("  {name}, p99, ms"), 2, times.p99));
    figures.push(Figure::new(format!("lists.{name}.p50_ms"), format!("  {name}, p50, ms"), 2, times.p50));
    times.p99
}

/// As `GET /deliveries` does it, from the connection on.
async fn list(store: &Store, chosen: &Chosen, wanted: &Wanted) -> Result<(), StoreError> {
    let scope = Scope::operator_for(chosen.tenant);
    store.tx("list deliveries", scope, move |tx| Work::new(deliveries::list(tx, wanted))).await.map(drop)
}

/// As `GET /deliveries?resource_id=` does it.
async fn by_resource(store: &Store, chosen: &Chosen) -> Result<(), StoreError> {
    let sought = &Sought { resource_id: Some(chosen.resource.clone()), events: 100, ..Sought::default() };
    let wanted = &Wanted { rows: ROWS, ..Wanted::default() };
    store
        .tx("search deliveries", Scope::operator_for(chosen.tenant), move |tx| {
            Work::new(async move {
                let found = search::find(tx, sought).await?;
                deliveries::of_events(tx, &found.events, wanted, None).await.map(drop)
            })
        })
        .await
}

async fn choose(stage: &Stage, chance: &mut StdRng, rows: u32) -> Result<Chosen, BenchError> {
    let row = i64::from(chance.random_range(1..=rows));
    let ago: f64 = chance.random_range(0.02..0.98);
    let found = stage
        .db
        .query_one(
            "SELECT d.id, d.event_id, d.tenant_id, d.subscription_id FROM posthorn.webhook_deliveries_done d
             WHERE d.tenant_id = md5('tenant ' || $1::int8 % $2::int8)::uuid
               AND d.id >= posthorn.first_id_at(now() - make_interval(days => $3::int) * $4::float8)
             ORDER BY d.id LIMIT 1",
            &[&row, &TENANTS, &DAYS, &ago],
        )
        .await
        .map_err(BenchError::database("choosing a tenant"))?;
    Ok(Chosen {
        id: found.get(0),
        event: found.get(1),
        tenant: found.get(2),
        subscription: found.get(3),
        resource: (row / (TENANTS * 10)).to_string(),
    })
}

fn status(status: DeliveryStatus) -> Wanted {
    Wanted { status: Some(status), ..Wanted::default() }
}

fn event(name: &str) -> Wanted {
    Wanted { event: Some(name.to_owned()), ..Wanted::default() }
}

/// The rows, without keeping the database.
pub(super) async fn fill(stage: &Stage, rows: u32) -> Result<(), BenchError> {
    const WHAT: &str = "making rows to list";
    stage.db.query(MAKE_DAYS, &[&DAYS]).await.map_err(BenchError::database(WHAT))?;
    stage.execute(PREPARE, WHAT).await?;
    let total = f64::from(rows);
    for first in (1..=rows).step_by(ROWS_PER_INSERT as usize) {
        let last = rows.min(first.saturating_add(ROWS_PER_INSERT - 1));
        let inserted = stage.db.execute(INSERT, &[&i64::from(first), &i64::from(last), &total, &DAYS, &TENANTS]).await;
        inserted.map_err(BenchError::database(WHAT))?;
    }
    stage.execute("RESET session_replication_role; RESET synchronous_commit", WHAT).await?;
    stage.execute("VACUUM ANALYZE posthorn.outbox, posthorn.webhook_deliveries", WHAT).await?;
    stage.checkpoint().await
}
