//! The only module that talks to sled.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::keys::{self, Place};
use super::wal::Logged;
use crate::codec::{Chain, FORMAT_WITH_LOG, RunReader};
use crate::error::Doing;
use crate::lock;
use crate::witness::CommitMark;
use crate::{History, JournalError, RunId, Seq, files, private, tree};

/// sled's own default is a gigabyte; a run has some tens of records.
const CACHE_BYTES: u64 = 16 << 20;

/// sled's unit of allocation.
const SEGMENT_BYTES: usize = 512 << 10;

/// After so much a sync follows: a loss of power then finds sled's log with little that is half written.
const PORTION_BYTES: usize = 64 << 10;

/// How long sled's lock may outlive the process that held it, or the handle that was dropped.
const UNLOCK_PATIENCE: Duration = Duration::from_secs(10);

/// An open database.
pub(super) struct Store {
    db: sled::Db,
    /// Our own descriptor of sled's log: sled's flush does not survive a loss of power, a sync of this does.
    log: File,
    path: PathBuf,
}

/// A run as it stands in the database.
pub(super) struct StoredRun {
    pub(super) history: History,
    pub(super) next: Seq,
    pub(super) chain: Chain,
}

impl Store {
    /// Opens the database in the folder `path`, making it when it is missing.
    ///
    /// It may panic on a damaged file: see `open::contained`.
    ///
    /// # Errors
    /// [`JournalError::Held`] when another process has it open, [`JournalError::Damaged`],
    /// [`JournalError::Storage`].
    pub(super) fn open(path: &Path) -> Result<Self, JournalError> {
        wait_until_unlocked(path)?;
        let config = sled::Config::new()
            .path(path)
            .flush_every_ms(None)
            .segment_size(SEGMENT_BYTES)
            .cache_capacity(CACHE_BYTES)
            .use_compression(false);
        let db = config.open().map_err(|error| unreadable(path, error))?;
        let log = private::open(&log_path(path)).doing(|| format!("open {}", path.display()))?;
        tree::make_private(path)?;
        Ok(Self { db, log, path: path.to_owned() })
    }

    /// Takes commits over and returns when they survive a loss of power.
    ///
    /// Dies here: some of their batches are there, each whole; the mark says which commits are whole.
    pub(super) fn take_over(&self, commits: &[Logged]) -> Result<(), JournalError> {
        let mut rest = commits;
        while !rest.is_empty() {
            let (portion, behind) = rest.split_at(portion_of(rest));
            self.write(portion)?;
            self.db.flush().map_err(|error| self.failed(error))?;
            self.log.sync_data().doing(|| format!("sync {}", self.path.display()))?;
            rest = behind;
        }
        Ok(())
    }

    /// Writes commits, and behind them the mark of the last. Not durable before a sync.
    pub(super) fn write(&self, commits: &[Logged]) -> Result<(), JournalError> {
        let Some(last) = commits.last() else { return Ok(()) };
        let write = || {
            commits.iter().try_for_each(|logged| logged.commit.write(&self.db))?;
            keys::write_mark(&self.db, last.mark)
        };
        write().map_err(|error| self.failed(error))
    }

    fn failed(&self, error: sled::Error) -> JournalError {
        let doing = format!("write to {}", self.path.display());
        JournalError::Storage { doing, source: error.into() }
    }

    /// Makes all that is in the database survive a loss of power, and the names of its files.
    pub(super) fn sync(&self) -> Result<(), JournalError> {
        self.log.sync_all().doing(|| format!("sync {}", self.path.display()))?;
        files::sync_dir(&self.path)
    }

    /// The mark of the last commit.
    pub(super) fn mark(&self) -> Result<CommitMark, JournalError> {
        let (mark, format) =
            keys::read_mark(&self.db).map_err(|error| unreadable(&self.path, error))??;
        // The marks of the first format do not say what is there.
        let ends = if format < FORMAT_WITH_LOG { self.ends()? } else { mark.ends };
        Ok(CommitMark { ends, ..mark })
    }

