//! The thread that owns a database: it alone writes, so that waiting appends share one sync.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::Receiver;

use tokio::sync::oneshot;

use super::commit::Commit;
use super::open::{self, Opened};
use crate::codec::{self, Chain};
use crate::witness::{CommitMark, Sighting};
use crate::{History, JournalError, RunId, Seq};

/// The most requests that share a commit, and the payload bytes after which no more are added to one: a
/// commit stays short, whatever waits.
const GROUP_REQUESTS_MAX: usize = 1024;
const GROUP_BYTES_MAX: usize = 4 << 20;

pub(super) type Reply<T> = oneshot::Sender<Result<T, JournalError>>;

/// What callers ask of the committer.
#[derive(Debug)]
pub(super) enum Request {
    Create { run: RunId, payload: Vec<u8>, reply: Reply<()> },
    Append { run: RunId, expected: Seq, payloads: Vec<Vec<u8>>, reply: Reply<()> },
    Read { run: RunId, reply: Reply<History> },
    Runs { reply: Reply<Vec<RunId>> },
    Rest { reply: Reply<()> },
}

impl Request {
    fn payload_bytes(&self) -> usize {
        match self {
            Self::Create { payload, .. } => payload.len(),
            Self::Append { payloads, .. } => payloads.iter().map(Vec::len).sum(),
            Self::Read { .. } | Self::Runs { .. } | Self::Rest { .. } => 0,
        }
    }
}

/// The next place of a run, and the chain up to there.
#[derive(Debug, Clone, Copy)]
struct Head {
    next: Seq,
    chain: Chain,
}

/// The commit that is being put together, and who waits for it.
#[derive(Debug)]
struct Staged {
    commit: Commit,
    ends: Chain,
    waiting: Vec<Reply<()>>,
}

#[derive(Debug)]
pub(super) struct Committer {
    opened: Opened,
    heads: HashMap<RunId, Head>,
    /// What failed: from then on nothing is written, for what is on the disk is not known.
    poison: Option<JournalError>,
}

impl Committer {
    pub(super) fn new(opened: Opened) -> Self {
        Self { opened, heads: HashMap::new(), poison: None }
    }

    /// Serves requests until the last handle is gone, then closes the database.
    pub(super) fn run(mut self, requests: &Receiver<Request>) -> Result<(), JournalError> {
        while let Ok(first) = requests.recv() {
            self.serve(gather(first, requests));
        }
        let Self { opened, poison, .. } = self;
        let Some(poison) = poison else { return opened.close() };
        // sled syncs once more when it is dropped, and panics when that fails.
        let _ = contained(|| {
            drop(opened);
            Ok(())
        });
        Err(poison)
    }

    /// Writes first, then answers who only looks: a caller sees what it was told.
    fn serve(&mut self, group: Vec<Request>) {
        let ends = self.opened.mark.ends;
        let mut staged = Staged { commit: Commit::default(), ends, waiting: Vec::new() };
        let mut reads = Vec::new();
        let mut lists = Vec::new();
        let mut resting = Vec::new();
        for request in group {
            match request {
                Request::Create { run, payload, reply } => {
                    let result = self.stage_header(&mut staged, run, &payload);
                    staged.wait(result, reply);
                }
                Request::Append { run, expected, payloads, reply } => {
                    let result = self.stage_batch(&mut staged, run, expected, &payloads);
                    staged.wait(result, reply);
                }
                Request::Read { run, reply } => reads.push((run, reply)),
                Request::Runs { reply } => lists.push(reply),
                Request::Rest { reply } => resting.push(reply),
            }
        }
        self.commit(staged);
        if !reads.is_empty() || !lists.is_empty() {
            self.checkpoint();
        }
        // A caller that is gone needs no answer; so everywhere in this file.
        for (run, reply) in reads {
            let _ = reply.send(self.read(&run));
        }
        for reply in lists {
            let runs = self.check_sound().and_then(|()| contained(|| self.opened.store.runs()));
            let _ = reply.send(runs);
        }
        if !resting.is_empty() {
            let synced = self.check_sound().and_then(|()| self.opened.witness.sync());
            tell(resting, &synced);
        }
    }

