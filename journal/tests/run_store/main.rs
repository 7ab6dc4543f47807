//! Goal: a state directory holds whole runs, one executor each, and can always be looked at. Method: each promise
//! of `RunStore` by itself, on files that a test damages, ages or holds.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod mirror;
mod strange;

use std::fs;
use std::io::Write;
use std::path::Path;

use lab1_flow_journal::testing::{copy_folder, samples};
use lab1_flow_journal::{
    Entry, FailureClass, Journal, JournalError, ResolveError, Rest, RollbackCause, RunId,
    RunJournal, RunPhase, RunStore, Seq, Source, StepName, Timestamp,
};

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn store() -> (tempfile::TempDir, RunStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = RunStore::open(dir.path().join("deep/state")).unwrap();
    (dir, store)
}

/// Appends batches from a place on, and returns the next.
fn append(journal: &RunJournal, mut next: Seq, batches: &[Vec<Entry>]) -> Seq {
    for batch in batches {
        let records =
            wait(journal.append(journal.run(), next, Timestamp(2_000), batch.clone())).unwrap();
        next = records.last().unwrap().seq.next();
    }
    next
}

fn names(runs: &[RunId]) -> Vec<&str> {
    runs.iter().map(RunId::as_str).collect()
}

#[test]
fn a_run_is_created_once_and_listed() {
    let (_dir, store) = store();
    assert_eq!(store.ids().unwrap(), []);
    for name in ["beta", "alpha"] {
        store.create(&samples::header(name)).unwrap().close().unwrap();
    }
    assert_eq!(names(&store.ids().unwrap()), ["alpha", "beta"]);
    let again = store.create(&samples::header("beta"));
    assert!(matches!(again, Err(JournalError::Exists { .. })), "{again:?}");
    let unknown = store.open_run(&samples::header("gamma").run);
    assert!(matches!(unknown, Err(JournalError::NotFound { .. })), "{unknown:?}");
}

#[test]
fn of_many_that_create_one_run_at_once_one_wins() {
    let (_dir, store) = store();
    let create = || store.create(&samples::header("one")).map(|journal| journal.close().unwrap());
    let results: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(create)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let created = results.iter().filter(|result| result.is_ok()).count();
    let refused = |result: &Result<(), JournalError>| {
        matches!(result, Ok(()) | Err(JournalError::Exists { .. } | JournalError::Held { .. }))
    };
    assert!(created <= 1 && results.iter().all(refused), "{results:?}");
    assert_eq!(names(&store.ids().unwrap()), ["one"]);
    store.open_run(&samples::header("one").run).unwrap().close().unwrap();
}

