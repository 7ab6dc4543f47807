//! Goal: no death of the deployer, wherever it strikes, doubles, strands or loses anything.
//!
//! Method: the eight real steps run through the real SDK on the embedded cloud, in virtual time. Every side of
//! every append and of every remote call is a boundary. At each the process dies; only what was durable is
//! kept; a new process goes on with `resume` and with `rollback`, and dies again in its own middle. The
//! checker of the test kit judges what is left against the account.
//!
//! A whole run takes a good part of a second here, so that deaths strike at every n-th boundary only.
//! `LAB1_FLOW_SWEEP=all` visits every boundary, with a second death at every one of its continuations: hours.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking, and says what it has visited"
)]

#[path = "../support/report.rs"]
#[allow(dead_code, reason = "each suite says what it has to say")]
mod report;
mod scene;

use std::time::Instant;

use lab1_flow_cloud::{CloudOptions, Lag};
use lab1_flow_workflow::testing::{CrashSweep, Invariant, Tally, Verb};
use scene::DocumentedStack;

/// At every how many boundaries a death strikes; 0 is never.
#[derive(Debug, Clone, Copy)]
struct Strides {
    first: u64,
    second: u64,
}

/// Sweeps a scene on a runtime of its own, with paused time, and reports what was visited.
fn sweep(name: &str, scene: DocumentedStack, strides: Strides) -> Tally {
    let all = std::env::var("LAB1_FLOW_SWEEP").is_ok_and(|sweep| sweep == "all");
    let Strides { first, second } = if all { Strides { first: 1, second: 1 } } else { strides };
    let began = Instant::now();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    let sweep = CrashSweep::new(scene).first_death_every(first).second_death_every(second);
    let tally = runtime.unwrap().block_on(sweep.run());
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
    tally
}

/// Asserts the counts as well: a sweep that shrinks to nothing finds nothing.
#[track_caller]
fn assert_visited(tally: &Tally, boundaries_min: u64, cases_min: u64) {
    assert!(tally.boundaries >= boundaries_min, "only {} boundaries", tally.boundaries);
    assert!(tally.cases >= cases_min, "only {} cases", tally.cases);
}

#[test]
fn deaths_during_a_deployment_leave_nothing_and_double_nothing() {
    let tally = sweep("deployment", DocumentedStack::plain(), Strides { first: 11, second: 0 });
    assert_visited(&tally, 500, 110);
}

#[test]
fn deaths_during_a_rollback_and_its_continuation_leave_nothing() {
    let scene = DocumentedStack {
        prelude: &[Verb::Start],
        verb: Verb::RollBack,
        ..DocumentedStack::plain()
    };
    let tally = sweep("rollback of a finished run", scene, Strides { first: 23, second: 151 });
    assert_visited(&tally, 250, 60);
}

#[test]
fn deaths_during_throttle_waits_leave_nothing() {
    let throttled = &[("CreateTargetGroup", 2), ("CreateAutoScalingGroup", 3)];
    let scene = DocumentedStack { throttled, ..DocumentedStack::plain() };
    let tally = sweep("throttled deployment", scene, Strides { first: 31, second: 0 });
    assert_visited(&tally, 500, 40);
}

#[test]
fn deaths_on_a_cloud_that_shows_things_late_leave_nothing() {
    let options = CloudOptions { lag: Lag::on(), ..CloudOptions::plain() };
    let tally = sweep(
        "late visibility",
        DocumentedStack { options, ..DocumentedStack::plain() },
        Strides { first: 31, second: 0 },
    );
    assert_visited(&tally, 500, 40);
}

/// Teeth: the sweep sees a journal that forgets what it has acknowledged.
#[test]
fn a_journal_that_loses_its_last_write_is_caught() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    let sweep = CrashSweep::new(DocumentedStack::plain())
        .first_death_every(97)
        .second_death_every(0)
        .losing_last_write();
    let tally = runtime.unwrap().block_on(sweep.run());
    assert!(tally.has_caught(Invariant::IntentFirst), "{:?}", tally.violations);
}
