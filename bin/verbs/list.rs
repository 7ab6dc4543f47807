//! `list`: all runs, one line each.

use std::cmp::Reverse;

use clap::Args;
use lab1_flow_journal::{RunId, RunSummary, UnreadableRun};
use serde::Serialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::error::{CliError, with_causes};
use crate::exit_status::ExitStatus;
use crate::output::Output;
use crate::view::standing::Standing;
use crate::view::table::{Cell, Table};
use crate::view::text::counted;
use crate::view::time;

/// The columns that a terminal too narrow for all does without, the first of them first.
const LEFT_OUT: [&str; 6] = ["OWNER", "CLOUD", "STACK", "RESOURCES", "AGE", "STEP"];

/// List the runs in this state directory, newest first
///
/// On a terminal that is too narrow, columns are left out in this order: owner, cloud, stack, resources, age, step.
#[derive(Debug, Default, Args)]
pub(crate) struct ListArgs {
    /// Only runs in this state; may be repeated
    #[arg(long, value_name = "STATE")]
    state: Vec<Standing>,

    /// Only runs of this stack
    #[arg(long, value_name = "NAME")]
    stack: Option<String>,

    /// Only runs on this cloud: local, aws, endpoint for all other endpoints, or the URL of one
    #[arg(long, value_name = "CLOUD", value_parser = cloud)]
    cloud: Option<String>,

    /// Show at most COUNT runs, after the other filters
    #[arg(long, value_name = "COUNT")]
    limit: Option<usize>,
}

/// One run in a list, as a JSON line.
#[derive(Debug, Serialize)]
struct Row {
    event: &'static str,
    run_id: RunId,
    stack: String,
    state: Standing,
    /// How many of the documented steps are complete; none in a run that is taken back.
    step: usize,
    steps_total: usize,
    started_at: String,
    changed_at: String,
    /// The number of things that it has made and that are there.
    resources: usize,
    cloud: String,
    region: Option<String>,
    account: Option<String>,
    endpoint_url: Option<String>,
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
    /// Shows the runs that were asked for. Those that cannot be read are named, and hide no other.
    pub(crate) fn carry_out(self, app: &App) -> Result<ExitStatus, CliError> {
        let summaries = app.runs()?.summaries();
        let summaries =
            summaries.map_err(|error| CliError::of_journal(&error, None, &app.program))?;
        let mut readable = Vec::new();
        let mut unreadable = Vec::new();
        for summary in summaries {
            match summary {
                Ok(summary) => readable.push(summary),
                Err(error) => unreadable.push(error),
            }
        }
        let known = readable.len() + unreadable.len();
        readable.sort_by_key(|summary| Reverse(summary.created_at));
        let rows = readable.into_iter().map(row).filter(|row| self.wants(row));
        let rows: Vec<_> = rows.take(self.limit.unwrap_or(usize::MAX)).collect();
        if app.output.json {
            app.output.schema_line();
            for row in &rows {
                app.output.json_line(row);
            }
        } else if !rows.is_empty() {
            let mut table = table(&rows);
            if let Some(columns) = Output::terminal_columns() {
                table.narrow(columns, &LEFT_OUT);
            }
            for line in table.lines(app.output.out) {
                app.output.data_line(&line);
            }
        } else if known == 0 {
            app.output.say(&format!("no runs; begin one with: {}", app.program.command(&["run"])));
        } else if known > unreadable.len() {
            let all = app.program.command(&["list"]);
            app.output.say(&format!("no such run; all are shown by: {all}"));
        }
        for UnreadableRun { run, error } in &unreadable {
            if app.output.json {
                let error = with_causes(error);
                app.output.json_line(
                    &json!({ "event": "run-unreadable", "run_id": run, "error": error }),
                );
            } else {
                app.output.say(&format!("run {run} cannot be read: {}", with_causes(error)));
            }
        }
        match unreadable.last() {
            Some(last) => Err(refuse(app, last, unreadable.len(), known)),
            None => Ok(ExitStatus::Success),
        }
    }

    fn wants(&self, row: &Row) -> bool {
        (self.state.is_empty() || self.state.contains(&row.state))
            && self.stack.as_ref().is_none_or(|stack| *stack == row.stack)
            && self.cloud.as_ref().is_none_or(|cloud| row.is_on(cloud))
    }
}

/// Says how many runs cannot be read; each of them was named.
fn refuse(app: &App, last: &UnreadableRun, unreadable: usize, known: usize) -> CliError {
    let UnreadableRun { run, error } = last;
    let status = CliError::of_journal(error, Some(run), &app.program).status;
    CliError::new(status, format!("{unreadable} of {} cannot be read", counted(known, "run")))
        .stands("their files are left as they are, and the other runs are not touched by it")
        .next(app.program.command(&["status", run.as_str()]))
}

fn row(summary: RunSummary) -> Row {
    let context = &summary.context;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let unknown = || "?".to_owned();
    let live = summary.holder.is_some();
    let standing = Standing::new(&summary.summary, live);
    Row {
        event: "run",
        run_id: summary.run,
        stack: text(&context["stack"]).unwrap_or_else(unknown),
        state: standing,
        // As `steps::progress` counts: nothing is complete any more in a run that is taken back.
        step: if summary.summary.rolling_back { 0 } else { summary.summary.steps_completed },
        steps_total: summary.summary.steps_total,
        started_at: time::moment(summary.created_at),
        changed_at: time::moment(summary.summary.changed_at),
        resources: summary.summary.resources,
        cloud: text(&context["target"]["cloud"]).unwrap_or_else(unknown),
        region: text(&context["target"]["region"]),
        account: text(&context["target"]["account"]),
        endpoint_url: text(&context["target"]["endpoint_url"]),
        owner: text(&context["owner"]).unwrap_or_else(unknown),
        pid: summary.holder.and_then(|holder| holder.pid),
        rolling_back: summary.summary.rolling_back,
        waiting: summary.summary.waiting.map(|waiting| waiting.reason),
        age: time::span(time::now().since(summary.created_at)),
    }
}

/// Reads the name of a cloud, as a list shows it.
fn cloud(text: &str) -> Result<String, String> {
    let is_known = ["local", "aws", "endpoint"].contains(&text) || text.contains("://");
    if is_known {
        return Ok(text.to_owned());
    }
    Err("it must be local, aws, endpoint, or the URL of an endpoint".to_owned())
}

impl Row {
    fn is_on(&self, cloud: &str) -> bool {
        self.cloud == cloud || self.endpoint_url.as_deref() == Some(cloud)
    }

    /// The cloud, and where in it.
    fn place(&self) -> String {
        match (&self.endpoint_url, &self.region) {
            (Some(url), _) => url.clone(),
            (None, Some(region)) if self.cloud != "local" => format!("{} {region}", self.cloud),
            _ => self.cloud.clone(),
        }
    }

    /// Who began it, and the process that carries it out now.
    fn holder(&self) -> String {
        match self.pid {
            Some(pid) => format!("{} (pid {pid})", self.owner),
            None => self.owner.clone(),
        }
    }
}

fn table(rows: &[Row]) -> Table {
    let mut table =
        Table::new(["RUN", "STATE", "STEP", "AGE", "STACK", "CLOUD", "RESOURCES", "OWNER"]);
    for row in rows {
        table.add([
            Cell::from(&row.run_id),
            Cell::toned(row.state.word(), row.state.tone()),
            Cell::from(format!("{}/{}", row.step, row.steps_total)),
            Cell::from(&row.age),
            Cell::from(&row.stack),
            Cell::from(row.place()),
            Cell::from(row.resources),
            Cell::from(row.holder()),
        ]);
    }
    table
}
