//! The journal on sled.

mod commit;
mod committer;
mod keys;
mod open;
mod store;
mod wal;

use std::fs;
use std::io;
use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::oneshot;

use self::commit::Commit;
use self::committer::{Committer, Reply, Request};
pub(crate) use self::open::{Layout, Opened};
use self::store::Store;
use self::wal::{Logged, Wal};
use crate::codec::{self, Chain};
use crate::error::Doing;
use crate::witness::{CommitMark, Sighting, Witness};
use crate::{
    Entry, History, Journal, JournalError, JournalFuture, Lease, Leases, Record, RunHeader, RunId,
    Seq, Timestamp, files, private, tree,
};

/// Any number of runs in one sled database, safe against the loss of power.
///
/// An append is acknowledged after its records are written to a write-ahead log, all or none, and synced with
/// `fdatasync`, and after the witness beside the database has seen them. Appends that wait at the same time share
/// one commit, so that a hundred runs need not a hundred syncs. sled takes the records over, and is synced, when
/// the log is a megabyte long, before anything is read, and at the close.
///
/// One process holds a journal at a time, and in it one task drives a run at a time
/// ([`claim`](Journal::claim)). [`open`](Self::open) believes nothing: see
/// `docs/journal-format.md`. Records of a run are checked when the run is first used, all of them after an
/// unclean end.
///
/// Opening and closing read the files once, to seal them and to see that nobody touched them; an opening after
/// an unclean end also needs room for a copy.
///
/// Dropping it closes the journal and waits for that; [`close`](Self::close) also says whether that
/// worked. Only a death of the process or a failed append leaves an unclean end.
#[derive(Debug)]
pub struct SledJournal {
    requests: Option<Sender<Request>>,
    committer: Option<JoinHandle<Result<(), JournalError>>>,
    leases: Leases,
}

impl SledJournal {
    /// Makes a new journal in the folder `dir`, which must not exist yet, and opens it.
    ///
    /// Dies here: `dir` is there whole, or not at all; a folder beside it named `.new-...` may be left.
    ///
    /// # Errors
    /// [`JournalError::Storage`].
    pub fn create(dir: &Path) -> Result<Self, JournalError> {
        let name = format!(".new-{}-{}", files::name_of(dir), files::unique());
        let unfinished = parent_of(dir)?.join(name);
        files::create_dir(&unfinished)?;
        let built = build(&Layout::new(&unfinished), None).and_then(|()| publish(&unfinished, dir));
        if built.is_err() {
            // What stands in the way of the removal stood in the way of the building: say that.
            let _ = tree::remove(&unfinished);
        }
        built?;
        Self::open(dir)
    }

    /// Opens the journal in the folder `dir`. It blocks for some milliseconds.
    ///
    /// # Errors
    /// [`JournalError::Held`], [`JournalError::Damaged`], [`JournalError::NewerFormat`],
    /// [`JournalError::Storage`].
    pub fn open(dir: &Path) -> Result<Self, JournalError> {
        Self::start(Opened::open(dir, Duration::ZERO)?)
    }

    /// Opens the journal in the folder `dir`, or makes it.
    ///
    /// # Errors
    /// As [`create`](Self::create) and [`open`](Self::open).
    pub fn open_or_create(dir: &Path) -> Result<Self, JournalError> {
        match fs::symlink_metadata(dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => match Self::create(dir) {
                // Another process was faster.
                Err(_) if dir.exists() => Self::open(dir),
                created => created,
            },
            _ => Self::open(dir),
        }
    }

    /// Starts the thread that serves an opened journal.
    pub(crate) fn start(opened: Opened) -> Result<Self, JournalError> {
        let committer = Committer::new(opened);
        let (sender, receiver) = channel();
        let committer = thread::Builder::new()
            .name("lab1-flow-journal".into())
            .spawn(move || committer.run(&receiver))
            .doing(|| "start a thread".into())?;
        let leases = Leases::default();
        Ok(Self { requests: Some(sender), committer: Some(committer), leases })
    }

    /// Closes the journal, so that the next opening can trust its files. It blocks for some milliseconds.
    ///
    /// # Errors
    /// What made an append fail before, or [`JournalError::Storage`] from the closing itself.
    pub fn close(mut self) -> Result<(), JournalError> {
        self.shut()
    }

