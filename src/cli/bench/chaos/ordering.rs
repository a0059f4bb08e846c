//! Ordering.
use super::super::error::BenchError;
use super::super::figures::Figure;
use super::super::lab::Lab;
use super::super::sizes::Sizes;
pub(in super::super) async fn measure(_lab: &Lab, _sizes: &Sizes) -> Result<Vec<Figure>, BenchError> {
    Ok(vec![])
}
