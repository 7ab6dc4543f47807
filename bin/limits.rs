//! What the system does to a process that meets a limit.

use rustix::process::Signal as Number;
use tokio::signal::unix::{SignalKind, signal};

/// Lets a write beyond the limit for files (`ulimit -f`) fail, as one on a full disk does; by default it ends the process.
///
/// A handler stays for the life of the process, and is not inherited as an ignored signal would be: what this program
/// starts meets its limits as usual. Where no handler can be had, such a write is a death like any other.
pub(crate) fn outlive_full_files() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
    let _by_default_then = runtime.map(|runtime| {
        let _entered = runtime.enter();
        signal(SignalKind::from_raw(Number::XFSZ.as_raw())).map(drop)
    });
}
