//! Producers that publish in transactions of their own, commit most, roll some back, and keep a ledger of what they know.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::task::JoinSet;
use tokio_postgres::{Client, Error};
use uuid::Uuid;

use super::database::{connect, rows};
use super::oracle::Event;
use super::stage::Stage;

/// Producers; every fourth is another tenant's.
const COUNT: usize = 4;

/// Keys of each, which nobody else uses: so its own order is the order of commits.
const KEYS: u32 = 5;

/// Pause between two transactions, in milliseconds.
const PAUSES: std::ops::Range<u64> = 20..120;

/// Producers at work.
pub(super) struct Producers {
    running: JoinSet<Vec<Entry>>,
    is_over: Arc<AtomicBool>,
    committed: Arc<AtomicUsize>,
}

/// A line of the ledger.
struct Entry {
    event: Event,
    outcome: Outcome,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Committed,
    RolledBack,
    /// COMMIT was not answered.
    Unknown,
}

/// What a producer does at the end of a transaction.
enum Ending {
    Commit,
    Rollback,
    /// A statement fails.
    Error,
    /// The connection is dropped without a word.
    Silence,
}

impl Producers {
    /// Starts all of them, directly on the database.
    pub(super) fn start(stage: &Stage, seed: u64) -> Self {
        let (is_over, committed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let mut running = JoinSet::new();
        for n in 0..COUNT {
            let producer = Producer {
                url: stage.url.clone(),
                tenant: stage.tenants[usize::from(n % 4 == 3)],
                first_key: n as u32 * KEYS,
                chance: StdRng::seed_from_u64(seed.wrapping_add(1 + n as u64)),
                committed: committed.clone(),
                ledger: Vec::new(),
            };
            running.spawn(producer.run(is_over.clone()));
        }
        Self { running, is_over, committed }
    }

    /// Events committed so far.
    pub(super) fn committed(&self) -> usize {
        self.committed.load(Ordering::Relaxed)
    }

    /// Stops them. What a producer does not know of its commit, the outbox does.
    pub(super) async fn finish(self, stage: &Stage) -> Vec<Event> {
        self.is_over.store(true, Ordering::Relaxed);
        let ledgers = self.running.join_all().await;
        let unknown: Vec<Uuid> = entries_that(&ledgers, Outcome::Unknown);
        let query = "SELECT id FROM posthorn.outbox WHERE id = ANY ($1)";
        let found = rows(&stage.url, query, &[&unknown]).await.unwrap();
        let found: HashSet<Uuid> = found.iter().map(|row| row.get(0)).collect();
        let is_committed = |entry: &Entry| match entry.outcome {
            Outcome::Committed => true,
            Outcome::RolledBack => false,
            Outcome::Unknown => found.contains(&entry.event.id),
        };
        let entries = ledgers.iter().flatten();
        entries.map(|entry| Event { is_committed: is_committed(entry), ..entry.event }).collect()
    }
}

fn entries_that(ledgers: &[Vec<Entry>], outcome: Outcome) -> Vec<Uuid> {
    ledgers.iter().flatten().filter(|entry| entry.outcome == outcome).map(|entry| entry.event.id).collect()
}

struct Producer {
    url: String,
    tenant: Uuid,
    first_key: u32,
    chance: StdRng,
    committed: Arc<AtomicUsize>,
    ledger: Vec<Entry>,
}

impl Producer {
    async fn run(mut self, is_over: Arc<AtomicBool>) -> Vec<Entry> {
        while !is_over.load(Ordering::Relaxed) {
            self.pause().await;
            let Ok(client) = connect(&self.url).await else { continue };
            while !is_over.load(Ordering::Relaxed) && self.transaction(&client).await.is_some_and(|r| r.is_ok()) {
                self.pause().await;
            }
        }
        self.ledger
    }

    async fn pause(&mut self) {
        tokio::time::sleep(Duration::from_millis(self.chance.random_range(PAUSES))).await;
    }

    /// One transaction; `None` when the connection is to be dropped in the middle of it.
    async fn transaction(&mut self, client: &Client) -> Option<Result<(), Error>> {
        let mut made = Vec::new();
        let published = self.publish(client, &mut made).await;
        if published.is_err() {
            // COMMIT was never sent
            self.note(&made, Outcome::RolledBack);
            return Some(published);
        }
        let ending = match self.chance.random_range(0..100) {
            0..10 => Ending::Rollback,
            10..13 => Ending::Error,
            13..16 => Ending::Silence,
            _ => Ending::Commit,
        };
        let (result, outcome) = match ending {
            Ending::Commit => match client.batch_execute("COMMIT").await {
                Ok(()) => (Some(Ok(())), Outcome::Committed),
                Err(error) => (Some(Err(error)), Outcome::Unknown),
            },
            Ending::Rollback => (Some(client.batch_execute("ROLLBACK").await), Outcome::RolledBack),
            Ending::Error => {
                let failed = client.batch_execute("SELECT 1 / 0").await;
                assert!(failed.is_err());
                (Some(client.batch_execute("COMMIT").await), Outcome::RolledBack)
            }
            Ending::Silence => (None, Outcome::RolledBack),
        };
        self.note(&made, outcome);
        result
    }

    async fn publish(&mut self, client: &Client, made: &mut Vec<Event>) -> Result<(), Error> {
        client.batch_execute("BEGIN").await?;
        for _ in 0..self.chance.random_range(1..=4) {
            let key = self.first_key + self.chance.random_range(0..KEYS);
            let publish =
                "SELECT posthorn.publish($1, 'invoice.paid', jsonb_build_object('key', $2::text), ordering_key => $2)";
            let id = client.query_one(publish, &[&self.tenant, &format!("key-{key}")]).await?.get(0);
            made.push(Event { id, tenant: self.tenant, key, is_committed: false });
        }
        Ok(())
    }

    fn note(&mut self, made: &[Event], outcome: Outcome) {
        if outcome == Outcome::Committed {
            self.committed.fetch_add(made.len(), Ordering::Relaxed);
        }
        self.ledger.extend(made.iter().map(|event| Entry { event: *event, outcome }));
    }
}
