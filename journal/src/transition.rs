//! The one table of what may follow what.
//!
//! `docs/journal-format.md` has it in prose. Every arm first checks, then changes: a refused record
//! leaves the state as it was.

mod reshape;

use crate::entry::{Entry, FailureClass, Provenance, Rest, Retry};
use crate::state::{ActionPhase, ActionState, Budget, Direction, RunState};
use crate::{ActionName, Failure, Record, Role, Seq, StoredAction, StoredStep, Timestamp};

type Legal = Result<(), String>;

pub(crate) fn apply(state: &mut RunState, record: &Record) -> Legal {
    check(record.seq == state.next, || format!("record {} is due", state.next))?;
    let nobody_worked = state.rest.is_some() || matches!(record.entry, Entry::RunContinued);
    apply_entry(state, &record.entry, record.at)?;
    if nobody_worked {
        state.idle.note(state.changed_at, record.at);
    }
    state.next = record.seq.next();
    state.changed_at = record.at;
    Ok(())
}

fn apply_entry(state: &mut RunState, entry: &Entry, at: Timestamp) -> Legal {
    match entry {
        Entry::RollbackStarted { cause } => {
            forward(state)?;
            state.rest = None;
            state.direction = Direction::RollingBack { cause: cause.clone() };
            open_budgets(state);
            Ok(())
        }
        Entry::RunResumed { new_budget } => resume(state, *new_budget),
        Entry::StepsChanged { steps } => change_steps(state, steps),
        Entry::StepsReplaced { steps } => reshape::replace_steps(state, steps),
        Entry::CompensationSkipped { action, reason } => {
            backward(state)?;
            let action = find(state, action)?;
            check(!action.is_settled_backwards(), || "there is nothing left to skip".into())?;
            enter(action, ActionPhase::Skipped { reason: reason.clone() }, at);
            Ok(())
        }
        _ => {
            check(state.rest.is_none(), || "the run rests, and was not resumed".into())?;
            apply_working_entry(state, entry, at)
        }
    }
}

fn apply_working_entry(state: &mut RunState, entry: &Entry, at: Timestamp) -> Legal {
    match entry {
        Entry::AttemptStarted { .. } => start_attempt(state, entry, at),
        Entry::AttemptFailed { .. } => fail_attempt(state, entry, at),
        Entry::AttemptAbsent { action, attempt } => {
            // A rollback believes in absence only when nothing can appear any more.
            let early = !state.is_rolling_back();
            let action = find(state, action)?;
            open_attempt(action, Some(*attempt))?;
            action.absences += u32::from(early);
            enter(action, ActionPhase::Pending, at);
            Ok(())
        }
        Entry::ActionWaiting { action, reason, waited_ms } => {
            let action = find(state, action)?;
            open_attempt(action, None)?;
            wait(action, reason, *waited_ms)
        }
        Entry::ActionCompleted { action, output, provenance } => {
            let rolling_back = state.is_rolling_back();
            let action = find(state, action)?;
            // The last look of a rollback may find what earlier ones did not: it appeared late.
            let late = rolling_back && action.attempts > 0 && action.is_settled_backwards();
            if !(late && *provenance == Provenance::Adopted) {
                open_attempt(action, None)?;
            }
            action.output = Some(output.clone());
            action.provenance = Some(*provenance);
            enter(action, ActionPhase::Completed, at);
            Ok(())
        }
        Entry::ActionFailed { action, failure } => {
            forward(state)?;
            let action = find(state, action)?;
            check(action.phase != ActionPhase::Completed, || "the action is completed".into())?;
            enter(action, ActionPhase::Failed { failure: failure.clone() }, at);
            Ok(())
        }
        Entry::FoundByMark { action } => find_by_mark(state, action, at),
        Entry::CompensationStarted { .. }
        | Entry::CompensationWaiting { .. }
        | Entry::CompensationFailed { .. }
        | Entry::CompensationCompleted { .. }
        | Entry::CompensationGaveUp { .. } => apply_compensation(state, entry, at),
        Entry::PauseChanged { until } => {
            forward(state)?;
            let known = state.steps.iter().any(|step| step.name == *until);
            check(known, || format!("there is no step {until}"))?;
            state.until = Some(until.clone());
            Ok(())
        }
        Entry::RunRested { rest } => rest_run(state, rest),
        // The first process begins with a run that has no record; only a later one goes on.
        Entry::RunContinued => check(state.next != Seq::FIRST, || "nothing was begun".into()),
        Entry::RollbackStarted { .. }
        | Entry::RunResumed { .. }
        | Entry::StepsChanged { .. }
        | Entry::StepsReplaced { .. }
        | Entry::CompensationSkipped { .. } => Err("handled by the caller".into()),
    }
}

