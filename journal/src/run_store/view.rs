//! Looking at runs, also while another process executes them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::{RunStore, UNFINISHED, mirror_path};
use crate::lock::{self, BuildLock, Holder};
use crate::sled_journal::{self, Layout};
use crate::summary::Summary;
use crate::witness::Witness;
use crate::{History, JournalError, RunId, RunState, Timestamp, files, mirror, tree};

/// How often a look is repeated when a process takes the run, and lets it go, in the middle of it.
const LOOKS_MAX: u32 = 3;

/// A run as it was at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct RunView {
    /// The header and the records.
    pub history: History,
    /// Where the run stands.
    pub state: RunState,
    /// The live process that holds the run, if any.
    pub holder: Option<Holder>,
    /// What was read.
    pub source: Source,
}

/// What a view was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The journal itself, checked.
    Journal,
    /// The mirror, which may lag behind: the journal is held, or its disk is full.
    Mirror,
}

/// A run in a list, mostly read from its mirror: that of a live run may lag behind.
#[derive(Debug, Clone, PartialEq)]
pub struct RunSummary {
    /// The run.
    pub run: RunId,
    /// Its workflow.
    pub workflow: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// What the application stored with it.
    pub context: Value,
    /// The live process that holds it, if any.
    pub holder: Option<Holder>,
    /// Where it stands.
    pub summary: Summary,
}

/// A run that is there and cannot be listed.
#[derive(Debug, thiserror::Error)]
#[error("run {run} cannot be read")]
pub struct UnreadableRun {
    /// The run.
    pub run: RunId,
    /// Why.
    #[source]
    pub error: JournalError,
}

impl RunStore {
    /// Reads a run without touching it: a copy of its journal, or, while a live process holds it, its mirror.
    ///
    /// Whether a process is live is told by the lock, never by a process id.
    ///
    /// # Errors
    /// [`JournalError::NotFound`], [`JournalError::Damaged`], [`JournalError::NewerFormat`],
    /// [`JournalError::Illegal`], [`JournalError::Storage`].
    pub fn view(&self, run: &RunId) -> Result<RunView, JournalError> {
        let dir = self.existing(run)?;
        let lock = Layout::new(&dir).lock();
        let mut looks = 0;
        loop {
            looks += 1;
            if let Some(holder) = lock::holder(&lock)? {
                return view_mirror(&dir, Some(holder));
            }
            match self.read_copy(&dir, run) {
                Ok(history) => return view(history, None, Source::Journal),
                // There was no room anywhere. A full disk must not hide a run.
                Err(error @ JournalError::Storage { .. }) => {
                    return view_mirror(&dir, None).map_err(|_| error);
                }
                // A process may have taken the run while it was copied.
                Err(error) if looks == LOOKS_MAX => return Err(error),
                Err(_) => {}
            }
        }
    }

    /// Reads a copy beside the runs; where that disk takes no more, one in memory, or where temporary files are.
    fn read_copy(&self, dir: &Path, run: &RunId) -> Result<History, JournalError> {
        let beside = self.read_copy_beside(dir, run);
        let mut places = elsewhere().into_iter();
        loop {
            match (&beside, places.next()) {
                (Err(JournalError::Storage { .. }), Some(place)) => {
                    sweep_elsewhere(&place);
                    let copy = place.join(format!("{COPY_ELSEWHERE}{run}-{}", files::unique()));
                    match read_copy_at(&copy, dir, run) {
                        Err(JournalError::Storage { .. }) => {}
                        read => return read,
                    }
                }
                _ => return beside,
            }
        }
    }

    fn read_copy_beside(&self, dir: &Path, run: &RunId) -> Result<History, JournalError> {
        let _building = BuildLock::shared(&self.build_lock())?;
        read_copy_at(&self.private_name(UNFINISHED[2], run), dir, run)
    }

