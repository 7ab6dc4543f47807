//! What `--json` writes, held against the published schema: each verb, each ending, each kind of record.

use std::collections::BTreeSet;
use std::path::Path;

use lab1_flow_journal::{Entry, FailureClass, Provenance, Rest, Retry, RollbackCause, StoredStep};
use serde_json::{Value, json};

use crate::common::stored::{
    CREATED_AT, action, completed, failure, header, rested, started, throttled, write,
};
use crate::common::{FAST, Sandbox, text};
use crate::json_schema::Schema;
use crate::report;

const DENIED_TEMPLATES: &str =
    "[[rules]]\naction = \"CreateLaunchTemplate\"\nfault = \"access-denied\"\n";

/// Judges lines and remembers what was seen.
struct Court {
    schema: Schema,
    seen: BTreeSet<String>,
    lines: usize,
}

impl Court {
    fn new() -> Self {
        Self { schema: Schema::read(), seen: BTreeSet::new(), lines: 0 }
    }

    /// Runs a verb with `--json` and judges each line of it.
    fn hear(&mut self, sandbox: &Sandbox, arguments: &[&str]) -> Vec<Value> {
        let arguments = [arguments, &["--json"]].concat();
        let transcript = sandbox.run(&arguments);
        let lines = transcript.json_lines();
        assert!(!lines.is_empty(), "{arguments:?}\n{transcript}");
        assert_eq!(
            lines[0]["schema"], "lab1-flow/1",
            "the first line names the schema: {arguments:?}"
        );
        for line in &lines {
            self.judge(line, &format!("{arguments:?}"));
        }
        lines
    }

    fn judge(&mut self, line: &Value, of: &str) {
        if let Err(mistake) = self.schema.judge(line) {
            panic!("{of}: {mistake}\n{line}");
        }
        self.seen.insert(line["event"].as_str().unwrap_or("opening").to_owned());
        self.lines += 1;
    }
}

/// One record of each kind, in a legal order, as far as they can stand in one run.
fn records_of_each_kind() -> Vec<Entry> {
    let retry = Retry { at: CREATED_AT, delay_ms: 5 };
    let lost = || failure(FailureClass::Ambiguous, "no answer");
    let changed: StoredStep = header("any").steps[1].clone();
    let until = changed.name.clone();
    let template = || action("template");
    vec![
        started("group"),
        completed("group"),
        started("template"),
        throttled("template"),
        Entry::AttemptStarted {
            action: template(),
            attempt: 2,
            input: None,
            token: "token-template".to_owned(),
        },
        Entry::AttemptFailed {
            action: template(),
            attempt: 2,
            failure: lost(),
            in_doubt: true,
            retry,
        },
        Entry::AttemptAbsent { action: template(), attempt: 2 },
        rested(Rest::Suspended { failure: failure(FailureClass::Unreachable, "no network") }),
        Entry::StepsChanged { steps: vec![changed] },
        Entry::StepsReplaced { steps: header("any").steps },
        Entry::RunResumed { new_budget: true },
        Entry::PauseChanged { until },
        Entry::RunContinued,
        Entry::AttemptStarted {
            action: template(),
            attempt: 3,
            input: None,
            token: "token-template".to_owned(),
        },
        Entry::ActionWaiting { action: template(), reason: "slow".to_owned(), waited_ms: 1 },
        Entry::ActionCompleted {
            action: template(),
            output: json!({}),
            provenance: Provenance::Adopted,
        },
        started("balancer"),
        Entry::ActionFailed {
            action: action("balancer"),
            failure: failure(FailureClass::Permanent, "no"),
        },
        Entry::RollbackStarted { cause: RollbackCause::Failure { action: action("balancer") } },
        Entry::CompensationStarted { action: template() },
        Entry::CompensationWaiting { action: template(), reason: "held".to_owned(), waited_ms: 1 },
        Entry::CompensationFailed { action: template(), failure: lost(), retry },
        Entry::CompensationCompleted { action: template(), with: None },
        Entry::CompensationStarted { action: action("group") },
        Entry::CompensationGaveUp { action: action("group"), failure: lost() },
        rested(Rest::Stuck { left: vec!["group: the-group".to_owned()] }),
        Entry::RunResumed { new_budget: true },
        Entry::FoundByMark { action: template() },
        Entry::ActionCompleted {
            action: template(),
            output: json!({}),
            provenance: Provenance::Adopted,
        },
        Entry::CompensationStarted { action: template() },
        Entry::CompensationCompleted { action: template(), with: None },
        Entry::CompensationSkipped { action: action("group"), reason: "kept".to_owned() },
        rested(Rest::RolledBack),
    ]
}

