//! `plan`: what `run` would do, what stands in its way, and what it costs.

use std::ffi::OsString;

use clap::Args;
use lab1_flow_steps::{Check, CloudKind, Cost, Examination, Stack, StackSpec, Verdict};
use serde::Serialize;
use serde_json::json;

use super::wanted::WantedArgs;
use crate::account;
use crate::app::App;
use crate::error::CliError;
use crate::exit_status::ExitStatus;
use crate::runtime::block_on;
use crate::target::{self, Connection};
use crate::view::next::{self, Next};
use crate::view::plan::{self, PlannedStep, Sum};
use crate::view::standing::Standing;

/// Show what `run` would create, what blocks it, and what it costs; with an id, what is left to do in a run
///
/// This only reads, and starts no run. Ends with 3 when `run` would be refused.
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// The run to continue: its id, or a unique prefix of it
    #[arg(
        value_name = "RUN-ID",
        conflicts_with_all = [
            "config", "stack", "wait", "cloud", "endpoint_url", "region", "profile", "time_scale",
            "consistency_window",
        ],
    )]
    run: Option<String>,

    /// End with 8 when there is anything to do
    #[arg(long)]
    detailed_exitcode: bool,

    #[command(flatten)]
    wanted: WantedArgs,
}

/// The last JSON line.
#[derive(Debug, Serialize)]
struct Planned {
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_id: Option<String>,
    outcome: &'static str,
    exit_status: u8,
    #[serde(flatten)]
    sum: Sum,
    next: Vec<Next>,
}

impl PlanArgs {
    pub(crate) fn carry_out(self, app: &App) -> Result<ExitStatus, CliError> {
        match &self.run {
            Some(prefix) => plan_on(app, prefix, self.detailed_exitcode),
            None => block_on(self.plan_new(app)),
        }
    }

    async fn plan_new(self, app: &App) -> Result<ExitStatus, CliError> {
        let spec = self.wanted.spec()?;
        let again = self.wanted.again();
        let command = |verb: &str| {
            let words: Vec<_> = [OsString::from(verb)].into_iter().chain(again.clone()).collect();
            app.program.command(&words)
        };
        let mut connection = self.wanted.target.choose()?.connect(app).await?;
        account::pin_or_refuse(app, &mut connection, &command("plan")).await?;
        let stack = Stack::new(&spec, &connection.target);
        let workflow =
            stack.workflow(&connection.aws).map_err(|error| CliError::bug(error.to_string()))?;
        let look = stack.examine(&connection.aws, &connection.profile);
        let found = account::patiently(app, &connection, "the answers", look).await;
        let found = found.map_err(|failure| {
            let error = CliError::of_look(&failure, command("plan"));
            match error.status {
                // A plan has no step that could fail: as for `run`, this is a refusal.
                ExitStatus::StepFailed => CliError { status: ExitStatus::Refused, ..error },
                _ => error,
            }
        })?;
        let cost = Cost::estimate(&spec, connection.aws.region(), found.volume.as_ref());
        let mut steps = plan::of_new(workflow.steps());
        plan::add_settings(&mut steps, &spec, found.network.as_ref());
        let sum = Sum::of(&steps);
        let status = match (found.refuses(), self.detailed_exitcode) {
            (true, _) => ExitStatus::Refused,
            (false, true) if !sum.is_nothing() => ExitStatus::Differences,
            (false, _) => ExitStatus::Success,
        };
        let next = if found.refuses() {
            vec![Next { purpose: "look", command: command("doctor") }]
        } else {
            vec![Next { purpose: "do it", command: command("run") }]
        };
        let plan = NewPlan { spec, connection, steps, found, cost, sum, status, next };
        if app.output.json {
            plan.tell_json(app);
        } else {
            plan.tell_people(app);
        }
        Ok(status)
    }
}

/// What `run` would do now, and what stands in its way.
struct NewPlan {
    spec: StackSpec,
    connection: Connection,
    steps: Vec<PlannedStep>,
    found: Examination,
    cost: Option<Cost>,
    sum: Sum,
    status: ExitStatus,
    next: Vec<Next>,
}

