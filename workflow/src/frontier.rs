//! Where a turn must look: the actions of which something else may follow than at the last look.
//!
//! A run of a thousand actions takes a thousand turns, and each of them changes what may follow of one action and
//! of its neighbours. Looking at all of them every time would make long runs slow.

use std::collections::BTreeSet;

use lab1_flow_journal::{ActionPhase, Entry, Role, RunState};

use crate::Workflow;
use crate::moment::{Moment, SWEEP, Work};

/// The places of actions that a look must consider, besides those whose delay has ended.
#[derive(Debug, Clone, Default)]
pub(crate) enum Frontier {
    /// All of them: no look was made yet, or what has changed concerns all.
    #[default]
    Everywhere,
    /// These: nothing more follows of any other than at the last look.
    At(BTreeSet<usize>),
}

impl Moment {
    /// Notes what an entry changes that is part of the state now.
    pub(crate) fn note(&mut self, workflow: &Workflow, state: &RunState, entry: &Entry) {
        match entry {
            Entry::RollbackStarted { .. }
            | Entry::RunResumed { .. }
            | Entry::StepsChanged { .. }
            | Entry::StepsReplaced { .. }
            | Entry::PauseChanged { .. } => self.frontier = Frontier::Everywhere,
            _ => {
                if let Some(place) = entry.action().and_then(|name| workflow.place(name)) {
                    self.stir(workflow, state, place);
                }
            }
        }
    }

    /// Notes that an action has changed, or is no longer busy: something may follow of it, or of what waits for it.
    pub(crate) fn stir(&mut self, workflow: &Workflow, state: &RunState, place: usize) {
        if place == SWEEP {
            return;
        }
        let Frontier::At(places) = &mut self.frontier else { return };
        places.insert(place);
        if state.is_rolling_back() {
            places.extend(workflow.parts(place));
            let lingering = &self.lingering;
            let is_settled = |place: usize| {
                let action = state.action(&workflow.nodes[place].name);
                action.is_some_and(|it| it.is_settled_backwards() && !lingering.contains(&place))
            };
            if is_settled(place) {
                add_foundations(places, workflow, place, is_settled);
            }
        } else if is_completed(workflow, state, place) {
            places.extend(workflow.dependents(place));
        }
    }

    /// After a look: what was seen is known now, unless the look was not free to say all that may follow.
    pub(crate) fn looked(&mut self, workflow: &Workflow, state: &RunState) {
        let attempts = || self.busy.values().any(|work| *work == Work::Attempt);
        if self.winding_down.is_some() || (state.is_rolling_back() && attempts()) {
            return;
        }
        // A failure stays in view: it stands against all else until the run turns around or rests.
        let failed = |place: &usize| {
            let action = state.action(&workflow.nodes[*place].name);
            action.is_some_and(|action| matches!(action.phase, ActionPhase::Failed { .. }))
        };
        let failed = match &self.frontier {
            Frontier::Everywhere => (0..workflow.nodes.len()).filter(failed).collect(),
            Frontier::At(places) => places.iter().copied().filter(failed).collect(),
        };
        self.frontier = Frontier::At(failed);
    }
}

/// Adds what an action that is gone was built on: also behind what is settled itself, and behind parts, which do
/// not hold up their whole.
fn add_foundations(
    places: &mut BTreeSet<usize>,
    workflow: &Workflow,
    place: usize,
    is_settled: impl Fn(usize) -> bool,
) {
    let mut seen = BTreeSet::new();
    let mut open = vec![place];
    while let Some(above) = open.pop() {
        for need in workflow.nodes[above].needs.iter().copied() {
            if !seen.insert(need) {
                continue;
            }
            places.insert(need);
            let part = matches!(workflow.nodes[need].role, Role::Part { .. });
            if part || is_settled(need) {
                open.push(need);
            }
        }
    }
}

fn is_completed(workflow: &Workflow, state: &RunState, place: usize) -> bool {
    let action = state.action(&workflow.nodes[place].name);
    action.is_some_and(|action| action.phase == ActionPhase::Completed)
}
