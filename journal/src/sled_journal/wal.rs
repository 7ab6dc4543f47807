//! The write-ahead log: a commit is durable here first, and the database takes it over later, many at once.
//!
//! sled's own way to the disk is two trips and a hand-over between threads for every flush. One write into a
//! file that does not grow, and one sync, are as safe, and take less than half of that.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::commit::Commit;
use crate::codec::{Chain, FORMAT};
use crate::error::Doing;
use crate::room::BATCH_BYTES_MAX;
use crate::witness::CommitMark;
use crate::{JournalError, private};

const MAGIC: [u8; 4] = *b"L1FL";
const CHECKSUM_AT: usize = 50;
const BODY_AT: usize = CHECKSUM_AT + 16;

/// A log that is longer than this is taken over by the database, and begun anew.
const CHECKPOINT_BYTES: u64 = 1 << 20;

/// No log is longer: where the next checkpoint is due, one more commit may follow, whose last batch is as large as any.
const LOG_BYTES_MAX: u64 = 2 * BATCH_BYTES_MAX as u64 + 8 * CHECKPOINT_BYTES;

/// Zeros are written ahead in such portions: the sync of a file that grows must also write where it ends
/// and which blocks it has, one more trip to the device.
static ZEROS: [u8; 128 << 10] = [0; 128 << 10];

/// A commit in the log, and the mark that it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Logged {
    pub(super) commit: Commit,
    pub(super) mark: CommitMark,
}

/// The open log, and the commits that are in it alone.
#[derive(Debug)]
pub(super) struct Wal {
    file: File,
    path: PathBuf,
    /// Where the next entry begins.
    end: u64,
    /// How far the file reaches; zeros, or entries that the database has taken over, lie between.
    length: u64,
    pending: Vec<Logged>,
}

impl Wal {
    /// Opens the log, or makes it, and begins it anew: what it held must be in the database.
    pub(super) fn open(path: &Path) -> Result<Self, JournalError> {
        let doing = || format!("open {}", path.display());
        let file = private::open_or_create(path).doing(doing)?;
        let length = file.metadata().doing(doing)?.len();
        Ok(Self { file, path: path.to_owned(), end: 0, length, pending: Vec::new() })
    }

    /// Writes a commit that follows on `before`, and returns when it survives a loss of power.
    ///
    /// Dies here: the commit is there whole, or not at all; nobody was told of it.
    pub(super) fn append(
        &mut self,
        commit: Commit,
        before: CommitMark,
        mark: CommitMark,
    ) -> Result<(), JournalError> {
        let entry = encode(&commit, before, mark);
        let end = self.end + entry.len() as u64;
        self.grow_to(end)?;
        self.file.write_all_at(&entry, self.end).doing(|| self.writing())?;
        self.file.sync_data().doing(|| format!("sync {}", self.path.display()))?;
        self.check_kept().doing(|| format!("keep {}", self.path.display()))?;
        self.end = end;
        self.pending.push(Logged { commit, mark });
        Ok(())
    }

    /// The commits that the database has still to take over.
    pub(super) fn pending(&self) -> &[Logged] {
        &self.pending
    }

    /// Whether it is time that the database takes over.
    pub(super) fn is_long(&self) -> bool {
        self.end > CHECKPOINT_BYTES
    }

    /// Begins anew, when the database has durably taken over all that is pending.
    ///
    /// What is written from now on overwrites old entries. Those that are left behind it carry older numbers, and
    /// are no continuation for whoever reads.
    pub(super) fn restart(&mut self) -> Result<(), JournalError> {
        self.pending.clear();
        self.end = 0;
        // After a commit of unusual size.
        if self.length > 2 * CHECKPOINT_BYTES {
            self.clear()?;
        }
        Ok(())
    }

    /// Empties the file.
    pub(super) fn clear(&mut self) -> Result<(), JournalError> {
        self.file.set_len(0).doing(|| self.writing())?;
        self.file.sync_all().doing(|| format!("sync {}", self.path.display()))?;
        (self.end, self.length) = (0, 0);
        Ok(())
    }

    fn grow_to(&mut self, end: u64) -> Result<(), JournalError> {
        while self.length < end {
            self.file.write_all_at(&ZEROS, self.length).doing(|| self.writing())?;
            self.length += ZEROS.len() as u64;
        }
        Ok(())
    }

    /// A file that somebody has removed takes whatever is written, and is gone with this process.
    fn check_kept(&self) -> io::Result<()> {
        if self.file.metadata()?.nlink() == 0 {
            return Err(io::Error::new(io::ErrorKind::NotFound, "it was removed"));
        }
        Ok(())
    }

    fn writing(&self) -> String {
        format!("write to {}", self.path.display())
    }
}

/// What a log holds: commits without a gap.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Log {
    /// The mark that the first commit follows on.
    before: Option<CommitMark>,
    commits: Vec<Logged>,
}

