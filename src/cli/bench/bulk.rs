//! What an event of a large statement costs its publisher: INSERT … SELECT and COPY into the outbox, fanned out to five
//! subscriptions, beside the same statements into a copy of the outbox that has no triggers.

use std::pin::pin;
use std::time::Instant;

use bytes::Bytes;
use futures_util::SinkExt;
use uuid::Uuid;

use super::error::BenchError;
use super::figures::Figure;
use super::lab::Lab;
use super::percentiles::Spread;
use super::producers::OUTBOX_COPY;
use super::sizes::Sizes;
use super::stage::{self, EVENT, Stage, Subscription};

/// Subscriptions that every event goes to.
const SUBSCRIPTIONS: u32 = 5;

/// A way to publish many events at once.
struct Variant {
    key: &'static str,
    label: &'static str,
    table: &'static str,
    is_copy: bool,
}

const VARIANTS: [Variant; 4] = [
    Variant { key: "insert_us", label: "INSERT … SELECT", table: "posthorn.outbox", is_copy: false },
    Variant {
        key: "insert_untriggered_us",
        label: "INSERT … SELECT without the triggers",
        table: "public.outbox_copy",
        is_copy: false,
    },
    Variant { key: "copy_us", label: "COPY", table: "posthorn.outbox", is_copy: true },
    Variant {
        key: "copy_untriggered_us",
        label: "COPY without the triggers",
        table: "public.outbox_copy",
        is_copy: true,
    },
];

/// All variants in turns; each figure is the median of its turns. No dispatcher runs.
pub(super) async fn measure(lab: &Lab, sizes: &Sizes) -> Result<Vec<Figure>, BenchError> {
    let stage = lab.stage().await?;
    stage.execute(OUTBOX_COPY, "copying the outbox").await?;
    let tenant = stage.add_tenant().await?;
    for _ in 0..SUBSCRIPTIONS {
        stage.subscribe(lab, &Subscription { tenant, path: "/hook", event: EVENT, max_in_flight: None }).await?;
    }
    let payload = stage::payload(lab);
    let mut times: [Vec<f64>; VARIANTS.len()] = Default::default();
    for turn in 0..sizes.bulk_turns as usize {
        for place in 0..VARIANTS.len() {
            let index = (turn + place) % VARIANTS.len();
            // every statement finds the tables as the one before it did
            stage
                .execute("TRUNCATE posthorn.webhook_deliveries_live, posthorn.outbox, public.outbox_copy", "clearing")
                .await?;
            stage.checkpoint().await?;
            let seconds = publish(&stage, &VARIANTS[index], (tenant, &payload), sizes.bulk_events).await?;
            times[index].push(seconds * 1e6 / f64::from(sizes.bulk_events));
        }
    }
    Ok(figures(&times, sizes.bulk_events))
}

/// Publishes so many events in one statement; answers with the seconds it took, its commit included.
async fn publish(
    stage: &Stage,
    variant: &Variant,
    (tenant, payload): (Uuid, &str),
    events: u32,
) -> Result<f64, BenchError> {
    let failed = BenchError::database("publishing many events");
    let table = variant.table;
    if variant.is_copy {
        let lines = Bytes::from(format!("{tenant}\t{EVENT}\t{payload}\n").repeat(events as usize));
        let began = Instant::now();
        let copy = format!("COPY {table} (tenant_id, event, payload) FROM STDIN");
        let copied = async {
            let mut sink = pin!(stage.db.copy_in(&copy).await?);
            sink.send(lines).await?;
            sink.finish().await
        };
        return copied.await.map_err(failed).map(|_| began.elapsed().as_secs_f64());
    }
    let insert = format!(
        "INSERT INTO {table} (tenant_id, event, payload) SELECT $1, $2, $3::text::jsonb FROM generate_series(1, $4::int)"
    );
    let count = i32::try_from(events).unwrap_or(i32::MAX);
    let began = Instant::now();
    let inserted = stage.db.execute(&insert, &[&tenant, &EVENT, &payload, &count]).await;
    inserted.map_err(failed).map(|_| began.elapsed().as_secs_f64())
}

fn figures(times: &[Vec<f64>; VARIANTS.len()], events: u32) -> Vec<Figure> {
    let figure = |(variant, times): (&Variant, &Vec<f64>)| {
        let label = format!("{} of {events} events to {SUBSCRIPTIONS} subscriptions, µs per event", variant.label);
        Figure::new(format!("bulk.{}", variant.key), label, 1, Spread::of(times).median)
    };
    VARIANTS.iter().zip(times).map(figure).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variant_has_its_median() {
        let times = [vec![3.0, 1.0, 2.0], vec![4.0], vec![5.0, 7.0, 6.0], vec![8.0]];
        let figures = figures(&times, 10);
        let read: Vec<(&str, f64)> = figures.iter().map(|figure| (figure.key.as_str(), figure.value)).collect();
        let expected = [
            ("bulk.insert_us", 2.0),
            ("bulk.insert_untriggered_us", 4.0),
            ("bulk.copy_us", 6.0),
            ("bulk.copy_untriggered_us", 8.0),
        ];
        assert_eq!(read, expected);
    }
}