fn start_attempt(state: &mut RunState, entry: &Entry, at: Timestamp) -> Legal {
    let Entry::AttemptStarted { action, attempt, input, token } = entry else {
        return Err("not an intent".into());
    };
    forward(state)?;
    let action = find(state, action)?;
    let ready = matches!(action.phase, ActionPhase::Pending | ActionPhase::Waiting { .. })
        || (action.role == Role::Look && action.has_open_attempt());
    check(ready, || format!("an attempt may not follow {:?}", action.phase))?;
    let due = action.attempts + 1;
    check(*attempt == due, || format!("attempt {due} is due, not {attempt}"))?;
    let first = action.input.is_none();
    check(input.is_some() == first, || "the input is frozen with the first attempt".into())?;
    let same = action.token.as_ref().is_none_or(|known| known == token);
    check(same, || "the token may not change".into())?;
    if first {
        action.input.clone_from(input);
        action.token = Some(token.clone());
        action.started_at = Some(at);
    }
    action.attempts = due;
    enter(action, ActionPhase::Started, at);
    Ok(())
}

fn fail_attempt(state: &mut RunState, entry: &Entry, at: Timestamp) -> Legal {
    let Entry::AttemptFailed { action, attempt, failure, in_doubt, retry } = entry else {
        return Err("not a failure".into());
    };
    let action = find(state, action)?;
    open_attempt(action, Some(*attempt))?;
    let known_doubt = matches!(action.phase, ActionPhase::InDoubt { .. });
    check(*in_doubt || !known_doubt, || "a doubt is settled by a look, not by a failure".into())?;
    let ambiguous = failure.class == FailureClass::Ambiguous;
    check(*in_doubt || !ambiguous, || "an ambiguous failure leaves a doubt".into())?;
    let permanent = failure.class == FailureClass::Permanent;
    check(*in_doubt || !permanent, || "a permanent failure ends the action".into())?;
    let (failure, retry) = (failure.clone(), *retry);
    charge(action, &failure, retry);
    let phase = if *in_doubt {
        ActionPhase::InDoubt { failure, retry }
    } else {
        ActionPhase::Waiting { failure, retry }
    };
    enter(action, phase, at);
    Ok(())
}

/// What stands is made by an attempt, be it one of which no record is left.
fn find_by_mark(state: &mut RunState, action: &ActionName, at: Timestamp) -> Legal {
    backward(state)?;
    let action = find(state, action)?;
    check(action.role == Role::Change, || "only a change carries a mark of its own".into())?;
    check(action.is_thought_absent(), || format!("it is known to stand in {:?}", action.phase))?;
    action.attempts = action.attempts.max(1);
    action.found_by_mark = true;
    action.started_at.get_or_insert(at);
    enter(action, ActionPhase::Started, at);
    Ok(())
}

fn apply_compensation(state: &mut RunState, entry: &Entry, at: Timestamp) -> Legal {
    backward(state)?;
    match entry {
        Entry::CompensationStarted { action } => {
            let action = find(state, action)?;
            let completed = action.phase == ActionPhase::Completed;
            check(completed, || format!("{:?} is not compensated", action.phase))?;
            enter(action, ActionPhase::Compensating { failed: None }, at);
            Ok(())
        }
        Entry::CompensationWaiting { action, reason, waited_ms } => {
            let action = find(state, action)?;
            compensating(action)?;
            wait(action, reason, *waited_ms)?;
            enter(action, ActionPhase::Compensating { failed: None }, at);
            Ok(())
        }
        Entry::CompensationFailed { action, failure, retry } => {
            let action = find(state, action)?;
            compensating(action)?;
            charge(action, failure, *retry);
            let failed = Some((failure.clone(), *retry));
            enter(action, ActionPhase::Compensating { failed }, at);
            Ok(())
        }
        Entry::CompensationCompleted { action, with } => {
            complete_compensation(state, action, with.as_ref(), at)
        }
        Entry::CompensationGaveUp { action, failure } => {
            let action = find(state, action)?;
            compensating(action)?;
            enter(action, ActionPhase::GaveUp { failure: failure.clone() }, at);
            Ok(())
        }
        _ => Err("not a compensation".into()),
    }
}

fn complete_compensation(
    state: &mut RunState,
    action: &ActionName,
    with: Option<&ActionName>,
    at: Timestamp,
) -> Legal {
    if let Some(container) = with {
        let gone = matches!(find(state, container)?.phase, ActionPhase::Compensated { .. });
        check(gone, || format!("{container} is not proven gone"))?;
        let part = find(state, action)?;
        let held = part.role == Role::Part { of: container.clone() };
        check(held, || format!("{action} is no part of {container}"))?;
        check(!part.is_settled_backwards(), || "there is nothing to compensate".into())?;
    } else {
        compensating(find(state, action)?)?;
    }
    enter(find(state, action)?, ActionPhase::Compensated { with: with.cloned() }, at);
    Ok(())
}

