//! Files and folders of a state directory: no link in it is followed, nothing is opened that could hang, and no reader
//! believes a length that it was told. What lies there may have come out of an archive.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;
use rustix::io::Errno;

/// Opens a file for reading.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    open_as(OpenOptions::new().read(true), path)
}

/// Opens a file for reading and writing, and makes it, private, when it is missing.
pub(crate) fn open_or_create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    open_as(&mut options, path).and_then(of_one_name)
}

/// Opens a file for writing at its end, and makes it, private, when it is missing.
pub(crate) fn open_to_append(path: &Path) -> io::Result<File> {
    open_as(OpenOptions::new().create(true).append(true), path).and_then(of_one_name)
}

/// Makes a private file in the place of whatever has this name, but for a folder.
pub(crate) fn create_anew(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Reads a file of at most so many bytes.
pub(crate) fn read_at_most(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max {
        return Err(refused("it is larger than anything that belongs there"));
    }
    Ok(bytes)
}

/// Makes a private folder, unless it is there and no link.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(metadata) if metadata.is_symlink() => Err(is_a_link()),
        _ => made,
    }
}

fn open_as(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    options.mode(0o600).custom_flags(flags.bits().cast_signed());
    let file = options.open(path).map_err(|error| match error.raw_os_error() {
        Some(number) if number == Errno::LOOP.raw_os_error() => is_a_link(),
        Some(number) if number == Errno::NXIO.raw_os_error() => refused("it is no file"),
        _ => error,
    })?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(refused("it is no file")) }
}

/// What is written to a file with several names is written somewhere else, too.
fn of_one_name(file: File) -> io::Result<File> {
    if file.metadata()?.nlink() > 1 {
        return Err(refused("it has several names (hard links)"));
    }
    Ok(file)
}

fn is_a_link() -> io::Error {
    refused("it is a link, and no link is followed here")
}

fn refused(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn nothing_is_opened_but_a_file_of_one_name_and_nothing_is_read_beyond_its_limit() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("file"), "kept").unwrap();
        symlink(at("file"), at("link")).unwrap();
        let fifo = rustix::fs::FileType::Fifo;
        let mode = rustix::fs::Mode::RWXU;
        rustix::fs::mknodat(rustix::fs::CWD, at("pipe"), fifo, mode, 0).unwrap();
        for way in [open, open_or_create, open_to_append] {
            way(&at("file")).unwrap();
            for strange in ["link", "pipe", "."] {
                assert!(way(&at(strange)).is_err(), "{strange}");
            }
        }
        assert_eq!(read_at_most(&at("file"), 4).unwrap(), b"kept");
        File::options().write(true).open(at("file")).unwrap().set_len(1 << 40).unwrap();
        assert!(read_at_most(&at("file"), 4).is_err());
        assert!(read_at_most(Path::new("/dev/zero"), 4).is_err());
        fs::hard_link(at("file"), at("second name")).unwrap();
        assert!(open_or_create(&at("file")).is_err());
        drop(create_anew(&at("link")).unwrap());
        assert!(at("file").metadata().unwrap().len() > 0, "what the link led to is kept");
        fs::create_dir(at("folder")).unwrap();
        make_folder(&at("folder")).unwrap();
        symlink(at("folder"), at("link to a folder")).unwrap();
        assert!(make_folder(&at("link to a folder")).is_err());
        assert!(make_folder(&at("file")).is_err());
    }
}
