//! `watch`: following runs that others carry out, that rest, or that have lost their process.

use lab1_flow_journal::{Entry, Rest, RunStore, Seq};
use rustix::process::Signal;

use crate::assert_transcript;
use crate::common::stored::{append, completed, header, rested, started, write};
use crate::common::{FAST, Sandbox, hear, send, text};

fn all_done() -> Vec<Entry> {
    let actions = ["group", "template", "balancer"];
    let done = actions.iter().flat_map(|name| [started(name), completed(name)]);
    done.chain([rested(Rest::Completed)]).collect()
}

#[test]
fn a_run_that_has_ended_is_told_as_it_ended() {
    let sandbox = Sandbox::new();
    write(&sandbox.state_dir(), "done", all_done());
    assert_transcript!(sandbox.run(&["watch", "done"]), @r"
    exit status: 0
    -- stderr
    run done: stack default on the embedded cloud (simulated), us-east-1
        [span]  group                          done     the-group (group-1)
        [span]  template                       done     the-template (template-1)
        [span]  step 1 done: The first step
        [span]  balancer                       done     the-balancer (balancer-1)
        [span]  step 2 done: The second step
    run done is deployed after [span]
      now: 2 of 2 steps done, 3 resources
      look:  lab1-flow status done
      undo:  lab1-flow rollback done
    ");
}

#[test]
fn a_watch_gives_scripts_the_records_from_the_first_on() {
    let sandbox = Sandbox::new();
    write(&sandbox.state_dir(), "done", all_done());
    let watched = sandbox.succeed(&["watch", "done", "--json"]).json();
    let journal = sandbox.succeed(&["journal", "done", "--json"]).json();
    assert_eq!(watched[0]["event"], "run-opened");
    assert_eq!(watched[1..watched.len() - 1], journal[1..]);
    let end = watched.last().expect("a last line");
    assert_eq!((&end["event"], &end["outcome"]), (&"run-ended".into(), &"completed".into()));
}

#[test]
fn a_run_whose_process_has_died_ends_a_watch_with_what_to_type() {
    let sandbox = Sandbox::new();
    write(&sandbox.state_dir(), "dead", vec![started("group")]);
    assert_transcript!(sandbox.run(&["watch", "dead"]), @r"
    exit status: 75
    -- stderr
    run dead: stack default on the embedded cloud (simulated), us-east-1
    run dead is interrupted: the process that carried it out is gone
      now: 0 of 2 steps done, 0 resources
      go on: lab1-flow resume dead
      undo:  lab1-flow rollback dead
      look:  lab1-flow status dead
    ");
}

#[test]
fn a_run_that_another_process_carries_out_is_followed_to_its_rest() {
    let sandbox = Sandbox::new();
    write(&sandbox.state_dir(), "held", vec![started("group")]);
    let runs = RunStore::open(sandbox.state_dir()).expect("a state directory");
    let journal = runs.open_run(&header("held").run).expect("the run");
    let (watcher, _) = sandbox.start_until(&["watch", "held"], "run held");
    append(&journal, "held", Seq(2), vec![completed("group"), rested(Rest::Stopped)]);
    // At rest, and still in the hands of its process: there may be more.
    append(&journal, "held", Seq(4), vec![Entry::RunResumed { new_budget: false }]);
    append(&journal, "held", Seq(5), vec![started("template"), completed("template")]);
    append(&journal, "held", Seq(7), vec![rested(Rest::Stopped)]);
    journal.close().expect("a clean close");
    let transcript = sandbox.finish(watcher);
    transcript.expect_status(75);
    assert!(transcript.stderr.contains("done     the-template (template-1)"), "{transcript}");
    assert!(transcript.stderr.contains("run held is stopped"), "{transcript}");
    assert!(transcript.stderr.contains("go on: lab1-flow resume held"), "{transcript}");
}

#[test]
fn ctrl_c_ends_the_watching_and_leaves_the_run_alone() {
    let sandbox = Sandbox::new();
    write(&sandbox.state_dir(), "held", vec![started("group")]);
    let runs = RunStore::open(sandbox.state_dir()).expect("a state directory");
    let journal = runs.open_run(&header("held").run).expect("the run");
    let (mut watcher, _) = sandbox.start_until(&["watch", "held"], "run held");
    append(&journal, "held", Seq(2), vec![completed("group")]);
    // What happens is told in the loop that watches for signals.
    hear(&mut watcher, "done     the-group");
    send(&watcher, Signal::INT);
    let transcript = sandbox.finish(watcher);
    transcript.expect_status(130);
    assert!(transcript.stderr.contains("run held is running and was left alone"), "{transcript}");
    append(&journal, "held", Seq(3), vec![started("template")]);
    let status = sandbox.succeed(&["status", "held", "--json"]).json();
    assert_eq!(status[0]["state"], "running");
}

#[test]
fn a_watch_until_the_end_outlives_a_pause_and_sees_the_run_resumed() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&["run", "--until", "4", "--time-scale", FAST]);
    let run = sandbox.run_ids()[0].clone();
    let paused = sandbox.run(&["watch", &run]);
    paused.expect_status(0);
    assert!(paused.stderr.contains("is paused after"), "{paused}");

    let (watcher, seen) =
        sandbox.start_until(&["watch", &run, "--until-end"], "waiting for somebody");
    assert!(seen.contains(&format!("go on: lab1-flow resume {run}")), "{seen}");
    let resumed = sandbox.succeed(&["resume", &run]);
    let transcript = sandbox.finish(watcher);
    transcript.expect_status(0);
    assert_eq!(transcript.stdout, resumed.stdout, "both tell the address");
    let records = sandbox.succeed(&["watch", &run, "--json"]).json();
    let seqs: Vec<_> = records.iter().filter_map(|line| line["seq"].as_u64()).collect();
    assert!(seqs.iter().copied().eq(1..=seqs.len() as u64), "each record once: {seqs:?}");
    assert_eq!(text(&records.last().expect("an end")["outcome"]), "completed");
}

#[test]
fn a_watch_sees_a_run_that_begins_while_it_looks() {
    let sandbox = Sandbox::new();
    let runner = sandbox.start(&["run", "--time-scale", "120"]);
    let run = sandbox.wait_for_run();
    let watched = sandbox.run(&["watch", &run]);
    watched.expect_status(0);
    let ran = sandbox.finish(runner);
    assert_eq!(watched.stdout, ran.stdout);
    assert!(watched.stderr.contains("step 8 done: "), "{watched}");
}
