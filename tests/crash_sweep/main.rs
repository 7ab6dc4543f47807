//! Goal: no death of the deployer, wherever it strikes, doubles, strands or loses anything.
//!
//! Method: the eight real steps run through the real SDK on the embedded cloud, in virtual time. Every side of
//! every append and of every remote call is a boundary. At each the process dies; only what was durable is
//! kept; a new process goes on with `resume` and with `rollback`, and dies again in its own middle. The
//! checker of the test kit judges what is left against the account.
//!
//! By default a first death strikes at every eighth boundary, so that nobody waits for minutes. With
//! `LAB1_FLOW_SWEEP=whole`, as `.ci/run` has it, first deaths strike at every boundary, and of the pairs of deaths, millions,
//! a sample is drawn. `LAB1_FLOW_SWEEP=all` plays all pairs (two days on a core), `LAB1_FLOW_SWEEP=1/50` every fiftieth,
//! `LAB1_FLOW_SWEEP=dry` only counts the boundaries, and `LAB1_FLOW_TEST_SEED` draws other pairs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking, and says what it has visited"
)]

mod contract;
#[path = "../real_steps/mod.rs"]
mod real_steps;
#[path = "../support/report.rs"]
#[allow(dead_code, reason = "each suite says what it has to say")]
mod report;
mod scene;
mod teeth;

use std::time::Instant;

use lab1_flow_cloud::{CloudOptions, Fault, Lag};
use lab1_flow_workflow::journal::OnFailure;
use lab1_flow_workflow::testing::{CrashSweep, Tally, Verb};
use scene::DocumentedStack;

/// What a sweep must visit at least: one that shrinks to nothing finds nothing.
#[derive(Debug, Clone, Copy)]
struct Extent {
    boundaries_min: u64,
    cases_min: u64,
    /// One in so many pairs of deaths is played.
    pairs_one_in: u64,
}

const DEPLOYMENT: Extent = Extent { boundaries_min: 440, cases_min: 2_080, pairs_one_in: 400 };
const ROLLBACK: Extent = Extent { boundaries_min: 215, cases_min: 860, pairs_one_in: 400 };
const TURNED: Extent = Extent { boundaries_min: 360, cases_min: 1_600, pairs_one_in: 400 };
const THROTTLED: Extent = Extent { boundaries_min: 475, cases_min: 2_340, pairs_one_in: 400 };
const SUSPENDED: Extent = Extent { boundaries_min: 420, cases_min: 1_980, pairs_one_in: 400 };
const STALE: Extent = Extent { boundaries_min: 475, cases_min: 2_200, pairs_one_in: 400 };

const ALL: [Extent; 6] = [DEPLOYMENT, ROLLBACK, TURNED, THROTTLED, SUSPENDED, STALE];

/// What all sweeps together visit at least.
const CASES_MIN: u64 = {
    let (mut sum, mut place) = (0, 0);
    while place < ALL.len() {
        sum += ALL[place].cases_min;
        place += 1;
    }
    sum
};
const _: () = assert!(CASES_MIN >= 10_000, "the sweep has shrunk");

/// By default one boundary in this many is a first death.
const SAMPLED_ONE_IN: u64 = 8;

/// What the environment asks for; nothing is the sample.
fn asked() -> String {
    std::env::var("LAB1_FLOW_SWEEP").unwrap_or_default()
}

/// The sweep that the environment asks for.
fn asked_for(scene: DocumentedStack, pairs_one_in: u64) -> CrashSweep<DocumentedStack> {
    let sweep = CrashSweep::new(scene);
    match asked().as_str() {
        "" => {
            let sweep = sweep.first_death_every(SAMPLED_ONE_IN);
            sweep.second_deaths_drawn(pairs_one_in, seed())
        }
        "whole" => sweep.second_deaths_drawn(pairs_one_in, seed()),
        "all" => sweep,
        "dry" => sweep.first_death_every(u64::MAX).second_death_every(0),
        share => {
            let one_in = share.strip_prefix("1/").and_then(|share| share.parse().ok());
            sweep.second_deaths_drawn(
                one_in.expect("LAB1_FLOW_SWEEP is whole, all, dry or 1/N"),
                seed(),
            )
        }
    }
}

