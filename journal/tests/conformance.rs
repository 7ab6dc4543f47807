//! Goal: every journal keeps the same promises. Method: one suite, each implementation a subject.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::sync::Arc;

use lab1_flow_journal::testing::FaultyJournal;
use lab1_flow_journal::testing::conformance::{Opened, Subject, check_all};
use lab1_flow_journal::{
    Journal, JournalError, JournalFuture, MemoryJournal, RunHeader, RunId, RunStore, SledJournal,
};

#[derive(Debug)]
struct Memory;

impl Subject for Memory {
    fn begin<'a>(&'a self, header: &'a RunHeader) -> JournalFuture<'a, Opened> {
        Box::pin(async move {
            let journal = MemoryJournal::new();
            journal.create(header).await?;
            Ok(Arc::new(journal) as Opened)
        })
    }

    fn reopen<'a>(&'a self, _run: &'a RunId, journal: Opened) -> JournalFuture<'a, Opened> {
        Box::pin(async move { Ok(journal) })
    }
}

/// Reopens the durable image: all that is acknowledged must be in it.
#[derive(Debug, Default)]
struct Faulty {
    opened: std::sync::Mutex<Option<Arc<FaultyJournal>>>,
    forgetful: bool,
}

impl Subject for Faulty {
    fn begin<'a>(&'a self, header: &'a RunHeader) -> JournalFuture<'a, Opened> {
        Box::pin(async move {
            let mut journal = FaultyJournal::sound();
            if self.forgetful {
                journal = journal.losing_last_write();
            }
            let journal = Arc::new(journal);
            journal.create(header).await?;
            *self.opened.lock().unwrap() = Some(Arc::clone(&journal));
            Ok(journal as Opened)
        })
    }

    fn reopen<'a>(&'a self, _run: &'a RunId, _journal: Opened) -> JournalFuture<'a, Opened> {
        Box::pin(async move {
            let mut opened = self.opened.lock().unwrap();
            let image = opened.as_ref().unwrap().durable();
            let journal = Arc::new(FaultyJournal::new(&image, |_| None));
            *opened = Some(Arc::clone(&journal));
            Ok(journal as Opened)
        })
    }
}

#[tokio::test]
async fn the_memory_journal_conforms() {
    check_all(&Memory).await;
}

#[tokio::test]
async fn the_faulty_journal_conforms() {
    check_all(&Faulty::default()).await;
}

#[tokio::test]
#[should_panic(expected = "there is no run conformance")]
async fn the_suite_catches_a_journal_that_loses_its_last_write() {
    check_all(&Faulty { forgetful: true, ..Faulty::default() }).await;
}

/// A journal in a folder of its own; closing it is what a clean end does.
#[derive(Debug)]
struct Sled {
    dir: tempfile::TempDir,
}

impl Sled {
    fn path(&self, run: &RunId) -> std::path::PathBuf {
        self.dir.path().join(run.as_str())
    }
}

impl Subject for Sled {
    fn begin<'a>(&'a self, header: &'a RunHeader) -> JournalFuture<'a, Opened> {
        Box::pin(async move {
            let path = self.path(&header.run);
            if path.exists() {
                std::fs::remove_dir_all(&path).unwrap();
            }
            let journal = SledJournal::create(&path)?;
            journal.create(header).await?;
            Ok(Arc::new(journal) as Opened)
        })
    }

    fn reopen<'a>(&'a self, run: &'a RunId, journal: Opened) -> JournalFuture<'a, Opened> {
        Box::pin(async move {
            drop(journal);
            Ok(Arc::new(SledJournal::open(&self.path(run))?) as Opened)
        })
    }
}

#[tokio::test]
async fn the_sled_journal_conforms() {
    check_all(&Sled { dir: tempfile::tempdir().unwrap() }).await;
}

/// One folder a run.
#[derive(Debug)]
struct Folders {
    dir: tempfile::TempDir,
    store: RunStore,
}

impl Subject for Folders {
    fn begin<'a>(&'a self, header: &'a RunHeader) -> JournalFuture<'a, Opened> {
        Box::pin(async move {
            match self.store.remove(&header.run) {
                Ok(()) | Err(JournalError::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
            Ok(Arc::new(self.store.create(header)?) as Opened)
        })
    }

    fn reopen<'a>(&'a self, run: &'a RunId, journal: Opened) -> JournalFuture<'a, Opened> {
        Box::pin(async move {
            drop(journal);
            Ok(Arc::new(self.store.open_run(run)?) as Opened)
        })
    }

    fn holds_many_runs(&self) -> bool {
        false
    }
}

#[tokio::test]
async fn the_run_journal_conforms() {
    let dir = tempfile::tempdir().unwrap();
    let store = RunStore::open(dir.path()).unwrap();
    let folders = Folders { dir, store };
    check_all(&folders).await;
    drop(folders.dir);
}
