//! Files and folders that are ours alone.
//!
//! What lies in a state directory may have come out of an archive or a backup, or have been put there by somebody who
//! could write to it. So no link is followed in it, nothing is opened but files and folders, what is open is judged by its
//! descriptor, and no reader believes a length that it was told.

use std::fs::{self, DirBuilder, File, FileType, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::geteuid;

/// The rights of group and others to change what is in a folder.
const WRITABLE_BY_OTHERS: u32 = 0o022;
const WRITABLE_BY_ALL: u32 = 0o002;
/// In a folder with this bit, only its owner can rename or remove a thing.
const STICKY: u32 = 0o1000;

/// A file or folder that is not used, and why. It was left as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} {fault}", path.display())]
pub struct Unfit {
    /// The file or folder.
    pub path: PathBuf,
    /// What is wrong with it.
    pub fault: Fault,
}

/// Why a file or folder is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// It is a symbolic link, or leads through a circle of them.
    #[error("is a link, and no link is followed here")]
    Link,
    /// It is something else than what should be there.
    #[error("is {found}, where a {wanted} should be")]
    Kind {
        /// As `a named pipe`.
        found: &'static str,
        /// `file` or `folder`.
        wanted: &'static str,
    },
    /// Somebody else owns it.
    #[error("belongs to the user with the id {owner}, and this process runs as {ours}")]
    Foreign {
        /// Its owner.
        owner: u32,
        /// The effective user of this process.
        ours: u32,
    },
    /// Others may change what is in it.
    #[error("can be written by others (its mode is {mode:o})")]
    Writable {
        /// Its permissions.
        mode: u32,
    },
    /// A folder above a state directory lets everybody rename what is in it.
    #[error("lets everybody rename what is in it (its mode is {mode:o})")]
    Unguarded {
        /// Its permissions.
        mode: u32,
    },
    /// The file has several names (hard links): to write to it would change a file elsewhere, too.
    #[error("has {names} names (hard links): what is written to it would change another file, too")]
    Shared {
        /// How many.
        names: u64,
    },
    /// It is larger than anything that is written there.
    #[error("is larger than {bytes_max} bytes, and nothing that belongs there is")]
    Large {
        /// What may be there at most.
        bytes_max: u64,
    },
    /// Folders lie in folders, deeper than any that are made.
    #[error("lies deeper than anything that belongs there")]
    Deep,
}

/// An [`Unfit`] as an error of the file system; it can be got back by `downcast`.
pub(crate) fn unfit(path: &Path, fault: Fault) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, Unfit { path: path.to_owned(), fault })
}

/// Opens a file for reading: never through a link as the last part of its path, never what could hang.
///
/// # Errors
/// An [`Unfit`] inside, or what the system says.
pub fn open(path: &Path) -> io::Result<File> {
    open_as(OpenOptions::new().read(true), path)
}

/// Opens a file for reading and writing, and makes it, private, when it is missing.
///
/// # Errors
/// As [`open`]; also for a file with several names.
pub fn open_or_create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    open_as(&mut options, path).and_then(|file| not_shared(file, path))
}

/// Opens a file that is there for writing at its end.
///
/// # Errors
/// As [`open_or_create`].
pub fn open_to_append(path: &Path) -> io::Result<File> {
    open_as(OpenOptions::new().append(true), path).and_then(|file| not_shared(file, path))
}

/// Makes a private file in the place of whatever has this name, but for a folder: a link is removed, and what it leads
/// to stays.
///
/// # Errors
/// What the system says; a folder stands there, or somebody makes a file of this name at the same moment.
pub fn create_anew(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Reads a file of at most so many bytes.
///
/// # Errors
/// As [`open`]; a longer file is [`Fault::Large`], however long it says that it is.
pub fn read_at_most(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max {
        return Err(unfit(path, Fault::Large { bytes_max }));
    }
    Ok(bytes)
}

/// Makes a private folder with its missing parents, unless it is there and fit.
///
/// # Errors
/// As [`check_folder`], or what the system says.
pub fn make_folder(path: &Path) -> io::Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    // What stands in its place is told better than that it exists.
    match check_folder(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => made,
        checked => checked,
    }
}

/// Checks a folder inside of a state directory: a folder and no link, ours, and writable by nobody else.
///
/// # Errors
/// An [`Unfit`] inside, or what the system says.
pub fn check_folder(path: &Path) -> io::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    is_our_folder(path, &metadata)?;
    nobody_else_writes(path, &metadata)
}

