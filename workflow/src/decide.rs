//! The planner: from what has happened to all that may go on now. It does nothing itself.

use std::collections::BTreeSet;

use lab1_flow_journal::{
    ActionName, ActionPhase, ActionState, OnFailure, Rest, Role, RollbackCause, RunState,
};

use crate::Workflow;
use crate::definition::Node;
use crate::frontier::Frontier;
use crate::moment::{Moment, SWEEP, Work};

/// One thing that may go on now.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Decision {
    /// Write an intent and make the next attempt.
    Execute(usize),
    /// Look again: a wait goes on, or begins in this process.
    Look(usize),
    /// Find out what became of an attempt in doubt.
    Reconcile(usize),
    /// Take back, beginning with an intent when none is written yet.
    Compensate(usize),
    /// Record a part as gone with its whole.
    TakeAlong { part: usize, whole: ActionName },
    /// Record a part as left with its whole.
    SkipAlong { part: usize, reason: String },
    /// Turn the run around.
    TurnAround(RollbackCause),
    /// Search for what carries the run's mark.
    Sweep,
    /// Let the run rest.
    Rest(Rest),
}

/// All that may go on now; empty when there is only waiting to do.
///
/// Pure: the same history and the same moment give the same decisions, in the order of declaration. Where the
/// moment says to look saves time and decides nothing: a look everywhere would find no more.
pub(crate) fn decide(workflow: &Workflow, state: &RunState, moment: &Moment) -> Vec<Decision> {
    if state.rest().is_some() {
        return Vec::new();
    }
    let planner = Planner { workflow, state, moment };
    let decisions = if state.is_rolling_back() { planner.backward() } else { planner.forward() };
    match (&moment.winding_down, decisions.as_slice()) {
        // A run that has reached its end ends, whatever it was asked in the meantime.
        (None, _) | (_, [Decision::Rest(_)]) => decisions,
        (Some(rest), _) if moment.busy.is_empty() => vec![Decision::Rest(rest.clone())],
        (Some(_), _) => Vec::new(),
    }
}

struct Planner<'a> {
    workflow: &'a Workflow,
    state: &'a RunState,
    moment: &'a Moment,
}

