//! One run in the hands of this process: the engine, and what listens beside it.

pub(crate) mod reopen;
pub(crate) mod signals;
pub(crate) mod stop_request;

use std::sync::Arc;

use lab1_flow_journal::{RunId, RunJournal};
use lab1_flow_workflow::{Engine, Resume, RunReport, StopSignal, Workflow};

use crate::app::App;
use crate::error::{CliError, with_causes};
use crate::progress::Progress;
use crate::view::standing::Request;
use crate::view::time;

/// What is to be done with a run that this process holds.
#[derive(Debug)]
pub(crate) struct Task<'a> {
    pub(crate) run: &'a RunId,
    pub(crate) journal: RunJournal,
    pub(crate) workflow: &'a Workflow,
    pub(crate) request: Request,
    pub(crate) how: Resume,
}

/// Carries a run out until it rests.
///
/// The first signal, or a stop request, lets the calls in flight finish and be recorded; a second signal ends
/// the process at once. Dies here: the run stands where its journal says.
pub(crate) async fn carry_out(app: &App, task: Task<'_>) -> Result<RunReport, CliError> {
    let Task { run, journal, workflow, request, how } = task;
    let stop = StopSignal::new();
    let requests = stop_request::Inbox::open(journal.dir());
    let journal = Arc::new(journal);
    let state = state_before(app, run, &journal).await?;
    let (progress, progress_end) = Progress::start(app, state, time::now());
    let listeners = [
        tokio::spawn(signals::listen(
            stop.clone(),
            progress.clone(),
            workflow.attempt_max(),
            app.program.command(&["resume", run.as_str()]),
        )),
        tokio::spawn(requests.listen(stop.clone(), progress.clone())),
    ];
    let engine =
        Engine::new(journal.clone()).with_stop(stop).with_observer(Arc::new(progress.clone()));
    let result = match request {
        Request::GoOn => Box::pin(engine.resume(workflow, run, how)).await,
        Request::RollBack => Box::pin(engine.roll_back(workflow, run, how)).await,
    };
    for listener in listeners {
        listener.abort();
        // Aborted, or ended by itself: either way it no longer holds the view.
        let _ended = listener.await;
    }
    drop(engine);
    drop(progress);
    progress_end.wait();
    close(app, journal);
    result.map_err(|error| CliError::of_engine(&error, run, &app.program))
}

async fn state_before(
    app: &App,
    run: &RunId,
    journal: &Arc<RunJournal>,
) -> Result<lab1_flow_journal::RunState, CliError> {
    use lab1_flow_journal::{Journal, RunState};
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
