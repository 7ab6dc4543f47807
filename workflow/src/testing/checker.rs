//! The invariants of a run, as one function over all that can be known about it afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use lab1_flow_journal::{
    ActionName, ActionPhase, Entry, FailureClass, History, Record, Rest, Role, RollbackCause,
    RunState,
};

use super::holdings::{Holding, Holdings};
use super::life::{Call, CallKind};
use crate::{Limits, Profile};

/// What must be true of every run, whatever happened to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// I1: every journal is a legal history, and so is each of its prefixes.
    LegalHistory,
    /// I2: no remote change without its intent already durable.
    IntentFirst,
    /// I3: at most one thing per action carries our mark.
    NoDuplicate,
    /// I4: a completed run: exactly the wanted things exist, the same ones whatever happened on the way.
    NothingMissing,
    /// I5: a rolled-back run: all is as it was before, foreign things included; foreign things always.
    NothingLeft,
    /// I6: no compensation starts before all that depends on it is proven gone.
    DependentsFirst,
    /// I7: going on with a finished run makes no call and writes nothing.
    EndIsEnd,
    /// I8: attempts and delays stay inside their limits, and a delay already served is not served again.
    BudgetsKept,
    /// I9: all attempts of an action get the same input and the same token.
    SameRequest,
    /// I10: with faults that end, every run reaches completed or rolled back.
    ReachesAnEnd,
    /// I11: a failed append ends the engine at once, with no further call.
    LostAppendEndsAll,
    /// I12: a run that nobody asked to turn around does so only for a failure that is its own: no throttling, no server
    /// error and no lost network deletes anything.
    TurnsForCause,
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = *self as u8 + 1;
        write!(f, "I{number} {self:?}")
    }
}

/// An invariant that does not hold, and where that is seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// The evidence, for people.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.what)
    }
}

/// All that is known of a run, at its end or after a death in its middle.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// The durable history.
    pub history: &'a History,
    /// What the provider held before the run.
    pub before: &'a Holdings,
    /// What it holds now.
    pub after: &'a Holdings,
    /// All calls of all lives of the run, in their order.
    pub calls: &'a [Call],
    /// The limits of every action.
    pub limits: &'a Limits,
}

/// Names every invariant that does not hold. What a run must have reached ([`Invariant::ReachesAnEnd`],
/// [`Invariant::EndIsEnd`]) can only be judged by whoever let it run.
pub fn check(evidence: &Evidence<'_>) -> Vec<Violation> {
    let mut found = Findings::default();
    let state = check_history(evidence, &mut found);
    check_calls(evidence, &mut found);
    check_holdings(evidence, &state, &mut found);
    check_delays(evidence.history, &mut found);
    found.0
}

#[derive(Debug, Default)]
struct Findings(Vec<Violation>);

impl Findings {
    fn add(&mut self, invariant: Invariant, what: impl Into<String>) {
        self.0.push(Violation { invariant, what: what.into() });
    }
}

/// I1, I6, I12 and the limits of I8, record by record; the state after the last one that is legal.
fn check_history(evidence: &Evidence<'_>, found: &mut Findings) -> RunState {
    let mut state = RunState::new(evidence.history.header.clone());
    for record in &evidence.history.records {
        match &record.entry {
            Entry::CompensationStarted { action } => check_order(&state, action, found),
            Entry::RollbackStarted { cause: RollbackCause::Failure { action } } => {
                check_cause(&state, action, found);
            }
            Entry::AttemptStarted { action, .. } => {
                let tries = state.action(action).map_or(0, |action| action.budget.tries);
                if tries >= evidence.limits.tries_max {
                    let what = format!("{action} is tried again after {tries} failures");
                    found.add(Invariant::BudgetsKept, what);
                }
            }
            _ => {}
        }
        if let Err(error) = state.apply(record) {
            found.add(Invariant::LegalHistory, error.to_string());
            break;
        }
    }
    state
}

