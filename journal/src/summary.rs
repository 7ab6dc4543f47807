//! Where a run stands, in a few fields: what a list of runs shows.

use serde::{Deserialize, Serialize};

use crate::{
    ActionName, ActionPhase, ActionState, Rest, Role, RunState, Seq, StepName, StoredStep,
    Timestamp,
};

/// Where a run stands, as one word.
///
/// It is what the records say. Whether a process works on a running run at this moment is told by its lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunPhase {
    /// On its way forward.
    Running,
    /// On its way back.
    RollingBack,
    /// At rest: every action is completed.
    Completed,
    /// At rest: every effect is proven gone.
    RolledBack,
    /// At rest: an action failed for good.
    Failed,
    /// At rest: a rollback cannot go on by itself.
    Stuck,
    /// At rest: it was asked to stop.
    Stopped,
    /// At rest: the step to run until is complete.
    Paused,
    /// At rest: patience, credentials or network are lost.
    Suspended,
}

/// What a run waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// The action that waits.
    pub action: ActionName,
    /// Why, for people.
    pub reason: String,
    /// When it goes on, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Timestamp>,
}

/// Where a run stands after one of its records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Where it stands.
    pub phase: RunPhase,
    /// The place of the next record.
    pub next_seq: Seq,
    /// When the last record was appended.
    pub changed_at: Timestamp,
    /// The step that is worked on: the first that is not done in the direction of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepName>,
    /// The number of numbered steps whose effects are all there.
    pub steps_completed: usize,
    /// The number of numbered steps.
    pub steps_total: usize,
    /// The number of things that it has made and that are there, as far as is known.
    pub resources: usize,
    /// Whether the run has turned around.
    pub rolling_back: bool,
    /// The number of changes that a person has decided to leave in place.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skipped: usize,
    /// The wait that ends first, if an action waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
    /// How it rests, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest: Option<Rest>,
}

