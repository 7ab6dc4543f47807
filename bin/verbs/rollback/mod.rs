//! `rollback`: take a run back.

mod lost;
mod preview;
mod skip;

use std::time::Instant;

use clap::Args;
use lab1_flow_journal::{Rest, RunState};
use lab1_flow_steps::{CloudKind, StackName};
use lab1_flow_workflow::Resume;

use crate::app::App;
use crate::confirm;
use crate::ending;
use crate::error::CliError;
use crate::execute::reopen::{Found, Reopened};
use crate::execute::{self, Assignment};
use crate::exit_status::ExitStatus;
use crate::paint::Tone;
use crate::run_context::RunContext;
use crate::runtime::block_on;
use crate::target::{self, TargetArgs};
use crate::verbs::common::{GoingOnArgs, announce};
use crate::view::facts;
use crate::view::standing::Request;

/// Delete everything a run created, and verify that it is gone
///
/// A resource is deleted only if its tags prove that this run created it. After a kill, `resume` or
/// `rollback` continues. What cannot be deleted is listed; the same command tries again.
#[derive(Debug, Args)]
pub(crate) struct RollbackArgs {
    /// The run's id, or a unique prefix of it; with --from-tags, the whole id of a run that is not known here
    #[arg(value_name = "RUN-ID", required_unless_present_any = ["stack", "from_tags"])]
    run: Option<String>,

    #[command(flatten)]
    common: GoingOnArgs,

    /// Do not ask before something is deleted on AWS or on another endpoint
    #[arg(short, long)]
    yes: bool,

    /// Show what would be deleted, and in which order; nothing is deleted and nothing is recorded
    #[arg(long, conflicts_with = "skip")]
    dry_run: bool,

    /// Keep what this action created, and continue without it; may be repeated
    #[arg(long, value_name = "ACTION", requires = "reason", conflicts_with = "from_tags")]
    skip: Vec<String>,

    /// Why something is kept; recorded
    #[arg(long, value_name = "TEXT", requires = "skip")]
    reason: Option<String>,

    /// Roll back a run whose records are lost, by the tags on what it created
    ///
    /// Make sure that no other machine works on the run: its locks are lost, too.
    #[arg(long)]
    from_tags: bool,

    /// With --from-tags: find the run that created this stack; without a confirmation prompt, its id is
    /// required to delete anything
    #[arg(
        long,
        value_name = "NAME",
        value_parser = StackName::new,
        requires = "from_tags",
        conflicts_with = "run",
    )]
    stack: Option<StackName>,

    #[command(flatten)]
    target: TargetArgs,
}

impl RollbackArgs {
    pub(crate) fn carry_out(self, app: &App) -> Result<ExitStatus, CliError> {
        if self.from_tags {
            return block_on(lost::take_back(self, app));
        }
        if self.target.is_given() {
            return Err(CliError::usage("a run knows the target that it was started on")
                .stands("nothing was sent")
                .next("leave the flags of the target out; with --from-tags they are needed"));
        }
        if self.dry_run {
            return preview::show(app, self.run());
        }
        block_on(self.take_back(app))
    }

    /// The run as it was given; clap insists on it where there is no stack.
    fn run(&self) -> &str {
        self.run.as_deref().unwrap_or_default()
    }

    async fn take_back(self, app: &App) -> Result<ExitStatus, CliError> {
        let began = Instant::now();
        let is_end = |rest: &Rest| matches!(rest, Rest::RolledBack);
        let patience = self.common.patience();
        let found = Reopened::find(app, self.run(), patience, is_end).await?;
        let reopened = match found {
            Found::Taken(reopened) => *reopened,
            Found::Ended(state, context) => {
                skip::refuse_after_end(app, &state, &self.skip)?;
                announce(app, &state.header().run, &context);
                let took = state.worked(state.header().created_at, state.changed_at());
                return Ok(ending::tell(app, &state, Request::RollBack, took));
            }
        };
        let reason = self.reason.as_deref().unwrap_or_default();
        let skip = skip::choose(app, &reopened.state, &self.skip, reason)?;
        if !self.yes {
            confirm_deletion(app, &reopened.state, &reopened.context)?;
        }
        announce(app, &reopened.run, &reopened.context);
        let (connection, workflow) = if self.from_tags {
            reopened.connect_under_any_name(app, "rollback").await?
        } else {
            reopened.connect(app, "rollback").await?
        };
        let assignment = Assignment {
            run: &reopened.run,
            stack: &reopened.context.stack,
            journal: reopened.journal,
            workflow: &workflow,
            pacer: connection.aws.pacer().cloned(),
            request: Request::RollBack,
            skip,
            how: Resume { now: self.common.now, ..Resume::default() },
            notify: self.common.notify.notify_cmd.as_deref(),
        };
        let report = Box::pin(execute::carry_out(app, assignment)).await?;
        Ok(ending::tell(app, report.state(), Request::RollBack, began.elapsed()))
    }
}

/// Shows what will be deleted outside of the embedded cloud, and asks for the run's id.
fn confirm_deletion(app: &App, state: &RunState, context: &RunContext) -> Result<(), CliError> {
    let resources = facts::standing_resources(state);
    if context.target.cloud == CloudKind::Local || !state.may_have_made_something() {
        return Ok(());
    }
    confirm::refuse_without_terminal(DELETING)?;
    app.output.say(&format!("On {}:", target::words(&context.target)));
    for resource in &resources {
        let minus = app.output.err.tone(Tone::Red, "-");
        app.output.say(&format!("  {minus} {}", resource.line()));
    }
    app.output.say(&format!(
        "Plan: 0 to create, 0 to change, {} to delete, and what else carries the run's mark.",
        resources.len()
    ));
    let run = &state.header().run;
    confirm::ask(app, &format!("Type the run id {run} to delete all this:"), run.as_str())
}

/// What needs a yes.
const DELETING: &str = "deleting something outside of the embedded cloud";
