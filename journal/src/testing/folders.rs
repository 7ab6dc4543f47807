//! Folders of runs as a person copies them.

use std::fs;
use std::io;
use std::path::Path;

/// Copies a folder with all that is in it, as `cp -r` does; `to` is made if it is missing.
///
/// # Errors
/// That of the first file that could not be read or written; what was copied before stays.
pub fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
