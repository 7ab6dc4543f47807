//! `resume --config`: what has not begun may change.

use lab1_flow_journal::{RunId, RunStore};
use serde_json::Value;

use crate::assert_transcript;
use crate::common::stored::{action, write_with};
use crate::common::{FAST, Sandbox};

/// A run that paused after its balancer, before its listener and its groups.
fn paused() -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    sandbox.succeed(&["run", "--until", "4", "--wait", "targets", "--time-scale", FAST]);
    let run = sandbox.run_ids()[0].clone();
    (sandbox, run)
}

fn resume(sandbox: &Sandbox, run: &str, text: &str) -> crate::common::Transcript {
    let file = sandbox.file("changed.toml", text);
    sandbox.run(&["resume", run, "--config", &file.to_string_lossy()])
}

#[test]
fn steps_that_have_not_begun_are_carried_out_as_the_file_says() {
    let (sandbox, run) = paused();
    let changed = resume(&sandbox, &run, "[[groups]]\nmin = 1\ndesired = 2\nmax = 2\n");
    changed.expect_status(0);
    let status = sandbox.succeed(&["status", &run]);
    assert!(status.stdout.contains("(2 m4.large)"), "{status}");
    assert!(
        status.stdout.contains("every target is healthy"),
        "the wait stays as it was\n{status}"
    );
    let instances = sandbox.account().into_iter().filter(|it| it.starts_with("instance "));
    assert_eq!(instances.count(), 6);
    sandbox.succeed(&["rollback", &run]);
    assert_eq!(sandbox.account(), Vec::<String>::new());
}

/// The same, stored by a version whose targets waited for the rules.
fn paused_by_an_earlier_version() -> (Sandbox, String) {
    let (sandbox, run) = paused();
    let store = RunStore::open(sandbox.state_dir()).expect("the runs");
    let run_id = RunId::new(&run).expect("a valid id");
    let history = store.view(&run_id).expect("the run").history;
    std::fs::remove_dir_all(sandbox.state_dir().join("runs").join(&run)).expect("it is there");
    let mut header = history.header;
    let serving = header.steps.last_mut().expect("the last step");
    let config = serving.config.as_object_mut().expect("its configuration");
    assert!(config.remove("healthy_beside_rules").is_some(), "what the earlier version lacks");
    for it in &mut serving.actions {
        match it.name.as_str() {
            "targets-healthy" => {
                let listener = it.needs.iter().position(|need| need.as_str() == "listener");
                let behind = listener.expect("it needs the listener") + 1;
                it.needs.splice(behind..behind, [action("rule-1"), action("rule-2")]);
            }
            "instances-answer" => it.needs.retain(|need| !need.as_str().starts_with("rule-")),
            _ => {}
        }
    }
    let entries = history.records.into_iter().map(|record| record.entry).collect();
    write_with(&sandbox.state_dir(), &header, entries);
    (sandbox, run)
}

#[test]
fn a_run_that_was_begun_by_an_earlier_version_goes_on_in_its_own_order() {
    for file in [None, Some("[[groups]]\nmin = 1\ndesired = 2\nmax = 2\n")] {
        let (sandbox, run) = paused_by_an_earlier_version();
        match file {
            None => sandbox.run(&["resume", &run]),
            Some(text) => resume(&sandbox, &run, text),
        }
        .expect_status(0);
        let events = sandbox.succeed(&["journal", &run, "--json"]).json();
        let place = |kind: &str, action: &str| {
            let is = |it: &Value| it["entry"]["type"] == kind && it["entry"]["action"] == action;
            events.iter().position(is).expect("the record is there")
        };
        let looked = place("attempt-started", "targets-healthy");
        for rule in ["rule-1", "rule-2"] {
            assert!(place("action-completed", rule) < looked, "{rule} first");
        }
        sandbox.succeed(&["rollback", &run]);
        assert_eq!(sandbox.account(), Vec::<String>::new());
    }
}

#[test]
fn a_step_that_has_begun_may_not_change_and_the_difference_is_named() {
    let (sandbox, run) = paused();
    let account = sandbox.account();
    let file = "[targets.health_check]\npath = \"/health\"\ninterval_s = 12\n";
    assert_transcript!(resume(&sandbox, &run, file), @r#"
    exit status: 2
    -- stderr
    run [run]: stack default on the embedded cloud (simulated), us-east-1
    error: step launch-templates has begun and may not change: templates.0.user_data in line 71: was "HEALTH_PATHS = [\"/\"]", and is "HEALTH_PATHS = [\"/\", \"/health\"]"; templates.1.user_data in line 71: was "HEALTH_PATHS = [\"/\"]", and is "HEALTH_PATHS = [\"/\", \"/health\"]"
      now:  nothing was sent; the run stands where its journal says
      next: undo that change in the file of --config
      next: without --config: use the version of lab1-flow that started the run
    "#);
    assert_transcript!(resume(&sandbox, &run, "[network]\nzones = [\"us-east-1c\", \"us-east-1b\"]\n"), @r#"
    exit status: 2
    -- stderr
    run [run]: stack default on the embedded cloud (simulated), us-east-1
    error: step preflight has begun and may not change: place.zones.0 was "us-east-1a", and is "us-east-1c"
      now:  nothing was sent; the run stands where its journal says
      next: undo that change in the file of --config
      next: without --config: use the version of lab1-flow that started the run
    "#);
    assert_transcript!(resume(&sandbox, &run, "stack = \"blue\"\n"), @r"
    exit status: 2
    -- stderr
    error: [home]/changed.toml is about stack blue
      now:  the run belongs to stack default; nothing was sent
      next: give the file of that stack
    ");
    assert_eq!(sandbox.account(), account);
    sandbox.succeed(&["resume", &run]);
    assert_transcript!(resume(&sandbox, &run, ""), @r"
    exit status: 2
    -- stderr
    error: run [run] is completed: no step of it is left to begin
      now:  nothing was sent
      next: lab1-flow status [run]
    ");
    sandbox.succeed(&["rollback", &run]);
    assert_transcript!(resume(&sandbox, &run, ""), @r"
    exit status: 2
    -- stderr
    error: run [run] is being taken back, or was: no step of it will begin
      now:  nothing was sent
      next: lab1-flow status [run]
    ");
}
