//! The Python environment in which the applications of the instances run: made once, kept.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::daemon::DaemonError;
use crate::private;

/// What is installed: the same that a boot script with Flask and waitress asks for.
const PACKAGES: [&str; 2] = ["flask>=3,<4", "waitress>=3,<4"];

/// Finds the interpreter of a state directory's environment, and makes the environment when it is not
/// there. `tell` is called with its folder before something that takes seconds.
///
/// Dies here: an environment that was not completed is made anew.
pub(super) fn interpreter(
    directory: &Path,
    tell: impl FnOnce(&Path),
) -> Result<PathBuf, DaemonError> {
    let folder = directory.join("guest-python");
    let failed =
        |doing, path: &Path, source| DaemonError::File { doing, path: path.into(), source };
    private::make_folder(&folder).map_err(|error| failed("make", &folder, error))?;
    // Two commands may want it at once: one makes it, the other waits.
    let lock = folder.join("lock");
    let lock_file = private::open_or_create(&lock).map_err(|error| failed("open", &lock, error))?;
    lock_file.lock().map_err(|error| failed("lock", &lock, error))?;

    let base = run(Command::new("python3").arg("--version"))?;
    let made_of = format!("{} {}", base.trim(), PACKAGES.join(" "));
    let (complete, environment) = (folder.join("complete"), folder.join("venv"));
    let interpreter = environment.join("bin/python");
    let made = private::read_at_most(&complete, made_of.len() as u64);
    if made.is_ok_and(|text| text == made_of.as_bytes()) && interpreter.exists() {
        return Ok(interpreter);
    }
    tell(&folder);
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment))?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    run(Command::new(&interpreter).args(pip).args(PACKAGES))?;
    let written =
        private::create_anew(&complete).and_then(|mut file| file.write_all(made_of.as_bytes()));
    written.map_err(|error| failed("write", &complete, error))?;
    Ok(interpreter)
}

/// Runs a command to its end and returns what it printed.
fn run(command: &mut Command) -> Result<String, DaemonError> {
    let failed = |command: &Command, reason: String| {
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
        DaemonError::Guests { command: words.join(" "), reason }
    };
    let output = match command.stdin(Stdio::null()).output() {
        Ok(output) => output,
        Err(error) => return Err(failed(command, error.to_string())),
    };
    if !output.status.success() {
        // venv complains on standard output, pip on standard error.
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).trim().to_owned();
        return Err(failed(command, format!("{}\n{said}", output.status)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
