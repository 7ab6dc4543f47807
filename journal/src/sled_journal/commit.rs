//! A commit: what is made durable at once, and how it reads in the write-ahead log and in the database.

use sled::Batch;

use super::keys::{VALUE_BYTES_MAX, record_key};
use crate::{RunId, Seq};

/// The batches of one or more appends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Commit {
    batches: Vec<Appended>,
}

/// The frames of one append, in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Appended {
    run: RunId,
    first: Seq,
    frames: Vec<u8>,
}

impl Commit {
    /// Adds the frames of one append.
    pub(super) fn put_batch(&mut self, run: &RunId, first: Seq, frames: Vec<u8>) {
        self.batches.push(Appended { run: run.clone(), first, frames });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// How much it carries.
    pub(super) fn bytes(&self) -> usize {
        self.batches.iter().map(|batch| batch.frames.len()).sum()
    }

    /// Writes the batches into the database, each whole or not at all.
    ///
    /// A batch of one value needs no more to be atomic; sled's own batches cost a write of their own.
    pub(super) fn write(&self, tree: &sled::Tree) -> sled::Result<()> {
        for Appended { run, first, frames } in &self.batches {
            if frames.len() <= VALUE_BYTES_MAX {
                tree.insert(record_key(run, *first, 0), frames.as_slice())?;
                continue;
            }
            let mut atomic = Batch::default();
            for (chunk, value) in (0..=u16::MAX).zip(frames.chunks(VALUE_BYTES_MAX)) {
                atomic.insert(record_key(run, *first, chunk), value);
            }
            tree.apply_batch(atomic)?;
        }
        Ok(())
    }

    /// Appends the commit to `bytes`, as [`decode`](Self::decode) reads it.
    pub(super) fn encode(&self, bytes: &mut Vec<u8>) {
        for Appended { run, first, frames } in &self.batches {
            let id = run.as_str().as_bytes();
            // An id has at most 40 bytes, and a batch is limited by `room::BATCH_BYTES_MAX`: both fit.
            bytes.push(u8::try_from(id.len()).unwrap_or(u8::MAX));
            bytes.extend_from_slice(id);
            bytes.extend_from_slice(&first.0.to_be_bytes());
            bytes.extend_from_slice(&u32::try_from(frames.len()).unwrap_or(u32::MAX).to_be_bytes());
            bytes.extend_from_slice(frames);
        }
    }

    /// Reads a commit that fills `bytes`; `None` when it is none.
    pub(super) fn decode(mut bytes: &[u8]) -> Option<Self> {
        let mut commit = Self::default();
        while let Some((length, rest)) = bytes.split_first() {
            let (id, rest) = rest.split_at_checked(usize::from(*length))?;
            let (first, rest) = rest.split_first_chunk::<8>()?;
            let (length, rest) = rest.split_first_chunk::<4>()?;
            let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
            let (frames, rest) = rest.split_at_checked(length)?;
            let run = RunId::new(std::str::from_utf8(id).ok()?).ok()?;
            commit.put_batch(&run, Seq(u64::from_be_bytes(*first)), frames.to_vec());
            bytes = rest;
        }
        Some(commit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_reads_back_and_a_cut_one_does_not() {
        let mut commit = Commit::default();
        for (run, first, length) in [("a", 0, 0), ("b-2", 7, 300), ("a", 1 << 40, 5_000)] {
            commit.put_batch(&RunId::new(run).unwrap(), Seq(first), vec![7; length]);
        }
        let mut bytes = Vec::new();
        commit.encode(&mut bytes);
        assert_eq!(Commit::decode(&bytes), Some(commit.clone()));
        assert_eq!(commit.bytes(), 5_300);
        let whole = (0..bytes.len()).filter(|length| Commit::decode(&bytes[..*length]).is_some());
        assert_eq!(whole.count(), 3, "only a cut between two batches leaves a commit");
    }

    #[test]
    fn a_batch_is_one_value_or_as_many_as_it_needs() {
        let dir = tempfile::tempdir().unwrap();
        let db = sled::open(dir.path()).unwrap();
        let mut wanted = Vec::new();
        let mut commit = Commit::default();
        for (first, lengths) in [
            (1, vec![5]),
            (2, vec![VALUE_BYTES_MAX]),
            (3, vec![VALUE_BYTES_MAX, 1]),
            (4, vec![VALUE_BYTES_MAX, VALUE_BYTES_MAX, 7]),
        ] {
            let run = RunId::new("one").unwrap();
            commit.put_batch(&run, Seq(first), vec![7; lengths.iter().sum()]);
            wanted.extend(lengths);
        }
        commit.write(&db).unwrap();
        let lengths = db.iter().values().map(|value| value.unwrap().len());
        assert_eq!(lengths.collect::<Vec<_>>(), wanted);
    }
}
