//! Headers and entries for tests of journals: legal, small, and of every kind.

use serde_json::json;

use crate::{
    ActionName, Entry, Failure, FailureClass, OnFailure, Provenance, Rest, Retry, Role,
    RollbackCause, RunHeader, RunId, StepName, StoredAction, StoredStep, Timestamp,
};

/// A run of two steps, `one` (actions `a` and `b`) and `two` (action `c`).
///
/// # Panics
/// When `run` is no run id.
#[expect(clippy::expect_used, reason = "a test kit: a wrong id is the test's mistake")]
pub fn header(run: &str) -> RunHeader {
    RunHeader {
        run: RunId::new(run).expect("the caller gives a valid id"),
        workflow: "sample".into(),
        created_at: Timestamp(1_000),
        seed: 7,
        on_failure: OnFailure::Stop,
        until: None,
        steps: vec![step("one", 1, &["a", "b"]), step("two", 2, &["c"])],
        profile: json!({ "attempts_max": 5 }),
        context: json!({ "stack": "sample", "note": "\u{e9}" }),
    }
}

/// A step with these actions.
///
/// # Panics
/// When a name is none.
#[expect(clippy::expect_used, reason = "a test kit: a wrong name is the test's mistake")]
pub fn step(name: &str, number: u32, actions: &[&str]) -> StoredStep {
    StoredStep {
        name: StepName::new(name).expect("the caller gives a valid name"),
        number: Some(number),
        title: format!("Step {name}"),
        version: 1,
        config: json!({ "size": number }),
        actions: actions.iter().map(|name| stored_action(name)).collect(),
    }
}

/// An action that changes something and needs nothing.
///
/// # Panics
/// When `name` is no action name.
pub fn stored_action(name: &str) -> StoredAction {
    StoredAction {
        name: action(name),
        title: format!("Action {name}"),
        role: Role::Change,
        needs: Vec::new(),
    }
}

/// An action's name.
///
/// # Panics
/// When it is none.
#[expect(clippy::expect_used, reason = "a test kit: a wrong name is the test's mistake")]
pub fn action(name: &str) -> ActionName {
    ActionName::new(name).expect("the caller gives a valid name")
}

/// The intent of an action's attempt; the first freezes an input.
pub fn started(name: &str, attempt: u32) -> Entry {
    Entry::AttemptStarted {
        action: action(name),
        attempt,
        input: (attempt == 1).then(|| json!({ "name": name })),
        token: format!("token-{name}"),
    }
}

/// The action's effect is there.
pub fn completed(name: &str) -> Entry {
    Entry::ActionCompleted {
        action: action(name),
        output: json!({ "id": format!("{name}-0001") }),
        provenance: Provenance::Executed,
    }
}

/// A failed attempt.
pub fn failed(name: &str, attempt: u32, class: FailureClass) -> Entry {
    Entry::AttemptFailed {
        action: action(name),
        attempt,
        failure: failure(class),
        in_doubt: class == FailureClass::Ambiguous,
        retry: retry(),
    }
}

/// A failure with every field.
pub fn failure(class: FailureClass) -> Failure {
    Failure {
        class,
        code: Some("RequestLimitExceeded".into()),
        request_id: Some("req-1".into()),
        message: "request limit exceeded".into(),
        advice: Some("wait".into()),
    }
}

/// A retry in a second.
pub fn retry() -> Retry {
    Retry { at: Timestamp(3_000), delay_ms: 1_000 }
}

/// A legal life of the sample run, in batches: forward with a retry and a doubt, a stop, and back.
pub fn life() -> Vec<Vec<Entry>> {
    let rollback = Entry::RollbackStarted { cause: RollbackCause::Request };
    let back = |name| Entry::CompensationStarted { action: action(name) };
    let gone = |name| Entry::CompensationCompleted { action: action(name), with: None };
    vec![
        vec![started("a", 1), started("b", 1)],
        vec![completed("a")],
        vec![failed("b", 1, FailureClass::Throttled)],
        vec![started("b", 2)],
        vec![failed("b", 2, FailureClass::Ambiguous)],
        vec![Entry::AttemptAbsent { action: action("b"), attempt: 2 }, started("b", 3)],
        vec![completed("b"), started("c", 1)],
        vec![Entry::RunRested { rest: Rest::Stopped }],
        vec![Entry::RunResumed { new_budget: false }],
        vec![completed("c"), Entry::RunRested { rest: Rest::Completed }],
        vec![rollback, back("c")],
        vec![Entry::CompensationFailed {
            action: action("c"),
            failure: failure(FailureClass::Transient),
            retry: retry(),
        }],
        vec![gone("c"), back("a"), back("b")],
        vec![gone("a")],
        vec![gone("b"), Entry::RunRested { rest: Rest::RolledBack }],
    ]
}

/// An entry whose stored form has more than `bytes` bytes, so that it takes several chunks.
pub fn large(name: &str, bytes: usize) -> Entry {
    Entry::ActionCompleted {
        action: action(name),
        output: json!({ "text": "x".repeat(bytes) }),
        provenance: Provenance::Adopted,
    }
}
