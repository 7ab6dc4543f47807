//! Goal: what may follow what is exactly the table below. Method: each row brings an action into a phase and
//! offers it every kind of entry; random histories then check what no table can.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

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
        "resume" => Entry::RunResumed { new_budget: false },
        "resume-anew" => Entry::RunResumed { new_budget: true },
        other => panic!("there is no kind {other}"),
    }
}

const ACTION_KINDS: [&str; 15] = [
    "attempt",
    "transient",
    "throttled",
    "ambiguous",
    "absent",
    "waiting",
    "executed",
    "adopted",
    "failed",
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
const LATE: [(&str, &str); 1] = [("adopted", "completed")];
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

    pending_back: "a", ["rollback"] => "pending", [];
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
    skipped: "a", ["attempt", "executed", "rollback", "skipped"] => "skipped", LATE;

    resting: "a", ["attempt", "stop"] => "started", [];
    resting_back: "a", ["attempt", "executed", "rollback", "stop"] => "completed",
        [("skipped", "skipped")];
    a_look_is_repeated_without_a_doubt: "c", ["attempt"] => "started", [
        ("attempt", "started"), ("transient", "waiting"), ("throttled", "waiting"),
        ("ambiguous", "in-doubt"), ("absent", "pending"), ("waiting", "started"),
        ("executed", "completed"), ("adopted", "completed"), ("failed", "failed"),
    ];
}

/// Offers an entry after a history of entries, and says whether it was accepted.
fn accepted(history: &[Entry], entry: Entry) -> Result<RunState, JournalError> {
    let mut state = RunState::new(header());
    for entry in history {
        offer(&mut state, entry.clone()).unwrap();
    }
    let before = state.clone();
    let result = offer(&mut state, entry);
    if result.is_err() {
        assert_eq!(state, before, "a refused entry must change nothing");
    }
    result.map(|()| state)
}

fn rested(rest: Rest) -> Entry {
    Entry::RunRested { rest }
}

fn all_completed() -> Vec<Entry> {
    let names = ["a", "b", "c"];
    names.iter().flat_map(|name| [samples::started(name, 1), samples::completed(name)]).collect()
}

#[test]
fn a_run_completes_when_every_action_is_completed() {
    let all = all_completed();
    assert!(accepted(&all, rested(Rest::Completed)).is_ok());
    assert!(accepted(&all[..5], rested(Rest::Completed)).is_err());
    let back = [all, vec![entry("rollback", "a", 1)]].concat();
    assert!(accepted(&back, rested(Rest::Completed)).is_err());
}

#[test]
fn a_run_is_rolled_back_when_nothing_is_left_and_looks_do_not_count() {
    let mut history = all_completed();
    history.extend([entry("rollback", "a", 1), entry("undo", "a", 1)]);
    assert!(accepted(&history, rested(Rest::RolledBack)).is_err());
    history.push(entry("undone", "a", 1));
    assert!(accepted(&history, rested(Rest::RolledBack)).is_err(), "b is still there");
    let with = Some(samples::action("a"));
    history.push(Entry::CompensationCompleted { action: samples::action("b"), with });
    assert!(accepted(&history, rested(Rest::RolledBack)).is_ok());
}

#[test]
fn a_part_goes_with_its_whole_and_not_before_and_with_no_other() {
    let mut history = all_completed();
    history.extend([entry("rollback", "a", 1), entry("undo", "a", 1)]);
    let gone = |action: &str, with: &str| Entry::CompensationCompleted {
        action: samples::action(action),
        with: Some(samples::action(with)),
    };
    assert!(accepted(&history, gone("b", "a")).is_err(), "a is not gone yet");
    history.push(entry("undone", "a", 1));
    assert!(accepted(&history, gone("b", "a")).is_ok());
    assert!(accepted(&history, gone("c", "a")).is_err(), "c is no part of a");
    assert!(accepted(&history, gone("b", "b")).is_err());
}

