//! Goal: what may follow what is exactly the table below. Method: each row brings an action into a phase and
//! offers it every kind of entry; random histories then check what no table can.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod rules;

use lab1_flow_journal::testing::samples;
use lab1_flow_journal::{
    ActionPhase, Entry, FailureClass, History, JournalError, Provenance, Record, Rest, Role,
    RollbackCause, RunHeader, RunState, Timestamp,
};
use proptest::prelude::*;
use serde_json::json;

const AT: Timestamp = Timestamp(2_000);

/// The sample run, in which `b` is a part of `a`, and `c` a look.
fn header() -> RunHeader {
    let mut header = samples::header("table");
    header.steps[0].actions[1].role = Role::Part { of: samples::action("a") };
    header.steps[1].actions[0].role = Role::Look;
    header.until = Some(header.steps[0].name.clone());
    header
}

/// Every kind of entry about an action, by a short name. `attempt` is the open one.
fn entry(kind: &str, name: &str, attempt: u32) -> Entry {
    let action = samples::action(name);
    let failure = |class| samples::failure(class);
    match kind {
        "attempt" => samples::started(name, attempt + 1),
        "transient" => samples::failed(name, attempt, FailureClass::Transient),
        "throttled" => samples::failed(name, attempt, FailureClass::Throttled),
        "ambiguous" => samples::failed(name, attempt, FailureClass::Ambiguous),
        "absent" => Entry::AttemptAbsent { action, attempt },
        "waiting" => Entry::ActionWaiting { action, reason: "it starts".into(), waited_ms: 5 },
        "executed" => samples::completed(name),
        "adopted" => {
            Entry::ActionCompleted { action, output: json!({}), provenance: Provenance::Adopted }
        }
        "failed" => Entry::ActionFailed { action, failure: failure(FailureClass::Permanent) },
        "found" => Entry::FoundByMark { action },
        "undo" => Entry::CompensationStarted { action },
        "undo-waiting" => {
            Entry::CompensationWaiting { action, reason: "it goes".into(), waited_ms: 5 }
        }
        "undo-failed" => Entry::CompensationFailed {
            action,
            failure: failure(FailureClass::Transient),
            retry: samples::retry(),
        },
        "undone" => Entry::CompensationCompleted { action, with: None },
        "gave-up" => {
            Entry::CompensationGaveUp { action, failure: failure(FailureClass::Permanent) }
        }
        "skipped" => Entry::CompensationSkipped { action, reason: "it is shared".into() },
        "rollback" => Entry::RollbackStarted { cause: RollbackCause::Request },
        "stop" => Entry::RunRested { rest: Rest::Stopped },
        "continue" => Entry::RunContinued,
        "resume" => Entry::RunResumed { new_budget: false },
        "resume-anew" => Entry::RunResumed { new_budget: true },
        other => panic!("there is no kind {other}"),
    }
}

const ACTION_KINDS: [&str; 16] = [
    "attempt",
    "transient",
    "throttled",
    "ambiguous",
    "absent",
    "waiting",
    "executed",
    "adopted",
    "failed",
    "found",
    "undo",
    "undo-waiting",
    "undo-failed",
    "undone",
    "gave-up",
    "skipped",
];

fn phase(state: &RunState, name: &str) -> &'static str {
    match state.action(&samples::action(name)).unwrap().phase {
        ActionPhase::Pending => "pending",
        ActionPhase::Started => "started",
        ActionPhase::InDoubt { .. } => "in-doubt",
        ActionPhase::Waiting { .. } => "waiting",
        ActionPhase::Completed => "completed",
        ActionPhase::Failed { .. } => "failed",
        ActionPhase::Compensating { .. } => "compensating",
        ActionPhase::Compensated { .. } => "compensated",
        ActionPhase::GaveUp { .. } => "gave-up",
        ActionPhase::Skipped { .. } => "skipped",
    }
}

fn offer(state: &mut RunState, entry: Entry) -> Result<(), JournalError> {
    state.apply(&Record { seq: state.next_seq(), at: AT, entry })
}