impl Planner<'_> {
    fn forward(&self) -> Vec<Decision> {
        let in_view = self.in_view();
        if let Some((_, node, _)) = in_view.iter().find(|(_, _, action)| failed(action)) {
            return self.after_failure(node);
        }
        let wanted = self.wanted();
        let decisions: Vec<_> = in_view
            .into_iter()
            .filter(|(place, _, _)| wanted.as_ref().is_none_or(|wanted| wanted.contains(place)))
            .filter_map(|(place, node, action)| self.step_forward(place, node, action))
            .collect();
        if !decisions.is_empty() || !self.moment.busy.is_empty() {
            return decisions;
        }
        let is_complete = |place: usize| self.phase(place) == Some(&ActionPhase::Completed);
        if (0..self.workflow.nodes.len()).all(is_complete) {
            return vec![Decision::Rest(Rest::Completed)];
        }
        match wanted {
            Some(wanted) if wanted.iter().all(|place| is_complete(*place)) => {
                vec![Decision::Rest(Rest::Paused)]
            }
            _ => Vec::new(),
        }
    }

    /// An action failed for good: those in flight settle, nothing else begins.
    fn after_failure(&self, node: &Node) -> Vec<Decision> {
        match self.state.header().on_failure {
            OnFailure::Rollback => {
                vec![Decision::TurnAround(RollbackCause::Failure { action: node.name.clone() })]
            }
            OnFailure::Stop if self.moment.busy.is_empty() => vec![Decision::Rest(Rest::Failed)],
            OnFailure::Stop => Vec::new(),
        }
    }

    fn step_forward(&self, place: usize, node: &Node, action: &ActionState) -> Option<Decision> {
        let is_under_way =
            self.moment.busy.contains_key(&place) || self.moment.queued.contains(&place);
        if is_under_way || !self.is_due(place) {
            return None;
        }
        match &action.phase {
            ActionPhase::Pending | ActionPhase::Waiting { .. } => {
                self.has_inputs(node).then_some(Decision::Execute(place))
            }
            ActionPhase::Started | ActionPhase::InDoubt { .. } if node.role == Role::Look => {
                Some(Decision::Look(place))
            }
            ActionPhase::Started | ActionPhase::InDoubt { .. } => Some(Decision::Reconcile(place)),
            _ => None,
        }
    }

    fn backward(&self) -> Vec<Decision> {
        // Attempts in flight settle before the first compensation begins.
        if self.moment.busy.values().any(|work| *work == Work::Attempt) {
            return Vec::new();
        }
        let mut decisions: Vec<_> = self
            .in_view()
            .into_iter()
            .filter_map(|(place, node, action)| self.step_backward(place, node, action))
            .collect();
        if self.moment.search_due {
            decisions.extend(self.search());
            return decisions;
        }
        if !decisions.is_empty() || !self.moment.busy.is_empty() {
            return decisions;
        }
        if self.nodes().all(|(place, _, action)| self.is_settled(place, action)) {
            return self.after_all_is_settled();
        }
        let waits = self.moment.wake.values().any(|due| *due > self.moment.now);
        if waits || !self.nodes().any(|(_, _, action)| gave_up(action)) {
            return Vec::new();
        }
        match &self.moment.leftovers {
            None => self.search().into_iter().collect(),
            Some(found) => {
                let left = self.left().into_iter().chain(found.iter().cloned()).collect();
                vec![Decision::Rest(Rest::Stuck { left })]
            }
        }
    }

    fn search(&self) -> Option<Decision> {
        let may_go = !self.moment.busy.contains_key(&SWEEP) && self.is_due(SWEEP);
        may_go.then_some(Decision::Sweep)
    }

    fn after_all_is_settled(&self) -> Vec<Decision> {
        // A run that never tried a change ends without any call: it may have no credentials.
        if self.moment.swept || !self.state.may_have_made_something() {
            return vec![Decision::Rest(Rest::RolledBack)];
        }
        self.search().into_iter().collect()
    }

    fn step_backward(&self, place: usize, node: &Node, action: &ActionState) -> Option<Decision> {
        if self.moment.busy.contains_key(&place) || self.is_settled(place, action) {
            return None;
        }
        if let Role::Part { of } = &node.role {
            return self.follow_whole(place, of);
        }
        if !self.is_due(place) {
            return None;
        }
        if self.moment.lingering.contains(&place) {
            return Some(Decision::Reconcile(place));
        }
        match &action.phase {
            ActionPhase::Started | ActionPhase::InDoubt { .. } => Some(Decision::Reconcile(place)),
            ActionPhase::Completed | ActionPhase::Compensating { .. } => {
                // Before the search nobody knows what else stands on it.
                let may_go = !self.moment.search_due && self.is_free(place);
                may_go.then_some(Decision::Compensate(place))
            }
            _ => None,
        }
    }

    fn follow_whole(&self, part: usize, whole: &ActionName) -> Option<Decision> {
        match &self.state.action(whole)?.phase {
            ActionPhase::Compensated { .. } => {
                Some(Decision::TakeAlong { part, whole: whole.clone() })
            }
            ActionPhase::Skipped { reason } => {
                Some(Decision::SkipAlong { part, reason: reason.clone() })
            }
            _ => None,
        }
    }

    /// Whether all that was built on this action is proven gone. Its own parts go with it.
    fn is_free(&self, place: usize) -> bool {
        self.left_above(place).next().is_none()
    }

    /// What was built on this action and is not proven gone.
    fn left_above(&self, place: usize) -> impl Iterator<Item = usize> {
        let own_part = Role::Part { of: self.workflow.nodes[place].name.clone() };
        let mut seen = BTreeSet::from([place]);
        let mut open: Vec<usize> = self.workflow.dependents(place).collect();
        std::iter::from_fn(move || {
            while let Some(dependent) = open.pop() {
                if !seen.insert(dependent) {
                    continue;
                }
                // What stands behind a part or a look was built on this action as well.
                open.extend(self.workflow.dependents(dependent));
                let action = self.action(dependent);
                let settled = action.is_some_and(|action| self.is_settled(dependent, action));
                if self.workflow.nodes[dependent].role != own_part && !settled {
                    return Some(dependent);
                }
            }
            None
        })
    }

    /// The actions that must be completed before the run may pause; `None` when it goes on to its end.
    fn wanted(&self) -> Option<BTreeSet<usize>> {
        let until = self.state.until()?;
        let last = self.workflow.steps.iter().position(|step| step.name == *until)?;
        let mut wanted = BTreeSet::new();
        let mut open: Vec<usize> = (0..self.workflow.nodes.len())
            .filter(|place| self.workflow.nodes[*place].step <= last)
            .collect();
        while let Some(place) = open.pop() {
            if wanted.insert(place) {
                open.extend(&self.workflow.nodes[place].needs);
            }
        }
        Some(wanted)
    }

    /// What a rollback that is stuck leaves: what could not be removed, and what waits for that.
    fn left(&self) -> Vec<String> {
        let given_up = |(_, node, action): (usize, &Node, &ActionState)| match &action.phase {
            ActionPhase::GaveUp { failure } => Some(format!("{}: {}", node.name, failure.message)),
            _ => None,
        };
        let waiting = |(place, node, action): (usize, &Node, &ActionState)| {
            let waits = !gave_up(action) && !self.is_settled(place, action);
            (waits && node.role == Role::Change).then(|| {
                let above: BTreeSet<usize> = self.left_above(place).collect();
                let names = above.into_iter().filter(|it| self.action(*it).is_some_and(gave_up));
                let names: Vec<&str> =
                    names.map(|it| self.workflow.nodes[it].name.as_str()).collect();
                format!("{}: waits until nothing is left of {}", node.name, names.join(", "))
            })
        };
        let lines = self.nodes().filter_map(given_up);
        lines.chain(self.nodes().filter_map(waiting)).collect()
    }

    fn has_inputs(&self, node: &Node) -> bool {
        node.needs.iter().all(|need| self.phase(*need) == Some(&ActionPhase::Completed))
    }

    fn is_settled(&self, place: usize, action: &ActionState) -> bool {
        action.is_settled_backwards() && !self.moment.lingering.contains(&place)
    }

    fn is_due(&self, place: usize) -> bool {
        self.moment.wake.get(&place).is_none_or(|due| *due <= self.moment.now)
    }

    fn phase(&self, place: usize) -> Option<&ActionPhase> {
        self.action(place).map(|action| &action.phase)
    }

    fn action(&self, place: usize) -> Option<&ActionState> {
        self.state.action(&self.workflow.nodes[place].name)
    }

    fn nodes(&self) -> impl Iterator<Item = (usize, &Node, &ActionState)> {
        (0..self.workflow.nodes.len()).filter_map(|place| self.known(place))
    }

    fn known(&self, place: usize) -> Option<(usize, &Node, &ActionState)> {
        Some((place, &self.workflow.nodes[place], self.action(place)?))
    }

    /// The actions of which something else may follow than at the last look.
    fn in_view(&self) -> Vec<(usize, &Node, &ActionState)> {
        let Frontier::At(places) = &self.moment.frontier else { return self.nodes().collect() };
        let mut places = places.clone();
        let wakes = self.moment.wake.iter().filter(|(place, _)| **place != SWEEP);
        places.extend(wakes.filter(|(_, due)| **due <= self.moment.now).map(|(place, _)| *place));
        places.into_iter().filter_map(|place| self.known(place)).collect()
    }
}

fn failed(action: &ActionState) -> bool {
    matches!(action.phase, ActionPhase::Failed { .. })
}

fn gave_up(action: &ActionState) -> bool {
    matches!(action.phase, ActionPhase::GaveUp { .. })
}

#[cfg(test)]
mod properties;
