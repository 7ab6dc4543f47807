//! Runs and stacks that another process has in its hands.

use lab1_flow_journal::{RunJournal, RunStore};

use crate::assert_transcript;
use crate::common::stored::{completed, header, started, write};
use crate::common::{Sandbox, wait_until};

/// A run that this process holds, as a runner would.
fn held_run() -> (Sandbox, RunJournal) {
    let sandbox = Sandbox::new();
    write(
        &sandbox.state_dir(),
        "held",
        vec![started("group"), completed("group"), started("template")],
    );
    let runs = RunStore::open(sandbox.state_dir()).expect("a state directory");
    let journal = runs.open_run(&header("held").run).expect("the run");
    (sandbox, journal)
}

#[test]
fn a_run_that_is_carried_out_is_not_resumed_a_second_time() {
    let (sandbox, _journal) = held_run();
    assert_transcript!(sandbox.run(&["resume", "held"]), @r"
    exit status: 4
    -- stderr
    error: run held is held by another process (pid [pid])
      now:  this process has changed nothing
      next: lab1-flow status held
      next: lab1-flow stop held
      next: or wait for its end: `resume` and `rollback` do so with --wait-lock
    ");
}

#[test]
fn a_run_that_is_carried_out_is_not_rolled_back_under_it() {
    let (sandbox, _journal) = held_run();
    assert_transcript!(sandbox.run(&["rollback", "held"]), @r"
    exit status: 4
    -- stderr
    error: run held is held by another process (pid [pid])
      now:  this process has changed nothing
      next: lab1-flow status held
      next: lab1-flow stop held
      next: or wait for its end: `resume` and `rollback` do so with --wait-lock
    ");
}

#[test]
fn waiting_for_a_run_ends_when_its_time_is_over() {
    let (sandbox, _journal) = held_run();
    sandbox.run(&["resume", "held", "--wait-lock=200ms"]).expect_status(4);
}

#[test]
fn a_run_that_is_carried_out_can_be_looked_at() {
    let (sandbox, _journal) = held_run();
    assert_transcript!(sandbox.run(&["status", "held"]), @r"
    exit status: 0
    -- stdout
    run      held running (process [pid]), step 0/2
    stack    default on the embedded cloud (simulated), us-east-1
    started  [moment] by tester@[host]
    changed  [moment]

     1  running     [days]  The first step
        done                 . group
        running              . template
     2  pending              The second step
        pending              . balancer

    resources
      group                          the-group                group-1

    follow   lab1-flow watch held
    stop     lab1-flow stop held
    ");
}

#[test]
fn a_run_that_does_not_answer_a_stop_request_is_named() {
    let (sandbox, _journal) = held_run();
    assert_transcript!(sandbox.run(&["stop", "held", "--timeout", "200ms"]), @r"
    exit status: 4
    -- stderr
    error: run held is held by another process (pid [pid])
      now:  it was asked to stop, and still finishes its calls
      next: lab1-flow status held
      next: lab1-flow stop held
    ");
}

#[test]
fn a_stop_that_comes_while_a_process_connects_is_met() {
    let sandbox = Sandbox::new();
    let cloud = sandbox.cloud_with_faults("");
    // An endpoint is asked for the account first, and may be waited for.
    let url = sandbox.meet_cloud_as_endpoint();
    let run = ["run", "--endpoint-url", &url, "--yes", "--until", "1", "--consistency-window=1s"];
    sandbox.succeed(&run);
    let run = sandbox.run_ids()[0].clone();
    for again in [&["resume", &run][..], &["rollback", &run, "--yes"]] {
        cloud.freeze();
        let (process, _) = sandbox.start_until(again, &format!("run {run}: "));
        let stop = sandbox.start(&["stop", &run]);
        let request = sandbox.state_dir().join("runs").join(&run).join("stop");
        wait_until("it is asked to stop", || request.exists());
        cloud.thaw();
        sandbox.finish(process).expect_status(75);
        sandbox.finish(stop).expect_status(0);
    }
}
