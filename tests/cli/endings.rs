//! Endings that faults lead to: failed, taken back by policy, stuck, suspended, left at once.

use std::process::Child;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::common::{Sandbox, text};

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
    sandbox.run(&["resume", run]).expect_status(1);
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
        assert!(transcript.stderr.contains("left: target-group-1"), "{transcript}");
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
    let plan = "[[rules]]\naction = \"CreateLoadBalancer\"\nfault = { delay-after-ms = 4000 }\n";
    let sandbox = Sandbox::new();
    let _cloud = sandbox.cloud_with_faults(plan);
    let runner = sandbox.start(&["run"]);
    sandbox.wait_for_record("load-balancer");
    send(&runner, Signal::INT);
    thread::sleep(Duration::from_millis(300));
    send(&runner, Signal::INT);
    let transcript = sandbox.finish(runner);
    transcript.expect_status(130);
    assert!(transcript.stderr.contains("go on with: lab1-flow resume "), "{transcript}");
    let run = &sandbox.run_ids()[0];

    let records =
        |sandbox: &Sandbox| sandbox.run(&["journal", run, "--json"]).stdout.lines().count();
    let before = records(&sandbox);
    let runner = sandbox.start(&["resume", run]);
    // Its first record shows that it watches for signals.
    while records(&sandbox) == before {
        thread::sleep(Duration::from_millis(10));
    }
    send(&runner, Signal::TERM);
    let transcript = sandbox.finish(runner);
    // It may have finished before the signal came.
    assert!([Some(0), Some(75)].contains(&transcript.status), "{transcript}");
    sandbox.succeed(&["resume", run]);
    let balancers = sandbox.account().into_iter().filter(|name| name.starts_with("load-balancer "));
    assert_eq!(balancers.count(), 1);
}

fn send(child: &Child, signal: Signal) {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a process id");
    kill_process(pid, signal).expect("a live process");
}
