//! Random faults for a minute, or for as long as asked: dispatchers killed, frozen, stopped and their clocks moved; PostgreSQL
//! restarted and killed; connections cut, reset, half-closed, slowed and swallowed on both sides. What producers committed is
//! compared with what receivers saw.
//!
//! `POSTHORN_CHAOS_SECONDS` is how long (60), `POSTHORN_CHAOS_SEED` what the choice of faults begins with. `make chaos` asks for
//! twenty minutes.

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

mod database;
mod faults;
mod fleet;
mod oracle;
mod producers;
mod receiver;
mod stage;

use faults::Faults;
use producers::Producers;
use stage::Stage;

/// Pause between two faults, in milliseconds: short enough that some meet.
const PAUSES: std::ops::Range<u64> = 200..2_500;

/// How long nothing may become final once all is well again: retries of a second each, leases of seven.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often a long run tells how far it is.
const PROGRESS: Duration = Duration::from_secs(10);

fn setting(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is not a whole number: {text:?}")),
        Err(_) => default,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_faults_lose_invent_and_disorder_nothing() {
    let (seconds, seed) = (setting("POSTHORN_CHAOS_SECONDS", 60), setting("POSTHORN_CHAOS_SEED", 20));
    eprintln!("chaos: {seconds} s of random faults, POSTHORN_CHAOS_SEED={seed}");
    let mut chance = StdRng::seed_from_u64(seed);
    let stage = Stage::set().await;
    let producers = Producers::start(&stage, seed);
    let mut faults = Faults::new(stage.clone());
    let (began, mut told) = (Instant::now(), Instant::now());
    while began.elapsed() < Duration::from_secs(seconds) {
        tokio::time::sleep(Duration::from_millis(chance.random_range(PAUSES))).await;
        faults.strike(&mut chance).await;
        if told.elapsed() > PROGRESS {
            told = Instant::now();
            let (published, received) = (producers.committed(), stage.requests().len());
            eprintln!(
                "chaos: {:3.0} s, {published} events committed, {received} requests",
                began.elapsed().as_secs_f64()
            );
        }
    }
    let mut faults = faults.heal().await;
    let events = producers.finish(&stage).await;
    stage.until_all_is_final(PATIENCE).await;
    faults.extend(stage.late_answers());
    let verdict = oracle::judge(&events, &stage.requests(), &stage.deliveries().await, &faults);
    stage.end_in_good_order().await;
    eprintln!(
        "{verdict}dispatchers that ended by themselves and were started again: {}",
        stage.fleet.ended_by_themselves()
    );
    verdict.assert_that_every_promise_held();
    assert!(verdict.committed as u64 > seconds * 10, "too little was published to mean anything");
}
