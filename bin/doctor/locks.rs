//! Whether a lock keeps a second process out: some network file systems only pretend.

use std::fs::TryLockError;
use std::io;
use std::path::Path;

use lab1_flow_journal::private;
use lab1_flow_steps::{Check, Verdict};

const SUBJECT: &str = "locks";

/// Locks a file twice, through two descriptors: the second must be refused.
pub(super) fn exclude(dir: &Path) -> Check {
    match try_both(dir) {
        Ok(true) => Check::new(SUBJECT, Verdict::Ok, "a second holder is kept out"),
        Ok(false) => Check::new(SUBJECT, Verdict::Problem, "two holders got the same lock at once")
            .advice(
                "use a state directory on a local disk: two processes could work on one run here",
            ),
        Err(error) => Check::new(SUBJECT, Verdict::Problem, format!("no lock can be had: {error}"))
            .advice("use a state directory on a local disk"),
    }
}

fn try_both(dir: &Path) -> io::Result<bool> {
    let path = dir.join("lock");
    let open = || private::open_or_create(&path);
    let (first, second) = (open()?, open()?);
    first.lock()?;
    match second.try_lock() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_of_a_local_disk_exclude() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(exclude(dir.path()).verdict, Verdict::Ok);
        assert_eq!(exclude(&dir.path().join("absent")).verdict, Verdict::Problem);
    }
}
