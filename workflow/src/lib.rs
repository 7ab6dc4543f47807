//! What to do next.

mod action;
mod change;
mod clock;
mod decide;
mod definition;
mod drive;
mod engine;
mod erased;
mod error;
mod failure;
mod flight;
mod handle;
mod land;
mod limits;
mod observe;
mod profile;
mod report;
mod retry;
mod step;
mod stop;
mod sweep;
mod token;

pub use action::{
    Action, ActionContext, Compensate, Consistency, Look, Payload, Progress, Reconciled, Wait,
};
pub use clock::{Clock, SystemClock};
pub use definition::{Actions, DefinitionError, Outputs, Workflow, WorkflowBuilder};
pub use engine::{Engine, NewRun, Resume};
pub use error::EngineError;
pub use failure::ActionError;
pub use handle::{Handle, Needs, OutputMismatch};
pub use lab1_flow_journal as journal;
pub use limits::Limits;
pub use observe::{Observer, Silent};
pub use profile::Profile;
pub use report::RunReport;
pub use step::Step;
pub use stop::StopSignal;
pub use sweep::Sweep;
