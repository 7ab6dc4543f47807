//! A Python environment with moto, boto3 and the AWS CLI: made once, kept, shared by every suite.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::report;

/// A list of packages, each with its version, in a file beside this one.
#[derive(Debug)]
struct Packages {
    file: &'static str,
    list: &'static str,
}

const USUAL: Packages =
    Packages { file: "requirements.txt", list: include_str!("requirements.txt") };

const OLDER_MOTO: Packages = Packages {
    file: "requirements-older-moto.txt",
    list: include_str!("requirements-older-moto.txt"),
};

/// Names a folder outside the clone that is kept from one build to the next.
const CACHE: &str = "LAB1_FLOW_TEST_CACHE";

/// An interpreter that has the packages of a list.
#[derive(Debug, Clone)]
pub(crate) struct Python {
    interpreter: PathBuf,
    has_older_moto: bool,
}

impl Python {
    /// Finds the environment, or makes it; says what is left out where it cannot be made.
    ///
    /// Under CI a missing Python fails the test instead: there nothing may be left out.
    pub(crate) fn or_say_skipped(suite: &str) -> Option<Self> {
        Self::with(&USUAL, suite)
    }

    /// The same with an older moto.
    pub(crate) fn with_older_moto_or_say_skipped(suite: &str) -> Option<Self> {
        Self::with(&OLDER_MOTO, suite)
    }

    fn with(packages: &Packages, suite: &str) -> Option<Self> {
        match Self::environment(packages) {
            Ok(python) => Some(python),
            Err(reason) => {
                assert!(std::env::var_os("CI").is_none(), "{suite} needs Python: {reason}");
                report::skipped(suite, &reason);
                None
            }
        }
    }

    /// Gives a command that runs one of the scripts beside this file.
    pub(crate) fn script(&self, name: &str) -> Command {
        self.script_at(&support_folder().join(name))
    }

    /// Gives a command that runs a script of a suite.
    pub(crate) fn script_at(&self, path: &Path) -> Command {
        let mut command = Command::new(&self.interpreter);
        // Bytecode would be left beside the script, in the source tree; suites share what is in this folder.
        command.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONPATH", support_folder()).arg(path);
        command
    }

    /// Tells whether it is the older moto.
    pub(crate) fn has_older_moto(&self) -> bool {
        self.has_older_moto
    }

    /// Returns the path of the interpreter.
    pub(crate) fn interpreter(&self) -> &Path {
        &self.interpreter
    }

    fn environment(packages: &Packages) -> Result<Self, String> {
        let base = run(Command::new("python3").arg("--version"))?;
        let folder = kept("python", &(packages.list, base))?;
        let has_older_moto = packages.file == OLDER_MOTO.file;
        let python = Self { interpreter: folder.join("venv/bin/python"), has_older_moto };

        // Suites run in processes of their own: one makes the environment, the others wait for it.
        let lock = File::create(folder.join("lock")).map_err(|error| error.to_string())?;
        lock.lock().map_err(|error| error.to_string())?;
        let complete = folder.join("complete");
        if !complete.exists() {
            python.install(packages, &folder)?;
            File::create(complete).map_err(|error| error.to_string())?;
        }
        Ok(python)
    }

    fn install(&self, packages: &Packages, folder: &Path) -> Result<(), String> {
        report::note(&format!("making a Python environment in {}", folder.display()));
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder.join("venv")))?;
        let requirements = support_folder().join(packages.file);
        run(Command::new(&self.interpreter)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .arg("--requirement")
            .arg(requirements))?;
        Ok(())
    }
}

/// Returns the folder that is kept from one build to the next.
pub(crate) fn cache() -> PathBuf {
    std::env::var_os(CACHE)
        .map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from)
}

/// Makes a folder that is kept from one build to the next, for what is made from `recipe`.
pub(crate) fn kept(kind: &str, recipe: &impl Hash) -> Result<PathBuf, String> {
    let mut key = DefaultHasher::new();
    recipe.hash(&mut key);
    let folder = cache().join(format!("{kind}-{:016x}", key.finish()));
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder)
}

/// Returns the folder of this file, where the scripts are.
pub(crate) fn support_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support")
}

/// Runs a command to its end and returns what it printed; the error carries what it complained of.
fn run(command: &mut Command) -> Result<String, String> {
    let name = format!("{command:?}");
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{name} cannot be run: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("{name} ended with {}: {}", output.status, complaint.trim()))
}
