//! Small things that are done to folders: privately, and durably.

use std::collections::hash_map::RandomState;
use std::fs::{self, DirBuilder, File};
use std::hash::BuildHasher;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::JournalError;
use crate::error::Doing;

/// Makes a directory that only its owner can enter; its parents must be there.
pub(crate) fn create_dir(path: &Path) -> Result<(), JournalError> {
    DirBuilder::new()
        .mode(0o700)
        .create(path)
        .doing(|| format!("create the folder {}", path.display()))
}

/// Makes a directory and its missing parents, all private, and their names durable.
pub(crate) fn create_dirs(path: &Path) -> Result<(), JournalError> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        create_dirs(parent)?;
    }
    match create_dir(path) {
        // Another process was faster.
        Err(_) if path.is_dir() => Ok(()),
        Err(error) => Err(error),
        Ok(()) => path.parent().map_or(Ok(()), sync_dir),
    }
}

/// Syncs a directory: the names in it survive a loss of power.
pub(crate) fn sync_dir(path: &Path) -> Result<(), JournalError> {
    File::open(path)
        .and_then(|dir| dir.sync_all())
        .doing(|| format!("sync the folder {}", path.display()))
}

/// The paths in a directory.
pub(crate) fn list(path: &Path) -> Result<Vec<PathBuf>, JournalError> {
    let read = || fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>();
    read().doing(|| format!("list the folder {}", path.display()))
}

/// The file's own name, as far as it is text.
pub(crate) fn name_of(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

/// A text that no other process, and no other call in this one, uses at this moment.
pub(crate) fn unique() -> String {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    // Of use to whoever finds what it names. In a container it is often the same, as is the count.
    let process = std::process::id();
    let call = CALLS.fetch_add(1, Ordering::Relaxed);
    let random = RandomState::new().hash_one(call);
    format!("{process}-{random:016x}")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A folder with a file, and in it another folder with a file.
    fn tree(at: &Path) -> PathBuf {
        let top = at.join("top");
        create_dirs(&top.join("inner")).unwrap();
        fs::write(top.join("one"), "1").unwrap();
        fs::write(top.join("inner/two"), "2").unwrap();
        top
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn folders_are_private_and_one_that_cannot_be_made_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let top = tree(dir.path());
        assert_eq!([mode(&top), mode(&top.join("inner"))], [0o700; 2]);
        create_dirs(&top).unwrap();
        assert!(create_dirs(&top.join("one/below-a-file")).is_err());
        assert!(create_dir(&top).is_err(), "it is there");
        assert!(list(&top.join("nowhere")).is_err());
    }

    #[test]
    fn many_may_make_a_folder_at_once() {
        for _ in 0..20 {
            let dir = tempfile::tempdir().unwrap();
            let wanted = dir.path().join("one/two/three");
            let start = std::sync::Barrier::new(8);
            let make = || {
                start.wait();
                create_dirs(&wanted)
            };
            std::thread::scope(|scope| {
                let threads: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
                for thread in threads {
                    thread.join().unwrap().unwrap();
                }
            });
        }
    }

    #[test]
    fn names_are_never_used_twice() {
        assert_ne!(unique(), unique());
        let rest = unique().strip_prefix(&format!("{}-", std::process::id())).map(str::len);
        assert_eq!(
            rest,
            Some(16),
            "more than the process and a count: a container has the same again"
        );
    }
}
