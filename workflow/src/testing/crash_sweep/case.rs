//! One case while it is played.

use std::sync::Arc;
use std::time::Duration;

use lab1_flow_journal::{Entry, History, JournalError, MemoryJournal, Rest, RunId, RunState};

use super::picture::{Camera, Picture, Place};
use super::scene::{Scene, Verb};
use super::story::{Act, Story};
use super::{CrashSweep, Made, older_copy};
use crate::testing::checker::{Evidence, Invariant, Violation, check};
use crate::testing::{Call, Ending, Holding, Holdings, Life, PausedClock, read_image};
use crate::{Clock, Engine, EngineError, RunReport};

/// Longer than anything that a world does by itself.
const LONG_AFTER: Duration = Duration::from_hours(2);

/// A story with the world that it happens in.
pub(super) struct Case<'a, S: Scene> {
    sweep: &'a CrashSweep<S>,
    pub(super) story: Story,
    pub(super) clock: PausedClock,
    pub(super) world: Arc<S::World>,
    pub(super) before: Arc<Holdings>,
    image: MemoryJournal,
    run: RunId,
    pub(super) calls: Vec<Call>,
    pub(super) found: Vec<Violation>,
}

/// What one life went through.
#[derive(Debug)]
pub(super) struct Lived<W> {
    pub(super) boundaries: u64,
    pub(super) writes: u64,
    calls: usize,
    /// What deaths at the wanted boundaries would have left.
    pub(super) places: Vec<Place<W>>,
}

impl<W: Send + Sync + 'static> Lived<W> {
    fn of(life: &Life, camera: &Camera<W>) -> Self {
        Self {
            boundaries: life.fuse().passed(),
            writes: life.journal().writes(),
            calls: life.calls().len(),
            places: camera.develop(),
        }
    }
}

impl<'a, S: Scene> Case<'a, S> {
    /// A case in which nothing has happened yet.
    pub(super) async fn new(sweep: &'a CrashSweep<S>) -> Self {
        let clock = PausedClock::new();
        let world = sweep.scene.world(&clock);
        let before = sweep.scene.holdings(&world).await;
        Self {
            sweep,
            story: Story::default(),
            clock,
            world: Arc::new(world),
            before: Arc::new(before),
            image: MemoryJournal::new(),
            run: sweep.scene.new_run().run,
            calls: Vec::new(),
            found: Vec::new(),
        }
    }

    /// The case that has come to this place: from its picture, or played again.
    pub(super) async fn at(sweep: &'a CrashSweep<S>, place: &Place<S::World>) -> Self {
        let mut case = match place.picture.as_ref().and_then(|it| Self::developed(sweep, it)) {
            Some(case) => Self { story: place.story.clone(), ..case },
            None => Self::played(sweep, &place.story).await,
        };
        case.look_around().await;
        case
    }

    fn developed(sweep: &'a CrashSweep<S>, picture: &Picture<S::World>) -> Option<Self> {
        let clock = picture.clock.going_on();
        Some(Self {
            sweep,
            story: Story::default(),
            world: Arc::new(sweep.scene.copy(&picture.world, &clock)?),
            clock,
            before: Arc::clone(&picture.before),
            image: picture.image.image(),
            run: sweep.scene.new_run().run,
            calls: picture.calls.clone(),
            found: Vec::new(),
        })
    }

    async fn played(sweep: &'a CrashSweep<S>, story: &Story) -> Self {
        let mut case = Self::new(sweep).await;
        for act in &story.0 {
            case.look_around().await;
            case.live(*act, |_| false).await;
        }
        case
    }

    /// The place that the case has come to.
    pub(super) fn place(&self) -> Place<S::World> {
        let clock = self.clock.stopped();
        let picture = self.sweep.scene.copy(&self.world, &clock).map(|world| Picture {
            clock,
            world,
            before: Arc::clone(&self.before),
            image: self.image.image(),
            calls: self.calls.clone(),
        });
        Place { story: self.story.clone(), picture }
    }

    pub(super) fn scene(&self) -> Arc<S> {
        Arc::clone(&self.sweep.scene)
    }