fn seed() -> u64 {
    let given = std::env::var("LAB1_FLOW_TEST_SEED").ok();
    given.map_or(0, |seed| seed.parse().expect("LAB1_FLOW_TEST_SEED is a number"))
}

fn played(sweep: &CrashSweep<DocumentedStack>) -> Tally {
    on_paused_time(sweep.run())
}

/// Plays on a runtime of its own.
fn on_paused_time<T>(play: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.unwrap().block_on(play)
}

/// Sweeps a scene, reports what was visited, and judges it.
fn sweep(name: &str, scene: DocumentedStack, extent: Extent) {
    let began = Instant::now();
    let tally = played(&asked_for(scene, extent.pairs_one_in));
    let visited = format!(
        "{} boundaries, {} cases, {} deaths, {} disk failures, {} violations, {} s",
        tally.boundaries,
        tally.cases,
        tally.deaths,
        tally.disk_failures,
        tally.violations.len(),
        began.elapsed().as_secs()
    );
    report::count(&format!("crash sweep, {name}"), &visited);
    tally.assert_clean();
    if asked().is_empty() {
        let whole = "LAB1_FLOW_SWEEP=whole plays all of them";
        report::note(&format!("{name}: deaths at one boundary in {SAMPLED_ONE_IN}; {whole}"));
        return;
    }
    assert!(tally.boundaries >= extent.boundaries_min, "only {} boundaries", tally.boundaries);
    assert!(tally.cases >= extent.cases_min, "only {} cases", tally.cases);
}

#[test]
fn deaths_during_a_deployment_leave_nothing_and_double_nothing() {
    sweep("deployment", DocumentedStack::plain(), DEPLOYMENT);
}

#[test]
fn deaths_during_a_rollback_and_its_continuation_leave_nothing() {
    sweep("rollback of a finished run", DocumentedStack::finished(), ROLLBACK);
}

/// Trap: the process dies between a failure and the direction that it leads to.
#[test]
fn deaths_around_a_failure_that_turns_the_run_leave_nothing() {
    let scene = DocumentedStack {
        troubles: &[("CreateAutoScalingGroup", 2, 1, Fault::AccessDenied)],
        on_failure: OnFailure::Rollback,
        ..DocumentedStack::plain()
    };
    sweep("turned around by a failure", scene, TURNED);
}

#[test]
fn deaths_during_throttle_waits_leave_nothing() {
    let scene = DocumentedStack {
        troubles: &[
            ("CreateTargetGroup", 1, 2, Fault::Throttle),
            ("CreateAutoScalingGroup", 1, 3, Fault::ThrottlingException),
        ],
        ..DocumentedStack::plain()
    };
    sweep("throttled deployment", scene, THROTTLED);
}

#[test]
fn deaths_during_the_rollback_of_a_throttled_run_leave_nothing() {
    let scene = DocumentedStack {
        troubles: &[
            ("CreateLoadBalancer", 1, 80, Fault::Throttle),
            ("DeleteTargetGroup", 1, 3, Fault::Throttle),
            ("DeleteAutoScalingGroup", 1, 2, Fault::Throttle),
            ("DeleteSecurityGroup", 1, 2, Fault::ReplyLost),
        ],
        prelude: &[Verb::Start],
        verb: Verb::RollBack,
        ..DocumentedStack::plain()
    };
    sweep("rollback of a throttled run", scene, SUSPENDED);
}

#[test]
fn deaths_on_a_cloud_that_shows_things_late_leave_nothing() {
    let options = CloudOptions { lag: Lag::on(), ..CloudOptions::plain() };
    sweep("late visibility", DocumentedStack { options, ..DocumentedStack::plain() }, STALE);
}

/// A case that goes on from a picture ends as one that is played from the beginning.
#[test]
fn going_on_from_a_picture_is_the_same_as_playing_again() {
    let sparse = |scene| CrashSweep::new(scene).first_death_every(61).second_deaths_drawn(2_000, 1);
    let pictured = played(&sparse(DocumentedStack::plain()));
    let replayed =
        played(&sparse(DocumentedStack { plays_again: true, ..DocumentedStack::plain() }));
    let seen = |tally: &Tally| (tally.boundaries, tally.cases, tally.deaths, tally.fingerprint);
    assert_eq!(seen(&pictured), seen(&replayed));
    assert!(pictured.cases > 20, "{pictured:?}");
}
