//! Goal: whoever follows a run sees each record once, in its order, whatever the runner does to the file. Method: a
//! real run is written to, torn, replaced, dropped and removed under the eyes of a follower.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::fs::{self, OpenOptions};
use std::io::Write;

use lab1_flow_journal::testing::samples;
use lab1_flow_journal::{
    Entry, Follower, Journal, JournalError, Rest, RunJournal, RunStore, Seq, Timestamp,
};

fn store() -> (tempfile::TempDir, RunStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = RunStore::open(dir.path()).unwrap();
    (dir, store)
}

fn append(journal: &RunJournal, next: Seq, entry: Entry) -> Seq {
    let appended = journal.append(journal.run(), next, Timestamp(2_000), vec![entry]);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(appended).unwrap().last().unwrap().seq.next()
}

fn rest_and_resume(turn: u64) -> Entry {
    if turn.is_multiple_of(2) {
        Entry::RunRested { rest: Rest::Stopped }
    } else {
        Entry::RunResumed { new_budget: false }
    }
}

fn seen(follower: &mut Follower) -> Vec<u64> {
    follower.look().unwrap().records.iter().map(|record| record.seq.0).collect()
}

#[test]
fn each_record_is_seen_once_and_the_runner_by_its_lock() {
    let (_dir, store) = store();
    let journal = store.create(&samples::header("one")).unwrap();
    let mut next = append(&journal, Seq::FIRST, rest_and_resume(0));
    let mut follower = store.follow(journal.run(), Seq::FIRST).unwrap();
    let first = follower.look().unwrap();
    assert_eq!(first.holder.unwrap().pid, Some(std::process::id()));
    assert_eq!(first.records.len(), 1);
    assert_eq!(seen(&mut follower), Vec::<u64>::new());
    next = append(&journal, next, rest_and_resume(1));
    next = append(&journal, next, rest_and_resume(2));
    assert_eq!(seen(&mut follower), [2, 3]);
    let mut late = store.follow(journal.run(), next).unwrap();
    journal.close().unwrap();
    assert_eq!(late.look().unwrap().records, []);
    assert_eq!(follower.look().unwrap().holder, None);
}

#[test]
fn a_line_that_is_still_being_written_is_waited_for() {
    let (_dir, store) = store();
    let journal = store.create(&samples::header("torn")).unwrap();
    let mut follower = store.follow(journal.run(), Seq::FIRST).unwrap();
    assert_eq!(seen(&mut follower), Vec::<u64>::new());
    append(&journal, Seq::FIRST, rest_and_resume(0));
    let path = journal.dir().join("mirror.jsonl");
    let whole = fs::read(&path).unwrap();
    // The file as it is in the middle of the append.
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(whole.len() as u64 - 20).unwrap();
    assert_eq!(seen(&mut follower), Vec::<u64>::new());
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(&whole[whole.len() - 20..]).unwrap();
    assert_eq!(seen(&mut follower), [1]);
}

#[test]
fn a_file_that_was_put_in_its_place_is_read_on_where_the_old_one_ended() {
    let (_dir, store) = store();
    let header = samples::header("replaced");
    let journal = store.create(&header).unwrap();
    let next = append(&journal, Seq::FIRST, rest_and_resume(0));
    let mut follower = store.follow(&header.run, Seq::FIRST).unwrap();
    assert_eq!(seen(&mut follower), [1]);
    // The next runner finds a mirror that has lost its end, and writes it anew.
    let path = journal.dir().join("mirror.jsonl");
    journal.close().unwrap();
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.lines().next().unwrap()).unwrap();
    let journal = store.open_run(&header.run).unwrap();
    append(&journal, next, rest_and_resume(1));
    assert_eq!(seen(&mut follower), [2]);
}

#[test]
fn a_run_that_is_removed_or_damaged_is_told() {
    let (_dir, store) = store();
    let header = samples::header("gone");
    let journal = store.create(&header).unwrap();
    let mut follower = store.follow(&header.run, Seq::FIRST).unwrap();
    let path = journal.dir().join("mirror.jsonl");
    OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{}\n").unwrap();
    let damaged = follower.look();
    assert!(matches!(damaged, Err(JournalError::Damaged { .. })), "{damaged:?}");
    journal.close().unwrap();
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(&path, &path).unwrap();
    let unreadable = follower.look();
    assert!(matches!(unreadable, Err(JournalError::Unfit(_))), "{unreadable:?}");
    store.remove(&header.run).unwrap();
    let gone = follower.look();
    assert!(matches!(gone, Err(JournalError::NotFound { .. })), "{gone:?}");
    let unknown = store.follow(&header.run, Seq::FIRST);
    assert!(matches!(unknown, Err(JournalError::NotFound { .. })), "{unknown:?}");
}
