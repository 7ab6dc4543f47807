//! The mirror: a text file with what the journal holds, for looking while another process holds it.
//!
//! It is written after the acknowledgement and not synced, so it may lag behind, and nothing is ever done to
//! the world because of it. One JSON value a line: the card of the run, its header, then its records; the
//! header and the records with a summary of where the run then stood.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::codec::FORMAT;
use crate::error::Doing;
use crate::room::BATCH_BYTES_MAX;
use crate::summary::Summary;
use crate::{History, JournalError, Record, RunHeader, RunId, RunState, Timestamp, private};

/// A card is a name, a workflow and a small context; a longer first line is none.
const CARD_BYTES_MAX: u64 = 256 << 10;
/// No line is longer: a record is as large as a batch may be, and its summary is small beside that.
pub(crate) const LINE_BYTES_MAX: u64 = 2 * BATCH_BYTES_MAX as u64;
/// The last line of most mirrors ends within so many bytes of their end; longer ones take more reads.
const TAIL_BYTES: u64 = 4 << 10;

/// The first line: what a list shows of a run and what never changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Card {
    format: u16,
    pub(crate) run: RunId,
    pub(crate) workflow: String,
    pub(crate) created_at: Timestamp,
    pub(crate) context: Value,
}

#[derive(Serialize)]
struct HeaderLine<'a> {
    summary: Summary,
    header: &'a RunHeader,
}

#[derive(Serialize)]
struct RecordLine<'a> {
    summary: Summary,
    record: &'a Record,
}

/// Any line but the first, read back.
#[derive(Deserialize)]
struct Line {
    header: Option<RunHeader>,
    record: Option<Record>,
}

/// The end of a line that is only summed up.
#[derive(Deserialize)]
struct SummaryLine {
    summary: Summary,
}

/// A mirror that follows its journal.
#[derive(Debug)]
pub(crate) struct Mirror {
    path: PathBuf,
    state: RunState,
    file: File,
}

impl Mirror {
    /// Brings the mirror of a journal up to date, and follows from there.
    ///
    /// # Errors
    /// [`JournalError::Illegal`] when the history does not fold, [`JournalError::Storage`].
    pub(crate) fn open(path: &Path, history: &History) -> Result<Self, JournalError> {
        let (text, state) = render(history)?;
        if private::read_at_most(path, text.len() as u64).ok().as_deref() != Some(text.as_slice()) {
            replace(path, &text).doing(|| format!("write {}", path.display()))?;
        }
        let file = private::open_to_append(path).doing(|| format!("open {}", path.display()))?;
        Ok(Self { path: path.to_owned(), state, file })
    }

    /// Adds records that were acknowledged. `false` says that the mirror has lost touch: a batch is missing
    /// before these, because its caller went away, or the file cannot be written.
    pub(crate) fn follow(&mut self, records: &[Record]) -> bool {
        let mut text = Vec::new();
        for record in records {
            if self.state.apply(record).is_err() {
                return false;
            }
            let line = RecordLine { summary: Summary::of(&self.state), record };
            if push_line(&mut text, &line).is_err() {
                return false;
            }
        }
        match self.file.write_all(&text) {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(%error, path = %self.path.display(), "cannot write the mirror");
                false
            }
        }
    }

    /// Makes the mirror survive a loss of power, as far as it goes.
    pub(crate) fn sync(&self) -> Result<(), JournalError> {
        self.file.sync_data().doing(|| format!("sync {}", self.path.display()))
    }
}

/// Writes the mirror of a run that has just been created.
pub(crate) fn write_new(path: &Path, header: &RunHeader) -> Result<(), JournalError> {
    let history = History { header: header.clone(), records: Vec::new() };
    let (text, _) = render(&history)?;
    replace(path, &text).doing(|| format!("write {}", path.display()))
}

fn render(history: &History) -> Result<(Vec<u8>, RunState), JournalError> {
    let header = &history.header;
    let mut state = RunState::new(header.clone());
    let mut text = Vec::new();
    let encoded = |result: io::Result<()>| result.doing(|| "encode the mirror".into());
    let card = Card {
        format: FORMAT,
        run: header.run.clone(),
        workflow: header.workflow.clone(),
        created_at: header.created_at,
        context: header.context.clone(),
    };
    encoded(push_line(&mut text, &card))?;
    encoded(push_line(&mut text, &HeaderLine { summary: Summary::of(&state), header }))?;
    for record in &history.records {
        state.apply(record)?;
        encoded(push_line(&mut text, &RecordLine { summary: Summary::of(&state), record }))?;
    }
    Ok((text, state))
}

fn push_line(text: &mut Vec<u8>, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *text, line)?;
    text.push(b'\n');
    Ok(())
}

/// Puts a whole file in the place of the old one: a reader sees the one or the other.
fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let unfinished = path.with_extension("new");
    let mut file = private::create_anew(&unfinished)?;
    file.write_all(text)?;
    file.sync_data()?;
    fs::rename(&unfinished, path)
}