/// Applies entries given by kind to action `name`; each must be legal.
fn after(name: &str, way: &[&str]) -> RunState {
    let mut state = RunState::new(header());
    for kind in way {
        let attempts = state.action(&samples::action(name)).unwrap().attempts;
        if let Err(error) = offer(&mut state, entry(kind, name, attempts)) {
            panic!("{kind} on the way {way:?}: {error}");
        }
    }
    state
}

/// Offers every kind of entry, and compares what is accepted, and where it leads, with the row.
fn check_row(name: &str, way: &[&str], from: &str, accepted: &[(&str, &str)]) {
    let state = after(name, way);
    assert_eq!(phase(&state, name), from, "the way leads to the row");
    let attempts = state.action(&samples::action(name)).unwrap().attempts;
    for kind in ACTION_KINDS {
        let mut tried = state.clone();
        let result = offer(&mut tried, entry(kind, name, attempts));
        let wanted = accepted.iter().find(|(accepted, _)| *accepted == kind);
        match (result, wanted) {
            (Ok(()), Some((_, to))) => assert_eq!(phase(&tried, name), *to, "{from} + {kind}"),
            (Err(JournalError::Illegal { .. }), None) => {
                assert_eq!(tried, state, "a refused {kind} must change nothing");
            }
            (result, _) => panic!("{from} + {kind}: {result:?}, wanted {wanted:?}"),
        }
    }
}

