//! The command line of `lab1-flow`: it reads words, asks the crates below, and tells what came of it.
//!
//! No rule of the domain lives here. What may be configured, how a resource is made and whether a run may go
//! on is decided in `lab1-flow-steps` and `lab1-flow-workflow`; this crate chooses the target, holds the
//! locks of this machine, watches signals, and speaks to people and scripts.
//!
//! | module | what |
//! |---|---|
//! | `cli`, `verbs` | the words: one file a verb, with arguments, help and body together |
//! | `config` | the configuration file, and where in it a mistake stands |
//! | `target`, `account`, `state_dir`, `stack_lock` | where the stack is built, and what this machine keeps about it |
//! | `doctor` | whether this machine is fit for a run |
//! | `execute` | one run in the hands of this process: engine, signals, progress |
//! | `view` | a run as people see it: pure functions from records to text and JSON |
//! | `progress` | the live view, plain lines, or JSON |
//! | `graph`, `timeline`, `svg` | pictures of a stack and of a run |
//! | `error`, `exit_status`, `output` | how the program speaks and ends |

mod account;
mod app;
mod cli;
mod config;
mod confirm;
mod doctor;
mod ending;
mod error;
mod execute;
mod exit_status;
mod graph;
mod invocation;
mod local_cloud;
mod output;
mod paint;
mod panics;
mod progress;
mod run_context;
mod stack_lock;
mod state_dir;
mod suggestion;
mod svg;
mod target;
mod timeline;
mod verbs;
mod view;

#[cfg(test)]
#[expect(dead_code, reason = "shared with the transcripts, which use the rest")]
#[path = "../tests/common/stored.rs"]
mod stored;

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use serde_json::json;

use crate::app::App;
use crate::cli::Cli;
use crate::error::CliError;
use crate::exit_status::ExitStatus;
use crate::output::{ColorChoice, Output};

/// Reads the process's arguments, does what they say, and tells how it ended.
///
/// It never panics: a bug inside ends with status 70, and every run stands where its journal says.
pub fn main() -> ExitCode {
    panics::install_hook();
    let status = catch_unwind(AssertUnwindSafe(answer)).unwrap_or(ExitStatus::Bug);
    status.into()
}

/// The definitions of all verbs and flags; the reference in `docs/cli.md` is made from them.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Whether JSON lines are asked for among the words: the parser ends at `--version`, or at a mistake, before or after it.
fn asks_for_json() -> bool {
    let words: Vec<_> = std::env::args_os().collect();
    let progress = |pair: &[OsString]| pair[0] == "--progress" && pair[1] == "json";
    words.iter().any(|word| word == "--json" || word == "--progress=json")
        || words.windows(2).any(progress)
}

/// Tells what the parser says to words that it does not know, or to a question for help.
fn tell_parser(error: &clap::Error) -> ExitStatus {
    let _reader_gone = error.print();
    if !error.use_stderr() {
        return ExitStatus::Success;
    }
    if asks_for_json() {
        Output::new(true, ColorChoice::Never).error_line(&mistake(error));
    }
    ExitStatus::Usage
}

/// What was wrong with the words, without the usage that follows it.
fn mistake(error: &clap::Error) -> CliError {
    let whole = error.to_string();
    let said = match error.kind() {
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            "a verb is missing"
        }
        _ => whole.trim_start_matches("error: "),
    };
    let paragraphs = said.split("\n\n");
    let told = paragraphs.take_while(|part| {
        !part.starts_with("Usage:") && !part.starts_with("For more information")
    });
    let one_line = |part: &str| part.split_whitespace().collect::<Vec<_>>().join(" ");
    let what = told.map(one_line).collect::<Vec<_>>().join("; ");
    CliError::usage(what).next("lab1-flow --help")
}

fn answer() -> ExitStatus {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if error.kind() == ErrorKind::DisplayVersion && asks_for_json() => {
            let output = Output::new(true, ColorChoice::Never);
            output.json_line(&json!({ "event": "version", "name": "lab1-flow", "version": env!("CARGO_PKG_VERSION") }));
            return ExitStatus::Success;
        }
        Err(error) => return tell_parser(&error),
    };
    let app = App::new(&cli.global);
    let shows = cli.verb.only_shows();
    let ended = cli.verb.carry_out(&app).and_then(|status| {
        if shows && app.output.has_lost_data() {
            return Err(CliError::new(ExitStatus::Storage, "what was asked for cannot be written"));
        }
        Ok(status)
    });
    ended.unwrap_or_else(|error| {
        app.output.error(&error);
        error.status
    })
}
