//! The verbs: one file each, with its arguments, its help and its body.

mod cloud;
mod completions;
mod config;
mod doctor;
mod export;
mod gc;
mod graph;
mod iam_policy;
mod init;
mod journal;
mod list;
mod man;
mod plan;
mod resume;
mod rollback;
mod run;
mod status;
mod stop;
mod timeline;
mod until;
mod verify;
mod wanted;
mod watch;

use std::path::Path;
use std::time::Duration;

use clap::{Args, Subcommand};
use lab1_flow_journal::RunId;
use serde_json::json;

use crate::app::App;
use crate::door;
use crate::error::CliError;
use crate::exit_status::ExitStatus;
use crate::run_context::RunContext;
use crate::target;

/// What can be asked of the program.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    Run(run::RunArgs),
    Plan(plan::PlanArgs),
    Doctor(doctor::DoctorArgs),
    Resume(resume::ResumeArgs),
    Rollback(rollback::RollbackArgs),
    Status(status::StatusArgs),
    Verify(verify::VerifyArgs),
    List(list::ListArgs),
    Watch(watch::WatchArgs),
    Stop(stop::StopArgs),
    Journal(journal::JournalArgs),
    Cloud(cloud::CloudArgs),
    Graph(graph::GraphArgs),
    Timeline(timeline::TimelineArgs),
    Export(export::ExportArgs),
    Gc(gc::GcArgs),
    Init(init::InitArgs),
    Config(config::ConfigArgs),
    IamPolicy(iam_policy::IamPolicyArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
}

impl Verb {
    /// Does what was asked.
    pub(crate) fn carry_out(self, app: &App) -> Result<ExitStatus, CliError> {
        match self {
            Self::Run(args) => args.carry_out(app),
            Self::Plan(args) => args.carry_out(app),
            Self::Doctor(args) => args.carry_out(app),
            Self::Resume(args) => args.carry_out(app),
            Self::Rollback(args) => args.carry_out(app),
            Self::Status(args) => args.carry_out(app),
            Self::Verify(args) => args.carry_out(app),
            Self::List(args) => args.carry_out(app),
            Self::Watch(args) => args.carry_out(app),
            Self::Stop(args) => args.carry_out(app),
            Self::Journal(args) => args.carry_out(app),
            Self::Cloud(args) => args.carry_out(app),
            Self::Graph(args) => args.carry_out(app),
            Self::Timeline(args) => args.carry_out(app),
            Self::Export(args) => args.carry_out(app),
            Self::Gc(args) => args.carry_out(app),
            Self::Man(args) => args.carry_out(app),
            Self::Init(args) => args.carry_out(app),
            Self::Config(args) => args.carry_out(app),
            Self::IamPolicy(args) => args.carry_out(app),
            Self::Completions(args) => args.carry_out(app),
        }
    }
}

/// The name of a configuration file where none is given.
const CONFIG_FILE: &str = "stack.toml";

/// The flag of verbs that carry out a run.
#[derive(Debug, Args)]
struct NotifyArgs {
    /// Run this shell command on every change of the run's state, with one JSON object on its standard input
    ///
    /// It is given to `sh -c`, has ten seconds, and can neither hold up nor fail the run. What it prints is
    /// dropped. Of
    /// the environment it gets what every program needs and no credentials; variables that begin with
    /// `LAB1_FLOW_NOTIFY_`
    /// are handed on.
    #[arg(long, value_name = "COMMAND")]
    notify_cmd: Option<String>,
}

/// The flags of verbs that go on with a run.
#[derive(Debug, Args)]
struct GoingOnArgs {
    /// Do not wait for the end of stored delays
    #[arg(long)]
    now: bool,

    /// Wait until the process that holds the run releases it, for at most TIME
    #[arg(
        long,
        value_name = "TIME",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "8760h",
        value_parser = target::duration,
    )]
    wait_lock: Option<Duration>,

    #[command(flatten)]
    notify: NotifyArgs,
}

impl GoingOnArgs {
    fn patience(&self) -> Duration {
        self.wait_lock.unwrap_or_default()
    }
}

/// Writes what was drawn to stdout, or to a file, which is replaced: it can be drawn again.
fn deliver(app: &App, file: Option<&Path>, drawn: &str) -> Result<(), CliError> {
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
fn announce(app: &App, run: &RunId, context: &RunContext) {
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

/// Runs a future to its end on this thread: the calls of one run need no second one.
pub(crate) fn block_on<T>(
    future: impl Future<Output = Result<T, CliError>>,
) -> Result<T, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| {
        CliError::new(
            ExitStatus::Suspended,
            format!("the program does not get what it runs on: {error}"),
        )
        .stands("nothing was sent")
        .next("end other programs, or raise the limit of descriptors (`ulimit -n`)")
    })?;
    runtime.block_on(future)
}
