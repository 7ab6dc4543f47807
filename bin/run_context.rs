//! What the command line keeps in a run's header, besides the steps.

use lab1_flow_journal::RunHeader;
use lab1_flow_steps::Target;
use lab1_flow_workflow::{NewRun, Workflow};
use serde::{Deserialize, Serialize};

use crate::error::CliError;
use crate::exit_status::ExitStatus;
use crate::view::time;

/// Where a run is carried out and for whom. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunContext {
    /// The name of the stack.
    pub(crate) stack: String,
    /// The cloud, with region and account as far as they were known at the start.
    pub(crate) target: Target,
    /// Who started the run, and on which machine.
    pub(crate) owner: String,
}

impl RunContext {
    /// The context of a run that this user begins on this machine.
    pub(crate) fn new(stack: &str, target: Target) -> Self {
        Self { stack: stack.to_owned(), target, owner: owner() }
    }

    /// The header of a run that begins now, with this context.
    pub(crate) fn header(&self, new: NewRun, workflow: &Workflow) -> Result<RunHeader, CliError> {
        let bug = |error: &dyn std::error::Error| CliError::bug(error.to_string());
        let context = serde_json::to_value(self).map_err(|error| bug(&error))?;
        let new = NewRun { context, ..new };
        new.header(workflow, time::now()).map_err(|error| bug(&error))
    }

    /// Reads the context back from a header.
    pub(crate) fn of(header: &RunHeader) -> Result<Self, CliError> {
        serde_json::from_value(header.context.clone()).map_err(|error| {
            let what =
                format!("the header of run {} does not say where it belongs: {error}", header.run);
            CliError::new(ExitStatus::Journal, what)
                .stands("nothing was sent")
                .next("use the program that started the run")
        })
    }
}

/// The user and the machine, as far as the environment tells.
fn owner() -> String {
    let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let user = variable("USER").or_else(|| variable("LOGNAME"));
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let host = host.map(|name| name.trim().to_owned()).or_else(|| variable("HOSTNAME"));
    let user = user.unwrap_or_else(|| format!("uid-{}", rustix::process::getuid().as_raw()));
    format!("{user}@{}", host.as_deref().unwrap_or("unknown"))
}
