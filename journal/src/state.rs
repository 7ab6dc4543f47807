//! Where a run stands: the fold over its records.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::idle::Idle;
use crate::transition;
use crate::{
    ActionName, Failure, FailureClass, History, JournalError, Provenance, Record, Rest, Retry,
    Role, RollbackCause, RunHeader, Seq, StepName, StoredAction, StoredStep, Timestamp,
};

/// The direction of a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Direction {
    /// Towards done.
    Forward,
    /// Towards nothing; there is no way back.
    RollingBack {
        /// Why it turned around.
        cause: RollbackCause,
    },
}

/// What an action has used up of its limits since the budget was opened.
///
/// It is counted in journaled delays, not read off a clock: a crash opens no fresh budget, and neither
/// downtime nor a changed clock uses one up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Budget {
    /// Failures of any class: how far the delays have grown.
    pub failures: u32,
    /// Transient and ambiguous failures.
    pub tries: u32,
    /// Time lost to throttling, in milliseconds.
    pub throttled_ms: u64,
    /// Time lost because the provider could not be reached, in milliseconds.
    pub unreachable_ms: u64,
    /// Time lost because something unseen holds the name, in milliseconds.
    pub contended_ms: u64,
    /// Time spent waiting for something that takes its time, in milliseconds.
    pub waited_ms: u64,
}

impl Budget {
    /// Counts one more failure, and the delay that it costs.
    pub fn charge(&mut self, class: FailureClass, delay_ms: u64) {
        self.failures = self.failures.saturating_add(1);
        let lost_ms = match class {
            FailureClass::Transient | FailureClass::Ambiguous | FailureClass::Permanent => {
                self.tries = self.tries.saturating_add(1);
                return;
            }
            FailureClass::Throttled => &mut self.throttled_ms,
            FailureClass::Contended => &mut self.contended_ms,
            FailureClass::Unreachable => &mut self.unreachable_ms,
        };
        *lost_ms = lost_ms.saturating_add(delay_ms);
    }
}

/// Where an action stands.
#[derive(Debug, Clone, PartialEq)]
pub enum ActionPhase {
    /// No attempt is open: none was made, or the last one surely left no trace.
    Pending,
    /// An attempt has begun and has no outcome: in flight in this process, or in doubt after a death.
    Started,
    /// An attempt may have taken effect: to be looked for at `retry`.
    InDoubt {
        /// What was met last.
        failure: Failure,
        /// When to look.
        retry: Retry,
    },
    /// An attempt surely did not take effect: to be repeated at `retry`.
    Waiting {
        /// What was met last.
        failure: Failure,
        /// When to try again.
        retry: Retry,
    },
    /// The effect is there, and is ours.
    Completed,
    /// Given up on the way forward.
    Failed {
        /// Why.
        failure: Failure,
    },
    /// A compensation has begun; it is repeatable, so it needs no look before it goes on.
    Compensating {
        /// What was met last and when to go on, if it has failed before.
        failed: Option<(Failure, Retry)>,
    },
    /// The effect is proven gone.
    Compensated {
        /// The action that took it along, if any.
        with: Option<ActionName>,
    },
    /// A compensation gave up.
    GaveUp {
        /// Why.
        failure: Failure,
    },
    /// Left in place by a person's decision.
    Skipped {
        /// The person's reason.
        reason: String,
    },
}

