//! `graph`: a stack or a run as a picture.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use lab1_flow_journal::StoredStep;
use lab1_flow_steps::{Aws, Stack, StackName, Target, Transport};
use serde_json::json;

use crate::app::App;
use crate::config::{self, Overrides};
use crate::error::{CliError, with_causes};
use crate::exit_status::ExitStatus;
use crate::graph::{Graph, Stages, dot, drawing, mermaid, stages};
use crate::run_context::RunContext;
use crate::view::standing::Standing;
use crate::view::{steps, time};

/// Draw what `run` would create, or the state of a run
///
/// Nothing is sent: the picture of a run is drawn from its records, also while it is running.
#[derive(Debug, Args)]
pub(crate) struct GraphArgs {
    /// The run's id, or a unique prefix of it; without it, what `run` would create
    #[arg(value_name = "RUN-ID", conflicts_with_all = ["config", "stack"])]
    run: Option<String>,

    /// What to draw
    #[arg(long, value_name = "WHAT", default_value = "actions")]
    of: Of,

    /// The output format
    #[arg(long, value_name = "FORMAT", default_value = "dot")]
    format: Format,

    /// Write to this file instead of stdout; an existing file is replaced
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Read the configuration from this TOML file; without it the stack is the documented one
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Prefix every name with NAME
    #[arg(long, value_name = "NAME", value_parser = StackName::new)]
    stack: Option<StackName>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Of {
    /// The actions and their dependencies
    Actions,
    /// Where each resource is, and how requests reach it
    Topology,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// For Graphviz
    Dot,
    /// For Markdown
    Mermaid,
    /// A picture for browsers
    Svg,
}

/// What a picture is made of.
struct Subject {
    heading: String,
    steps: Vec<StoredStep>,
    stages: Option<Stages>,
}

impl GraphArgs {
    pub(crate) fn carry_out(self, app: &App) -> Result<ExitStatus, CliError> {
        let subject = match &self.run {
            Some(prefix) => of_run(app, prefix)?,
            None => self.of_plan()?,
        };
        let stages = subject.stages.as_ref();
        let graph = match self.of {
            Of::Actions => Graph::of_actions(&subject.steps, stages),
            Of::Topology => Graph::of_topology(&stack_of(&subject.steps)?.topology(), stages),
        };
        if app.output.json {
            app.output
                .json_line(&json!({ "event": "graph", "of": subject.heading, "graph": graph }));
            return Ok(ExitStatus::Success);
        }
        let drawn = match self.format {
            Format::Dot => dot::text(&graph, &subject.heading),
            Format::Mermaid => mermaid::text(&graph, &subject.heading),
            Format::Svg => drawing::svg(&graph, &subject.heading),
        };
        super::common::deliver(app, self.output.as_deref(), &drawn)?;
        Ok(ExitStatus::Success)
    }

    fn of_plan(&self) -> Result<Subject, CliError> {
        let overrides = Overrides { stack: self.stack.clone(), wait: None };
        let spec = config::load(self.config.as_deref(), &overrides)?;
        let steps = steps_of(&Stack::new(&spec, &Target::local(None)))?;
        let heading = format!("stack {} as it would be made", spec.stack.as_str());
        Ok(Subject { heading, steps, stages: None })
    }
}

/// The steps of a stack with their actions: the wiring asks nobody.
fn steps_of(stack: &Stack) -> Result<Vec<StoredStep>, CliError> {
    let nobody = Transport::function(|_| Box::pin(std::future::pending()));
    let target = Target::local(None);
    crate::runtime::block_on(async {
        let aws = Aws::connect(&target, nobody).await;
        let aws = aws.map_err(|error| CliError::bug(with_causes(&error)))?;
        let workflow = stack.workflow(&aws).map_err(|error| CliError::bug(error.to_string()))?;
        Ok(workflow.steps().to_vec())
    })
}

fn stack_of(steps: &[StoredStep]) -> Result<Stack, CliError> {
    Stack::from_stored(steps).map_err(|error| {
        CliError::new(ExitStatus::Journal, with_causes(&error))
            .next("use the version of lab1-flow that started the run")
    })
}

fn of_run(app: &App, prefix: &str) -> Result<Subject, CliError> {
    let runs = app.runs()?;
    let run = app.find_run(&runs, prefix)?;
    let view = runs.view(&run);
    let view = view.map_err(|error| CliError::of_journal(&error, Some(&run), &app.program))?;
    let context = RunContext::of(&view.history.header)?;
    let standing = Standing::of(&view.state, view.holder.is_some()).word();
    Ok(Subject {
        heading: format!("run {run} of stack {}: {standing}", context.stack),
        steps: view.state.steps().to_vec(),
        stages: Some(stages(&steps::steps(&view.state, time::now()))),
    })
}
