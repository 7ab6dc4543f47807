//! `--until`: a run pauses after a step, also for a second time.

use crate::assert_transcript;
use crate::common::{FAST, Sandbox, text};

#[test]
fn a_run_pauses_where_it_was_asked_to_and_goes_on() {
    let sandbox = Sandbox::new();
    let lines = sandbox.succeed(&["run", "--until", "4", "--json", "--time-scale", FAST]).json();
    let end = lines.last().expect("a last line");
    assert_eq!((&end["outcome"], &end["exit_status"]), (&"paused".into(), &0.into()));
    let run = text(&end["run_id"]);
    let resumed = sandbox.succeed(&["resume", &run, "--json"]).json();
    assert_eq!(resumed.last().expect("a last line")["outcome"], "completed");
}

#[test]
fn a_paused_run_is_led_to_a_second_pause_and_not_to_one_that_lies_behind_it() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&["run", "--until", "1", "--time-scale", FAST]);
    let run = sandbox.run_ids()[0].clone();
    let paused = sandbox.succeed(&["resume", &run, "--until", "target-groups"]);
    assert!(paused.stderr.contains("is paused after"), "{paused}");
    assert!(paused.stderr.contains(&format!("go on: lab1-flow resume {run}")), "{paused}");
    let status = sandbox.succeed(&["status", &run, "--json"]).json();
    assert_eq!((&status[0]["state"], &status[0]["step"]), (&"paused".into(), &2.into()));
    let made = |kind: &str| sandbox.account().iter().filter(|it| it.starts_with(kind)).count();
    assert_eq!((made("target-group "), made("load-balancer ")), (2, 0));
    let journal = sandbox.succeed(&["journal", &run]);
    assert!(journal.stdout.contains("pauses after target-groups"), "{journal}");

    assert_transcript!(sandbox.run(&["resume", &run, "--until", "1"]), @r"
    exit status: 2
    -- stderr
    error: the run is past step 1: it is complete
      now:  nothing was sent
      next: name one of 3 balancer-security-group, 4 load-balancer, 5 listener, 6 rules, 7 auto-scaling-groups, 8 serving; without --until the run goes on to its end
    ");
    assert_transcript!(sandbox.run(&["resume", &run, "--until", "9"]), @r"
    exit status: 2
    -- stderr
    error: there is no step 9
      now:  nothing was sent
      next: name one of 1 launch-templates, 2 target-groups, 3 balancer-security-group, 4 load-balancer, 5 listener, 6 rules, 7 auto-scaling-groups, 8 serving
    ");
    sandbox.succeed(&["resume", &run]);
    assert_transcript!(sandbox.run(&["resume", &run, "--until", "8"]), @r"
    exit status: 2
    -- stderr
    error: run [run] is completed: no step of it is left to begin
      now:  nothing was sent
      next: lab1-flow status [run]
    ");
    sandbox.succeed(&["rollback", &run]);
    assert_transcript!(sandbox.run(&["resume", &run, "--until", "8"]), @r"
    exit status: 2
    -- stderr
    error: run [run] is being taken back, or was: no step of it will begin
      now:  nothing was sent
      next: lab1-flow status [run]
    ");
}
