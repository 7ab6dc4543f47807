//! Killed with a call on its way: the cloud carries it out after the caller's death.
//!
//! The cloud holds every call of one kind back for a while; the program is killed as soon as its
//! journal has the intent. So the effect comes when somebody else is already looking for it.

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

/// Kills a run at each of its changes in turn, goes on with `verb`, and checks what is there when the
/// late call has arrived; returns the number of kills.
fn each_change(verb: &str, check: impl Fn(&Stage, &str, &str)) -> usize {
    let mut kills = 0;
    for (action, call) in CHANGES {
        let stage = Stage::new();
        let late = LATE.as_millis();
        let plan =
            format!("[[rules]]\naction = \"{call}\"\nfault = {{ delay-before-ms = {late} }}\n");
        let serving = embedded::serve(&stage.flow, TIME_SCALE, &plan);
        let running = stage.start_run();
        let run = wait_for(Duration::from_secs(30), || intent_of(&stage, action))
            .unwrap_or_else(|| panic!("{action} begins"));
        kills += usize::from(running.kill());
        let arrival = Instant::now() + LATE + Duration::from_millis(100);
        stage.flow.run(&[verb, &run]).expect_status(0);
        // A check before that would find an account that nobody has disturbed yet.
        std::thread::sleep(arrival.saturating_duration_since(Instant::now()));
        check(&stage, &run, &format!("killed with {call} of {action} on its way"));
        drop(serving);
    }
    kills
}

/// Returns the run once its journal holds the intent of an action.
fn intent_of(stage: &Stage, action: &str) -> Option<String> {
    let run = stage.flow.list().first().map(crate::support::flow::id_of)?;
    let journal = stage.flow.run(&["journal", &run, "--json"]);
    let records = journal.objects_with("entry");
    let begun = records.iter().any(|record| {
        record["entry"]["type"] == "attempt-started" && record["entry"]["action"] == action
    });
    begun.then_some(run)
}
