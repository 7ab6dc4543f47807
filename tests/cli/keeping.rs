//! What is kept of runs, what is forgotten, and what is handed on.

use std::os::unix::fs::PermissionsExt;

use lab1_flow_journal::{
    Entry, FailureClass, History, Record, Rest, RollbackCause, RunHeader, RunId, RunState, RunStore,
};

use crate::assert_transcript;
use crate::common::Sandbox;
use crate::common::stored::{action, completed, failure, rested, started, write};

fn rolled_back(with: Entry) -> Vec<Entry> {
    let undone = Entry::CompensationStarted { action: action("group") };
    let cause = RollbackCause::Request;
    let turned = Entry::RollbackStarted { cause };
    vec![started("group"), completed("group"), turned, undone, with, rested(Rest::RolledBack)]
}

/// A run of each kind; all were written long ago.
fn sandbox_with_runs() -> Sandbox {
    let sandbox = Sandbox::new();
    let dir = sandbox.state_dir();
    let gone = Entry::CompensationCompleted { action: action("group"), with: None };
    write(&dir, "aaaaaaaaaaaa", rolled_back(gone));
    let reason = "kept for the audit".to_owned();
    write(
        &dir,
        "bbbbbbbbbbbb",
        rolled_back(Entry::CompensationSkipped { action: action("group"), reason }),
    );
    let all = ["group", "template", "balancer"];
    let mut deployed: Vec<Entry> =
        all.iter().flat_map(|name| [started(name), completed(name)]).collect();
    deployed.push(rested(Rest::Completed));
    write(&dir, "cccccccccccc", deployed);
    let failure = failure(FailureClass::Permanent, "no such image");
    let refused = Entry::ActionFailed { action: action("group"), failure };
    write(&dir, "dddddddddddd", vec![started("group"), refused.clone(), rested(Rest::Failed)]);
    let half = vec![started("template"), completed("template"), started("group"), refused];
    write(&dir, "eeeeeeeeeeee", half.into_iter().chain([rested(Rest::Failed)]).collect());
    write(&dir, "ffffffffffff", vec![started("group")]);
    sandbox
}

#[test]
fn only_runs_of_which_surely_nothing_is_left_are_forgotten() {
    let sandbox = sandbox_with_runs();
    let dry = sandbox.run(&["gc", "--older-than", "1d", "--dry-run"]);
    assert_eq!(sandbox.run_ids().len(), 6, "a dry run removes nothing");
    let transcript = sandbox.run(&["gc", "--older-than", "1d"]);
    assert_eq!(dry.stdout, transcript.stdout);
    assert_transcript!(transcript, @r"
    exit status: 0
    -- stdout
    aaaaaaaaaaaa
    dddddddddddd
    -- stderr
    kept bbbbbbbbbbbb: a person has left something of it in place
    kept cccccccccccc: it is completed
    kept eeeeeeeeeeee: it is failed
    kept ffffffffffff: it is interrupted
    2 removed, 4 kept
    ");
    let mut left = sandbox.run_ids();
    left.sort();
    assert_eq!(left, ["bbbbbbbbbbbb", "cccccccccccc", "eeeeeeeeeeee", "ffffffffffff"]);
}

#[test]
fn runs_that_are_younger_stay() {
    let sandbox = sandbox_with_runs();
    let lines = sandbox.succeed(&["gc", "--older-than", "10000d", "--json"]).json();
    let end = lines.last().expect("a last line");
    assert_eq!((&end["removed"], &end["kept"]), (&0.into(), &6.into()));
    sandbox.run(&["gc"]).expect_status(2);
}

#[test]
fn a_run_that_a_process_holds_is_kept() {
    let sandbox = sandbox_with_runs();
    let runs = RunStore::open(sandbox.state_dir()).expect("a state directory");
    let run = RunId::new("aaaaaaaaaaaa").expect("an id");
    let held = runs.open_run(&run).expect("the run");
    let transcript = sandbox.run(&["gc", "--older-than", "1d"]);
    assert!(transcript.stderr.contains("kept aaaaaaaaaaaa: a process works on it"), "{transcript}");
    held.close().expect("a clean close");
    assert!(sandbox.run_ids().contains(&"aaaaaaaaaaaa".to_owned()));
}

#[test]
fn an_export_holds_the_whole_history() {
    let sandbox = sandbox_with_runs();
    let lines = sandbox.succeed(&["export", "aaaa"]).json();
    let kinds: Vec<_> =
        lines.iter().map(|line| line["event"].as_str().unwrap_or_default()).collect();
    assert_eq!(kinds[..2], ["export", "header"]);
    assert_eq!(kinds.last(), Some(&"export-ended"));
    let header: RunHeader = serde_json::from_value(lines[1]["header"].clone()).expect("a header");
    let records = lines[2..lines.len() - 1].iter().map(|line| {
        let mut record = line.clone();
        record.as_object_mut().expect("an object").remove("event");
        serde_json::from_value::<Record>(record).expect("a record")
    });
    let history = History { header, records: records.collect() };
    let runs = RunStore::open(sandbox.state_dir()).expect("a state directory");
    let view = runs.view(&history.header.run).expect("the run");
    assert_eq!(history, view.history);
    assert_eq!(RunState::replay(&history).expect("a legal history"), view.state);
}

#[test]
fn an_export_into_a_file_is_private_and_overwrites_nothing() {
    let sandbox = sandbox_with_runs();
    sandbox.succeed(&["export", "cccc", "--output", "run.jsonl"]);
    let text = sandbox.read("run.jsonl");
    assert_eq!(text, sandbox.succeed(&["export", "cccc"]).stdout);
    let path = sandbox.file("other.jsonl", "mine");
    let mode = path.with_file_name("run.jsonl").metadata().expect("the file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    sandbox.run(&["export", "cccc", "-o", "other.jsonl"]).expect_status(2);
    assert_eq!(sandbox.read("other.jsonl"), "mine");
    sandbox.run(&["export", "zzz"]).expect_status(2);
}

#[test]
fn the_manual_has_a_page_for_each_verb() {
    let sandbox = Sandbox::new();
    let page = sandbox.succeed(&["man"]).stdout;
    assert!(page.contains(".TH lab1-flow 1"), "{page}");
    sandbox.succeed(&["man", "--dir", "man1"]);
    for verb in ["run", "resume", "rollback", "timeline", "config-check"] {
        assert!(
            sandbox.read(&format!("man1/lab1-flow-{verb}.1")).contains(".SH SYNOPSIS"),
            "{verb}"
        );
    }
    assert_eq!(sandbox.read("man1/lab1-flow.1"), page);
    sandbox.run(&["man", "--dir", "/dev/null/man"]).expect_status(74);
}

#[test]
fn the_version_is_told_as_json_too() {
    let sandbox = Sandbox::new();
    for arguments in [["--version", "--json"], ["--json", "--version"]] {
        let line = &sandbox.succeed(&arguments).json()[0];
        assert_eq!(line["event"], "version");
        assert_eq!(line["version"], env!("CARGO_PKG_VERSION"));
    }
}
