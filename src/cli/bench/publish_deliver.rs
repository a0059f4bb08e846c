//! Publish and deliver: clients with one event per transaction and durable commits, first with no dispatcher running, then
//! with one, until all that was published has been delivered.

use std::time::Duration;

use super::child::Dispatcher;
use super::error::BenchError;
use super::figures::Figure;
use super::lab::Lab;
use super::load;
use super::sizes::Sizes;

/// Clients whose figures stand for all.
const NAMED: u32 = 16;

/// How long what was published may take to arrive.
const LIMIT: Duration = Duration::from_secs(300);

const WHAT: &str = "publish and deliver";

/// Both rates for each number of clients.
pub(super) async fn measure(lab: &Lab, sizes: &Sizes) -> Result<Vec<Figure>, BenchError> {
    let mut figures = Vec::new();
    for &clients in &sizes.publish_clients {
        let alone = publish_alone(lab, sizes, clients).await?;
        let delivered = publish_and_deliver(lab, sizes, clients).await?;
        let ratio = delivered / alone;
        let key = |name: &str| format!("publish_deliver.clients_{clients}.{name}");
        let label = format!("publish and deliver, {clients} clients, events/s");
        figures.push(Figure::new(key("per_second"), label, 0, delivered));
        figures.push(Figure::new(
            key("publish_only_per_second"),
            "  publishing with no dispatcher, events/s",
            0,
            alone,
        ));
        figures.push(Figure::new(key("ratio"), "  with : without dispatcher", 3, ratio));
        if clients == NAMED {
            let label = format!("publish and deliver, {NAMED} clients");
            figures.push(Figure::new("publish_deliver.per_second", format!("{label}, events/s"), 0, delivered));
            figures.push(Figure::new("publish_deliver.ratio", format!("{label}, with : without"), 3, ratio));
        }
    }
    Ok(figures)
}

/// Events per second with no dispatcher running; deliveries pile up.
async fn publish_alone(lab: &Lab, sizes: &Sizes, clients: u32) -> Result<f64, BenchError> {
    let stage = lab.stage().await?;
    let tenant = stage.subscribe_one(lab, 1).await?;
    stage.checkpoint().await?;
    let length = Duration::from_secs(sizes.publish_seconds.into());
    Ok(load::burst(lab, &stage, tenant, clients, length).await?.per_second())
}

/// Events per second from the first publication to the last delivery recorded.
async fn publish_and_deliver(lab: &Lab, sizes: &Sizes, clients: u32) -> Result<f64, BenchError> {
    let stage = lab.stage().await?;
    let tenant = stage.subscribe_one(lab, 1).await?;
    stage.checkpoint().await?;
    let before = lab.receiver.count();
    let dispatcher = Dispatcher::start(lab, &stage.url).await?;
    let length = Duration::from_secs(sizes.publish_seconds.into());
    let burst = load::burst(lab, &stage, tenant, clients, length).await?;
    lab.receiver.wait_for(before + burst.events, LIMIT, WHAT).await?;
    let ended = stage.until_recorded(WHAT).await?;
    dispatcher.stop().await?;
    Ok(burst.events as f64 / ended.saturating_duration_since(burst.began).as_secs_f64())
}
