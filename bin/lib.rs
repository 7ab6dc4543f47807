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
//! | `app`, `runs`, `runtime` | what every verb has at hand: global flags, streams, the run store, a runtime |
//! | `target`, `account`, `state_dir`, `stack_lock` | where the stack is built, and what this machine keeps about it |
//! | `doctor` | whether this machine is fit for a run |
//! | `execute` | one run in the hands of this process: engine, signals, progress |
//! | `view` | a run as people see it: pure functions from records to text and JSON |
//! | `progress` | the live view, plain lines, or JSON |
//! | `graph`, `timeline`, `svg` | pictures of a stack and of a run |
//! | `error`, `exit_status`, `output` | how the program speaks and ends |
//! | `door` | the one way to the terminal, on which what others have written is made harmless |

mod account;
mod app;
mod cli;
mod config;
mod confirm;
mod doctor;
mod door;
mod ending;
mod error;
mod execute;
mod exit_status;
mod graph;
mod invocation;
mod limits;
mod local_cloud;
mod output;
mod paint;
mod panics;
mod progress;
mod run_context;
mod runs;
mod runtime;
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
    limits::outlive_full_files();
    let status = catch_unwind(AssertUnwindSafe(answer)).unwrap_or(ExitStatus::Bug);
    status.into()
}

/// The definitions of all verbs and flags; the reference in `docs/cli.md` is made from them.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Whether JSON lines are asked for among the words: the parser ends at `--version`, or at a mistake, before
/// or after it.
fn asks_for_json(words: &[OsString]) -> bool {
    let progress = |pair: &[OsString]| pair[0] == "--progress" && pair[1] == "json";
    words.iter().any(|word| word == "--json" || word == "--progress=json")
        || words.windows(2).any(progress)
}

/// Tells what the parser says to words that it does not know, or to a question for help.
fn tell_parser(error: &clap::Error, words: &[OsString]) -> ExitStatus {
    let output = Output::new(asks_for_json(words), ColorChoice::Auto);
    if output.json && error.kind() == ErrorKind::DisplayVersion {
        output.json_line(&json!({ "event": "version", "name": "lab1-flow", "version": env!("CARGO_PKG_VERSION") }));
        return delivered(&output, ExitStatus::Success).unwrap_or_else(|error| error.status);
    }
    // It repeats what was typed. The same mistake in words that are clean is told as the parser tells it.
    let clean = words.iter().map(|word| door::shown(&word.to_string_lossy()));
    let Err(of_clean) = Cli::try_parse_from(clean) else {
        let error = mistake(error);
        output.error(&error);
        return error.status;
    };
    let rendered = of_clean.render();
    let paint = if of_clean.use_stderr() { output.err } else { output.out };
    let text =
        if paint.is_on() { door::own(&rendered.ansi().to_string()) } else { rendered.to_string() };
    if !of_clean.use_stderr() {
        output.data(&text);
        return delivered(&output, ExitStatus::Success).unwrap_or_else(|error| error.status);
    }
    output.say_text(&text);
    if output.json {
        output.error_line(&mistake(&of_clean));
    }
    ExitStatus::Usage
}

/// No success when something that was to be read is lost: whoever asked did not get it. A reader that went away had
/// seen enough. Any other status stays: it says more.
fn delivered(output: &Output, status: ExitStatus) -> Result<ExitStatus, CliError> {
    if !output.has_lost_data() {
        return Ok(status);
    }
    let lost = CliError::new(ExitStatus::Storage, "what was asked for cannot be written")
        .stands("the command itself has come to its end; what it did stands in the journal")
        .next("make room where its output goes, and look again with `status` or `list`");
    if status == ExitStatus::Success {
        return Err(lost);
    }
    output.error(&lost);
    Ok(status)
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
    let words: Vec<_> = std::env::args_os().collect();
    let cli = match Cli::try_parse_from(&words) {
        Ok(cli) => cli,
        Err(error) => return tell_parser(&error, &words),
    };
    let app = App::new(&cli.global);
    let ended = cli.verb.carry_out(&app).and_then(|status| delivered(&app.output, status));
    ended.unwrap_or_else(|error| {
        app.output.error(&error);
        error.status
    })
}
