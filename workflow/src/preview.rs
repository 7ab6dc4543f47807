//! What a rollback would do, without doing it: the planner is asked, with a world in which everything succeeds.

use std::collections::BTreeSet;

use lab1_flow_journal::{
    ActionName, ActionPhase, Entry, Provenance, Record, Rest, RollbackCause, RunState,
};
use serde::Serialize;
use serde_json::Value;

use crate::decide::{Decision, decide};
use crate::moment::Moment;
use crate::{EngineError, Workflow};

/// What a rollback would do about one action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "how", rename_all = "kebab-case")]
pub enum Undoing {
    /// It is taken back.
    TakenBack,
    /// An attempt may have taken effect: it is looked for first, and taken back when it is there.
    LookedForFirst,
    /// It goes with the thing that it is a part of.
    GoesWith {
        /// The action that made the thing.
        whole: ActionName,
    },
    /// It stays with the thing that it is a part of, which a person has decided to leave.
    StaysWith {
        /// The reason that was given.
        reason: String,
    },
}

/// What may go side by side. Each goes when all that was built on it is proven gone, whatever else its turn or the one
/// before still holds.
pub type Turn = Vec<(ActionName, Undoing)>;

impl Workflow {
    /// Lists what [`Engine::roll_back`](crate::Engine::roll_back) would take back, in its order. Nothing is asked and
    /// nothing is recorded: what was in doubt is listed as such.
    ///
    /// # Errors
    /// [`EngineError::Journal`] only if the planner and the table of transitions contradict each other: a bug.
    pub fn preview_rollback(&self, state: &RunState) -> Result<Vec<Turn>, EngineError> {
        if state.rest() == Some(&Rest::RolledBack) {
            return Ok(Vec::new());
        }
        let mut preview = Preview { workflow: self, state: state.clone(), doubts: BTreeSet::new() };
        if !state.is_rolling_back() {
            preview.write(Entry::RollbackStarted { cause: RollbackCause::Request })?;
        } else if state.rest().is_some() {
            preview.write(Entry::RunResumed { new_budget: true })?;
        }
        preview.turns()
    }
}

struct Preview<'a> {
    workflow: &'a Workflow,
    state: RunState,
    /// What would be looked for, and is taken to be there.
    doubts: BTreeSet<usize>,
}

impl Preview<'_> {
    fn turns(mut self) -> Result<Vec<Turn>, EngineError> {
        let mut turns: Vec<Turn> = Vec::new();
        loop {
            let mut turn = Turn::new();
            let decisions = decide(self.workflow, &self.state, &Moment::default());
            let ends = |it: &Decision| matches!(it, Decision::Sweep | Decision::Rest(_));
            if decisions.iter().all(ends) {
                return Ok(turns);
            }
            for decision in decisions {
                match decision {
                    Decision::Reconcile(place) => self.take_for_there(place)?,
                    Decision::Compensate(place) => turn.push(self.take_back(place)?),
                    Decision::TakeAlong { part, whole } => {
                        let action = self.name(part);
                        turns
                            .last_mut()
                            .unwrap_or(&mut turn)
                            .push((action.clone(), Undoing::GoesWith { whole: whole.clone() }));
                        self.write(Entry::CompensationCompleted { action, with: Some(whole) })?;
                    }
                    Decision::SkipAlong { part, reason } => {
                        let action = self.name(part);
                        turn.push((action.clone(), Undoing::StaysWith { reason: reason.clone() }));
                        self.write(Entry::CompensationSkipped { action, reason })?;
                    }
                    // A rollback neither executes nor waits for a look, and has turned around already.
                    Decision::Execute(_)
                    | Decision::Look(_)
                    | Decision::TurnAround(_)
                    | Decision::Sweep
                    | Decision::Rest(_) => {}
                }
            }
            if !turn.is_empty() {
                turns.push(turn);
            }
        }
    }

    fn take_for_there(&mut self, place: usize) -> Result<(), EngineError> {
        self.doubts.insert(place);
        let action = self.name(place);
        let provenance = Provenance::Adopted;
        self.write(Entry::ActionCompleted { action, output: Value::Null, provenance })
    }

    fn take_back(&mut self, place: usize) -> Result<(ActionName, Undoing), EngineError> {
        let action = self.name(place);
        let phase = self.state.action(&action).map(|known| &known.phase);
        if !matches!(phase, Some(ActionPhase::Compensating { .. })) {
            self.write(Entry::CompensationStarted { action: action.clone() })?;
        }
        self.write(Entry::CompensationCompleted { action: action.clone(), with: None })?;
        let doubted = self.doubts.contains(&place);
        Ok((action, if doubted { Undoing::LookedForFirst } else { Undoing::TakenBack }))
    }

    fn name(&self, place: usize) -> ActionName {
        self.workflow.nodes[place].name.clone()
    }

    fn write(&mut self, entry: Entry) -> Result<(), EngineError> {
        let (seq, at) = (self.state.next_seq(), self.state.changed_at());
        self.state.apply(&Record { seq, at, entry })?;
        Ok(())
    }
}
