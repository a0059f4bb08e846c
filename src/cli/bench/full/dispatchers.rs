//! Several dispatcher processes against one, on the same machine.

use super::super::drain::drain;
use super::super::error::BenchError;
use super::super::figures::Figure;
use super::super::lab::Lab;
use super::super::sizes::Sizes;

/// The same drain by one and by several.
pub(in super::super) async fn measure(lab: &Lab, sizes: &Sizes) -> Result<Vec<Figure>, BenchError> {
    let one = rate(lab, sizes, 1).await?;
    let processes = sizes.dispatcher_processes;
    let several = rate(lab, sizes, processes).await?;
    let label = format!("drain of {} by {processes} dispatchers, deliveries/s", sizes.deliveries);
    Ok(vec![
        Figure::new("dispatchers.per_second", label, 0, several),
        Figure::new("dispatchers.one_per_second", "  by one, deliveries/s", 0, one),
        Figure::new("dispatchers.ratio", format!("  {processes} : 1"), 3, several / one),
    ])
}

async fn rate(lab: &Lab, sizes: &Sizes, processes: u32) -> Result<f64, BenchError> {
    let stage = lab.stage().await?;
    let tenant = stage.subscribe_one(lab, processes).await?;
    stage.fill(lab, tenant, sizes.deliveries).await?;
    Ok(drain(lab, &stage, sizes.deliveries, processes).await?.per_second)
}
