//! Records as bytes: framed, numbered, and each chained to the one before.
//!
//! `docs/journal-format.md` describes the frame for a second implementer.

use std::fmt;
use std::io;

use serde::{Deserialize, Serialize};

use crate::error::Doing;
use crate::room::{BATCH_BYTES_MAX, DEPTH_MAX, excess};
use crate::{Entry, History, JournalError, Record, RunHeader, RunId, Seq, Timestamp};

/// The format that this version writes, and the highest that it reads.
pub(crate) const FORMAT: u16 = 2;

/// The first format with a write-ahead log, and with the ends of the runs in its marks.
pub(crate) const FORMAT_WITH_LOG: u16 = 2;

const MAGIC: [u8; 4] = *b"L1FJ";
const CHAIN_BYTES: usize = 16;
const CHAIN_AT: usize = 18;
const PAYLOAD_AT: usize = CHAIN_AT + CHAIN_BYTES;

/// The checksum of a record and of all before it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chain([u8; CHAIN_BYTES]);

impl Chain {
    /// The start of a run's chain: bound to its id, so that no record can pass for one of another run.
    pub(crate) fn start(run: &RunId) -> Self {
        Self::hash(&[b"lab1-flow run\0", run.as_str().as_bytes()])
    }

    pub(crate) const fn from_bytes(bytes: [u8; CHAIN_BYTES]) -> Self {
        Self(bytes)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; CHAIN_BYTES] {
        &self.0
    }

    /// Replaces the end of one run in a sum over the ends of all runs; a new run has none before.
    ///
    /// It does not matter in which order runs went on, and the sum can be made again from what a database holds. An
    /// end is a hash that is bound to its run: two runs cannot stand in for one another.
    pub(crate) fn with_end(&self, before: Option<Self>, after: Self) -> Self {
        let number = |end: Self| u128::from_be_bytes(end.0);
        let others = number(*self).wrapping_sub(before.map_or(0, number));
        Self(others.wrapping_add(number(after)).to_be_bytes())
    }

    /// BLAKE3 of the parts in a row, cut to 16 bytes.
    pub(crate) fn hash(parts: &[&[u8]]) -> Self {
        let mut hasher = blake3::Hasher::new();
        for part in parts {
            hasher.update(part);
        }
        let mut bytes = [0; CHAIN_BYTES];
        bytes.copy_from_slice(&hasher.finalize().as_bytes()[..CHAIN_BYTES]);
        Self(bytes)
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[derive(Serialize)]
struct PayloadRef<'a> {
    at: Timestamp,
    entry: &'a Entry,
}

#[derive(Deserialize)]
struct Payload {
    at: Timestamp,
    entry: Entry,
}

/// The payload of a header.
pub(crate) fn header_payload(header: &RunHeader) -> Result<Vec<u8>, JournalError> {
    payload(header)
}

/// The payload of a record.
pub(crate) fn entry_payload(at: Timestamp, entry: &Entry) -> Result<Vec<u8>, JournalError> {
    payload(&PayloadRef { at, entry })
}

/// Refuses what could not be stored, or not be read back.
fn payload(value: &impl Serialize) -> Result<Vec<u8>, JournalError> {
    let payload = serde_json::to_vec(value).map_err(io::Error::from);
    let payload = payload.doing(|| "encode a record".into())?;
    let Some(what) = excess(&payload, (BATCH_BYTES_MAX, DEPTH_MAX)) else { return Ok(payload) };
    let source = io::Error::new(io::ErrorKind::InvalidInput, what);
    Err(JournalError::Storage { doing: "store a record".into(), source })
}

/// Splits the payloads of an append into batches, none larger than one may be.
pub(crate) fn batches<P: AsRef<[u8]>>(payloads: &[P]) -> impl Iterator<Item = &[P]> {
    let mut rest = payloads;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let within = rest.iter().take_while(|payload| {
            bytes += payload.as_ref().len();
            bytes <= BATCH_BYTES_MAX
        });
        let (batch, behind) = rest.split_at(within.count());
        rest = behind;
        (!batch.is_empty()).then_some(batch)
    })
}

/// Appends a framed payload to `bytes` and returns the chain that includes it.
pub(crate) fn frame(bytes: &mut Vec<u8>, before: Chain, seq: Seq, payload: &[u8]) -> Chain {
    let start = bytes.len();
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&FORMAT.to_be_bytes());
    bytes.extend_from_slice(&seq.0.to_be_bytes());
    // A payload has at most BATCH_BYTES_MAX bytes, which fits.
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    bytes.extend_from_slice(&length.to_be_bytes());
    let chain = Chain::hash(&[before.as_bytes(), &bytes[start..], payload]);
    bytes.extend_from_slice(chain.as_bytes());
    bytes.extend_from_slice(payload);
    chain
}