#[test]
fn every_line_of_every_verb_is_valid_by_the_published_schema() {
    let mut court = Court::new();
    let sandbox = Sandbox::new();
    let hook = sandbox.file("heard", "");
    let notify = format!("cat >> '{}'", hook.display());
    court.hear(&sandbox, &["list"]);
    court.hear(&sandbox, &["cloud", "status"]);
    court.hear(&sandbox, &["cloud", "start", "--time-scale", FAST]);
    court.hear(&sandbox, &["cloud", "env"]);
    let lines = court.hear(&sandbox, &["run", "--until", "4", "--notify-cmd", &notify]);
    let run = lines[1]["run_id"].as_str().expect("a run").to_owned();
    court.hear(&sandbox, &["plan"]);
    court.hear(&sandbox, &["plan", &run]);
    court.hear(&sandbox, &["doctor"]);
    court.hear(&sandbox, &["resume", &run]);
    court.hear(&sandbox, &["list"]);
    court.hear(&sandbox, &["graph"]);
    court.hear(&sandbox, &["iam-policy"]);
    court.hear(&sandbox, &["verify", &run, "--http"]);
    for verb in ["status", "journal", "watch", "graph", "timeline", "stop", "resume"] {
        court.hear(&sandbox, &[verb, &run]);
    }
    court.hear(&sandbox, &["rollback", &run, "--dry-run"]);
    court.hear(&sandbox, &["rollback", &run]);
    court.hear(&sandbox, &["timeline", &run]);
    court.hear(&sandbox, &["export", &run]);
    court.hear(&sandbox, &["gc", "--older-than", "1d"]);
    court.hear(&sandbox, &["gc", "--older-than", "0s", "--dry-run"]);
    court.hear(&sandbox, &["gc", "--older-than", "0s"]);
    court.hear(&sandbox, &["--version"]);
    hear_mistakes(&mut court, &sandbox);
    court.hear(&sandbox, &["status", "no-such-run"]);
    court.hear(&sandbox, &["cloud", "status"]);
    court.hear(&sandbox, &["cloud", "reset"]);
    court.hear(&sandbox, &["cloud", "stop"]);
    let file = sandbox.home().join("stack.toml");
    let file = file.to_string_lossy();
    court.hear(&sandbox, &["init", &file]);
    court.hear(&sandbox, &["config", "check", &file]);
    court.hear(&sandbox, &["config", "schema"]);
    let wrong = sandbox.file("wrong.toml", "stakc = 1\n");
    court.hear(&sandbox, &["config", "check", &wrong.to_string_lossy()]);
    for line in std::fs::read_to_string(hook).expect("what was heard").lines() {
        court.judge(&serde_json::from_str(line).expect("JSON"), "--notify-cmd");
    }
    {
        let _cloud = sandbox.cloud_with_faults(DENIED_TEMPLATES);
        let lines = court.hear(&sandbox, &["run"]);
        let run = lines[1]["run_id"].as_str().expect("a run");
        // Its records are lost; its marks are not.
        std::fs::remove_dir_all(sandbox.state_dir().join("runs")).expect("the records");
        court.hear(&sandbox, &["rollback", "--from-tags", run, "--dry-run"]);
    }
    let judged = format!("{} lines of {} kinds", court.lines, court.seen.len());
    report::count("json", &judged);
    // The heartbeat takes half a minute to come, and a note needs an account that others have changed.
    let rare = ["waiting", "note"];
    let kinds = court.schema.events().into_iter().filter(|kind| !rare.contains(kind));
    let unseen: Vec<_> = kinds.filter(|kind| !court.seen.contains(*kind)).collect();
    assert_eq!(unseen, Vec::<&str>::new(), "kinds of the schema that no verb has written");
}

