//! `resume`: go on with a run.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use lab1_flow_journal::{ActionState, Rest, RunState, StepName};
use lab1_flow_steps::{Stack, StackName};
use lab1_flow_workflow::{Resume, Workflow};

use crate::app::App;
use crate::config;
use crate::ending;
use crate::error::CliError;
use crate::execute::reopen::{Found, Reopened, stored_stack};
use crate::execute::{self, Assignment};
use crate::exit_status::ExitStatus;
use crate::runtime::block_on;
use crate::target::Connection;
use crate::verbs::common::{GoingOnArgs, announce};
use crate::verbs::until::find_step_ahead;
use crate::view::standing::{Request, Standing};

/// Continue a stopped or interrupted run, deploying or rolling back
///
/// A finished run is reported again, without any call. A run that failed, got stuck or ran out of patience
/// starts with fresh limits; one whose process died keeps what was left of them.
#[derive(Debug, Args)]
pub(crate) struct ResumeArgs {
    /// The run's id, or a unique prefix of it
    #[arg(value_name = "RUN-ID")]
    run: String,

    #[command(flatten)]
    common: GoingOnArgs,

    /// Take the configuration of steps that have not begun from this TOML file; steps that have begun may not change
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Pause after this step, given by number or name, instead of where the run was to pause before
    #[arg(long, value_name = "STEP")]
    until: Option<String>,
}

impl ResumeArgs {
    pub(crate) fn carry_out(self, app: &App) -> Result<ExitStatus, CliError> {
        block_on(self.go_on(app))
    }

    async fn go_on(self, app: &App) -> Result<ExitStatus, CliError> {
        let began = Instant::now();
        let is_end = |rest: &Rest| matches!(rest, Rest::Completed | Rest::RolledBack);
        let patience = self.common.patience();
        let found = Reopened::find(app, &self.run, patience, is_end).await?;
        let reopened = match found {
            Found::Taken(reopened) => *reopened,
            Found::Ended(state, context) => {
                if self.config.is_some() || self.until.is_some() {
                    return Err(refuse_change(app, &state));
                }
                announce(app, &state.header().run, &context);
                let took = state.worked(state.header().created_at, state.changed_at());
                return Ok(ending::tell(app, &state, Request::GoOn, took));
            }
        };
        let changed = self.config.as_deref().map(|path| changed_stack(app, &reopened, path));
        let changed = changed.transpose()?;
        let until = self.until.as_deref().map(|text| pause(app, &reopened, text)).transpose()?;
        announce(app, &reopened.run, &reopened.context);
        let (connection, stored) = reopened.connect(app, "resume").await?;
        let workflow = match changed {
            Some(stack) => build(&stack, &connection)?,
            None => stored,
        };
        let assignment = Assignment {
            run: &reopened.run,
            stack: &reopened.context.stack,
            journal: reopened.journal,
            workflow: &workflow,
            pacer: connection.aws.pacer().cloned(),
            request: Request::GoOn,
            skip: None,
            how: Resume { now: self.common.now, until },
            notify: self.common.notify.notify_cmd.as_deref(),
        };
        let report = Box::pin(execute::carry_out(app, assignment)).await?;
        Ok(ending::tell(app, report.state(), Request::GoOn, began.elapsed()))
    }
}

/// The stack as the file has it, for a run that was begun. Whether it fits is for the engine to say.
fn changed_stack(app: &App, reopened: &Reopened, path: &Path) -> Result<Stack, CliError> {
    let state = &reopened.state;
    if state.is_rolling_back() {
        return Err(refuse_change(app, state));
    }
    let begun = stored_stack(state)?;
    let name = StackName::new(&reopened.context.stack);
    let name = name.map_err(|error| CliError::bug(error.to_string()))?;
    let spec = config::load_again(path, &name, begun.wait())?;
    let stack = Stack::new(&spec, &reopened.context.target).in_order_of(&begun);
    let has_looked = state.actions().any(|(name, action)| is_begun(name.as_str(), action));
    Ok(if has_looked { stack.after_preflight_of(&begun) } else { stack })
}

/// Where the run is to pause instead.
fn pause(app: &App, reopened: &Reopened, text: &str) -> Result<StepName, CliError> {
    let state = &reopened.state;
    if state.is_rolling_back() {
        return Err(refuse_change(app, state));
    }
    find_step_ahead(state, text)
}

fn is_begun(name: &str, action: &ActionState) -> bool {
    name == "preflight" && action.attempts > 0
}

fn refuse_change(app: &App, state: &RunState) -> CliError {
    let run = &state.header().run;
    let standing = Standing::of(state, false).word();
    let what = if state.is_rolling_back() {
        format!("run {run} is being taken back, or was: no step of it will begin")
    } else {
        format!("run {run} is {standing}: no step of it is left to begin")
    };
    CliError::usage(what)
        .stands("nothing was sent")
        .next(app.program.command(&["status", run.as_str()]))
}

fn build(stack: &Stack, connection: &Connection) -> Result<Workflow, CliError> {
    stack.workflow(&connection.aws).map_err(|error| CliError::bug(error.to_string()))
}
