//! `stop`: ask a live run to stop.

use std::time::{Duration, Instant};

use clap::Args;
use lab1_flow_journal::{RunId, RunStore, RunView};
use serde_json::json;

use crate::app::App;
use crate::error::CliError;
use crate::execute::stop_request;
use crate::exit_status::ExitStatus;
use crate::target;
use crate::view::next;
use crate::view::standing::Standing;

/// Stop a run that another process is working on, after the calls in flight
///
/// Waits until the run rests. A run that no process is working on has nothing to stop.
#[derive(Debug, Args)]
pub(crate) struct StopArgs {
    /// The run's id, or a unique prefix of it
    #[arg(value_name = "RUN-ID")]
    run: String,

    /// How long to wait until the run rests
    #[arg(long, value_name = "TIME", default_value = "90s", value_parser = target::duration)]
    timeout: Duration,
}

/// Pause between two looks at the run.
const LOOK_EVERY: Duration = Duration::from_millis(50);

impl StopArgs {
    pub(crate) fn carry_out(self, app: &App) -> Result<ExitStatus, CliError> {
        let runs = app.runs()?;
        let run = app.find_run(&runs, &self.run)?;
        let view = look(app, &runs, &run)?;
        if view.holder.is_none() {
            return Ok(tell(app, &view, "no process carries it out, so there is nothing to stop"));
        }
        let dir = runs.dir(&run);
        stop_request::send(&dir).map_err(|error| {
            CliError::new(
                ExitStatus::Storage,
                format!("cannot write into {}: {error}", dir.display()),
            )
            .stands("the run goes on")
        })?;
        let patience_ends = Instant::now() + self.timeout;
        loop {
            let view = look(app, &runs, &run)?;
            if view.holder.is_none() {
                // The run may have ended by itself before it saw the request.
                let _nobody_reads_it = stop_request::clear(&dir);
                return Ok(tell(app, &view, "it rests"));
            }
            if Instant::now() >= patience_ends {
                let pid = view.holder.and_then(|holder| holder.pid);
                return Err(crate::error::held(Some(&run), pid, &app.program)
                    .stands("it was asked to stop, and still finishes its calls"));
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

fn look(app: &App, runs: &RunStore, run: &RunId) -> Result<RunView, CliError> {
    runs.view(run).map_err(|error| CliError::of_journal(&error, Some(run), &app.program))
}

fn tell(app: &App, view: &RunView, what: &str) -> ExitStatus {
    let run = &view.history.header.run;
    let standing = Standing::of(&view.state, false);
    let next = next::commands(run, standing, view.state.is_rolling_back(), &app.program);
    if app.output.json {
        app.output.json_line(
            &json!({ "event": "rests", "run_id": run, "state": standing, "next": next }),
        );
    }
    app.output.say(&format!("run {run} is {}: {what}", standing.word()));
    app.output.say_next(&next);
    ExitStatus::Success
}
