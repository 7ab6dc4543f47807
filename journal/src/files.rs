//! Small things that are done to files: privately, and durably.

use std::collections::hash_map::RandomState;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::hash::BuildHasher;
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::JournalError;
use crate::codec::Chain;
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

/// Opens a private file for reading and writing, and makes it when it is missing.
pub(crate) fn open_or_create(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// Syncs a directory: the names in it survive a loss of power.
pub(crate) fn sync_dir(path: &Path) -> Result<(), JournalError> {
    File::open(path)
        .and_then(|dir| dir.sync_all())
        .doing(|| format!("sync the folder {}", path.display()))
}

/// Syncs a directory with all that is in it.
pub(crate) fn sync_tree(path: &Path) -> Result<(), JournalError> {
    for entry in list(path)? {
        if entry.is_dir() {
            sync_tree(&entry)?;
        } else {
            File::open(&entry)
                .and_then(|file| file.sync_all())
                .doing(|| format!("sync {}", entry.display()))?;
        }
    }
    sync_dir(path)
}

/// Takes the rights of group and others away from all files in a directory.
pub(crate) fn make_private(path: &Path) -> Result<(), JournalError> {
    for entry in list(path)? {
        let mode = if entry.is_dir() { 0o700 } else { 0o600 };
        match fs::set_permissions(&entry, Permissions::from_mode(mode)) {
            // The library below may remove an old file at any moment.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            result => result.doing(|| format!("make {} private", entry.display()))?,
        }
        if entry.is_dir() {
            make_private(&entry)?;
        }
    }
    Ok(())
}

/// Copies a directory with all that is in it to a new private one.
pub(crate) fn copy_tree(from: &Path, to: &Path) -> Result<(), JournalError> {
    create_dir(to)?;
    for entry in list(from)? {
        let Some(name) = entry.file_name() else { continue };
        let target = to.join(name);
        if entry.is_dir() {
            copy_tree(&entry, &target)?;
        } else {
            fs::copy(&entry, &target)
                .doing(|| format!("copy {} to {}", entry.display(), target.display()))?;
        }
    }
    Ok(())
}

/// The checksum of a directory: names and contents of all that is in it.
pub(crate) fn digest_tree(path: &Path) -> Result<Chain, JournalError> {
    let mut parts = Vec::new();
    for entry in list(path)? {
        let name = entry.file_name().unwrap_or_default().as_encoded_bytes().to_owned();
        let content = if entry.is_dir() {
            *digest_tree(&entry)?.as_bytes()
        } else {
            digest_file(&entry).doing(|| format!("read {}", entry.display()))?
        };
        parts.push((name, content));
    }
    parts.sort();
    let parts = parts.iter().flat_map(|(name, content)| [name.as_slice(), b"\0", content]);
    let parts: Vec<&[u8]> = parts.collect();
    Ok(Chain::hash(&parts))
}

fn digest_file(path: &Path) -> io::Result<[u8; 16]> {
    let mut hasher = blake3::Hasher::new();
    io::copy(&mut File::open(path)?, &mut hasher)?;
    let mut digest = [0; 16];
    digest.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    Ok(digest)
}

/// Removes a directory, unless it is gone already.
pub(crate) fn remove_tree(path: &Path) -> Result<(), JournalError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result.doing(|| format!("remove {}", path.display())),
    }
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
    }

    #[test]
    fn all_that_is_in_a_folder_becomes_private() {
        let dir = tempfile::tempdir().unwrap();
        let top = tree(dir.path());
        for (path, open) in [("one", 0o644), ("inner", 0o755), ("inner/two", 0o640)] {
            fs::set_permissions(top.join(path), Permissions::from_mode(open)).unwrap();
        }
        make_private(&top).unwrap();
        let modes = ["one", "inner", "inner/two"].map(|path| mode(&top.join(path)));
        assert_eq!(modes, [0o600, 0o700, 0o600]);
    }

    #[test]
    fn what_is_gone_in_the_meantime_needs_no_rights_and_another_error_is_one() {
        let dir = tempfile::tempdir().unwrap();
        let top = tree(dir.path());
        std::os::unix::fs::symlink("nowhere", top.join("gone")).unwrap();
        make_private(&top).unwrap();
        std::os::unix::fs::symlink("circle", top.join("circle")).unwrap();
        assert!(make_private(&top).is_err());
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
    fn a_copy_has_the_digest_of_its_original_until_a_name_or_a_byte_differs() {
        let dir = tempfile::tempdir().unwrap();
        let (top, copy) = (tree(dir.path()), dir.path().join("copy"));
        copy_tree(&top, &copy).unwrap();
        assert_eq!(fs::read(copy.join("inner/two")).unwrap(), b"2");
        let digest = || digest_tree(&copy).unwrap();
        let original = digest_tree(&top).unwrap();
        assert_eq!(digest(), original);
        fs::write(copy.join("inner/two"), "3").unwrap();
        assert_ne!(digest(), original);
        fs::write(copy.join("inner/two"), "2").unwrap();
        fs::rename(copy.join("one"), copy.join("uno")).unwrap();
        assert_ne!(digest(), original);
    }

    #[test]
    fn what_is_gone_needs_no_removal_and_what_cannot_be_removed_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let top = tree(dir.path());
        assert!(remove_tree(&top.join("one")).is_err(), "it is a file");
        remove_tree(&top).unwrap();
        assert!(!top.exists());
        remove_tree(&top).unwrap();
        assert!(list(&top).is_err());
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
