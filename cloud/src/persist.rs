//! The state on disk: one file, replaced whole, durable before a reply goes out; and the token buckets in
//! another, which each call changes.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::limits::Buckets;
use crate::private;
use crate::state::State;

/// An account is tens of kilobytes; none is larger than this.
const STATE_BYTES_MAX: u64 = 256 << 20;
/// One bucket for each call and region.
const BUCKETS_BYTES_MAX: u64 = 16 << 20;

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
        let bytes = match private::read_at_most(&self.path, STATE_BYTES_MAX) {
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
            let mut file = private::create_anew(&beside)?;
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

/// The file that holds the token buckets of a cloud.
///
/// Every call that is not refused takes a token, also one that only reads and is answered in
/// microseconds. So this file is written before the answer and not synced: it outlives the process, which
/// is what gets killed. After a loss of power the buckets are older than the account, or full.
#[derive(Debug)]
pub(crate) struct BucketFile {
    file: File,
    path: PathBuf,
    /// How many bytes of it count; what a shorter content leaves behind is blank.
    length: usize,
}

impl BucketFile {
    /// Opens the file beside that of the state, and reads what it holds.
    pub(crate) fn open(state: &Path) -> Result<(Self, Buckets), CloudError> {
        let path = state.with_extension("buckets");
        let buckets = private::read_at_most(&path, BUCKETS_BYTES_MAX).unwrap_or_default();
        let known = serde_json::from_slice(&buckets).unwrap_or_default();
        let emptied = private::open_or_create(&path).and_then(|file| {
            file.set_len(0)?;
            Ok(file)
        });
        let mut opened = match emptied {
            Ok(file) => Self { file, path, length: 0 },
            Err(source) => return Err(CloudError::Io { what: "open", path, source }),
        };
        opened.store(&known)?;
        Ok((opened, known))
    }

    /// Writes the buckets, in one go.
    pub(crate) fn store(&mut self, buckets: &Buckets) -> Result<(), CloudError> {
        let io = |source| CloudError::Io { what: "write", path: self.path.clone(), source };
        let mut bytes = serde_json::to_vec(buckets).map_err(|error| io(error.into()))?;
        let length = bytes.len();
        bytes.resize(length.max(self.length), b' ');
        self.file.write_all_at(&bytes, 0).map_err(io)?;
        self.length = bytes.len();
        Ok(())
    }
}
