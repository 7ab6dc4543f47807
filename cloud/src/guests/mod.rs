//! The applications on the instances as real processes.
//!
//! For each instance that is up, the application is read from the user data that the instance was given
//! ([`boot_script`]), and runs as a process of its own in a Python environment ([`python`], [`process`]).
//! What the processes answer is reported to the cloud, so that health checks see it; balancers send
//! their requests to them ([`exchange`]). [`host`] keeps the processes and the instances in step.
//!
//! No process outlives the daemon, however that one ends: each reads a pipe whose other end only the
//! daemon holds, and ends when it closes.

mod boot_script;
mod exchange;
mod host;
mod process;
mod python;
mod resident;

use std::path::Path;

use crate::daemon::DaemonError;

pub(crate) use boot_script::Outline;
pub(crate) use host::FlaskGuests;

/// Makes the Python environment of a state directory, unless it is there. `tell` is called with its
/// folder before something that takes seconds.
///
/// # Errors
///
/// Python is missing, or its package index is out of reach; the error holds what was tried and what it said.
pub(crate) fn prepare(directory: &Path, tell: impl FnOnce(&Path)) -> Result<(), DaemonError> {
    python::interpreter(directory, tell).map(|_| ())
}
