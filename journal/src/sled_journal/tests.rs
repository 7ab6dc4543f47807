use std::sync::Barrier;

use super::*;
use crate::testing::samples;

#[test]
fn a_journal_is_made_once_and_opened_from_then_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal");
    let journal = SledJournal::open_or_create(&path).unwrap();
    let header = samples::header("one");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(journal.create(&header)).unwrap();
    drop(journal);
    let journal = SledJournal::open_or_create(&path).unwrap();
    assert_eq!(runtime.block_on(journal.runs()).unwrap(), [header.run]);
    assert!(SledJournal::create(&path).is_err(), "it is there");
}

#[test]
fn of_many_that_make_one_journal_at_once_one_has_it_and_the_others_are_told_so() {
    for _ in 0..10 {
        let dir = tempfile::tempdir().unwrap();
        let journal = dir.path().join("journal");
        let start = Barrier::new(4);
        let try_it = || {
            start.wait();
            SledJournal::open_or_create(&journal)
        };
        let made: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(try_it)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(made.iter().filter(|one| one.is_ok()).count(), 1);
        for error in made.into_iter().filter_map(Result::err) {
            assert!(matches!(error, JournalError::Held { .. }), "{error:?}");
        }
    }
}

#[test]
fn where_no_journal_can_be_the_making_is_what_fails() {
    let dir = tempfile::tempdir().unwrap();
    let nowhere = dir.path().join("nowhere/journal");
    let error = SledJournal::open_or_create(&nowhere).unwrap_err().to_string();
    assert!(error.contains("create the folder"), "{error}");
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = SledJournal::open_or_create(&file.join("journal")).unwrap_err().to_string();
    assert!(error.contains("open "), "{error}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left");
}