    /// Lets one process live, and keeps what survives it.
    pub(super) async fn live(
        &mut self,
        act: Act,
        wanted: impl Fn(u64) -> bool + Send + Sync + 'static,
    ) -> Lived<S::World> {
        let scene = &self.sweep.scene;
        let life = Life::with_journal(&self.image, &self.run, act.ending, |journal| {
            if self.sweep.loses_last_write { journal.losing_last_write() } else { journal }
        });
        let life = if self.sweep.at_every_await { life.dying_at_awaits() } else { life };
        let camera = Camera::on(self, &life, act, wanted);
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
        if act.ending.is_some() {
            self.image = self.sweep.remembered(&self.image, &self.run);
        }
        self.judge_life(act, ended);
        self.story = self.story.then(act);
        if self.story.0.len() == scene.prelude().len()
            && let Some(records) = scene.older_copy()
        {
            // The calls that it knows nothing of are of another history of the run. That is old by then.
            self.calls.clear();
            self.image = older_copy(&self.image, &self.run, records);
            self.clock.sleep(LONG_AFTER).await;
            return Lived::of(&life, &camera);
        }
        let calls = life.calls();
        let mut lived = Lived::of(&life, &camera);
        for picture in lived.places.iter_mut().filter_map(|place| place.picture.as_mut()) {
            picture.image = self.sweep.remembered(&picture.image, &self.run);
        }
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

    /// Judges what is there now, in the middle of the story or at its end. A journal that is behind the world can be
    /// held against it only when the run has ended.
    async fn look_around(&mut self) {
        if self.sweep.scene.older_copy().is_some() && !self.has_ended() {
            return;
        }
        self.found.extend(self.sweep.scene.complaints(&self.world));
        let after = self.sweep.scene.holdings(&self.world).await;
        let Some(history) = self.history() else {
            if after != *self.before {
                self.add(Invariant::IntentFirst, "there is something, and no run");
            }
            return;
        };
        let limits = self.sweep.scene.limits();
        let (before, calls) = (&*self.before, &self.calls);
        let evidence =
            Evidence { history: &history, before, after: &after, calls, limits: &limits };
        self.found.extend(check(&evidence));
    }

    /// Judges what is there when all is over, and that it stays so.
    pub(super) async fn judge_the_end(&mut self, last: Verb) {
        self.look_around().await;
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
        if !turned {
            self.judge_what_was_made().await;
        }
        let again = if turned { &Verb::CONTINUATIONS[..] } else { &[Verb::Resume] };
        for verb in again {
            let lived = self.live(Act::whole(*verb), |_| false).await;
            if lived.calls > 0 || lived.writes > 0 {
                let (calls, writes) = (lived.calls, lived.writes);
                let what = format!("{verb:?} of a finished run: {calls} calls, {writes} writes");
                self.add(Invariant::EndIsEnd, what);
            }
        }
    }

    /// However a run came to its end, it has made the same as every other.
    async fn judge_what_was_made(&mut self) {
        let holdings = self.sweep.scene.holdings(&self.world).await;
        let ours = |thing: &Holding| thing.mark.as_deref() == Some(self.run.as_str());
        let ours = holdings.into_values().filter(ours);
        let made = ours.filter_map(|thing| Some((thing.maker?, thing.content))).collect();
        let wanted = self.sweep.completed.get_or_init(|| Made::clone(&made));
        let differs = wanted.iter().find(|(maker, content)| made.get(*maker) != Some(*content));
        if let Some((maker, content)) = differs {
            let what = format!("{maker} made {:?} instead of {content}", made.get(maker));
            self.add(Invariant::NothingMissing, what);
        }
    }

    /// What tells this end from others. Times are left out: of two timers for the same moment either may be first.
    pub(super) async fn end(&self) -> [u64; 5] {
        let records = self.history().map(|history| history.records).unwrap_or_default();
        let rest = match records.last().map(|record| &record.entry) {
            Some(Entry::RunRested { rest: Rest::Completed }) => 1,
            Some(Entry::RunRested { rest: Rest::RolledBack }) => 2,
            Some(_) => 3,
            None => 0,
        };
        let held = self.sweep.scene.holdings(&self.world).await.len();
        let [lives, held, found] =
            [self.story.0.len(), held, self.found.len()].map(|count| count as u64);
        [lives, rest, held, found, u64::from(records.is_empty())]
    }

    fn has_ended(&self) -> bool {
        let state = self.history().and_then(|history| RunState::replay(&history).ok());
        state.is_some_and(|it| matches!(it.rest(), Some(Rest::Completed | Rest::RolledBack)))
    }

    fn history(&self) -> Option<History> {
        read_image(&self.image, &self.run)
    }

    fn add(&mut self, invariant: Invariant, what: impl Into<String>) {
        self.found.push(Violation { invariant, what: what.into() });
    }
}
