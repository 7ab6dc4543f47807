//! Looking at runs that are stored: found, not found, damaged, from a newer version.

use std::fs;
use std::path::Path;
use std::time::Duration;

use lab1_flow_journal::testing::copy_folder;
use lab1_flow_journal::{Entry, FailureClass, Rest, RollbackCause, RunStore, Seq};
use serde_json::json;

use crate::assert_transcript;
use crate::common::stored::{
    CREATED_AT, action, append, completed, failure, header, rested, started, throttled, write,
    write_with,
};
use crate::common::{Sandbox, text};

/// Three runs: deployed, stopped while throttled, and cut off in mid-call.
fn sandbox_with_runs() -> Sandbox {
    let sandbox = Sandbox::new();
    let dir = sandbox.state_dir();
    let all = ["group", "template", "balancer"];
    let mut deployed: Vec<Entry> =
        all.iter().flat_map(|name| [started(name), completed(name)]).collect();
    deployed.push(rested(Rest::Completed));
    write(&dir, "aaa111bbb222", deployed);
    let stopped =
        vec![started("group"), completed("group"), started("template"), throttled("template")];
    write(&dir, "aaa333ccc444", stopped.into_iter().chain([rested(Rest::Stopped)]).collect());
    write(&dir, "ddd555eee666", vec![started("group")]);
    sandbox
}

