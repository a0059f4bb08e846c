//! Fan-out: the drain of a backlog whose events each go to several subscriptions, made as a user makes them.

use super::bare;
use super::drain::drain;
use super::error::BenchError;
use super::figures::Figure;
use super::lab::Lab;
use super::sizes::Sizes;
use super::stage::{EVENT, Subscription};

/// Each fan-out with about the same number of deliveries, after one bare sender.
pub(super) async fn measure(lab: &Lab, sizes: &Sizes) -> Result<Vec<Figure>, BenchError> {
    let bare = bare::per_second(lab, sizes).await?;
    let mut figures =
        vec![Figure::new("fanout.bare_per_second", "bare sender before the fan-outs, requests/s", 0, bare)];
    for &fanout in &sizes.fanouts {
        let stage = lab.stage().await?;
        let tenant = stage.add_tenant().await?;
        for _ in 0..fanout {
            stage.subscribe(lab, &Subscription { tenant, path: "/hook", event: EVENT, max_in_flight: None }).await?;
        }
        let events = sizes.fanout_deliveries.div_ceil(fanout);
        stage.fill(lab, tenant, events).await?;
        let drained = drain(lab, &stage, events * fanout, 1).await?;
        let key = |name: &str| format!("fanout_{fanout}.{name}");
        let label = format!("fan-out to {fanout}, deliveries/s");
        figures.push(Figure::new(key("per_second"), label, 0, drained.per_second));
        figures.push(Figure::new(key("ratio"), "  fan-out : bare", 3, drained.per_second / bare));
    }
    Ok(figures)
}
