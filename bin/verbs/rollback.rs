//! `rollback`: take a run back.

use std::time::Instant;

use clap::Args;
use lab1_flow_journal::{Rest, RunState};
use lab1_flow_steps::CloudKind;
use lab1_flow_workflow::Resume;

use crate::app::App;
use crate::confirm;
use crate::ending;
use crate::error::CliError;
use crate::execute::reopen::{Found, Reopened};
use crate::execute::{self, Task};
use crate::exit_status::ExitStatus;
use crate::paint::Tone;
use crate::run_context::RunContext;
use crate::target;
use crate::verbs::{GoingOnArgs, announce, block_on};
use crate::view::facts;
use crate::view::standing::Request;

/// Take everything back that a run has made, and prove that it is gone
///
/// Nothing is deleted whose tags do not prove that this run made it. Killed anywhere, the rollback goes on with
/// `resume` or with `rollback`. What cannot be removed is listed, and asked again by the same command.
#[derive(Debug, Args)]
pub(crate) struct RollbackArgs {
    #[command(flatten)]
    common: GoingOnArgs,

    /// Do not ask before something is deleted on AWS or on another endpoint
    #[arg(short, long)]
    yes: bool,
}

impl RollbackArgs {
    pub(crate) fn carry_out(self, app: &App) -> Result<ExitStatus, CliError> {
        block_on(self.take_back(app))
    }

    async fn take_back(self, app: &App) -> Result<ExitStatus, CliError> {
        let began = Instant::now();
        let is_end = |rest: &Rest| matches!(rest, Rest::RolledBack);
        let patience = self.common.patience();
        let found = Reopened::find(app, &self.common.run, patience, is_end).await?;
        let reopened = match found {
            Found::Taken(reopened) => *reopened,
            Found::Ended(state, context) => {
                announce(app, &state.header().run, &context);
                let took = state.changed_at().since(state.header().created_at);
                return Ok(ending::tell(app, &state, Request::RollBack, took));
            }
        };
        if !self.yes {
            confirm_deletion(app, &reopened.state, &reopened.context)?;
        }
        announce(app, &reopened.run, &reopened.context);
        let (_connection, workflow) = reopened.connect(app, "rollback").await?;
        let task = Task {
            run: &reopened.run,
            stack: &reopened.context.stack,
            journal: reopened.journal,
            workflow: &workflow,
            request: Request::RollBack,
            how: Resume { now: self.common.now },
            notify: self.common.notify.notify_cmd.as_deref(),
        };
        let report = Box::pin(execute::carry_out(app, task)).await?;
        Ok(ending::tell(app, report.state(), Request::RollBack, began.elapsed()))
    }
}

/// Shows what will be deleted outside of the embedded cloud, and asks for the run's id.
fn confirm_deletion(app: &App, state: &RunState, context: &RunContext) -> Result<(), CliError> {
    let resources = facts::standing_resources(state);
    if context.target.cloud == CloudKind::Local || !state.has_intents() {
        return Ok(());
    }
    confirm::refuse_without_terminal("deleting something outside of the embedded cloud")?;
    app.output.say(&format!("On {}:", target::words(&context.target)));
    for resource in &resources {
        let minus = app.output.err.tone(Tone::Red, "-");
        app.output.say(&format!("  {minus} {:<28} {}", resource.action, resource.label()));
    }
    app.output.say(&format!(
        "Plan: 0 to create, 0 to change, {} to delete, and what was in flight when the run stopped.",
        resources.len()
    ));
    let run = &state.header().run;
    confirm::ask(app, &format!("Type the run id {run} to delete all this:"), run.as_str())
}
