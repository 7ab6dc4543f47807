//! What the completed actions of a run have put out, read through their handles.

use lab1_flow_journal::{ActionPhase, RunState};

use super::Workflow;
use crate::handle::OutputMismatch;
use crate::{Handle, Payload};

/// The stored outputs of a run, as far as they exist.
#[derive(Debug)]
pub struct Outputs<'a> {
    workflow: &'a Workflow,
    state: &'a RunState,
}

impl<'a> Outputs<'a> {
    /// The outputs of the run in this state.
    pub fn new(workflow: &'a Workflow, state: &'a RunState) -> Self {
        Self { workflow, state }
    }

    /// Reads the output behind a handle.
    ///
    /// # Errors
    /// [`OutputMismatch`] when the action is not completed (any more), when the output does not have the type of its
    /// handle, or when that is of another workflow.
    pub fn get<T: Payload>(&self, handle: Handle<T>) -> Result<T, OutputMismatch> {
        let node = self.workflow.node(handle.source()).ok_or(OutputMismatch::Foreign)?;
        let action = node.name.clone();
        let state = self.state.action(&action);
        let state = state.filter(|state| state.phase == ActionPhase::Completed);
        let Some(output) = state.and_then(|state| state.output.as_ref()) else {
            return Err(OutputMismatch::Missing { action });
        };
        let wanted = std::any::type_name::<T>();
        T::deserialize(output).map_err(|source| OutputMismatch::Unreadable {
            action,
            wanted,
            source,
        })
    }
}