/// I2, I9 and I11: what was sent, against what was durable.
fn check_calls(evidence: &Evidence<'_>, found: &mut Findings) {
    let records = &evidence.history.records;
    for call in evidence.calls {
        let Some(action) = &call.action else { continue };
        if call.after_lost_append {
            let what = format!("{:?} of {action} after an append had failed", call.kind);
            found.add(Invariant::LostAppendEndsAll, what);
        }
        let durable = usize::try_from(call.durable_records).unwrap_or(usize::MAX);
        let durable = &records[..durable.min(records.len())];
        if !durable.iter().any(|record| is_intent(call, action, &record.entry)) {
            let what = format!("{:?} of {action}, attempt {}", call.kind, call.attempt);
            found.add(Invariant::IntentFirst, what);
        }
        check_request(records, call, action, found);
    }
}

/// Whether the entry is what must be durable before the call.
fn is_intent(call: &Call, name: &ActionName, entry: &Entry) -> bool {
    match (call.kind, entry) {
        (CallKind::Execute, Entry::AttemptStarted { action, attempt, .. }) => {
            action == name && *attempt == call.attempt
        }
        (CallKind::Reconcile, Entry::AttemptStarted { action, .. })
        | (CallKind::Compensate, Entry::CompensationStarted { action }) => action == name,
        (CallKind::Sweep, _) => true,
        _ => false,
    }
}

fn check_request(records: &[Record], call: &Call, name: &ActionName, found: &mut Findings) {
    let is_by_mark =
        |it: &Record| matches!(&it.entry, Entry::FoundByMark { action } if action == name);
    // What was found by its mark is taken back by it, without any input.
    if call.kind == CallKind::Sweep || (call.input.is_null() && records.iter().any(is_by_mark)) {
        return;
    }
    let first = records.iter().find_map(|record| match &record.entry {
        Entry::AttemptStarted { action, input: Some(input), token, .. } if action == name => {
            Some((input, token))
        }
        _ => None,
    });
    let Some((input, token)) = first else { return };
    if *input != call.input || *token != call.token {
        let what = format!("{:?} of {name} differs from its first intent", call.kind);
        found.add(Invariant::SameRequest, what);
    }
}

/// I3, I4, I5, and the token as the provider saw it (I9).
fn check_holdings(evidence: &Evidence<'_>, state: &RunState, found: &mut Findings) {
    let run = evidence.history.header.run.as_str();
    let ours = |thing: &&Holding| thing.mark.as_deref() == Some(run);
    let mut made: BTreeMap<&ActionName, u32> = BTreeMap::new();
    for thing in evidence.after.values().filter(ours) {
        let Some(maker) = &thing.maker else { continue };
        *made.entry(maker).or_default() += 1;
        let action = state.action(maker);
        if action.is_none_or(|action| action.attempts == 0) {
            found.add(Invariant::IntentFirst, format!("{maker} made something unasked"));
        }
        let asked = action.and_then(|action| action.token.as_ref());
        if thing.token.is_some() && asked.is_some() && thing.token.as_ref() != asked {
            found.add(Invariant::SameRequest, format!("{maker} was sent with another token"));
        }
    }
    for (maker, count) in made.iter().filter(|(_, count)| **count > 1) {
        found.add(Invariant::NoDuplicate, format!("{maker} made {count} things"));
    }
    check_foreign(evidence, found);
    match state.rest() {
        Some(Rest::Completed) => check_complete(state, &made, found),
        Some(Rest::RolledBack) => {
            for id in evidence.after.keys().filter(|id| !evidence.before.contains_key(*id)) {
                found.add(Invariant::NothingLeft, format!("{id} is left"));
            }
        }
        _ => {}
    }
}

fn check_foreign(evidence: &Evidence<'_>, found: &mut Findings) {
    for (id, thing) in evidence.before {
        let now = evidence.after.get(id);
        if now != Some(thing) {
            found.add(Invariant::NothingLeft, format!("{id} was {thing:?}, and is {now:?}"));
        }
    }
}

fn check_complete(state: &RunState, made: &BTreeMap<&ActionName, u32>, found: &mut Findings) {
    for (name, action) in state.actions().filter(|(_, action)| action.role == Role::Change) {
        if !made.contains_key(name) && action.phase == ActionPhase::Completed {
            found.add(Invariant::NothingMissing, format!("what {name} made is not there"));
        }
    }
}

