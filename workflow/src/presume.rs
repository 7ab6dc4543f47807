//! What may have happened in a run whose journal is lost.

use lab1_flow_journal::{Entry, Role, RollbackCause, RunId};
use serde_json::Value;

use crate::Workflow;
use crate::token::token;

impl Workflow {
    /// The records that begin the journal of a lost run anew: of every change an attempt was made whose answer is
    /// not known, after an earlier one that was believed absent and may still be on its way; and the run is on its way back.
    ///
    /// The inputs are lost, so the actions must find what they made by its mark alone: their inputs are `()`.
    pub(crate) fn presumption(&self, run: &RunId) -> Vec<Entry> {
        let changes = self.nodes.iter().filter(|node| node.role == Role::Change);
        let presumed = changes.flat_map(|node| {
            let action = node.name.clone();
            let token = token(run, &self.steps[node.step].name, &node.name, 0);
            let attempt = |attempt, input| Entry::AttemptStarted {
                action: node.name.clone(),
                attempt,
                input,
                token: token.clone(),
            };
            let first = attempt(1, Some(Value::Null));
            [first, Entry::AttemptAbsent { action, attempt: 1 }, attempt(2, None)]
        });
        let turn = Entry::RollbackStarted { cause: RollbackCause::Request };
        presumed.chain([turn]).collect()
    }
}
