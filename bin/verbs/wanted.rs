//! Which stack, and where: the flags that `run`, `plan` and `doctor` have in common.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use lab1_flow_steps::{StackName, StackSpec, WaitMode};

use crate::config::{self, Overrides};
use crate::error::CliError;
use crate::invocation::{flag, path_word};
use crate::target::TargetArgs;

#[derive(Debug, Args)]
pub(super) struct WantedArgs {
    /// Read the configuration from this TOML file; without it the stack is the documented one
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Prefix every name with NAME, to keep the stacks of one account apart (at most 13 characters)
    #[arg(long, value_name = "NAME", value_parser = StackName::new)]
    stack: Option<StackName>,

    /// When the stack counts as deployed
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
    pub(super) fn again(&self) -> Vec<OsString> {
        let config = self.config.as_ref().map(|path| ["--config".into(), path_word(path)].into());
        let stack = self.stack.as_ref().map(|stack| flag("--stack", stack.as_str()));
        let wait = self.wait.and_then(|wait| wait.to_possible_value());
        let wait = wait.map(|wait| flag("--wait", wait.get_name()));
        let given: Vec<Vec<OsString>> = [config, stack, wait].into_iter().flatten().collect();
        given.concat().into_iter().chain(self.target.again()).collect()
    }
}
