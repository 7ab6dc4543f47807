//! A state directory that is lost with its machine: what a run made is taken back by its tags alone.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use crate::common::{FAST, Sandbox, held_answers, text, wait_until};
use crate::report;

/// The machine is gone, and all that it knew of its runs; the cloud is not.
fn lose_the_records(sandbox: &Sandbox) {
    assert!(!sandbox.account().is_empty(), "the run has made something");
    for folder in ["runs", "stacks"] {
        let path = sandbox.state_dir().join(folder);
        fs::remove_dir_all(&path).expect("the folder was there");
    }
    assert!(sandbox.run_ids().is_empty());
}

#[test]
fn a_stack_whose_records_are_lost_is_shown_and_taken_back() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&["run", "--time-scale", FAST]);
    sandbox.succeed(&["run", "--stack", "blue"]);
    let runs = sandbox.run_ids();
    lose_the_records(&sandbox);
    let account = sandbox.account();

    let unknown = sandbox.run(&["rollback", "--from-tags", "zzzzzzzzzzzz"]);
    unknown.expect_status(2);
    assert!(unknown.stderr.contains("nothing carries the mark of run zzzzzzzzzzzz"), "{unknown}");
    assert!(runs.iter().all(|run| unknown.stderr.contains(run.as_str())), "{unknown}");
    let shown = sandbox.succeed(&["rollback", "--from-tags", &runs[0], "--dry-run"]);
    assert!(shown.stderr.contains("load balancer      lab1-load-balancer"), "{shown}");
    let shown = sandbox.succeed(&["rollback", "--from-tags", &runs[0], "--dry-run", "--json"]);
    assert!(shown.json()[0]["things"].as_array().is_some_and(|things| things.len() > 18));
    assert_eq!((sandbox.account(), sandbox.run_ids().len()), (account, 0), "it only showed");

    let taken = sandbox.succeed(&["rollback", "--from-tags", &runs[0]]);
    assert!(taken.stderr.contains("verified gone: 2 security groups, 2 launch templates, 2 target groups, 1 load balancer, 2 Auto Scaling groups"), "{taken}");
    assert!(sandbox.account().iter().all(|thing| !thing.ends_with(" lab1-load-balancer")));
    let blue = sandbox.account().iter().filter(|thing| thing.contains(" blue-")).count();
    assert!(blue > 8, "the other stack stands");
    // Asked again it is told as it ended; the other one is found by its stack.
    sandbox.succeed(&["rollback", "--from-tags", &runs[0]]);
    sandbox.run(&["rollback", "--from-tags", "--stack", "blue"]).expect_status(2);
    let taken = sandbox.succeed(&["rollback", "--from-tags", &runs[1], "--json"]).json();
    assert_eq!(text(&taken[0]["run_id"]), runs[1]);
    assert_eq!(sandbox.account(), Vec::<String>::new());
}

#[test]
fn the_name_of_a_stack_alone_takes_nobodys_run_down() {
    let theirs = Sandbox::new();
    let mut runner = theirs.start(&["run", "--time-scale", "30"]);
    let run = theirs.wait_for_run();
    let template = "launch-template lab1-template-1";
    wait_until(template, || theirs.account().iter().any(|there| there == template));
    lose_nothing_by_name(&theirs, &run);
    assert!(runner.try_wait().expect("its end").is_none(), "it goes on");
    theirs.finish(runner).expect_status(0);

    // Deployed, and its records lost: nobody works on it, and it may be in use.
    lose_the_records(&theirs);
    lose_nothing_by_name(&theirs, &run);
    theirs.succeed(&["rollback", "--from-tags", &run, "--yes"]);
    assert_eq!(theirs.account(), Vec::<String>::new());
}

/// Somebody on another machine, with the same account, knows the stack's name alone.
fn lose_nothing_by_name(theirs: &Sandbox, run: &str) {
    let (ours, url) = (Sandbox::new(), theirs.cloud_url());
    let by_name =
        ["rollback", "--from-tags", "--stack", "default", "--yes", "--endpoint-url", &url];
    let mut command = ours.command(&by_name);
    let key = [("AWS_ACCESS_KEY_ID", theirs.access_key())];
    command.envs(key).env("AWS_SECRET_ACCESS_KEY", "any").env("AWS_REGION", "us-east-1");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let refused = ours.finish(command.spawn().expect("the binary starts"));
    refused.expect_status(2);
    let named = format!("lab1-flow rollback --from-tags {run} --endpoint-url");
    assert!(refused.stderr.contains(&named), "{refused}");
    assert!(refused.stderr.contains("It was made from 20"), "{refused}");
    assert!(refused.stderr.contains("nothing was deleted"), "{refused}");
    assert_eq!(ours.run_ids(), Vec::<String>::new());
}

