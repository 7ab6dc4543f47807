//! What has changed between the steps of a stored run and those of the program that goes on with it.

use std::collections::BTreeSet;

use lab1_flow_journal::{Entry, RunState, StoredAction, StoredStep};
use serde_json::{Map, Value};

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
    StoredAction::are_same(&stored.actions, &given.actions)
        && stored.actions.iter().all(|action| untouched(&action.name))
}

/// Says what differs, in one line; `None` when nothing that matters does.
fn difference(stored: &StoredStep, given: &StoredStep) -> Option<String> {
    if stored.version != given.version {
        return Some(format!("its version was {}, and is {}", stored.version, given.version));
    }
    if !StoredAction::are_same(&stored.actions, &given.actions) {
        return Some("it is made of other actions".to_owned());
    }
    if stored.config == given.config {
        return None;
    }
    Some(config_differences("", &stored.config, &given.config).join("; "))
}

/// Names every value that differs, by its path.
fn config_differences(path: &str, stored: &Value, given: &Value) -> Vec<String> {
    if stored == given {
        return Vec::new();
    }
    let inner = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match (stored, given) {
        (Value::Object(old), Value::Object(new)) => {
            let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            let at =
                |object: &Map<String, Value>, key| object.get(key).cloned().unwrap_or(Value::Null);
            keys.into_iter()
                .flat_map(|key| config_differences(&inner(key), &at(old, key), &at(new, key)))
                .collect()
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            let pairs = old.iter().zip(new).enumerate();
            pairs
                .flat_map(|(place, (old, new))| {
                    config_differences(&inner(&place.to_string()), old, new)
                })
                .collect()
        }
        (Value::String(old), Value::String(new)) if old.contains('\n') || new.contains('\n') => {
            vec![text_difference(path, old, new)]
        }
        _ => vec![format!("{path} was {stored}, and is {given}")],
    }
}

/// Names the first line that differs of a text of many, a script for instance.
fn text_difference(path: &str, old: &str, new: &str) -> String {
    let lines = |text: &str| text.lines().map(str::to_owned).chain([String::new()]).collect();
    let (old, new): (Vec<String>, Vec<String>) = (lines(old), lines(new));
    let same = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let line = |text: &[String]| text.get(same).cloned().unwrap_or_default();
    format!("{path} in line {}: was {:?}, and is {:?}", same + 1, line(&old), line(&new))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_difference_names_its_path_and_both_values() {
        let stored = json!({"a": {"b": 1, "same": 0}, "list": [1, {"x": 2}], "short": [1]});
        let given = json!({"a": {"b": 2, "same": 0}, "list": [1, {"x": 3}], "short": [], "c": 1});
        assert_eq!(
            config_differences("", &stored, &given),
            [
                "a.b was 1, and is 2",
                "c was null, and is 1",
                "list.1.x was 2, and is 3",
                "short was [1], and is []",
            ]
        );
        assert_eq!(
            config_differences("", &json!({"script": "a\nb\nc\n"}), &json!({"script": "a\nx\n"})),
            ["script in line 2: was \"b\", and is \"x\""]
        );
        let longer = config_differences("s", &json!("a"), &json!("a\nb"));
        assert_eq!(longer, ["s in line 2: was \"\", and is \"b\""]);
    }
}