/// All that is known of one action.
#[derive(Debug, Clone, PartialEq)]
pub struct ActionState {
    /// What it does to the world.
    pub role: Role,
    /// Where it stands.
    pub phase: ActionPhase,
    /// The number of attempts ever made.
    pub attempts: u32,
    /// The attempts that were in doubt and believed absent on the way forward: their effect may still appear.
    pub absences: u32,
    /// Whether it was found by the run's mark alone, when its records knew of nothing: then the mark, and not the
    /// input, tells what it made.
    pub found_by_mark: bool,
    /// The frozen input, once an attempt was made; none when no record of an attempt is left.
    pub input: Option<Value>,
    /// The idempotency token, once an attempt was made.
    pub token: Option<String>,
    /// What it made, once it is completed; kept while it is compensated.
    pub output: Option<Value>,
    /// How the output came to be known.
    pub provenance: Option<Provenance>,
    /// What is used up of the limits.
    pub budget: Budget,
    /// Why it waits, if it said so.
    pub reason: Option<String>,
    /// What was met last, even when it was overcome.
    pub last_failure: Option<Failure>,
    /// When the first attempt began.
    pub started_at: Option<Timestamp>,
    /// When it reached the phase it is in.
    pub changed_at: Option<Timestamp>,
}

impl ActionState {
    pub(crate) fn new(role: Role) -> Self {
        Self {
            role,
            phase: ActionPhase::Pending,
            attempts: 0,
            absences: 0,
            found_by_mark: false,
            input: None,
            token: None,
            output: None,
            provenance: None,
            budget: Budget::default(),
            reason: None,
            last_failure: None,
            started_at: None,
            changed_at: None,
        }
    }

    /// Whether an attempt may have taken effect without our knowing.
    ///
    /// A look leaves no doubt: it changes nothing.
    pub fn is_in_doubt(&self) -> bool {
        self.role != Role::Look && self.has_open_attempt()
    }

    pub(crate) fn has_open_attempt(&self) -> bool {
        matches!(self.phase, ActionPhase::Started | ActionPhase::InDoubt { .. })
    }

    /// What people and the provider call the thing that it has made, while that is there as far as is known: the
    /// `arn`, the `id` or the `name` in its output. By convention only what exists by itself has one of them.
    pub fn standing_thing(&self) -> Option<&str> {
        match self.phase {
            ActionPhase::Pending | ActionPhase::Compensated { .. } => None,
            _ => self.thing(),
        }
    }

    /// The same of the thing that it has made and that is proven gone.
    pub fn gone_thing(&self) -> Option<&str> {
        match self.phase {
            ActionPhase::Compensated { .. } => self.thing(),
            _ => None,
        }
    }

    fn thing(&self) -> Option<&str> {
        let output = self.output.as_ref()?;
        ["arn", "id", "name"].into_iter().find_map(|field| output.get(field)?.as_str())
    }

    /// Whether it is a change of which these records say that nothing is there: never made, believed absent, failed, or
    /// taken back.
    pub fn is_thought_absent(&self) -> bool {
        let is_left = matches!(self.phase, ActionPhase::Skipped { .. });
        self.role == Role::Change && self.is_settled_backwards() && !is_left
    }

    /// Whether a rollback has nothing (more) to do for it.
    pub fn is_settled_backwards(&self) -> bool {
        if self.role == Role::Look {
            return true;
        }
        match self.phase {
            ActionPhase::Pending
            | ActionPhase::Waiting { .. }
            | ActionPhase::Failed { .. }
            | ActionPhase::Compensated { .. }
            | ActionPhase::Skipped { .. } => true,
            ActionPhase::Started
            | ActionPhase::InDoubt { .. }
            | ActionPhase::Completed
            | ActionPhase::Compensating { .. }
            | ActionPhase::GaveUp { .. } => false,
        }
    }
}

/// Where a run stands after some of its records.
#[derive(Debug, Clone, PartialEq)]
pub struct RunState {
    pub(crate) header: RunHeader,
    pub(crate) steps: Vec<StoredStep>,
    pub(crate) until: Option<StepName>,
    pub(crate) direction: Direction,
    pub(crate) rest: Option<Rest>,
    pub(crate) actions: BTreeMap<ActionName, ActionState>,
    pub(crate) next: Seq,
    pub(crate) changed_at: Timestamp,
    pub(crate) idle: Idle,
}

