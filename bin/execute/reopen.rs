//! Taking up a run that was started before, knowing nothing but its id.

use std::time::Duration;

use lab1_flow_journal::{Journal, Rest, RunId, RunJournal, RunState};
use lab1_flow_steps::{Aws, RECOVERY_WORKFLOW, Stack, Target, Transport};
use lab1_flow_workflow::{DefinitionError, Workflow};

use crate::account;
use crate::app::App;
use crate::error::CliError;
use crate::execute::stop_request;
use crate::exit_status::ExitStatus;
use crate::run_context::RunContext;
use crate::runtime::block_on;
use crate::stack_lock::StackLock;
use crate::target::{self, Connection};
use crate::view::facts;

/// A run that this process holds, with all that it takes to go on.
#[derive(Debug)]
pub(crate) struct Reopened {
    pub(crate) run: RunId,
    pub(crate) journal: RunJournal,
    pub(crate) state: RunState,
    pub(crate) context: RunContext,
    _stack: StackLock,
}

/// What was found under a run's id.
#[derive(Debug)]
pub(crate) enum Found {
    /// The run has ended as the caller wanted it: there is nothing to do.
    Ended(Box<RunState>, RunContext),
    /// The run is in the hands of this process.
    Taken(Box<Reopened>),
}

impl Reopened {
    /// Takes the run and its stack, waiting up to `patience` for other processes, unless it has ended in one
    /// of the ways that the caller wants. Nothing is sent.
    pub(crate) async fn find(
        app: &App,
        prefix: &str,
        patience: Duration,
        is_end: impl Fn(&Rest) -> bool,
    ) -> Result<Found, CliError> {
        let runs = app.runs()?;
        let run = app.find_run(&runs, prefix)?;
        let refuse = |error| CliError::of_journal(&error, Some(&run), &app.program);
        let journal = runs.open_run_within(&run, patience).map_err(refuse)?;
        // Whoever asks from here on asks this process, however long it takes to begin. A folder that cannot be
        // written to stops the run at its first record anyway.
        let _told_there = stop_request::clear(journal.dir());
        let history = journal.read(&run).await.map_err(refuse)?;
        let state = RunState::replay(&history).map_err(refuse)?;
        let context = RunContext::of(state.header())?;
        if state.rest().is_some_and(is_end) {
            return Ok(Found::Ended(Box::new(state), context));
        }
        let lock = StackLock::acquire(app, &context.target, &context.stack, &run, patience)?;
        Ok(Found::Taken(Box::new(Self { run, journal, state, context, _stack: lock })))
    }

    /// Finds the way to the run's own cloud, and wires the stored steps to it.
    ///
    /// A refusal names `verb` as what to type again: the direction that it asks for is not recorded yet.
    pub(crate) async fn connect(
        &self,
        app: &App,
        verb: &str,
    ) -> Result<(Connection, Workflow), CliError> {
        self.connect_by(app, verb, Stack::workflow).await
    }

    /// The same for a rollback that searches under any name: these records may not know all of them.
    pub(crate) async fn connect_under_any_name(
        &self,
        app: &App,
        verb: &str,
    ) -> Result<(Connection, Workflow), CliError> {
        self.connect_by(app, verb, Stack::workflow_under_any_name).await
    }

    async fn connect_by(
        &self,
        app: &App,
        verb: &str,
        wire: Wire,
    ) -> Result<(Connection, Workflow), CliError> {
        let connection = reach(app, &self.state, &self.context, verb).await?;
        let workflow = stored_workflow(&self.state, &connection.aws, wire)?;
        Ok((connection, workflow))
    }
}

/// Finds the way to a run's own cloud, and reads the stored steps.
pub(crate) async fn connect(
    app: &App,
    state: &RunState,
    context: &RunContext,
    verb: &str,
) -> Result<(Connection, Stack), CliError> {
    let connection = reach(app, state, context, verb).await?;
    Ok((connection, stored_stack(state)?))
}

/// Finds the way to a run's own cloud, and refuses another account or region.
///
/// A run that has never sent a change needs no account: nothing of it can be anywhere. Records of a run that
/// was ready
/// for its first change may be a copy that knows of none yet, and those rebuilt from tags may not say yet
/// that everything is in doubt.
async fn reach(
    app: &App,
    state: &RunState,
    context: &RunContext,
    verb: &str,
) -> Result<Connection, CliError> {
    let header = state.header();
    let profile = serde_json::from_value(header.profile.clone()).map_err(|error| {
        CliError::new(ExitStatus::Journal, format!("the profile of the run does not read: {error}"))
    })?;
    let connection = target::reconnect(app, context.target.clone(), profile).await?;
    if state.may_have_made_something() || header.workflow == RECOVERY_WORKFLOW {
        let (seen, _) = facts::place(state);
        let expected = context.target.account.clone().or(seen);
        let again = app.program.command(&[verb, header.run.as_str()]);
        account::refuse_other(app, &connection, expected.as_deref(), &header.run, &again).await?;
    }
    Ok(connection)
}

/// How a stack becomes a workflow.
type Wire = fn(&Stack, &Aws) -> Result<Workflow, DefinitionError>;

/// The workflow of a stored run, on this connection.
fn stored_workflow(state: &RunState, aws: &Aws, wire: Wire) -> Result<Workflow, CliError> {
    let built = match lab1_flow_steps::stored_recovery(state.header(), aws) {
        Some(recovery) => recovery,
        None => wire(&stored_stack(state)?, aws),
    };
    built.map_err(|error| CliError::bug(error.to_string()))
}

/// The steps of a stored run.
pub(crate) fn stored_stack(state: &RunState) -> Result<Stack, CliError> {
    Stack::from_stored(state.steps()).map_err(|error| {
        CliError::new(ExitStatus::Journal, error.to_string())
            .stands("nothing was sent")
            .next("use the version of lab1-flow that started the run")
    })
}

/// The workflow of a stored run for those who only ask it: nothing can be sent through it.
pub(crate) fn offline_workflow(state: &RunState) -> Result<Workflow, CliError> {
    let nowhere = Target::local(Some("http://127.0.0.1:9".to_owned()));
    block_on(async {
        let aws = Aws::connect(&nowhere, Transport::Network).await;
        let aws = aws.map_err(|error| CliError::bug(error.to_string()))?;
        stored_workflow(state, &aws, Stack::workflow)
    })
}
