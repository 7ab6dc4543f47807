//! A run at one moment, as the views need it.

use std::collections::BTreeMap;
use std::time::Duration;

use lab1_flow_journal::{ActionName, Entry, Record, RunState, Timestamp};

use crate::view::stage::{Stage, in_time};
use crate::view::steps::{self, StepView};

/// The run after the last record that was told.
#[derive(Debug)]
pub(super) struct Snapshot {
    state: RunState,
    waits: BTreeMap<String, Said>,
    began: Timestamp,
    now: Timestamp,
}

/// What an action said about its wait since its last record.
#[derive(Debug)]
struct Said {
    reason: String,
    goes_on_at: Timestamp,
}

impl Snapshot {
    /// The run as it is when somebody takes it up at this moment.
    pub(super) fn new(state: RunState, began: Timestamp) -> Self {
        Self { state, waits: BTreeMap::new(), began, now: began }
    }

    /// Takes the run after these records; what their actions had said before is settled.
    pub(super) fn take(&mut self, records: &[Record], state: RunState) {
        self.state = state;
        for action in records.iter().filter_map(|record| action_of(&record.entry)) {
            self.waits.remove(action.as_str());
        }
    }

    /// Remembers why an action waits, from this moment on for so long.
    pub(super) fn wait(
        &mut self,
        action: ActionName,
        reason: String,
        now: Timestamp,
        next: Duration,
    ) {
        self.waits.insert(action.into(), Said { reason, goes_on_at: now.plus(next) });
    }

    /// The same run at this moment. For a run at rest time stands still.
    pub(super) fn at(&mut self, now: Timestamp) -> &Self {
        self.now = if self.state.rest().is_some() { self.state.changed_at() } else { now };
        self
    }

    pub(super) fn state(&self) -> &RunState {
        &self.state
    }

    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    /// The time since the run was taken up.
    pub(super) fn elapsed(&self) -> Duration {
        self.since_it_began(self.now)
    }

    /// The time from when the run was taken up until a moment.
    pub(super) fn since_it_began(&self, at: Timestamp) -> Duration {
        at.since(self.began)
    }

    /// The steps, with what their actions said last.
    pub(super) fn steps(&self) -> Vec<StepView> {
        let mut steps = steps::steps(&self.state, self.now);
        for action in steps.iter_mut().flat_map(|step| &mut step.actions) {
            let Some(said) = self.waits.get(&action.name) else { continue };
            match action.stage {
                // Nothing is sent yet: it is held back, and the reason says why.
                Stage::Pending => {
                    let left = said.goes_on_at.since(self.now);
                    action.reason = Some(format!("{}, goes {}", said.reason, in_time(left)));
                    action.stage = Stage::Waiting;
                }
                Stage::Running => {
                    action.reason = Some(said.reason.clone());
                    action.stage = Stage::Waiting;
                }
                stage if stage.is_active() => action.reason = Some(said.reason.clone()),
                _ => {}
            }
        }
        steps
    }
}

pub(super) fn action_of(entry: &Entry) -> Option<&ActionName> {
    match entry {
        Entry::AttemptStarted { action, .. }
        | Entry::AttemptFailed { action, .. }
        | Entry::AttemptAbsent { action, .. }
        | Entry::ActionWaiting { action, .. }
        | Entry::ActionCompleted { action, .. }
        | Entry::ActionFailed { action, .. }
        | Entry::FoundByMark { action }
        | Entry::CompensationStarted { action }
        | Entry::CompensationWaiting { action, .. }
        | Entry::CompensationFailed { action, .. }
        | Entry::CompensationCompleted { action, .. }
        | Entry::CompensationGaveUp { action, .. }
        | Entry::CompensationSkipped { action, .. } => Some(action),
        Entry::RollbackStarted { .. }
        | Entry::StepsChanged { .. }
        | Entry::StepsReplaced { .. }
        | Entry::PauseChanged { .. }
        | Entry::RunRested { .. }
        | Entry::RunResumed { .. }
        | Entry::RunContinued => None,
    }
}
