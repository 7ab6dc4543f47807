//! Throttling and lost credentials, from the cloud's own plan of faults.

use std::time::Duration;

use rustix::process::Signal;

use crate::stage::{Stage, TIME_SCALE};
use crate::support::embedded;
use crate::support::flow::Ended;
use crate::support::patience::wait_for;

/// How often a run may lose its patience before the test does.
const RESUMES_MAX: usize = 5;

#[test]
fn throttling_is_waited_out_and_status_says_so() {
    let stage = Stage::new();
    let _cloud = embedded::serve(
        &stage.flow,
        TIME_SCALE,
        r#"
        [[rules]]
        action = "CreateLoadBalancer"
        count = 6
        fault = "throttle"

        [[rules]]
        action = "Create*"
        probability = 0.3
        fault = "throttling-exception"

        [[rules]]
        probability = 0.1
        fault = "throttle"
        "#,
    );
    let running = stage.start_run();
    let run = wait_for(Duration::from_mins(1), || {
        stage.flow.list().first().map(crate::support::flow::id_of)
    });
    let run = run.expect("the run begins");
    // It stands still while it is looked at, so that it is not over before the look.
    let told = wait_for(Duration::from_mins(1), || {
        running.send(Signal::STOP);
        let status = stage.flow.run(&["status", &run]);
        running.send(Signal::CONT);
        status.stdout.contains("throttled").then_some(status.stdout)
    });
    assert!(told.is_some(), "status tells of throttling");
    running.wait().expect_status(0);
    stage.assert_one_of_each(&run, "throttled on the way");
    stage.flow.run(&["rollback", &run]).expect_status(0);
    stage.assert_nothing_left("throttled on the way back");
}

#[test]
fn expired_credentials_suspend_and_a_later_resume_completes() {
    let stage = Stage::new();
    let _cloud = embedded::serve(
        &stage.flow,
        TIME_SCALE,
        r#"
        [[rules]]
        action = "CreateLoadBalancer"
        count = 1
        fault = "expired-credentials"

        [[rules]]
        action = "DeleteAutoScalingGroup"
        count = 1
        fault = "expired-credentials"
        "#,
    );
    let suspended = stage.start_run().wait().expect_status(75);
    let run = stage.flow.only_run();
    assert!(suspended.stderr.contains(&format!("resume {run}")), "{}", suspended.words());
    assert_eq!(stage.flow.state_of(&run), "suspended");
    stage.flow.run(&["resume", &run]).expect_status(0);
    stage.assert_one_of_each(&run, "resumed with new credentials");
    stage.flow.run(&["rollback", &run]).expect_status(75);
    stage.flow.run(&["resume", &run]).expect_status(0);
    stage.assert_nothing_left("the direction was kept");
}

#[test]
fn replies_lost_at_random_make_nothing_twice_and_leave_nothing_behind() {
    for seed in 1..=4 {
        let stage = Stage::new();
        let changes = ["Create*", "Authorize*", "Modify*", "Delete*"].map(|action| {
            format!(
                "[[rules]]\naction = \"{action}\"\nprobability = 0.3\nfault = \"reply-lost\"\n\n\
                 [[rules]]\naction = \"{action}\"\nprobability = 0.3\n\
                 fault = {{ error-after = 500 }}\n"
            )
        });
        let reads = "[[rules]]\nprobability = 0.01\nfault = \"reply-lost\"\n";
        let plan = format!("seed = {seed}\n\n{}\n{reads}", changes.join("\n"));
        let _cloud = embedded::serve(&stage.flow, TIME_SCALE, &plan);
        let ended = stage.start_run().wait();
        let run = stage.flow.only_run();
        go_on(&stage, &run, ended);
        stage.assert_one_of_each(&run, &format!("seed {seed}"));
        let ended = stage.flow.run(&["rollback", &run]);
        go_on(&stage, &run, ended);
        stage.assert_nothing_left(&format!("seed {seed}"));
    }
}

/// Resumes a run as long as it ends for want of patience: half of its changes fail.
fn go_on(stage: &Stage, run: &str, mut ended: Ended) {
    for _ in 0..RESUMES_MAX {
        if ended.code() != Some(75) {
            break;
        }
        ended = stage.flow.run(&["resume", run]);
    }
    ended.expect_status(0);
}
