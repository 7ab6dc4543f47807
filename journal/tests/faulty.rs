//! Goal: the faulty journal dies where it is told to, and its durable image is what would be left. Method: the
//! sample life, with a fault at every one of its crash points.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use lab1_flow_journal::testing::{CrashPoint, Fault, FaultyJournal, Moment, samples};
use lab1_flow_journal::{Journal, JournalError, MemoryJournal, RunId, Seq, Timestamp};

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// Lives the sample life until it ends or an append fails.
async fn live(journal: &FaultyJournal) -> Result<(), JournalError> {
    let header = samples::header("one");
    journal.create(&header).await?;
    let mut next = Seq::FIRST;
    for batch in samples::life() {
        let records = journal.append(&header.run, next, Timestamp(2), batch).await?;
        next = records.last().map_or(next, |record| record.seq.next());
    }
    Ok(())
}

/// The number of writes that an image holds: the header, and whole batches.
fn writes(image: &MemoryJournal) -> u64 {
    let Ok(history) = wait(image.read(&RunId::new("one").unwrap())) else { return 0 };
    let mut records = history.records.len();
    let mut writes = 1;
    for batch in samples::life() {
        if records == 0 {
            break;
        }
        records = records.checked_sub(batch.len()).unwrap();
        writes += 1;
    }
    writes
}

fn dry_run() -> u64 {
    let journal = FaultyJournal::sound();
    wait(live(&journal)).unwrap();
    assert_eq!(writes(&journal.durable()), journal.writes());
    journal.writes()
}

#[test]
fn points_are_numbered_without_a_gap() {
    for number in 0..10 {
        assert_eq!(CrashPoint::numbered(number).number(), number);
    }
    assert_eq!(CrashPoint::numbered(7), CrashPoint { write: 3, moment: Moment::AfterDurable });
}

#[test]
fn a_crash_at_any_point_leaves_what_was_durable_by_then() {
    let count = dry_run();
    assert_eq!(count, 16, "a header and fifteen batches");
    for number in 0..2 * count {
        let point = CrashPoint::numbered(number);
        let journal = FaultyJournal::striking(point, Fault::Crash);
        wait(async {
            tokio::select! {
                result = live(&journal) => panic!("{point}: it lived on: {result:?}"),
                () = journal.crashed() => {}
            }
        });
        assert!(journal.has_crashed());
        let after = u64::from(point.moment == Moment::AfterDurable);
        assert_eq!(writes(&journal.durable()), point.write + after, "{point}");
    }
}

#[test]
fn a_failed_write_fails_every_later_one() {
    for number in 0..2 * dry_run() {
        let point = CrashPoint::numbered(number);
        let journal = FaultyJournal::striking(point, Fault::Fail);
        for _ in 0..2 {
            let failed = wait(live(&journal));
            let refused =
                matches!(failed, Err(JournalError::Storage { .. } | JournalError::Exists { .. }));
            assert!(refused, "{point}: {failed:?}");
        }
        assert!(!journal.has_crashed());
        let after = u64::from(point.moment == Moment::AfterDurable);
        assert_eq!(writes(&journal.durable()), point.write + after, "{point}");
    }
}

#[test]
fn an_image_is_where_the_next_process_goes_on() {
    let journal = FaultyJournal::striking(CrashPoint::numbered(7), Fault::Crash);
    wait(async {
        tokio::select! {
            _ = live(&journal) => panic!("it lived on"),
            () = journal.crashed() => {}
        }
    });
    let next = FaultyJournal::new(&journal.durable(), |_| None);
    let run = RunId::new("one").unwrap();
    let history = wait(next.read(&run)).unwrap();
    let due = history.records.last().unwrap().seq.next();
    wait(next.append(&run, due, Timestamp(3), vec![samples::started("b", 2)])).unwrap();
    assert_eq!(next.writes(), 1, "points are numbered anew");
}

#[test]
fn a_forgetful_journal_lacks_its_last_acknowledged_write() {
    let journal = FaultyJournal::sound().losing_last_write();
    wait(live(&journal)).unwrap();
    assert_eq!(writes(&journal.durable()), journal.writes() - 1);
}
