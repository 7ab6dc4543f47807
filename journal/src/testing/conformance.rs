//! What every journal must do.
//!
//! A journal of your own passes when [`check_all`] returns. It takes no runtime: await it on the one that
//! your journal needs.
//!
//! ```
//! use std::sync::Arc;
//! use lab1_flow_journal::testing::conformance::{self, Opened, Subject};
//! use lab1_flow_journal::{Journal, JournalFuture, MemoryJournal, RunHeader, RunId};
//!
//! #[derive(Debug)]
//! struct Memory;
//!
//! impl Subject for Memory {
//!     fn begin<'a>(&'a self, header: &'a RunHeader) -> JournalFuture<'a, Opened> {
//!         Box::pin(async move {
//!             let journal = MemoryJournal::new();
//!             journal.create(header).await?;
//!             Ok(Arc::new(journal) as Opened)
//!         })
//!     }
//!
//!     fn reopen<'a>(&'a self, _run: &'a RunId, journal: Opened) -> JournalFuture<'a, Opened> {
//!         Box::pin(async move { Ok(journal) }) // Memory has nothing to close.
//!     }
//! }
//! # tokio::runtime::Builder::new_current_thread().build().unwrap()
//! #     .block_on(conformance::check_all(&Memory));
//! ```

use std::fmt::Debug;
use std::sync::Arc;

use serde_json::json;

use super::samples;
use crate::{
    Entry, History, Journal, JournalError, JournalFuture, Provenance, Record, RunHeader, RunId,
    RunState, Seq, Timestamp,
};

/// A journal under test.
pub type Opened = Arc<dyn Journal>;

/// How the suite gets at a journal.
pub trait Subject: Debug {
    /// Gives a journal of its own for each call, in which the run of `header` has just been created.
    fn begin<'a>(&'a self, header: &'a RunHeader) -> JournalFuture<'a, Opened>;

    /// Closes the journal and opens it again, as the next process would.
    fn reopen<'a>(&'a self, run: &'a RunId, journal: Opened) -> JournalFuture<'a, Opened>;

    /// Whether one journal holds any number of runs.
    fn holds_many_runs(&self) -> bool {
        true
    }
}

/// Runs every case; each has a journal of its own.
///
/// # Panics
/// With the name of the case and what was wrong.
pub async fn check_all(subject: &dyn Subject) {
    a_new_run_has_its_header_and_nothing_else(subject).await;
    what_is_acknowledged_is_read_back(subject).await;
    what_is_acknowledged_survives_a_reopening(subject).await;
    records_of_any_size_come_back_whole(subject).await;
    numbers_come_back_as_they_were(subject).await;
    a_batch_of_nothing_writes_nothing(subject).await;
    a_wrong_place_is_refused_and_nothing_changes(subject).await;
    of_two_writers_at_one_place_one_wins(subject).await;
    a_run_is_created_once(subject).await;
    an_unknown_run_is_not_found(subject).await;
    a_dropped_append_is_whole_or_absent(subject).await;
    a_run_at_rest_goes_on(subject).await;
    a_run_is_driven_by_one_at_a_time(subject).await;
    if subject.holds_many_runs() {
        runs_are_listed_in_order(subject).await;
        runs_do_not_touch_one_another(subject).await;
    }
}

const AT: Timestamp = Timestamp(2_000);

/// A run under test, with what the journal must hold.
struct Bench<'s> {
    subject: &'s dyn Subject,
    journal: Opened,
    wanted: History,
}

impl<'s> Bench<'s> {
    async fn new(subject: &'s dyn Subject) -> Self {
        let header = samples::header("conformance");
        let journal = ok("create", subject.begin(&header).await);
        Self { subject, journal, wanted: History { header, records: Vec::new() } }
    }

    fn run(&self) -> RunId {
        self.wanted.header.run.clone()
    }

    fn next(&self) -> Seq {
        self.wanted.records.last().map_or(Seq::FIRST, |record| record.seq.next())
    }

    async fn append(&mut self, entries: Vec<Entry>) {
        let wanted = Record::number(self.next(), AT, entries.clone());
        let records =
            ok("append", self.journal.append(&self.run(), self.next(), AT, entries).await);
        assert_eq!(records, wanted, "append must give back the records as numbered");
        self.wanted.records.extend(records);
    }

    async fn live(&mut self) {
        for batch in samples::life() {
            self.append(batch).await;
        }
    }

    async fn reopen(self) -> Self {
        let run = self.run();
        let journal = ok("reopen", self.subject.reopen(&run, self.journal).await);
        Self { subject: self.subject, journal, wanted: self.wanted }
    }

    async fn check(&self, case: &str) {
        let found = ok(case, self.journal.read(&self.run()).await);
        assert_eq!(found, self.wanted, "{case}");
    }
}

