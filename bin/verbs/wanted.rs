//! Which stack, and where: the flags that `run`, `plan` and `doctor` have in common.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use lab1_flow_steps::{StackName, StackSpec, WaitMode};

use crate::config::{self, Overrides};
use crate::error::CliError;
use crate::target::TargetArgs;

#[derive(Debug, Args)]
pub(super) struct WantedArgs {
    /// Read the configuration from this TOML file; without it the stack is the documented one
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Put this name before every other, to keep stacks of one account apart (at most 13 characters)
    #[arg(long, value_name = "NAME", value_parser = StackName::new)]
    stack: Option<StackName>,

    /// Say when the stack counts as deployed
    #[arg(long, value_name = "FOR")]
    wait: Option<WaitFor>,

    #[command(flatten)]
    pub(super) target: TargetArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum WaitFor {
    /// When every instance has answered through the load balancer
    Http,
    /// When every target is healthy
    Targets,
}

impl WantedArgs {
    /// Reads the specification: the defaults, the file over them, the flags over both.
    pub(super) fn spec(&self) -> Result<StackSpec, CliError> {
        let wait = self.wait.map(|wait| match wait {
            WaitFor::Http => WaitMode::Http,
            WaitFor::Targets => WaitMode::Targets,
        });
        config::load(self.config.as_deref(), &Overrides { stack: self.stack.clone(), wait })
    }

    /// The same flags, for a command that is to be typed next.
    pub(super) fn again(&self) -> Vec<String> {
        let mut flags = Vec::new();
        let mut flag = |name: &str, value: Option<String>| {
            flags.extend(value.into_iter().flat_map(|value| [name.to_owned(), value]));
        };
        flag("--config", self.config.as_ref().map(|path| path.display().to_string()));
        flag("--stack", self.stack.as_ref().map(ToString::to_string));
        let wait = self.wait.and_then(|wait| wait.to_possible_value());
        flag("--wait", wait.map(|wait| wait.get_name().to_owned()));
        flags.extend(self.target.again());
        flags
    }
}
