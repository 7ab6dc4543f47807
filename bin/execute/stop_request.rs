//! The wish of another process that a run stops: a file in the run's folder.
//!
//! A process id would not do: it may belong to someone else by the time that the signal is sent. The file is
//! read by whoever holds the run, and by nobody else.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lab1_flow_journal::private;
use lab1_flow_workflow::StopSignal;

use crate::progress::Progress;

/// How often the holder looks for the file: soon enough for a person, and nothing for the disk.
const LOOK_EVERY: Duration = Duration::from_millis(100);

fn file_in(run_dir: &Path) -> PathBuf {
    run_dir.join("stop")
}

/// Asks the process that holds the run of this folder to stop.
pub(crate) fn send(run_dir: &Path) -> io::Result<()> {
    private::open_or_create(&file_in(run_dir)).map(drop)
}

/// Takes a request back, or clears one that was met, or one that was for the process that held the run before.
pub(crate) fn clear(run_dir: &Path) -> io::Result<()> {
    match fs::remove_file(file_in(run_dir)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Gives the stop signal when a request arrives, or has arrived since this process took the run.
pub(super) async fn listen(run_dir: PathBuf, stop: StopSignal, progress: Progress) {
    let file = file_in(&run_dir);
    while fs::symlink_metadata(&file).is_err() {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let _cleared_by_the_next = clear(&run_dir);
    progress.note("asked to stop: stopping after the calls in flight");
    stop.request();
}
