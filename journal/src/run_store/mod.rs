//! The state directory: one folder a run.

mod follow;
mod run_journal;
mod view;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use self::follow::{Followed, Follower};
pub use self::run_journal::RunJournal;
pub use self::view::{RunSummary, RunView, Source, UnreadableRun};
use crate::error::Doing;
use crate::lock::{BuildLock, LockFile};
use crate::sled_journal::{self, Layout};
use crate::{JournalError, RunHeader, RunId, files, mirror, private, tree};

/// The runs under one state directory, each in a folder with a lock of its own.
///
/// ```text
/// <state>/runs/<run-id>/journal/       the sled database: the truth
///                       witness        how far it must reach
///                       lock           held by the process that executes the run
///                       mirror.jsonl   the same as text, for looking
///         set-aside/                   folders of runs whose journal was begun anew
/// ```
///
/// A folder is there whole or not at all: it is built under another name, synced, and renamed. Folders can be
/// entered, and files read, by their owner only. All methods block, for some milliseconds at most.
#[derive(Debug, Clone)]
pub struct RunStore {
    runs: PathBuf,
}

/// Why a prefix does not name a run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// No run's id begins like this.
    #[error("there is no run {prefix}")]
    Unknown {
        /// What was asked for.
        prefix: String,
        /// All runs that there are, in the order of their ids.
        known: Vec<RunId>,
    },
    /// Several runs' ids begin like this.
    #[error("{prefix} can be {}", listed(candidates))]
    Ambiguous {
        /// What was asked for.
        prefix: String,
        /// The runs whose ids begin like this.
        candidates: Vec<RunId>,
    },
    /// The state directory cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

fn takes_no_more(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::StorageFull)
}

fn listed(runs: &[RunId]) -> String {
    runs.iter().map(RunId::as_str).collect::<Vec<_>>().join(", ")
}

/// Names of folders that are no runs: being built, being removed, being looked at.
const UNFINISHED: [&str; 3] = [".new-", ".gone-", ".view-"];

impl RunStore {
    /// Opens a state directory, making it when it is missing. On a disk that takes no more it need not be there to be
    /// looked at: it holds no run then.
    ///
    /// # Errors
    /// [`JournalError::Unfit`] when the directory is not ours and private, see [`private::check_state_dir`];
    /// [`JournalError::Storage`].
    pub fn open(state_dir: impl AsRef<Path>) -> Result<Self, JournalError> {
        let state_dir = state_dir.as_ref();
        let finding = || format!("find {}", state_dir.display());
        let state_dir = std::path::absolute(state_dir).doing(finding)?;
        private::check_state_dir(&state_dir).doing(finding)?;
        let store = Self { runs: state_dir.join("runs") };
        match store.make() {
            Err(JournalError::Storage { source, .. }) if takes_no_more(&source) => Ok(store),
            made => made.map(|()| store),
        }
    }

    fn make(&self) -> Result<(), JournalError> {
        files::create_dirs(&self.runs)?;
        check(&self.runs)
    }

    /// Creates a run and opens it.
    ///
    /// Dies here: the run is there with its header, or there is nothing but a folder that is swept later.
    ///
    /// # Errors
    /// [`JournalError::Exists`], [`JournalError::Storage`].
    pub fn create(&self, header: &RunHeader) -> Result<RunJournal, JournalError> {
        self.make()?;
        if let Err(error) = self.sweep() {
            tracing::warn!(%error, "cannot remove what a dead process left");
        }
        let run = &header.run;
        let exists = || JournalError::Exists { run: run.clone() };
        if self.dir(run).exists() {
            return Err(exists());
        }
        let building = BuildLock::shared(&self.build_lock())?;
        let unfinished = self.private_name(UNFINISHED[0], run);
        let built = self.build(&unfinished, header);
        drop(building);
        if let Err(error) = built {
            // What stands in the way of the removal stood in the way of the building: say that.
            let _ = tree::remove(&unfinished);
            return Err(if self.dir(run).exists() { exists() } else { error });
        }
        self.open_run(run)
    }

    fn build(&self, unfinished: &Path, header: &RunHeader) -> Result<(), JournalError> {
        let layout = Layout::new(unfinished);
        files::create_dir(unfinished)?;
        mirror::write_new(&mirror_path(unfinished), header)?;
        sled_journal::build(&layout, Some(header))?;
        sled_journal::publish(unfinished, &self.dir(&header.run))
    }

    /// Opens a run to execute it: takes its lock, checks all of it, brings its mirror up to date.
    ///
    /// # Errors
    /// [`JournalError::NotFound`], [`JournalError::Held`], [`JournalError::Damaged`],
    /// [`JournalError::NewerFormat`], [`JournalError::Illegal`], [`JournalError::Storage`].
    pub fn open_run(&self, run: &RunId) -> Result<RunJournal, JournalError> {
        self.open_run_within(run, Duration::ZERO)
    }

