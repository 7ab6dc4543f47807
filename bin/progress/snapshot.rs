//! A run at one moment, as the views need it.

use std::time::Duration;

use lab1_flow_journal::{ActionName, Entry, Record, RunState, Timestamp};

use super::Reasons;
use crate::view::stage::Stage;
use crate::view::steps::{self, StepView};

/// The run after the last record that was told.
#[derive(Debug)]
pub(super) struct Snapshot {
    state: RunState,
    reasons: Reasons,
    began: Timestamp,
    now: Timestamp,
}

impl Snapshot {
    /// The run as it is when this process takes it up.
    pub(super) fn new(state: RunState, began: Timestamp) -> Self {
        Self { state, reasons: Reasons::new(), began, now: began }
    }

    /// Takes the run after these records; what their actions had said before is settled.
    pub(super) fn take(&mut self, records: &[Record], state: RunState) {
        self.state = state;
        for action in records.iter().filter_map(|record| action_of(&record.entry)) {
            self.reasons.remove(action.as_str());
        }
    }

    /// Remembers why an action waits.
    pub(super) fn wait(&mut self, action: ActionName, reason: String) {
        self.reasons.insert(action.into(), reason);
    }

    /// The same run at this moment.
    pub(super) fn at(&mut self, now: Timestamp) -> &Self {
        self.now = now;
        self
    }

    pub(super) fn state(&self) -> &RunState {
        &self.state
    }

    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    /// The time since this process took up the run.
    pub(super) fn elapsed(&self) -> Duration {
        self.now.since(self.began)
    }

    /// The steps, with what their actions said last.
    pub(super) fn steps(&self) -> Vec<StepView> {
        let mut steps = steps::steps(&self.state, self.now);
        for action in steps.iter_mut().flat_map(|step| &mut step.actions) {
            let said = self.reasons.get(&action.name).filter(|_| action.stage.is_active());
            if let Some(reason) = said {
                action.reason = Some(reason.clone());
                if action.stage == Stage::Running {
                    action.stage = Stage::Waiting;
                }
            }
        }
        steps
    }
}

fn action_of(entry: &Entry) -> Option<&ActionName> {
    match entry {
        Entry::AttemptStarted { action, .. }
        | Entry::AttemptFailed { action, .. }
        | Entry::AttemptAbsent { action, .. }
        | Entry::ActionWaiting { action, .. }
        | Entry::ActionCompleted { action, .. }
        | Entry::ActionFailed { action, .. }
        | Entry::CompensationStarted { action }
        | Entry::CompensationWaiting { action, .. }
        | Entry::CompensationFailed { action, .. }
        | Entry::CompensationCompleted { action, .. }
        | Entry::CompensationGaveUp { action, .. }
        | Entry::CompensationSkipped { action, .. } => Some(action),
        Entry::RollbackStarted { .. }
        | Entry::StepsChanged { .. }
        | Entry::RunRested { .. }
        | Entry::RunResumed { .. } => None,
    }
}
