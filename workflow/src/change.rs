//! What has changed between the steps of a stored run and those of the program that goes on with it.

mod config;

use lab1_flow_journal::{ActionName, Entry, Rest, RunState, StepName, StoredAction, StoredStep};

use crate::{EngineError, Workflow};

/// Refuses a run that was started by another workflow.
pub(crate) fn refuse_other_workflow(
    workflow: &Workflow,
    state: &RunState,
) -> Result<(), EngineError> {
    let stored = &state.header().workflow;
    if stored == workflow.name() {
        return Ok(());
    }
    Err(EngineError::OtherWorkflow { stored: stored.clone(), given: workflow.name().to_owned() })
}

/// The entry that makes the run's steps those of the program; none when they are.
///
/// A step that has begun may not change: what it made would no longer be what its record says. One that has not begun
/// may change, come or go.
pub(crate) fn entries(
    workflow: &Workflow,
    state: &RunState,
    until: Option<&StepName>,
) -> Result<Vec<Entry>, EngineError> {
    let (mut steps, mut changed) = (Vec::new(), Vec::new());
    let mut is_reshaped = state.steps().iter().any(|stored| given(workflow, stored).is_none());
    refuse_missing(workflow, state, until)?;
    for step in workflow.steps() {
        let stored = state.steps().iter().find(|stored| stored.name == step.name);
        let Some(stored) = stored else {
            is_reshaped = true;
            steps.push(step.clone());
            continue;
        };
        let differences = differences(workflow, stored, step);
        is_reshaped |= stored.number != step.number;
        if has_begun(state, stored) {
            refuse(stored, &differences)?;
            steps.push(StoredStep { number: step.number, ..stored.clone() });
            continue;
        }
        is_reshaped |= !StoredAction::are_same(&stored.actions, &step.actions);
        if !differences.is_empty() {
            changed.push(step.clone());
        }
        steps.push(step.clone());
    }
    Ok(if is_reshaped {
        vec![Entry::StepsReplaced { steps }]
    } else if changed.is_empty() {
        Vec::new()
    } else {
        vec![Entry::StepsChanged { steps: changed }]
    })
}

/// Refuses a rollback by a program that does not have what the run has begun. Of anything else it is not asked.
pub(crate) fn refuse_rollback(workflow: &Workflow, state: &RunState) -> Result<(), EngineError> {
    for stored in state.steps().iter().filter(|step| has_begun(state, step)) {
        let Some(step) = given(workflow, stored) else {
            return refuse(stored, &[MISSING.to_owned()]);
        };
        // What was not begun of a step is nothing to a rollback.
        let begun = |step: &StoredStep| {
            let mut step = step.clone();
            step.actions.retain(|action| is_begun(state, &action.name));
            for action in &mut step.actions {
                action.needs.retain(|need| is_begun(state, need));
            }
            step
        };
        refuse(stored, &differences(workflow, &begun(stored), &begun(step)))?;
    }
    Ok(())
}

const MISSING: &str = "this program does not have it";

/// Refuses a program without a step that has begun, or that the run is to pause after.
fn refuse_missing(
    workflow: &Workflow,
    state: &RunState,
    until: Option<&StepName>,
) -> Result<(), EngineError> {
    for stored in state.steps().iter().filter(|stored| given(workflow, stored).is_none()) {
        if has_begun(state, stored) {
            return refuse(stored, &[MISSING.to_owned()]);
        }
        let has_paused = state.rest() == Some(&Rest::Paused);
        if until.is_none() && !has_paused && state.until() == Some(&stored.name) {
            let change = "the run is to pause after it, and this program does not have it: \
                          name another step to pause after";
            return refuse(stored, &[change.to_owned()]);
        }
    }
    Ok(())
}

fn refuse(step: &StoredStep, differences: &[String]) -> Result<(), EngineError> {
    if differences.is_empty() {
        return Ok(());
    }
    Err(EngineError::StepChanged { step: step.name.clone(), change: differences.join("; ") })
}

fn given<'a>(workflow: &'a Workflow, stored: &StoredStep) -> Option<&'a StoredStep> {
    workflow.steps().iter().find(|step| step.name == stored.name)
}

fn has_begun(state: &RunState, step: &StoredStep) -> bool {
    step.actions.iter().any(|action| is_begun(state, &action.name))
}

fn is_begun(state: &RunState, action: &ActionName) -> bool {
    state.action(action).is_some_and(|action| action.attempts > 0 || action.found_by_mark)
}

/// Says what differs, a line each; nothing when nothing that matters does.
fn differences(workflow: &Workflow, stored: &StoredStep, given: &StoredStep) -> Vec<String> {
    if stored.version != given.version {
        return vec![format!("its version was {}, and is {}", stored.version, given.version)];
    }
    let actions = action_differences(&stored.actions, &given.actions);
    if !actions.is_empty() {
        return actions;
    }
    config::differences(&stored.config, &given.config, |stored| {
        workflow.reread(&given.name, stored)
    })
}

fn action_differences(stored: &[StoredAction], given: &[StoredAction]) -> Vec<String> {
    if StoredAction::are_same(stored, given) {
        return Vec::new();
    }
    let find = |actions: &[StoredAction], name: &ActionName| {
        actions.iter().find(|action| action.name == *name).cloned()
    };
    let mut found = Vec::new();
    for action in stored {
        match find(given, &action.name) {
            None => found.push(format!("action {} is gone", action.name)),
            Some(now) if now.role != action.role => {
                let (was, is) = (&action.role, &now.role);
                found.push(format!("action {} was {was:?}, and is {is:?}", action.name));
            }
            Some(now) if now.needs != action.needs => {
                let names = |needs: &[ActionName]| {
                    needs.iter().map(ActionName::as_str).collect::<Vec<_>>().join(", ")
                };
                let (was, is) = (names(&action.needs), names(&now.needs));
                found.push(format!("action {} needed [{was}], and needs [{is}]", action.name));
            }
            Some(_) => {}
        }
    }
    let added = given.iter().filter(|action| find(stored, &action.name).is_none());
    found.extend(added.map(|action| format!("action {} is new", action.name)));
    if found.is_empty() {
        found.push("its actions come in another order".to_owned());
    }
    found
}
