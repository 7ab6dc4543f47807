//! Records as bytes: framed, numbered, and each chained to the one before.
//!
//! `docs/journal-format.md` describes the frame for a second implementer.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Entry, History, JournalError, Record, RunHeader, RunId, Seq, Timestamp};

/// The format that this version writes, and the highest that it reads.
pub(crate) const FORMAT: u16 = 1;

/// The greatest stored size of one record. An entry holds names and ids, not files; a larger one is a mistake
/// that should not fill the disk.
pub(crate) const RECORD_BYTES_MAX: usize = 16 << 20;

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

fn payload(value: &impl Serialize) -> Result<Vec<u8>, JournalError> {
    let cannot = |source| JournalError::Storage { doing: "encode a record".into(), source };
    let bytes = serde_json::to_vec(value).map_err(|error| cannot(error.into()))?;
    if bytes.len() > RECORD_BYTES_MAX {
        let what = format!("it has {} bytes, and {RECORD_BYTES_MAX} are allowed", bytes.len());
        return Err(cannot(std::io::Error::new(std::io::ErrorKind::InvalidInput, what)));
    }
    Ok(bytes)
}

/// Frames a payload and returns the chain that includes it.
pub(crate) fn frame(before: Chain, seq: Seq, payload: &[u8]) -> (Vec<u8>, Chain) {
    let mut bytes = Vec::with_capacity(PAYLOAD_AT + payload.len());
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&FORMAT.to_be_bytes());
    bytes.extend_from_slice(&seq.0.to_be_bytes());
    // `payload` is at most RECORD_BYTES_MAX, which fits.
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    bytes.extend_from_slice(&length.to_be_bytes());
    let chain = Chain::hash(&[before.as_bytes(), &bytes, payload]);
    bytes.extend_from_slice(chain.as_bytes());
    bytes.extend_from_slice(payload);
    (bytes, chain)
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

    /// Takes the frame that is stored at `seq`.
    pub(crate) fn take(&mut self, seq: Seq, frame: &[u8]) -> Result<(), JournalError> {
        let payload = self.check(seq, frame)?;
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
            self.records.push(Record { seq, at, entry });
        }
        self.next = seq.next();
        Ok(())
    }

    /// What was read, the place of the next record, and the chain so far; nothing when there was no frame.
    pub(crate) fn finish(self) -> Option<(History, Seq, Chain)> {
        let history = History { header: self.header?, records: self.records };
        Some((history, self.next, self.chain))
    }

    fn check<'f>(&mut self, seq: Seq, frame: &'f [u8]) -> Result<&'f [u8], JournalError> {
        if seq != self.next {
            return Err(self.damaged(format!("it is missing; record {seq} follows")));
        }
        let (Some(head), Some(payload)) = (frame.get(..PAYLOAD_AT), frame.get(PAYLOAD_AT..)) else {
            return Err(self.damaged(format!("it has only {} bytes", frame.len())));
        };
        if head[..4] != MAGIC {
            return Err(self.damaged("it does not begin as a record"));
        }
        let format = u16::from_be_bytes([head[4], head[5]]);
        if format > FORMAT {
            let what = format!("record {seq} of run {}", self.run);
            return Err(JournalError::NewerFormat { what, found: format, supported: FORMAT });
        }
        if head[6..14] != seq.0.to_be_bytes() {
            return Err(self.damaged("it carries the number of another record"));
        }
        let length = u32::from_be_bytes([head[14], head[15], head[16], head[17]]);
        if usize::try_from(length).ok() != Some(payload.len()) {
            let found = payload.len();
            return Err(self.damaged(format!("{length} bytes were written, {found} are there")));
        }
        let chain = Chain::hash(&[self.chain.as_bytes(), &head[..CHAIN_AT], payload]);
        if head[CHAIN_AT..] != *chain.as_bytes() {
            return Err(self.damaged("its checksum does not follow from the record before it"));
        }
        self.chain = chain;
        Ok(payload)
    }

    /// Damage at the record that is due.
    pub(crate) fn damaged(&self, what: impl Into<String>) -> JournalError {
        JournalError::damaged(format!("record {} of run {}", self.next, self.run), what)
    }
}
