//! What is read of a run while somebody else holds it.

use super::*;

fn turn() -> Entry {
    Entry::RollbackStarted { cause: RollbackCause::Request }
}

/// The caller goes away after the batch is handed over, and before the mirror hears of it.
fn leave_after_handing_over(journal: &RunJournal, next: Seq, batch: &[Entry]) {
    wait(async {
        let append = journal.append(journal.run(), next, Timestamp(2_000), batch.to_vec());
        let mut append = std::pin::pin!(append);
        std::future::poll_fn(|cx| {
            assert!(append.as_mut().poll(cx).is_pending(), "an append is never instant");
            std::task::Poll::Ready(())
        })
        .await;
    });
}

#[test]
fn a_torn_last_line_of_a_mirror_is_ignored() {
    let (_dir, store) = store();
    let journal = store.create(&samples::header("one")).unwrap();
    append(&journal, Seq::FIRST, &samples::life()[..2]);
    let mirror = journal.dir().join("mirror.jsonl");
    let whole = fs::read(&mirror).unwrap();
    let start_of_last =
        whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    for length in start_of_last..whole.len() {
        fs::write(&mirror, &whole[..length]).unwrap();
        // The last line end alone may be missing: then the record is whole, and may be seen or not.
        let may_be_seen = length + 1 == whole.len();
        let records = store.view(journal.run()).unwrap().history.records.len();
        assert!(
            records == 2 || (may_be_seen && records == 3),
            "cut to {length}: {records} records"
        );
        let summary = store.summaries().unwrap().remove(0).unwrap().summary;
        assert_eq!(summary.next_seq, Seq(3), "cut to {length}");
    }
}

#[test]
fn a_mirror_with_a_damaged_line_before_others_is_not_believed() {
    let (_dir, store) = store();
    let journal = store.create(&samples::header("one")).unwrap();
    append(&journal, Seq::FIRST, &samples::life()[..4]);
    let mirror = journal.dir().join("mirror.jsonl");
    let mut lines: Vec<_> =
        fs::read_to_string(&mirror).unwrap().lines().map(String::from).collect();
    lines[3] = "{".into();
    fs::write(&mirror, lines.join("\n") + "\n").unwrap();
    let error = store.view(journal.run()).unwrap_err().to_string();
    assert!(error.contains("one of its lines is no record"), "{error}");
}

#[test]
fn a_mirror_that_differs_is_written_anew_when_the_run_is_opened() {
    let (_dir, store) = store();
    let journal = store.create(&samples::header("one")).unwrap();
    append(&journal, Seq::FIRST, &samples::life()[..4]);
    let (run, mirror) = (journal.run().clone(), journal.dir().join("mirror.jsonl"));
    journal.close().unwrap();
    let right = fs::read(&mirror).unwrap();
    let wrong: [&[u8]; 4] =
        [b"", b"{}\n{}\n", &right[..right.len() - 40], &[&right[..], b"{"].concat()];
    for wrong in wrong {
        fs::write(&mirror, wrong).unwrap();
        store.open_run(&run).unwrap().close().unwrap();
        assert_eq!(fs::read(&mirror).unwrap(), right);
    }
    fs::remove_file(&mirror).unwrap();
    let listed = store.summaries().unwrap().remove(0).unwrap();
    assert_eq!(listed.summary.next_seq, Seq(6), "without a mirror the journal is read");
    store.open_run(&run).unwrap().close().unwrap();
    assert_eq!(fs::read(&mirror).unwrap(), right);
}

