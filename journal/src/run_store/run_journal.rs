//! The journal of one run.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::mirror_path;
use crate::error::Doing;
use crate::mirror::Mirror;
use crate::sled_journal::Opened;
use crate::{
    Entry, History, Journal, JournalError, JournalFuture, Lease, Record, RunHeader, RunId, Seq,
    SledJournal, Timestamp,
};

/// The journal of one run, held by this process.
///
/// Whoever looks at the run meanwhile reads its mirror, which follows every acknowledged append. Dropping it
/// closes it; [`close`](Self::close) also says whether that worked.
#[derive(Debug)]
pub struct RunJournal {
    run: RunId,
    dir: PathBuf,
    journal: SledJournal,
    mirror: Mutex<Mirroring>,
}

/// The mirror, or since when it could not be written: it only informs, so the run goes on.
#[derive(Debug)]
enum Mirroring {
    Kept(Box<Mirror>),
    Lost(Instant),
}

/// How long a mirror that could not be written is left alone: each try reads the whole run.
const MIRROR_PAUSE: Duration = Duration::from_secs(1);

impl RunJournal {
    pub(super) fn open(dir: &Path, run: &RunId, patience: Duration) -> Result<Self, JournalError> {
        let opened = Opened::open(dir, patience)?;
        let (opened, history) = opened.read_only_run(run)?;
        let mirror = Mutex::new(open_mirror(dir, &history));
        let journal = SledJournal::start(opened)?;
        Ok(Self { run: run.clone(), dir: dir.to_owned(), journal, mirror })
    }

    /// The run.
    pub fn run(&self) -> &RunId {
        &self.run
    }

    /// The folder that holds the journal, for files that belong to the run.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Closes the journal and lets the run go. It blocks for some milliseconds.
    ///
    /// # Errors
    /// What made an append fail before, or [`JournalError::Storage`] from the closing itself.
    pub fn close(self) -> Result<(), JournalError> {
        // A list would believe what an old mirror says of a run that was closed.
        let is_lost = matches!(*self.mirror(), Mirroring::Lost(_));
        let removed = if is_lost { remove_mirror(&self.dir) } else { Ok(()) };
        self.journal.close().and(removed)
    }

    async fn append_and_mirror(
        &self,
        run: &RunId,
        expected: Seq,
        at: Timestamp,
        entries: Vec<Entry>,
    ) -> Result<Vec<Record>, JournalError> {
        let records = self.journal.append(run, expected, at, entries).await?;
        if !self.mirror().follow(&records) {
            self.rewrite_mirror().await;
        }
        Ok(records)
    }

    async fn rewrite_mirror(&self) {
        let rewritten = match self.journal.read(&self.run).await {
            Ok(history) => open_mirror(&self.dir, &history),
            Err(_) => Mirroring::lost(), // The next append meets the same error, and reports it.
        };
        *self.mirror() = rewritten;
    }

    /// A panic while it was held can leave the mirror behind at most, and that is seen at the next append.
    fn mirror(&self) -> MutexGuard<'_, Mirroring> {
        self.mirror.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mirroring {
    fn lost() -> Self {
        Self::Lost(Instant::now())
    }

    /// Takes these records into the mirror; `false` when it is time to write it anew.
    fn follow(&mut self, records: &[Record]) -> bool {
        match self {
            Self::Kept(mirror) => mirror.follow(records),
            Self::Lost(since) => since.elapsed() < MIRROR_PAUSE,
        }
    }
}

/// Removes the mirror, if there ever was one.
fn remove_mirror(dir: &Path) -> Result<(), JournalError> {
    let mirror = mirror_path(dir);
    match fs::remove_file(&mirror) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.doing(|| format!("remove {}", mirror.display())),
    }
}

/// Opens the mirror, or goes without for a while.
fn open_mirror(dir: &Path, history: &History) -> Mirroring {
    match Mirror::open(&mirror_path(dir), history) {
        Ok(mirror) => Mirroring::Kept(Box::new(mirror)),
        Err(error) => {
            tracing::warn!(%error, run = %history.header.run, "the mirror of the run is not kept");
            Mirroring::lost()
        }
    }
}

impl Journal for RunJournal {
    /// Refuses: the run was created with the folder, and there is room for no other.
    fn create<'a>(&'a self, header: &'a RunHeader) -> JournalFuture<'a, ()> {
        Box::pin(async move {
            if header.run == self.run {
                return Err(JournalError::Exists { run: self.run.clone() });
            }
            Err(JournalError::Storage {
                doing: format!("create run {} in the folder of run {}", header.run, self.run),
                source: io::ErrorKind::Unsupported.into(),
            })
        })
    }

    fn append<'a>(
        &'a self,
        run: &'a RunId,
        expected: Seq,
        at: Timestamp,
        entries: Vec<Entry>,
    ) -> JournalFuture<'a, Vec<Record>> {
        Box::pin(self.append_and_mirror(run, expected, at, entries))
    }

    fn read<'a>(&'a self, run: &'a RunId) -> JournalFuture<'a, History> {
        self.journal.read(run)
    }

    fn claim<'a>(&'a self, run: &'a RunId) -> JournalFuture<'a, Lease> {
        self.journal.claim(run)
    }

    fn runs(&self) -> JournalFuture<'_, Vec<RunId>> {
        self.journal.runs()
    }

    fn rest<'a>(&'a self, run: &'a RunId) -> JournalFuture<'a, ()> {
        Box::pin(async move {
            self.journal.rest(run).await?;
            if matches!(*self.mirror(), Mirroring::Lost(_)) {
                self.rewrite_mirror().await;
            }
            match &*self.mirror() {
                Mirroring::Kept(mirror) => mirror.sync(),
                Mirroring::Lost(_) => Ok(()),
            }
        })
    }
}
