//! Steps that come and go before they have started.

use std::collections::BTreeMap;

use super::{Legal, check, forward};
use crate::state::{ActionState, RunState};
use crate::{ActionName, Role, StoredAction, StoredStep};

/// Makes the steps of the run these: what has started must be among them as it was.
pub(super) fn replace_steps(state: &mut RunState, steps: &[StoredStep]) -> Legal {
    forward(state)?;
    for (place, step) in steps.iter().enumerate() {
        let twin = steps[..place].iter().any(|other| other.name == step.name);
        check(!twin, || format!("step {} is there twice", step.name))?;
    }
    for known in state.steps.iter().filter(|known| has_started(state, known)) {
        let kept = steps.iter().find(|step| step.name == known.name);
        let kept =
            kept.ok_or_else(|| format!("step {} has started, and is missing", known.name))?;
        let same = kept.version == known.version
            && kept.config == known.config
            && StoredAction::are_same(&kept.actions, &known.actions);
        check(same, || format!("step {} has started, and changed", known.name))?;
    }
    let actions = actions_of(state, steps)?;
    state.steps = steps.to_vec();
    state.actions = actions;
    Ok(())
}

/// The actions of these steps: those of steps that have started as they stand, the others as new ones.
fn actions_of(
    state: &RunState,
    steps: &[StoredStep],
) -> Result<BTreeMap<ActionName, ActionState>, String> {
    let mut actions = BTreeMap::new();
    for step in steps {
        let known = state.steps.iter().find(|known| known.name == step.name);
        let kept = known.is_some_and(|known| has_started(state, known));
        for action in &step.actions {
            let stands = state.actions.get(&action.name).filter(|_| kept).cloned();
            let stands = stands.unwrap_or_else(|| ActionState::new(action.role.clone()));
            let twin = actions.insert(action.name.clone(), stands).is_some();
            check(!twin, || format!("action {} is there twice", action.name))?;
        }
    }
    for action in steps.iter().flat_map(|step| &step.actions) {
        let whole = match &action.role {
            Role::Part { of } => Some(of),
            Role::Change | Role::Look => None,
        };
        for need in action.needs.iter().chain(whole) {
            let known = actions.contains_key(need);
            check(known, || format!("action {} needs {need}, which is not there", action.name))?;
        }
    }
    Ok(actions)
}

fn has_started(state: &RunState, step: &StoredStep) -> bool {
    let started = |action: &StoredAction| {
        state.actions.get(&action.name).is_some_and(|action| action.attempts > 0)
    };
    step.actions.iter().any(started)
}
