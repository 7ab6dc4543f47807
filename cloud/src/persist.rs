//! The state on disk: one file, replaced whole, durable before a reply goes out.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::state::State;

/// Says why a cloud could not be opened, or a state not be stored.
#[derive(Debug, Error)]
pub enum CloudError {
    /// The state file could not be read or written.
    #[error("cannot {what} {}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The state file is not one.
    #[error("{} is not a state file of the embedded cloud; `reset` makes a new one", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The state file was written by a version with another format.
    #[error("{} has format {found}; this version reads format {expected}", path.display())]
    Format {
        /// Which file.
        path: PathBuf,
        /// The format that it says it has.
        found: u64,
        /// The format that can be read.
        expected: u32,
    },
}

/// The file that holds the state of a cloud.
#[derive(Debug)]
pub(crate) struct StateFile {
    path: PathBuf,
}

impl StateFile {
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Reads the state, if there is one.
    pub(crate) fn load(&self) -> Result<Option<State>, CloudError> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(self.io("read", source)),
        };
        let damaged = |source| CloudError::Damaged { path: self.path.clone(), source };
        let raw: serde_json::Value = serde_json::from_slice(&bytes).map_err(damaged)?;
        let found = raw.get("format").and_then(serde_json::Value::as_u64);
        match found {
            Some(found) if found != u64::from(State::FORMAT) => {
                Err(CloudError::Format { path: self.path.clone(), found, expected: State::FORMAT })
            }
            _ => serde_json::from_value(raw).map(Some).map_err(damaged),
        }
    }

    /// Replaces the state. Dies here: the file holds the old state or the new one, and never a mixture.
    pub(crate) fn store(&self, state: &State) -> Result<(), CloudError> {
        let bytes = serde_json::to_vec(state)
            .map_err(|source| CloudError::Damaged { path: self.path.clone(), source })?;
        let beside = self.path.with_extension("new");
        let written = (|| {
            let mut file = private_file(&beside)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            fs::rename(&beside, &self.path)?;
            // The new name is durable only when the directory is.
            match self.path.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
                _ => File::open(".")?.sync_all(),
            }
        })();
        written.map_err(|source| self.io("write", source))
    }

    fn io(&self, what: &'static str, source: std::io::Error) -> CloudError {
        CloudError::Io { what, path: self.path.clone(), source }
    }
}

/// Creates a file that only its owner can read: user data may hold what others should not see.
fn private_file(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}