    /// As [`open_run`](Self::open_run), and waits up to `patience` for another process to let the run go.
    ///
    /// # Errors
    /// As [`open_run`](Self::open_run).
    pub fn open_run_within(
        &self,
        run: &RunId,
        patience: Duration,
    ) -> Result<RunJournal, JournalError> {
        RunJournal::open(&self.existing(run)?, run, patience)
    }

    /// Lists the runs in the order of their ids.
    ///
    /// # Errors
    /// [`JournalError::Storage`].
    pub fn ids(&self) -> Result<Vec<RunId>, JournalError> {
        let paths = match files::list(&self.runs) {
            Err(JournalError::Storage { source, .. })
                if source.kind() == io::ErrorKind::NotFound =>
            {
                Vec::new()
            }
            paths => paths?,
        };
        let mut runs: Vec<RunId> =
            paths.iter().filter_map(|path| RunId::new(files::name_of(path)).ok()).collect();
        runs.sort();
        Ok(runs)
    }

    /// Finds the one run whose id begins with `prefix`; a whole id is found even when it begins others.
    ///
    /// # Errors
    /// [`ResolveError`], with the runs that there are to choose from.
    pub fn resolve(&self, prefix: &str) -> Result<RunId, ResolveError> {
        let known = self.ids()?;
        let candidates: Vec<RunId> =
            known.iter().filter(|run| run.as_str().starts_with(prefix)).cloned().collect();
        if let Some(run) = candidates.iter().find(|run| run.as_str() == prefix) {
            return Ok(run.clone());
        }
        let prefix = prefix.to_owned();
        match candidates.as_slice() {
            [] => Err(ResolveError::Unknown { prefix, known }),
            [run] => Ok(run.clone()),
            _ => Err(ResolveError::Ambiguous { prefix, candidates }),
        }
    }

    /// Removes a run with all that is known of it, for good.
    ///
    /// Dies here: the run is there whole, or gone from every list and swept later.
    ///
    /// # Errors
    /// [`JournalError::NotFound`], [`JournalError::Held`], [`JournalError::Storage`].
    pub fn remove(&self, run: &RunId) -> Result<(), JournalError> {
        let dir = self.existing(run)?;
        let _building = BuildLock::shared(&self.build_lock())?;
        let _lock = LockFile::acquire(&Layout::new(&dir).lock(), Duration::ZERO)?;
        let gone = self.private_name(UNFINISHED[1], run);
        fs::rename(&dir, &gone).doing(|| format!("rename {}", dir.display()))?;
        files::sync_dir(&self.runs)?;
        tree::remove(&gone)
    }

    /// Moves a run's folder out of the way, as it is, so that a new journal can be begun under its id. Gives its
    /// new place: nothing is lost.
    ///
    /// Dies here: the run is there, or moved.
    ///
    /// # Errors
    /// [`JournalError::NotFound`], [`JournalError::Held`], [`JournalError::Storage`].
    pub fn set_aside(&self, run: &RunId) -> Result<PathBuf, JournalError> {
        let dir = self.existing(run)?;
        let _lock = LockFile::acquire(&Layout::new(&dir).lock(), Duration::ZERO)?;
        let place = self.runs.with_file_name("set-aside");
        files::create_dirs(&place)?;
        check(&place)?;
        let aside = place.join(format!("{run}-{}", files::unique()));
        fs::rename(&dir, &aside).doing(|| format!("rename {}", dir.display()))?;
        files::sync_dir(&place)?;
        files::sync_dir(&self.runs)?;
        Ok(aside)
    }

    /// The folder of a run, whether it is there or not.
    pub fn dir(&self, run: &RunId) -> PathBuf {
        self.runs.join(run.as_str())
    }

    fn existing(&self, run: &RunId) -> Result<PathBuf, JournalError> {
        let dir = self.dir(run);
        let checked =
            fs::symlink_metadata(&dir).and_then(|metadata| private::is_our_folder(&dir, &metadata));
        match checked {
            Ok(()) => Ok(dir),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(JournalError::NotFound { run: run.clone() })
            }
            Err(error) => Err(error).doing(|| format!("open {}", dir.display())),
        }
    }

    /// Removes what dead processes left, unless a live one is building at this moment.
    fn sweep(&self) -> Result<(), JournalError> {
        let Some(_alone) = BuildLock::try_alone(&self.build_lock())? else { return Ok(()) };
        for path in files::list(&self.runs)? {
            if UNFINISHED.iter().any(|prefix| files::name_of(&path).starts_with(prefix)) {
                tracing::info!(path = %path.display(), "removing what a dead process left");
                tree::remove(&path)?;
            }
        }
        Ok(())
    }

    /// A name that nobody else uses.
    fn private_name(&self, prefix: &str, run: &RunId) -> PathBuf {
        self.runs.join(format!("{prefix}{run}-{}", files::unique()))
    }

    fn build_lock(&self) -> PathBuf {
        self.runs.join(".building")
    }
}

/// Checks a folder of the state directory.
fn check(folder: &Path) -> Result<(), JournalError> {
    private::check_folder(folder).doing(|| format!("open {}", folder.display()))
}

fn mirror_path(dir: &Path) -> PathBuf {
    dir.join("mirror.jsonl")
}
