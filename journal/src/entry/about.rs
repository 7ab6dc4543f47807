//! Whom an entry is about.

use super::Entry;
use crate::ActionName;

impl Entry {
    /// The action that the entry is about; `None` when it is about the run.
    pub fn action(&self) -> Option<&ActionName> {
        match self {
            Self::AttemptStarted { action, .. }
            | Self::AttemptFailed { action, .. }
            | Self::AttemptAbsent { action, .. }
            | Self::ActionWaiting { action, .. }
            | Self::ActionCompleted { action, .. }
            | Self::ActionFailed { action, .. }
            | Self::FoundByMark { action }
            | Self::CompensationStarted { action }
            | Self::CompensationWaiting { action, .. }
            | Self::CompensationFailed { action, .. }
            | Self::CompensationCompleted { action, .. }
            | Self::CompensationGaveUp { action, .. }
            | Self::CompensationSkipped { action, .. } => Some(action),
            Self::RollbackStarted { .. }
            | Self::StepsChanged { .. }
            | Self::StepsReplaced { .. }
            | Self::PauseChanged { .. }
            | Self::RunRested { .. }
            | Self::RunResumed { .. }
            | Self::RunContinued => None,
        }
    }
}
