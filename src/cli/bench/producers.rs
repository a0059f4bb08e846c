//! What Posthorn costs producers: the same INSERT without its trigger, with the trigger but no notification of any kind,
//! with the trigger and its gate, and with a NOTIFY in every transaction.
//!
//! One database, one set of connections and one dispatcher serve a whole round; the variants take turns in short slices, in
//! an order that changes. A backlog keeps the dispatcher busy throughout, so that it costs each of them the same.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

use super::child::Dispatcher;
use super::error::BenchError;
use super::figures::Figure;
use super::lab::{Lab, connect};
use super::percentiles::Spread;
use super::sizes::Sizes;
use super::stage::{self, EVENT, Stage};

/// The outbox without its triggers.
pub(super) const OUTBOX_COPY: &str =
    "CREATE TABLE public.outbox_copy (LIKE posthorn.outbox INCLUDING ALL) PARTITION BY RANGE (id);
    CREATE TABLE public.outbox_copy_default PARTITION OF public.outbox_copy DEFAULT";

/// A variant: its key, its name, the session's setting, and its one statement.
struct Variant {
    key: &'static str,
    label: &'static str,
    session: &'static str,
    statement: &'static str,
}

const QUIET: usize = 1;
const GATE: usize = 2;

const VARIANTS: [Variant; 4] = [
    Variant {
        key: "no_trigger",
        label: "without the trigger",
        session: "SET posthorn.notify = off",
        statement: "INSERT INTO public.outbox_copy (tenant_id, event, payload) VALUES ($1, $2, $3::text::jsonb)",
    },
    Variant {
        key: "no_notify",
        label: "trigger, no notify",
        session: "SET posthorn.notify = off",
        statement: "INSERT INTO posthorn.outbox (tenant_id, event, payload) VALUES ($1, $2, $3::text::jsonb)",
    },
    Variant {
        key: "gate",
        label: "trigger and gate (as shipped)",
        session: "RESET posthorn.notify",
        statement: "INSERT INTO posthorn.outbox (tenant_id, event, payload) VALUES ($1, $2, $3::text::jsonb)",
    },
    Variant {
        key: "always_notify",
        label: "trigger, NOTIFY in every transaction",
        session: "SET posthorn.notify = off",
        statement: "WITH published AS (
                INSERT INTO posthorn.outbox (tenant_id, event, payload) VALUES ($1, $2, $3::text::jsonb))
            SELECT pg_notify('posthorn_wake', '')",
    },
];

/// One client with every variant prepared.
struct Producer {
    db: Client,
    statements: Vec<Statement>,
}

/// Events per second of each variant in one turn.
type Turn = [f64; VARIANTS.len()];

/// All variants in turns.
pub(super) async fn measure(lab: &Lab, sizes: &Sizes, round: u32) -> Result<Vec<Figure>, BenchError> {
    let stage = lab.stage().await?;
    stage.execute(OUTBOX_COPY, "copying the outbox").await?;
    let tenant = stage.subscribe_one(lab, 1).await?;
    let (mut producers, payload) = (connect_all(lab, &stage, sizes.producer_clients).await?, stage::payload(lab));
    stage.fill(lab, tenant, sizes.producer_backlog).await?;
    let received_before = lab.receiver.count();
    let dispatcher = Dispatcher::start(lab, &stage.url).await?;
    let (mut turns, mut to_deliver) = (Vec::new(), u64::from(sizes.producer_backlog));
    for slice in 0..sizes.producer_slices {
        let mut turn = Turn::default();
        for variant in order(round * sizes.producer_slices + slice) {
            let delivered = lab.receiver.count() - received_before;
            if to_deliver.saturating_sub(delivered) < u64::from(sizes.producer_backlog / 2) {
                stage.fill(lab, tenant, sizes.producer_backlog).await?;
                to_deliver += u64::from(sizes.producer_backlog);
            }
            let length = Duration::from_millis(sizes.producer_slice_ms.into());
            let (events, seconds) = run_slice(lab, &mut producers, variant, (tenant, &payload), length).await?;
            turn[variant] = events as f64 / seconds;
            to_deliver += if variant == 0 { 0 } else { events };
        }
        turns.push(turn);
    }
    // draining what is left would measure nothing
    dispatcher.kill().await?;
    Ok(figures(&turns, sizes.producer_clients))
}

