//! `resume --config`: what has not begun may change.

use crate::assert_transcript;
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

#[test]
fn a_step_that_has_begun_may_not_change_and_the_difference_is_named() {
    let (sandbox, run) = paused();
    let account = sandbox.account();
    let file = "[targets.health_check]\npath = \"/health\"\ninterval_s = 12\n";
    assert_transcript!(resume(&sandbox, &run, file), @r#"
    exit status: 2
    -- stderr
    run [run]: stack default on the embedded cloud (simulated), us-east-1
    error: step launch-templates has begun and may not change: templates.0.user_data in line 60: was "HEALTH_PATHS = [\"/\"]", and is "HEALTH_PATHS = [\"/\", \"/health\"]"; templates.1.user_data in line 60: was "HEALTH_PATHS = [\"/\"]", and is "HEALTH_PATHS = [\"/\", \"/health\"]"
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
