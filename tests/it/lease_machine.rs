//! The lease protocol over the real statements: several dispatchers, slow ones and dying ones among them, the API, and
//! publishers take turns at random, one statement at a time or two at once in each other's way, while the clock moves. After each
//! step the database must show what a plain model says, and break none of the rules that `rules` names.
//!
//! A run is of one seed and as many cases as fit into the suite; `PROPTEST_CASES` and `PROPTEST_RNG_SEED` set others. What fails
//! is made as short as it can be and told step by step.

mod bench;
mod reference;
mod rules;
mod steps;

use std::cell::Cell;
use std::env;
use std::ops::Range;

use proptest::collection::vec;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};

use crate::harness::World;
use bench::Bench;
use steps::{Wish, wish};

const SEED: u64 = 20_261_122;

/// Wishes of one case.
const WISHES: Range<usize> = 10..80;

/// Tries as many random sequences as are asked for, and tells of the shortest that fails.
fn try_all(cases: u32, is_ordered: bool) {
    let config = Config {
        // what the environment says is the default of both
        cases: env::var_os("PROPTEST_CASES").map_or(cases, |_| Config::default().cases),
        rng_seed: match Config::default().rng_seed {
            RngSeed::Random => RngSeed::Fixed(SEED),
            fixed @ RngSeed::Fixed(_) => fixed,
        },
        failure_persistence: None,
        max_shrink_iters: 400,
        max_shrink_time: 60_000,
        ..Config::default()
    };
    eprintln!("{} cases with seed {}", config.cases, config.rng_seed);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let world = runtime.block_on(World::new());
    let stores = runtime.block_on(bench::stores(&world));
    let steps = Cell::new(0);
    let result = TestRunner::new(config).run(&vec(wish(is_ordered), WISHES), |wishes: Vec<Wish>| {
        let case = async {
            let mut bench = Bench::set_up(&world, &stores, is_ordered).await;
            let result = bench.run(&wishes).await;
            steps.set(steps.get() + bench.steps());
            result.map_err(|fault| format!("{fault}\n{}", bench.told()))
        };
        runtime.block_on(case).map_err(TestCaseError::fail)
    });
    match result {
        Ok(()) => eprintln!("{} steps", steps.get()),
        Err(TestError::Fail(reason, _)) => panic!("{reason}"),
        Err(TestError::Abort(reason)) => panic!("gave up: {reason}"),
    }
}

#[test]
fn no_sequence_of_statements_breaks_the_promises_of_a_lease() {
    try_all(120, false);
}

#[test]
fn no_sequence_of_statements_breaks_the_order_of_a_line() {
    try_all(60, true);
}
