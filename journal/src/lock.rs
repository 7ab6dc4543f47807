//! The lock of a journal: who may open it.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, File, Metadata, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::Doing;
use crate::{JournalError, private};

/// A look at a lock holds it for microseconds: a start that meets one tries again for so long.
const GRACE: Duration = Duration::from_millis(100);
const POLL: Duration = Duration::from_millis(5);

/// A process id, with some room.
const PID_BYTES_MAX: u64 = 32;

/// A held lock; dropping it, or dying, releases it.
///
/// The lock decides, and belongs to the open file; the process id in the file only informs.
#[derive(Debug)]
pub(crate) struct LockFile {
    file: Option<File>,
    id: FileId,
}

/// A file, whatever its path: device and inode.
type FileId = (u64, u64);

/// The locks that this process holds. A process id in a file may be that of a process in another container, so it does
/// not tell whether the holder is this one.
static HELD_HERE: Mutex<BTreeSet<FileId>> = Mutex::new(BTreeSet::new());

fn held_here() -> MutexGuard<'static, BTreeSet<FileId>> {
    HELD_HERE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn id_of(metadata: &Metadata) -> FileId {
    (metadata.dev(), metadata.ino())
}

impl LockFile {
    /// Takes the lock, waiting up to `patience` for another holder to let go.
    ///
    /// # Errors
    /// [`JournalError::Held`], [`JournalError::Storage`].
    pub(crate) fn acquire(path: &Path, patience: Duration) -> Result<Self, JournalError> {
        let deadline = Instant::now() + patience.max(GRACE);
        loop {
            if let Some(lock) = Self::try_acquire(path).doing(|| doing(path))? {
                return Ok(lock);
            }
            if Instant::now() >= deadline {
                return Err(held(path));
            }
            thread::sleep(POLL);
        }
    }

    fn try_acquire(path: &Path) -> io::Result<Option<Self>> {
        let mut file = private::open_or_create(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // The folder may have been removed between open and lock: then this is nobody's lock.
        let id = id_of(&file.metadata()?);
        if id_of(&fs::symlink_metadata(path)?) != id {
            return Ok(None);
        }
        file.set_len(0)?;
        file.write_all(std::process::id().to_string().as_bytes())?;
        held_here().insert(id);
        Ok(Some(Self { file: Some(file), id }))
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        // Nobody else in this process notes the lock as its own before it is struck off here.
        let mut held = held_here();
        drop(self.file.take());
        held.remove(&self.id);
    }
}

/// Who holds a journal or a run, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The process id that the holder wrote down; it informs, the lock decides.
    pub pid: Option<u32>,
    /// Whether it is this process: another task or another handle of it.
    pub is_here: bool,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_here { "this process" } else { "another process" })?;
        self.pid.map_or(Ok(()), |pid| write!(f, " (pid {pid})"))
    }
}

/// The refusal of a lock that somebody holds.
pub(crate) fn held(path: &Path) -> JournalError {
    JournalError::Held { what: path.display().to_string(), by: holder_of(path) }
}

/// Looks whether a process holds the lock; a missing file is held by nobody.
pub(crate) fn holder(path: &Path) -> Result<Option<Holder>, JournalError> {
    let file = match private::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).doing(|| doing(path)),
    };
    // Shared: two that look do not take one another for a holder.
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => Ok(Some(holder_of(path))),
        Err(TryLockError::Error(error)) => Err(error).doing(|| doing(path)),
    }
}

fn holder_of(path: &Path) -> Holder {
    let written = private::read_at_most(path, PID_BYTES_MAX).unwrap_or_default();
    let pid = std::str::from_utf8(&written).ok().and_then(|pid| pid.trim().parse().ok());
    let metadata = fs::symlink_metadata(path);
    let is_here = metadata.is_ok_and(|metadata| held_here().contains(&id_of(&metadata)));
    Holder { pid, is_here }
}

fn doing(path: &Path) -> String {
    format!("lock {}", path.display())
}

/// The lock that keeps unfinished folders from being swept: shared by those who build, alone for a sweep.
#[derive(Debug)]
pub(crate) struct BuildLock {
    _file: File,
}

impl BuildLock {
    /// Keeps sweeps away; waits for one that is under way.
    pub(crate) fn shared(path: &Path) -> Result<Self, JournalError> {
        let lock = || {
            let file = private::open_or_create(path)?;
            file.lock_shared()?;
            Ok(Self { _file: file })
        };
        lock().doing(|| doing(path))
    }

    /// Gets the right to sweep, unless somebody builds.
    pub(crate) fn try_alone(path: &Path) -> Result<Option<Self>, JournalError> {
        let lock = || {
            let file = private::open_or_create(path)?;
            match file.try_lock() {
                Ok(()) => Ok(Some(Self { _file: file })),
                Err(TryLockError::WouldBlock) => Ok(None),
                Err(TryLockError::Error(error)) => Err(error),
            }
        };
        lock().doing(|| doing(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_is_let_go_in_time_is_taken() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let held = LockFile::acquire(&path, Duration::ZERO).unwrap();
        let refused = LockFile::acquire(&path, Duration::ZERO).unwrap_err();
        let here = format!("held by this process (pid {})", std::process::id());
        assert!(refused.to_string().contains(&here), "{refused}");
        thread::scope(|scope| {
            let waiting = scope.spawn(|| LockFile::acquire(&path, Duration::from_mins(5)));
            // It has met the held lock by now; if not, it is taken at once.
            thread::sleep(POLL * 2);
            drop(held);
            waiting.join().unwrap().unwrap();
        });
    }

    #[test]
    fn a_process_of_another_container_with_the_same_id_is_another_process() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        fs::write(&path, std::process::id().to_string()).unwrap();
        // A lock that was not taken here, as far as this process knows.
        let file = File::open(&path).unwrap();
        file.lock().unwrap();
        let refused = LockFile::acquire(&path, Duration::ZERO).unwrap_err().to_string();
        assert!(refused.contains("held by another process (pid "), "{refused}");
    }

    #[test]
    fn a_lock_that_is_not_there_is_held_by_nobody_and_one_that_cannot_be_read_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        assert_eq!(holder(&path).unwrap(), None);
        let lock = LockFile::acquire(&path, Duration::ZERO).unwrap();
        let pid = Some(std::process::id());
        assert_eq!(holder(&path).unwrap(), Some(Holder { pid, is_here: true }));
        drop(lock);
        assert_eq!(holder(&path).unwrap(), None);
        let below_a_file = holder(&path.join("lock")).unwrap_err().to_string();
        assert!(below_a_file.starts_with("cannot lock "), "{below_a_file}");
    }
}
