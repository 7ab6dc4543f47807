//! `completions`: what a shell needs to complete our words.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::app::App;
use crate::cli::Cli;
use crate::error::CliError;
use crate::exit_status::ExitStatus;

/// Print completions for a shell
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl CompletionsArgs {
    #[expect(clippy::unnecessary_wraps, reason = "verbs have one shape")]
    pub(crate) fn carry_out(self, app: &App) -> Result<ExitStatus, CliError> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "lab1-flow", &mut script);
        app.output.data(&String::from_utf8_lossy(&script));
        Ok(ExitStatus::Success)
    }
}