impl Summary {
    /// Sums a state up.
    pub fn of(state: &RunState) -> Self {
        let standing = state.actions().filter_map(|(_, action)| action.standing_thing());
        let numbered = || state.steps().iter().filter(|step| step.number.is_some());
        let complete = numbered().filter(|step| state.is_step_complete(step));
        Self {
            phase: phase(state),
            next_seq: state.next_seq(),
            changed_at: state.changed_at(),
            step: step(state).map(|step| step.name.clone()),
            steps_completed: complete.count(),
            steps_total: numbered().count(),
            resources: standing.count(),
            rolling_back: state.is_rolling_back(),
            skipped: state.actions().filter(|(_, action)| is_left(action)).count(),
            waiting: if state.rest().is_none() { waiting(state) } else { None },
            rest: state.rest().cloned(),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// Whether it is left by a person's decision; parts stay with their whole and are not counted.
fn is_left(action: &ActionState) -> bool {
    action.role == Role::Change && matches!(action.phase, ActionPhase::Skipped { .. })
}

fn phase(state: &RunState) -> RunPhase {
    match state.rest() {
        None if state.is_rolling_back() => RunPhase::RollingBack,
        None => RunPhase::Running,
        Some(Rest::Completed) => RunPhase::Completed,
        Some(Rest::RolledBack) => RunPhase::RolledBack,
        Some(Rest::Failed) => RunPhase::Failed,
        Some(Rest::Stuck { .. }) => RunPhase::Stuck,
        Some(Rest::Stopped) => RunPhase::Stopped,
        Some(Rest::Paused) => RunPhase::Paused,
        Some(Rest::Suspended { .. }) => RunPhase::Suspended,
    }
}

fn step(state: &RunState) -> Option<&StoredStep> {
    let unsettled = |step: &&StoredStep| {
        let mut actions = step.actions.iter().filter_map(|action| state.action(&action.name));
        actions.any(|action| !action.is_settled_backwards())
    };
    if state.is_rolling_back() {
        return state.steps().iter().rev().find(unsettled);
    }
    state.steps().iter().find(|step| !state.is_step_complete(step))
}

fn waiting(state: &RunState) -> Option<Waiting> {
    // What a run was waiting for when it turned around is of no meaning any more.
    let is_over = |action: &ActionState| state.is_rolling_back() && action.is_settled_backwards();
    let waits = state.actions().filter(|(_, action)| !is_over(action));
    let waits = waits.filter_map(|(name, action)| {
        let (reason, retry_at) = wait_of(action)?;
        Some(Waiting { action: name.clone(), reason, retry_at })
    });
    waits.min_by_key(|wait| wait.retry_at.map_or(i64::MAX, |at| at.0))
}

fn wait_of(action: &ActionState) -> Option<(String, Option<Timestamp>)> {
    match &action.phase {
        ActionPhase::InDoubt { failure, retry }
        | ActionPhase::Waiting { failure, retry }
        | ActionPhase::Compensating { failed: Some((failure, retry)) } => {
            Some((failure.message.clone(), Some(retry.at)))
        }
        ActionPhase::Started | ActionPhase::Compensating { failed: None } => {
            action.reason.clone().map(|reason| (reason, None))
        }
        ActionPhase::Pending
        | ActionPhase::Completed
        | ActionPhase::Failed { .. }
        | ActionPhase::Compensated { .. }
        | ActionPhase::GaveUp { .. }
        | ActionPhase::Skipped { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::samples::{self, completed, failed, started};
    use crate::{Entry, FailureClass, Record, RollbackCause};

    /// The sample run, in which `b` is a part of `a`, after these entries.
    fn after(entries: &[Entry]) -> Summary {
        let mut header = samples::header("summary");
        header.steps[0].actions[1].role = Role::Part { of: samples::action("a") };
        let mut state = RunState::new(header);
        for record in Record::number(Seq::FIRST, Timestamp(2_000), entries.to_vec()) {
            state.apply(&record).unwrap();
        }
        Summary::of(&state)
    }

    fn made(name: &str) -> [Entry; 2] {
        [started(name, 1), completed(name)]
    }

    fn turned() -> Entry {
        Entry::RollbackStarted { cause: RollbackCause::Request }
    }

    fn step(summary: &Summary) -> Option<&str> {
        summary.step.as_ref().map(StepName::as_str)
    }

    #[test]
    fn the_step_that_is_worked_on_is_the_first_that_is_not_done_in_the_direction_of_the_run() {
        let forward = after(&made("a"));
        assert_eq!((forward.phase, step(&forward)), (RunPhase::Running, Some("one")));
        let all = [made("a"), made("b"), made("c")].concat();
        assert_eq!(step(&after(&all)), None);
        let back = after(&[&all[..], &[turned()]].concat());
        assert_eq!((back.phase, step(&back)), (RunPhase::RollingBack, Some("two")));
        assert_eq!((back.resources, back.steps_completed), (3, 2));
    }

    #[test]
    fn what_a_person_left_is_counted_without_its_parts_and_stored_when_there_is_any() {
        let left = |name| Entry::CompensationSkipped {
            action: samples::action(name),
            reason: "it is shared".into(),
        };
        let stored = |summary: &Summary| serde_json::to_value(summary).unwrap();
        let story = [made("a"), made("b"), made("c")].concat();
        let none = after(&[&story[..], &[turned()]].concat());
        assert_eq!((none.skipped, stored(&none).get("skipped")), (0, None));
        let all = after(&[&story[..], &[turned(), left("a"), left("b"), left("c")]].concat());
        assert_eq!((all.skipped, stored(&all)["skipped"].as_u64()), (2, Some(2)));
    }

    #[test]
    fn the_wait_that_ends_first_is_told_and_one_without_an_end_last() {
        let waits = Entry::ActionWaiting {
            action: samples::action("a"),
            reason: "it starts".into(),
            waited_ms: 5,
        };
        let story = [started("a", 1), waits, started("c", 1)];
        let told = |summary: Summary| {
            summary.waiting.map(|it| (it.action.to_string(), it.reason, it.retry_at))
        };
        assert_eq!(told(after(&story[..1])), None);
        let reason = "it starts".to_owned();
        assert_eq!(told(after(&story)), Some(("a".to_owned(), reason, None)));
        let throttled = failed("c", 1, FailureClass::Throttled);
        let (reason, at) = (samples::failure(FailureClass::Throttled).message, samples::retry().at);
        let forward = [&story[..], &[throttled]].concat();
        assert_eq!(told(after(&forward)), Some(("c".to_owned(), reason, Some(at))));
        let turned = told(after(&[&forward[..], &[turned()]].concat()));
        let open = ("a".to_owned(), "it starts".to_owned(), None);
        assert_eq!(turned, Some(open), "c is not tried again, a is still looked for");
    }
}
