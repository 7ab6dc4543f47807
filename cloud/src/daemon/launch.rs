//! Starting the daemon from a command that needs it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::client::answers;
use super::command::running;
use super::endpoint::Endpoint;
use super::error::DaemonError;
use super::files::Files;

/// Pause between two looks at a daemon that is starting.
const LOOK_PAUSE: Duration = Duration::from_millis(1);
/// How long a daemon may take until it answers. It needs tens of milliseconds; a loaded machine
/// with a large account may need seconds.
const START_TIME_MAX: Duration = Duration::from_secs(20);

/// Says how the daemon's process is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// The program; it calls [`detach`] and then [`serve`](super::serve()).
    pub program: PathBuf,
    /// Its arguments. Paths among them must be absolute: the daemon runs in the state directory.
    pub arguments: Vec<OsString>,
}

/// Tells what a start found or made.
#[derive(Debug, Clone, PartialEq)]
pub struct Started {
    /// Where the daemon listens.
    pub endpoint: Endpoint,
    /// Whether this call started it; otherwise it ran already, or another command was first.
    pub fresh: bool,
}

impl Launch {
    /// Starts the program that runs now, with other arguments.
    ///
    /// # Errors
    ///
    /// The system does not say which program runs.
    pub fn of_this_program(
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Result<Self, DaemonError> {
        let program = std::env::current_exe().map_err(|source| DaemonError::Spawn {
            program: PathBuf::from("the running program"),
            source,
        })?;
        Ok(Self { program, arguments: arguments.into_iter().map(Into::into).collect() })
    }
}

/// Returns the endpoint of the directory's daemon, and starts one when none runs.
///
/// Commands that do this at once get one daemon: each may start a process, one of them gets the
/// lock, and all wait for that one's endpoint. Dies here: a daemon that was started goes on by
/// itself and is found by the next command.
///
/// # Errors
///
/// The process cannot be started, ends at once (the error holds the end of its log), or does not answer in time; or a
/// file of the directory is out of reach.
pub fn start(directory: &Path, launch: &Launch) -> Result<Started, DaemonError> {
    let files = Files::create(directory)?;
    if let Some(endpoint) = running(&files)? {
        return Ok(Started { endpoint, fresh: false });
    }
    let mut child = spawn(&files, launch)?;
    let patience_ends = Instant::now() + START_TIME_MAX;
    loop {
        // In this order: a child that ended after the look at the lock may have been beaten to it
        // by one that has it now.
        let ended = has_ended(&mut child, launch)?;
        let held = files.is_held()?;
        if held && let Some(endpoint) = files.read_endpoint().filter(answers) {
            let fresh = endpoint.pid == child.id();
            if !fresh {
                end(&mut child);
            }
            return Ok(Started { endpoint, fresh });
        }
        if ended && !held {
            return Err(DaemonError::Ended { log_tail: files.log_tail() });
        }
        if Instant::now() > patience_ends {
            return Err(DaemonError::Unresponsive { pid: files.holder() });
        }
        std::thread::sleep(LOOK_PAUSE);
    }
}

/// Makes the process independent of the terminal and the session of the command that started it.
///
/// The daemon calls it first. A process that leads its session already stays as it is.
pub fn detach() {
    // The only error says that this process leads a process group, which a daemon started by
    // `start` does not; started by hand from a shell it stays in the shell's session.
    let _leads_already = rustix::process::setsid();
}

/// Starts the process with the log as its only descriptor beside the null input.
///
/// It gets no AWS variable: the embedded cloud needs no credentials, so it shall not hold any.
fn spawn(files: &Files, launch: &Launch) -> Result<Child, DaemonError> {
    let log = files.open_log()?;
    let failed = |source| DaemonError::Spawn { program: launch.program.clone(), source };
    let mut command = Command::new(&launch.program);
    command
        .args(&launch.arguments)
        .current_dir(files.directory())
        .stdin(Stdio::null())
        .stdout(log.try_clone().map_err(failed)?)
        .stderr(log);
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"AWS_") {
            command.env_remove(name);
        }
    }
    // What this process opened closes by itself on exec. What it inherited may not: a lock or a
    // pipe of the calling script would live as long as the daemon.
    close_fds::set_fds_cloexec_threadsafe(3, &[]);
    command.spawn().map_err(failed)
}

/// Ends a process that was not needed: slow to notice, it could come up after the daemon that was
/// first is stopped. It serves nobody, so nothing is lost.
fn end(child: &mut Child) {
    let _ended_already = child.kill();
    let _reaped_already = child.wait();
}

fn has_ended(child: &mut Child, launch: &Launch) -> Result<bool, DaemonError> {
    let failed = |source| DaemonError::Spawn { program: launch.program.clone(), source };
    child.try_wait().map(|status| status.is_some()).map_err(failed)
}
