//! Goal: a journal that was once written can always be read. Method: one committed journal of each format, and
//! one of a format that this version does not know.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::fs;
use std::path::{Path, PathBuf};

use lab1_flow_journal::testing::{copy_folder, samples};
use lab1_flow_journal::{
    Journal, JournalError, Record, RunPhase, RunState, RunStore, Seq, Source, Timestamp,
};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// A state directory with a copy of a fixture, so that the fixture stays as it is.
fn opened(name: &str) -> (tempfile::TempDir, RunStore) {
    let dir = tempfile::tempdir().unwrap();
    copy_folder(&fixture(name), dir.path()).unwrap();
    let store = RunStore::open(dir.path()).unwrap();
    (dir, store)
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// The records of the fixtures: the sample life, and one record that takes several chunks.
fn records() -> Vec<Record> {
    let mut entries = samples::life().concat();
    entries.truncate(8);
    entries.push(samples::large("b", 10_000));
    Record::number(Seq::FIRST, Timestamp(2_000), entries)
}

/// Writes a fixture of the format that this version writes, as a death leaves it: one half in the database, the
/// other in the write-ahead log alone. It is for a new format: old fixtures stay.
#[test]
#[ignore = "writes tests/fixtures/format-new"]
fn write_a_fixture() {
    let dir = tempfile::tempdir().unwrap();
    let store = RunStore::open(dir.path()).unwrap();
    let header = samples::header("fixture");
    let journal = store.create(&header).unwrap();
    for record in records() {
        if record.seq.0 == 5 {
            wait(journal.read(&header.run)).unwrap();
        }
        let append = journal.append(&header.run, record.seq, record.at, vec![record.entry]);
        wait(append).unwrap();
    }
    copy_folder(dir.path(), &fixture("format-new")).unwrap();
    journal.close().unwrap();
}

#[test]
fn every_format_is_read_shown_and_continued() {
    for format in ["format-1", "format-2"] {
        is_read_shown_and_continued(format);
    }
}

fn is_read_shown_and_continued(format: &str) {
    let (_dir, store) = opened(format);
    let header = samples::header("fixture");
    let view = store.view(&header.run).unwrap();
    assert_eq!((&view.history.header, &view.history.records), (&header, &records()));
    assert_eq!(view.source, Source::Journal);
    let listed = store.summaries().unwrap();
    assert_eq!(listed[0].as_ref().unwrap().summary.phase, RunPhase::Running);

    let journal = store.open_run(&header.run).unwrap();
    let next = records().last().unwrap().seq.next();
    wait(journal.append(&header.run, next, Timestamp(9), vec![samples::started("c", 1)])).unwrap();
    journal.close().unwrap();
    let history = store.view(&header.run).unwrap().history;
    assert_eq!(RunState::replay(&history).unwrap().next_seq(), next.next());
}

/// It stands still where the witness is written already, and the database is not open yet.
#[test]
fn an_opening_of_any_format_that_did_not_come_to_its_end_is_made_again() {
    for format in ["format-1", "format-2"] {
        let (_dir, store) = opened(format);
        let run = samples::header("fixture").run;
        let database = fs::File::open(store.dir(&run).join("journal/db")).unwrap();
        database.lock().unwrap();
        let held = store.open_run(&run).map(drop);
        assert!(matches!(held, Err(JournalError::Held { .. })), "{format}: {held:?}");
        database.unlock().unwrap();
        let journal = store.open_run(&run).unwrap();
        assert_eq!(wait(journal.read(&run)).unwrap().records, records(), "{format}");
    }
}

#[test]
fn a_newer_format_is_refused_by_every_way_in() {
    let (_dir, store) = opened("format-3");
    let run = samples::header("fixture").run;
    let refusals = [
        store.view(&run).map(drop),
        store.open_run(&run).map(drop),
        store.summaries().unwrap().remove(0).map(drop).map_err(|unreadable| unreadable.error),
    ];
    for refused in refusals {
        assert!(
            matches!(refused, Err(JournalError::NewerFormat { found: 3, supported: 2, .. })),
            "{refused:?}"
        );
    }
    assert_eq!(store.ids().unwrap(), [run], "it is still listed, and left as it is");
}
