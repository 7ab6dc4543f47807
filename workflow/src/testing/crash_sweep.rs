//! Dies at every boundary of a run, goes on in every way, dies again, and judges what is left.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use lab1_flow_journal::{Entry, History, Journal, JournalError, MemoryJournal, Rest, RunId};

use super::checker::{Evidence, Invariant, Violation, check};
use super::clock::PausedClock;
use super::holdings::Holdings;
use super::life::{Call, Ending, Life};
use super::read_image;
use crate::{Clock, Engine, EngineError, Limits, NewRun, Resume, RunReport, Workflow};

/// What a crash sweep plays: a world, a workflow on it, and a way to see what the world holds.
///
/// It is played again from the beginning for every case, so all of it must depend on nothing but the clock.
pub trait Scene {
    /// What the run acts on. It survives the deaths of the processes.
    type World;

    /// A fresh world, before the run.
    fn world(&self, clock: &PausedClock) -> Self::World;

    /// The workflow, as each process builds it anew. Its calls get their boundaries from the sweep; between
    /// two remote calls of one action `life.fuse()` counts further ones.
    fn workflow(&self, world: &Self::World, life: &Life) -> Workflow;

    /// The run, the same in every case.
    fn new_run(&self) -> NewRun;

    /// All that the world truly holds.
    fn holdings(&self, world: &Self::World) -> impl Future<Output = Holdings>;

    /// What happened without a fault before the verb that is swept.
    fn prelude(&self) -> &[Verb] {
        &[]
    }

    /// What is swept.
    fn verb(&self) -> Verb {
        Verb::Start
    }

    /// The limits of the scene's actions.
    fn limits(&self) -> Limits {
        Limits::default()
    }
}

/// What a process is asked to do with the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Begin it.
    Start,
    /// Go on with it.
    Resume,
    /// Turn it around, or go on with its rollback.
    RollBack,
}

impl Verb {
    /// The ways to go on after a death.
    const CONTINUATIONS: [Self; 2] = [Self::Resume, Self::RollBack];

    async fn play(
        self,
        engine: &Engine,
        workflow: &Workflow,
        new: NewRun,
    ) -> Result<RunReport, EngineError> {
        let run = new.run.clone();
        match self {
            Self::Start => engine.start(workflow, new).await,
            Self::Resume => engine.resume(workflow, &run, Resume::default()).await,
            Self::RollBack => engine.roll_back(workflow, &run, Resume::default()).await,
        }
    }
}

/// Changes what a death leaves of a history, to show that a check can fail.
pub type Forgetting = fn(History) -> History;

/// Plays a scene once for every place where a process can die.
#[derive(Debug)]
pub struct CrashSweep<S> {
    scene: S,
    first_death_every: u64,
    second_death_every: u64,
    loses_last_write: bool,
    forgetting: Option<Forgetting>,
}

/// What a sweep has seen. Assert the numbers too: a sweep that shrinks to nothing finds nothing.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// The boundaries of the verb that was swept, in one life without a fault.
    pub boundaries: u64,
    /// The number of times that the scene was played.
    pub cases: u64,
    /// The deaths in them.
    pub deaths: u64,
    /// The failures of the disk in them.
    pub disk_failures: u64,
    /// The violations, with the case that showed them.
    pub violations: Vec<(String, Violation)>,
}

impl Tally {
    /// # Panics
    /// When an invariant was violated, with the first cases that show it.
    pub fn assert_clean(&self) {
        let shown = self.violations.iter().take(10);
        let lines: Vec<_> = shown.map(|(case, what)| format!("{case}\n    {what}")).collect();
        let count = self.violations.len();
        assert!(self.violations.is_empty(), "{count} violations:\n{}", lines.join("\n"));
    }

    /// Whether this invariant was violated in any case.
    pub fn has_caught(&self, invariant: Invariant) -> bool {
        self.violations.iter().any(|(_, violation)| violation.invariant == invariant)
    }
}

/// One life in a case: what the process was asked, and how it ended before its time.
#[derive(Debug, Clone, Copy)]
struct Act {
    verb: Verb,
    ending: Option<Ending>,
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ending {
            None => write!(f, "{:?}", self.verb),
            Some(Ending::Death(at)) => write!(f, "{:?} dies at boundary {at}", self.verb),
            Some(Ending::DiskFailure(at)) => write!(f, "{:?} loses its disk at {at}", self.verb),
        }
    }
}

impl<S: Scene> CrashSweep<S> {
    /// A sweep with a second death at every boundary of every continuation.
    pub fn new(scene: S) -> Self {
        Self {
            scene,
            first_death_every: 1,
            second_death_every: 1,
            loses_last_write: false,
            forgetting: None,
        }
    }

