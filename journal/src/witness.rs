//! The witness: a small file beside the database that knows how far the database must reach.
//!
//! The database below drops a damaged tail without a word. The witness says what was there: two slots,
//! written in turn after each commit is durable, so that one of them is whole at any moment.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::codec::{Chain, FORMAT};
use crate::error::Doing;
use crate::{JournalError, private};

const MAGIC: [u8; 4] = *b"L1FW";
/// Slots lie a sector apart, so that one torn sector spoils one slot.
const SLOT_STRIDE: u64 = 512;
const CHECKSUM_AT: usize = 56;
const SLOT_BYTES: usize = CHECKSUM_AT + 16;
const FLAG_SEALED: u16 = 1;

/// A point in the life of a database: the number of its commits, and the sum of the ends of all runs.
///
/// The end of a run is the chain of its last record, so the sum stands for every record that there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CommitMark {
    pub(crate) commit: u64,
    pub(crate) ends: Chain,
}

impl CommitMark {
    /// The mark of an empty database.
    pub(crate) fn none() -> Self {
        Self { commit: 0, ends: Chain::hash(&[b"lab1-flow commits\0"]) }
    }
}

/// What a witness says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sighting {
    /// The last commit that it saw.
    pub(crate) mark: CommitMark,
    /// After a clean close, the checksum of the database's files; nothing may have touched them since.
    pub(crate) seal: Option<Chain>,
    /// The format that it was written in.
    pub(crate) format: u16,
}

impl Sighting {
    /// What is written while the journal is open.
    pub(crate) fn open(mark: CommitMark) -> Self {
        Self { mark, seal: None, format: FORMAT }
    }

    /// What is written when it is closed.
    pub(crate) fn sealed(mark: CommitMark, seal: Chain) -> Self {
        Self { mark, seal: Some(seal), format: FORMAT }
    }
}

/// The open witness file.
#[derive(Debug)]
pub(crate) struct Witness {
    file: File,
    path: PathBuf,
    /// Counts the writes, so that the newer of two slots is known.
    turn: u64,
}

impl Witness {
    /// Opens the file, making it when it is missing, and reads the newest whole slot.
    ///
    /// # Errors
    /// [`JournalError::NewerFormat`], [`JournalError::Storage`]. Torn slots are no error: nothing is known then.
    pub(crate) fn open(path: &Path) -> Result<(Self, Option<Sighting>), JournalError> {
        let doing = || format!("open the witness {}", path.display());
        let file = private::open_or_create(path).doing(doing)?;
        let newest = newest_slot(&file, path)?;
        let turn = newest.map_or(0, |(turn, _)| turn);
        let witness = Self { file, path: path.to_owned(), turn };
        Ok((witness, newest.map(|(_, sighting)| sighting)))
    }

    /// Reads the newest whole slot of a file that may be missing.
    pub(crate) fn look(path: &Path) -> Result<Option<Sighting>, JournalError> {
        match private::open(path) {
            Ok(file) => Ok(newest_slot(&file, path)?.map(|(_, sighting)| sighting)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).doing(|| format!("open the witness {}", path.display())),
        }
    }

    /// Writes the older slot. Not synced: it survives the death of the process at once.
    pub(crate) fn write(&mut self, sighting: Sighting) -> Result<(), JournalError> {
        self.turn += 1;
        let slot = encode(self.turn, sighting);
        self.file
            .write_all_at(&slot, (self.turn % 2) * SLOT_STRIDE)
            .doing(|| format!("write the witness {}", self.path.display()))
    }

    /// Makes the last write survive a loss of power.
    pub(crate) fn sync(&self) -> Result<(), JournalError> {
        self.file.sync_all().doing(|| format!("sync the witness {}", self.path.display()))
    }
}

fn newest_slot(file: &File, path: &Path) -> Result<Option<(u64, Sighting)>, JournalError> {
    let mut newest = None;
    for place in 0..2 {
        let mut slot = [0; SLOT_BYTES];
        match file.read_exact_at(&mut slot, place * SLOT_STRIDE) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => continue,
            Err(error) => {
                return Err(error).doing(|| format!("read the witness {}", path.display()));
            }
        }
        let Some((turn, sighting)) = decode(&slot, path)? else { continue };
        if newest.is_none_or(|(newest, _)| turn > newest) {
            newest = Some((turn, sighting));
        }
    }
    Ok(newest)
}