#[test]
fn each_rest_has_its_condition() {
    let failed = [samples::started("a", 1), entry("failed", "a", 1)];
    assert!(accepted(&failed, rested(Rest::Failed)).is_ok());
    assert!(accepted(&failed[..1], rested(Rest::Failed)).is_err());
    assert!(accepted(&[], rested(Rest::Paused)).is_ok(), "the header names a step to pause after");
    assert!(accepted(&[], rested(Rest::Stuck { left: vec![] })).is_err(), "it goes forward");
    let back = [entry("rollback", "a", 0)];
    assert!(accepted(&back, rested(Rest::Stuck { left: vec!["a".into()] })).is_ok());
    assert!(accepted(&back, rested(Rest::Paused)).is_err());
    let failure = samples::failure(FailureClass::Unreachable);
    assert!(accepted(&back, rested(Rest::Suspended { failure })).is_ok());
}

#[test]
fn a_run_at_rest_is_resumed_first_unless_it_has_ended() {
    let stop = rested(Rest::Stopped);
    let resume = entry("resume", "a", 0);
    assert!(accepted(&[], resume.clone()).is_err(), "it does not rest");
    assert_eq!(accepted(&[], stop.clone()).unwrap().rest(), Some(&Rest::Stopped));
    assert!(accepted(std::slice::from_ref(&stop), stop.clone()).is_err(), "it rests already");
    let state = accepted(&[stop], resume.clone()).unwrap();
    assert_eq!(state.rest(), None);
    let ended = [all_completed(), vec![rested(Rest::Completed)]].concat();
    assert!(accepted(&ended, resume).is_err(), "it has ended");
    assert!(accepted(&ended, entry("rollback", "a", 1)).is_ok(), "and can still turn around");
}

#[test]
fn a_pause_happens_once() {
    let state = accepted(&[rested(Rest::Paused)], entry("resume", "a", 0)).unwrap();
    assert_eq!(state.until(), None);
}

#[test]
fn a_resumed_run_may_pause_after_another_step_on_its_way_forward_only() {
    let header = header();
    let last = header.steps.last().unwrap().name.clone();
    let pause = |until| Entry::PauseChanged { until };
    let paused = [rested(Rest::Paused)];
    assert!(accepted(&paused, pause(last.clone())).is_err(), "it was not resumed");
    let resumed = [rested(Rest::Paused), entry("resume", "a", 0), pause(last.clone())];
    assert_eq!(accepted(&resumed, rested(Rest::Paused)).unwrap().until(), Some(&last));
    let earlier = accepted(&[], pause(last.clone())).unwrap();
    assert_eq!(earlier.until(), Some(&last), "it takes the place of the header's");
    assert!(accepted(&[entry("rollback", "a", 0)], pause(last)).is_err());
    let unknown = samples::step("other", 9, &[]).name;
    assert!(accepted(&[], pause(unknown)).is_err(), "there is no such step");
}

#[test]
fn a_run_turns_around_once() {
    let back = [entry("rollback", "a", 0)];
    assert!(accepted(&back, entry("rollback", "a", 0)).is_err());
}

#[test]
fn only_steps_that_have_not_started_change_and_keep_their_actions() {
    let header = header();
    let mut one = header.steps[0].clone();
    one.config = json!({ "size": 99 });
    let change = |step| Entry::StepsChanged { steps: vec![step] };
    let state = accepted(&[], change(one.clone())).unwrap();
    assert_eq!(state.steps()[0].config, json!({ "size": 99 }));
    assert_eq!(state.steps()[1], header.steps[1]);
    assert!(accepted(&[samples::started("b", 1)], change(one.clone())).is_err(), "it has started");
    assert!(accepted(&[entry("rollback", "a", 0)], change(one.clone())).is_err());
    let mut retitled = one.clone();
    retitled.actions[0].title = "names another value".to_owned();
    assert!(accepted(&[], change(retitled)).is_ok(), "a title is for people");
    let mut rewired = one.clone();
    rewired.actions[1].needs.clear();
    rewired.actions[1].role = Role::Change;
    assert!(accepted(&[], change(rewired)).is_err(), "another role");
    one.actions.pop();
    assert!(accepted(&[], change(one.clone())).is_err(), "an action is missing");
    one.name = samples::step("other", 9, &[]).name;
    assert!(accepted(&[], change(one)).is_err(), "there is no such step");
}

