//! What is left of a run that was to be taken back, and what to do about it.

use lab1_flow_journal::{ActionPhase, ActionState, Failure, Rest, RunState};

use crate::view::facts;
use crate::view::stage::full;

/// What a stuck rollback has left, and what a person has, one line each.
pub(crate) fn lines(state: &RunState) -> Vec<String> {
    let stuck = match state.rest() {
        Some(Rest::Stuck { left }) => left.iter().map(|line| told(state, line)).collect(),
        _ => Vec::new(),
    };
    stuck.into_iter().chain(facts::skipped(state)).collect()
}

/// What would let a stuck rollback go on, each advice once.
pub(crate) fn advice(state: &RunState) -> Vec<&str> {
    let mut advice = Vec::new();
    let failures = state.actions().filter_map(|(_, action)| given_up(action));
    for text in failures.filter_map(|failure| failure.advice.as_deref()) {
        if !advice.contains(&text) {
            advice.push(text);
        }
    }
    advice
}

/// A line of the journal, with the request that was refused, or else with the name of what is left.
fn told(state: &RunState, line: &str) -> String {
    let known = line.split_once(": ").and_then(|(name, rest)| {
        Some((name, rest, state.actions().find(|(action, _)| action.as_str() == name)?.1))
    });
    let Some((name, rest, action)) = known else { return line.to_owned() };
    if let Some(failure) = given_up(action).filter(|failure| failure.message == rest) {
        return format!("{name}: {}", full(failure));
    }
    let standing = facts::standing_resources(state);
    let thing = standing.iter().find(|thing| thing.action == name);
    thing.map_or_else(|| line.to_owned(), |thing| format!("{name}: {} {rest}", thing.label()))
}

fn given_up(action: &ActionState) -> Option<&Failure> {
    match &action.phase {
        ActionPhase::GaveUp { failure } => Some(failure),
        _ => None,
    }
}
