//! The files of a state directory: lock and log.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::error::DaemonError;
use crate::private;

/// How long a daemon tries to get the lock. Commands that look whether it is held take it for
/// microseconds; a daemon that holds it keeps it.
const LOCK_PATIENCE: Duration = Duration::from_millis(500);
/// Pause between two tries.
const LOCK_PAUSE: Duration = Duration::from_millis(2);
/// A log above this size is put aside when a daemon starts.
const LOG_BYTES_MAX: u64 = 1024 * 1024;
/// A process id, with some room.
const NOTE_BYTES_MAX: u64 = 32;
/// How much of the log's end is shown when a start fails.
const LOG_TAIL_BYTES: u64 = 2_048;

/// Names the files of one state directory.
#[derive(Debug, Clone)]
pub(super) struct Files {
    directory: PathBuf,
}

/// Holds the directory for one daemon, until it is dropped or the process dies.
#[derive(Debug)]
pub(super) struct Hold {
    _locked: File,
}

impl Files {
    /// Takes a directory, and makes it when it is not there, readable by its user alone.
    pub(super) fn create(directory: &Path) -> Result<Self, DaemonError> {
        let failed = |doing, source| DaemonError::File { doing, path: directory.into(), source };
        let directory = std::path::absolute(directory).map_err(|e| failed("resolve", e))?;
        private::make_folder(&directory).map_err(|error| failed("make", error))?;
        Ok(Self { directory })
    }

    /// Takes a directory that may not be there.
    pub(super) fn at(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Names the file in which the account is stored.
    pub(super) fn state(&self) -> PathBuf {
        self.directory.join("cloud-state")
    }

    /// Removes the stored account. Only who holds the directory may.
    pub(super) fn remove_state(&self) -> Result<(), DaemonError> {
        for path in [self.state(), self.state().with_extension("buckets")] {
            match fs::remove_file(&path) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(DaemonError::File { doing: "remove", path, source });
                }
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.directory.join("cloud.lock")
    }

    fn log(&self) -> PathBuf {
        self.directory.join("cloud.log")
    }

    /// Takes the directory for this process.
    ///
    /// It tries again while others merely look. From a daemon it takes nothing over, however soon
    /// that one ends: a process that lost a race must not come up after the winner was stopped.
    pub(super) fn hold(&self) -> Result<Hold, DaemonError> {
        self.hold_within(LOCK_PATIENCE)
    }

    fn hold_within(&self, patience: Duration) -> Result<Hold, DaemonError> {
        let path = self.lock();
        let failed = |doing, source| DaemonError::File { doing, path: self.lock(), source };
        let mut file = private::open_or_create(&path).map_err(|error| failed("open", error))?;
        let patience_ends = Instant::now() + patience;
        while !lock(&file).map_err(|error| failed("lock", error))? {
            let only_lookers = matches!(file.try_lock_shared(), Ok(()));
            if !only_lookers || Instant::now() > patience_ends {
                let directory = self.directory.clone();
                return Err(DaemonError::Held { directory, pid: self.holder() });
            }
            file.unlock().map_err(|error| failed("unlock", error))?;
            std::thread::sleep(LOCK_PAUSE);
        }
        file.set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| writeln!(file, "{}", std::process::id()))
            .map_err(|error| failed("write", error))?;
        Ok(Hold { _locked: file })
    }

