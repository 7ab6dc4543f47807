//! A journal that dies, or fails, at a chosen write.

use std::fmt;
use std::future::pending;
use std::sync::Mutex;
use std::sync::PoisonError;

use tokio::sync::watch;

use crate::{
    Entry, History, Journal, JournalError, JournalFuture, Lease, MemoryJournal, Record, RunHeader,
    RunId, Seq, Timestamp,
};

/// A place in the life of a journal where a process can die: before or after one write.
///
/// Writes (headers and batches) are numbered from 0 in the order of their arrival, so that a dry run that
/// saw `n` writes has `2 * n` crash points: [`CrashPoint::numbered`] of `0..2 * n`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CrashPoint {
    /// Which write.
    pub write: u64,
    /// On which side of it.
    pub moment: Moment,
}

/// The side of a write on which a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Moment {
    /// Nothing of the write is there.
    Before,
    /// The write is durable, and its caller does not know.
    AfterDurable,
}

impl CrashPoint {
    /// The point with this number.
    pub fn numbered(number: u64) -> Self {
        let moment = if number.is_multiple_of(2) { Moment::Before } else { Moment::AfterDurable };
        Self { write: number / 2, moment }
    }

    /// The number of this point.
    pub fn number(self) -> u64 {
        self.write * 2 + u64::from(self.moment == Moment::AfterDurable)
    }
}

impl fmt::Display for CrashPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = match self.moment {
            Moment::Before => "before",
            Moment::AfterDurable => "after",
        };
        write!(f, "{side} write {}", self.write)
    }
}

/// What happens at a crash point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The process dies: this call and every later one never answer.
    Crash,
    /// The disk fails: this write and every later one answer [`JournalError::Storage`].
    Fail,
}

/// A journal in memory with two images: what this process sees, and what would survive its death.
///
/// At every crash point it asks a script whether to go on. A crash is a future that never completes; a test
/// waits for [`crashed`](Self::crashed) beside its engine, drops the engine, and goes on with
/// [`durable`](Self::durable).
///
/// ```
/// # use lab1_flow_journal::{Journal, testing::{CrashPoint, Fault, FaultyJournal, samples}};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let journal = FaultyJournal::striking(CrashPoint::numbered(1), Fault::Crash);
/// let header = samples::header("r1");
/// tokio::select! {
///     _ = journal.create(&header) => unreachable!("the process is dead"),
///     () = journal.crashed() => {}
/// }
/// assert!(journal.durable().read(&header.run).await.is_ok(), "after: the header survives");
/// # });
/// ```
pub struct FaultyJournal {
    live: MemoryJournal,
    durable: MemoryJournal,
    script: Box<dyn Fn(CrashPoint) -> Option<Fault> + Send + Sync>,
    progress: Mutex<Progress>,
    crashed: watch::Sender<bool>,
    loses_last_write: bool,
}

#[derive(Debug, Default)]
struct Progress {
    writes: u64,
    failed: bool,
    /// The acknowledged write that a forgetful journal has not made durable yet.
    kept_back: Option<Write>,
}

#[derive(Debug)]
enum Write {
    Header(RunHeader),
    Batch { run: RunId, records: Vec<Record> },
}

impl FaultyJournal {
    /// Makes a journal that starts with what `image` holds and asks `script` at every crash point.
    ///
    /// A script that counts the calls of a cloud as well gives one numbering over both.
    pub fn new(
        image: &MemoryJournal,
        script: impl Fn(CrashPoint) -> Option<Fault> + Send + Sync + 'static,
    ) -> Self {
        Self {
            live: image.image(),
            durable: image.image(),
            script: Box::new(script),
            progress: Mutex::default(),
            crashed: watch::Sender::new(false),
            loses_last_write: false,
        }
    }

    /// Makes an empty journal without faults: a dry run counts its writes.
    pub fn sound() -> Self {
        Self::new(&MemoryJournal::new(), |_| None)
    }

    /// Makes an empty journal with one fault.
    pub fn striking(point: CrashPoint, fault: Fault) -> Self {
        Self::new(&MemoryJournal::new(), move |here| (here == point).then_some(fault))
    }

    /// Breaks the journal on purpose: the last acknowledged write is missing in the durable image.
    ///
    /// It shows that a check of durability can fail. Nothing else should use it.
    #[must_use]
    pub fn losing_last_write(mut self) -> Self {
        self.loses_last_write = true;
        self
    }

    /// What would be there after a death at this moment.
    pub fn durable(&self) -> MemoryJournal {
        self.durable.image()
    }

