//! `run`: deploy the stack.

use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use lab1_flow_journal::{OnFailure, RunId};
use lab1_flow_steps::{CloudKind, Cost, Stack, StackSpec};
use lab1_flow_workflow::{NewRun, Resume, Workflow};

use crate::account;
use crate::app::App;
use crate::confirm;
use crate::ending;
use crate::error::CliError;
use crate::execute::{self, Assignment};
use crate::exit_status::ExitStatus;
use crate::run_context::RunContext;
use crate::runtime::block_on;
use crate::stack_lock::StackLock;
use crate::target::{self, Connection};
use crate::verbs::common::{NotifyArgs, announce};
use crate::verbs::until::find_step;
use crate::verbs::wanted::WantedArgs;
use crate::view::plan::{self, Sum};
use crate::view::standing::Request;

/// How long the question before a run waits for what it would like to show.
const LOOK_MAX: Duration = Duration::from_secs(10);

/// Deploy the stack and wait until it answers
///
/// The run id is printed before anything is sent. Whatever happens then, `lab1-flow resume` continues and
/// `lab1-flow rollback` deletes everything; both need only that id.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// What to do when a step fails for good
    #[arg(long, value_name = "POLICY", default_value = "stop")]
    on_failure: Policy,

    /// Pause after this step, given by number or name
    #[arg(long, value_name = "STEP")]
    until: Option<String>,

    /// Do not ask before something is created on AWS or on another endpoint
    #[arg(short, long)]
    yes: bool,

    #[command(flatten)]
    notify: NotifyArgs,

    #[command(flatten)]
    wanted: WantedArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Policy {
    /// Stop, and keep everything for `resume` or `rollback`
    Stop,
    /// Delete everything
    Rollback,
}

impl RunArgs {
    pub(crate) fn carry_out(self, app: &App) -> Result<ExitStatus, CliError> {
        block_on(self.deploy(app))
    }

    async fn deploy(self, app: &App) -> Result<ExitStatus, CliError> {
        let spec = self.wanted.spec()?;
        let choice = self.wanted.target.choose()?;
        let asks = choice.target.cloud != CloudKind::Local && !self.yes;
        if asks {
            confirm::refuse_without_terminal("creating something outside of the embedded cloud")?;
        }
        let runs = app.runs()?;
        let mut connection = choice.connect(app).await?;
        account::pin(app, &mut connection).await?;
        let workflow = build_workflow(&spec, &connection)?;
        let until = self.until.as_deref();
        let until = until.map(|text| find_step(workflow.steps(), text, "nothing was created"));
        let until = until.transpose()?;
        if asks {
            show_plan(app, &spec, &workflow, &connection).await;
            confirm::ask(app, "Create all this? Only `yes` is taken for a yes:", "yes")?;
        }

        let run = RunId::from_random(random_bits());
        let stack = spec.stack.as_str();
        let _lock = StackLock::acquire(app, &connection.target, stack, &run, Duration::ZERO)?;
        let context = RunContext::new(stack, connection.target);
        let on_failure = match self.on_failure {
            Policy::Stop => OnFailure::Stop,
            Policy::Rollback => OnFailure::Rollback,
        };
        let (seed, profile) = (random_bits(), connection.profile);
        let new = NewRun { seed, on_failure, until, profile, ..NewRun::new(run.clone()) };
        let header = context.header(new, &workflow)?;
        let journal = runs.create(&header).map_err(|error| {
            // A run that was written and could not be opened is there; it has sent nothing.
            let begun = runs.dir(&run).exists().then_some(&run);
            CliError::of_journal(&error, begun, &app.program)
        })?;
        announce(app, &run, &context);
        let began = Instant::now();
        let assignment = Assignment {
            run: &run,
            stack,
            journal,
            workflow: &workflow,
            pacer: connection.aws.pacer().cloned(),
            request: Request::GoOn,
            skip: None,
            how: Resume::default(),
            notify: self.notify.notify_cmd.as_deref(),
        };
        let report = Box::pin(execute::carry_out(app, assignment)).await?;
        Ok(ending::tell(app, report.state(), Request::GoOn, began.elapsed()))
    }
}

fn build_workflow(spec: &StackSpec, connection: &Connection) -> Result<Workflow, CliError> {
    let stack = Stack::new(spec, &connection.target);
    stack.workflow(&connection.aws).map_err(|error| CliError::bug(error.to_string()))
}

/// Shows each change that the run would make, and what the stack costs.
async fn show_plan(app: &App, spec: &StackSpec, workflow: &Workflow, connection: &Connection) {
    let paint = app.output.err;
    let account = connection.target.account.as_deref().unwrap_or("not known yet");
    app.output.say(&format!("On {}, account {account}:", target::words(&connection.target)));
    let stack = Stack::new(spec, &connection.target);
    let look = stack.examine(&connection.aws, &connection.profile);
    let look = account::patiently(app, connection, "the answers", look);
    // As `plan` shows it. What cannot be seen now is not worth more than a moment: the run itself looks again.
    let found = tokio::time::timeout(LOOK_MAX, Box::pin(look)).await.ok().and_then(Result::ok);
    let network = found.as_ref().and_then(|found| found.network.as_ref());
    let mut steps = plan::of_new(workflow.steps());
    plan::add_settings(&mut steps, spec, network);
    let region = connection.aws.region();
    let volume = found.as_ref().and_then(|found| found.volume.as_ref());
    let cost = Cost::estimate(spec, region, volume);
    let lines = plan::lines(&steps, paint).into_iter();
    for line in lines.chain(plan::cost_lines(cost.as_ref(), region, paint)) {
        app.output.say(&line);
    }
    app.output.say(&Sum::of(&steps).sentence());
}

/// Sixty random bits: the tail of a random id, where its clock does not reach.
fn random_bits() -> u64 {
    uuid::Uuid::now_v7().as_u64_pair().1 & ((1 << 60) - 1)
}