#[test]
fn a_list_does_not_believe_the_mirror_of_a_run_whose_process_died_on_the_way() {
    let (_dir, store) = store();
    let journal = store.create(&samples::header("one")).unwrap();
    append(&journal, Seq::FIRST, &samples::life()[..8]);
    let mirror = journal.dir().join("mirror.jsonl");
    journal.close().unwrap();
    let whole = fs::read_to_string(&mirror).unwrap();
    // Died between the last commit, which says that the run was stopped, and its line.
    let lines: Vec<_> = whole.lines().collect();
    fs::write(&mirror, lines[..lines.len() - 1].join("\n") + "\n").unwrap();
    let summary = || store.summaries().unwrap().remove(0).unwrap().summary;
    assert_eq!(summary().rest, Some(Rest::Stopped));
    // While somebody holds it, the mirror is all that there is.
    let journal = store.open_run(&samples::header("one").run).unwrap();
    fs::write(&mirror, lines[..lines.len() - 1].join("\n") + "\n").unwrap();
    assert_eq!(summary().rest, None);
    journal.close().unwrap();
}

#[test]
fn a_list_does_not_believe_a_mirror_that_lost_its_end_with_the_power() {
    let (_dir, store) = store();
    let life = samples::life();
    let turn = life.iter().position(|batch| batch.contains(&turn())).unwrap();
    let journal = store.create(&samples::header("one")).unwrap();
    let next = append(&journal, Seq::FIRST, &life[..turn]);
    wait(journal.rest(journal.run())).unwrap();
    let mirror = journal.dir().join("mirror.jsonl");
    let synced = fs::read(&mirror).unwrap();
    append(&journal, next, &life[turn..=turn]);
    let cut = tempfile::tempdir().unwrap();
    copy_folder(store.dir(journal.run()).parent().unwrap(), &cut.path().join("runs")).unwrap();
    fs::write(cut.path().join("runs/one/mirror.jsonl"), synced).unwrap();
    let after = RunStore::open(cut.path()).unwrap();
    let listed = after.summaries().unwrap().remove(0).unwrap().summary;
    assert_eq!((listed.rest, listed.rolling_back), (None, true));
}

#[test]
fn a_mirror_that_could_not_be_written_is_written_when_the_run_rests() {
    let (_dir, store) = store();
    let journal = store.create(&samples::header("one")).unwrap();
    let life = samples::life();
    let next = append(&journal, Seq::FIRST, &life[..1]);
    let run = journal.run().clone();
    let mirror = journal.dir().join("mirror.jsonl");
    // It is lost by a caller that goes away, and nothing can be written in its place.
    let in_the_way = journal.dir().join("mirror.new");
    fs::create_dir(&in_the_way).unwrap();
    leave_after_handing_over(&journal, next, &life[1]);
    let next = Seq(next.0 + life[1].len() as u64);
    let next = append(&journal, next, &life[2..4]);
    fs::remove_dir(&in_the_way).unwrap();
    let next = append(&journal, next, &life[4..8]);
    wait(journal.rest(&run)).unwrap();
    assert_eq!(store.view(&run).unwrap().state.next_seq(), next);
    // And one that cannot be written to the end is not left behind with what it said.
    fs::create_dir(&in_the_way).unwrap();
    leave_after_handing_over(&journal, next, &life[8]);
    append(&journal, Seq(next.0 + life[8].len() as u64), &life[9..10]);
    journal.close().unwrap();
    assert!(!mirror.exists());
    // The next process meets the same, without any mirror, and is closed as well.
    store.open_run(&run).unwrap().close().unwrap();
}

#[test]
fn a_mirror_that_lost_a_batch_finds_its_way_back() {
    let (_dir, store) = store();
    let journal = store.create(&samples::header("one")).unwrap();
    let life = samples::life();
    let run = journal.run().clone();
    leave_after_handing_over(&journal, Seq::FIRST, &life[0]);
    append(&journal, Seq(3), &life[1..3]);
    let view = store.view(&run).unwrap();
    assert_eq!((view.source, view.state.next_seq()), (Source::Mirror, Seq(5)));
}

#[test]
fn a_long_last_line_is_found_from_the_end() {
    let (_dir, store) = store();
    let journal = store.create(&samples::header("one")).unwrap();
    let entries = vec![samples::started("a", 1), samples::large("a", 300_000)];
    append(&journal, Seq::FIRST, &[entries]);
    let summary = store.summaries().unwrap().remove(0).unwrap().summary;
    assert_eq!(summary.next_seq, Seq(3));
}