    /// Reads every run, and checks that none has lost its end.
    ///
    /// # Errors
    /// [`JournalError::Damaged`].
    pub(super) fn verify(&self) -> Result<(), JournalError> {
        check_ends(self.ends()?, self.mark()?)
    }

    /// The sum of the ends that the runs have.
    fn ends(&self) -> Result<Chain, JournalError> {
        self.runs()?.iter().try_fold(CommitMark::none().ends, |ends, run| {
            Ok(ends.with_end(None, self.read_run(run)?.chain))
        })
    }

    /// Reads the only run that the database is for.
    ///
    /// # Errors
    /// As [`read_run`](Self::read_run); [`JournalError::Damaged`] when it is not the only one, or has lost its end.
    pub(super) fn read_sole_run(&self, run: &RunId) -> Result<StoredRun, JournalError> {
        let stored = self.read_run(run)?;
        check_ends(CommitMark::none().ends.with_end(None, stored.chain), self.mark()?)?;
        Ok(stored)
    }

    /// Reads a run and checks every record of it.
    ///
    /// # Errors
    /// [`JournalError::NotFound`], [`JournalError::Damaged`], [`JournalError::NewerFormat`].
    pub(super) fn read_run(&self, run: &RunId) -> Result<StoredRun, JournalError> {
        let mut reader = RunReader::new(run.clone());
        let mut frames = Vec::new();
        let mut at: Option<Place> = None;
        for item in self.db.scan_prefix(keys::run_prefix(run)) {
            let (key, value) = item.map_err(|error| unreadable(&self.path, error))?;
            let Some(place) = keys::parse_key(&key)? else { continue };
            let chunk_due = match &at {
                Some(last) if last.seq == place.seq => last.chunk.checked_add(1),
                Some(last) => {
                    reader.take_batch(last.seq, &frames)?;
                    frames.clear();
                    Some(0)
                }
                None => Some(0),
            };
            if chunk_due != Some(place.chunk) {
                return Err(reader.damaged(format!("chunk {} follows out of turn", place.chunk)));
            }
            frames.extend_from_slice(&value);
            at = Some(place);
        }
        if let Some(last) = at {
            reader.take_batch(last.seq, &frames)?;
        }
        let (history, next, chain) =
            reader.finish().ok_or_else(|| JournalError::NotFound { run: run.clone() })?;
        Ok(StoredRun { history, next, chain })
    }

    /// Lists the runs in the order of their ids: one look-up a run, whatever it holds.
    pub(super) fn runs(&self) -> Result<Vec<RunId>, JournalError> {
        let mut runs = Vec::new();
        let mut from = Vec::new();
        while let Some(item) = self.db.range(from..).next() {
            let (key, _) = item.map_err(|error| unreadable(&self.path, error))?;
            let Some(place) = keys::parse_key(&key)? else { break };
            from = keys::behind_run(&place.run);
            runs.push(place.run);
        }
        Ok(runs)
    }

    /// Closes the database, waits until nothing of it writes any more, and syncs its files.
    pub(super) fn close(self) -> Result<(), JournalError> {
        let Self { db, log, path } = self;
        drop(db);
        wait_until_unlocked(&path)?;
        log.sync_all().doing(|| format!("sync {}", path.display()))?;
        tree::make_private(&path)?;
        files::sync_dir(&path)
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Holds the ends that are there against those that were written. sled may lose a page and what it held, and then
/// a run looks as if it were shorter.
fn check_ends(found: Chain, mark: CommitMark) -> Result<(), JournalError> {
    if found == mark.ends {
        return Ok(());
    }
    let what = format!("they are not those of commit {}: records are missing", mark.commit);
    Err(JournalError::damaged("the ends of the runs", what))
}

/// How many of the commits are written before the next sync: one at least.
fn portion_of(commits: &[Logged]) -> usize {
    let mut bytes = 0;
    let within = commits.iter().take_while(|logged| {
        bytes += logged.commit.bytes();
        bytes <= PORTION_BYTES
    });
    within.count().max(1)
}

fn log_path(path: &Path) -> PathBuf {
    path.join("db")
}

/// sled's threads let its lock go a moment after a handle is dropped, or a process killed.
fn wait_until_unlocked(path: &Path) -> Result<(), JournalError> {
    let path = log_path(path);
    let deadline = Instant::now() + UNLOCK_PATIENCE;
    loop {
        let file = match private::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error).doing(|| format!("open {}", path.display())),
        };
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(2));
            }
            Err(TryLockError::WouldBlock) => return Err(lock::held(&path)),
            Err(TryLockError::Error(error)) => {
                return Err(error).doing(|| format!("lock {}", path.display()));
            }
        }
    }
}

