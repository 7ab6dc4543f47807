//! The documented steps of a run, each with its actions.

use std::time::Duration;

use lab1_flow_journal::{Role, RunState, StoredAction, StoredStep, Timestamp};
use serde::Serialize;

use crate::view::stage::{self, Stage};
use crate::view::time::moment;

/// One step as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct StepView {
    /// The number under which the step is documented; none for what is done before the first.
    pub(crate) number: Option<u32>,
    pub(crate) name: String,
    pub(crate) title: String,
    #[serde(rename = "state")]
    pub(crate) stage: Stage,
    pub(crate) actions: Vec<ActionView>,
}

/// One action as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ActionView {
    pub(crate) name: String,
    pub(crate) title: String,
    #[serde(rename = "state")]
    pub(crate) stage: Stage,
    /// Why it waits, or what has gone wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    pub(crate) attempts: u32,
    #[serde(rename = "started_at", serialize_with = "as_moment")]
    pub(crate) began: Option<Timestamp>,
    #[serde(rename = "changed_at", serialize_with = "as_moment")]
    pub(crate) changed: Option<Timestamp>,
}

#[expect(clippy::ref_option, reason = "the form that serde calls")]
fn as_moment<S: serde::Serializer>(
    at: &Option<Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    at.map(moment).serialize(serializer)
}

impl StepView {
    /// How many of the actions are where the run wants them.
    pub(crate) fn settled(&self, rolling_back: bool) -> usize {
        let settled = |action: &&ActionView| match action.stage {
            Stage::Pending => rolling_back,
            Stage::Done | Stage::Gone | Stage::Skipped => true,
            _ => false,
        };
        self.actions.iter().filter(settled).count()
    }

    /// How long processes worked on the step, or have worked so far; nothing for what was not begun or is taken
    /// back, since the time between has no meaning.
    pub(crate) fn worked(&self, state: &RunState, now: Timestamp) -> Option<Duration> {
        let began = self.actions.iter().filter_map(|action| action.began).min()?;
        let changed = self.actions.iter().filter_map(|action| action.changed).max()?;
        match self.stage {
            Stage::Running | Stage::Waiting | Stage::InDoubt => Some(state.worked(began, now)),
            Stage::Done | Stage::Failed => Some(state.worked(began, changed)),
            Stage::Undoing => {
                self.actions.iter().filter_map(|action| action.worked(state, now)).max()
            }
            Stage::Pending
            | Stage::Begun
            | Stage::Standing
            | Stage::Gone
            | Stage::Stuck
            | Stage::Skipped => None,
        }
    }

    /// The first reason why something in it waits or has failed.
    pub(crate) fn reason(&self) -> Option<&str> {
        let told = |action: &&ActionView| action.stage != Stage::Gone && action.reason.is_some();
        self.actions.iter().find(told).and_then(|action| action.reason.as_deref())
    }
}

impl ActionView {
    /// How long processes have worked on it: since its first attempt, or since its removal went on last.
    pub(crate) fn worked(&self, state: &RunState, now: Timestamp) -> Option<Duration> {
        match self.stage {
            Stage::Running | Stage::Waiting | Stage::InDoubt => {
                Some(state.worked(self.began?, now))
            }
            Stage::Undoing => Some(state.worked(self.changed?, now)),
            _ => None,
        }
    }
}

/// All steps of a run, in the order of display; one that does not rest is taken for one that somebody carries out.
pub(crate) fn steps(state: &RunState, now: Timestamp) -> Vec<StepView> {
    steps_of(state, now, true)
}

/// The same for a run of which it is known whether a process carries it out.
pub(crate) fn steps_of(state: &RunState, now: Timestamp, live: bool) -> Vec<StepView> {
    let at_work = live && state.rest().is_none();
    state.steps().iter().map(|step| step_view(state, step, now, at_work)).collect()
}

/// How many documented steps there are, and how many of them are complete.
pub(crate) fn progress(steps: &[StepView]) -> (usize, usize) {
    let numbered = steps.iter().filter(|step| step.number.is_some());
    let complete = numbered.clone().filter(|step| step.stage == Stage::Done);
    (complete.count(), numbered.count())
}

