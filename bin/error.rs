//! The one error of the command line: what failed, what exists now, what to type.

use std::error::Error;
use std::io;

use lab1_flow_journal::private::{Fault, Unfit};
use lab1_flow_journal::{Failure, FailureClass, JournalError, RunId};
use lab1_flow_steps::shell_command;
use lab1_flow_workflow::EngineError;

use crate::exit_status::ExitStatus;
use crate::invocation::Invocation;
use crate::view::stage::full;

/// Why a verb did not reach its end, in three parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CliError {
    /// How the program ends.
    pub(crate) status: ExitStatus,
    /// What failed. Other lines than the first are shown as quoted.
    pub(crate) what: String,
    /// The place in a file that it is about, as lines of our own.
    pub(crate) excerpt: Option<String>,
    /// What exists now, when that is not plain from the first part.
    pub(crate) stands: Option<String>,
    /// What to type or to do, one line each.
    pub(crate) next: Vec<String>,
}

impl CliError {
    /// An error that ends the program with this status.
    pub(crate) fn new(status: ExitStatus, what: impl Into<String>) -> Self {
        Self { status, what: what.into(), excerpt: None, stands: None, next: Vec::new() }
    }

    /// Wrong usage or configuration.
    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self::new(ExitStatus::Usage, what)
    }

    /// A mistake of this program itself.
    pub(crate) fn bug(what: impl Into<String>) -> Self {
        Self::new(ExitStatus::Bug, what)
            .next("please report it, with `lab1-flow --version` and this text")
    }

    /// The same error with these lines below what failed. In what others have written, line ends are taken
    /// out before.
    #[must_use]
    pub(crate) fn excerpt(mut self, lines: impl Into<String>) -> Self {
        self.excerpt = Some(lines.into());
        self
    }

    /// What failed, with the lines below it.
    pub(crate) fn whole(&self) -> String {
        let excerpt = self.excerpt.iter().map(|lines| format!("\n{lines}"));
        std::iter::once(self.what.clone()).chain(excerpt).collect()
    }

    /// The same error, saying what exists now.
    #[must_use]
    pub(crate) fn stands(mut self, text: impl Into<String>) -> Self {
        self.stands = Some(text.into());
        self
    }

    /// The same error with one more line of what to do.
    #[must_use]
    pub(crate) fn next(mut self, line: impl Into<String>) -> Self {
        self.next.push(line.into());
        self
    }

    /// Tells what a journal refused, for a verb that is about this run.
    pub(crate) fn of_journal(
        error: &JournalError,
        run: Option<&RunId>,
        program: &Invocation,
    ) -> Self {
        let what = with_causes(error);
        match error {
            JournalError::Held { by, .. } => held(run, by.pid, program)
                .next("or wait for its end: `resume` and `rollback` do so with --wait-lock"),
            JournalError::Conflict { .. } => Self::new(ExitStatus::Held, what)
                .stands("this process has sent nothing further")
                .next("wait until the other process has ended, then look at the run again"),
            JournalError::NotFound { run } => Self::usage(what)
                .next(program.command(&["list"]))
                .stands(format!("no run whose id begins with {run} is in the state directory")),
            JournalError::Damaged { .. } => Self::new(ExitStatus::Journal, what)
                .stands("nothing was sent, and the journal's files are left as they are")
                .next("restore the run's folder from a copy, or take back what carries its mark:")
                .next(program.command(&[
                    "rollback",
                    "--from-tags",
                    run.map_or("RUN-ID", RunId::as_str),
                ])),
            JournalError::NewerFormat { .. } => Self::new(ExitStatus::Journal, what)
                .stands("nothing was sent and nothing was changed")
                .next("use the version of lab1-flow that made the run, or a later one"),
            JournalError::Unfit(unfit) => Self::of_unfit(unfit),
            JournalError::Storage { source, .. } => storage(what, source, run, program),
            _ => Self::bug(what),
        }
    }

    /// Refuses a file or folder of the state directory that is not what it should be, with the command that mends it.
    pub(crate) fn of_unfit(unfit: &Unfit) -> Self {
        let path = shell_command([unfit.path.as_os_str().to_owned()]);
        let (status, next) = match unfit.fault {
            Fault::Writable { .. } => (ExitStatus::Usage, format!("chmod 700 {path}")),
            Fault::Unguarded { .. } => (ExitStatus::Usage, format!("chmod o-w {path}")),
            Fault::Foreign { ours, .. } => (
                ExitStatus::Usage,
                format!("use that user, or make it yours: chown -R {ours} {path}"),
            ),
            Fault::Shared { .. } => (
                ExitStatus::Journal,
                format!(
                    "give it a file of its own: cp -p {path} {path}.own && mv {path}.own {path}"
                ),
            ),
            _ => (
                ExitStatus::Journal,
                format!("look at it, and put what belongs there in its place: ls -ld {path}"),
            ),
        };
        let error = Self::new(status, unfit.to_string())
            .stands("it was left as it is, and nothing was sent")
            .next(next);
        match status {
            ExitStatus::Usage => error.next("or name another directory with --state-dir"),
            _ => error,
        }
    }

    /// Tells why an engine could not go on with a run.
    pub(crate) fn of_engine(error: &EngineError, run: &RunId, program: &Invocation) -> Self {
        let what = with_causes(error);
        match error {
            EngineError::Journal(error) => Self::of_journal(error, Some(run), program),
            EngineError::OtherWorkflow { .. } => Self::usage(what)
                .stands("nothing was sent")
                .next("use the program that started the run"),
            EngineError::StepChanged { .. } => Self::usage(what)
                .stands("nothing was sent; the run stands where its journal says")
                .next("undo that change in the file of --config")
                .next("without --config: use the version of lab1-flow that started the run"),
            EngineError::Stored { .. } | EngineError::Profile(_) => {
                Self::new(ExitStatus::Journal, what)
                    .stands("nothing was sent; the run stands where its journal says")
                    .next("use the version of lab1-flow that the run was last carried out with")
            }
            EngineError::Header(_) => Self::usage(what).stands("nothing was created"),
            _ => Self::bug(what).stands("the run stands where its journal says"),
        }
    }
}