/// Tells damage from a failing disk: sled answers both with the same type.
fn unreadable(path: &Path, error: sled::Error) -> JournalError {
    match error {
        sled::Error::Io(source)
            if !matches!(
                source.kind(),
                io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData
            ) =>
        {
            JournalError::Storage { doing: format!("read {}", path.display()), source }
        }
        other => JournalError::damaged(path.display().to_string(), other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sled_journal::commit::Commit;

    fn io_error(kind: io::ErrorKind) -> JournalError {
        unreadable(Path::new("there"), sled::Error::Io(kind.into()))
    }

    #[test]
    fn a_disk_that_fails_is_told_from_a_file_that_is_damaged() {
        for kind in [io::ErrorKind::UnexpectedEof, io::ErrorKind::InvalidData] {
            let error = io_error(kind);
            assert!(matches!(error, JournalError::Damaged { .. }), "{error:?}");
        }
        let error = io_error(io::ErrorKind::StorageFull);
        assert!(matches!(error, JournalError::Storage { .. }), "{error:?}");
        let error = unreadable(Path::new("there"), sled::Error::Unsupported("this".into()));
        assert!(matches!(error, JournalError::Damaged { .. }), "{error:?}");
    }

    #[test]
    fn ends_that_are_not_those_of_the_mark_are_missing_records() {
        let mark = CommitMark { commit: 3, ends: Chain::hash(&[b"ends"]) };
        check_ends(mark.ends, mark).unwrap();
        let error = check_ends(Chain::hash(&[b"others"]), mark).unwrap_err();
        assert!(error.to_string().contains("not those of commit 3"), "{error}");
    }

    #[test]
    fn a_database_whose_runs_do_not_end_as_its_mark_says_is_damaged() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("database")).unwrap();
        store.verify().unwrap();
        let mark = CommitMark { commit: 1, ends: Chain::hash(&[b"of a run that is not there"]) };
        store.take_over(&[Logged { commit: Commit::default(), mark }]).unwrap();
        assert_eq!(store.mark().unwrap(), mark, "what was written, not what is there");
        let error = store.verify().unwrap_err();
        assert!(error.to_string().contains("records are missing"), "{error}");
    }

    #[test]
    fn a_portion_is_as_large_as_it_may_be_and_never_empty() {
        let portion = |sizes: &[usize]| {
            let logged = sizes.iter().map(|size| {
                let mut commit = Commit::default();
                commit.put_batch(&RunId::new("one").unwrap(), Seq(0), vec![7; *size]);
                Logged { commit, mark: CommitMark::none() }
            });
            portion_of(&logged.collect::<Vec<_>>())
        };
        assert_eq!(portion(&[1, 1, 1]), 3);
        assert_eq!(portion(&[PORTION_BYTES / 2, PORTION_BYTES / 2, 1]), 2);
        assert_eq!(portion(&[PORTION_BYTES / 2, PORTION_BYTES / 2 + 1, 1]), 1);
        assert_eq!(portion(&[PORTION_BYTES + 1, 1]), 1);
    }

    #[test]
    fn a_lock_that_outlives_its_holder_for_a_moment_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        wait_until_unlocked(&dir.path().join("nowhere")).unwrap();
        std::fs::write(log_path(dir.path()), "").unwrap();
        assert!(wait_until_unlocked(&log_path(dir.path())).is_err(), "below a file");
        let holder = File::open(log_path(dir.path())).unwrap();
        holder.lock().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(20));
                holder.unlock().unwrap();
            });
            wait_until_unlocked(dir.path()).unwrap();
        });
    }
}
