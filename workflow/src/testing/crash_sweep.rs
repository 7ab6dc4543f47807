//! Dies at every boundary of a run, goes on in every way, dies again, and judges what is left.
//!
//! A death leaves behind a world, a durable journal and a time of day. Where the world can be copied, a life
//! without a fault is photographed at every boundary, and each case goes on from a picture: what happened
//! before is played once for all of them. Otherwise each case is played from the beginning.

mod case;
mod picture;
mod scene;
mod story;
mod tally;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use lab1_flow_journal::{ActionName, History, Journal, MemoryJournal, RunId};
use serde_json::Value;

pub use scene::{Scene, Verb};
pub use tally::Tally;

use case::Case;
use picture::Place;
use story::{Act, Story};

use super::forgetting::Forgetting;
use super::life::Ending;
use super::read_image;

/// Plays a scene once for every place where a process can die.
#[derive(Debug)]
pub struct CrashSweep<S> {
    scene: Arc<S>,
    first_death_every: u64,
    second_deaths: SecondDeaths,
    at_every_await: bool,
    loses_last_write: bool,
    forgetting: Option<Forgetting>,
    /// What a completed run has made: in every case the same.
    completed: OnceLock<Made>,
}

/// What actions have made, apart from its ids.
type Made = BTreeMap<ActionName, Value>;

/// Where a continuation dies.
#[derive(Debug, Clone, Copy)]
enum SecondDeaths {
    /// At every so manieth boundary; 0 is nowhere.
    Every(u64),
    /// At a random one in so many, and once more with another verb, all of them from one seed.
    Drawn { one_in: u64, seed: u64 },
}

impl SecondDeaths {
    /// Whether the process that went on with `verb` after a death at `first` dies at `second`, and `last` is
    /// what is asked then.
    fn strike(self, first: u64, verb: Verb, second: u64, last: Verb) -> bool {
        match self {
            Self::Every(stride) => stride != 0 && second.is_multiple_of(stride),
            Self::Drawn { one_in, seed } => {
                mixed([seed, first, verb as u64, second, last as u64]).is_multiple_of(one_in.max(1))
            }
        }
    }
}

/// Numbers to a number that shows nothing of them (the finalizer of splitmix64, one after another).
fn mixed(parts: [u64; 5]) -> u64 {
    parts.iter().fold(0, |mixed, part| {
        let mixed = (mixed ^ part).wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    })
}

impl<S: Scene> CrashSweep<S> {
    /// A sweep with a second death at every boundary of every continuation.
    pub fn new(scene: S) -> Self {
        Self {
            scene: Arc::new(scene),
            first_death_every: 1,
            second_deaths: SecondDeaths::Every(1),
            at_every_await: false,
            loses_last_write: false,
            forgetting: None,
            completed: OnceLock::new(),
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
        self.second_deaths = SecondDeaths::Every(stride);
        self
    }

    /// The same with one in so many of all pairs of deaths, drawn from a seed.
    #[must_use]
    pub fn second_deaths_drawn(mut self, one_in: u64, seed: u64) -> Self {
        self.second_deaths = SecondDeaths::Drawn { one_in, seed };
        self
    }

    /// The same with a boundary at every await of an action that really waits, too: for actions that make several
    /// calls. How often they wait must depend on nothing but the clock: no sockets, no other threads.
    #[must_use]
    pub fn at_every_await(mut self) -> Self {
        self.at_every_await = true;
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
        let (start, swept) = (self.start().await, self.scene.verb());
        let stride = self.first_death_every;
        let sound = self.play(&start, swept, move |at| at.is_multiple_of(stride), &mut tally).await;
        tally.boundaries = sound.boundaries;
        for first in &sound.places {
            self.second_deaths(first, &mut tally).await;
        }
        let stride = usize::try_from(stride).unwrap_or(usize::MAX);
        for number in (0..2 * sound.writes).step_by(stride) {
            let lost = Act { verb: swept, ending: Some(Ending::DiskFailure(number)) };
            let place = self.lived(&start, lost, &mut tally).await;
            for verb in Verb::CONTINUATIONS {
                self.play(&place, verb, |_| false, &mut tally).await;
            }
        }
        tally
    }

    /// Where the verb begins that is swept.
    async fn start(&self) -> Place<S::World> {
        let mut case = Case::new(self).await;
        for verb in self.scene.prelude() {
            case.live(Act::whole(*verb), |_| false).await;
        }
        case.place()
    }

    /// Goes on from a death in every way, and from second deaths.
    async fn second_deaths(&self, first: &Place<S::World>, tally: &mut Tally) {
        let Some(Ending::Death(at)) = first.story.0.last().and_then(|act| act.ending) else {
            return;
        };
        let deaths = self.second_deaths;
        for verb in Verb::CONTINUATIONS {
            let struck = move |second: u64, last: &Verb| deaths.strike(at, verb, second, *last);
            let wanted = move |second| Verb::CONTINUATIONS.iter().any(|last| struck(second, last));
            let next = self.play(first, verb, wanted, tally).await;
            for place in &next.places {
                let Some(Ending::Death(second)) = place.story.0.last().and_then(|act| act.ending)
                else {
                    continue;
                };
                for last in Verb::CONTINUATIONS.iter().filter(|last| struck(second, last)) {
                    self.play(place, *last, |_| false, tally).await;
                }
            }
        }
    }

    /// Plays one case to its end, and adds it to the tally.
    async fn play(
        &self,
        from: &Place<S::World>,
        verb: Verb,
        wanted: impl Fn(u64) -> bool + Send + Sync + 'static,
        tally: &mut Tally,
    ) -> case::Lived<S::World> {
        let mut case = Case::at(self, from).await;
        let lived = case.live(Act::whole(verb), wanted).await;
        let story = case.story.clone();
        case.judge_the_end(verb).await;
        tally.cases += 1;
        tally.fingerprint = tally.fingerprint.wrapping_add(mixed(case.end().await));
        tally.deaths += story.count(|ending| matches!(ending, Ending::Death(_)));
        tally.disk_failures += story.count(|ending| matches!(ending, Ending::DiskFailure(_)));
        Self::note(&story, case, tally);
        lived
    }

    /// Plays a life that does not end by itself.
    async fn lived(&self, from: &Place<S::World>, act: Act, tally: &mut Tally) -> Place<S::World> {
        let mut case = Case::at(self, from).await;
        case.live(act, |_| false).await;
        let place = case.place();
        Self::note(&case.story.clone(), case, tally);
        place
    }

    fn note(story: &Story, case: Case<'_, S>, tally: &mut Tally) {
        let name = story.to_string();
        tally.violations.extend(case.found.into_iter().map(|found| (name.clone(), found)));
    }

    /// What a death leaves of a journal.
    fn remembered(&self, image: &MemoryJournal, run: &RunId) -> MemoryJournal {
        self.forgetting.map_or_else(|| image.image(), |forgetting| forget(image, run, forgetting))
    }
}

/// The journal as it was when the run had so many records.
fn older_copy(image: &MemoryJournal, run: &RunId, records: usize) -> MemoryJournal {
    forget(image, run, |mut history| {
        history.records.truncate(records);
        history
    })
}

/// The same journal with another history of the run.
fn forget(
    image: &MemoryJournal,
    run: &RunId,
    forgetting: impl FnOnce(History) -> History,
) -> MemoryJournal {
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
