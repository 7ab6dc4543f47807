//! Keys and values in the database.

use crate::codec::{Chain, FORMAT};
use crate::witness::CommitMark;
use crate::{JournalError, RunId, Seq};

/// The greatest value that is ever stored.
///
/// sled moves pages of more than about 128 KiB to files of their own, and syncs those never: what they hold
/// does not survive a loss of power. A page has up to 16 values before it splits, so 4 KiB stay far below.
pub(super) const VALUE_BYTES_MAX: usize = 4096;

/// The last commit. Run ids are ASCII, so no record sorts behind it: it lies beside the newest records of
/// the last run, and each commit of a single run rewrites one page only.
const COMMIT_KEY: &[u8] = b"\xffcommit";
const COMMIT_MAGIC: [u8; 4] = *b"L1FC";
const COMMIT_BYTES: usize = 46;
const COMMIT_CHECKSUM_AT: usize = 30;

/// The bytes of a key after the run id: a zero, the place, the chunk.
const KEY_TAIL_BYTES: usize = 1 + 8 + 2;

/// The beginning of all keys of a run. The zero ends the id: no id is a prefix of another's keys.
pub(super) fn run_prefix(run: &RunId) -> Vec<u8> {
    let mut prefix = run.as_str().as_bytes().to_vec();
    prefix.push(0);
    prefix
}

/// A key behind all keys of a run, and before those of the next.
pub(super) fn behind_run(run: &RunId) -> Vec<u8> {
    let mut key = run.as_str().as_bytes().to_vec();
    key.push(1);
    key
}

/// The key of a chunk of the batch whose first record is `seq`.
pub(super) fn record_key(run: &RunId, seq: Seq, chunk: u16) -> Vec<u8> {
    let mut key = run_prefix(run);
    key.extend_from_slice(&seq.0.to_be_bytes());
    key.extend_from_slice(&chunk.to_be_bytes());
    key
}

/// Where a key says its value belongs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) run: RunId,
    pub(super) seq: Seq,
    pub(super) chunk: u16,
}

/// Reads a key; `None` for the mark of the last commit.
pub(super) fn parse_key(key: &[u8]) -> Result<Option<Place>, JournalError> {
    if key == COMMIT_KEY {
        return Ok(None);
    }
    parse_record_key(key).map(Some).ok_or_else(|| {
        JournalError::damaged(format!("key {}", key.escape_ascii()), "it is no key of a record")
    })
}

fn parse_record_key(key: &[u8]) -> Option<Place> {
    let (id, tail) = key.split_at_checked(key.len().checked_sub(KEY_TAIL_BYTES)?)?;
    let (&[0], tail) = tail.split_first_chunk::<1>()? else { return None };
    let (seq, chunk) = tail.split_first_chunk::<8>()?;
    Some(Place {
        run: RunId::new(std::str::from_utf8(id).ok()?).ok()?,
        seq: Seq(u64::from_be_bytes(*seq)),
        chunk: u16::from_be_bytes(chunk.try_into().ok()?),
    })
}

fn encode_mark(mark: CommitMark) -> [u8; COMMIT_BYTES] {
    let mut value = [0; COMMIT_BYTES];
    value[..4].copy_from_slice(&COMMIT_MAGIC);
    value[4..6].copy_from_slice(&FORMAT.to_be_bytes());
    value[6..14].copy_from_slice(&mark.commit.to_be_bytes());
    value[14..COMMIT_CHECKSUM_AT].copy_from_slice(mark.ends.as_bytes());
    let checksum = Chain::hash(&[&value[..COMMIT_CHECKSUM_AT]]);
    value[COMMIT_CHECKSUM_AT..].copy_from_slice(checksum.as_bytes());
    value
}

/// Reads a mark, and the format that it was written in.
fn decode_mark(value: &[u8]) -> Result<(CommitMark, u16), JournalError> {
    let damaged = |what: &str| JournalError::damaged("the mark of the last commit", what);
    let value: &[u8; COMMIT_BYTES] =
        value.try_into().map_err(|_| damaged("it has the wrong length"))?;
    let checksum = Chain::hash(&[&value[..COMMIT_CHECKSUM_AT]]);
    if value[..4] != COMMIT_MAGIC || value[COMMIT_CHECKSUM_AT..] != *checksum.as_bytes() {
        return Err(damaged("its checksum is wrong"));
    }
    let found = u16::from_be_bytes([value[4], value[5]]);
    if found > FORMAT {
        let what = "the database".to_owned();
        return Err(JournalError::NewerFormat { what, found, supported: FORMAT });
    }
    let mut commit = [0; 8];
    commit.copy_from_slice(&value[6..14]);
    let mut ends = [0; 16];
    ends.copy_from_slice(&value[14..COMMIT_CHECKSUM_AT]);
    let commit = u64::from_be_bytes(commit);
    Ok((CommitMark { commit, ends: Chain::from_bytes(ends) }, found))
}

/// Writes the mark of the last commit.
///
/// sled recovers a prefix of what was written, so a mark proves that all before it is there.
pub(super) fn write_mark(tree: &sled::Tree, mark: CommitMark) -> sled::Result<()> {
    tree.insert(COMMIT_KEY, encode_mark(mark).as_slice()).map(drop)
}

/// Reads the mark of the last commit, and the format that it was written in; that of an empty database when
/// there is none.
pub(super) fn read_mark(
    tree: &sled::Tree,
) -> sled::Result<Result<(CommitMark, u16), JournalError>> {
    let value = tree.get(COMMIT_KEY)?;
    Ok(value.map_or(Ok((CommitMark::none(), FORMAT)), |value| decode_mark(&value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(name: &str) -> RunId {
        RunId::new(name).unwrap()
    }

    #[test]
    fn a_key_reads_back_and_sorts_by_run_place_and_chunk() {
        let keys = [
            record_key(&run("a"), Seq(0), 0),
            record_key(&run("a"), Seq(1), 0),
            record_key(&run("a"), Seq(1), 255),
            record_key(&run("a"), Seq(1), 256),
            record_key(&run("a"), Seq(256), 0),
            behind_run(&run("a")),
            record_key(&run("a-b"), Seq(0), 0),
            record_key(&run("ab"), Seq(0), 0),
            record_key(&run("z"), Seq(u64::MAX), u16::MAX),
            COMMIT_KEY.to_vec(),
        ];
        assert!(keys.is_sorted(), "{keys:?}");
        let place = parse_key(&keys[3]).unwrap();
        assert_eq!(place, Some(Place { run: run("a"), seq: Seq(1), chunk: 256 }));
        assert_eq!(parse_key(COMMIT_KEY).unwrap(), None);
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for bad in [&b""[..], b"a", b"a\x01\0\0\0\0\0\0\0\0\0\0", b"A\0\0\0\0\0\0\0\0\0\0\0"] {
            assert!(parse_key(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_mark_reads_back_and_every_flipped_bit_is_seen() {
        let mark = CommitMark { commit: 77, ends: Chain::hash(&[b"x"]) };
        let value = encode_mark(mark);
        assert_eq!(decode_mark(&value).unwrap(), (mark, FORMAT));
        for bit in 0..value.len() * 8 {
            let mut value = value;
            value[bit / 8] ^= 1 << (bit % 8);
            assert!(decode_mark(&value).is_err(), "bit {bit}");
        }
    }
}