    /// The same with a first death at every `stride`-th boundary only, for scenes whose cases take long.
    #[must_use]
    pub fn first_death_every(mut self, stride: u64) -> Self {
        self.first_death_every = stride.max(1);
        self
    }

    /// The same with a second death at every `stride`-th boundary of a continuation only; 0 is none.
    #[must_use]
    pub fn second_death_every(mut self, stride: u64) -> Self {
        self.second_death_every = stride;
        self
    }

    /// Breaks the journal on purpose: its last acknowledged write does not survive.
    #[must_use]
    pub fn losing_last_write(mut self) -> Self {
        self.loses_last_write = true;
        self
    }

    /// Breaks the journal on purpose: a death changes what was acknowledged.
    #[must_use]
    pub fn forgetting(mut self, forgetting: Forgetting) -> Self {
        self.forgetting = Some(forgetting);
        self
    }

    /// Plays every case. Must run in a tokio runtime of one thread whose time is paused.
    pub async fn run(&self) -> Tally {
        let mut tally = Tally::default();
        let swept = self.scene.verb();
        let sound = self.case(&[Act { verb: swept, ending: None }], &mut tally).await;
        tally.boundaries = sound.boundaries;
        let stride = usize::try_from(self.first_death_every).unwrap_or(usize::MAX);
        let deaths = (0..sound.boundaries).step_by(stride).map(Ending::Death);
        let disk_failures = (0..2 * sound.writes).step_by(stride).map(Ending::DiskFailure);
        for ending in deaths.chain(disk_failures) {
            for verb in Verb::CONTINUATIONS {
                let first = Act { verb: swept, ending: Some(ending) };
                let next = self.case(&[first, Act { verb, ending: None }], &mut tally).await;
                if matches!(ending, Ending::Death(_)) {
                    self.second_deaths(first, verb, next.boundaries, &mut tally).await;
                }
            }
        }
        tally
    }

    async fn second_deaths(&self, first: Act, verb: Verb, boundaries: u64, tally: &mut Tally) {
        let stride = usize::try_from(self.second_death_every).unwrap_or(usize::MAX);
        if stride == 0 {
            return;
        }
        for second in (0..boundaries).step_by(stride) {
            for last in Verb::CONTINUATIONS {
                let second = Act { verb, ending: Some(Ending::Death(second)) };
                self.case(&[first, second, Act { verb: last, ending: None }], tally).await;
            }
        }
    }

    /// Plays one case from the beginning and adds it to the tally.
    async fn case(&self, acts: &[Act], tally: &mut Tally) -> Lived {
        let mut case = Case::new(self).await;
        for verb in self.scene.prelude() {
            case.live(Act { verb: *verb, ending: None }).await;
        }
        let mut lived = Lived::default();
        for act in acts {
            lived = case.live(*act).await;
            case.look_around().await;
        }
        if let Some(last) = acts.last() {
            case.judge_the_end(last.verb).await;
        }
        tally.cases += 1;
        let endings = || acts.iter().filter_map(|act| act.ending);
        let count =
            |wanted: fn(&Ending) -> bool| endings().filter(wanted).fold(0, |sum, _| sum + 1);
        tally.deaths += count(|ending| matches!(ending, Ending::Death(_)));
        tally.disk_failures += count(|ending| matches!(ending, Ending::DiskFailure(_)));
        let name = acts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", then ");
        tally.violations.extend(case.found.into_iter().map(|found| (name.clone(), found)));
        lived
    }
}

/// What one life went through.
#[derive(Debug, Clone, Copy, Default)]
struct Lived {
    boundaries: u64,
    writes: u64,
    calls: usize,
}

/// One case while it is played.
struct Case<'a, S: Scene> {
    sweep: &'a CrashSweep<S>,
    clock: PausedClock,
    world: S::World,
    before: Holdings,
    image: MemoryJournal,
    run: RunId,
    calls: Vec<Call>,
    found: Vec<Violation>,
}

/// Longer than anything that a world does by itself.
const LONG_AFTER: Duration = Duration::from_hours(2);

impl<'a, S: Scene> Case<'a, S> {
    async fn new(sweep: &'a CrashSweep<S>) -> Self {
        let clock = PausedClock::new();
        let world = sweep.scene.world(&clock);
        let before = sweep.scene.holdings(&world).await;
        let run = sweep.scene.new_run().run;
        let (calls, found) = (Vec::new(), Vec::new());
        Self { sweep, clock, world, before, image: MemoryJournal::new(), run, calls, found }
    }