/// Medians over the turns: a stall of the disk spoils a slice, not the round.
fn figures(turns: &[Turn], clients: u32) -> Vec<Figure> {
    let median = |of: &dyn Fn(&Turn) -> f64| Spread::of(&turns.iter().map(of).collect::<Vec<_>>()).median;
    let label = format!("{clients} producers beside a busy dispatcher, gate : no notify");
    let ratio = median(&|turn| turn[GATE] / turn[QUIET]);
    let mut figures = vec![Figure::new("producers.ratio", label, 3, ratio)];
    for (index, variant) in VARIANTS.iter().enumerate() {
        let label = format!("  {}, events/s", variant.label);
        let key = format!("producers.{}_per_second", variant.key);
        figures.push(Figure::new(key, label, 0, median(&|turn| turn[index])));
    }
    figures
}

/// Variants in an order that changes: each turn begins with another, and four turns run backwards after four that do not.
fn order(turn: u32) -> Vec<usize> {
    let mut order: Vec<usize> = (0..VARIANTS.len()).collect();
    order.rotate_left(turn as usize % VARIANTS.len());
    if turn as usize / VARIANTS.len() % 2 == 1 {
        order.reverse();
    }
    order
}

async fn connect_all(lab: &Lab, stage: &Stage, clients: u32) -> Result<Vec<Producer>, BenchError> {
    let mut connecting = JoinSet::new();
    for _ in 0..clients {
        let url = stage.url.clone();
        connecting.spawn_on(async move { prepare(connect(url.as_str()).await?).await }, lab.load.handle());
    }
    connecting.join_all().await.into_iter().collect()
}

async fn prepare(db: Client) -> Result<Producer, BenchError> {
    let mut statements = Vec::new();
    for variant in &VARIANTS {
        let prepared = db.prepare(variant.statement).await;
        statements.push(prepared.map_err(BenchError::database("preparing a producer's INSERT"))?);
    }
    Ok(Producer { db, statements })
}

/// All clients with one variant; events and seconds.
async fn run_slice(
    lab: &Lab,
    producers: &mut Vec<Producer>,
    variant: usize,
    (tenant, payload): (Uuid, &str),
    length: Duration,
) -> Result<(u64, f64), BenchError> {
    let start = Arc::new(Barrier::new(producers.len()));
    let mut running = JoinSet::new();
    for producer in producers.drain(..) {
        let (start, payload) = (start.clone(), payload.to_owned());
        let publishing = async move {
            let set = producer.db.batch_execute(VARIANTS[variant].session).await;
            start.wait().await;
            let began = Instant::now();
            set.map_err(BenchError::database("choosing how to notify"))?;
            let mut events = 0;
            while began.elapsed() < length {
                let inserted = producer.db.query(&producer.statements[variant], &[&tenant, &EVENT, &payload]).await;
                inserted.map_err(BenchError::database("publishing an event"))?;
                events += 1;
            }
            Ok::<_, BenchError>((producer, events, began.elapsed().as_secs_f64()))
        };
        running.spawn_on(publishing, lab.load.handle());
    }
    let (mut events, mut seconds) = (0, 0.0_f64);
    for ended in running.join_all().await {
        let (producer, its_events, its_seconds) = ended?;
        producers.push(producer);
        events += its_events;
        seconds = seconds.max(its_seconds);
    }
    Ok((events, seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variant_has_every_place_as_often_as_the_others() {
        let orders: Vec<Vec<usize>> = (0..8).map(order).collect();
        for place in 0..4 {
            let mut at_place: Vec<usize> = orders.iter().map(|order| order[place]).collect();
            at_place.sort_unstable();
            assert_eq!(at_place, [0, 0, 1, 1, 2, 2, 3, 3], "{orders:?}");
        }
        // neither of the two that are compared always follows the other
        let is_after =
            |order: &&Vec<usize>| order.iter().position(|v| *v == GATE) > order.iter().position(|v| *v == QUIET);
        assert_eq!(orders.iter().filter(is_after).count(), 4);
    }

    #[test]
    fn the_ratio_is_the_gate_against_no_notify() {
        let turns = [[400.0, 200.0, 190.0, 100.0], [400.0, 100.0, 98.0, 50.0], [9.0, 200.0, 10.0, 9.0]];
        let figures = figures(&turns, 32);
        assert_eq!((figures[0].key.as_str(), figures[0].value), ("producers.ratio", 0.95));
        let gate = figures.iter().find(|figure| figure.key == "producers.gate_per_second").unwrap();
        assert_eq!(gate.value, 98.0);
    }
}
