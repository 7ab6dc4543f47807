//! `kill -9` after each change that takes effect, before the program knows of it.
//!
//! moto does not keep the rules that would make a repeated create harmless (see `deviations.rs`): a
//! load balancer would be there twice, a group would be replaced and strand its instances. So whatever
//! is found here once was looked for before it was asked for again.

use crate::each_change::for_each_change;
use crate::support::python::Python;
use crate::support::report;

/// Fewer changes than these would mean that the loop looks at something else than the stack: two
/// security groups with their rules, two templates, two target groups with their attributes, the
/// balancer, its listener, two rules and two groups.
const CHANGES_MIN: usize = 16;
/// The same for the way back: two groups, the balancer, two target groups, two templates, two security
/// groups. Listener, rules and attributes go with what they belong to.
const REMOVALS_MIN: usize = 9;

#[test]
fn a_run_killed_after_any_change_is_resumed_to_one_of_each() {
    let suite = "moto, killed and resumed";
    let Some(python) = Python::or_say_skipped(suite) else { return };
    killed_and_resumed(suite, &python);
}

#[test]
fn a_run_killed_after_any_change_is_resumed_to_one_of_each_on_an_older_moto() {
    let suite = "moto, killed and resumed, older";
    let Some(python) = Python::with_older_moto_or_say_skipped(suite) else { return };
    killed_and_resumed(suite, &python);
}

fn killed_and_resumed(suite: &str, python: &Python) {
    let kills = for_each_change(python, |stage, change| {
        let Some(call) = stage.kill_at_change(change, || stage.start_run()) else { return false };
        let run = stage.flow.only_run();
        stage.flow.run(&["resume", &run]).expect_status(0);
        stage.assert_deployed(&run, &format!("killed after {call}"));
        true
    });
    report::count(suite, &format!("{kills} kills, 0 violations"));
    assert!(kills >= CHANGES_MIN, "{kills} changes");
}

#[test]
fn a_run_killed_after_any_change_is_rolled_back_to_nothing() {
    let suite = "moto, killed and rolled back";
    let Some(python) = Python::or_say_skipped(suite) else { return };
    killed_and_rolled_back(suite, &python);
}

#[test]
fn a_run_killed_after_any_change_is_rolled_back_to_nothing_on_an_older_moto() {
    let suite = "moto, killed and rolled back, older";
    let Some(python) = Python::with_older_moto_or_say_skipped(suite) else { return };
    killed_and_rolled_back(suite, &python);
}

fn killed_and_rolled_back(suite: &str, python: &Python) {
    let kills = for_each_change(python, |stage, change| {
        let Some(call) = stage.kill_at_change(change, || stage.start_run()) else { return false };
        let run = stage.flow.only_run();
        stage.roll_back(&run).expect_status(0);
        stage.assert_nothing_left(&format!("killed after {call}"));
        true
    });
    report::count(suite, &format!("{kills} kills, 0 violations"));
    assert!(kills >= CHANGES_MIN, "{kills} changes");
}

#[test]
fn a_rollback_killed_after_any_removal_goes_on_to_nothing() {
    let Some(python) = Python::or_say_skipped("moto, killed in rollback") else { return };
    let kills = for_each_change(&python, |stage, change| {
        stage.run().expect_status(0);
        let run = stage.flow.only_run();
        let rollback = || stage.flow.start(&["rollback", &run, "--yes"]);
        let Some(call) = stage.kill_at_change(change, rollback) else { return false };
        // `resume` knows the direction as well as `rollback` does.
        let goes_on: &[&str] =
            if change % 2 == 0 { &["resume", &run] } else { &["rollback", &run, "--yes"] };
        stage.flow.run(goes_on).expect_status(0);
        stage.assert_nothing_left(&format!("killed after {call}, then {}", goes_on[0]));
        assert_eq!(stage.flow.state_of(&run), "rolled-back");
        true
    });
    report::count("moto, killed in rollback", &format!("{kills} kills, 0 violations"));
    assert!(kills >= REMOVALS_MIN, "{kills} removals");
}
