//! `rollback --skip`: what a person leaves in place, checked before anything is recorded.

use lab1_flow_journal::{ActionName, ActionPhase, ActionState, Role, RunState, StoredAction};

use crate::app::App;
use crate::error::CliError;
use crate::execute::Skip;
use crate::suggestion;

/// Finds the actions that are to be skipped; `None` when none is named.
pub(super) fn choose(
    app: &App,
    state: &RunState,
    names: &[String],
    reason: &str,
) -> Result<Option<Skip>, CliError> {
    if names.is_empty() {
        return Ok(None);
    }
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(CliError::usage("what is left needs a reason: it is recorded")
            .stands(NOTHING_DONE)
            .next("say with --reason why it stays"));
    }
    let mut actions: Vec<ActionName> = Vec::new();
    for name in names {
        let action = one(app, state, name)?;
        if !actions.contains(&action) {
            actions.push(action);
        }
    }
    Ok(Some(Skip { actions, reason: reason.to_owned() }))
}

/// Refuses to leave something of a run that has ended already.
pub(super) fn refuse_after_end(
    app: &App,
    state: &RunState,
    names: &[String],
) -> Result<(), CliError> {
    names.iter().try_for_each(|name| one(app, state, name).map(drop))
}

const NOTHING_DONE: &str = "nothing was sent and nothing was recorded";

fn one(app: &App, state: &RunState, name: &str) -> Result<ActionName, CliError> {
    let run = &state.header().run;
    let refuse = |what: String| CliError::usage(what).stands(NOTHING_DONE);
    let Some((stored, action)) = actions(state).find(|(stored, _)| stored.name.as_str() == name)
    else {
        return Err(unknown(app, state, name));
    };
    match &stored.role {
        Role::Look => return Err(refuse(format!("{name} only looks: it has made nothing"))),
        Role::Part { of } => {
            return Err(refuse(format!("{name} goes with {of}, and stays with it"))
                .next(format!("name that one: --skip {of}")));
        }
        Role::Change => {}
    }
    match &action.phase {
        ActionPhase::Skipped { reason } => Err(refuse(format!("{name} is left already: {reason}"))
            .next(app.program.command(&["rollback", run.as_str()]))),
        _ if action.is_settled_backwards() => {
            Err(refuse(format!("there is nothing of {name} to leave"))
                .next(app.program.command(&["status", run.as_str()])))
        }
        _ => Ok(stored.name.clone()),
    }
}

fn unknown(app: &App, state: &RunState, name: &str) -> CliError {
    let left = actions(state)
        .filter(|(stored, action)| stored.role == Role::Change && !action.is_settled_backwards());
    let left: Vec<&str> = left.map(|(stored, _)| stored.name.as_str()).collect();
    let known = || actions(state).map(|(stored, _)| stored.name.as_str());
    let meant = suggestion::most_alike(name, known());
    let what = match meant {
        Some(meant) => format!("there is no action {name}; did you mean {meant}?"),
        None => format!("there is no action {name}"),
    };
    let stands = match left.as_slice() {
        [] => "nothing of the run is there to be left".to_owned(),
        left => format!("what can be left: {}", left.join(", ")),
    };
    let run = state.header().run.as_str();
    CliError::usage(what).stands(stands).next(app.program.command(&["status", run]))
}

fn actions(state: &RunState) -> impl Iterator<Item = (&StoredAction, &ActionState)> {
    let stored = state.steps().iter().flat_map(|step| &step.actions);
    stored.filter_map(|stored| Some((stored, state.action(&stored.name)?)))
}
