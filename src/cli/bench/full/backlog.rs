//! The rate with a large backlog against that with a small one.

use super::super::drain::drain;
use super::super::error::BenchError;
use super::super::figures::Figure;
use super::super::lab::Lab;
use super::super::percentiles::Spread;
use super::super::sizes::Sizes;

/// Drains of the small one: each is over so soon that one alone says little.
const SMALL_DRAINS: u32 = 3;

/// Both drained to the end.
pub(in super::super) async fn measure(lab: &Lab, sizes: &Sizes) -> Result<Vec<Figure>, BenchError> {
    let mut rates = Vec::new();
    for _ in 0..SMALL_DRAINS {
        rates.push(rate(lab, sizes.backlog_small).await?);
    }
    let small = Spread::of(&rates).median;
    let big = rate(lab, sizes.backlog_big).await?;
    Ok(vec![
        Figure::new("backlog.big_per_second", format!("drain of {}, deliveries/s", sizes.backlog_big), 0, big),
        Figure::new("backlog.small_per_second", format!("  drain of {}, deliveries/s", sizes.backlog_small), 0, small),
        Figure::new("backlog.ratio", "  large : small backlog", 3, big / small),
    ])
}

async fn rate(lab: &Lab, deliveries: u32) -> Result<f64, BenchError> {
    let stage = lab.stage().await?;
    let tenant = stage.subscribe_one(lab, 1).await?;
    stage.fill(lab, tenant, deliveries).await?;
    Ok(drain(lab, &stage, deliveries, 1).await?.per_second)
}