#[test]
fn input_and_token_are_frozen_with_the_first_attempt() {
    let with = |attempt, input, token: &str| Entry::AttemptStarted {
        action: samples::action("a"),
        attempt,
        input,
        token: token.into(),
    };
    assert!(accepted(&[], with(1, None, "t")).is_err(), "the first freezes an input");
    let history = [with(1, Some(json!({})), "t"), entry("transient", "a", 1)];
    assert!(accepted(&history, with(2, None, "t")).is_ok());
    assert!(accepted(&history, with(2, Some(json!({})), "t")).is_err(), "a second input");
    assert!(accepted(&history, with(2, None, "other")).is_err(), "another token");
    assert!(accepted(&history, with(3, None, "t")).is_err(), "an attempt is left out");
}

#[test]
fn an_input_of_nothing_is_still_an_input_when_it_is_read_back() {
    let entry = Entry::AttemptStarted {
        action: samples::action("a"),
        attempt: 1,
        input: Some(json!(null)),
        token: "t".into(),
    };
    let text = serde_json::to_string(&entry).unwrap();
    assert_eq!(serde_json::from_str::<Entry>(&text).unwrap(), entry);
}

#[test]
fn budgets_add_up_and_open_anew_only_when_asked() {
    let history = [
        samples::started("a", 1),
        entry("throttled", "a", 1),
        samples::started("a", 2),
        entry("ambiguous", "a", 2),
        entry("absent", "a", 2),
        samples::started("a", 3),
        rested(Rest::Stopped),
    ];
    let budget = |state: RunState| state.action(&samples::action("a")).unwrap().budget;
    let kept = budget(accepted(&history, entry("resume", "a", 3)).unwrap());
    assert_eq!((kept.failures, kept.tries, kept.throttled_ms, kept.waited_ms), (2, 1, 1_000, 0));
    let anew = budget(accepted(&history, entry("resume-anew", "a", 3)).unwrap());
    assert_eq!(anew, lab1_flow_journal::Budget::default());
}

#[test]
fn a_look_that_succeeds_ends_a_row_of_failures_and_keeps_what_was_waited() {
    let history = [samples::started("a", 1), entry("throttled", "a", 1), samples::started("a", 2)];
    let state = accepted(&history, entry("waiting", "a", 2)).unwrap();
    let budget = state.action(&samples::action("a")).unwrap().budget;
    assert_eq!((budget.failures, budget.throttled_ms, budget.waited_ms), (0, 0, 5));
}

#[test]
fn the_reason_of_a_wait_is_forgotten_when_the_wait_is_over() {
    let reason =
        |way: &[&str]| after("a", way).action(&samples::action("a")).unwrap().reason.clone();
    assert_eq!(reason(&["attempt", "waiting"]).as_deref(), Some("it starts"));
    assert_eq!(reason(&["attempt", "waiting", "executed"]), None);
    let undoing = ["attempt", "executed", "rollback", "undo", "undo-waiting"];
    assert_eq!(reason(&undoing).as_deref(), Some("it goes"));
    assert_eq!(reason(&[&undoing[..], &["undone"]].concat()), None);
}

#[test]
fn only_an_absence_on_the_way_forward_may_have_been_believed_too_early() {
    let absences = |way: &[&str]| after("a", way).action(&samples::action("a")).unwrap().absences;
    assert_eq!(absences(&["attempt", "absent"]), 1);
    assert_eq!(absences(&["attempt", "rollback", "absent"]), 0);
}

#[test]
fn the_step_to_run_until_is_the_headers_one() {
    assert_eq!(after("a", &[]).until(), header().until.as_ref());
}

#[test]
fn a_wait_never_shrinks() {
    let waited = |waited_ms| Entry::ActionWaiting {
        action: samples::action("a"),
        reason: "it starts".into(),
        waited_ms,
    };
    let history = [samples::started("a", 1), waited(10)];
    assert!(accepted(&history, waited(9)).is_err());
    assert!(accepted(&history, waited(10)).is_ok());
}

#[test]
fn a_record_out_of_its_place_is_refused() {
    let mut state = RunState::new(header());
    for seq in [0, 2, 7] {
        let seq = lab1_flow_journal::Seq(seq);
        let record = Record { seq, at: AT, entry: samples::started("a", 1) };
        assert!(state.apply(&record).is_err(), "place {seq}");
    }
}

fn any_entry() -> impl Strategy<Value = (&'static str, &'static str, u32)> {
    let runs = prop::sample::select(vec!["rollback", "stop", "resume", "resume-anew"]);
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
