//! What a command line asks of a running daemon.

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::client::{answers, ask};
use super::endpoint::Endpoint;
use super::error::DaemonError;
use super::files::Files;

/// How long a daemon may take to end after it was asked, before it is asked less gently.
const STOP_TIME_MAX: Duration = Duration::from_secs(2);
/// How long a daemon that holds its directory may take to answer: it may be starting on a machine
/// that has much else to do.
const SILENCE_TIME_MAX: Duration = Duration::from_secs(5);
/// Pause between two looks at the lock.
const LOOK_PAUSE: Duration = Duration::from_millis(2);

/// Tells how the embedded cloud stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DaemonStatus {
    /// Where it listens.
    pub endpoint: Endpoint,
    /// How many calls of the API it has answered since its start.
    pub calls: u64,
    /// The account: what [`Cloud::account`](crate::Cloud::account) shows.
    pub account: Value,
}

/// Asks the daemon of a directory how it stands; none runs when there is no answer to give.
///
/// # Errors
///
/// The daemon does not answer or requires no key (an older version), the connection breaks, or the lock file cannot be opened.
pub fn status(directory: &Path) -> Result<Option<DaemonStatus>, DaemonError> {
    match running(&Files::at(directory))? {
        Some(endpoint) => ask(&endpoint, "GET", "status").map(Some),
        None => Ok(None),
    }
}

/// Finds the daemon of a directory and its access key; returns `None` when no daemon runs.
///
/// # Errors
///
/// As [`status`].
pub fn find(directory: &Path) -> Result<Option<Endpoint>, DaemonError> {
    running(&Files::at(directory))
}

/// Empties the account of a directory, whether a daemon serves it or not.
///
/// Also when its file is damaged or of another version: no daemon can serve that one.
///
/// # Errors
///
/// A daemon holds the directory and stays silent, the connection to it breaks, another one takes the directory at this
/// moment, or a file of it is out of reach.
pub fn reset(directory: &Path) -> Result<(), DaemonError> {
    let files = Files::create(directory)?;
    if let Some(endpoint) = running(&files)? {
        return ask::<Value>(&endpoint, "POST", "reset").map(|_| ());
    }
    let _hold = files.hold()?;
    files.remove_state()
}

/// Ends the daemon of a directory and tells whether there was one.
///
/// It is asked first. One that does not end in some seconds is terminated, then killed: it has
/// stored everything that it has answered, so nothing is lost.
///
/// # Errors
///
/// It holds the directory even after that, or the lock's file is out of reach.
pub fn stop(directory: &Path) -> Result<bool, DaemonError> {
    let files = Files::at(directory);
    if !files.is_held()? {
        return Ok(false);
    }
    if let Some(endpoint) = files.read_endpoint().filter(answers) {
        let _asked: Result<Value, _> = ask(&endpoint, "POST", "stop");
        if ends(&files)? {
            return Ok(true);
        }
    }
    for signal in [Signal::TERM, Signal::KILL] {
        // The lock is held, so its holder lives and the pid that it wrote is its own.
        let pid = files.holder().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid {
            let _gone_already = kill_process(pid, signal);
        }
        if ends(&files)? {
            return Ok(true);
        }
    }
    Err(DaemonError::Unresponsive { pid: files.holder() })
}

/// Finds the endpoint of the daemon that holds a directory, once it answers.
///
/// One that has just started is waited for; one that holds the directory and stays silent is an
/// error.
pub(super) fn running(files: &Files) -> Result<Option<Endpoint>, DaemonError> {
    let patience_ends = Instant::now() + SILENCE_TIME_MAX;
    while files.is_held()? {
        if let Some(endpoint) = files.read_endpoint().filter(answers) {
            return Ok(Some(endpoint));
        }
        if Instant::now() > patience_ends {
            let pid = files.holder();
            let is_keyless = files.read_endpoint().is_some_and(|it| it.access_key_id.is_none());
            return Err(if is_keyless {
                DaemonError::Keyless { pid }
            } else {
                DaemonError::Unresponsive { pid }
            });
        }
        std::thread::sleep(LOOK_PAUSE);
    }
    Ok(None)
}

/// Waits until nobody holds the directory, and tells whether that came in time.
fn ends(files: &Files) -> Result<bool, DaemonError> {
    let patience_ends = Instant::now() + STOP_TIME_MAX;
    while files.is_held()? {
        if Instant::now() > patience_ends {
            return Ok(false);
        }
        std::thread::sleep(LOOK_PAUSE);
    }
    Ok(true)
}
