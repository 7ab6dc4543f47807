//! Commands that must succeed.

use std::process::{Command, Stdio};

/// Runs a command to its end and returns what it printed.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{command:?} cannot be run: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    Err(format!("{command:?} ended with {}: {stdout}{stderr}", output.status))
}

/// Runs a program that must succeed.
#[track_caller]
pub(crate) fn run(program: &str, arguments: &[&str]) -> String {
    output(Command::new(program).args(arguments)).unwrap_or_else(|error| panic!("{error}"))
}

/// Makes a command that dies with the thread that starts it.
pub(crate) fn mortal(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--", program]);
    command
}
