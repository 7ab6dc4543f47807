//! How a journal is opened: never trusting, never repairing.
//!
//! sled drops a damaged tail of its log when it opens it, so a database that may be damaged is first opened
//! as a copy. The copy is believed when every chain in it holds and the witness agrees.

use std::any::Any;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use super::store::Store;
use super::wal::{Log, Wal};
use crate::codec::FORMAT_WITH_LOG;
use crate::error::Doing;
use crate::lock::LockFile;
use crate::witness::{CommitMark, Sighting, Witness};
use crate::{History, JournalError, RunId, files, tree};

/// The thread that opens databases. sled may panic on a damaged file; the panic is caught and becomes
/// [`JournalError::Damaged`], and a program's panic hook can stay silent for threads of this name.
pub(super) const OPEN_THREAD: &str = "lab1-flow-journal-open";

/// An opening that takes longer hangs: sled waits for ever when one of its own threads has died.
const OPEN_LIMIT: Duration = Duration::from_mins(1);

/// The paths of one journal.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    dir: PathBuf,
}

impl Layout {
    pub(crate) fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.dir.join("journal")
    }

    pub(crate) fn lock(&self) -> PathBuf {
        self.dir.join("lock")
    }

    pub(crate) fn witness(&self) -> PathBuf {
        self.dir.join("witness")
    }

    pub(crate) fn wal(&self) -> PathBuf {
        self.dir.join("wal")
    }
}

/// A journal that is open, checked and held.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(super) store: Store,
    pub(super) wal: Wal,
    pub(super) witness: Witness,
    pub(super) mark: CommitMark,
    lock: LockFile,
    layout: Layout,
}

impl Opened {
    /// Opens an existing journal; waits up to `patience` for another process to let it go.
    ///
    /// Dies here: nothing is changed but the witness, which then says that the end was not clean.
    pub(crate) fn open(dir: &Path, patience: Duration) -> Result<Self, JournalError> {
        // The folder itself may be named by way of a link; nothing in it is one.
        let folder = fs::canonicalize(dir).doing(|| format!("open {}", dir.display()))?;
        tree::make_private(&folder)?;
        let layout = Layout::new(dir);
        let lock = LockFile::acquire(&layout.lock(), patience)?;
        Self::open_locked(layout.clone(), lock).map_err(|error| advised(error, &layout))
    }

    fn open_locked(layout: Layout, lock: LockFile) -> Result<Self, JournalError> {
        sweep(&layout)?;
        let database = existing_database(&layout)?;
        let (mut witness, sighting) = Witness::open(&layout.witness())?;
        if !is_sealed(&database, sighting)? {
            verify_copy(&layout, &layout.dir().join(format!("{CHECK}own")), sighting)?;
        }
        let log = existing_log(&layout, sighting)?;
        let wal = Wal::open(&layout.wal())?;
        files::sync_dir(layout.dir())?;
        // From here on the end is not clean, until `close` says so. An older mark stays one of its format.
        let unsealed = |sighting| Sighting { seal: None, ..sighting };
        witness.write(sighting.map_or_else(|| Sighting::open(CommitMark::none()), unsealed))?;
        witness.sync()?;
        let (store, mark) = contained(move || {
            let store = Store::open(&database)?;
            // A process that died between writing and syncing left records that a loss of power would take
            // back. They are about to be read and acted on.
            store.take_over(&log.behind(store.mark()?)?)?;
            store.sync()?;
            let mark = store.mark()?;
            compare(mark, sighting)?;
            Ok((store, mark))
        })?;
        witness.write(Sighting::open(mark))?;
        Ok(Self { store, wal, witness, mark, lock, layout })
    }

    /// Reads the one run that a folder is for.
    ///
    /// # Errors
    /// [`JournalError::Damaged`] when it is not there.
    pub(crate) fn read_only_run(self, run: &RunId) -> Result<(Self, History), JournalError> {
        let layout = self.layout.clone();
        let run = run.clone();
        let read = move || {
            let history = read_sole_run(&self.store, &run)?;
            Ok((self, history))
        };
        contained(read).map_err(|error| advised(error, &layout))
    }

    /// Lets the database take over what the write-ahead log holds.
    ///
    /// Dies here: the log still holds what the database has not.
    pub(super) fn checkpoint(&mut self) -> Result<(), JournalError> {
        self.store.take_over(self.wal.pending())?;
        self.wal.restart()
    }

    /// Closes the database and seals it: the next opening can trust its files.
    pub(super) fn close(mut self) -> Result<(), JournalError> {
        self.checkpoint()?;
        let Self { store, mut wal, mut witness, mark, lock, layout } = self;
        store.close()?;
        wal.clear()?;
        let seal = tree::digest(&layout.database())?;
        witness.write(Sighting::sealed(mark, seal))?;
        witness.sync()?;
        drop(lock);
        Ok(())
    }
}

/// The beginning of the names of copies that are looked at and thrown away.
const CHECK: &str = ".check-";

/// Removes what a dead process left: copies, and a half-written snapshot, which sled could not open past.
fn sweep(layout: &Layout) -> Result<(), JournalError> {
    for path in files::list(layout.dir())? {
        if files::name_of(&path).starts_with(CHECK) {
            tree::remove(&path)?;
        }
    }
    if is_folder(&layout.database()) {
        remove_half_snapshots(&layout.database())?;
    }
    Ok(())
}

