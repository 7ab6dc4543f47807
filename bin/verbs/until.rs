//! `--until STEP`: where a run pauses.

use lab1_flow_journal::{ActionPhase, RunState, StepName, StoredStep};

use crate::error::CliError;

/// The step that was named, by its number or its name; `stands` says what a refusal has left.
pub(super) fn find_step(
    steps: &[StoredStep],
    text: &str,
    stands: &str,
) -> Result<StepName, CliError> {
    let number = text.parse().ok();
    let found = numbered(steps).find(|step| step.name.as_str() == text || step.number == number);
    found.map(|step| step.name.clone()).ok_or_else(|| {
        CliError::usage(format!("there is no step {text}"))
            .stands(stands)
            .next(format!("name one of {}", list(numbered(steps))))
    })
}

/// The step that was named, for a run on its way: one that is not complete yet, with all before it.
pub(super) fn find_step_ahead(state: &RunState, text: &str) -> Result<StepName, CliError> {
    let steps = state.steps();
    let found = find_step(steps, text, "nothing was sent")?;
    let is_open = |step: &StoredStep| {
        let phase = |name| state.action(name).map(|action| &action.phase);
        step.actions.iter().any(|action| phase(&action.name) != Some(&ActionPhase::Completed))
    };
    let is_ahead = |place: usize| steps[..=place].iter().any(is_open);
    let place = steps.iter().position(|step| step.name == found);
    if place.is_some_and(is_ahead) {
        return Ok(found);
    }
    let ahead = (0..steps.len()).filter(|place| is_ahead(*place)).map(|place| &steps[place]);
    let ahead = list(ahead.filter(|step| step.number.is_some()));
    Err(CliError::usage(format!("the run is past step {text}: it is complete"))
        .stands("nothing was sent")
        .next(format!("name one of {ahead}; without --until the run goes on to its end")))
}

fn numbered(steps: &[StoredStep]) -> impl Iterator<Item = &StoredStep> {
    steps.iter().filter(|step| step.number.is_some())
}

fn list<'a>(steps: impl Iterator<Item = &'a StoredStep>) -> String {
    let steps = steps.map(|step| format!("{} {}", step.number.unwrap_or_default(), step.name));
    steps.collect::<Vec<_>>().join(", ")
}
