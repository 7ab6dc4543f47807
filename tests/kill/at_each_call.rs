//! Killed with a call on its way: the cloud carries it out after the caller's death.
//!
//! The cloud holds every call of one kind back for a while; the program is killed as soon as its
//! journal has the intent. So the effect comes when somebody else is already looking for it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::stage::{Stage, TIME_SCALE};
use crate::support::embedded;
use crate::support::patience::wait_for;
use crate::support::report;

/// Each action that changes something, and the call that does it.
const CHANGES: [(&str, &str); 16] = [
    ("balancer-security-group", "CreateSecurityGroup"),
    ("balancer-security-group-rules", "AuthorizeSecurityGroupIngress"),
    ("instance-security-group", "CreateSecurityGroup"),
    ("instance-security-group-rules", "AuthorizeSecurityGroupIngress"),
    ("launch-template-1", "CreateLaunchTemplate"),
    ("launch-template-2", "CreateLaunchTemplate"),
    ("target-group-1", "CreateTargetGroup"),
    ("target-group-2", "CreateTargetGroup"),
    ("target-group-1-attributes", "ModifyTargetGroupAttributes"),
    ("target-group-2-attributes", "ModifyTargetGroupAttributes"),
    ("load-balancer", "CreateLoadBalancer"),
    ("listener", "CreateListener"),
    ("rule-1", "CreateRule"),
    ("rule-2", "CreateRule"),
    ("auto-scaling-group-1", "CreateAutoScalingGroup"),
    ("auto-scaling-group-2", "CreateAutoScalingGroup"),
];

/// Longer than a run takes to come to any of them, on a machine that does much else.
const PATIENCE: Duration = Duration::from_mins(1);

/// How late a call takes effect. Well within the consistency window at this time scale: what comes
/// later than that nobody can promise anything about.
const LATE: Duration = Duration::from_millis(300);

#[test]
fn a_call_that_arrives_after_the_death_of_its_caller_is_found_by_a_resume() {
    let kills = each_change("resume", Stage::assert_one_of_each);
    report::count("kill, late calls resumed", &format!("{kills} kills, 0 violations"));
    assert_eq!(kills, CHANGES.len());
}

#[test]
fn a_call_that_arrives_after_the_death_of_its_caller_is_undone_by_a_rollback() {
    let kills = each_change("rollback", |stage, _, when| stage.assert_nothing_left(when));
    report::count("kill, late calls rolled back", &format!("{kills} kills, 0 violations"));
    assert_eq!(kills, CHANGES.len());
}

#[test]
fn a_verify_right_after_a_death_tells_every_doubt_and_no_difference() {
    let killed = CHANGES.into_iter().filter(|(action, call)| {
        (0..TRIES_MAX).any(|_| {
            kill_at(action, call, |stage, run, arrival| {
                verify_tells_every_doubt(stage, run);
                std::thread::sleep(arrival.saturating_duration_since(Instant::now()));
                verify_tells_every_doubt(stage, run);
            })
        })
    });
    let kills = killed.count();
    report::count("kill, verified at once", &format!("{kills} kills, 0 false alarms"));
    assert_eq!(kills, CHANGES.len());
}

/// Insists that `verify` tells every doubt of the journal once, and no difference.
fn verify_tells_every_doubt(stage: &Stage, run: &str) {
    let records = stage.flow.run(&["journal", run, "--json"]).objects_with("entry");
    let last_of = |action: &str| {
        let mut entries = records.iter().map(|record| &record["entry"]);
        entries.rfind(|entry| entry["action"] == action)
    };
    let is_open = |action: &str| {
        last_of(action)
            .is_some_and(|entry| entry["type"] == "attempt-started" || entry["in_doubt"] == true)
    };
    let doubts = CHANGES.iter().map(|(action, _)| *action).filter(|action| is_open(action));
    let doubts: BTreeSet<String> = doubts.map(str::to_owned).collect();
    let verified = stage.flow.run(&["verify", run, "--json"]).expect_status(0);
    let findings = verified.objects_with("finding");
    let told = findings.iter().map(|line| &line["finding"]);
    let told = told.filter(|finding| finding["condition"] == "in-doubt");
    let told: Vec<String> =
        told.filter_map(|finding| finding["action"].as_str().map(str::to_owned)).collect();
    let end = verified.objects_with("outcome").pop().expect("a last line");
    assert!(!doubts.is_empty() && end["outcome"] == "unsettled", "{}", verified.words());
    assert_eq!(end["in_doubt"], told.len(), "{}", verified.words());
    assert_eq!(told.len(), doubts.len(), "{doubts:?}\n{}", verified.words());
    assert_eq!(told.into_iter().collect::<BTreeSet<_>>(), doubts);
}

/// How often a run is begun for one change, until the death comes before the answer does.
const TRIES_MAX: usize = 5;

/// Kills a run at each of its changes in turn, goes on with `verb`, and checks what is there when the
/// late call has arrived; returns the number of changes that it could kill a run at.
fn each_change(verb: &str, check: impl Fn(&Stage, &str, &str)) -> usize {
    let killed = CHANGES.into_iter().filter(|(action, call)| {
        (0..TRIES_MAX).any(|_| {
            kill_at(action, call, |stage, run, arrival| {
                stage.flow.run(&[verb, run]).expect_status(0);
                // A check before that would find an account that nobody has disturbed yet.
                std::thread::sleep(arrival.saturating_duration_since(Instant::now()));
                check(stage, run, &format!("killed with {call} of {action} on its way"));
            })
        })
    });
    killed.count()
}

/// Kills a run with this call on its way, and says to `go_on` when it arrives. False when the answer was there before
/// the death.
fn kill_at(action: &str, call: &str, go_on: impl Fn(&Stage, &str, Instant)) -> bool {
    let stage = Stage::new();
    let late = LATE.as_millis();
    let plan = format!("[[rules]]\naction = \"{call}\"\nfault = {{ delay-before-ms = {late} }}\n");
    let _serving = embedded::serve(&stage.flow, TIME_SCALE, &plan);
    let running = stage.start_run();
    let run = wait_for(PATIENCE, || intent_of(&stage, action));
    let run = run.unwrap_or_else(|| panic!("{action} begins"));
    running.kill();
    let arrival = Instant::now() + LATE + Duration::from_millis(100);
    if is_recorded(&stage, &run, "action-completed", action) {
        return false;
    }
    go_on(&stage, &run, arrival);
    true
}

/// Returns the run once its journal holds the intent of an action.
fn intent_of(stage: &Stage, action: &str) -> Option<String> {
    let run = stage.flow.list().first().map(crate::support::flow::id_of)?;
    is_recorded(stage, &run, "attempt-started", action).then_some(run)
}

/// Tells whether the run's journal holds an entry of this type about an action.
fn is_recorded(stage: &Stage, run: &str, kind: &str, action: &str) -> bool {
    let records = stage.flow.run(&["journal", run, "--json"]).objects_with("entry");
    let mut entries = records.iter().map(|record| &record["entry"]);
    entries.any(|entry| entry["type"] == kind && entry["action"] == action)
}