#[test]
fn a_run_that_is_recorded_here_is_taken_back_by_its_records() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&["run", "--until", "2", "--time-scale", FAST]);
    let run = sandbox.run_ids()[0].clone();
    // What is known here is known by its beginning, too.
    let account = sandbox.account();
    let shown = sandbox.succeed(&["rollback", "--from-tags", &run[..6], "--dry-run"]);
    assert!(shown.stderr.contains("Nothing was deleted and nothing was recorded."), "{shown}");
    assert_eq!(sandbox.account(), account, "it only showed");
    let taken = sandbox.succeed(&["rollback", "--from-tags", &run[..6]]);
    let said = format!("the records of run {run} are here and can be read: they are used");
    assert!(taken.stderr.contains(&said), "{taken}");
    let journal = sandbox.succeed(&["journal", &run, "--json"]).json();
    assert_eq!(journal[0]["header"]["workflow"], "lab1-flow");
    assert_eq!(sandbox.account(), Vec::<String>::new());
}

/// Trap: an older copy of the run's folder is put back, and the stack that it does not know of goes on running.
#[test]
fn an_older_copy_that_was_put_back_is_rolled_back_to_nothing_by_either_way() {
    for from_tags in [false, true] {
        let sandbox = Sandbox::new();
        sandbox.succeed(&["run", "--until", "3", "--time-scale", FAST]);
        let run = sandbox.run_ids()[0].clone();
        let folder = sandbox.state_dir().join("runs").join(&run);
        let copy = sandbox.state_dir().join("copy");
        copy_folder(&folder, &copy);
        sandbox.succeed(&["resume", &run]);
        fs::remove_dir_all(&folder).expect("the folder was there");
        copy_folder(&copy, &folder);
        let tags: &[&str] = if from_tags { &["--from-tags"] } else { &[] };
        sandbox.succeed(&[&["rollback", &run][..], tags].concat());
        assert_eq!(sandbox.account(), Vec::<String>::new(), "from tags: {from_tags}");
        let journal = sandbox.succeed(&["journal", &run]);
        assert!(journal.stdout.contains("by its mark"), "{journal}");
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("it can be listed") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("its type").is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("it can be copied");
        }
    }
}

#[test]
fn a_run_killed_in_mid_call_and_lost_is_taken_back_to_nothing() {
    for (call, action, thing) in [
        ("CreateSecurityGroup", "balancer-security-group", "security-group lab1-load-balancer-sg"),
        ("CreateTargetGroup", "target-group-1", "target-group target-group-1"),
        ("CreateLoadBalancer", "load-balancer", "load-balancer lab1-load-balancer"),
        ("CreateAutoScalingGroup", "auto-scaling-group-2", "auto-scaling-group group2"),
    ] {
        let sandbox = Sandbox::new();
        let _cloud = sandbox.cloud_with_faults(&held_answers(call));
        let mut runner = sandbox.start(&["run"]);
        sandbox.wait_for_record(action);
        // The call arrives; its answer does not.
        wait_until(thing, || sandbox.account().iter().any(|there| there == thing));
        runner.kill().expect("a live process");
        let _killed = runner.wait();
        let run = sandbox.run_ids()[0].clone();
        lose_the_records(&sandbox);
        sandbox.succeed(&["rollback", "--from-tags", &run]);
        assert_eq!(sandbox.account(), Vec::<String>::new(), "{call}");
    }
}

#[test]
fn a_rollback_from_tags_that_is_killed_again_and_again_goes_on_to_nothing() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&["run", "--time-scale", "300"]);
    let run = sandbox.run_ids()[0].clone();
    lose_the_records(&sandbox);
    let mut kills = 0;
    for (round, millis) in [60, 150, 300, 500, 800, 1200].into_iter().enumerate() {
        let by_verb = [["rollback", "--from-tags"], ["resume", "--now"]];
        let verb = if sandbox.run_ids().is_empty() { by_verb[0] } else { by_verb[round % 2] };
        let mut runner = sandbox.start(&[verb[0], verb[1], &run]);
        thread::sleep(Duration::from_millis(millis));
        if runner.try_wait().expect("its end").is_none() {
            runner.kill().expect("a live process");
            kills += 1;
        }
        let _ended = runner.wait();
    }
    assert!(kills > 0, "nothing was killed");
    sandbox.succeed(&["rollback", "--from-tags", &run]);
    assert_eq!(sandbox.account(), Vec::<String>::new());
    report::count("rollback from tags", &format!("{kills} kills"));
}

#[test]
fn a_deletion_that_is_denied_is_left_over_by_a_rollback_from_tags_and_can_be_skipped() {
    let sandbox = Sandbox::new();
    let plan = "[[rules]]\naction = \"DeleteLoadBalancer\"\nfault = \"access-denied\"\n";
    let _cloud = sandbox.cloud_with_faults(plan);
    sandbox.succeed(&["run"]);
    let run = sandbox.run_ids()[0].clone();
    lose_the_records(&sandbox);
    let stuck = sandbox.run(&["rollback", "--from-tags", &run]);
    stuck.expect_status(5);
    assert!(stuck.stderr.contains("left: load-balancer"), "{stuck}");
    assert!(stuck.stderr.contains(&format!("retry: lab1-flow rollback {run}")), "{stuck}");
    let reason = ["--skip", "load-balancer", "--reason", "it serves"];
    let left = sandbox.run(&[&["rollback", &run][..], &reason].concat());
    left.expect_status(5);
}