fn step_view(state: &RunState, step: &StoredStep, now: Timestamp, at_work: bool) -> StepView {
    let mut actions: Vec<_> =
        step.actions.iter().filter_map(|action| action_view(state, action, now)).collect();
    if state.is_rolling_back() && step.number.is_some() {
        turn_around(&mut actions, step);
    }
    let stages: Vec<_> = actions.iter().map(|action| action.stage).collect();
    StepView {
        number: step.number,
        name: step.name.to_string(),
        title: step.title.clone(),
        stage: stage_of_step(&stages, at_work),
        actions,
    }
}

/// In a run that is taken back, what was made stands in the way; what a look has seen, or waits for, is of no
/// meaning.
fn turn_around(actions: &mut [ActionView], step: &StoredStep) {
    for (action, stored) in actions.iter_mut().zip(&step.actions) {
        if stored.role == Role::Look && action.stage != Stage::Pending {
            action.stage = Stage::Gone;
            action.reason = None;
        } else if action.stage == Stage::Done {
            action.stage = Stage::Standing;
        }
    }
}

fn action_view(state: &RunState, stored: &StoredAction, now: Timestamp) -> Option<ActionView> {
    let action = state.action(&stored.name)?;
    Some(ActionView {
        name: stored.name.to_string(),
        title: stored.title.clone(),
        stage: Stage::of(action),
        reason: stage::why(action, now),
        attempts: action.attempts,
        began: action.started_at,
        changed: action.changed_at,
    })
}

/// What the actions come to: trouble first, then what goes on, then what is left.
fn stage_of_step(stages: &[Stage], at_work: bool) -> Stage {
    use Stage::{
        Begun, Done, Failed, Gone, InDoubt, Pending, Running, Skipped, Standing, Stuck, Undoing,
        Waiting,
    };
    let telling = [Failed, Stuck, InDoubt, Undoing, Running, Waiting];
    if let Some(stage) = telling.into_iter().find(|stage| stages.contains(stage)) {
        return stage;
    }
    if stages.iter().all(|stage| *stage == Done) {
        Done
    } else if stages.contains(&Done) {
        // Nothing of it is under way: the others wait for another step, as long as anything goes on.
        if at_work { Waiting } else { Begun }
    } else if stages.contains(&Standing) {
        if stages.contains(&Gone) { Undoing } else { Standing }
    } else if stages.contains(&Skipped) {
        Skipped
    } else if stages.contains(&Gone) {
        Gone
    } else {
        Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_in_one_action_is_the_stage_of_its_step() {
        assert_eq!(
            stage_of_step(&[Stage::Done, Stage::Failed, Stage::Running], true),
            Stage::Failed
        );
        assert_eq!(stage_of_step(&[Stage::Gone, Stage::Stuck], true), Stage::Stuck);
    }

    #[test]
    fn a_step_is_done_or_gone_when_all_of_it_is() {
        assert_eq!(stage_of_step(&[Stage::Done, Stage::Done], true), Stage::Done);
        assert_eq!(stage_of_step(&[Stage::Gone, Stage::Pending], true), Stage::Gone);
        assert_eq!(stage_of_step(&[Stage::Gone, Stage::Standing], true), Stage::Undoing);
        assert_eq!(stage_of_step(&[Stage::Pending, Stage::Standing], true), Stage::Standing);
        assert_eq!(stage_of_step(&[Stage::Pending, Stage::Pending], true), Stage::Pending);
    }

    #[test]
    fn a_step_whose_other_half_waits_for_another_step_waits() {
        assert_eq!(stage_of_step(&[Stage::Done, Stage::Pending], true), Stage::Waiting);
        assert_eq!(stage_of_step(&[Stage::Done, Stage::Running], true), Stage::Running);
    }

    #[test]
    fn nothing_waits_where_nobody_is_at_work() {
        assert_eq!(stage_of_step(&[Stage::Done, Stage::Pending], false), Stage::Begun);
    }
}