fn ok<T>(case: &str, result: Result<T, JournalError>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{case}: {error} ({error:?})"),
    }
}

async fn a_new_run_has_its_header_and_nothing_else(subject: &dyn Subject) {
    let bench = Bench::new(subject).await;
    bench.check("a new run").await;
    let bench = bench.reopen().await;
    bench.check("a new run, reopened").await;
}

async fn what_is_acknowledged_is_read_back(subject: &dyn Subject) {
    let mut bench = Bench::new(subject).await;
    for batch in samples::life() {
        bench.append(batch).await;
        bench.check("after an append").await;
    }
    let history = ok("read", bench.journal.read(&bench.run()).await);
    ok("replay", RunState::replay(&history));
}

async fn what_is_acknowledged_survives_a_reopening(subject: &dyn Subject) {
    let mut bench = Bench::new(subject).await;
    bench.live().await;
    let mut bench = bench.reopen().await;
    bench.check("reopened").await;
    bench.append(vec![samples::started("a", 9)]).await;
    let bench = bench.reopen().await;
    bench.check("reopened after an append that followed a reopening").await;
}

async fn records_of_any_size_come_back_whole(subject: &dyn Subject) {
    let mut bench = Bench::new(subject).await;
    for bytes in [0, 1, 3_000, 4_095, 4_096, 4_097, 8_192, 70_000, 300_000] {
        bench.append(vec![samples::large("a", bytes), samples::started("b", 1)]).await;
    }
    bench.check("large records").await;
    let bench = bench.reopen().await;
    bench.check("large records, reopened").await;
}

async fn numbers_come_back_as_they_were(subject: &dyn Subject) {
    let mut bench = Bench::new(subject).await;
    // Read carelessly, the first two come back with another last bit.
    let output = json!([0.907_303_832_202_868_9, 0.1 + 0.2, 1e-310, f64::MAX, u64::MAX, i64::MIN]);
    let completed = Entry::ActionCompleted {
        action: samples::action("a"),
        output,
        provenance: Provenance::Executed,
    };
    bench.append(vec![samples::started("a", 1), completed]).await;
    let bench = bench.reopen().await;
    bench.check("numbers, reopened").await;
}

async fn a_batch_of_nothing_writes_nothing(subject: &dyn Subject) {
    let mut bench = Bench::new(subject).await;
    bench.append(Vec::new()).await;
    bench.append(vec![samples::started("a", 1)]).await;
    bench.append(Vec::new()).await;
    bench.check("empty batches").await;
}

async fn a_wrong_place_is_refused_and_nothing_changes(subject: &dyn Subject) {
    let mut bench = Bench::new(subject).await;
    bench.append(vec![samples::started("a", 1), samples::started("b", 1)]).await;
    for wrong in [0, 1, 2, 4, u64::MAX] {
        let entries = vec![samples::completed("a")];
        match bench.journal.append(&bench.run(), Seq(wrong), AT, entries).await {
            Err(JournalError::Conflict { expected, found, .. }) => {
                assert_eq!((expected, found), (Seq(wrong), Seq(3)), "the places of the conflict");
            }
            other => panic!("place {wrong} must be a conflict, not {other:?}"),
        }
    }
    bench.check("after conflicts").await;
    bench.append(vec![samples::completed("a")]).await;
    bench.check("after conflicts and an append").await;
}

async fn of_two_writers_at_one_place_one_wins(subject: &dyn Subject) {
    let mut bench = Bench::new(subject).await;
    let run = bench.run();
    let one = vec![samples::started("a", 1)];
    let two = vec![samples::started("b", 1), samples::started("c", 1)];
    let first = bench.journal.append(&run, Seq::FIRST, AT, one);
    let second = bench.journal.append(&run, Seq::FIRST, AT, two);
    let winners = match tokio::join!(first, second) {
        (Ok(records), Err(JournalError::Conflict { .. }))
        | (Err(JournalError::Conflict { .. }), Ok(records)) => records,
        other => panic!("exactly one of two writers must win: {other:?}"),
    };
    bench.wanted.records = winners;
    bench.check("after a race").await;
}

async fn a_run_is_created_once(subject: &dyn Subject) {
    let mut bench = Bench::new(subject).await;
    bench.append(vec![samples::started("a", 1)]).await;
    let mut other = bench.wanted.header.clone();
    other.seed += 1;
    match bench.journal.create(&other).await {
        Err(JournalError::Exists { run }) => assert_eq!(run, bench.run()),
        other => panic!("a second creation must be refused, not {other:?}"),
    }
    bench.check("after a second creation").await;
}

