//! Flags and words that several verbs share.

use std::path::Path;
use std::time::Duration;

use clap::Args;
use lab1_flow_journal::RunId;
use serde_json::json;

use crate::app::App;
use crate::door;
use crate::error::CliError;
use crate::exit_status::ExitStatus;
use crate::run_context::RunContext;
use crate::target;

/// The name of a configuration file where none is given.
pub(super) const CONFIG_FILE: &str = "stack.toml";

/// The flag of verbs that carry out a run.
#[derive(Debug, Args)]
pub(super) struct NotifyArgs {
    /// Run this shell command on every change of the run's state, with one JSON object on its standard input
    ///
    /// It is given to `sh -c`, has ten seconds, and can neither hold up nor fail the run. What it prints is
    /// dropped. Of the environment it gets what every program needs and no credentials; variables that begin
    /// with `LAB1_FLOW_NOTIFY_` are handed on.
    #[arg(long, value_name = "COMMAND")]
    pub(super) notify_cmd: Option<String>,
}

/// The flags of verbs that go on with a run.
#[derive(Debug, Args)]
pub(super) struct GoingOnArgs {
    /// Do not wait for the end of stored delays
    #[arg(long)]
    pub(super) now: bool,

    /// Wait until the process that holds the run releases it, for at most TIME
    #[arg(
        long,
        value_name = "TIME",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "8760h",
        value_parser = target::duration,
    )]
    pub(super) wait_lock: Option<Duration>,

    #[command(flatten)]
    pub(super) notify: NotifyArgs,
}

impl GoingOnArgs {
    pub(super) fn patience(&self) -> Duration {
        self.wait_lock.unwrap_or_default()
    }
}

/// Writes what was drawn to stdout, or to a file, which is replaced: it can be drawn again.
pub(super) fn deliver(app: &App, file: Option<&Path>, drawn: &str) -> Result<(), CliError> {
    let Some(file) = file else {
        app.output.data(drawn);
        return Ok(());
    };
    std::fs::write(file, door::shown_lines(drawn)).map_err(|error| {
        CliError::new(ExitStatus::Storage, format!("cannot write {}: {error}", file.display()))
            .next("name a file in a folder that can be written")
    })?;
    app.output.say(&format!("{} is written", file.display()));
    Ok(())
}

/// Opens the output of a verb that carries out a run: its id comes before anything is sent.
pub(super) fn announce(app: &App, run: &RunId, context: &RunContext) {
    if app.output.json {
        app.output.json_line(&json!({
            "event": "run-opened",
            "run_id": run,
            "stack": context.stack,
            "target": context.target,
        }));
    }
    let place = target::words(&context.target);
    app.output.say(&format!("run {run}: stack {} on {place}", context.stack));
}
