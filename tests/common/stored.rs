//! Runs that are written with the journal's own crate, so that a test needs no deployment.

use std::path::Path;
use std::time::Duration;

use lab1_flow_journal::{
    ActionName, Entry, Failure, FailureClass, Journal, OnFailure, Provenance, Record, Rest, Retry,
    Role, RunHeader, RunId, RunState, RunStore, Seq, StepName, StoredAction, StoredStep, Timestamp,
};
use serde_json::json;

/// A moment that every stored run was created at.
pub(crate) const CREATED_AT: Timestamp = Timestamp(1_790_000_000_000);

/// The header of a run of two small steps.
pub(crate) fn header(run: &str) -> RunHeader {
    RunHeader {
        run: RunId::new(run).expect("a valid id"),
        workflow: "lab1-flow".to_owned(),
        created_at: CREATED_AT,
        seed: 7,
        on_failure: OnFailure::Stop,
        until: None,
        steps: vec![step("first", 1, &["group", "template"]), step("second", 2, &["balancer"])],
        profile: json!({}),
        context: json!({
            "stack": "default",
            "target": { "cloud": "local", "region": "us-east-1" },
            "owner": "tester@machine",
        }),
    }
}

fn step(name: &str, number: u32, actions: &[&str]) -> StoredStep {
    let actions = actions.iter().map(|name| StoredAction {
        name: action(name),
        title: format!("Make the {name}"),
        role: Role::Change,
        needs: Vec::new(),
    });
    StoredStep {
        name: StepName::new(name).expect("a valid name"),
        number: Some(number),
        title: format!("The {name} step"),
        version: 1,
        config: json!({}),
        actions: actions.collect(),
    }
}

pub(crate) fn action(name: &str) -> ActionName {
    ActionName::new(name).expect("a valid name")
}

pub(crate) fn started(name: &str) -> Entry {
    let token = format!("token-{name}");
    Entry::AttemptStarted { action: action(name), attempt: 1, input: Some(json!({})), token }
}

pub(crate) fn completed(name: &str) -> Entry {
    let output = json!({ "id": format!("{name}-1"), "name": format!("the-{name}") });
    Entry::ActionCompleted { action: action(name), output, provenance: Provenance::Executed }
}

pub(crate) fn failure(class: FailureClass, message: &str) -> Failure {
    Failure { class, code: None, request_id: None, message: message.to_owned(), advice: None }
}

/// An attempt that was throttled, and is tried again in four seconds.
pub(crate) fn throttled(name: &str) -> Entry {
    let message = format!("Create ({name}): Throttling: Rate exceeded");
    let failure = Failure {
        code: Some("Throttling".to_owned()),
        request_id: Some("0a1b".to_owned()),
        ..failure(FailureClass::Throttled, &message)
    };
    let retry = Retry { at: CREATED_AT.plus(Duration::from_secs(4)), delay_ms: 4_000 };
    Entry::AttemptFailed { action: action(name), attempt: 1, failure, in_doubt: false, retry }
}

pub(crate) fn rested(rest: Rest) -> Entry {
    Entry::RunRested { rest }
}

/// The state of the run after these entries.
pub(crate) fn state(entries: Vec<Entry>) -> RunState {
    let mut state = RunState::new(header("stored"));
    for record in Record::number(Seq::FIRST, CREATED_AT, entries) {
        state.apply(&record).expect("a legal record");
    }
    state
}

/// Writes a run and closes it.
pub(crate) fn write(state_dir: &Path, run: &str, entries: Vec<Entry>) {
    write_with(state_dir, &header(run), entries);
}

/// Writes a run with this header and closes it.
pub(crate) fn write_with(state_dir: &Path, header: &RunHeader, entries: Vec<Entry>) {
    let run = header.run.as_str();
    let runs = RunStore::open(state_dir).expect("a state directory");
    let journal = runs.create(header).expect("a new run");
    append(&journal, run, Seq::FIRST, entries);
    journal.close().expect("a clean close");
}

/// Appends to a run that is open.
pub(crate) fn append(journal: &impl Journal, run: &str, first: Seq, entries: Vec<Entry>) {
    if entries.is_empty() {
        return;
    }
    let run = RunId::new(run).expect("a valid id");
    let appended = journal.append(&run, first, CREATED_AT, entries);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(appended).expect("an append");
}