/// Checks a state directory, which need not be there yet.
///
/// The path itself may be a link of ours, or of root, to a directory elsewhere: a person has chosen it. The directory is
/// ours, and writable by nobody else; and no folder above it lets everybody rename what is in it, as a folder does that is
/// writable by all without the sticky bit. Who owns the folders above, and their group, is not asked.
///
/// # Errors
/// An [`Unfit`] inside, or what the system says.
pub fn check_state_dir(path: &Path) -> io::Result<()> {
    // What stands in the way of the making is told by the making.
    let absent = |kind| matches!(kind, io::ErrorKind::NotFound | io::ErrorKind::NotADirectory);
    let found = |metadata: io::Result<Metadata>| match metadata {
        Err(error) if absent(error.kind()) => Ok(None),
        metadata => metadata.map(Some),
    };
    let link = found(fs::symlink_metadata(path))?.filter(Metadata::is_symlink);
    if let Some(link) = link.filter(|link| link.uid() != 0) {
        is_ours(path, &link)?;
    }
    guarded_above(path)?;
    let Some(metadata) = found(fs::metadata(path))? else { return Ok(()) };
    is_our_folder(path, &metadata)?;
    nobody_else_writes(path, &metadata)?;
    guarded_above(&path.canonicalize()?)
}

fn guarded_above(path: &Path) -> io::Result<()> {
    for above in path.ancestors().skip(1).filter(|above| !above.as_os_str().is_empty()) {
        // What is not there yet is made private; what may not be looked at is met again when it is entered.
        let Ok(metadata) = fs::metadata(above) else { continue };
        let mode = metadata.permissions().mode() & 0o7777;
        if mode & WRITABLE_BY_ALL != 0 && mode & STICKY == 0 {
            return Err(unfit(above, Fault::Unguarded { mode }));
        }
    }
    Ok(())
}

/// Checks that this is a folder, and ours.
pub(crate) fn is_our_folder(path: &Path, metadata: &Metadata) -> io::Result<()> {
    if !metadata.is_dir() {
        return Err(unfit(path, of_kind(metadata.file_type(), "folder")));
    }
    is_ours(path, metadata)
}

fn is_ours(path: &Path, metadata: &Metadata) -> io::Result<()> {
    let (owner, ours) = (metadata.uid(), geteuid().as_raw());
    if owner == ours { Ok(()) } else { Err(unfit(path, Fault::Foreign { owner, ours })) }
}

fn nobody_else_writes(path: &Path, metadata: &Metadata) -> io::Result<()> {
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & WRITABLE_BY_OTHERS == 0 {
        return Ok(());
    }
    Err(unfit(path, Fault::Writable { mode }))
}

fn open_as(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    // Without waiting: a pipe that nobody writes to would hold its reader for ever.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    options.mode(0o600).custom_flags(flags.bits().cast_signed());
    let file = options.open(path).map_err(|error| told(path, "file", error))?;
    is_file(&file, path)?;
    Ok(file)
}

pub(crate) fn is_file(file: &File, path: &Path) -> io::Result<()> {
    let kind = file.metadata()?.file_type();
    if kind.is_file() { Ok(()) } else { Err(unfit(path, of_kind(kind, "file"))) }
}

pub(crate) fn not_shared(file: File, path: &Path) -> io::Result<File> {
    match file.metadata()?.nlink() {
        0 | 1 => Ok(file),
        names => Err(unfit(path, Fault::Shared { names })),
    }
}

/// Says what the system's refusal to open something means.
pub(crate) fn told(path: &Path, wanted: &'static str, error: io::Error) -> io::Error {
    let is = |number: Errno| error.raw_os_error() == Some(number.raw_os_error());
    if is(Errno::LOOP) || (is(Errno::NOTDIR) && path.is_symlink()) {
        return unfit(path, Fault::Link);
    }
    // A socket, or a pipe without a reader; or a folder that was to be written.
    let kind = fs::symlink_metadata(path).ok().filter(|_| is(Errno::NXIO) || is(Errno::ISDIR));
    kind.map_or(error, |metadata| unfit(path, of_kind(metadata.file_type(), wanted)))
}

pub(crate) fn of_kind(kind: FileType, wanted: &'static str) -> Fault {
    let found = if kind.is_symlink() {
        return Fault::Link;
    } else if kind.is_dir() {
        "a folder"
    } else if kind.is_file() {
        "a file"
    } else if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    };
    Fault::Kind { found, wanted }
}

#[cfg(test)]
mod tests;
