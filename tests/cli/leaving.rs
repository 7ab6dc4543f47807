//! What a person leaves in place, and the look ahead at a rollback.

use crate::assert_transcript;
use crate::common::stored::{completed, rested, started, throttled, write};
use crate::common::{FAST, Sandbox, held_answers};
use lab1_flow_journal::Rest;

/// A run that stopped with one thing made and another throttled.
fn stopped() -> Sandbox {
    let sandbox = Sandbox::new();
    let entries =
        vec![started("group"), completed("group"), started("template"), throttled("template")];
    let entries = entries.into_iter().chain([rested(Rest::Stopped)]).collect();
    write(&sandbox.state_dir(), "aaa333ccc444", entries);
    sandbox
}

#[test]
fn a_misspelt_action_is_answered_with_the_likely_one_and_all_that_can_be_left() {
    assert_transcript!(stopped().run(&["rollback", "aaa3", "--skip", "grop", "--reason", "kept"]), @r"
    exit status: 2
    -- stderr
    error: there is no action grop; did you mean group?
      now:  what can be left: group
      next: lab1-flow status [run]
    ");
}

#[test]
fn only_what_is_there_can_be_left_and_only_with_a_reason() {
    let sandbox = stopped();
    assert_transcript!(sandbox.run(&["rollback", "aaa3", "--skip", "template", "--reason", "kept"]), @r"
    exit status: 2
    -- stderr
    error: there is nothing of template to leave
      now:  nothing was sent and nothing was recorded
      next: lab1-flow status [run]
    ");
    assert_transcript!(sandbox.run(&["rollback", "aaa3", "--skip", "group", "--reason", " "]), @r"
    exit status: 2
    -- stderr
    error: what is left needs a reason: it is recorded
      now:  nothing was sent and nothing was recorded
      next: say with --reason why it stays
    ");
    let without = sandbox.run(&["rollback", "aaa3", "--skip", "group"]);
    without.expect_status(2);
    assert!(without.stderr.contains("--reason <TEXT>"), "{without}");
    let rows = sandbox.succeed(&["list", "--json"]).json();
    assert_eq!(rows[0]["state"], "stopped", "nothing was recorded");
}

#[test]
fn flags_of_a_target_are_for_runs_whose_records_are_lost() {
    assert_transcript!(stopped().run(&["rollback", "aaa3", "--region", "eu-west-1"]), @r"
    exit status: 2
    -- stderr
    error: a run knows the target that it was started on
      now:  nothing was sent
      next: leave the flags of the target out; with --from-tags they are needed
    ");
}

#[test]
fn what_is_left_on_request_is_recorded_listed_and_taken_back_by_its_tags_later() {
    let sandbox = Sandbox::new();
    let run = {
        let _cloud = sandbox.cloud_with_faults(
            "[[rules]]\naction = \"DeleteTargetGroup\"\nfault = \"access-denied\"\n",
        );
        sandbox.succeed(&["run"]);
        let run = sandbox.run_ids()[0].clone();
        sandbox.run(&["rollback", &run]).expect_status(5);
        let both = ["--skip", "target-group-1", "--skip", "target-group-2"];
        let reason = ["--reason", "another listener uses them"];
        let left = sandbox.run(&[&["rollback", &run][..], &both, &reason].concat());
        left.expect_status(5);
        let line = "left: target-group-1 is left on request: another listener uses";
        assert!(left.stderr.contains(line), "{left}");
        assert!(
            left.stderr.contains("rolled back") && left.stderr.contains("nothing else carries")
        );
        run
    };
    // The next cloud of this directory has the same account, and no faults.
    sandbox.succeed(&["cloud", "start", "--time-scale", FAST]);
    assert_eq!(sandbox.account(), ["target-group target-group-1", "target-group target-group-2"]);
    let status = sandbox.succeed(&["status", &run]);
    assert!(status.stdout.contains("partly-rolled-back"), "{status}");
    assert!(status.stdout.contains("left on request: another listener uses them"), "{status}");
    assert_eq!(sandbox.succeed(&["list", "--json"]).json()[0]["state"], "partly-rolled-back");
    // Told again as it was: the end is reached, and something is left.
    sandbox.run(&["rollback", &run]).expect_status(5);
    sandbox.run(&["resume", &run]).expect_status(5);
    sandbox
        .run(&["rollback", &run, "--skip", "target-group-1", "--reason", "again"])
        .expect_status(2);

    let taken = sandbox.succeed(&["rollback", "--from-tags", &run]);
    assert!(taken.stderr.contains("the earlier records are kept in [home]/state/set-aside/"));
    assert!(taken.stderr.contains("verified gone: 2 target groups"), "{taken}");
    assert_eq!(sandbox.account(), Vec::<String>::new());
    assert_eq!(sandbox.succeed(&["list", "--json"]).json()[0]["state"], "rolled-back");
}

/// What must be proven gone before the removal of something else begins.
const REMOVALS: [(&str, &str); 10] = [
    ("auto-scaling-group-1", "launch-template-1"),
    ("auto-scaling-group-2", "launch-template-2"),
    ("launch-template-1", "instance-security-group"),
    ("launch-template-2", "instance-security-group"),
    ("load-balancer", "target-group-1"),
    ("load-balancer", "target-group-2"),
    ("auto-scaling-group-1", "target-group-1"),
    ("auto-scaling-group-2", "target-group-2"),
    ("load-balancer", "balancer-security-group"),
    ("instance-security-group", "balancer-security-group"),
];

#[test]
fn a_dry_run_tells_the_order_that_the_rollback_then_takes() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&["run", "--time-scale", FAST]);
    let run = sandbox.run_ids()[0].clone();
    let account = sandbox.account();
    let records = || sandbox.succeed(&["journal", &run, "--json"]).json().len();
    let before = records();
    assert_transcript!(sandbox.run(&["rollback", &run, "--dry-run"]), @r"
    exit status: 0
    -- stdout
    run [run]: what has one number may go side by side; each goes when all that was built on it is proven gone
     1  - load-balancer                    lab1-load-balancer
     1  - auto-scaling-group-1             group1
     1  - auto-scaling-group-2             group2
     1    listener                         goes with load-balancer
     1    rule-1                           goes with load-balancer
     1    rule-2                           goes with load-balancer
     2  - launch-template-1                lab1-template-1 (lt-[id])
     2  - launch-template-2                lab1-template-2 (lt-[id])
     3  - instance-security-group          lab1-instances (sg-[id])
     3  - target-group-1                   target-group-1
     3  - target-group-2                   target-group-2
     3    instance-security-group-rules    goes with instance-security-group
     3    target-group-1-attributes        goes with target-group-1
     3    target-group-2-attributes        goes with target-group-2
     4  - balancer-security-group          lab1-load-balancer-sg (sg-[id])
     4    balancer-security-group-rules    goes with balancer-security-group
    Plan: 0 to create, 0 to change, 9 to delete; before and after, the account is searched for the run's mark.
    Nothing was sent and nothing was recorded.
    ");
    let preview = sandbox.succeed(&["rollback", &run, "--dry-run", "--json"]).json();
    assert_eq!((records(), sandbox.account()), (before, account), "nothing was done");

    sandbox.succeed(&["rollback", &run]);
    let journal = sandbox.succeed(&["journal", &run, "--json"]).json();
    let begun = |action: &str, kind: &str| {
        let mut entries = journal[1..].iter().map(|line| &line["entry"]);
        entries.position(|it| it["type"] == kind && it["action"] == action)
    };
    let turns = preview[0]["turns"].as_array().expect("turns");
    assert_eq!(preview[0]["delete"], 9);
    let number = |action: &str| {
        let has = |turn: &serde_json::Value| {
            turn.as_array().is_some_and(|rows| rows.iter().any(|row| row["action"] == action))
        };
        turns.iter().position(has)
    };
    for (first, then) in REMOVALS {
        let (ends, starts) =
            (begun(first, "compensation-completed"), begun(then, "compensation-started"));
        assert!(ends.is_some() && ends < starts, "{first} at {ends:?}, then {then} at {starts:?}");
        assert!(number(first) < number(then), "{first}, then {then}: {turns:?}");
    }
    assert_transcript!(sandbox.run(&["rollback", &run, "--dry-run"]), @r"
    exit status: 0
    -- stdout
    run [run]: there is nothing to take back
    Nothing was sent and nothing was recorded.
    ");
}

#[test]
fn a_dry_run_of_a_killed_run_names_what_is_in_doubt() {
    let sandbox = Sandbox::new();
    let _cloud = sandbox.cloud_with_faults(&held_answers("CreateLoadBalancer"));
    let mut runner = sandbox.start(&["run"]);
    sandbox.wait_for_record("load-balancer");
    runner.kill().expect("a live process");
    let _killed = runner.wait();
    let run = sandbox.run_ids()[0].clone();
    let preview = sandbox.run(&["rollback", &run, "--dry-run"]);
    let doubt = preview.stdout.lines().find(|line| line.contains("load-balancer  "));
    assert!(doubt.is_some_and(|line| line.contains("it is looked for first")), "{preview}");
}
