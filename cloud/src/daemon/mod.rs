//! The embedded cloud as a process of its own, one for each state directory.
//!
//! The directory holds, private to its user:
//!
//! | file | what |
//! |---|---|
//! | `cloud.lock` | locked exclusively by the daemon as long as it lives; the lock decides, the pid inside informs |
//! | `endpoint.json` | the [`Endpoint`], replaced atomically; true only while the lock is held, and kept afterwards for its port |
//! | `cloud.log` | what the daemon printed; the former one is `cloud.log.1` |
//! | `cloud-state` | the account, written by the cloud before each answer |
//!
//! The daemon may be killed at any time. The kernel frees the lock, and the next [`start`] goes on
//! with the same account, the same clocks and, where they are free, the same ports.

mod client;
mod command;
mod endpoint;
mod error;
mod files;
mod launch;
mod serve;

pub use command::{DaemonStatus, reset, status, stop};
pub use endpoint::Endpoint;
pub use error::DaemonError;
pub use launch::{Launch, Started, detach, start};
pub use serve::{ServeOptions, serve, stop_signal};