impl Log {
    /// Reads the log, up to the first place that no entry follows at; `None` when there is no file.
    ///
    /// # Errors
    /// [`JournalError::NewerFormat`], [`JournalError::Storage`].
    pub(super) fn read(path: &Path) -> Result<Option<Self>, JournalError> {
        let bytes = match private::read_at_most(path, LOG_BYTES_MAX) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).doing(|| format!("read {}", path.display())),
        };
        let (mut log, mut rest) = (Self::default(), bytes.as_slice());
        while let Some((entry, behind)) = decode(rest, path)? {
            let (before, logged) = entry;
            if log.commits.last().is_some_and(|last| last.mark != before) {
                break;
            }
            log.before.get_or_insert(before);
            log.commits.push(logged);
            rest = behind;
        }
        Ok(Some(log))
    }

    /// The commits that a database which stands at `mark` has not taken over.
    ///
    /// # Errors
    /// [`JournalError::Damaged`] when the database is not the one that was written ahead for.
    pub(super) fn behind(mut self, mark: CommitMark) -> Result<Vec<Logged>, JournalError> {
        let damaged = |what: String| Err(JournalError::damaged("the write-ahead log", what));
        let Some(before) = self.before else { return Ok(Vec::new()) };
        let Some(known) = mark.commit.checked_sub(before.commit) else {
            let (first, last) = (before.commit + 1, mark.commit);
            return damaged(format!(
                "it begins with commit {first}, and the database ends with commit {last}: acknowledged records are lost"
            ));
        };
        let known = usize::try_from(known).unwrap_or(usize::MAX);
        let same = match known.checked_sub(1) {
            None => before == mark,
            Some(place) => self.commits.get(place).is_none_or(|logged| logged.mark == mark),
        };
        if !same {
            let commit = mark.commit;
            return damaged(format!("commit {commit} of the database is not the one that it has"));
        }
        Ok(self.commits.split_off(known.min(self.commits.len())))
    }
}

fn encode(commit: &Commit, before: CommitMark, mark: CommitMark) -> Vec<u8> {
    let mut entry = Vec::with_capacity(BODY_AT + commit.bytes() + 64);
    entry.resize(BODY_AT, 0);
    commit.encode(&mut entry);
    // A commit is limited to what the committer gathers and one batch: it fits.
    let length = u32::try_from(entry.len() - BODY_AT).unwrap_or(u32::MAX);
    entry[..4].copy_from_slice(&MAGIC);
    entry[4..6].copy_from_slice(&FORMAT.to_be_bytes());
    entry[6..10].copy_from_slice(&length.to_be_bytes());
    entry[10..18].copy_from_slice(&mark.commit.to_be_bytes());
    entry[18..34].copy_from_slice(before.ends.as_bytes());
    entry[34..CHECKSUM_AT].copy_from_slice(mark.ends.as_bytes());
    let checksum = checksum(&entry);
    entry[CHECKSUM_AT..BODY_AT].copy_from_slice(checksum.as_bytes());
    entry
}

/// It covers the same bytes in every format.
fn checksum(entry: &[u8]) -> Chain {
    Chain::hash(&[&entry[..CHECKSUM_AT], &entry[BODY_AT..]])
}

type Decoded<'b> = ((CommitMark, Logged), &'b [u8]);

/// Parts the first entry, with the mark that it follows on, from what comes behind; `None` when it is torn.
fn decode<'b>(bytes: &'b [u8], path: &Path) -> Result<Option<Decoded<'b>>, JournalError> {
    let Some(head) = bytes.first_chunk::<BODY_AT>() else { return Ok(None) };
    let long = |at: usize| u64::from_be_bytes(std::array::from_fn(|i| head[at + i]));
    let digest = |at: usize| Chain::from_bytes(std::array::from_fn(|i| head[at + i]));
    let length = u32::from_be_bytes(std::array::from_fn(|i| head[6 + i]));
    let length = usize::try_from(length).ok().and_then(|length| length.checked_add(BODY_AT));
    let entry = length.and_then(|length| bytes.split_at_checked(length));
    let Some((entry, behind)) = entry.filter(|_| head[..4] == MAGIC) else { return Ok(None) };
    if digest(CHECKSUM_AT) != checksum(entry) {
        return Ok(None);
    }
    let found = u16::from_be_bytes([head[4], head[5]]);
    if found > FORMAT {
        let what = format!("the write-ahead log {}", path.display());
        return Err(JournalError::NewerFormat { what, found, supported: FORMAT });
    }
    let mark = CommitMark { commit: long(10), ends: digest(34) };
    let before = mark.commit.checked_sub(1).map(|commit| CommitMark { commit, ends: digest(18) });
    let (Some(before), Some(commit)) = (before, Commit::decode(&entry[BODY_AT..])) else {
        return Ok(None);
    };
    Ok(Some(((before, Logged { commit, mark }), behind)))
}

#[cfg(test)]
mod tests;
