//! What to do next.

mod action;
mod definition;
mod erased;
mod failure;
mod handle;
mod limits;
mod step;
mod sweep;

pub use action::{
    Action, ActionContext, Compensate, Consistency, Look, Payload, Progress, Reconciled, Wait,
};
pub use definition::{Actions, DefinitionError, Outputs, Workflow, WorkflowBuilder};
pub use failure::ActionError;
pub use handle::{Handle, Needs, OutputMismatch};
pub use lab1_flow_journal as journal;
pub use limits::Limits;
pub use step::Step;
pub use sweep::Sweep;
