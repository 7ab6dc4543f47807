//! `list`: all runs, one line each.

use clap::Args;
use comfy_table::presets::NOTHING;
use comfy_table::{Cell, Color, ContentArrangement, Table};
use lab1_flow_journal::{RunId, RunSummary, UnreadableRun};
use serde::Serialize;
use serde_json::Value;

use crate::app::App;
use crate::error::{CliError, with_causes};
use crate::exit_status::ExitStatus;
use crate::output::Output;
use crate::paint::Tone;
use crate::view::standing::Standing;
use crate::view::time;

/// List the runs that this machine knows
#[derive(Debug, Args)]
pub(crate) struct ListArgs {}

/// One run in a list, as a JSON line.
#[derive(Debug, Serialize)]
struct Row {
    run_id: RunId,
    stack: String,
    state: Standing,
    /// How many of the documented steps are complete.
    step: usize,
    steps_total: usize,
    started_at: String,
    changed_at: String,
    cloud: String,
    region: Option<String>,
    account: Option<String>,
    owner: String,
    /// The process that holds the run, while one does.
    pid: Option<u32>,
    rolling_back: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting: Option<String>,
    #[serde(skip)]
    age: String,
}

impl ListArgs {
    #[expect(clippy::unused_self, reason = "verbs have one shape")]
    pub(crate) fn carry_out(self, app: &App) -> Result<ExitStatus, CliError> {
        show_all(app)
    }
}

/// Shows all runs, the latest last. A run that cannot be read is named, and hides no other.
pub(super) fn show_all(app: &App) -> Result<ExitStatus, CliError> {
    let summaries = app.state_dir()?.runs(app)?.summaries();
    let summaries = summaries.map_err(|error| CliError::of_journal(&error, None, &app.program))?;
    let mut readable = Vec::new();
    let mut unreadable = Vec::new();
    for summary in summaries {
        match summary {
            Ok(summary) => readable.push(summary),
            Err(error) => unreadable.push(error),
        }
    }
    readable.sort_by_key(|summary| summary.created_at);
    let rows: Vec<_> = readable.into_iter().map(row).collect();
    if app.output.json {
        for row in &rows {
            app.output.json_line(row);
        }
    } else if rows.is_empty() && unreadable.is_empty() {
        app.output.say("no runs; begin one with: lab1-flow run");
    } else {
        app.output.data_line(&table(&rows, &app.output).trim_fmt());
    }
    let mut status = ExitStatus::Success;
    for unreadable in &unreadable {
        app.output.say(&with_causes(unreadable));
        let UnreadableRun { run, error } = unreadable;
        status = CliError::of_journal(error, Some(run), &app.program).status;
    }
    Ok(status)
}

fn row(summary: RunSummary) -> Row {
    let context = &summary.context;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let unknown = || "?".to_owned();
    let live = summary.holder.is_some();
    let standing = Standing::new(summary.summary.rest.as_ref(), summary.summary.rolling_back, live);
    Row {
        run_id: summary.run,
        stack: text(&context["stack"]).unwrap_or_else(unknown),
        state: standing,
        step: if standing == Standing::RolledBack { 0 } else { summary.summary.steps_completed },
        steps_total: summary.summary.steps_total,
        started_at: time::moment(summary.created_at),
        changed_at: time::moment(summary.summary.changed_at),
        cloud: text(&context["target"]["cloud"]).unwrap_or_else(unknown),
        region: text(&context["target"]["region"]),
        account: text(&context["target"]["account"]),
        owner: text(&context["owner"]).unwrap_or_else(unknown),
        pid: summary.holder.and_then(|holder| holder.pid),
        rolling_back: summary.summary.rolling_back,
        waiting: summary.summary.waiting.map(|waiting| waiting.reason),
        age: time::span(time::now().since(summary.created_at)),
    }
}

fn table(rows: &[Row], output: &Output) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    if output.out.is_enabled() {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    table.set_header(["RUN", "STATE", "STEP", "STACK", "CLOUD", "AGE", "OWNER"]);
    for row in rows {
        let state = Cell::new(row.state.word());
        table.add_row([
            Cell::new(&row.run_id),
            color(row.state.tone()).into_iter().fold(state, Cell::fg),
            Cell::new(format!("{}/{}", row.step, row.steps_total)),
            Cell::new(&row.stack),
            Cell::new(&row.cloud),
            Cell::new(&row.age),
            Cell::new(&row.owner),
        ]);
    }
    if let Some(column) = table.column_mut(0) {
        column.set_padding((0, 1));
    }
    table
}

/// The table's name for a tone.
fn color(tone: Tone) -> Option<Color> {
    match tone {
        Tone::Red => Some(Color::DarkRed),
        Tone::Green => Some(Color::DarkGreen),
        Tone::Yellow => Some(Color::DarkYellow),
        Tone::Cyan => Some(Color::DarkCyan),
        Tone::Dim => Some(Color::DarkGrey),
        Tone::Bold => None,
    }
}
