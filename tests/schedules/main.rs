//! Goal: with faults that end, every run of the real steps reaches its end, whatever comes together.
//!
//! Method: random faults on the wire, habits of the cloud, deaths, stops and verbs, drawn from a seed that is
//! printed; `LAB1_FLOW_TEST_SEED` draws the same again, `LAB1_FLOW_SCHEDULES` more of them. A failure is
//! shrunk to the few things that it takes, and kept in `tests/schedules/failures.seeds`: what stands there
//! is played first from then on.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test whose world cannot be set up has failed"
)]

#[path = "../real_steps/mod.rs"]
mod real_steps;
#[path = "../support/report.rs"]
#[allow(dead_code, reason = "each suite says what it has to say")]
mod report;
mod schedule;
mod story;

use std::cell::RefCell;
use std::time::{SystemTime, UNIX_EPOCH};

use proptest::test_runner::{Config, FileFailurePersistence, RngSeed, TestCaseError, TestRunner};

use real_steps::line::Line;
use schedule::{Schedule, schedules};
use story::{Story, Toll};

/// How many schedules are played.
fn cases() -> u32 {
    let asked = std::env::var("LAB1_FLOW_SCHEDULES").ok();
    asked.and_then(|count| count.parse().ok()).unwrap_or(300)
}

fn seed() -> u64 {
    let given = std::env::var("LAB1_FLOW_TEST_SEED").ok();
    let given = given.map(|seed| seed.parse().expect("LAB1_FLOW_TEST_SEED is a number"));
    given.unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        now.as_secs() ^ u64::from(now.subsec_nanos())
    })
}

/// Plays a schedule on a runtime of its own, with paused time.
fn play(line: &Line, schedule: &Schedule) -> Result<Toll, TestCaseError> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    let runtime = runtime.map_err(|error| TestCaseError::fail(error.to_string()))?;
    runtime.block_on(async { Story::begin(line, schedule).play().await })
}

#[test]
fn every_schedule_of_faults_and_deaths_reaches_its_end() {
    let seed = seed();
    report::note(&format!("schedules: LAB1_FLOW_TEST_SEED={seed} draws the same ones again"));
    let config = Config {
        cases: cases(),
        rng_seed: RngSeed::Fixed(seed),
        source_file: Some(file!()),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/schedules/failures.seeds"
        )))),
        max_shrink_iters: 2_000,
        ..Config::default()
    };
    let line = Line::new();
    let toll = RefCell::new(Toll::default());
    let played = TestRunner::new(config).run(&schedules(), |schedule| {
        let paid = play(&line, &schedule)?;
        toll.borrow_mut().add(&paid);
        Ok(())
    });
    let toll = toll.into_inner();
    if let Err(failure) = &played {
        panic!("LAB1_FLOW_TEST_SEED={seed} shows it again: {failure}");
    }
    let Toll { schedules, lives, deaths, stops, faults } = toll;
    report::count(
        "schedules of the real steps",
        &format!(
            "{schedules} seeds, {lives} lives, {deaths} deaths, {stops} stops, {faults} faults, 0 violations"
        ),
    );
    // A plan that strikes nobody proves nothing.
    assert!(deaths > schedules / 4 && faults > schedules, "{toll:?}");
}

/// A schedule that failed once, as it is printed, can be played by itself.
#[test]
fn the_plainest_schedule_needs_one_life() {
    let toll = play(&Line::new(), &Schedule::plain()).expect("nothing goes wrong");
    assert_eq!((toll.lives, toll.deaths, toll.faults), (1, 0, 0));
}