    /// Lists the runs with where they stand, in the order of their ids.
    ///
    /// It reads the two ends of each mirror. It reads the journal of a run whose mirror does not read, and of one that
    /// nobody holds and that does not rest by its mirror: its process died, perhaps before the mirror heard of the last
    /// records. A run that cannot be read at all is listed with its error, and hides no other.
    ///
    /// # Errors
    /// [`JournalError::Storage`] when the state directory cannot be listed.
    pub fn summaries(&self) -> Result<Vec<Result<RunSummary, UnreadableRun>>, JournalError> {
        let summary =
            |run: RunId| self.summary(run.clone()).map_err(|error| UnreadableRun { run, error });
        Ok(self.ids()?.into_iter().map(summary).collect())
    }

    fn summary(&self, run: RunId) -> Result<RunSummary, JournalError> {
        let Some(mirrored) = self.mirrored_summary(&run)? else {
            return self.view(&run).map(|view| summary_of(run, view));
        };
        // A loss of power may have cost a mirror its last lines, so that it rests although the run was taken up again.
        let was_closed = || self.is_closed(&mirrored.run);
        if mirrored.holder.is_some() || (mirrored.summary.rest.is_some() && was_closed()) {
            return Ok(mirrored);
        }
        // A journal that does not read says so to whoever looks at the run; the mirror still knows what was done.
        Ok(self.view(&run).map_or(mirrored, |view| summary_of(run, view)))
    }

    /// Whether the journal was closed cleanly, and nobody has opened it since.
    fn is_closed(&self, run: &RunId) -> bool {
        let witness = Witness::look(&Layout::new(&self.dir(run)).witness());
        witness.is_ok_and(|sighting| sighting.is_some_and(|sighting| sighting.seal.is_some()))
    }

    /// What the mirror says; nothing when it does not read.
    fn mirrored_summary(&self, run: &RunId) -> Result<Option<RunSummary>, JournalError> {
        let dir = self.dir(run);
        let (card, summary) = match mirror::read_summary(&mirror_path(&dir)) {
            Ok((card, summary)) if card.run == *run => (card, summary),
            _ => return Ok(None),
        };
        Ok(Some(RunSummary {
            run: card.run,
            workflow: card.workflow,
            created_at: card.created_at,
            context: card.context,
            holder: lock::holder(&Layout::new(&dir).lock())?,
            summary,
        }))
    }
}

/// The beginning of the names of copies that lie elsewhere.
const COPY_ELSEWHERE: &str = "lab1-flow-view-";

/// A look takes a minute at most; a copy of this age was left by one that died.
const COPY_AGE_MAX: Duration = Duration::from_hours(1);

/// Where a copy may have room when the disk of the runs has none.
fn elsewhere() -> [PathBuf; 2] {
    [PathBuf::from("/dev/shm"), std::env::temp_dir()]
}

/// Removes what dead looks left. It is no matter when that fails: others may have folders of such names there.
fn sweep_elsewhere(place: &Path) {
    let copies = files::list(place).unwrap_or_default().into_iter();
    for copy in copies.filter(|path| files::name_of(path).starts_with(COPY_ELSEWHERE)) {
        let changed = fs::symlink_metadata(&copy).and_then(|metadata| metadata.modified());
        let age = changed.ok().and_then(|changed| changed.elapsed().ok());
        if age.is_some_and(|age| age > COPY_AGE_MAX) {
            let _of_somebody_else = tree::remove(&copy);
        }
    }
}

fn read_copy_at(copy: &Path, dir: &Path, run: &RunId) -> Result<History, JournalError> {
    let history = sled_journal::read_copy(&Layout::new(dir), copy, run);
    let removed = tree::remove(copy);
    let history = history?;
    removed?;
    Ok(history)
}

fn summary_of(run: RunId, view: RunView) -> RunSummary {
    let RunView { history: History { header, .. }, state, holder, .. } = view;
    RunSummary {
        run,
        workflow: header.workflow,
        created_at: header.created_at,
        context: header.context,
        holder,
        summary: Summary::of(&state),
    }
}

fn view_mirror(dir: &Path, holder: Option<Holder>) -> Result<RunView, JournalError> {
    view(mirror::read(&mirror_path(dir))?, holder, Source::Mirror)
}

fn view(history: History, holder: Option<Holder>, source: Source) -> Result<RunView, JournalError> {
    let state = RunState::replay(&history)?;
    Ok(RunView { history, state, holder, source })
}
