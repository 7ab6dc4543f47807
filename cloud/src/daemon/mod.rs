//! The embedded cloud as a process of its own, one for each state directory.
//!
//! The directory holds, private to its user:
//!
//! | file | what |
//! |---|---|
//! | `cloud.lock` | locked exclusively by the daemon as long as it lives; the lock decides, the pid inside informs |
//! | `endpoint.json` | the [`Endpoint`], replaced atomically; true only while the lock beside it is held, and kept afterwards for its port and its access key |
//! | `cloud.log` | what the daemon printed; the former one is `cloud.log.1` |
//! | `cloud-state` | the account, written by the cloud before each answer |
//! | `cloud-state.buckets` | what is left of the rate limits, written before each answer |
//! | `guest-python/` | with [`GuestKind::Flask`]: the Python environment of the instances, made once |
//! | `guests/` | with [`GuestKind::Flask`]: a folder for each instance that is up, with its application and its log |
//!
//! The daemon may be killed at any time. The kernel frees the lock, and the next [`start`] goes on
//! with the same account, the same clocks and, where they are free, the same ports.

use std::path::Path;

use crate::options::GuestKind;

mod access_key;
mod client;
mod command;
mod endpoint;
mod endpoint_file;
mod error;
mod files;
mod launch;
mod serve;

pub use access_key::AccessKey;
pub use command::{DaemonStatus, find, reset, status, stop};
pub use endpoint::Endpoint;
pub use error::DaemonError;
pub use launch::{Launch, Started, detach, start};
pub use serve::{ServeOptions, serve, stop_signal};

/// Tells what ran on the instances of a directory's last daemon, if there was one.
pub fn former_guests(directory: &Path) -> Option<GuestKind> {
    files::Files::at(directory).former_endpoint().map(|endpoint| endpoint.guests)
}

/// Makes what the daemon of a directory needs to run such guests, unless it is there. `tell` is called
/// with a folder before something that takes seconds.
///
/// A start from a command does it beforehand: it does not wait so long for a daemon.
///
/// # Errors
///
/// Python is missing, or its package index is out of reach; the error holds what was tried and what it said.
pub fn prepare_guests(
    directory: &Path,
    guests: GuestKind,
    tell: impl FnOnce(&Path),
) -> Result<(), DaemonError> {
    match guests {
        GuestKind::Light => Ok(()),
        GuestKind::Flask => {
            crate::guests::prepare(files::Files::create(directory)?.directory(), tell)
        }
    }
}