    fn shut(&mut self) -> Result<(), JournalError> {
        drop(self.requests.take());
        match self.committer.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(panic)) => Err(open::panicked(&*panic)),
            None => Ok(()),
        }
    }

    /// Hands a request over and waits for the answer.
    async fn ask<T>(&self, request: impl FnOnce(Reply<T>) -> Request) -> Result<T, JournalError> {
        let gone = || JournalError::Storage {
            doing: "reach the journal's thread".into(),
            source: io::ErrorKind::BrokenPipe.into(),
        };
        let (reply, answer) = oneshot::channel();
        let requests = self.requests.as_ref().ok_or_else(gone)?;
        requests.send(request(reply)).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

impl Drop for SledJournal {
    fn drop(&mut self) {
        if let Err(error) = self.shut() {
            tracing::warn!(%error, "a journal was not closed cleanly");
        }
    }
}

impl Journal for SledJournal {
    fn create<'a>(&'a self, header: &'a RunHeader) -> JournalFuture<'a, ()> {
        Box::pin(async move {
            let payload = codec::header_payload(header)?;
            let run = header.run.clone();
            self.ask(|reply| Request::Create { run, payload, reply }).await
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
            let payloads = entries.iter().map(|entry| codec::entry_payload(at, entry));
            let payloads = payloads.collect::<Result<Vec<_>, _>>()?;
            let run = run.clone();
            self.ask(|reply| Request::Append { run, expected, payloads, reply }).await?;
            Ok(Record::number(expected, at, entries))
        })
    }

    fn read<'a>(&'a self, run: &'a RunId) -> JournalFuture<'a, History> {
        Box::pin(async move {
            let run = run.clone();
            self.ask(|reply| Request::Read { run, reply }).await
        })
    }

    fn claim<'a>(&'a self, run: &'a RunId) -> JournalFuture<'a, Lease> {
        Box::pin(async move { self.leases.claim(run) })
    }

    fn runs(&self) -> JournalFuture<'_, Vec<RunId>> {
        Box::pin(self.ask(|reply| Request::Runs { reply }))
    }

    fn rest<'a>(&'a self, _run: &'a RunId) -> JournalFuture<'a, ()> {
        Box::pin(self.ask(|reply| Request::Rest { reply }))
    }
}

/// Fills an empty folder with a closed journal, synced, that holds the run of `header`.
pub(crate) fn build(layout: &Layout, header: Option<&RunHeader>) -> Result<(), JournalError> {
    files::create_dir(&layout.database())?;
    let store = Store::open(&layout.database())?;
    let mut mark = CommitMark::none();
    if let Some(header) = header {
        let payload = codec::header_payload(header)?;
        let mut frames = Vec::new();
        let chain = codec::frame(&mut frames, Chain::start(&header.run), Seq(0), &payload);
        let mut commit = Commit::default();
        commit.put_batch(&header.run, Seq(0), frames);
        mark = CommitMark { commit: 1, ends: mark.ends.with_end(None, chain) };
        store.take_over(&[Logged { commit, mark }])?;
    }
    store.close()?;
    let seal = tree::digest(&layout.database())?;
    let (mut witness, _) = Witness::open(&layout.witness())?;
    witness.write(Sighting::sealed(mark, seal))?;
    Wal::open(&layout.wal())?;
    private::open_or_create(&layout.lock())
        .doing(|| format!("make {}", layout.lock().display()))?;
    tree::sync(layout.dir())
}

/// Reads a run from a copy of its journal, which is left in the folder `copy`.
pub(crate) fn read_copy(
    layout: &Layout,
    copy: &Path,
    run: &RunId,
) -> Result<History, JournalError> {
    read_unadvised_copy(layout, copy, run).map_err(|error| open::advised(error, layout))
}

fn read_unadvised_copy(layout: &Layout, copy: &Path, run: &RunId) -> Result<History, JournalError> {
    let sighting = Witness::look(&layout.witness())?;
    let run = run.clone();
    let read = move |store: &Store| open::read_sole_run(store, &run);
    open::open_copy(layout, copy, sighting, read)
}

/// Gives a finished folder its name. Dies here: it has the name, durably, or is swept.
pub(crate) fn publish(unfinished: &Path, dir: &Path) -> Result<(), JournalError> {
    fs::rename(unfinished, dir).doing(|| format!("make {}", dir.display()))?;
    files::sync_dir(&parent_of(dir)?)
}

fn parent_of(dir: &Path) -> Result<std::path::PathBuf, JournalError> {
    let absolute = std::path::absolute(dir).doing(|| format!("find {}", dir.display()))?;
    Ok(absolute.parent().map_or_else(|| absolute.clone(), Path::to_owned))
}

#[cfg(test)]
mod tests;