/// Reads a mirror back. A torn last line is ignored: its record is still being written.
pub(crate) fn read(path: &Path) -> Result<History, JournalError> {
    let file = private::open(path).doing(|| format!("open {}", path.display()))?;
    let mut lines = BufReader::new(file);
    let damaged = |what: &str| JournalError::damaged(path.display().to_string(), what);
    let mut next = || match next_line(&mut lines) {
        Ok(Some(line)) if line.len() as u64 >= LINE_BYTES_MAX => Err(damaged("a line has no end")),
        line => line.doing(|| format!("read {}", path.display())),
    };
    let card = next()?.ok_or_else(|| damaged("it is empty"))?;
    let card: Card =
        serde_json::from_slice(&card).map_err(|_| damaged("its first line is no card"))?;
    check_format(&card, path)?;
    let header = next()?.and_then(|line| serde_json::from_slice::<Line>(&line).ok()?.header);
    let header = header.ok_or_else(|| damaged("its second line is no header"))?;
    let mut records = Vec::new();
    while let Some(line) = next()? {
        let record = serde_json::from_slice::<Line>(&line).ok().and_then(|line| line.record);
        match record {
            Some(record) => records.push(record),
            None if next()?.is_none() => break,
            None => return Err(damaged("one of its lines is no record")),
        }
    }
    Ok(History { header, records })
}

/// The next line without its end, as far as a line may reach.
fn next_line(lines: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    lines.take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    line.pop_if(|last| *last == b'\n');
    Ok(Some(line))
}

/// The record of one line; nothing for the two lines that precede the records.
pub(crate) fn record(line: &[u8]) -> Result<Option<Record>, ()> {
    if let Ok(Line { header, record }) = serde_json::from_slice::<Line>(line)
        && (header.is_some() || record.is_some())
    {
        return Ok(record);
    }
    serde_json::from_slice::<Card>(line).map(|_card| None).map_err(|_no_line_of_a_mirror| ())
}

/// Reads the card and the last summary, and nothing between: a list reads a thousand of these.
pub(crate) fn read_summary(path: &Path) -> Result<(Card, Summary), JournalError> {
    let damaged = |what: &str| JournalError::damaged(path.display().to_string(), what);
    let doing = || format!("read {}", path.display());
    let mut file = private::open(path).doing(doing)?;
    let mut card = Vec::new();
    let mut reader = BufReader::new(&mut file).take(CARD_BYTES_MAX);
    reader.read_until(b'\n', &mut card).doing(doing)?;
    let card: Card =
        serde_json::from_slice(&card).map_err(|_| damaged("its first line is no card"))?;
    check_format(&card, path)?;
    let summary = last_summary(&mut file).doing(doing)?;
    Ok((card, summary.ok_or_else(|| damaged("it has no whole line with a summary"))?))
}

/// Reads back from the end, farther each time, until a whole line is found.
fn last_summary(file: &mut File) -> io::Result<Option<Summary>> {
    let length = file.seek(SeekFrom::End(0))?;
    let mut wanted = TAIL_BYTES;
    loop {
        let start = length.saturating_sub(wanted);
        let mut tail = Vec::new();
        file.seek(SeekFrom::Start(start))?;
        Read::by_ref(file).take(wanted).read_to_end(&mut tail)?;
        // What follows the last line end is torn; what precedes the first one found may be cut.
        let mut lines = tail.split(|byte| *byte == b'\n').rev().skip(1).peekable();
        while let Some(line) = lines.next() {
            let is_whole = start == 0 || lines.peek().is_some();
            let summary = serde_json::from_slice::<SummaryLine>(line);
            if let (true, Ok(SummaryLine { summary })) = (is_whole, summary) {
                return Ok(Some(summary));
            }
        }
        if start == 0 || wanted > LINE_BYTES_MAX {
            return Ok(None);
        }
        wanted = (wanted * 8).min(LINE_BYTES_MAX + TAIL_BYTES);
    }
}

fn check_format(card: &Card, path: &Path) -> Result<(), JournalError> {
    if card.format > FORMAT {
        let what = path.display().to_string();
        return Err(JournalError::NewerFormat { what, found: card.format, supported: FORMAT });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::samples;

    fn written(text: &[u8]) -> (tempfile::TempDir, File) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mirror");
        fs::write(&path, text).unwrap();
        let file = File::open(&path).unwrap();
        (dir, file)
    }

    fn line(padding: usize) -> Vec<u8> {
        let state = RunState::new(samples::header("one"));
        let summary = serde_json::to_string(&Summary::of(&state)).unwrap();
        format!("{{\"padding\":\"{}\",\"summary\":{summary}}}\n", "x".repeat(padding)).into_bytes()
    }

    fn tail() -> usize {
        usize::try_from(TAIL_BYTES).unwrap()
    }

    #[test]
    fn the_last_whole_line_is_found_however_long_it_is() {
        for padding in [0, tail(), 9 * tail(), 80 * tail()] {
            let (_dir, mut file) = written(&line(padding));
            assert!(last_summary(&mut file).unwrap().is_some(), "{padding}");
        }
        let (_dir, mut file) = written(&[line(0), line(20 * tail())].concat());
        assert!(last_summary(&mut file).unwrap().is_some());
        let torn = "x".repeat(2 * tail());
        let (_dir, mut file) = written(&[line(0), torn.into_bytes()].concat());
        assert!(last_summary(&mut file).unwrap().is_some(), "before a torn line");
        for nothing in [&b""[..], b"no end", b"no summary\n"] {
            let (_dir, mut file) = written(nothing);
            assert!(last_summary(&mut file).unwrap().is_none());
        }
    }

    #[test]
    fn what_may_be_the_end_of_a_line_is_no_line() {
        let whole = line(tail() - line(0).len());
        assert_eq!(whole.len(), tail());
        let (_dir, mut file) = written(&[b"not a line: ", whole.as_slice()].concat());
        assert!(last_summary(&mut file).unwrap().is_none());
    }
}