macro_rules! rows {
    ($($test:ident: $name:literal, $way:expr => $from:literal, $accepted:expr;)+) => {
        $(#[test] fn $test() { check_row($name, &$way, $from, &$accepted); })+
    };
}

const OPEN: [(&str, &str); 8] = [
    ("transient", "waiting"),
    ("throttled", "waiting"),
    ("ambiguous", "in-doubt"),
    ("absent", "pending"),
    ("waiting", "started"),
    ("executed", "completed"),
    ("adopted", "completed"),
    ("failed", "failed"),
];
const DOUBT: [(&str, &str); 6] = [
    ("ambiguous", "in-doubt"),
    ("absent", "pending"),
    ("waiting", "in-doubt"),
    ("executed", "completed"),
    ("adopted", "completed"),
    ("failed", "failed"),
];
const OPEN_BACK: [(&str, &str); 8] = [
    ("transient", "waiting"),
    ("throttled", "waiting"),
    ("ambiguous", "in-doubt"),
    ("absent", "pending"),
    ("waiting", "started"),
    ("executed", "completed"),
    ("adopted", "completed"),
    ("skipped", "skipped"),
];
const DOUBT_BACK: [(&str, &str); 6] = [
    ("ambiguous", "in-doubt"),
    ("absent", "pending"),
    ("waiting", "in-doubt"),
    ("executed", "completed"),
    ("adopted", "completed"),
    ("skipped", "skipped"),
];
const LATE: [(&str, &str); 2] = [("adopted", "completed"), ("found", "started")];
const UNDOING: [(&str, &str); 5] = [
    ("undo-waiting", "compensating"),
    ("undo-failed", "compensating"),
    ("undone", "compensated"),
    ("gave-up", "gave-up"),
    ("skipped", "skipped"),
];

rows! {
    pending: "a", [] => "pending", [("attempt", "started"), ("failed", "failed")];
    started: "a", ["attempt"] => "started", OPEN;
    in_doubt: "a", ["attempt", "ambiguous"] => "in-doubt", DOUBT;
    waiting: "a", ["attempt", "throttled"] => "waiting", [("attempt", "started"), ("failed", "failed")];
    absent: "a", ["attempt", "absent"] => "pending", [("attempt", "started"), ("failed", "failed")];
    completed: "a", ["attempt", "executed"] => "completed", [];
    failed: "a", ["attempt", "failed"] => "failed", [("failed", "failed")];
    failed_and_resumed_anew: "a", ["attempt", "failed", "stop", "resume-anew"] => "pending",
        [("attempt", "started"), ("failed", "failed")];

    pending_back: "a", ["rollback"] => "pending", [("found", "started")];
    found_back: "a", ["rollback", "found"] => "started", OPEN_BACK;
    found_again: "a", ["attempt", "executed", "rollback", "undo", "undone", "found", "adopted"] => "completed",
        [("undo", "compensating"), ("skipped", "skipped")];
    a_part_has_no_mark: "b", ["rollback"] => "pending", [];
    a_look_has_no_mark: "c", ["rollback"] => "pending", [];
    started_back: "a", ["attempt", "rollback"] => "started", OPEN_BACK;
    in_doubt_back: "a", ["attempt", "ambiguous", "rollback"] => "in-doubt", DOUBT_BACK;
    waiting_back: "a", ["attempt", "throttled", "rollback"] => "waiting", LATE;
    absent_back: "a", ["attempt", "rollback", "absent"] => "pending", LATE;
    failed_back: "a", ["attempt", "failed", "rollback"] => "failed", LATE;
    completed_back: "a", ["attempt", "executed", "rollback"] => "completed",
        [("undo", "compensating"), ("skipped", "skipped")];
    compensating: "a", ["attempt", "executed", "rollback", "undo"] => "compensating", UNDOING;
    compensating_after_a_failure: "a", ["attempt", "executed", "rollback", "undo", "undo-failed"]
        => "compensating", UNDOING;
    compensated: "a", ["attempt", "executed", "rollback", "undo", "undone"] => "compensated", LATE;
    gave_up: "a", ["attempt", "executed", "rollback", "undo", "gave-up"] => "gave-up",
        [("skipped", "skipped")];
    gave_up_and_resumed_anew: "a",
        ["attempt", "executed", "rollback", "undo", "gave-up", "stop", "resume-anew"] => "completed",
        [("undo", "compensating"), ("skipped", "skipped")];
    skipped: "a", ["attempt", "executed", "rollback", "skipped"] => "skipped",
        [("adopted", "completed")];

    resting: "a", ["attempt", "stop"] => "started", [];
    resting_back: "a", ["attempt", "executed", "rollback", "stop"] => "completed",
        [("skipped", "skipped")];
    a_look_is_repeated_without_a_doubt: "c", ["attempt"] => "started", [
        ("attempt", "started"), ("transient", "waiting"), ("throttled", "waiting"),
        ("ambiguous", "in-doubt"), ("absent", "pending"), ("waiting", "started"),
        ("executed", "completed"), ("adopted", "completed"), ("failed", "failed"),
    ];
}

fn any_entry() -> impl Strategy<Value = (&'static str, &'static str, u32)> {
    let runs = prop::sample::select(vec!["rollback", "stop", "resume", "resume-anew", "continue"]);
    let kinds = prop_oneof![8 => prop::sample::select(ACTION_KINDS.to_vec()), 1 => runs];
    // The attempt is right most of the time: else few histories get far.
    (kinds, prop::sample::select(vec!["a", "b", "c"]), prop_oneof![9 => Just(0), 1 => 0..3_u32])
}

proptest! {
    /// Every accepted entry survives its encoding, every prefix replays to the state that it had, and a refused
    /// entry changes nothing.
    #[test]
    fn every_prefix_of_a_legal_history_replays(
        choices in prop::collection::vec(any_entry(), 1..80)
    ) {
        let mut state = RunState::new(header());
        let mut history = History { header: header(), records: Vec::new() };
        for (kind, name, shift) in choices {
            let attempts = state.action(&samples::action(name)).unwrap().attempts + shift;
            let record =
                Record { seq: state.next_seq(), at: AT, entry: entry(kind, name, attempts) };
            let before = state.clone();
            if state.apply(&record).is_err() {
                prop_assert_eq!(&state, &before);
                continue;
            }
            let text = serde_json::to_string(&record).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Record>(&text).unwrap(), &record);
            history.records.push(record);
            prop_assert_eq!(&RunState::replay(&history).unwrap(), &state);
        }
        let legal = history.records.len();
        if legal > 1 {
            // A history with a hole is none.
            history.records.remove(legal / 2 - 1);
            prop_assert!(RunState::replay(&history).is_err());
        }
    }
}
