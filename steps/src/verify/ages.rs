//! How old the records are: what was recorded a moment ago may not be seen yet, or may be seen still.

use std::collections::BTreeSet;

use lab1_flow_workflow::journal::{ActionPhase, ActionState, Role, RunState, Timestamp};
use lab1_flow_workflow::{Consistency, Profile, Workflow};

/// The actions whose last record is younger than the time in which an effect of their kind may stay invisible.
///
/// It does not matter whether a process works on the run. A record that is younger than the clock says nothing of its
/// age (the clock was set back since): it counts as young.
#[derive(Debug, Default)]
pub(super) struct Ages {
    made: BTreeSet<String>,
    removed: BTreeSet<String>,
}

impl Ages {
    pub(super) fn of(
        workflow: &Workflow,
        state: &RunState,
        profile: &Profile,
        now: Timestamp,
    ) -> Self {
        let mut ages = Self::default();
        for (name, action) in state.actions() {
            let consistency = workflow.consistency(name).unwrap_or(Consistency::Slow);
            let window = profile.window(consistency);
            if action.changed_at.is_none_or(|at| now.since(at) > window) {
                continue;
            }
            match action.phase {
                ActionPhase::Completed => ages.made.insert(name.to_string()),
                ActionPhase::Compensated { .. } => ages.removed.insert(name.to_string()),
                _ => false,
            };
        }
        // A part is not seen before its whole.
        let of_young = |action: &ActionState| match &action.role {
            Role::Part { of } => ages.made.contains(of.as_str()),
            Role::Change | Role::Look => false,
        };
        let parts = state.actions().filter(|(_, action)| of_young(action));
        let parts: Vec<String> = parts.map(|(name, _)| name.to_string()).collect();
        ages.made.extend(parts);
        ages
    }

    /// Whether what the action has made, or has seen, may not be seen yet.
    pub(super) fn may_be_unseen(&self, action: &str) -> bool {
        self.made.contains(action)
    }

    /// Whether what was recorded as gone may be seen still.
    pub(super) fn may_linger(&self, action: &str) -> bool {
        self.removed.contains(action)
    }
}