    fn stage_header(
        &mut self,
        staged: &mut Staged,
        run: RunId,
        payload: &[u8],
    ) -> Result<(), JournalError> {
        self.check_sound()?;
        match self.head(&run) {
            Ok(_) => return Err(JournalError::Exists { run }),
            Err(JournalError::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
        let start = Head { next: Seq(0), chain: Chain::start(&run) };
        let head = staged.put(&run, start, &[payload]);
        self.heads.insert(run, head);
        Ok(())
    }

    fn stage_batch(
        &mut self,
        staged: &mut Staged,
        run: RunId,
        expected: Seq,
        payloads: &[Vec<u8>],
    ) -> Result<(), JournalError> {
        self.check_sound()?;
        let mut head = self.head(&run)?;
        if head.next != expected {
            return Err(JournalError::Conflict { run, expected, found: head.next });
        }
        for batch in codec::batches(payloads) {
            head = staged.put(&run, head, batch);
        }
        self.heads.insert(run, head);
        Ok(())
    }

    /// Finds where a run stands; its records are read and checked once.
    fn head(&mut self, run: &RunId) -> Result<Head, JournalError> {
        if let Some(head) = self.heads.get(run) {
            return Ok(*head);
        }
        let stored = contained(|| self.opened.store.read_run(run))?;
        let head = Head { next: stored.next, chain: stored.chain };
        self.heads.insert(run.clone(), head);
        Ok(head)
    }

    fn check_sound(&self) -> Result<(), JournalError> {
        self.poison.as_ref().map_or(Ok(()), |poison| Err(poison.repeat_storage()))
    }

    /// Makes the staged records durable, then tells those who wait.
    fn commit(&mut self, staged: Staged) {
        let Staged { commit, ends, waiting } = staged;
        let mut written = Ok(());
        if !commit.is_empty() {
            let mark = CommitMark { commit: self.opened.mark.commit + 1, ends };
            written = self.write(commit, mark);
        }
        tell(waiting, &written);
        self.poison = self.poison.take().or(written.err());
        if self.opened.wal.is_long() {
            self.checkpoint();
        }
    }

    /// Lets the database take over, after those who wait were told.
    fn checkpoint(&mut self) {
        if self.poison.is_none() {
            self.poison = contained(|| self.opened.checkpoint()).err();
        }
    }

    /// Dies here: the commit is durable or not, the witness has seen it or not; the next opening accepts
    /// each of these, for nobody was told.
    fn write(&mut self, commit: Commit, mark: CommitMark) -> Result<(), JournalError> {
        let Opened { wal, witness, mark: before, .. } = &mut self.opened;
        wal.append(commit, *before, mark)?;
        witness.write(Sighting::open(mark))?;
        self.opened.mark = mark;
        Ok(())
    }

    /// Reads a run, when the database has taken over all that was acknowledged.
    fn read(&mut self, run: &RunId) -> Result<History, JournalError> {
        self.check_sound()?;
        let stored = contained(|| self.opened.store.read_run(run))?;
        let head = Head { next: stored.next, chain: stored.chain };
        self.heads.entry(run.clone()).or_insert(head);
        Ok(stored.history)
    }
}

impl Staged {
    /// Frames a batch that follows `head`, and says where the run then stands.
    fn put<P: AsRef<[u8]>>(&mut self, run: &RunId, head: Head, payloads: &[P]) -> Head {
        let mut frames = Vec::new();
        let mut after = head;
        for payload in payloads {
            let chain = codec::frame(&mut frames, after.chain, after.next, payload.as_ref());
            after = Head { next: after.next.next(), chain };
        }
        self.commit.put_batch(run, head.next, frames);
        let before = (head.next > Seq(0)).then_some(head.chain);
        self.ends = self.ends.with_end(before, after.chain);
        after
    }

    fn wait(&mut self, staged: Result<(), JournalError>, reply: Reply<()>) {
        match staged {
            Ok(()) => self.waiting.push(reply),
            Err(error) => {
                let _ = reply.send(Err(error));
            }
        }
    }
}

/// Gives all who wait the same answer.
fn tell(waiting: Vec<Reply<()>>, result: &Result<(), JournalError>) {
    for reply in waiting {
        let _ = reply.send(result.as_ref().map_err(JournalError::repeat_storage).copied());
    }
}

/// Collects the requests that share a commit with the first: all that came while the last one was written. To
/// wait for more costs more than it saves, since a sync that is under way is what lets them come together.
fn gather(first: Request, requests: &Receiver<Request>) -> Vec<Request> {
    let mut bytes = first.payload_bytes();
    let mut group = vec![first];
    while group.len() < GROUP_REQUESTS_MAX && bytes < GROUP_BYTES_MAX {
        let Ok(next) = requests.try_recv() else { break };
        bytes += next.payload_bytes();
        group.push(next);
    }
    group
}

/// Keeps a panic of sled in: this thread must live to say that the journal is unusable.
fn contained<T>(work: impl FnOnce() -> Result<T, JournalError>) -> Result<T, JournalError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(open::panicked(&*panic)))
}