async fn an_unknown_run_is_not_found(subject: &dyn Subject) {
    let bench = Bench::new(subject).await;
    let unknown = samples::header("unknown").run;
    let read = bench.journal.read(&unknown).await;
    assert!(matches!(read, Err(JournalError::NotFound { .. })), "read: {read:?}");
    let entries = vec![samples::started("a", 1)];
    let append = bench.journal.append(&unknown, Seq::FIRST, AT, entries).await;
    assert!(matches!(append, Err(JournalError::NotFound { .. })), "append: {append:?}");
    let runs = ok("runs", bench.journal.runs().await);
    assert_eq!(runs, [bench.run()], "an unknown run must not appear");
}

async fn a_dropped_append_is_whole_or_absent(subject: &dyn Subject) {
    let mut bench = Bench::new(subject).await;
    let run = bench.run();
    let batch = vec![samples::started("a", 1), samples::started("b", 1)];
    {
        let append = bench.journal.append(&run, Seq::FIRST, AT, batch.clone());
        let append = std::pin::pin!(append);
        // Polled once, then dropped: what has been handed over may still be written.
        let _ = poll_once(append).await;
    }
    let entries = vec![samples::started("c", 1)];
    bench.wanted.records = match bench.journal.append(&run, Seq::FIRST, AT, entries).await {
        Ok(records) => records,
        Err(JournalError::Conflict { found, .. }) => {
            assert_eq!(found, Seq(3), "a batch is whole");
            Record::number(Seq::FIRST, AT, batch)
        }
        Err(error) => panic!("after a dropped append: {error}"),
    };
    bench.check("after a dropped append").await;
}

async fn a_run_at_rest_goes_on(subject: &dyn Subject) {
    let mut bench = Bench::new(subject).await;
    bench.append(vec![samples::started("a", 1)]).await;
    ok("rest", bench.journal.rest(&bench.run()).await);
    ok("rest again", bench.journal.rest(&bench.run()).await);
    bench.append(vec![samples::completed("a")]).await;
    bench.check("after a rest").await;
}

async fn a_run_is_driven_by_one_at_a_time(subject: &dyn Subject) {
    let mut bench = Bench::new(subject).await;
    let (run, other) = (bench.run(), samples::header("another").run);
    let lease = ok("claim", bench.journal.claim(&run).await);
    match bench.journal.claim(&run).await {
        Err(JournalError::Held { what, by }) => {
            assert!(what.contains(run.as_str()) && by.is_here, "who has what: {what}, {by}");
        }
        other => panic!("a second claim must be refused, not {other:?}"),
    }
    drop(ok("claim another run", bench.journal.claim(&other).await));
    bench.append(vec![samples::started("a", 1)]).await;
    bench.check("under a lease").await;
    drop(lease);
    drop(ok("claim again", bench.journal.claim(&run).await));
    let bench = bench.reopen().await;
    let lease = ok("claim after a reopening", bench.journal.claim(&run).await);
    assert!(bench.journal.claim(&run).await.is_err(), "a second claim after a reopening");
    drop(lease);
}

async fn runs_are_listed_in_order(subject: &dyn Subject) {
    let bench = Bench::new(subject).await;
    for name in ["zz", "a", "conformance-1", "conformanc", "a-b", "0"] {
        ok("create", bench.journal.create(&samples::header(name)).await);
    }
    let wanted = ["0", "a", "a-b", "conformanc", "conformance", "conformance-1", "zz"];
    let names = |runs: Vec<RunId>| runs.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(ok("runs", bench.journal.runs().await)), wanted, "the list of runs");
    let bench = bench.reopen().await;
    assert_eq!(names(ok("runs", bench.journal.runs().await)), wanted, "the list, reopened");
}

/// Ids that are prefixes of one another are the hard case of a store with one key space.
async fn runs_do_not_touch_one_another(subject: &dyn Subject) {
    let mut bench = Bench::new(subject).await;
    let names = ["conformance-1", "conformanc"];
    for (name, count) in names.into_iter().zip(1..) {
        let header = samples::header(name);
        ok("create", bench.journal.create(&header).await);
        for place in 0..count {
            let entries = vec![samples::large("a", 5_000)];
            ok("append", bench.journal.append(&header.run, Seq(place + 1), AT, entries).await);
        }
    }
    bench.live().await;
    bench.check("between other runs").await;
    let bench = bench.reopen().await;
    bench.check("between other runs, reopened").await;
    for (name, count) in names.into_iter().zip(1..) {
        let history = ok("read", bench.journal.read(&samples::header(name).run).await);
        assert_eq!(history.header.run.as_str(), name);
        assert_eq!(history.records.len(), count, "records of {name}");
    }
}

/// Polls a future a single time.
async fn poll_once<F: Future + Unpin>(mut future: F) -> Option<F::Output> {
    std::future::poll_fn(|cx| {
        use std::task::Poll;
        match std::pin::Pin::new(&mut future).poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => Poll::Ready(None),
        }
    })
    .await
}
