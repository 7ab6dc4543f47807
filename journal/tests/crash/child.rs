//! The process that is killed: this test binary, started again with a variable that says what to do.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

use lab1_flow_journal::testing::samples;
use lab1_flow_journal::{
    Entry, Journal, JournalError, Record, RunHeader, RunId, RunStore, Seq, SledJournal, Timestamp,
};

const JOB: &str = "LAB1_FLOW_JOURNAL_TEST_JOB";
const PLACE: &str = "LAB1_FLOW_JOURNAL_TEST_PLACE";
pub(crate) const WRITERS: u32 = 4;

/// What a child does until it dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Job {
    /// Appends to the run `one` of a state directory, which it creates first if need be.
    OneRun,
    /// Appends to several runs of one journal side by side, with records of many sizes.
    ManyRuns,
    /// Takes the lock of the run `one`, says so, and sleeps.
    Hold,
}

/// A running child; it is killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Worker {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

/// One acknowledged append: the run and the place of its last record.
pub(crate) type Acknowledged = (RunId, Seq);

impl Worker {
    pub(crate) fn start(job: Job, place: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child::works_until_it_dies", "--nocapture"])
            .env(JOB, format!("{job:?}"))
            .env(PLACE, place)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, stdout }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the child's next acknowledgement; `None` when it ended by itself.
    pub(crate) fn next(&mut self) -> Option<Acknowledged> {
        loop {
            let mut line = String::new();
            if self.stdout.read_line(&mut line).unwrap() == 0 || !line.ends_with('\n') {
                return None;
            }
            if let Some(found) = parse(&line) {
                return Some(found);
            }
        }
    }

    /// Kills the child, and returns all else that it had acknowledged.
    pub(crate) fn kill(mut self) -> Vec<Acknowledged> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::iter::from_fn(|| self.next()).collect()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn parse(line: &str) -> Option<Acknowledged> {
    // The test harness prints its own words on the same line as the first of ours.
    let (_, rest) = line.trim_end().split_once("acknowledged ")?;
    let (run, seq) = rest.split_once(' ')?;
    Some((RunId::new(run).ok()?, Seq(seq.parse().ok()?)))
}

fn say(run: &RunId, seq: Seq) {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "acknowledged {run} {seq}").unwrap();
    stdout.flush().unwrap();
}

/// The batch that a child appends at `first`: its content follows from its place, so that it can be checked.
pub(crate) fn batch(first: Seq) -> Vec<Entry> {
    // Half of them take several chunks: stored whole, they would fill pages that sled never syncs.
    let bytes = match first.0 / 2 % 4 {
        0 => 20_000,
        1 => 9_000,
        _ => usize::try_from(first.0 % 97 * 7).unwrap(),
    };
    let waiting = |bytes| Entry::ActionWaiting {
        action: samples::action("a"),
        reason: "x".repeat(bytes),
        waited_ms: first.0,
    };
    let begins = first == Seq::FIRST;
    vec![if begins { samples::started("a", 1) } else { waiting(7) }, waiting(bytes)]
}

/// Checks that a run's records are what a child appends, and returns the place of the last.
pub(crate) fn check(header: &RunHeader, records: &[Record]) -> Seq {
    assert_eq!(header, &samples::header(header.run.as_str()), "the header");
    assert!(records.len().is_multiple_of(2), "a batch was torn: {} records", records.len());
    for pair in records.chunks(2) {
        let wanted = Record::number(pair[0].seq, Timestamp(7), batch(pair[0].seq));
        assert!(pair == wanted, "record {} is not what was written", pair[0].seq);
    }
    records.last().map_or(Seq(0), |record| record.seq)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap()
}

pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// Appends for ever, or until an append fails.
async fn append(journal: &dyn Journal, run: &RunId) -> JournalError {
    let mut next = match journal.read(run).await {
        Ok(history) => history.records.last().map_or(Seq::FIRST, |record| record.seq.next()),
        Err(error) => return error,
    };
    loop {
        match journal.append(run, next, Timestamp(7), batch(next)).await {
            Ok(records) => next = records.last().unwrap().seq.next(),
            Err(error) => return error,
        }
        say(run, Seq(next.0 - 1));
    }
}

#[test]
fn works_until_it_dies() {
    let (Ok(job), Ok(place)) = (std::env::var(JOB), std::env::var(PLACE)) else { return };
    let place = Path::new(&place);
    match job.as_str() {
        "OneRun" => {
            let store = RunStore::open(place).unwrap();
            let header = samples::header("one");
            let journal = match store.create(&header) {
                Err(JournalError::Exists { .. }) => store.open_run(&header.run).unwrap(),
                journal => journal.unwrap(),
            };
            say(&header.run, Seq(0));
            runtime().block_on(append(&journal, &header.run));
        }
        "ManyRuns" => {
            let journal = Arc::new(SledJournal::open_or_create(&place.join("shared")).unwrap());
            runtime().block_on(append_to_many(journal));
        }
        "Hold" => {
            let store = RunStore::open(place).unwrap();
            let journal = store.open_run(&samples::header("one").run).unwrap();
            say(journal.run(), Seq(0));
            std::thread::park();
        }
        other => panic!("there is no job {other}"),
    }
}

async fn append_to_many(journal: Arc<SledJournal>) {
    let mut tasks = Vec::new();
    for writer in 0..WRITERS {
        let journal = Arc::clone(&journal);
        tasks.push(tokio::spawn(async move {
            let header = samples::header(&format!("run-{writer}"));
            match journal.create(&header).await {
                Ok(()) | Err(JournalError::Exists { .. }) => {}
                Err(error) => panic!("{error}"),
            }
            say(&header.run, Seq(0));
            append(journal.as_ref(), &header.run).await
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
}