fn rest_run(state: &mut RunState, rest: &Rest) -> Legal {
    let rolling_back = state.is_rolling_back();
    let any = |wanted: fn(&ActionPhase) -> bool| state.actions.values().any(|a| wanted(&a.phase));
    let legal = match rest {
        Rest::Completed => !rolling_back && !any(|phase| *phase != ActionPhase::Completed),
        Rest::RolledBack => {
            rolling_back && state.actions.values().all(ActionState::is_settled_backwards)
        }
        Rest::Failed => !rolling_back && any(|phase| matches!(phase, ActionPhase::Failed { .. })),
        Rest::Stuck { .. } => rolling_back,
        Rest::Paused => !rolling_back && state.until.is_some(),
        Rest::Stopped | Rest::Suspended { .. } => true,
    };
    check(legal, || format!("the run may not rest as {rest:?}"))?;
    state.rest = Some(rest.clone());
    Ok(())
}

fn resume(state: &mut RunState, new_budget: bool) -> Legal {
    match state.rest {
        None => return Err("the run does not rest".into()),
        Some(Rest::Completed | Rest::RolledBack) => return Err("the run has ended".into()),
        Some(Rest::Paused) => state.until = None,
        Some(Rest::Failed | Rest::Stuck { .. } | Rest::Stopped | Rest::Suspended { .. }) => {}
    }
    state.rest = None;
    if new_budget {
        open_budgets(state);
    }
    Ok(())
}

/// Opens fresh budgets, and takes up again what was given up.
fn open_budgets(state: &mut RunState) {
    let rolling_back = state.is_rolling_back();
    for action in state.actions.values_mut() {
        action.budget = Budget::default();
        match action.phase {
            ActionPhase::Failed { .. } if !rolling_back => action.phase = ActionPhase::Pending,
            ActionPhase::GaveUp { .. } => action.phase = ActionPhase::Completed,
            _ => {}
        }
    }
}

fn change_steps(state: &mut RunState, steps: &[StoredStep]) -> Legal {
    forward(state)?;
    for step in steps {
        let known = state.steps.iter().position(|known| known.name == step.name);
        let place = known.ok_or_else(|| format!("there is no step {}", step.name))?;
        let same_actions = StoredAction::are_same(&state.steps[place].actions, &step.actions);
        check(same_actions, || format!("the actions of step {} changed", step.name))?;
        for action in &step.actions {
            let untouched = find(state, &action.name)?.attempts == 0;
            check(untouched, || format!("step {} has started", step.name))?;
        }
    }
    for step in steps {
        if let Some(known) = state.steps.iter_mut().find(|known| known.name == step.name) {
            *known = step.clone();
        }
    }
    Ok(())
}

fn wait(action: &mut ActionState, reason: &str, waited_ms: u64) -> Legal {
    let monotone = waited_ms >= action.budget.waited_ms;
    check(monotone, || "the time waited may not shrink".into())?;
    // What was met on the way is overcome: a long wait may meet many a failure, but not many in a row.
    action.budget = Budget { waited_ms, ..Budget::default() };
    action.reason = Some(reason.to_owned());
    Ok(())
}

fn charge(action: &mut ActionState, failure: &Failure, retry: Retry) {
    action.last_failure = Some(failure.clone());
    action.budget.charge(failure.class, retry.delay_ms);
}

fn enter(action: &mut ActionState, phase: ActionPhase, at: Timestamp) {
    let waits = matches!(phase, ActionPhase::Started | ActionPhase::Compensating { .. });
    if !waits {
        action.reason = None;
    }
    action.phase = phase;
    action.changed_at = Some(at);
}

fn find<'a>(state: &'a mut RunState, name: &ActionName) -> Result<&'a mut ActionState, String> {
    state.actions.get_mut(name).ok_or_else(|| format!("there is no action {name}"))
}

fn open_attempt(action: &ActionState, attempt: Option<u32>) -> Legal {
    check(action.has_open_attempt(), || format!("no attempt is open in {:?}", action.phase))?;
    let same = attempt.is_none_or(|attempt| attempt == action.attempts);
    check(same, || format!("attempt {} is open", action.attempts))
}

fn compensating(action: &ActionState) -> Legal {
    let compensating = matches!(action.phase, ActionPhase::Compensating { .. });
    check(compensating, || format!("no compensation is open in {:?}", action.phase))
}

fn forward(state: &RunState) -> Legal {
    check(!state.is_rolling_back(), || "the run is rolling back".into())
}

fn backward(state: &RunState) -> Legal {
    check(state.is_rolling_back(), || "the run is not rolling back".into())
}

fn check(legal: bool, why: impl FnOnce() -> String) -> Legal {
    if legal { Ok(()) } else { Err(why()) }
}