fn encode(turn: u64, sighting: Sighting) -> [u8; SLOT_BYTES] {
    let mut slot = [0; SLOT_BYTES];
    let flags = if sighting.seal.is_some() { FLAG_SEALED } else { 0 };
    slot[..4].copy_from_slice(&MAGIC);
    slot[4..6].copy_from_slice(&sighting.format.to_be_bytes());
    slot[6..8].copy_from_slice(&flags.to_be_bytes());
    slot[8..16].copy_from_slice(&turn.to_be_bytes());
    slot[16..24].copy_from_slice(&sighting.mark.commit.to_be_bytes());
    slot[24..40].copy_from_slice(sighting.mark.ends.as_bytes());
    if let Some(seal) = sighting.seal {
        slot[40..CHECKSUM_AT].copy_from_slice(seal.as_bytes());
    }
    let checksum = Chain::hash(&[&slot[..CHECKSUM_AT]]);
    slot[CHECKSUM_AT..].copy_from_slice(checksum.as_bytes());
    slot
}

/// Reads a slot; `None` when it is torn. The checksum covers the same bytes in every format.
fn decode(slot: &[u8; SLOT_BYTES], path: &Path) -> Result<Option<(u64, Sighting)>, JournalError> {
    let checksum = Chain::hash(&[&slot[..CHECKSUM_AT]]);
    if slot[..4] != MAGIC || slot[CHECKSUM_AT..] != *checksum.as_bytes() {
        return Ok(None);
    }
    let short = |at: usize| u16::from_be_bytes([slot[at], slot[at + 1]]);
    let long = |at: usize| {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&slot[at..at + 8]);
        u64::from_be_bytes(bytes)
    };
    let hash = |at: usize| {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&slot[at..at + 16]);
        Chain::from_bytes(bytes)
    };
    if short(4) > FORMAT {
        let what = format!("the witness {}", path.display());
        return Err(JournalError::NewerFormat { what, found: short(4), supported: FORMAT });
    }
    let mark = CommitMark { commit: long(16), ends: hash(24) };
    let seal = (short(6) & FLAG_SEALED != 0).then(|| hash(40));
    Ok(Some((long(8), Sighting { mark, seal, format: short(4) })))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sighting(commit: u64) -> Sighting {
        Sighting::open(CommitMark { commit, ends: Chain::hash(&[&commit.to_be_bytes()]) })
    }

    fn file_with(commits: &[u64]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("witness");
        let (mut witness, found) = Witness::open(&path).unwrap();
        assert_eq!(found, None);
        for &commit in commits {
            witness.write(sighting(commit)).unwrap();
        }
        (dir, path)
    }

    #[test]
    fn the_newest_of_two_slots_is_read() {
        for count in 1..5 {
            let commits: Vec<u64> = (1..=count).collect();
            let (_dir, path) = file_with(&commits);
            assert_eq!(Witness::look(&path).unwrap(), Some(sighting(count)));
        }
    }

    #[test]
    fn a_torn_slot_leaves_the_one_before() {
        let (_dir, path) = file_with(&[1, 2, 3]);
        let whole = std::fs::read(&path).unwrap();
        for place in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[place] ^= 0x10;
            std::fs::write(&path, &bytes).unwrap();
            let found = Witness::look(&path).unwrap();
            assert!([Some(sighting(2)), Some(sighting(3))].contains(&found), "byte {place}");
        }
    }

    #[test]
    fn what_is_not_there_says_nothing_and_what_cannot_be_read_is_an_error() {
        let (dir, path) = file_with(&[1]);
        assert_eq!(Witness::look(&dir.path().join("nowhere")).unwrap(), None);
        assert!(Witness::look(&path.join("below-a-file")).is_err());
        assert!(Witness::look(dir.path()).is_err(), "a folder");
    }

    #[test]
    fn writing_goes_on_after_the_newest_slot() {
        let (_dir, path) = file_with(&[1, 2]);
        let (mut witness, found) = Witness::open(&path).unwrap();
        assert_eq!(found, Some(sighting(2)));
        witness.write(Sighting::sealed(sighting(2).mark, Chain::hash(&[b"files"]))).unwrap();
        witness.sync().unwrap();
        let found = Witness::look(&path).unwrap().unwrap();
        assert_eq!(found.mark, sighting(2).mark);
        assert_eq!(found.seal, Some(Chain::hash(&[b"files"])));
    }

    #[test]
    fn a_newer_format_is_refused() {
        let (_dir, path) = file_with(&[1]);
        let mut bytes = std::fs::read(&path).unwrap();
        let start = usize::try_from(SLOT_STRIDE).unwrap();
        bytes[start + 5] = 3;
        let checksum = Chain::hash(&[&bytes[start..start + CHECKSUM_AT]]);
        bytes[start + CHECKSUM_AT..].copy_from_slice(checksum.as_bytes());
        std::fs::write(&path, bytes).unwrap();
        let found = Witness::look(&path);
        assert!(matches!(found, Err(JournalError::NewerFormat { found: 3, .. })), "{found:?}");
    }
}