    /// Tells whether a daemon holds the directory now.
    ///
    /// Looking takes a shared lock for a moment: lookers do not disturb each other, and a daemon
    /// that starts at that moment tries again.
    pub(super) fn is_held(&self) -> Result<bool, DaemonError> {
        let path = self.lock();
        let file = match private::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(source) => return Err(DaemonError::File { doing: "open", path, source }),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(source)) => {
                Err(DaemonError::File { doing: "lock", path, source })
            }
        }
    }

    /// Returns the process id that the latest holder wrote.
    pub(super) fn holder(&self) -> Option<u32> {
        let note = private::read_at_most(&self.lock(), NOTE_BYTES_MAX).ok()?;
        String::from_utf8(note).ok()?.trim().parse().ok()
    }

    /// Opens the log for a new daemon, and puts a large one aside.
    pub(super) fn open_log(&self) -> Result<File, DaemonError> {
        let path = self.log();
        let opened = (|| {
            if fs::symlink_metadata(&path).is_ok_and(|log| log.len() > LOG_BYTES_MAX) {
                fs::rename(&path, self.directory.join("cloud.log.1"))?;
            }
            private::open_to_append(&path)
        })();
        opened.map_err(|source| DaemonError::File { doing: "open", path, source })
    }

    /// Reads the end of the log.
    pub(super) fn log_tail(&self) -> String {
        let read = || -> io::Result<String> {
            let mut log = private::open(&self.log())?;
            let length = log.metadata()?.len();
            log.seek(SeekFrom::Start(length.saturating_sub(LOG_TAIL_BYTES)))?;
            let mut tail = Vec::new();
            log.take(LOG_TAIL_BYTES).read_to_end(&mut tail)?;
            Ok(String::from_utf8_lossy(&tail).into_owned())
        };
        read().unwrap_or_else(|error| format!("(the log cannot be read: {error})"))
    }
}

/// Tries to lock a file exclusively and tells whether that went well.
fn lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Longer than any test.
    const NEVER: Duration = Duration::from_hours(1);

    #[test]
    fn only_one_holds_a_directory_and_lookers_see_it() {
        let directory = tempfile::tempdir().unwrap();
        let files = Files::create(&directory.path().join("a/b")).unwrap();
        assert!(!files.is_held().unwrap());
        let hold = files.hold().unwrap();
        assert!(files.is_held().unwrap());
        let second = files.hold().unwrap_err();
        let expected = Some(std::process::id());
        assert!(matches!(second, DaemonError::Held { pid, .. } if pid == expected), "{second}");
        drop(hold);
        assert!(!files.is_held().unwrap());
        files.hold().unwrap();
    }

    #[test]
    fn a_looker_does_not_keep_a_daemon_from_starting() {
        let directory = tempfile::tempdir().unwrap();
        let files = Files::create(directory.path()).unwrap();
        drop(files.hold().unwrap());
        let looker = File::open(files.lock()).unwrap();
        looker.try_lock_shared().unwrap();
        let daemon = std::thread::spawn({
            let files = files.clone();
            move || files.hold_within(NEVER).map(drop)
        });
        // Time for the daemon to meet the looker; it goes on trying.
        std::thread::sleep(Duration::from_millis(50));
        drop(looker);
        daemon.join().unwrap().unwrap();
    }

    #[test]
    fn what_a_daemon_holds_is_not_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let files = Files::create(directory.path()).unwrap();
        let daemon = files.hold().unwrap();
        let late = std::thread::spawn({
            let files = files.clone();
            move || files.hold_within(NEVER).map(drop)
        });
        // One that waits for the daemon is there still when the patience of this test ends.
        let patience_ends = Instant::now() + Duration::from_mins(1);
        while !late.is_finished() && Instant::now() < patience_ends {
            std::thread::sleep(LOCK_PAUSE);
        }
        drop(daemon);
        assert!(late.join().unwrap().is_err(), "it came up after the daemon was stopped");
    }

    #[test]
    fn everything_is_private_to_the_user() {
        use std::os::unix::fs::PermissionsExt;
        let parent = tempfile::tempdir().unwrap();
        let files = Files::create(&parent.path().join("state")).unwrap();
        let _hold = files.hold().unwrap();
        files.open_log().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(files.directory()), 0o700);
        for path in [files.lock(), files.log()] {
            assert_eq!(mode(&path), 0o600, "{}", path.display());
        }
    }

    #[test]
    fn a_large_log_is_put_aside_and_its_tail_is_short() {
        let directory = tempfile::tempdir().unwrap();
        let files = Files::create(directory.path()).unwrap();
        let mut log = files.open_log().unwrap();
        log.write_all(&vec![b'x'; 2 * 1024 * 1024]).unwrap();
        assert_eq!(files.log_tail().len() as u64, LOG_TAIL_BYTES);
        let fresh = files.open_log().unwrap();
        assert_eq!(fresh.metadata().unwrap().len(), 0);
        assert!(directory.path().join("cloud.log.1").exists());
    }
}