    /// Lets one process live, and keeps what survives it.
    async fn live(&mut self, act: Act) -> Lived {
        let scene = &self.sweep.scene;
        let life = Life::with_journal(&self.image, &self.run, act.ending, |journal| {
            if self.sweep.loses_last_write { journal.losing_last_write() } else { journal }
        });
        let workflow = life.probe(scene.workflow(&self.world, &life));
        let engine = Engine::new(life.journal()).with_clock(Arc::new(self.clock.restarted()));
        let ended = {
            let played = Box::pin(act.verb.play(&engine, &workflow, scene.new_run()));
            tokio::select! {
                biased;
                () = life.fuse().blown() => None,
                ended = played => Some(ended),
            }
        };
        self.image = life.journal().durable();
        if let (Some(forgetting), true) = (self.sweep.forgetting, act.ending.is_some()) {
            self.image = forget(&self.image, &self.run, forgetting);
        }
        self.judge_life(act, ended);
        let calls = life.calls();
        let lived = Lived {
            boundaries: life.fuse().passed(),
            writes: life.journal().writes(),
            calls: calls.len(),
        };
        self.calls.extend(calls);
        lived
    }

    fn judge_life(&mut self, act: Act, ended: Option<Result<RunReport, EngineError>>) {
        match (act.ending, ended) {
            (Some(Ending::Death(at)), Some(_)) => {
                let what = format!("boundary {at} was not reached: the scene cannot be replayed");
                self.add(Invariant::ReachesAnEnd, what);
            }
            (
                Some(Ending::DiskFailure(_)),
                Some(Err(EngineError::Journal(JournalError::Storage { .. }))),
            )
            | (None, Some(Ok(_)))
            | (_, None) => {}
            (Some(Ending::DiskFailure(_)), ended) => {
                let what = format!("the disk failed, and the engine answered {ended:?}");
                self.add(Invariant::LostAppendEndsAll, what);
            }
            // Died before its header was durable: there is no run.
            (None, Some(Err(EngineError::Journal(JournalError::NotFound { .. }))))
                if self.history().is_none() => {}
            (None, Some(Err(EngineError::Journal(JournalError::Illegal { seq, why })))) => {
                self.add(Invariant::LegalHistory, format!("record {seq}: {why}"));
            }
            (None, Some(Err(error))) => self.add(Invariant::ReachesAnEnd, format!("{error:?}")),
        }
    }

    /// Judges what is there now, in the middle of the story or at its end.
    async fn look_around(&mut self) {
        let after = self.sweep.scene.holdings(&self.world).await;
        let Some(history) = self.history() else {
            if after != self.before {
                self.add(Invariant::IntentFirst, "there is something, and no run");
            }
            return;
        };
        let limits = self.sweep.scene.limits();
        let (before, calls) = (&self.before, &self.calls);
        let evidence =
            Evidence { history: &history, before, after: &after, calls, limits: &limits };
        self.found.extend(check(&evidence));
    }

    async fn judge_the_end(&mut self, last: Verb) {
        self.clock.sleep(LONG_AFTER).await;
        self.look_around().await;
        let Some(history) = self.history() else { return };
        let turned = |entry: &Entry| matches!(entry, Entry::RollbackStarted { .. });
        let turned = history.records.iter().any(|record| turned(&record.entry));
        let wanted = if turned { Rest::RolledBack } else { Rest::Completed };
        let rest = history.records.last().map(|record| &record.entry);
        let reached = matches!(rest, Some(Entry::RunRested { rest }) if *rest == wanted);
        if !reached || (last == Verb::RollBack && !turned) {
            self.add(Invariant::ReachesAnEnd, format!("the last record is {rest:?}"));
            return;
        }
        let again = if turned { &Verb::CONTINUATIONS[..] } else { &[Verb::Resume] };
        for verb in again {
            let lived = self.live(Act { verb: *verb, ending: None }).await;
            if lived.calls + usize::try_from(lived.writes).unwrap_or(usize::MAX) > 0 {
                self.add(Invariant::EndIsEnd, format!("{verb:?} of a finished run: {lived:?}"));
            }
        }
    }

    fn history(&self) -> Option<History> {
        read_image(&self.image, &self.run)
    }

    fn add(&mut self, invariant: Invariant, what: impl Into<String>) {
        self.found.push(Violation { invariant, what: what.into() });
    }
}

/// The same journal with another history of the run.
fn forget(image: &MemoryJournal, run: &RunId, forgetting: Forgetting) -> MemoryJournal {
    use futures_util::FutureExt;

    let journal = MemoryJournal::new();
    let Some(history) = read_image(image, run) else { return journal };
    let changed = forgetting(history);
    // A journal in memory answers at once, and refuses nothing that is numbered.
    let _ = journal.create(&changed.header).now_or_never();
    for record in changed.records {
        let _ = journal.append(run, record.seq, record.at, vec![record.entry]).now_or_never();
    }
    journal
}
