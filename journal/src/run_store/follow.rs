//! Following a run while another process executes it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use super::{RunStore, mirror_path};
use crate::error::Doing;
use crate::lock::{self, Holder};
use crate::sled_journal::Layout;
use crate::{JournalError, Record, RunId, Seq, mirror, private};

/// Reads the mirror of a run as it grows. It holds nothing, and the run does not notice.
#[derive(Debug)]
pub struct Follower {
    run: RunId,
    mirror: PathBuf,
    lock: PathBuf,
    open: Option<Open>,
    next: Seq,
}

/// What has happened since the last look.
#[derive(Debug, Clone, PartialEq)]
pub struct Followed {
    /// The live process that holds the run, if any. It was looked for before the records were read: when there is
    /// none, no further record follows until a process takes the run again.
    pub holder: Option<Holder>,
    /// The records that are new, in their order.
    pub records: Vec<Record>,
}

/// The file that is read, until another one is put in its place.
#[derive(Debug)]
struct Open {
    file: File,
    inode: u64,
    /// The beginning of a line whose end is still being written.
    torn: Vec<u8>,
}

impl RunStore {
    /// Follows a run from the record `next` on.
    ///
    /// # Errors
    /// [`JournalError::NotFound`], [`JournalError::Storage`].
    pub fn follow(&self, run: &RunId, next: Seq) -> Result<Follower, JournalError> {
        let dir = self.existing(run)?;
        let lock = Layout::new(&dir).lock();
        Ok(Follower { run: run.clone(), mirror: mirror_path(&dir), lock, open: None, next })
    }
}

impl Follower {
    /// Looks once, and returns at once.
    ///
    /// # Errors
    /// [`JournalError::NotFound`] when the run was removed, [`JournalError::Damaged`], [`JournalError::Storage`].
    pub fn look(&mut self) -> Result<Followed, JournalError> {
        let holder = lock::holder(&self.lock)?;
        let read = || format!("read {}", self.mirror.display());
        let inode = match fs::symlink_metadata(&self.mirror) {
            Ok(metadata) => metadata.ino(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(JournalError::NotFound { run: self.run.clone() });
            }
            Err(error) => return Err(error).doing(read),
        };
        // The file that is open keeps its number from being given to another one.
        let kept = self.open.take().filter(|open| open.inode == inode);
        let mut open = match kept {
            Some(open) => open,
            None => Open::new(private::open(&self.mirror).doing(read)?).doing(read)?,
        };
        let lines = open.whole_lines().doing(read)?;
        self.open = Some(open);
        let mut records = Vec::new();
        for line in lines {
            let record = mirror::record(&line)
                .map_err(|()| self.damaged("one of its lines is no record"))?;
            // A mirror that was written anew begins with what is known.
            let Some(record) = record.filter(|record| record.seq >= self.next) else { continue };
            if record.seq != self.next {
                return Err(self.damaged("one of its records is missing"));
            }
            self.next = record.seq.next();
            records.push(record);
        }
        Ok(Followed { holder, records })
    }

    fn damaged(&self, what: &str) -> JournalError {
        JournalError::damaged(self.mirror.display().to_string(), what)
    }
}

impl Open {
    fn new(file: File) -> io::Result<Self> {
        let inode = file.metadata()?.ino();
        Ok(Self { file, inode, torn: Vec::new() })
    }

    /// Reads what was added, up to the last line end.
    fn whole_lines(&mut self) -> io::Result<Vec<Vec<u8>>> {
        let mut portion = u64::MAX;
        while portion >= mirror::LINE_BYTES_MAX {
            let mut rest = Read::by_ref(&mut self.file).take(mirror::LINE_BYTES_MAX);
            portion = rest.read_to_end(&mut self.torn)? as u64;
            let open_line = self.torn.iter().rev().take_while(|byte| **byte != b'\n').count();
            if open_line as u64 >= mirror::LINE_BYTES_MAX {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a line has no end"));
            }
        }
        let whole = self.torn.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let text: Vec<u8> = self.torn.drain(..whole).collect();
        Ok(text.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect())
    }
}
