//! `status`: one run in detail, whether a process carries it out or not.

use clap::Args;
use lab1_flow_journal::{RunId, RunState, RunView};
use serde::Serialize;

use crate::app::App;
use crate::ending::{self, Trouble};
use crate::error::CliError;
use crate::exit_status::ExitStatus;
use crate::output::Output;
use crate::run_context::RunContext;
use crate::target;
use crate::verbs::list::ListArgs;
use crate::view::facts::{self, Resource};
use crate::view::failures::{self, PastFailure};
use crate::view::left;
use crate::view::next::{self, Next};
use crate::view::standing::Standing;
use crate::view::steps::{self, StepView};
use crate::view::text::ACTION_WIDTH;
use crate::view::time;

/// Show the state of a run, why it waits, and what to type next; without an id, list all runs
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// The run's id, or a unique prefix of it
    #[arg(value_name = "RUN-ID")]
    run: Option<String>,
}

/// A run in detail, as one JSON line.
#[derive(Debug, Serialize)]
struct Detail<'a> {
    event: &'static str,
    run_id: &'a RunId,
    stack: &'a str,
    state: Standing,
    step: usize,
    steps_total: usize,
    started_at: String,
    changed_at: String,
    cloud: &'a lab1_flow_steps::Target,
    account: Option<String>,
    region: Option<String>,
    owner: &'a str,
    pid: Option<u32>,
    rolling_back: bool,
    url: Option<String>,
    steps: Vec<StepView>,
    resources: Vec<Resource>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<Trouble<'a>>,
    /// What has gone wrong lately, overcome or not, the latest last.
    failures: Vec<PastFailure<'a>>,
    /// Whether all of that is behind the run.
    #[serde(skip)]
    overcome: bool,
    left: Vec<String>,
    next: Vec<Next>,
}

impl StatusArgs {
    pub(crate) fn carry_out(self, app: &App) -> Result<ExitStatus, CliError> {
        let Some(prefix) = self.run else { return ListArgs::default().carry_out(app) };
        let runs = app.runs()?;
        let run = app.find_run(&runs, &prefix)?;
        let view = runs.view(&run);
        let view = view.map_err(|error| CliError::of_journal(&error, Some(&run), &app.program))?;
        let context = RunContext::of(&view.history.header)?;
        let detail = detail(app, &view, &context);
        if app.output.json {
            app.output.json_line(&detail);
        } else {
            for line in lines(&view.state, &detail, &app.output) {
                app.output.data_line(&line);
            }
        }
        Ok(ExitStatus::Success)
    }
}

fn detail<'a>(app: &App, view: &'a RunView, context: &'a RunContext) -> Detail<'a> {
    let state = &view.state;
    let header = &view.history.header;
    let steps = steps::steps_of(state, time::now(), view.holder.is_some());
    let (step, steps_total) = steps::progress(&steps);
    let standing = Standing::of(state, view.holder.is_some());
    let (account, region) = facts::place(state);
    let failures = failures::latest(&view.history.records);
    let next = next::commands(&header.run, standing, state.is_rolling_back(), &app.program);
    Detail {
        event: "status",
        run_id: &header.run,
        stack: &context.stack,
        state: standing,
        step,
        steps_total,
        started_at: time::moment(header.created_at),
        changed_at: time::moment(state.changed_at()),
        cloud: &context.target,
        account: account.or_else(|| context.target.account.clone()),
        region: region.or_else(|| context.target.region.clone()),
        owner: &context.owner,
        pid: view.holder.as_ref().and_then(|holder| holder.pid),
        rolling_back: state.is_rolling_back(),
        url: facts::url(state),
        steps,
        resources: facts::standing_resources(state),
        failure: ending::trouble(state),
        overcome: failures.iter().all(|failure| failure.is_overcome(state)),
        failures,
        left: left::lines(state),
        // Whoever reads this looks already.
        next: next.into_iter().filter(|next| next.purpose != "look").collect(),
    }
}

fn lines(run: &RunState, detail: &Detail<'_>, output: &Output) -> Vec<String> {
    let paint = output.out;
    let mut lines = Vec::new();
    let mut field = |name: &str, value: &str| {
        lines.push(format!("{} {value}", paint.bold(&format!("{name:<8}"))));
    };
    let state = paint.tone(detail.state.tone(), detail.state.word());
    let holder = detail.pid.map_or_else(String::new, |pid| format!(" (process {pid})"));
    field(
        "run",
        &format!("{} {state}{holder}, step {}/{}", detail.run_id, detail.step, detail.steps_total),
    );
    let account = detail.account.as_ref().map_or_else(String::new, |id| format!(", account {id}"));
    field("stack", &format!("{} on {}{account}", detail.stack, target::words(detail.cloud)));
    field("started", &format!("{} by {}", detail.started_at, detail.owner));
    field("changed", &detail.changed_at);
    if let Some(url) = &detail.url {
        field("url", url);
    }
    lines.push(String::new());
    for step in &detail.steps {
        lines.extend(step_lines(run, step, output));
    }
    if !detail.resources.is_empty() {
        lines.push(String::new());
        lines.push(paint.bold("resources"));
        lines.extend(detail.resources.iter().map(resource_line));
    }
    if let Some(trouble) = &detail.failure {
        lines.push(String::new());
        lines.push(format!("{} {}", paint.red("failure"), trouble.text()));
        lines.extend(trouble.advice(detail.state).map(|advice| format!("  {advice}")));
    }
    if !detail.failures.is_empty() {
        lines.push(String::new());
        let overcome = if detail.overcome { " (all overcome)" } else { "" };
        lines.push(format!("{}{overcome}", paint.bold("latest failures")));
        lines.extend(detail.failures.iter().map(PastFailure::line));
    }
    if !detail.left.is_empty() {
        lines.push(String::new());
    }
    for left in &detail.left {
        lines.push(format!("{} {left}", paint.red("left")));
    }
    if !detail.next.is_empty() {
        lines.push(String::new());
    }
    for Next { purpose, command } in &detail.next {
        lines.push(format!("{} {command}", paint.bold(&format!("{purpose:<8}"))));
    }
    lines
}

fn step_lines(run: &RunState, step: &StepView, output: &Output) -> Vec<String> {
    let paint = output.out;
    let number = step.number.map_or_else(|| "-".to_owned(), |number| number.to_string());
    let state = paint.tone(step.stage.tone(), &format!("{:<9}", step.stage.word()));
    // As in the live view: what is over shows how quick it was.
    let clock = if step.stage.is_active() { time::span } else { time::delay };
    let spent = step.worked(run, time::now()).map_or_else(String::new, clock);
    let mut lines = vec![format!("{number:>2}  {state} {spent:>9}  {}", step.title)];
    for action in &step.actions {
        let state = paint.tone(action.stage.tone(), &format!("{:<9}", action.stage.word()));
        let reason = action.reason.as_deref().unwrap_or_default();
        let line = format!("    {state} {:>9}  . {:<ACTION_WIDTH$} {reason}", "", action.name);
        lines.push(line.trim_end().to_owned());
    }
    lines
}

fn resource_line(resource: &Resource) -> String {
    // A listener and a rule have no name, and a group has no other id.
    let name = resource.name.as_deref().unwrap_or("-");
    let id = if name == resource.id { "" } else { &resource.id };
    format!("  {:<ACTION_WIDTH$} {name:<24} {id}", resource.action).trim_end().to_owned()
}
