//! The rate with many subscriptions that all have due work against that with few.

use uuid::Uuid;

use super::super::drain::drain;
use super::super::error::BenchError;
use super::super::figures::Figure;
use super::super::lab::Lab;
use super::super::sizes::Sizes;
use super::super::stage::{self, Stage};
use crate::domain::secret::Secret;

/// Tenants that share the subscriptions.
const TENANTS: usize = 10;

/// Each subscription hears of an event type of its own. Of a user's making: no limit set.
const SUBSCRIBE: &str =
    "INSERT INTO posthorn.webhook_subscriptions (id, tenant_id, url, events, secret, header_families)
    SELECT s.id, s.tenant_id, $4, ARRAY['bench.s' || s.n], s.secret, '{standard}'
    FROM unnest($1::uuid[], $2::uuid[], $3::bytea[]) WITH ORDINALITY AS s (id, tenant_id, secret, n)";

/// The subscriptions' events take turns, as they would.
const PUBLISH: &str = "INSERT INTO posthorn.outbox (tenant_id, event, payload)
    SELECT ($1::uuid[])[s], 'bench.s' || s, $2::text::jsonb FROM generate_series(1, cardinality($1::uuid[])) AS s";

/// As many deliveries in all, spread over few and over many.
pub(in super::super) async fn measure(lab: &Lab, sizes: &Sizes) -> Result<Vec<Figure>, BenchError> {
    let few = rate(lab, sizes.deliveries, sizes.subscriptions_few).await?;
    let many = rate(lab, sizes.deliveries, sizes.subscriptions_many).await?;
    let label = format!("drain over {} subscriptions, deliveries/s", sizes.subscriptions_many);
    let label_few = format!("  over {}, deliveries/s", sizes.subscriptions_few);
    Ok(vec![
        Figure::new("subscriptions.per_second", label, 0, many),
        Figure::new("subscriptions.few_per_second", label_few, 0, few),
        Figure::new("subscriptions.ratio", "  many : few subscriptions", 3, many / few),
    ])
}

async fn rate(lab: &Lab, deliveries: u32, subscriptions: u32) -> Result<f64, BenchError> {
    let stage = lab.stage().await?;
    let tenants = subscribe(lab, &stage, subscriptions).await?;
    let turns = (deliveries / subscriptions).max(1);
    let payload = stage::payload(lab);
    for _ in 0..turns {
        let published = stage.db.execute(PUBLISH, &[&tenants, &payload]).await;
        published.map_err(BenchError::database("publishing for many subscriptions"))?;
    }
    stage.checkpoint().await?;
    Ok(drain(lab, &stage, turns * subscriptions, 1).await?.per_second)
}

/// Answers with the tenant of each subscription.
async fn subscribe(lab: &Lab, stage: &Stage, count: u32) -> Result<Vec<Uuid>, BenchError> {
    let mut owners = Vec::new();
    for _ in 0..TENANTS {
        owners.push(stage.add_tenant().await?);
    }
    let tenants: Vec<Uuid> = (0..count as usize).map(|n| owners[n % TENANTS]).collect();
    let ids: Vec<Uuid> = tenants.iter().map(|_| Uuid::now_v7()).collect();
    let seal = |(tenant, id): (&Uuid, &Uuid)| lab.keyring.seal(*tenant, *id, &Secret::generate());
    let secrets: Vec<Vec<u8>> = tenants.iter().zip(&ids).map(seal).collect();
    let added = stage.db.execute(SUBSCRIBE, &[&ids, &tenants, &secrets, &lab.receiver.url()]).await;
    added.map_err(BenchError::database("adding many subscriptions"))?;
    Ok(tenants)
}