impl RunState {
    /// The state of a run that has only its header.
    pub fn new(header: RunHeader) -> Self {
        let actions = header.steps.iter().flat_map(|step| &step.actions);
        let actions =
            actions.map(|action| (action.name.clone(), ActionState::new(action.role.clone())));
        let actions = actions.collect();
        Self {
            steps: header.steps.clone(),
            until: header.until.clone(),
            direction: Direction::Forward,
            rest: None,
            actions,
            next: Seq::FIRST,
            changed_at: header.created_at,
            idle: Idle::default(),
            header,
        }
    }

    /// Folds a history that was read back.
    ///
    /// # Errors
    /// [`JournalError::Illegal`] for the first record that may not stand where it stands.
    pub fn replay(history: &History) -> Result<Self, JournalError> {
        let mut state = Self::new(history.header.clone());
        for record in &history.records {
            state.apply(record)?;
        }
        Ok(state)
    }

    /// Takes one record into account, or refuses it and stays as it was.
    ///
    /// It runs when a record is about to be appended and again when it is read back: two assertions
    /// around the disk.
    ///
    /// # Errors
    /// [`JournalError::Illegal`] when the record may not follow.
    pub fn apply(&mut self, record: &Record) -> Result<(), JournalError> {
        transition::apply(self, record)
            .map_err(|why| JournalError::Illegal { seq: record.seq, why })
    }

    /// The header, as the run was created.
    pub fn header(&self) -> &RunHeader {
        &self.header
    }

    /// The steps, with the changes made since the run was created.
    pub fn steps(&self) -> &[StoredStep] {
        &self.steps
    }

    /// The step after which the run pauses, until it was resumed from there.
    pub fn until(&self) -> Option<&StepName> {
        self.until.as_ref()
    }

    /// The direction of the run.
    pub fn direction(&self) -> &Direction {
        &self.direction
    }

    /// Whether the run has turned around.
    pub fn is_rolling_back(&self) -> bool {
        matches!(self.direction, Direction::RollingBack { .. })
    }

    /// How the run rests; `None` while it is executed, and after a death in mid-run.
    pub fn rest(&self) -> Option<&Rest> {
        self.rest.as_ref()
    }

    /// The state of an action; `None` for a name that the run does not have.
    pub fn action(&self, name: &ActionName) -> Option<&ActionState> {
        self.actions.get(name)
    }

    /// Every action with its state, in the order of the names.
    pub fn actions(&self) -> impl Iterator<Item = (&ActionName, &ActionState)> {
        self.actions.iter()
    }

    /// The place of the next record.
    pub fn next_seq(&self) -> Seq {
        self.next
    }

    /// When the last record was appended.
    pub fn changed_at(&self) -> Timestamp {
        self.changed_at
    }

    /// How long processes worked on the run between two moments, by the wall clock.
    ///
    /// Rests are left out, and so is what lies between the last record of a process that died and the next
    /// process: what the dead one did after its last record cannot be told from the time when there was none.
    pub fn worked(&self, from: Timestamp, to: Timestamp) -> Duration {
        self.idle.worked(from, to)
    }

    /// Whether any change was ever attempted, so that something may exist.
    pub fn has_intents(&self) -> bool {
        self.actions.values().any(|action| action.role != Role::Look && action.attempts > 0)
    }

    /// Whether something may exist: a change was attempted, or all is ready for the first one, since a look was completed;
    /// these records may be an older copy of those of a run that went on. A run that has not come so far has made nothing,
    /// and may have no credentials.
    pub fn may_have_made_something(&self) -> bool {
        let is_ready = |action: &ActionState| action.phase == ActionPhase::Completed;
        self.has_intents() || self.actions.values().any(is_ready)
    }

    /// Whether every action of the step is completed.
    pub fn is_step_complete(&self, step: &StoredStep) -> bool {
        let complete = |action: &StoredAction| {
            self.actions.get(&action.name).is_some_and(|a| a.phase == ActionPhase::Completed)
        };
        step.actions.iter().all(complete)
    }
}

#[cfg(test)]
mod tests;
