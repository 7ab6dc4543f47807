//! Asking a person before something that costs money or deletes.

use std::io::{self, BufRead, IsTerminal};

use crate::app::App;
use crate::door::Stream;
use crate::error::CliError;

/// Refuses at once where nobody can be asked.
pub(crate) fn refuse_without_terminal(deed: &str) -> Result<(), CliError> {
    if io::stdin().is_terminal() && Stream::Err.is_terminal() {
        return Ok(());
    }
    Err(CliError::usage(format!("{deed} needs a yes, and there is no terminal to ask on"))
        .stands("nothing was sent")
        .next("give the same command with --yes"))
}

/// Asks for exactly this answer.
pub(crate) fn ask(app: &App, question: &str, answer: &str) -> Result<(), CliError> {
    let _terminal_gone = Stream::Err.question(&app.output.err.bold(question));
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    if read.is_ok() && line.trim() == answer {
        return Ok(());
    }
    Err(CliError::usage("not confirmed")
        .stands("nothing was sent, and nothing was changed")
        .next(format!("give the same command again and type {answer}, or add --yes")))
}
