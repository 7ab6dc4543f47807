//! `timeline`: what happened when in a run.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::json;

use crate::app::App;
use crate::door;
use crate::error::CliError;
use crate::exit_status::ExitStatus;
use crate::output::Output;
use crate::paint::Paint;
use crate::run_context::RunContext;
use crate::timeline::{Timeline, drawing, text};
use crate::view::standing::Standing;
use crate::view::time;

/// Draw when each call, wait and retry of a run happened, and its critical path
///
/// Drawn from the records alone, also while the run is running. Time in which the run rested is left out.
#[derive(Debug, Args)]
pub(crate) struct TimelineArgs {
    /// The run's id, or a unique prefix of it
    #[arg(value_name = "RUN-ID")]
    run: String,

    /// How to draw it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,

    /// Write to this file instead of stdout; an existing file is replaced
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// As wide as the terminal
    Text,
    /// A picture for browsers
    Svg,
}

impl TimelineArgs {
    pub(crate) fn carry_out(self, app: &App) -> Result<ExitStatus, CliError> {
        let runs = app.runs()?;
        let run = app.find_run(&runs, &self.run)?;
        let view = runs.view(&run);
        let view = view.map_err(|error| CliError::of_journal(&error, Some(&run), &app.program))?;
        let live = view.holder.is_some();
        let timeline = Timeline::of(&view.history, live.then(time::now));
        if app.output.json {
            app.output
                .json_line(&json!({ "event": "timeline", "run_id": run, "timeline": timeline }));
            return Ok(ExitStatus::Success);
        }
        let context = RunContext::of(&view.history.header)?;
        let standing = Standing::of(&view.state, live).word();
        let heading = format!("run {run} of stack {}: {standing}", context.stack);
        let drawn = match self.format {
            Format::Svg => drawing::svg(&timeline, &heading),
            Format::Text => {
                let columns = Output::columns();
                // A file is not for terminals alone.
                let paint = if self.output.is_none() { app.output.out } else { Paint::default() };
                let chart = text::lines(&timeline, columns, paint);
                let parts = [
                    vec![door::flat(&heading), String::new()],
                    chart,
                    vec![String::new()],
                    timeline.figures(columns),
                ];
                parts.concat().join("\n") + "\n"
            }
        };
        super::common::deliver(app, self.output.as_deref(), &drawn)?;
        Ok(ExitStatus::Success)
    }
}
