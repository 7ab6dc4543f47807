//! What can go wrong with the daemon.

use std::io;
use std::path::PathBuf;

use crate::CloudError;
use crate::fault::FaultPlanError;

/// Says why the daemon could not be started, reached or stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DaemonError {
    /// A file or directory of the daemon is out of reach.
    #[error("cannot {doing} {path}", path = path.display())]
    File {
        /// What was tried, as `open`.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The wanted port cannot be bound.
    #[error("cannot listen on 127.0.0.1:{port}")]
    Port {
        /// The port.
        port: u16,
        /// Why not.
        source: io::Error,
    },
    /// Another daemon serves this directory.
    #[error("another embedded cloud serves {directory}{holder}", directory = directory.display(), holder = pid.map(|pid| format!(" (process {pid})")).unwrap_or_default())]
    Held {
        /// The state directory.
        directory: PathBuf,
        /// The holder, as far as it told.
        pid: Option<u32>,
    },
    /// The stored account cannot be opened.
    #[error("cannot open the account of the embedded cloud")]
    Cloud(#[from] CloudError),
    /// The plan of faults cannot be meant.
    #[error("the plan of faults is wrong")]
    Faults(#[from] FaultPlanError),
    /// The environment in which the applications of the instances run could not be made.
    #[error("cannot make the Python environment of the instances: `{command}`: {reason}")]
    Guests {
        /// What was run.
        command: String,
        /// What came of it.
        reason: String,
    },
    /// The daemon's process could not be started.
    #[error("cannot start {program}", program = program.display())]
    Spawn {
        /// The program.
        program: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The daemon's process ended before it answered.
    #[error("the embedded cloud ended at once; the end of its log:\n{log_tail}")]
    Ended {
        /// The last lines of the log.
        log_tail: String,
    },
    /// A daemon holds the directory and does not answer.
    #[error("the embedded cloud does not answer{holder}", holder = pid.map(|pid| format!(" (process {pid})")).unwrap_or_default())]
    Unresponsive {
        /// The holder, as far as it told.
        pid: Option<u32>,
    },
    /// The daemon is of an older version, which requires no access key.
    #[error("the embedded cloud{holder} is of an older version and answers every user of this machine", holder = pid.map(|pid| format!(" (process {pid})")).unwrap_or_default())]
    Keyless {
        /// The holder, as far as it told.
        pid: Option<u32>,
    },
    /// The system provides no random bytes for an access key.
    #[error("cannot create an access key")]
    NoKey(#[source] io::Error),
    /// The daemon refused a request.
    #[error("the embedded cloud answered {status}: {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What it said.
        message: String,
    },
    /// The connection to the daemon broke.
    #[error("cannot speak with the embedded cloud")]
    Connection(#[source] io::Error),
}
