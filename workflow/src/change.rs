//! What has changed between the steps of a stored run and those of the program that goes on with it.

use lab1_flow_journal::{Entry, RunState, StoredStep};

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

/// The entry that replaces the steps that changed; none when nothing did.
///
/// A step that has begun may not change: what it made would no longer be what its record says.
pub(crate) fn entries(workflow: &Workflow, state: &RunState) -> Result<Vec<Entry>, EngineError> {
    let mut changed = Vec::new();
    for stored in state.steps() {
        let given = workflow.steps().iter().find(|step| step.name == stored.name);
        let change =
            given.map_or(Some("it is missing".to_owned()), |given| difference(stored, given));
        let Some(change) = change else { continue };
        let Some(given) = given.filter(|given| is_replaceable(state, stored, given)) else {
            return Err(EngineError::StepChanged { step: stored.name.clone(), change });
        };
        changed.push(given.clone());
    }
    let known = |step: &StoredStep| state.steps().iter().any(|stored| stored.name == step.name);
    if let Some(added) = workflow.steps().iter().find(|step| !known(step)) {
        let change = "the run was started without it".to_owned();
        return Err(EngineError::StepChanged { step: added.name.clone(), change });
    }
    Ok(if changed.is_empty() { Vec::new() } else { vec![Entry::StepsChanged { steps: changed }] })
}

fn is_replaceable(state: &RunState, stored: &StoredStep, given: &StoredStep) -> bool {
    let untouched = |name| state.action(name).is_some_and(|action| action.attempts == 0);
    stored.actions == given.actions && stored.actions.iter().all(|action| untouched(&action.name))
}

/// Says what differs, in one line; `None` when nothing that matters does.
fn difference(stored: &StoredStep, given: &StoredStep) -> Option<String> {
    if stored.version != given.version {
        return Some(format!("its version was {}, and is {}", stored.version, given.version));
    }
    if stored.actions != given.actions {
        return Some("it is made of other actions".to_owned());
    }
    if stored.config == given.config {
        return None;
    }
    Some(config_difference("", &stored.config, &given.config))
}

/// Names the first value that differs, by its path.
fn config_difference(path: &str, stored: &serde_json::Value, given: &serde_json::Value) -> String {
    use serde_json::Value::Object;
    if let (Object(stored), Object(given)) = (stored, given) {
        for key in stored.keys().chain(given.keys()) {
            let (old, new) = (stored.get(key), given.get(key));
            if old != new {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                let null = serde_json::Value::Null;
                return config_difference(&path, old.unwrap_or(&null), new.unwrap_or(&null));
            }
        }
    }
    format!("{path} was {stored}, and is {given}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_difference_names_the_path_and_both_values() {
        let line = config_difference("", &json!({"a": {"b": 1}}), &json!({"a": {"b": 2}}));
        assert_eq!(line, "a.b was 1, and is 2");
        assert_eq!(config_difference("", &json!({}), &json!({"c": 1})), "c was null, and is 1");
    }
}