impl NewPlan {
    fn tell_json(self, app: &App) {
        tell_steps(app, &self.steps);
        for thing in &self.found.standing {
            app.output.json_line(&json!({ "event": "exists", "thing": thing }));
        }
        for check in self.problems() {
            app.output.json_line(&json!({ "event": "check", "check": check }));
        }
        let region = self.connection.aws.region();
        app.output.json_line(&json!({ "event": "cost", "cost": self.cost, "region": region }));
        let outcome = if self.found.refuses() { "refused" } else { "planned" };
        tell_sum(app, None, outcome, self.status, self.sum, self.next);
    }

    fn tell_people(&self, app: &App) {
        let (output, paint) = (&app.output, app.output.out);
        let network = self.found.network.as_ref();
        let account = network.map(|network| format!(", account {}", network.account));
        let account = account.unwrap_or_default();
        let place = target::words(&self.connection.target);
        output.data_line(&format!("stack {} on {place}{account}", self.spec.stack));
        if let Some(network) = network {
            output.data_line(&format!("    VPC {}", network.vpc_id));
        }
        for line in plan::lines(&self.steps, paint) {
            output.data_line(&line);
        }
        output.data_line("");
        self.tell_obstacles(app);
        for line in plan::cost_lines(self.cost.as_ref(), self.connection.aws.region(), paint) {
            output.data_line(&line);
        }
        if self.connection.target.cloud == CloudKind::Local {
            output.data_line("the embedded cloud is simulated and costs nothing");
        }
        output.data_line("");
        let sum = self.sum.sentence();
        output.data_line(&if self.found.refuses() {
            format!("{sum} This is what it would be with all that out of the way.")
        } else {
            sum
        });
        output.say_next(&self.next);
    }

    fn tell_obstacles(&self, app: &App) {
        if !self.found.refuses() {
            return;
        }
        let (output, paint) = (&app.output, app.output.out);
        output.data_line(&paint.red("run would be refused, and create nothing:"));
        for check in self.problems() {
            output.data_line(&format!("  {} {}", paint.red("!"), check.text));
            if let Some(advice) = &check.advice {
                output.data_line(&format!("    {} {advice}", paint.bold("do:")));
            }
        }
        output.data_line("");
    }

    fn problems(&self) -> impl Iterator<Item = &Check> {
        self.found.checks.iter().filter(|check| check.verdict == Verdict::Problem)
    }
}

/// Shows what a run has still to do. It asks nobody: the run's journal knows.
fn plan_on(app: &App, prefix: &str, detailed: bool) -> Result<ExitStatus, CliError> {
    let runs = app.runs()?;
    let run = app.find_run(&runs, prefix)?;
    let view = runs.view(&run);
    let view = view.map_err(|error| CliError::of_journal(&error, Some(&run), &app.program))?;
    let state = &view.state;
    let steps = plan::of_run(state);
    let sum = Sum::of(&steps);
    let status =
        if detailed && !sum.is_nothing() { ExitStatus::Differences } else { ExitStatus::Success };
    let standing = Standing::of(state, view.holder.is_some());
    let next = next::commands(&run, standing, state.is_rolling_back(), &app.program);
    if app.output.json {
        tell_steps(app, &steps);
        tell_sum(app, Some(run.to_string()), standing.word(), status, sum, next);
        return Ok(status);
    }
    let direction = if state.is_rolling_back() { "rollback" } else { "deployment" };
    app.output
        .data_line(&format!("run {run}: {}, what is left of its {direction}", standing.word()));
    for line in plan::lines(&steps, app.output.out) {
        app.output.data_line(&line);
    }
    app.output.data_line("");
    app.output.data_line(&sum.sentence());
    app.output.say_next(&next);
    Ok(status)
}

fn tell_steps(app: &App, steps: &[PlannedStep]) {
    for step in steps {
        app.output.json_line(&json!({ "event": "planned-step", "step": step }));
    }
}

fn tell_sum(
    app: &App,
    run_id: Option<String>,
    outcome: &'static str,
    status: ExitStatus,
    sum: Sum,
    next: Vec<Next>,
) {
    let exit_status = status.code();
    app.output.json_line(&Planned { event: "planned", run_id, outcome, exit_status, sum, next });
}
