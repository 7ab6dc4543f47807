//! `resume`: go on with a run.

use std::time::Instant;

use clap::Args;
use lab1_flow_journal::Rest;
use lab1_flow_workflow::Resume;

use crate::app::App;
use crate::ending;
use crate::error::CliError;
use crate::execute::reopen::{Found, Reopened};
use crate::execute::{self, Task};
use crate::exit_status::ExitStatus;
use crate::verbs::{GoingOnArgs, announce, block_on};
use crate::view::standing::Request;

/// Go on with a run where it stopped, in the direction it was going
///
/// A run that has ended is reported as it ended, and no call is made. One that had failed, or had run out of
/// patience, gets fresh patience; one whose process died does not.
#[derive(Debug, Args)]
pub(crate) struct ResumeArgs {
    #[command(flatten)]
    common: GoingOnArgs,
}

impl ResumeArgs {
    pub(crate) fn carry_out(self, app: &App) -> Result<ExitStatus, CliError> {
        block_on(self.go_on(app))
    }

    async fn go_on(self, app: &App) -> Result<ExitStatus, CliError> {
        let began = Instant::now();
        let is_end = |rest: &Rest| matches!(rest, Rest::Completed | Rest::RolledBack);
        let patience = self.common.patience();
        let found = Reopened::find(app, &self.common.run, patience, is_end).await?;
        let reopened = match found {
            Found::Taken(reopened) => *reopened,
            Found::Ended(state, context) => {
                announce(app, &state.header().run, &context);
                let took = state.changed_at().since(state.header().created_at);
                return Ok(ending::tell(app, &state, Request::GoOn, took));
            }
        };
        announce(app, &reopened.run, &reopened.context);
        let (_connection, workflow) = reopened.connect(app, "resume").await?;
        let task = Task {
            run: &reopened.run,
            stack: &reopened.context.stack,
            journal: reopened.journal,
            workflow: &workflow,
            request: Request::GoOn,
            how: Resume { now: self.common.now },
            notify: self.common.notify.notify_cmd.as_deref(),
        };
        let report = Box::pin(execute::carry_out(app, task)).await?;
        Ok(ending::tell(app, report.state(), Request::GoOn, began.elapsed()))
    }
}