fn remove_half_snapshots(database: &Path) -> Result<(), JournalError> {
    for path in files::list(database)? {
        let name = files::name_of(&path);
        if name.starts_with("snap.") && name.ends_with(".generating") {
            tracing::info!(path = %path.display(), "removing a half-written snapshot of sled");
            fs::remove_file(&path).doing(|| format!("remove {}", path.display()))?;
        }
    }
    Ok(())
}

/// Whether it is a folder, and no link to one.
fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
}

fn existing_database(layout: &Layout) -> Result<PathBuf, JournalError> {
    let database = layout.database();
    if is_folder(&database) {
        return Ok(database);
    }
    Err(JournalError::damaged(database.display().to_string(), "it is missing"))
}

/// What the write-ahead log holds. It was there from the beginning, unless an older version wrote the journal.
fn existing_log(layout: &Layout, sighting: Option<Sighting>) -> Result<Log, JournalError> {
    let older = sighting.is_some_and(|sighting| sighting.format < FORMAT_WITH_LOG);
    match Log::read(&layout.wal())? {
        Some(log) => Ok(log),
        None if older => Ok(Log::default()),
        None => Err(JournalError::damaged(layout.wal().display().to_string(), "it is missing")),
    }
}

/// Whether the files are, byte for byte, as a clean close left them.
fn is_sealed(database: &Path, sighting: Option<Sighting>) -> Result<bool, JournalError> {
    let Some(seal) = sighting.and_then(|sighting| sighting.seal) else { return Ok(false) };
    Ok(tree::digest(database)? == seal)
}

/// Opens a copy of the database, checks all that is in it, and throws the copy away.
fn verify_copy(
    layout: &Layout,
    copy: &Path,
    sighting: Option<Sighting>,
) -> Result<(), JournalError> {
    let verified = open_copy(layout, copy, sighting, Store::verify);
    tree::remove(copy)?;
    verified
}

/// Reads from a copy of the database, with all that the write-ahead log holds; it is left in the folder `copy`.
pub(super) fn open_copy<T: Send + 'static>(
    layout: &Layout,
    copy: &Path,
    sighting: Option<Sighting>,
    read: impl FnOnce(&Store) -> Result<T, JournalError> + Send + 'static,
) -> Result<T, JournalError> {
    let log = existing_log(layout, sighting)?;
    let database = existing_database(layout)?;
    tree::copy(&database, copy)?;
    remove_half_snapshots(copy)?;
    let opened = copy.to_owned();
    let result = contained(move || {
        let store = Store::open(&opened)?;
        store.write(&log.behind(store.mark()?)?)?;
        compare(store.mark()?, sighting)?;
        read(&store)
    });
    result.map_err(|error| match error {
        // People look for the damage in the original.
        JournalError::Damaged { at, what } if at == copy.display().to_string() => {
            JournalError::damaged(database.display().to_string(), what)
        }
        other => other,
    })
}

/// Holds the database against the witness.
///
/// A database that is ahead is sound: the witness is written last. One that is behind has lost commits.
fn compare(mark: CommitMark, sighting: Option<Sighting>) -> Result<(), JournalError> {
    let Some(Sighting { mark: seen, format, .. }) = sighting else {
        tracing::warn!("the witness of a journal is missing or torn; it is written anew");
        return Ok(());
    };
    if mark.commit < seen.commit {
        let what = format!(
            "its last commit is {}, and the witness saw {}: acknowledged records are lost",
            mark.commit, seen.commit
        );
        return Err(JournalError::damaged("the end of the journal", what));
    }
    if format >= FORMAT_WITH_LOG && mark.commit == seen.commit && mark.ends != seen.ends {
        let what = format!("commit {} is not the one that the witness saw", mark.commit);
        return Err(JournalError::damaged("the end of the journal", what));
    }
    Ok(())
}

/// Runs work that may panic, or hang, in a thread of its own.
pub(super) fn contained<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, JournalError> + Send + 'static,
) -> Result<T, JournalError> {
    let (sender, receiver) = sync_channel(1);
    let worker = thread::Builder::new()
        .name(OPEN_THREAD.into())
        .spawn(move || sender.send(work()))
        .doing(|| "start a thread".into())?;
    match receiver.recv_timeout(OPEN_LIMIT) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => {
            let what = format!("it did not open within {} s", OPEN_LIMIT.as_secs());
            Err(JournalError::damaged("the database", what))
        }
        Err(RecvTimeoutError::Disconnected) => match worker.join() {
            Err(panic) => Err(panicked(&*panic)),
            Ok(_) => Err(JournalError::damaged("the database", "its reader ended")),
        },
    }
}

/// What a panic of sled means.
pub(super) fn panicked(panic: &(dyn Any + Send)) -> JournalError {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
    JournalError::damaged("the database", format!("sled panicked: {text}"))
}

/// Reads the run that a database is for; without it the database is another's.
pub(super) fn read_sole_run(store: &Store, run: &RunId) -> Result<History, JournalError> {
    match store.read_sole_run(run) {
        Err(JournalError::NotFound { .. }) => {
            Err(JournalError::damaged(format!("record 0 of run {run}"), "it is missing"))
        }
        stored => Ok(stored?.history),
    }
}

/// Tells a person what to do about damage.
pub(super) fn advised(error: JournalError, layout: &Layout) -> JournalError {
    match error {
        JournalError::Damaged { at, what } => {
            let dir = layout.dir().display();
            let what = format!(
                "{what}; nothing was repaired and {dir} is left as it is: keep a copy of it, and restore it \
                 from a backup if there is one"
            );
            JournalError::Damaged { at, what }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests;
