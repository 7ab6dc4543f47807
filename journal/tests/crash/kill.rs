//! Deaths of the process.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use lab1_flow_journal::testing::samples;
use lab1_flow_journal::{Journal, JournalError, RunId, RunStore, Seq, SledJournal, Source};

use crate::child::{self, Job, Worker, wait};

/// Lets a child get far enough into its work, by a count of acknowledgements, then kills it.
fn kill_after(job: Job, place: &std::path::Path, count: u32) -> BTreeMap<RunId, Seq> {
    let mut worker = Worker::start(job, place);
    let mut acknowledged: BTreeMap<RunId, Seq> = BTreeMap::new();
    let mut note = |(run, seq): (RunId, Seq)| {
        let last = acknowledged.entry(run).or_insert(seq);
        *last = seq.max(*last);
    };
    for _ in 0..count {
        note(worker.next().expect("a child goes on until it is killed"));
    }
    worker.kill().into_iter().for_each(note);
    acknowledged
}

#[test]
fn a_killed_run_keeps_all_that_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let run = samples::header("one").run;
    for round in 0..12 {
        let acknowledged = kill_after(Job::OneRun, dir.path(), 1 + round * 17 % 60)[&run];
        let store = RunStore::open(dir.path()).unwrap();
        // Looking changes nothing: twice, and then to execute.
        for _ in 0..2 {
            let view = store.view(&run).unwrap();
            assert_eq!((view.source, view.holder), (Source::Journal, None));
            assert!(child::check(&view.history.header, &view.history.records) >= acknowledged);
        }
        let journal = store.open_run(&run).unwrap();
        let history = wait(journal.read(&run)).unwrap();
        let last = child::check(&history.header, &history.records);
        assert!(last >= acknowledged, "round {round}: {last} is there, {acknowledged} was told");
        if round % 2 == 0 {
            journal.close().unwrap();
        } else {
            drop(journal);
        }
    }
}

#[test]
fn a_killed_journal_of_many_runs_keeps_all_that_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..8 {
        let acknowledged = kill_after(Job::ManyRuns, dir.path(), 20 + round * 23 % 90);
        let journal = SledJournal::open(&dir.path().join("shared")).unwrap();
        for (run, seq) in acknowledged {
            let history = wait(journal.read(&run)).unwrap();
            let last = child::check(&history.header, &history.records);
            assert!(last >= seq, "round {round}, {run}: {last} is there, {seq} was told");
        }
    }
}

#[test]
fn a_run_killed_while_it_is_created_is_whole_or_not_there() {
    let delays = [0, 1, 2, 3, 5, 8, 12, 16, 20, 30];
    let mut met = delays.into_iter().filter(|delay_ms| is_killed_half_made(*delay_ms)).count();
    // A busy machine may have gone on before the death came: then it is tried again.
    for _ in 0..90 {
        if met > 0 {
            break;
        }
        met += usize::from(is_killed_half_made(0));
    }
    assert!(met > 0, "no creation was met");
}

/// Kills a process so long after it has begun to create its run, checks what is left, and tells whether the run was half
/// made.
fn is_killed_half_made(delay_ms: u64) -> bool {
    let run = samples::header("one").run;
    let dir = tempfile::tempdir().unwrap();
    let worker = Worker::start(Job::OneRun, dir.path());
    let runs = dir.path().join("runs");
    let patience_ends = Instant::now() + Duration::from_mins(1);
    while !named(&runs, ".new-") && !runs.join(run.as_str()).exists() {
        assert!(Instant::now() < patience_ends, "the process makes nothing");
        std::thread::sleep(Duration::from_micros(100));
    }
    std::thread::sleep(Duration::from_millis(delay_ms));
    let acknowledged = worker.kill();
    let is_half_made = named(&runs, ".new-");
    let store = RunStore::open(dir.path()).unwrap();
    match store.open_run(&run) {
        Ok(journal) => {
            wait(journal.read(&run)).unwrap();
        }
        Err(JournalError::NotFound { .. }) => {
            assert_eq!((acknowledged, store.ids().unwrap()), (vec![], vec![]));
            store.create(&samples::header("one")).unwrap().close().unwrap();
        }
        Err(error) => panic!("killed after {delay_ms} ms: {error}"),
    }
    assert_eq!(leftovers(dir.path()), 0, "what a dead process left is swept");
    is_half_made
}

/// Whether a folder has an entry whose name begins so.
fn named(folder: &std::path::Path, beginning: &str) -> bool {
    let Ok(mut entries) = std::fs::read_dir(folder) else { return false };
    entries.any(|it| it.is_ok_and(|it| it.file_name().to_string_lossy().starts_with(beginning)))
}

/// Folders that are no runs, after the next creation has swept.
fn leftovers(state: &std::path::Path) -> usize {
    let store = RunStore::open(state).unwrap();
    store.create(&samples::header("sweeper")).unwrap().close().unwrap();
    let entries = std::fs::read_dir(state.join("runs")).unwrap();
    entries
        .filter(|entry| entry.as_ref().unwrap().file_name().as_encoded_bytes()[0] == b'.')
        .count()
        - 1 // The lock that guards the sweep.
}

#[test]
fn a_run_held_by_another_process_is_refused_with_its_pid_and_can_be_looked_at() {
    let dir = tempfile::tempdir().unwrap();
    let store = RunStore::open(dir.path()).unwrap();
    let header = samples::header("one");
    store.create(&header).unwrap().close().unwrap();
    let mut worker = Worker::start(Job::Hold, dir.path());
    worker.next().unwrap();

    match store.open_run(&header.run) {
        Err(JournalError::Held { by, .. }) => {
            assert_eq!((by.pid, by.is_here), (Some(worker.pid()), false));
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(store.remove(&header.run), Err(JournalError::Held { .. })));
    let view = store.view(&header.run).unwrap();
    assert_eq!(view.source, Source::Mirror);
    assert_eq!(view.holder.unwrap().pid, Some(worker.pid()));
    let listed = store.summaries().unwrap();
    let summary = listed[0].as_ref().unwrap();
    assert_eq!(summary.holder.as_ref().unwrap().pid, Some(worker.pid()));

    // It waits for the holder's death, and no longer.
    let waiting = {
        let store = store.clone();
        let run = header.run.clone();
        std::thread::spawn(move || store.open_run_within(&run, Duration::from_mins(1)))
    };
    worker.kill();
    let journal = waiting.join().unwrap().unwrap();
    assert_eq!(
        store.summaries().unwrap()[0].as_ref().unwrap().holder.as_ref().unwrap().pid,
        Some(std::process::id())
    );
    journal.close().unwrap();
    assert_eq!(store.view(&header.run).unwrap().holder, None, "a stale pid holds nothing");
}
