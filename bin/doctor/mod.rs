//! What this machine is like, for a run: its state directory, its disk and its locks.

mod disk;
mod locks;

use lab1_flow_steps::{Check, Verdict};

use crate::state_dir::StateDir;

/// Asks all of it. It writes a small file into the state directory and removes it again.
pub(crate) fn examine(state_dir: &StateDir) -> Vec<Check> {
    let shown = state_dir.path().display();
    let dir = match state_dir.check().and_then(|()| state_dir.make("doctor")) {
        Ok(dir) => dir,
        Err(error) => {
            let check = Check::new("state directory", Verdict::Problem, error.what);
            return vec![check.advice(error.next.join("; "))];
        }
    };
    let mut checks = vec![disk::writable(&dir, &shown.to_string())];
    if checks[0].verdict == Verdict::Ok {
        checks.extend([disk::kind(&dir), disk::room(&dir), disk::sync(&dir), locks::exclude(&dir)]);
    }
    // What is left of it is an empty folder at most.
    let _empty = std::fs::remove_dir_all(&dir);
    checks
}
