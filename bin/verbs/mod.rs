//! The verbs: one file each, with its arguments, its help and its body.

mod cloud;
mod common;
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

use clap::Subcommand;

use crate::app::App;
use crate::error::CliError;
use crate::exit_status::ExitStatus;

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
