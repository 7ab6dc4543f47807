//! How a run rests, for callers.

use lab1_flow_journal::{ActionName, ActionPhase, Failure, Rest, RunId, RunState};

use crate::{Handle, OutputMismatch, Outputs, Payload, Workflow};

/// What became of a run that an engine has worked on.
#[derive(Debug, Clone)]
pub struct RunReport {
    state: RunState,
}

impl RunReport {
    pub(crate) fn of(state: RunState) -> Self {
        Self { state }
    }

    /// The run.
    pub fn run(&self) -> &RunId {
        &self.state.header().run
    }

    /// How it rests.
    pub fn rest(&self) -> &Rest {
        // An engine returns only when the run rests.
        self.state.rest().unwrap_or(&Rest::Stopped)
    }

    /// All that is known of it.
    pub fn state(&self) -> &RunState {
        &self.state
    }

    /// The action that failed for good, and why; `None` when none did.
    pub fn failure(&self) -> Option<(&ActionName, &Failure)> {
        self.state.actions().find_map(|(name, action)| match &action.phase {
            ActionPhase::Failed { failure } => Some((name, failure)),
            _ => None,
        })
    }

    /// Reads the output behind a handle of the workflow that the run was carried out with.
    ///
    /// # Errors
    /// [`OutputMismatch`] when the action is not completed, also because it was taken back, or when the handle is of another
    /// workflow.
    pub fn output<T: Payload>(
        &self,
        workflow: &Workflow,
        handle: Handle<T>,
    ) -> Result<T, OutputMismatch> {
        Outputs::new(workflow, &self.state).get(handle)
    }
}
