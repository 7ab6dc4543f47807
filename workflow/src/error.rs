//! Why an engine cannot go on with a run. A failed action is not among them: it is a report.

use lab1_flow_journal::{ActionName, JournalError, StepName};

use crate::definition::InputError;

/// Why an engine stopped working on a run.
///
/// The run stands where its journal says; nothing further was sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The journal refused.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The run was started by another workflow.
    #[error("the run belongs to workflow {stored}, not to {given}")]
    OtherWorkflow {
        /// The workflow that the run's header names.
        stored: String,
        /// The workflow that was given.
        given: String,
    },
    /// A step that has begun is not the one that the run was started with.
    #[error("step {step} has begun and may not change: {change}")]
    StepChanged {
        /// The step.
        step: StepName,
        /// What differs, for people.
        change: String,
    },
    /// What another version of the program stored does not read as the types of this one. Nothing was written: a program
    /// that reads it goes on, or a default for what it lacks.
    #[error("the stored {what} of {action} does not read as {wanted}")]
    Stored {
        /// The action.
        action: ActionName,
        /// Its input or its output.
        what: &'static str,
        /// The type.
        wanted: &'static str,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// The run cannot be stored: its header has more than a record holds.
    #[error("the header of the run cannot be stored: {0}")]
    Header(String),
    /// The profile in the header does not read.
    #[error("the time profile in the run's header does not read")]
    Profile(#[source] serde_json::Error),
    /// The input of an action cannot be built from what is stored.
    #[error("the input of an action cannot be built")]
    Input(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The planner has nothing to do and nothing to wait for, and the run has not ended: a bug.
    #[error("the run can neither go on nor end: this is a bug in the engine")]
    Stalled,
}

impl From<InputError> for EngineError {
    fn from(error: InputError) -> Self {
        Self::Input(Box::new(error))
    }
}