#[test]
fn a_prefix_names_a_run_when_it_names_one_only() {
    let (_dir, store) = store();
    for name in ["abc", "abcd", "abx", "z"] {
        store.create(&samples::header(name)).unwrap().close().unwrap();
    }
    assert_eq!(store.resolve("z").unwrap().as_str(), "z");
    assert_eq!(store.resolve("abcd").unwrap().as_str(), "abcd");
    store.create(&samples::header("long")).unwrap().close().unwrap();
    assert_eq!(store.resolve("lo").unwrap().as_str(), "long");
    assert_eq!(store.resolve("abx").unwrap().as_str(), "abx");
    assert_eq!(store.resolve("abc").unwrap().as_str(), "abc", "a whole id is no prefix");
    match store.resolve("ab") {
        Err(error @ ResolveError::Ambiguous { .. }) => {
            assert_eq!(error.to_string(), "ab can be abc, abcd, abx");
        }
        other => panic!("{other:?}"),
    }
    match store.resolve("q") {
        Err(ResolveError::Unknown { known, .. }) => {
            assert_eq!(names(&known), ["abc", "abcd", "abx", "long", "z"]);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_held_run_is_refused_in_the_same_process_too() {
    let (_dir, store) = store();
    let journal = store.create(&samples::header("one")).unwrap();
    match store.open_run(journal.run()) {
        Err(JournalError::Held { by, .. }) => {
            assert_eq!((by.pid, by.is_here), (Some(std::process::id()), true));
        }
        other => panic!("{other:?}"),
    }
    let run = journal.run().clone();
    drop(journal);
    store.open_run(&run).unwrap().close().unwrap();
}

#[test]
fn a_removed_run_is_gone_with_its_folder() {
    let (_dir, store) = store();
    let journal = store.create(&samples::header("one")).unwrap();
    let run = journal.run().clone();
    assert!(matches!(store.remove(&run), Err(JournalError::Held { .. })));
    journal.close().unwrap();
    store.remove(&run).unwrap();
    assert!(matches!(store.remove(&run), Err(JournalError::NotFound { .. })));
    assert_eq!(store.ids().unwrap(), []);
    assert!(!store.dir(&run).exists());
    store.create(&samples::header("one")).unwrap().close().unwrap();
}

#[test]
fn what_dead_processes_left_is_not_listed_and_is_swept() {
    let (_dir, store) = store();
    let run = samples::header("one").run;
    let runs = store.dir(&run).parent().unwrap().to_owned();
    for left in [".new-one-1-0", ".gone-one-1-0", ".view-one-1-0"] {
        fs::create_dir_all(runs.join(left).join("journal")).unwrap();
    }
    assert_eq!(store.ids().unwrap(), []);
    store.create(&samples::header("one")).unwrap().close().unwrap();
    let left: Vec<_> = fs::read_dir(&runs).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "the run and the lock of the sweep: {left:?}");
}

#[test]
fn a_live_run_is_seen_through_its_mirror_and_a_free_one_through_its_journal() {
    let (_dir, store) = store();
    let journal = store.create(&samples::header("one")).unwrap();
    let mut next = Seq::FIRST;
    for batch in samples::life() {
        next = append(&journal, next, &[batch]);
        let view = store.view(journal.run()).unwrap();
        assert_eq!(view.source, Source::Mirror);
        assert_eq!(view.holder.unwrap().pid, Some(std::process::id()));
        assert_eq!(view.state.next_seq(), next, "the mirror follows each acknowledgement");
        let history = wait(journal.read(journal.run())).unwrap();
        assert_eq!(view.history, history);
    }
    let run = journal.run().clone();
    journal.close().unwrap();
    let view = store.view(&run).unwrap();
    assert_eq!((view.source, view.holder), (Source::Journal, None));
    assert_eq!(view.state.rest(), Some(&Rest::RolledBack));
}

#[test]
fn summaries_say_where_each_run_stands() {
    let (_dir, store) = store();
    let life = samples::life();
    let lives =
        [("a-new", 0), ("b-throttled", 3), ("c-stopped", 8), ("d-done", 10), ("e-back", 12)];
    for (name, batches) in lives {
        let journal = store.create(&samples::header(name)).unwrap();
        append(&journal, Seq::FIRST, &life[..batches]);
        journal.close().unwrap();
    }
    let listed: Vec<_> = store.summaries().unwrap().into_iter().map(Result::unwrap).collect();
    let phases: Vec<_> = listed.iter().map(|run| run.summary.phase).collect();
    let wanted = [
        RunPhase::Running,
        RunPhase::Running,
        RunPhase::Stopped,
        RunPhase::Completed,
        RunPhase::RollingBack,
    ];
    assert_eq!(phases, wanted);
    let steps: Vec<_> = listed
        .iter()
        .map(|run| {
            let summary = &run.summary;
            let step = summary.step.as_ref().map(StepName::as_str);
            (summary.steps_completed, summary.steps_total, step)
        })
        .collect();
    let one = Some("one");
    assert_eq!(
        steps,
        [(0, 2, one), (0, 2, one), (1, 2, Some("two")), (2, 2, None), (1, 2, Some("two"))]
    );
    let waiting = listed[1].summary.waiting.as_ref().unwrap();
    assert_eq!((waiting.action.as_str(), waiting.retry_at), ("b", Some(samples::retry().at)));
    assert_eq!(listed[0].context, samples::header("a-new").context);
}

#[test]
fn a_run_in_the_folder_of_another_is_not_listed_under_its_name() {
    let (_dir, store) = store();
    store.create(&samples::header("one")).unwrap().close().unwrap();
    let [one, two] = ["one", "two"].map(|name| store.dir(&samples::header(name).run));
    fs::rename(one, two).unwrap();
    let listed = store.summaries().unwrap().remove(0).unwrap_err();
    assert_eq!(listed.run.as_str(), "two");
    assert!(matches!(listed.error, JournalError::Damaged { .. }), "{listed:?}");
}

#[test]
fn what_cannot_be_read_is_not_taken_for_what_is_not_there() {
    let (_dir, store) = store();
    let journal = store.create(&samples::header("one")).unwrap();
    let run = journal.run().clone();
    let mut follower = store.follow(&run, Seq::FIRST).unwrap();
    journal.close().unwrap();
    let runs = store.dir(&run).parent().unwrap().to_owned();
    fs::remove_dir_all(&runs).unwrap();
    assert!(matches!(store.view(&run), Err(JournalError::NotFound { .. })));
    assert!(matches!(follower.look(), Err(JournalError::NotFound { .. })));
    fs::write(&runs, "no folder").unwrap();
    for refused in [store.view(&run).map(drop), follower.look().map(drop)] {
        assert!(matches!(refused, Err(JournalError::Storage { .. })), "{refused:?}");
    }
}

#[test]
fn a_run_that_is_set_aside_is_kept_and_its_id_is_free() {
    let (_dir, store) = store();
    let header = samples::header("one");
    let journal = store.create(&header).unwrap();
    append(&journal, Seq::FIRST, &samples::life()[..2]);
    assert!(matches!(store.set_aside(&header.run), Err(JournalError::Held { .. })));
    journal.close().unwrap();
    let aside = store.set_aside(&header.run).unwrap();
    assert!(aside.join("mirror.jsonl").is_file(), "{}", aside.display());
    assert_eq!(store.ids().unwrap(), []);
    store.create(&header).unwrap().close().unwrap();
    assert!(matches!(
        store.set_aside(&samples::header("two").run),
        Err(JournalError::NotFound { .. })
    ));
}

#[test]
fn a_journal_that_ends_before_its_witness_is_damaged_and_left_alone() {
    let (_dir, store) = store();
    let journal = store.create(&samples::header("one")).unwrap();
    let next = append(&journal, Seq::FIRST, &samples::life()[..2]);
    let (run, dir) = (journal.run().clone(), journal.dir().to_owned());
    journal.close().unwrap();
    // An older backup of the database, restored without its witness.
    copy_folder(&dir.join("journal"), &dir.join("backup")).unwrap();
    let journal = store.open_run(&run).unwrap();
    append(&journal, next, &samples::life()[2..4]);
    journal.close().unwrap();
    fs::remove_dir_all(dir.join("journal")).unwrap();
    fs::rename(dir.join("backup"), dir.join("journal")).unwrap();
    for refused in [store.view(&run).map(drop), store.open_run(&run).map(drop)] {
        let text = refused.unwrap_err().to_string();
        assert!(text.contains("acknowledged records are lost"), "{text}");
        assert!(text.contains("left as it is"), "it says what to do: {text}");
    }
    let listed = store.summaries().unwrap().remove(0);
    assert!(listed.is_ok(), "the mirror still says what was done");
}

#[test]
fn a_torn_or_missing_witness_is_written_anew() {
    let (_dir, store) = store();
    let journal = store.create(&samples::header("one")).unwrap();
    append(&journal, Seq::FIRST, &samples::life()[..3]);
    let (run, witness) = (journal.run().clone(), journal.dir().join("witness"));
    journal.close().unwrap();
    let damages: [fn(&Path); 3] = [
        |path| fs::remove_file(path).unwrap(),
        |path| fs::write(path, []).unwrap(),
        |path| fs::write(path, [7; 1024]).unwrap(),
    ];
    for damage in damages {
        damage(&witness);
        let journal = store.open_run(&run).unwrap();
        assert_eq!(wait(journal.read(&run)).unwrap().records.len(), 4);
        journal.close().unwrap();
        assert!(fs::read(&witness).unwrap().starts_with(b"L1FW") || witness_slot_two(&witness));
    }
}

fn witness_slot_two(witness: &Path) -> bool {
    fs::read(witness).unwrap()[512..].starts_with(b"L1FW")
}

/// sled 0.34.7 takes a half-written snapshot for the newest one, and cannot open past it.
#[test]
fn a_half_written_snapshot_that_sled_cannot_open_past_is_removed() {
    let (_dir, store) = store();
    let journal = store.create(&samples::header("one")).unwrap();
    append(&journal, Seq::FIRST, &samples::life()[..3]);
    let (run, database) = (journal.run().clone(), journal.dir().join("journal"));
    journal.close().unwrap();
    let half = database.join("snap.FFFFFFFFFFFFFFFF.generating");
    fs::File::create(&half).unwrap().write_all(b"half").unwrap();
    assert!(sled::open(&database).is_err(), "the trap is still there");
    assert_eq!(store.view(&run).unwrap().history.records.len(), 4);
    assert!(half.exists(), "a look removes nothing");
    let journal = store.open_run(&run).unwrap();
    assert_eq!(wait(journal.read(&run)).unwrap().records.len(), 4);
    assert!(!half.exists());
}

#[test]
fn a_folder_of_one_run_holds_no_other() {
    let (_dir, store) = store();
    let journal = store.create(&samples::header("one")).unwrap();
    let other = wait(journal.create(&samples::header("two")));
    assert!(matches!(other, Err(JournalError::Storage { .. })), "{other:?}");
    let again = wait(journal.create(&samples::header("one")));
    assert!(matches!(again, Err(JournalError::Exists { .. })), "{again:?}");
    assert_eq!(names(&wait(journal.runs()).unwrap()), ["one"]);
}

#[test]
fn an_entry_above_the_limit_is_refused_and_the_journal_goes_on() {
    let (_dir, store) = store();
    let journal = store.create(&samples::header("one")).unwrap();
    let huge = vec![samples::started("a", 1), samples::large("a", 17 << 20)];
    let refused = wait(journal.append(journal.run(), Seq::FIRST, Timestamp(1), huge));
    assert!(matches!(refused, Err(JournalError::Storage { .. })), "{refused:?}");
    append(&journal, Seq::FIRST, &samples::life());
}

#[test]
fn an_append_larger_than_a_batch_is_stored_whole() {
    let (_dir, store) = store();
    let journal = store.create(&samples::header("one")).unwrap();
    let large = |name| [samples::started(name, 1), samples::large(name, 7 << 20)];
    let entries = [large("a"), large("b"), large("c")].concat();
    append(&journal, Seq::FIRST, std::slice::from_ref(&entries));
    append(&journal, Seq(7), &[vec![Entry::RunRested { rest: Rest::Completed }]]);
    let run = journal.run().clone();
    journal.close().unwrap();
    let records = store.view(&run).unwrap().history.records;
    let read: Vec<_> = records.into_iter().map(|record| record.entry).collect();
    assert!(read[..6] == entries[..], "in the order in which they were appended");
}

#[test]
fn a_suspended_run_keeps_its_reason_in_the_list() {
    let (_dir, store) = store();
    let journal = store.create(&samples::header("one")).unwrap();
    let failure = samples::failure(FailureClass::Unreachable);
    let rest = Rest::Suspended { failure };
    append(&journal, Seq::FIRST, &[vec![Entry::RunRested { rest: rest.clone() }]]);
    wait(journal.rest(journal.run())).unwrap();
    let summary = store.summaries().unwrap().remove(0).unwrap().summary;
    assert_eq!((summary.phase, summary.rest), (RunPhase::Suspended, Some(rest)));
}
