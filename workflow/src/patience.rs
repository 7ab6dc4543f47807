//! How long is waited, and when it is enough.

use std::time::Duration;

use lab1_flow_journal::{ActionName, Budget, Entry, FailureClass};

use crate::drive::Drive;
use crate::retry::{action_seed, delay_after};
use crate::{ActionError, EngineError, Limits, Wait};

/// What an action's waiting has come to in this process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Patience {
    /// When the first look of this wait was made, and what had been waited before it.
    pub(crate) began: Option<(Duration, Duration)>,
    /// The number of looks.
    pub(crate) looks: u32,
    /// The searches in a row that came back with an error.
    pub(crate) failures: u32,
    /// What was written about it last, and when.
    pub(crate) written: Option<(String, Duration)>,
}

/// A wait is written down again after so long, also when nothing has changed: a crash loses no more of the
/// budget than this.
const WAIT_WRITTEN_EVERY: Duration = Duration::from_secs(30);

/// From one look to the next the delay grows by this factor, until it is the steady one.
const LOOK_GROWTH: f64 = 1.5;
const LOOK_GROWTH_MAX: f64 = 1e6;

/// The pace of looks that have gone on for a while, in the provider's time: often enough for things that take a
/// minute, and a part of a call in a second.
const LOOK_STEADY: Duration = Duration::from_millis(2_500);

/// Steady looks fall on a common beat, in the provider's time: those that are due at about the same time share a call
/// where the provider lets one call ask about many things.
const LOOK_BEAT: Duration = Duration::from_millis(500);

/// How late the end of a long wait may be seen, as a part of it.
const LOOK_PART: f64 = 0.02;

/// Who gives up when a budget is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exhausted {
    /// The action: it will not work.
    Action,
    /// The run rests, and goes on when a person asks: nothing is wrong with the action.
    Run,
}

impl Drive<'_> {
    pub(crate) fn wait(
        &mut self,
        place: usize,
        wait: &Wait,
        waited: Duration,
        entry: fn(ActionName, String, u64) -> Entry,
    ) -> Result<(), EngineError> {
        let now = self.moment.now;
        let failures = self.budget(place).failures;
        let patience = self.patience.entry(place).or_default();
        patience.looks += 1;
        let looks = patience.looks;
        let same = patience.written.as_ref().is_some_and(|(reason, at)| {
            *reason == wait.reason && now.saturating_sub(*at) < WAIT_WRITTEN_EVERY
        });
        // After a failure it is written that looks succeed again: the record ends the row of failures.
        let known = same && failures == 0;
        if !known {
            patience.written = Some((wait.reason.clone(), now));
        }
        let delay = self.look_delay(looks, waited, wait.check_after);
        self.delay(place, delay);
        self.engine.observer.waiting(&self.node(place).name, &wait.reason, delay);
        if known {
            return Ok(());
        }
        let waited_ms = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
        let entry = entry(self.name(place), wait.reason.clone(), waited_ms);
        self.write(entry)
    }

    /// The delay after one more failure; the provider's own word counts, within our cap.
    pub(crate) fn failure_delay(&self, place: usize, error: &ActionError) -> Duration {
        let name = self.node(place).name.as_str();
        let seed = action_seed(self.state.header().seed, name);
        let failures = self.budget(place).failures.saturating_add(1);
        let delay = delay_after(&self.profile, failures, seed);
        let longest = self.profile.real_delay(Duration::from_millis(self.profile.delay_max_ms));
        delay.max(error.retry_after().unwrap_or_default().min(longest))
    }

    /// The delay before the next look: it grows quickly to a steady pace, and then with the wait itself, so that
    /// the end of a long wait is seen late by a fixed part of it only.
    pub(crate) fn look_delay(
        &self,
        looks: u32,
        waited: Duration,
        hint: Option<Duration>,
    ) -> Duration {
        let first = Duration::from_millis(self.profile.look_first_ms);
        let longest = Duration::from_millis(self.profile.look_max_ms);
        let growth = LOOK_GROWTH.powi(i32::try_from(looks.saturating_sub(1)).unwrap_or(i32::MAX));
        let quick = first.as_secs_f64() * growth.min(LOOK_GROWTH_MAX);
        // A profile that begins slower than the steady pace goes on at its own.
        let steady = LOOK_STEADY.max(first);
        let quick = Duration::from_secs_f64(quick).min(steady);
        let longest = self.profile.real_delay(longest);
        let delay = self.profile.real_delay(hint.unwrap_or(quick));
        let delay = match hint {
            Some(_) => delay,
            None => delay.max(waited.mul_f64(LOOK_PART)).min(longest),
        };
        if hint.is_some() || quick == steady { self.on_the_beat(delay) } else { delay }
    }

    /// Lengthens a delay to the next beat.
    fn on_the_beat(&self, delay: Duration) -> Duration {
        let beat_ms = self.profile.real(LOOK_BEAT).as_millis().max(1);
        let due_ms = (self.moment.now + delay).as_millis();
        let late_ms = due_ms.div_ceil(beat_ms) * beat_ms - due_ms;
        delay + Duration::from_millis(u64::try_from(late_ms).unwrap_or(0))
    }

    /// Whether one more failure of this kind is one too many, and for whom.
    pub(crate) fn exhausted(&self, place: usize, error: &ActionError) -> Option<Exhausted> {
        let budget = self.budget(place);
        let limits = self.limits(place);
        let delay = self.failure_delay(place, error);
        let spent = |ms: u64, max: Duration| Duration::from_millis(ms) + delay > max;
        match error.class() {
            FailureClass::Transient | FailureClass::Ambiguous | FailureClass::Permanent => {
                (budget.tries + 1 >= limits.tries_max).then_some(Exhausted::Action)
            }
            FailureClass::Throttled => {
                spent(budget.throttled_ms, limits.throttled_max).then_some(Exhausted::Run)
            }
            FailureClass::Contended => {
                spent(budget.contended_ms, limits.contended_max).then_some(Exhausted::Action)
            }
            FailureClass::Unreachable => (is_turned_away(error)
                || spent(budget.unreachable_ms, limits.unreachable_max))
            .then_some(Exhausted::Run),
        }
    }

    /// How long the action has waited in this budget.
    pub(crate) fn waited(&mut self, place: usize) -> Duration {
        let before = Duration::from_millis(self.budget(place).waited_ms);
        let now = self.moment.now;
        let patience = self.patience.entry(place).or_default();
        let (began, before) = *patience.began.get_or_insert((now, before));
        before + now.saturating_sub(began)
    }

    pub(crate) fn budget(&self, place: usize) -> Budget {
        self.state.action(&self.node(place).name).map_or_else(Budget::default, |known| known.budget)
    }

    pub(crate) fn limits(&self, place: usize) -> Limits {
        self.profile.real_limits(&self.node(place).action.limits())
    }
}

/// Whether the provider itself has answered that it does not accept us: waiting does not help, a person does.
pub(crate) fn is_turned_away(error: &ActionError) -> bool {
    error.class() == FailureClass::Unreachable && error.code().is_some()
}
