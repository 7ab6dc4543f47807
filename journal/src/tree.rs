//! Folders with all that is in them, walked by descriptor: no link is followed, whoever changes names meanwhile.

use std::ffi::{CStr, OsStr, OsString};
use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Dir, Mode, OFlags, openat};

use crate::codec::Chain;
use crate::error::Doing;
use crate::private::{self, Fault};
use crate::{JournalError, files};

/// A run's folder holds the database, and that a folder of sled's: nothing lies deeper.
const DEPTH_MAX: usize = 8;

/// An open folder.
#[derive(Debug)]
struct Folder {
    fd: OwnedFd,
    path: PathBuf,
    depth: usize,
}

/// What lies in a folder.
#[derive(Debug)]
enum Entry {
    Folder(Folder),
    File(File, PathBuf),
}

impl Folder {
    fn open(path: &Path) -> Result<Self, JournalError> {
        let doing = || format!("open the folder {}", path.display());
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::open(path, flags, Mode::empty());
        let fd = fd.map_err(|error| private::told(path, "folder", error.into())).doing(doing)?;
        Ok(Self { fd, path: path.to_owned(), depth: 0 })
    }

    fn names(&self) -> Result<Vec<OsString>, JournalError> {
        let read = || -> io::Result<Vec<OsString>> {
            let names = Dir::read_from(&self.fd)?.map(|entry| Ok(entry?.file_name().to_owned()));
            let names = names.collect::<io::Result<Vec<_>>>()?.into_iter();
            let is_inside = |name: &CStr| name != c"." && name != c"..";
            Ok(names.filter(|name| is_inside(name)).map(|n| OsString::from_vec(n.into())).collect())
        };
        read().doing(|| format!("list the folder {}", self.path.display()))
    }

    /// Opens what has this name; nothing when it is gone: the library below may remove an old file at any moment.
    fn entry(&self, name: &OsStr) -> Result<Option<Entry>, JournalError> {
        let path = self.path.join(name);
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        let opened = || -> io::Result<Option<Entry>> {
            let fd = match openat(&self.fd, name, flags | OFlags::CLOEXEC, Mode::empty()) {
                Err(rustix::io::Errno::NOENT) => return Ok(None),
                fd => fd.map_err(|error| private::told(&path, "file", error.into()))?,
            };
            let file = File::from(fd);
            if !file.metadata()?.is_dir() {
                private::is_file(&file, &path)?;
                return Ok(Some(Entry::File(file, path.clone())));
            }
            if self.depth == DEPTH_MAX {
                return Err(private::unfit(&path, Fault::Deep));
            }
            let depth = self.depth + 1;
            Ok(Some(Entry::Folder(Self { fd: file.into(), path: path.clone(), depth })))
        };
        opened().doing(|| format!("open {}", path.display()))
    }

    fn each(
        &self,
        mut work: impl FnMut(&OsStr, Entry) -> Result<(), JournalError>,
    ) -> Result<(), JournalError> {
        for name in self.names()? {
            if let Some(entry) = self.entry(&name)? {
                work(&name, entry)?;
            }
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), JournalError> {
        self.each(|_, entry| match entry {
            Entry::Folder(folder) => folder.sync(),
            Entry::File(file, path) => file.sync_all().doing(|| format!("sync {}", path.display())),
        })?;
        let synced = rustix::fs::fsync(&self.fd).map_err(io::Error::from);
        synced.doing(|| format!("sync the folder {}", self.path.display()))
    }

    fn make_private(&self) -> Result<(), JournalError> {
        self.each(|_, entry| match entry {
            Entry::Folder(folder) => folder.make_private(),
            Entry::File(file, path) => private::not_shared(file, &path)
                .and_then(|file| file.set_permissions(Permissions::from_mode(0o600)))
                .doing(|| format!("make {} private", path.display())),
        })?;
        let changed = rustix::fs::fchmod(&self.fd, Mode::RWXU).map_err(io::Error::from);
        changed.doing(|| format!("make {} private", self.path.display()))
    }

    fn copy(&self, to: &Path) -> Result<(), JournalError> {
        files::create_dir(to)?;
        self.each(|name, entry| match entry {
            Entry::Folder(folder) => folder.copy(&to.join(name)),
            Entry::File(mut file, path) => private::create_anew(&to.join(name))
                .and_then(|mut copy| io::copy(&mut file, &mut copy))
                .map(drop)
                .doing(|| format!("copy {} to {}", path.display(), to.display())),
        })
    }

    fn digest(&self) -> Result<Chain, JournalError> {
        let mut parts = Vec::new();
        self.each(|name, entry| {
            let content = match entry {
                Entry::Folder(folder) => *folder.digest()?.as_bytes(),
                Entry::File(file, path) => {
                    digest_file(file).doing(|| format!("read {}", path.display()))?
                }
            };
            parts.push((name.as_bytes().to_owned(), content));
            Ok(())
        })?;
        parts.sort();
        let parts = parts.iter().flat_map(|(name, content)| [name.as_slice(), b"\0", content]);
        Ok(Chain::hash(&parts.collect::<Vec<_>>()))
    }
}

/// Syncs a directory with all that is in it.
pub(crate) fn sync(path: &Path) -> Result<(), JournalError> {
    Folder::open(path)?.sync()
}

/// Takes the rights of group and others away from a directory and all that is in it.
///
/// # Errors
/// [`JournalError::Unfit`] when something in it is neither file nor folder, or a file with a name elsewhere.
pub(crate) fn make_private(path: &Path) -> Result<(), JournalError> {
    Folder::open(path)?.make_private()
}

/// Copies a directory with all that is in it to a new private one.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<(), JournalError> {
    Folder::open(from)?.copy(to)
}

/// The checksum of a directory: names and contents of all that is in it.
pub(crate) fn digest(path: &Path) -> Result<Chain, JournalError> {
    Folder::open(path)?.digest()
}

fn digest_file(mut file: File) -> io::Result<[u8; 16]> {
    let mut hasher = blake3::Hasher::new();
    io::copy(&mut file, &mut hasher)?;
    let mut digest = [0; 16];
    digest.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    Ok(digest)
}

/// Removes a directory, unless it is gone already.
pub(crate) fn remove(path: &Path) -> Result<(), JournalError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result.doing(|| format!("remove {}", path.display())),
    }
}

#[cfg(test)]
mod tests;
