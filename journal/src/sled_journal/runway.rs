//! Zeros ahead of the end of sled's log, so that a commit only overwrites.
//!
//! A sync of a file that grows must also write where the file ends and which blocks it has: one more trip to the
//! device. So whenever the log has grown into a new segment, the rest of that segment is filled at once. Zeros are
//! what sled itself writes behind the last message of a log that it recovers, and what it takes for the end of
//! one: nothing about the format changes.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// sled's unit of allocation; it is handed to sled, so that both mean the same.
pub(super) const SEGMENT_BYTES: usize = 512 << 10;

/// The way that lies free before sled's log.
#[derive(Debug)]
pub(super) struct Runway {
    /// Opened for appending: the zeros land behind whatever sled has written by then, never upon it.
    end: File,
}

impl Runway {
    pub(super) fn open(log: &Path) -> io::Result<Self> {
        Ok(Self { end: OpenOptions::new().append(true).open(log)? })
    }

    /// Fills the segment that the log ends in. Mostly there is nothing to do: one look at the length.
    ///
    /// Dies here: some of the zeros are there; the next commit, or sled's next opening, writes the others.
    pub(super) fn extend(&mut self) -> io::Result<()> {
        let segment = SEGMENT_BYTES as u64;
        let begun = self.end.metadata()?.len() % segment;
        if begun == 0 {
            return Ok(());
        }
        let missing = usize::try_from(segment - begun).unwrap_or(SEGMENT_BYTES);
        self.end.write_all(&vec![0; missing])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sled_journal::SledJournal;
    use crate::testing::samples;
    use crate::{Entry, Journal, RunHeader, Seq, Timestamp, files};

    fn wait<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    /// Appends some 3 KiB.
    fn append(journal: &SledJournal, header: &RunHeader, next: &mut Seq) {
        let reason = format!("{next}-").repeat(600);
        let entry =
            Entry::ActionWaiting { action: samples::action("a"), reason, waited_ms: next.0 };
        wait(journal.append(&header.run, *next, Timestamp(5), vec![entry])).unwrap();
        *next = next.next();
    }

    /// Each copy is what a death leaves at that commit: zeros behind the last message, in every place of a segment.
    #[test]
    fn the_log_grows_by_whole_segments_and_a_copy_taken_at_any_commit_reads_back() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("shared");
        let log = place.join("journal").join("db");
        let journal = SledJournal::create(&place).unwrap();
        let header = samples::header("long");
        wait(journal.create(&header)).unwrap();
        let (mut next, mut lengths, mut copies) = (Seq::FIRST, vec![], vec![]);
        while lengths.len() < 4 {
            append(&journal, &header, &mut next);
            let length = log.metadata().unwrap().len();
            assert_eq!(length % SEGMENT_BYTES as u64, 0, "the log ends within a segment at {next}");
            let grown = lengths.last() != Some(&length);
            if grown {
                lengths.push(length);
            }
            if grown || next.0 % 40 == 0 {
                let copy = dir.path().join(format!("copy-{next}"));
                files::copy_tree(&place, &copy).unwrap();
                copies.push((copy, next));
            }
        }
        for (copy, next) in &copies {
            let journal = SledJournal::open(copy).unwrap();
            let found = wait(journal.read(&header.run)).unwrap();
            assert_eq!(found.records.last().unwrap().seq.next(), *next);
            // It goes on from there, into the next segment too.
            let mut next = *next;
            (0..200).for_each(|_| append(&journal, &header, &mut next));
            let found = wait(journal.read(&header.run)).unwrap();
            assert_eq!(found.records.last().unwrap().seq.next(), next);
        }
        println!("[counts] {} deaths in a log of {} segments", copies.len(), lengths.len());
    }
}