impl CliError {
    /// Tells why a look at the account came to no result; `again` is what to type then.
    pub(crate) fn of_look(failure: &Failure, again: String) -> Self {
        let status = match failure.class {
            FailureClass::Throttled | FailureClass::Unreachable => ExitStatus::Suspended,
            FailureClass::Transient
            | FailureClass::Ambiguous
            | FailureClass::Contended
            | FailureClass::Permanent => ExitStatus::StepFailed,
        };
        let error = Self::new(status, full(failure)).stands("nothing was changed");
        failure.advice.iter().cloned().fold(error, Self::next).next(again)
    }
}

/// The disk has failed below a journal, or somebody has removed its files.
fn storage(
    what: String,
    source: &io::Error,
    run: Option<&RunId>,
    program: &Invocation,
) -> CliError {
    let error = CliError::new(ExitStatus::Storage, what);
    match run {
        Some(run) if source.kind() == io::ErrorKind::NotFound => error
            .stands(
                "nothing further was sent; what the run has made stands, and its records are gone",
            )
            .next(program.command(&["rollback", "--from-tags", run.as_str()])),
        _ => {
            let error = error
                .stands("nothing further was sent; what was acknowledged before is safe")
                .next("make room, make the state directory writable, or name another with --state-dir");
            match run {
                Some(run) => error.next(program.command(&["resume", run.as_str()])),
                None => error.next("then give the same command again"),
            }
        }
    }
}

/// Another process has the run.
pub(crate) fn held(run: Option<&RunId>, pid: Option<u32>, program: &Invocation) -> CliError {
    let holder = pid.map_or_else(String::new, |pid| format!(" (pid {pid})"));
    let name = run.map_or_else(|| "the run".to_owned(), |run| format!("run {run}"));
    let error =
        CliError::new(ExitStatus::Held, format!("{name} is held by another process{holder}"))
            .stands("this process has changed nothing");
    match run {
        Some(run) => error
            .next(program.command(&["status", run.as_str()]))
            .next(program.command(&["stop", run.as_str()])),
        None => error,
    }
}

/// An error with what lies below it, in one line, each text once.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(cause) = below {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        below = cause.source();
    }
    text
}
