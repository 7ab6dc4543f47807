//! What the completed actions of a run have put out, read through their handles.

use lab1_flow_journal::RunState;
use serde_json::Value;

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
    /// [`OutputMismatch`] when it does not have the type of its handle, or is not there.
    pub fn get<T: Payload>(&self, handle: Handle<T>) -> Result<T, OutputMismatch> {
        let action = self.workflow.nodes[handle.index].name.clone();
        let output = self.state.action(&action).and_then(|state| state.output.clone());
        serde_json::from_value(output.unwrap_or(Value::Null)).map_err(|source| OutputMismatch {
            action,
            wanted: std::any::type_name::<T>(),
            source,
        })
    }
}
