//! Endings that faults lead to: failed, taken back by policy, stuck, suspended, left at once.

use std::thread;
use std::time::Duration;

use rustix::process::Signal;

use crate::common::{Sandbox, catches, hear, held_answers, send, text, wait_until};

const DENIED_TEMPLATES: &str = "
[[rules]]
action = \"CreateLaunchTemplate\"
fault = \"access-denied\"
";

#[test]
fn a_step_that_fails_for_good_leaves_all_as_it_is() {
    let sandbox = Sandbox::new();
    let _cloud = sandbox.cloud_with_faults(DENIED_TEMPLATES);
    let transcript = sandbox.run(&["run"]);
    transcript.expect_status(1);
    assert!(transcript.stderr.contains("has failed after"), "{transcript}");
    assert!(transcript.stderr.contains("why: launch-template-"), "{transcript}");
    assert!(transcript.stderr.contains("UnauthorizedOperation"), "{transcript}");
    assert!(transcript.stderr.contains("undo:  lab1-flow rollback "), "{transcript}");
    assert!(!sandbox.account().is_empty(), "nothing is deleted unless asked");
    let run = &sandbox.run_ids()[0];
    sandbox.run(&["resume", run]).expect_status(1);
    sandbox.succeed(&["rollback", run]);
    assert_eq!(sandbox.account(), Vec::<String>::new());
}

#[test]
fn a_step_that_fails_for_good_is_taken_back_where_the_policy_says_so() {
    let sandbox = Sandbox::new();
    let _cloud = sandbox.cloud_with_faults(DENIED_TEMPLATES);
    let transcript = sandbox.run(&["run", "--on-failure", "rollback", "--json"]);
    transcript.expect_status(1);
    assert_eq!(transcript.json().last().expect("a last line")["outcome"], "rolled-back");
    assert_eq!(sandbox.account(), Vec::<String>::new());
    // Told again as it was; a rollback that is asked for has reached its end.
    let run = &sandbox.run_ids()[0];
    let again = sandbox.run(&["resume", run]);
    again.expect_status(1);
    assert!(again.stderr.contains("is rolled back after"), "{again}");
    assert!(again.stderr.contains("why: launch-template-"), "{again}");
    assert!(!again.stderr.contains("grant it"), "nothing is to be done any more\n{again}");
    sandbox.run(&["rollback", run]).expect_status(0);
}

#[test]
fn what_cannot_be_removed_is_listed_and_asked_again() {
    let sandbox = Sandbox::new();
    let run = {
        let _cloud = sandbox.cloud_with_faults(
            "[[rules]]\naction = \"DeleteTargetGroup\"\nfault = \"access-denied\"\n",
        );
        sandbox.succeed(&["run"]);
        let run = sandbox.run_ids()[0].clone();
        let transcript = sandbox.run(&["rollback", &run]);
        transcript.expect_status(5);
        // Each thing that is left, also what waits for another, and what to do.
        for line in [
            "left: target-group-1: DeleteTargetGroup (target-group-1): AccessDenied: ",
            "left: target-group-2: DeleteTargetGroup (target-group-2): AccessDenied: ",
            "left: balancer-security-group: lab1-load-balancer-sg (sg-",
            ") waits until nothing is left of target-group-1, target-group-2\n",
            "do: the credentials lack this permission; grant it",
            " of 8 steps done, 3 resources",
            &format!("leave: lab1-flow rollback {run} --skip ACTION --reason TEXT"),
        ] {
            assert!(transcript.stderr.contains(line), "{line}\n{transcript}");
        }
        assert_eq!(transcript.stderr.matches("  left: ").count(), 3, "{transcript}");
        let advice = transcript.stderr.matches("grant it (`lab1-flow iam-policy`").count();
        assert_eq!(advice, 1, "each advice once\n{transcript}");
        let of_request = transcript.stderr.lines().filter(|line| line.contains("[request "));
        assert!(of_request.count() >= 2, "refusals name their requests\n{transcript}");
        assert!(
            transcript.stderr.contains(&format!("retry: lab1-flow rollback {run}")),
            "{transcript}"
        );
        run
    };
    // The next cloud of this directory has the same account, and no faults.
    sandbox.succeed(&["rollback", &run]);
    assert_eq!(sandbox.account(), Vec::<String>::new());
}

#[test]
fn a_rollback_that_has_reached_its_end_does_not_tell_what_went_wrong_before() {
    let sandbox = Sandbox::new();
    let _cloud = sandbox.cloud_with_faults(DENIED_TEMPLATES);
    let failed = sandbox.run(&["run"]);
    failed.expect_status(1);
    assert!(failed.stderr.contains("why: ") && failed.stderr.contains("do: "), "{failed}");
    let run = &sandbox.run_ids()[0];
    let back = sandbox.succeed(&["rollback", run]);
    assert!(!back.stderr.contains("why: ") && !back.stderr.contains("do: "), "{back}");
    let status = sandbox.succeed(&["status", run, "--json"]).json();
    assert_eq!(status[0].get("failure"), None);
}

#[test]
fn lost_credentials_suspend_a_run_that_goes_on_when_they_are_back() {
    let sandbox = Sandbox::new();
    let run = {
        let _cloud = sandbox.cloud_with_faults(
            "[[rules]]\nservice = \"elasticloadbalancing\"\nfault = \"expired-credentials\"\n",
        );
        let transcript = sandbox.run(&["run", "--json"]);
        transcript.expect_status(75);
        let lines = transcript.json();
        let end = lines.last().expect("a last line");
        assert_eq!(end["outcome"], "suspended");
        assert!(end["failure"]["advice"].is_string(), "it says what to do: {end}");
        text(&end["run_id"])
    };
    sandbox.succeed(&["resume", &run]);
}

#[test]
fn a_first_signal_lets_calls_finish_and_a_second_one_does_not() {
    let sandbox = Sandbox::new();
    let calls = ["CreateLoadBalancer", "CreateListener"];
    let _cloud = sandbox.cloud_with_faults(&calls.map(held_answers).concat());
    let mut runner = sandbox.start(&["run"]);
    sandbox.wait_for_record("load-balancer");
    send(&runner, Signal::INT);
    hear(&mut runner, "Ctrl-C again leaves at once");
    send(&runner, Signal::INT);
    let transcript = sandbox.finish(runner);
    transcript.expect_status(130);
    assert!(transcript.stderr.contains("go on with: lab1-flow resume "), "{transcript}");
    let run = &sandbox.run_ids()[0];

    let mut runner = sandbox.start(&["resume", run]);
    wait_until("it watches for signals", || catches(&runner, Signal::TERM));
    send(&runner, Signal::TERM);
    hear(&mut runner, "stopping after the calls in flight");
    sandbox.hurry();
    sandbox.finish(runner).expect_status(75);
    sandbox.succeed(&["resume", run]);
    let balancers = sandbox.account().into_iter().filter(|name| name.starts_with("load-balancer "));
    assert_eq!(balancers.count(), 1);
}

#[test]
fn a_signal_that_comes_twice_at_once_stops_gently() {
    let sandbox = Sandbox::new();
    let _cloud = sandbox.cloud_with_faults(&held_answers("CreateLoadBalancer"));
    let runner = sandbox.start(&["run"]);
    sandbox.wait_for_record("load-balancer");
    // As GNU timeout does: to the child, and to its group.
    send(&runner, Signal::TERM);
    thread::sleep(Duration::from_millis(20));
    send(&runner, Signal::TERM);
    sandbox.hurry();
    let transcript = sandbox.finish(runner);
    transcript.expect_status(75);
    assert!(transcript.stderr.contains("is stopped after"), "{transcript}");
}