/// Reads the frames of one run in order, and refuses whatever was not written like this.
#[derive(Debug)]
pub(crate) struct RunReader {
    run: RunId,
    next: Seq,
    chain: Chain,
    header: Option<RunHeader>,
    records: Vec<Record>,
}

impl RunReader {
    pub(crate) fn new(run: RunId) -> Self {
        Self { chain: Chain::start(&run), next: Seq(0), run, header: None, records: Vec::new() }
    }

    /// Takes the frames of one batch, which is stored at `first`.
    pub(crate) fn take_batch(&mut self, first: Seq, frames: &[u8]) -> Result<(), JournalError> {
        if first != self.next {
            return Err(self.damaged(format!("it is missing; record {first} follows")));
        }
        let mut rest = frames;
        loop {
            let (payload, behind) = self.check(rest)?;
            self.take(payload)?;
            self.next = self.next.next();
            rest = behind;
            if rest.is_empty() {
                return Ok(());
            }
        }
    }

    fn take(&mut self, payload: &[u8]) -> Result<(), JournalError> {
        let unreadable =
            |error: serde_json::Error| self.damaged(format!("its content does not read: {error}"));
        if self.header.is_none() {
            let header: RunHeader = serde_json::from_slice(payload).map_err(unreadable)?;
            if header.run != self.run {
                return Err(self.damaged(format!("it is the header of run {}", header.run)));
            }
            self.header = Some(header);
        } else {
            let Payload { at, entry } = serde_json::from_slice(payload).map_err(unreadable)?;
            self.records.push(Record { seq: self.next, at, entry });
        }
        Ok(())
    }

    /// What was read, the place of the next record, and the chain so far; nothing when there was no frame.
    pub(crate) fn finish(self) -> Option<(History, Seq, Chain)> {
        let history = History { header: self.header?, records: self.records };
        Some((history, self.next, self.chain))
    }