/// The manual, words that are not understood, and a run that cannot be read.
fn hear_mistakes(court: &mut Court, sandbox: &Sandbox) {
    let manual = sandbox.home().join("man");
    let lines = court.hear(sandbox, &["man", "--dir", &manual.to_string_lossy()]);
    assert_all_pages(&lines[1], &manual);
    for (words, mistake) in [
        (&["run", "--bogus"][..], "unexpected argument '--bogus' found"),
        (&["resum"], "unrecognized subcommand 'resum'; tip: a similar subcommand exists: 'resume'"),
        (&[], "a verb is missing"),
        (
            &["run", "--time-scale", "fast"],
            "invalid value 'fast' for '--time-scale <FACTOR>': it must be a number from 0.01 to 100000",
        ),
    ] {
        let lines = court.hear(sandbox, words);
        assert_eq!((lines.len(), &lines[1]["error"]), (2, &mistake.into()));
        assert_eq!((&lines[1]["event"], &lines[1]["exit_status"]), (&"error".into(), &2.into()));
    }
    // A run whose journal and mirror are empty.
    std::fs::create_dir_all(sandbox.state_dir().join("runs/empty")).expect("a folder");
    let lines = court.hear(sandbox, &["list"]);
    assert_eq!(lines[lines.len() - 2]["run_id"], "empty");
    std::fs::remove_dir_all(sandbox.state_dir().join("runs/empty")).expect("the folder");
}

/// Insists that the pages of the manual are the files in the folder.
fn assert_all_pages(line: &Value, folder: &Path) {
    let there = std::fs::read_dir(folder).expect("the folder").flatten();
    let there: BTreeSet<_> =
        there.map(|page| page.file_name().to_string_lossy().into_owned()).collect();
    let told = line["pages"].as_array().into_iter().flatten().map(text).collect::<BTreeSet<_>>();
    assert!(told.contains("lab1-flow-cloud-start.1"), "{told:?}");
    assert_eq!(told, there);
}

#[test]
fn with_progress_json_a_mistake_in_the_words_is_a_line_too() {
    for words in [["--progress=json", "resum"].as_slice(), &["--progress", "json", "resum"]] {
        let lines = Sandbox::new().run(words).json_lines();
        assert_eq!(lines[1]["event"], "error", "{words:?}");
    }
    let transcript = Sandbox::new().run(&["--progress", "plain", "resum"]);
    assert_eq!((transcript.status, transcript.stdout.as_str()), (Some(2), ""));
}

#[test]
fn every_kind_of_record_is_valid_by_the_published_schema() {
    let sandbox = Sandbox::new();
    let entries = records_of_each_kind();
    let kinds: BTreeSet<_> =
        entries.iter().map(std::mem::discriminant).map(|kind| format!("{kind:?}")).collect();
    write(&sandbox.state_dir(), "every", entries);
    let mut court = Court::new();
    let lines = court.hear(&sandbox, &["journal", "every"]);
    let types: BTreeSet<_> =
        lines.iter().filter_map(|line| line["entry"]["type"].as_str()).collect();
    assert_eq!((types.len(), kinds.len()), (20, 20), "one of each kind: {lines:#?}");
    for verb in ["status", "watch", "timeline"] {
        court.hear(&sandbox, &[verb, "every"]);
    }
}