/// I12: read off the failure that the run turns around for.
fn check_cause(before: &RunState, name: &ActionName, found: &mut Findings) {
    let Some(ActionPhase::Failed { failure }) = before.action(name).map(|action| &action.phase)
    else {
        let what = format!("it turns around for {name}, which has not failed");
        return found.add(Invariant::TurnsForCause, what);
    };
    if !matches!(failure.class, FailureClass::Permanent | FailureClass::Contended) {
        let what = format!("it turns around for {:?} of {name}", failure.class);
        found.add(Invariant::TurnsForCause, what);
    }
}

/// I6: read off the header's needs, not off the engine's plan.
fn check_order(before: &RunState, name: &ActionName, found: &mut Findings) {
    for dependent in dependents(before, name) {
        let own_part = Role::Part { of: name.clone() };
        let open = before
            .action(&dependent)
            .is_some_and(|action| action.role != own_part && !action.is_settled_backwards());
        if open {
            let what = format!("{name} was taken back while {dependent} stood on it");
            found.add(Invariant::DependentsFirst, what);
        }
    }
}

/// All that was built on an action, directly or through others.
fn dependents(state: &RunState, name: &ActionName) -> BTreeSet<ActionName> {
    let mut seen = BTreeSet::new();
    let mut open = vec![name.clone()];
    while let Some(below) = open.pop() {
        for action in state.steps().iter().flat_map(|step| &step.actions) {
            if action.needs.contains(&below) && seen.insert(action.name.clone()) {
                open.push(action.name.clone());
            }
        }
    }
    seen
}

/// The delays of I8, judged only where no rest lies between: nobody waits while a run rests.
fn check_delays(history: &History, found: &mut Findings) {
    let profile = serde_json::from_value::<Profile>(history.header.profile.clone());
    let Ok(profile) = profile else { return };
    // The failures that are waited out, and whether nothing else was asked meanwhile.
    let mut open: BTreeMap<&ActionName, (&Record, bool)> = BTreeMap::new();
    let mut in_flight: BTreeSet<&ActionName> = BTreeSet::new();
    for record in &history.records {
        match &record.entry {
            Entry::AttemptFailed { action, retry, .. }
            | Entry::CompensationFailed { action, retry, .. } => {
                if retry.delay_ms > profile.delay_max_ms {
                    let what = format!("{action} waits {} ms", retry.delay_ms);
                    found.add(Invariant::BudgetsKept, what);
                }
                in_flight.remove(action);
                open.insert(action, (record, in_flight.is_empty()));
                if is_in_doubt(record) {
                    in_flight.insert(action);
                }
            }
            Entry::AttemptStarted { action, .. } => {
                if let Some((failed, alone)) = open.remove(action) {
                    check_delay(action, failed, record, alone, found);
                }
                for (_, alone) in open.values_mut() {
                    *alone = false;
                }
                in_flight.insert(action);
            }
            Entry::ActionCompleted { action, .. }
            | Entry::AttemptAbsent { action, .. }
            | Entry::ActionFailed { action, .. } => {
                in_flight.remove(action);
            }
            Entry::RunRested { .. } | Entry::RollbackStarted { .. } => open.clear(),
            _ => {}
        }
    }
}

fn is_in_doubt(record: &Record) -> bool {
    matches!(record.entry, Entry::AttemptFailed { in_doubt: true, .. })
}

/// The next attempt comes when its delay is over: neither earlier nor after another one. Where other calls go out
/// meanwhile it may have to wait for its turn among them, which no record tells.
fn check_delay(
    action: &ActionName,
    failed: &Record,
    next: &Record,
    alone: bool,
    found: &mut Findings,
) {
    let Entry::AttemptFailed { retry, in_doubt, .. } = &failed.entry else { return };
    let waited = next.at.since(failed.at).as_millis();
    let delay = u128::from(retry.delay_ms);
    // A look that settles a doubt comes in between, and takes its own time.
    let is_late = alone && !in_doubt && waited > delay + SLACK_MS;
    if waited < delay || is_late {
        let what = format!("{action} went on after {waited} ms instead of {delay} ms");
        found.add(Invariant::BudgetsKept, what);
    }
}

/// Timers count whole milliseconds, and records are stamped before they are written.
const SLACK_MS: u128 = 5;