    /// The number of records of a run that would be there after a death at this moment.
    pub fn durable_records(&self, run: &RunId) -> u64 {
        self.durable.count(run)
    }

    /// The number of writes that were begun.
    pub fn writes(&self) -> u64 {
        self.progress().writes
    }

    /// Waits until a crash has struck.
    pub async fn crashed(&self) {
        let mut crashed = self.crashed.subscribe();
        // The sender lives in `self`, which is borrowed here: the channel cannot close.
        let _ = crashed.wait_for(|crashed| *crashed).await;
    }

    /// Whether a crash has struck.
    pub fn has_crashed(&self) -> bool {
        *self.crashed.borrow()
    }

    async fn write(&self, write: Write) -> Result<(), JournalError> {
        let number = {
            let mut progress = self.progress();
            let number = progress.writes;
            progress.writes += 1;
            number
        };
        self.strike(CrashPoint { write: number, moment: Moment::Before }).await?;
        self.make_durable(&write)?;
        self.strike(CrashPoint { write: number, moment: Moment::AfterDurable }).await?;
        put(&self.live, &write)?;
        if self.loses_last_write {
            self.progress().kept_back = Some(write);
        }
        Ok(())
    }

    /// Writes to the durable image, one write late when the journal is forgetful.
    fn make_durable(&self, write: &Write) -> Result<(), JournalError> {
        let Some(due) = self.loses_last_write.then(|| self.progress().kept_back.take()) else {
            return put(&self.durable, write);
        };
        due.map_or(Ok(()), |due| put(&self.durable, &due))
    }

    async fn strike(&self, point: CrashPoint) -> Result<(), JournalError> {
        self.be_alive().await;
        if self.progress().failed {
            return Err(disk_error(point));
        }
        match (self.script)(point) {
            None => Ok(()),
            Some(Fault::Fail) => {
                self.progress().failed = true;
                Err(disk_error(point))
            }
            Some(Fault::Crash) => {
                self.crashed.send_replace(true);
                pending().await
            }
        }
    }

    async fn be_alive(&self) {
        if self.has_crashed() {
            pending::<()>().await;
        }
    }

    fn progress(&self) -> std::sync::MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn put(image: &MemoryJournal, write: &Write) -> Result<(), JournalError> {
    match write {
        Write::Header(header) => image.put_header(header),
        Write::Batch { run, records } => {
            image.put_records(run, records);
            Ok(())
        }
    }
}

fn disk_error(point: CrashPoint) -> JournalError {
    JournalError::Storage {
        doing: format!("write to the faulty journal: it was told to fail {point}"),
        source: std::io::ErrorKind::StorageFull.into(),
    }
}

impl fmt::Debug for FaultyJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyJournal")
            .field("live", &self.live)
            .field("progress", &self.progress)
            .finish_non_exhaustive()
    }
}

impl Journal for FaultyJournal {
    fn create<'a>(&'a self, header: &'a RunHeader) -> JournalFuture<'a, ()> {
        Box::pin(async move {
            self.be_alive().await;
            if self.live.read(&header.run).await.is_ok() {
                return Err(JournalError::Exists { run: header.run.clone() });
            }
            self.write(Write::Header(header.clone())).await
        })
    }

    fn append<'a>(
        &'a self,
        run: &'a RunId,
        expected: Seq,
        at: Timestamp,
        entries: Vec<Entry>,
    ) -> JournalFuture<'a, Vec<Record>> {
        Box::pin(async move {
            self.be_alive().await;
            let records = self.live.admit(run, expected, at, entries)?;
            if !records.is_empty() {
                self.write(Write::Batch { run: run.clone(), records: records.clone() }).await?;
            }
            Ok(records)
        })
    }

    fn read<'a>(&'a self, run: &'a RunId) -> JournalFuture<'a, History> {
        Box::pin(async move {
            self.be_alive().await;
            self.live.read(run).await
        })
    }

    fn claim<'a>(&'a self, run: &'a RunId) -> JournalFuture<'a, Lease> {
        Box::pin(async move {
            self.be_alive().await;
            self.live.claim(run).await
        })
    }

    fn runs(&self) -> JournalFuture<'_, Vec<RunId>> {
        Box::pin(async move {
            self.be_alive().await;
            self.live.runs().await
        })
    }

    fn rest<'a>(&'a self, _run: &'a RunId) -> JournalFuture<'a, ()> {
        Box::pin(async move {
            self.be_alive().await;
            Ok(())
        })
    }
}
