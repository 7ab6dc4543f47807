//! The program as a person runs it: a process, its words and its exit status.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use super::patience::wait_for;

/// Longer than any command of a test takes, even on a machine that does other things too.
const LIMIT: Duration = Duration::from_mins(3);

/// A user of the program with a state directory of their own and an environment without AWS.
#[derive(Debug)]
pub(crate) struct Flow {
    home: TempDir,
    commands: AtomicUsize,
}

/// A command that has not ended yet; dropping it kills it.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    line: String,
    stdout: PathBuf,
    stderr: PathBuf,
    started: Instant,
}

/// A command that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    line: String,
    status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) took: Duration,
}

impl Flow {
    /// Makes a user who has never run the program.
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().expect("a temporary directory can be made");
        Self { home, commands: AtomicUsize::new(0) }
    }

    /// Returns the state directory.
    pub(crate) fn state_dir(&self) -> PathBuf {
        self.home.path().join("state")
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.start(arguments).wait()
    }

    /// Starts a command.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        self.start_with(arguments, &[])
    }

    /// Starts a command with variables in its environment.
    pub(crate) fn start_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Running {
        let number = self.commands.fetch_add(1, Ordering::SeqCst);
        let file = |kind: &str| self.home.path().join(format!("{number}.{kind}"));
        let (stdout, stderr) = (file("stdout"), file("stderr"));
        let create = |path: &Path| File::create(path).expect("the output can be kept");
        let child = Command::new(env!("CARGO_BIN_EXE_lab1-flow"))
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home.path())
            .env("LAB1_FLOW_STATE_DIR", self.state_dir())
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(create(&stdout))
            .stderr(create(&stderr))
            .spawn()
            .expect("the program starts");
        let line = arguments.join(" ");
        Running { child, line, stdout, stderr, started: Instant::now() }
    }

    /// Reads one line for each run.
    pub(crate) fn list(&self) -> Vec<Value> {
        self.run(&["list", "--json"]).expect_status(0).objects_with("run_id")
    }

    /// Returns the id of the only run.
    pub(crate) fn only_run(&self) -> String {
        let runs = self.list();
        assert_eq!(runs.len(), 1, "one run: {runs:?}");
        id_of(&runs[0])
    }

    /// Reads the state of one run.
    pub(crate) fn state_of(&self, run: &str) -> String {
        let lines = self.run(&["status", run, "--json"]).expect_status(0).objects_with("run_id");
        let state = lines.first().and_then(|line| line["state"].as_str());
        state.unwrap_or_else(|| panic!("status has a state: {lines:?}")).to_owned()
    }
}

/// Returns the run that a line of `list --json` is about.
pub(crate) fn id_of(line: &Value) -> String {
    line["run_id"].as_str().unwrap_or_else(|| panic!("{line} names a run")).to_owned()
}

impl Running {
    /// Returns the process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal to the process, which has not been waited for.
    pub(crate) fn send(&self, signal: Signal) {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(pid, signal).expect("the process can be signalled");
    }

    /// Kills the process as `kill -9` does, and waits until it is gone; false when it had ended.
    pub(crate) fn kill(mut self) -> bool {
        let alive = self.child.try_wait().expect("the process can be asked").is_none();
        self.child.kill().expect("the process can be killed");
        self.child.wait().expect("the process can be reaped");
        alive
    }

    /// Tells whether the process has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("the process can be asked").is_some()
    }

    /// Reads what the process has printed so far.
    pub(crate) fn stdout_so_far(&self) -> String {
        read(&self.stdout).expect("the output is kept")
    }

    /// Waits for the end; a command that hangs is killed, and fails the test.
    pub(crate) fn wait(self) -> Ended {
        self.wait_within(LIMIT)
    }

    /// Waits for the end as long as this, and as [`Running::wait`] does.
    pub(crate) fn wait_within(mut self, limit: Duration) -> Ended {
        let status = wait_for(limit, || self.child.try_wait().expect("the process can be asked"));
        let (stdout, stderr) = (read(&self.stdout), read(&self.stderr));
        let (stdout, stderr) = (stdout.expect("kept output"), stderr.expect("kept output"));
        let Some(status) = status else {
            panic!("`{}` does not end:\n{stdout}\n{stderr}", self.line);
        };
        let line = std::mem::take(&mut self.line);
        Ended { line, status, stdout, stderr, took: self.started.elapsed() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Best effort: it has usually ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// Returns the exit status; `None` after a signal.
    pub(crate) fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// Insists on an exit status.
    #[track_caller]
    pub(crate) fn expect_status(self, expected: i32) -> Self {
        assert_eq!(self.code(), Some(expected), "{}", self.words());
        self
    }

    /// Returns the JSON objects on standard output that have this key.
    pub(crate) fn objects_with(&self, key: &str) -> Vec<Value> {
        let objects = self.stdout.lines().filter_map(|line| serde_json::from_str(line).ok());
        objects.filter(|object: &Value| object.get(key).is_some()).collect()
    }

    /// Returns everything that the command said, for the message of a failed check.
    pub(crate) fn words(&self) -> String {
        format!(
            "`lab1-flow {}` ended with {}\nstdout:\n{}\nstderr:\n{}",
            self.line, self.status, self.stdout, self.stderr
        )
    }
}

fn read(path: &Path) -> io::Result<String> {
    Ok(String::from_utf8_lossy(&fs::read(path)?).into_owned())
}
