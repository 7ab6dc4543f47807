//! One run in the hands of this process: the engine, and what listens beside it.

mod notify;
pub(crate) mod reopen;
pub(crate) mod signals;
pub(crate) mod stop_request;

use std::sync::Arc;
use std::time::Duration;

use lab1_flow_journal::{ActionName, Journal, Record, RunId, RunJournal, RunState};
use lab1_flow_steps::RECOVERY_WORKFLOW;
use lab1_flow_workflow::{
    Engine, EngineError, Observer, Pacer, Resume, RunReport, StopSignal, Workflow,
};

use crate::app::App;
use crate::error::{CliError, with_causes};
use crate::execute::notify::Notifier;
use crate::progress::Progress;
use crate::view::standing::Request;
use crate::view::time;

/// What a person leaves in place, and why.
#[derive(Debug)]
pub(crate) struct Skip {
    pub(crate) actions: Vec<ActionName>,
    pub(crate) reason: String,
}

/// What is to be done with a run that this process holds.
#[derive(Debug)]
pub(crate) struct Assignment<'a> {
    pub(crate) run: &'a RunId,
    pub(crate) stack: &'a str,
    pub(crate) journal: RunJournal,
    pub(crate) workflow: &'a Workflow,
    /// What shares out the calls to the run's cloud.
    pub(crate) pacer: Option<Arc<Pacer>>,
    pub(crate) request: Request,
    /// What is recorded as left before anything is taken back.
    pub(crate) skip: Option<Skip>,
    pub(crate) how: Resume,
    /// The shell command that hears of every change of the run's state.
    pub(crate) notify: Option<&'a str>,
}

/// Those who hear what the engine tells.
#[derive(Debug)]
struct Listeners {
    progress: Progress,
    notifier: Option<Notifier>,
}

impl Observer for Listeners {
    fn recorded(&self, records: &[Record], state: &RunState) {
        self.progress.recorded(records, state);
        if let Some(notifier) = &self.notifier {
            notifier.recorded(records, state);
        }
    }

    fn waiting(&self, action: &ActionName, reason: &str, next_look_in: Duration) {
        self.progress.waiting(action, reason, next_look_in);
    }
}

/// Carries a run out until it rests.
///
/// The first signal, or a stop request, lets the calls in flight finish and be recorded; a second signal ends
/// the process at once. Dies here: the run stands where its journal says.
pub(crate) async fn carry_out(
    app: &App,
    assignment: Assignment<'_>,
) -> Result<RunReport, CliError> {
    let Assignment { run, stack, journal, workflow, pacer, request, skip, how, notify } =
        assignment;
    let stop = StopSignal::new();
    let run_dir = journal.dir().to_owned();
    let journal = Arc::new(journal);
    let state = state_before(app, run, &journal).await?;
    let (progress, progress_end) = Progress::start(app, state.clone(), time::now());
    let tasks = [
        tokio::spawn(signals::listen(
            stop.clone(),
            progress.clone(),
            workflow.attempt_max(),
            app.program.command(&["resume", run.as_str()]),
        )),
        tokio::spawn(stop_request::listen(run_dir, stop.clone(), progress.clone())),
    ];
    let (notifier, notifier_end) = notify
        .map(|command| Notifier::start(app, command, stack, &state, progress.clone()))
        .unzip();
    let listeners = Arc::new(Listeners { progress, notifier });
    let engine = Engine::new(journal.clone()).with_stop(stop).with_observer(listeners.clone());
    let engine = pacer.into_iter().fold(engine, Engine::with_pacer);
    let result = Box::pin(drive(&engine, run, workflow, request, skip, how)).await;
    for task in tasks {
        task.abort();
        // Aborted, or ended by itself: either way it no longer holds the view.
        let _ended = task.await;
    }
    drop(engine);
    if let (Err(error), Some(notifier)) = (&result, &listeners.notifier) {
        notifier.gave_up(&state, &with_causes(error));
    }
    drop(listeners);
    close(app, journal);
    if let Some(end) = notifier_end {
        end.wait().await;
    }
    progress_end.wait();
    result.map_err(|error| CliError::of_engine(&error, run, &app.program))
}

async fn drive(
    engine: &Engine,
    run: &RunId,
    workflow: &Workflow,
    request: Request,
    skip: Option<Skip>,
    how: Resume,
) -> Result<RunReport, EngineError> {
    if let Some(Skip { actions, reason }) = skip {
        engine.skip(run, &actions, &reason).await?;
    }
    // A run that was rebuilt from tags knows one direction only.
    if workflow.name() == RECOVERY_WORKFLOW {
        return engine.recover(workflow, run, how).await;
    }
    match request {
        Request::GoOn => engine.resume(workflow, run, how).await,
        Request::RollBack => engine.roll_back(workflow, run, how).await,
    }
}

async fn state_before(
    app: &App,
    run: &RunId,
    journal: &Arc<RunJournal>,
) -> Result<RunState, CliError> {
    let refuse = |error| CliError::of_journal(&error, Some(run), &app.program);
    let history = journal.read(run).await.map_err(refuse)?;
    RunState::replay(&history).map_err(refuse)
}

/// Lets the run go. Its records are safe already, so that a failure here only costs the next opening time.
fn close(app: &App, journal: Arc<RunJournal>) {
    let closed = Arc::into_inner(journal).map_or(Ok(()), RunJournal::close);
    if let Err(error) = closed {
        app.output
            .say(&format!("warning: the journal was not closed cleanly: {}", with_causes(&error)));
    }
}