    /// Checks the first frame of `frames`, and parts its payload from what follows.
    fn check<'f>(&mut self, frames: &'f [u8]) -> Result<(&'f [u8], &'f [u8]), JournalError> {
        let Some((head, rest)) = frames.split_at_checked(PAYLOAD_AT) else {
            return Err(self.damaged(format!("only {} bytes of it are there", frames.len())));
        };
        if head[..4] != MAGIC {
            return Err(self.damaged("it does not begin as a record"));
        }
        let format = u16::from_be_bytes([head[4], head[5]]);
        if format > FORMAT {
            let what = format!("record {} of run {}", self.next, self.run);
            return Err(JournalError::NewerFormat { what, found: format, supported: FORMAT });
        }
        if head[6..14] != self.next.0.to_be_bytes() {
            return Err(self.damaged("it carries the number of another record"));
        }
        let length = u32::from_be_bytes([head[14], head[15], head[16], head[17]]);
        let cut = usize::try_from(length).ok().and_then(|length| rest.split_at_checked(length));
        let Some((payload, behind)) = cut else {
            let found = rest.len();
            return Err(self.damaged(format!("{length} bytes were written, {found} are there")));
        };
        let chain = Chain::hash(&[self.chain.as_bytes(), &head[..CHAIN_AT], payload]);
        if head[CHAIN_AT..] != *chain.as_bytes() {
            return Err(self.damaged("its checksum does not follow from the record before it"));
        }
        self.chain = chain;
        Ok((payload, behind))
    }

    /// Damage at the record that is due.
    pub(crate) fn damaged(&self, what: impl Into<String>) -> JournalError {
        JournalError::damaged(format!("record {} of run {}", self.next, self.run), what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::samples;

    /// Batches of frames as they are stored, with the places of their first records.
    fn written() -> (RunHeader, Vec<(Seq, Vec<u8>)>) {
        let header = samples::header("codec");
        let mut batches = vec![(Seq(0), vec![header_payload(&header).unwrap()])];
        for batch in samples::life().iter().take(3) {
            let payloads = batch.iter().map(|entry| entry_payload(Timestamp(5), entry).unwrap());
            batches.push((Seq(0), payloads.collect()));
        }
        let mut chain = Chain::start(&header.run);
        let mut next = Seq(0);
        let mut frames = Vec::new();
        for (_, payloads) in batches {
            let mut bytes = Vec::new();
            let first = next;
            for payload in payloads {
                chain = frame(&mut bytes, chain, next, &payload);
                next = next.next();
            }
            frames.push((first, bytes));
        }
        (header, frames)
    }

    fn read(run: &RunId, batches: &[(Seq, Vec<u8>)]) -> Result<History, JournalError> {
        let mut reader = RunReader::new(run.clone());
        for (first, frames) in batches {
            reader.take_batch(*first, frames)?;
        }
        Ok(reader.finish().unwrap().0)
    }

    #[test]
    fn what_is_written_is_read_back() {
        let (header, batches) = written();
        let history = read(&header.run, &batches).unwrap();
        assert_eq!(history.header, header);
        let entries: Vec<Entry> = history.records.into_iter().map(|record| record.entry).collect();
        assert_eq!(entries, samples::life()[..3].concat());
    }

    #[test]
    fn every_flipped_bit_is_refused_and_the_record_named() {
        let (header, batches) = written();
        for (place, (first, frames)) in batches.iter().enumerate() {
            for bit in 0..frames.len() * 8 {
                let mut damaged = batches.clone();
                damaged[place].1[bit / 8] ^= 1 << (bit % 8);
                match read(&header.run, &damaged) {
                    Err(JournalError::Damaged { at, .. }) => {
                        assert!(at.starts_with("record ") && at.ends_with(" of run codec"), "{at}");
                    }
                    // A flip in the number of the format: nothing behind it can be understood.
                    Err(JournalError::NewerFormat { .. }) => {}
                    other => panic!("batch at {first}, bit {bit}: {other:?}"),
                }
            }
        }
    }

    #[test]
    fn every_torn_batch_is_refused() {
        let (header, batches) = written();
        for (place, (_, frames)) in batches.iter().enumerate() {
            for length in 0..frames.len() {
                let mut torn = batches[..=place].to_vec();
                torn[place].1.truncate(length);
                let found = read(&header.run, &torn);
                // A cut between two records is seen by what stores them; here it looks like a shorter batch.
                let between = found.as_ref().is_ok_and(|history| history.records.len() == 1);
                let refused = matches!(found, Err(JournalError::Damaged { .. }));
                assert!(refused || between, "batch {place} cut to {length}: {found:?}");
            }
        }
    }

    #[test]
    fn a_missing_a_doubled_and_a_foreign_record_are_refused() {
        let (header, batches) = written();
        let mut missing = batches.clone();
        missing.remove(1);
        let found = read(&header.run, &missing).unwrap_err().to_string();
        assert!(found.contains("record 1 of run codec: it is missing"), "{found}");
        let mut doubled = batches.clone();
        doubled.insert(1, batches[1].clone());
        assert!(read(&header.run, &doubled).is_err());
        let other = RunId::new("other").unwrap();
        assert!(read(&other, &batches).is_err(), "the chain is bound to the run");
    }

    #[test]
    fn a_newer_format_is_refused_by_name() {
        let (header, mut batches) = written();
        batches[2].1[5] = 3;
        let found = read(&header.run, &batches);
        assert!(
            matches!(&found, Err(JournalError::NewerFormat { what, found: 3, supported: 2 })
                if what == "record 3 of run codec"),
            "{found:?}"
        );
    }

    #[test]
    fn a_batch_above_the_limit_is_refused() {
        let text = |bytes: usize| payload(&"x".repeat(bytes - 2));
        assert_eq!(text(BATCH_BYTES_MAX).unwrap().len(), BATCH_BYTES_MAX);
        let error = text(BATCH_BYTES_MAX + 1).unwrap_err();
        assert!(format!("{error:?}").contains("16777216 are allowed"), "{error:?}");
    }

    #[test]
    fn what_could_not_be_read_back_is_refused() {
        let nested = |depth| {
            (1..depth).fold(serde_json::json!(["[[\\\"["]), |it, _| serde_json::json!([it]))
        };
        let written = payload(&nested(DEPTH_MAX)).unwrap();
        assert_eq!(
            serde_json::from_slice::<serde_json::Value>(&written).unwrap(),
            nested(DEPTH_MAX)
        );
        let error = payload(&nested(DEPTH_MAX + 1)).unwrap_err();
        assert!(format!("{error:?}").contains("it nests 101 deep"), "{error:?}");
    }

    #[test]
    fn an_append_is_split_into_batches_that_are_not_too_large() {
        let split = |sizes: &[usize]| {
            let payloads: Vec<_> = sizes.iter().map(|size| vec![0_u8; *size]).collect();
            batches(&payloads).map(<[_]>::len).collect::<Vec<_>>()
        };
        assert_eq!(split(&[]), [0_usize; 0]);
        assert_eq!(split(&[1, 2, 3]), [3]);
        assert_eq!(split(&[BATCH_BYTES_MAX, 1, BATCH_BYTES_MAX - 1, 1]), [1, 2, 1]);
    }
}