#[test]
fn a_machine_without_runs_says_how_to_begin() {
    assert_transcript!(Sandbox::new().run(&["list"]), @r"
    exit status: 0
    -- stderr
    no runs; begin one with: lab1-flow run
    ");
}

#[test]
fn all_runs_are_listed_with_where_they_stand() {
    assert_transcript!(sandbox_with_runs().run(&["list"]), @r"
    exit status: 0
    -- stdout
    RUN           STATE        STEP  AGE      STACK    CLOUD  RESOURCES  OWNER
    aaa111bbb222  completed    2/2   [days]  default  local  3          tester@[host]
    aaa333ccc444  stopped      0/2   [days]  default  local  1          tester@[host]
    ddd555eee666  interrupted  0/2   [days]  default  local  0          tester@[host]
    ");
}

#[test]
fn the_newest_run_is_listed_first_and_filters_choose_among_them() {
    let sandbox = sandbox_with_runs();
    let mut header = header("bbb777ccc888");
    header.created_at = CREATED_AT.plus(Duration::from_mins(1));
    header.context = json!({
        "stack": "team7",
        "target": { "cloud": "aws", "region": "us-west-2", "account": "111122223333" },
        "owner": "tester@machine",
    });
    write_with(&sandbox.state_dir(), &header, vec![]);
    let listed = |arguments: &[&str]| {
        let arguments = [&["list", "--json"], arguments].concat();
        let rows = sandbox.succeed(&arguments).json();
        rows.iter().map(|row| text(&row["run_id"])).collect::<Vec<_>>()
    };
    assert_eq!(listed(&["--limit", "1"]), ["bbb777ccc888"]);
    assert_eq!(listed(&["--stack", "team7"]), ["bbb777ccc888"]);
    assert_eq!(listed(&["--cloud", "local"]).len(), 3);
    assert_eq!(
        listed(&["--state", "stopped", "--state", "completed"]),
        ["aaa111bbb222", "aaa333ccc444"]
    );
    assert_eq!(listed(&["--state", "interrupted"]), ["bbb777ccc888", "ddd555eee666"]);
    assert_transcript!(sandbox.run(&["list", "--cloud", "aws"]), @r"
    exit status: 0
    -- stdout
    RUN           STATE        STEP  AGE      STACK  CLOUD          RESOURCES  OWNER
    bbb777ccc888  interrupted  0/2   [days]  team7  aws us-west-2  0          tester@[host]
    ");
    assert_transcript!(sandbox.run(&["list", "--state", "stuck"]), @r"
    exit status: 0
    -- stderr
    no such run; all are shown by: lab1-flow list
    ");
    assert_transcript!(sandbox.run(&["list", "--state", "stuck", "--json"]), @r#"
    exit status: 0
    -- stdout
    {"schema":"lab1-flow/1","version":"[version]"}
    "#);
    sandbox.run(&["list", "--state", "lost"]).expect_status(2);
}

#[test]
fn a_run_as_json_has_the_fields_that_scripts_rely_on() {
    let sandbox = sandbox_with_runs();
    for arguments in [&["list", "--json"][..], &["status", "--json"], &["status", "aaa1", "--json"]]
    {
        let rows = sandbox.succeed(arguments).json();
        let row = rows.iter().find(|row| row["run_id"] == "aaa111bbb222").expect("the run");
        assert_eq!((&row["stack"], &row["state"]), (&"default".into(), &"completed".into()));
        assert_eq!((&row["step"], &row["steps_total"]), (&2.into(), &2.into()));
        assert_eq!(text(&row["started_at"]), "2026-09-21T14:13:20Z");
    }
    let states: Vec<_> =
        sandbox.succeed(&["list", "--json"]).json().iter().map(|row| text(&row["state"])).collect();
    assert_eq!(states, ["completed", "stopped", "interrupted"]);
}

#[test]
fn a_run_that_was_stopped_while_throttled_says_what_it_waited_for() {
    assert_transcript!(sandbox_with_runs().run(&["status", "aaa3"]), @r"
    exit status: 0
    -- stdout
    run      aaa333ccc444 stopped, step 0/2
    stack    default on the embedded cloud (simulated), us-east-1
    started  [moment] by tester@[host]
    changed  [moment]

     1  waiting     [days]  The first step
        done                 . group
        waiting              . template                       throttled, next try now
     2  pending              The second step
        pending              . balancer

    resources
      group                          the-group                group-1

    latest failures
      [time]  template                       Create (template): Throttling: Rate exceeded [request]

    go on    lab1-flow resume [run]
    undo     lab1-flow rollback [run]
    ");
}

#[test]
fn a_run_at_rest_waits_for_nothing_and_says_which_failures_are_overcome() {
    let sandbox = Sandbox::new();
    let half = vec![started("group"), throttled("group"), rested(Rest::Stopped)];
    write(&sandbox.state_dir(), "tried", half);
    let again = Entry::AttemptStarted {
        action: action("group"),
        attempt: 2,
        input: None,
        token: "token-group".to_owned(),
    };
    let half = [started("group"), throttled("group"), again, completed("group")];
    for (run, more) in [("half1", vec![]), ("half2", vec![rested(Rest::Stopped)])] {
        write(&sandbox.state_dir(), run, half.iter().cloned().chain(more).collect());
        let status = sandbox.succeed(&["status", run]);
        assert!(status.stdout.contains("\n 1  begun "), "{status}");
        assert!(!status.stdout.contains("waiting"), "{status}");
        assert!(status.stdout.contains("\nlatest failures (all overcome)\n"), "{status}");
        assert!(!status.stdout.contains("lab1-flow status"), "{status}");
    }
    let status = sandbox.succeed(&["status", "tried"]);
    assert!(status.stdout.contains("\nlatest failures\n"), "{status}");
}

#[test]
fn what_is_said_of_a_run_that_was_taken_back_asks_for_nothing_more() {
    let sandbox = Sandbox::new();
    let mut refusal = failure(FailureClass::Permanent, "not allowed");
    refusal.advice = Some("grant it, then resume".to_owned());
    let left = Entry::CompensationSkipped { action: action("group"), reason: "kept".to_owned() };
    let entries = vec![
        started("group"),
        completed("group"),
        started("template"),
        Entry::ActionFailed { action: action("template"), failure: refusal },
        Entry::RollbackStarted { cause: RollbackCause::Failure { action: action("template") } },
        left,
        rested(Rest::RolledBack),
    ];
    write(&sandbox.state_dir(), "over", entries);
    let status = sandbox.succeed(&["status", "over"]);
    assert!(status.stdout.contains("failure template: not allowed"), "{status}");
    assert!(!status.stdout.contains("grant it"), "{status}");
    assert!(status.stdout.contains("\n\nleft group: the-group"), "{status}");
}

#[test]
fn colours_that_are_asked_for_are_whole_whatever_the_environment_says() {
    let sandbox = sandbox_with_runs();
    let mut command = sandbox.command(&["list", "--color", "always"]);
    let listed = command.env("NO_COLOR", "1").output().expect("a list");
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(listed.contains("\u{1b}[32mcompleted\u{1b}[0m"), "{listed:?}");
    assert!(!listed.contains("\u{1b}[m"), "{listed:?}");
}

#[test]
fn an_empty_id_is_no_beginning_of_one() {
    assert_transcript!(sandbox_with_runs().run(&["status", ""]), @r"
    exit status: 2
    -- stderr
    error: the id of the run is empty
      now:  nothing was sent
      next: lab1-flow list
    ");
}

#[test]
fn the_records_of_a_run_are_printed_in_their_order() {
    assert_transcript!(sandbox_with_runs().run(&["journal", "aaa3"]), @r"
    exit status: 0
    -- stdout
       0  [moment]  run [run] of lab1-flow
       1  [time]  group                          try      attempt 1
       2  [time]  group                          done     the-group (group-1)
       3  [time]  template                       try      attempt 1
       4  [time]  template                       retry    Create (template): Throttling: Rate exceeded [request]; again after [span]
       5  [time]  run                            rests    stopped
    ");
}

#[test]
fn the_records_of_a_run_are_json_lines_under_one_schema() {
    let lines = sandbox_with_runs().succeed(&["journal", "aaa3", "--json"]).json();
    assert_eq!(lines[0]["run_id"], "aaa333ccc444");
    let kinds: Vec<_> = lines[1..].iter().map(|line| text(&line["entry"]["type"])).collect();
    let expected =
        ["attempt-started", "action-completed", "attempt-started", "attempt-failed", "run-rested"];
    assert_eq!(kinds, expected);
}

#[test]
fn an_unknown_run_is_answered_with_those_that_there_are() {
    assert_transcript!(sandbox_with_runs().run(&["resume", "zzz"]), @r"
    exit status: 2
    -- stderr
    error: there is no run zzz
      now:  the runs are aaa111bbb222, aaa333ccc444, ddd555eee666
      next: lab1-flow list
    ");
}

#[test]
fn a_prefix_of_two_runs_is_answered_with_both() {
    assert_transcript!(sandbox_with_runs().run(&["rollback", "aaa"]), @r"
    exit status: 2
    -- stderr
    error: aaa is not the beginning of one run alone
      now:  it can be aaa111bbb222, aaa333ccc444
      next: give more characters of the id
    ");
}

#[test]
fn a_run_that_nobody_carries_out_has_nothing_to_stop() {
    assert_transcript!(sandbox_with_runs().run(&["stop", "aaa3"]), @r"
    exit status: 0
    -- stderr
    run [run] is stopped: no process carries it out, so there is nothing to stop
      go on: lab1-flow resume [run]
      undo:  lab1-flow rollback [run]
      look:  lab1-flow status [run]
    ");
}

#[test]
fn a_journal_that_has_lost_its_end_is_refused_and_left_alone() {
    let sandbox = Sandbox::new();
    let dir = sandbox.state_dir();
    write(&dir, "damaged", vec![started("group")]);
    let journal = dir.join("runs/damaged/journal");
    let earlier = dir.join("earlier");
    copy_folder(&journal, &earlier).expect("a copy");
    let runs = RunStore::open(&dir).expect("a state directory");
    let open = runs.open_run(&header("damaged").run).expect("the run");
    append(&open, "damaged", Seq(2), vec![completed("group")]);
    open.close().expect("a clean close");
    fs::remove_dir_all(&journal).expect("the folder is there");
    copy_folder(&earlier, &journal).expect("a copy");

    for verb in ["resume", "rollback", "status", "journal"] {
        sandbox.run(&[verb, "damaged"]).expect_status(6);
    }
    assert_transcript!(sandbox.run(&["resume", "damaged"]), @r"
    exit status: 6
    -- stderr
    error: the journal is damaged at the end of the journal: its last commit is 2, and the witness saw 3: acknowledged records are lost; nothing was repaired and [home]/state/runs/damaged is left as it is: keep a copy of it, and restore it from a backup if there is one
      now:  nothing was sent, and the journal's files are left as they are
      next: restore the run's folder from a copy, or take back what carries its mark:
      next: lab1-flow rollback --from-tags damaged
    ");
    assert!(journal.join("db").exists(), "the damaged journal is kept");
}

#[test]
fn runs_that_cannot_be_read_are_named_and_hide_no_other() {
    let sandbox = sandbox_with_runs();
    let runs = sandbox.state_dir().join("runs");
    for broken in ["eee111", "eee222"] {
        fs::create_dir(runs.join(broken)).expect("a folder");
    }
    let transcript = sandbox.run(&["list", "--limit", "1"]);
    assert_transcript!(transcript, @r"
    exit status: 6
    -- stdout
    RUN           STATE      STEP  AGE      STACK    CLOUD  RESOURCES  OWNER
    aaa111bbb222  completed  2/2   [days]  default  local  3          tester@[host]
    -- stderr
    run eee111 cannot be read: the journal is damaged at [home]/state/runs/eee111/wal: it is missing; nothing was repaired and [home]/state/runs/eee111 is left as it is: keep a copy of it, and restore it from a backup if there is one
    run eee222 cannot be read: the journal is damaged at [home]/state/runs/eee222/wal: it is missing; nothing was repaired and [home]/state/runs/eee222 is left as it is: keep a copy of it, and restore it from a backup if there is one
    error: 2 of 5 runs cannot be read
      now:  their files are left as they are, and the other runs are not touched by it
      next: lab1-flow status eee222
    ");
    let lines = sandbox.run(&["list", "--json"]);
    assert_eq!(lines.status, transcript.status);
    let events: Vec<_> = lines.json().iter().map(|line| text(&line["event"])).collect();
    assert_eq!(events, ["run", "run", "run", "run-unreadable", "run-unreadable", "error"]);
    for run in ["aaa111bbb222", "aaa333ccc444", "ddd555eee666"] {
        fs::remove_dir_all(runs.join(run)).expect("a run");
    }
    let transcript = sandbox.run(&["list"]);
    assert!(!transcript.stderr.contains("no such run"), "{transcript}");
    assert!(transcript.stderr.contains("error: 2 of 2 runs cannot be read"), "{transcript}");
}

#[test]
fn a_list_and_a_look_count_the_same_steps_whichever_way_the_run_goes() {
    let sandbox = sandbox_with_runs();
    let dir = sandbox.state_dir();
    let made = [started("group"), completed("group"), started("template"), completed("template")];
    let turned = Entry::RollbackStarted { cause: RollbackCause::Request };
    let undoing = Entry::CompensationStarted { action: action("template") };
    let gone = Entry::CompensationCompleted { action: action("template"), with: None };
    let left = vec!["group: the-group".to_owned()];
    for (run, more) in [
        ("bbb1", vec![]),
        ("bbb2", vec![turned.clone()]),
        ("bbb3", vec![turned.clone(), rested(Rest::Stopped)]),
        ("bbb4", vec![turned, undoing, gone, rested(Rest::Stuck { left })]),
    ] {
        write(&dir, run, made.iter().cloned().chain(more).collect());
    }
    let listed = sandbox.succeed(&["list", "--json"]).json();
    let mut counts = Vec::new();
    for row in &listed {
        let run = text(&row["run_id"]);
        let looked = sandbox.succeed(&["status", &run, "--json"]).json();
        assert_eq!(
            (&row["step"], &row["state"]),
            (&looked[0]["step"], &looked[0]["state"]),
            "{run}"
        );
        counts.push(format!("{run} {}", row["step"]));
    }
    counts.sort();
    assert_eq!(
        counts,
        [
            "aaa111bbb222 2",
            "aaa333ccc444 0",
            "bbb1 1",
            "bbb2 0",
            "bbb3 0",
            "bbb4 0",
            "ddd555eee666 0"
        ]
    );
}

#[test]
fn a_journal_of_a_newer_version_is_refused() {
    let sandbox = Sandbox::new();
    let fixture =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("journal/tests/fixtures/format-3/runs");
    copy_folder(&fixture, &sandbox.state_dir().join("runs")).expect("a copy");
    assert_transcript!(sandbox.run(&["resume", "fixture"]), @r"
    exit status: 6
    -- stderr
    error: the witness [home]/state/runs/fixture/witness has format 3, and this version reads up to 2
      now:  nothing was sent and nothing was changed
      next: use the version of lab1-flow that made the run, or a later one
    ");
}

#[test]
fn records_that_contradict_one_another_are_called_a_bug() {
    let sandbox = Sandbox::new();
    write(&sandbox.state_dir(), "odd", vec![completed("group")]);
    assert_transcript!(sandbox.run(&["status", "odd"]), @r"
    exit status: 70
    -- stderr
    error: record 1 is not legal: no attempt is open in Pending
      next: please report it, with `lab1-flow --version` and this text
    ");
}
