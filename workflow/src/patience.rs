//! How long is waited, and when it is enough.

use std::time::Duration;

use lab1_flow_journal::{ActionName, ActionPhase, Budget, Entry, FailureClass, Rest};

use crate::drive::Drive;
use crate::looks::{self, Looks};
use crate::moment::SWEEP;
use crate::retry::{action_seed, delay_after};
use crate::{ActionError, EngineError, Limits, Wait};

/// What an action's waiting has come to in this process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Patience {
    /// When the first look of this wait was made, and what had been waited before it.
    pub(crate) began: Option<(Duration, Duration)>,
    /// The number of looks.
    pub(crate) looks: u32,
    /// What searches that came back with an error, in a row, have cost.
    pub(crate) searches: Budget,
    /// What was written about it last, and when.
    pub(crate) written: Option<(String, Duration)>,
}

/// A wait is written down again after so long, also when nothing has changed: a crash loses no more of the
/// budget than this.
const WAIT_WRITTEN_EVERY: Duration = Duration::from_secs(30);

/// Who gives up when a budget is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exhausted {
    /// The action: it will not work.
    Action,
    /// The run rests, and goes on when a person asks: nothing is wrong with the action.
    Run,
}

impl Drive<'_> {
    /// What was tried as often as it may be is not tried once more because the process died before the run could rest.
    pub(crate) fn keep_spent_tries(&mut self) {
        let is_forward = !self.state.is_rolling_back();
        let spent = (0..self.workflow.nodes.len()).filter(|_| is_forward).find_map(|place| {
            let action = self.state.action(&self.node(place).name)?;
            let is_open =
                matches!(action.phase, ActionPhase::Pending | ActionPhase::Waiting { .. });
            let is_spent = action.budget.tries >= self.limits(place).tries_max;
            action.last_failure.clone().filter(|_| is_open && is_spent)
        });
        if let Some(failure) = spent {
            self.wind_down(Rest::Suspended { failure });
        }
    }

    pub(crate) fn wait(
        &mut self,
        place: usize,
        wait: &Wait,
        entry: fn(ActionName, String, u64) -> Entry,
    ) -> Result<(), EngineError> {
        let now = self.moment.now;
        let waited = self.waited(place, now);
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
        self.ports.observer.waiting(&self.node(place).name, &wait.reason, delay);
        if known {
            return Ok(());
        }
        let waited_ms = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
        let entry = entry(self.name(place), wait.reason.clone(), waited_ms);
        self.write(entry)
    }

    /// The delay after one more failure of an action.
    pub(crate) fn failure_delay(&self, place: usize, error: &ActionError) -> Duration {
        self.delay_in(&self.budget(place), self.node(place).name.as_str(), error)
    }

    /// The delay after one more failure in this budget; the provider's own word counts, within our cap.
    fn delay_in(&self, budget: &Budget, what: &str, error: &ActionError) -> Duration {
        let seed = action_seed(self.state.header().seed, what);
        let failures = budget.failures.saturating_add(1);
        let delay = delay_after(&self.profile, failures, seed);
        let longest = self.profile.real_delay(Duration::from_millis(self.profile.delay_max_ms));
        delay.max(error.retry_after().unwrap_or_default().min(longest))
    }

    /// A look of the rollback came back with an error: nothing is known, and nothing is recorded about it.
    pub(crate) fn search_failed(&mut self, place: usize, error: ActionError) {
        let mut searches = self.patience.entry(place).or_default().searches;
        let delay = self.delay_in(&searches, "search", &error);
        let limits = self.profile.real_limits(&Limits::default());
        let is_spent = exhausted(&searches, &limits, delay, &error).is_some();
        searches.charge(error.class(), self.delay(place, delay).delay_ms);
        self.patience.entry(place).or_default().searches = searches;
        if place != SWEEP {
            let reason = &error.failure().message;
            self.ports.observer.waiting(&self.node(place).name, reason, delay);
        }
        self.suspend_if(is_spent || error.class() == FailureClass::Permanent, error);
    }

    /// The delay before the next look.
    pub(crate) fn look_delay(
        &self,
        looks: u32,
        waited: Duration,
        hint: Option<Duration>,
    ) -> Duration {
        looks::delay(&self.profile, self.moment.now, &Looks { made: looks, waited, hint })
    }

    /// Whether one more failure of this kind is one too many, and for whom.
    pub(crate) fn exhausted(&self, place: usize, error: &ActionError) -> Option<Exhausted> {
        let delay = self.failure_delay(place, error);
        exhausted(&self.budget(place), &self.limits(place), delay, error)
    }

    /// How long the action has waited in this budget, once that is longer than it may. It is judged by the moment in
    /// which its last look was sent: a process that stood still meanwhile has not looked.
    pub(crate) fn patience_ended(&mut self, place: usize, sent: Duration) -> Option<Duration> {
        let waited = self.waited(place, sent);
        (waited > self.limits(place).waited_max).then_some(waited)
    }

    /// How long the action had waited in this budget at that moment.
    fn waited(&mut self, place: usize, at: Duration) -> Duration {
        let before = Duration::from_millis(self.budget(place).waited_ms);
        let now = self.moment.now;
        let patience = self.patience.entry(place).or_default();
        let (began, before) = *patience.began.get_or_insert((now, before));
        before + at.saturating_sub(began)
    }

    pub(crate) fn budget(&self, place: usize) -> Budget {
        self.state.action(&self.node(place).name).map_or_else(Budget::default, |known| known.budget)
    }

    pub(crate) fn limits(&self, place: usize) -> Limits {
        self.profile.real_limits(&self.node(place).action.limits())
    }
}

/// Whether the failure after which so long is waited spends the budget, and for whom.
fn exhausted(
    budget: &Budget,
    limits: &Limits,
    delay: Duration,
    error: &ActionError,
) -> Option<Exhausted> {
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

/// Whether the provider itself has answered that it does not accept us: waiting does not help, a person does.
fn is_turned_away(error: &ActionError) -> bool {
    error.class() == FailureClass::Unreachable && error.code().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELAY: Duration = Duration::from_secs(5);

    fn spends(budget: Budget, error: &ActionError) -> Option<Exhausted> {
        let limits = Limits {
            tries_max: 4,
            throttled_max: Duration::from_mins(1),
            contended_max: Duration::from_secs(70),
            unreachable_max: Duration::from_secs(80),
            ..Limits::default()
        };
        exhausted(&budget, &limits, DELAY, error)
    }

    #[test]
    fn a_budget_of_tries_is_spent_by_the_last_of_them() {
        for error in [ActionError::transient(""), ActionError::ambiguous("")] {
            for (tries, wanted) in [(0, None), (2, None), (3, Some(Exhausted::Action))] {
                let budget = Budget { tries, throttled_ms: 1 << 40, ..Budget::default() };
                assert_eq!(spends(budget, &error), wanted, "{error:?} after {tries}");
            }
        }
    }

    #[test]
    fn a_budget_of_time_is_spent_when_the_next_delay_goes_beyond_it() {
        // The limit and the delay are in the budget: what is spent before them may be so much.
        let (throttled_ms, contended_ms, unreachable_ms) = (55_000, 65_000, 75_000);
        let just = Budget { throttled_ms, contended_ms, unreachable_ms, ..Budget::default() };
        let over = Budget {
            throttled_ms: throttled_ms + 1,
            contended_ms: contended_ms + 1,
            unreachable_ms: unreachable_ms + 1,
            ..Budget::default()
        };
        for (error, who) in [
            (ActionError::throttled(""), Exhausted::Run),
            (ActionError::contended(""), Exhausted::Action),
            (ActionError::unreachable(""), Exhausted::Run),
        ] {
            assert_eq!(spends(just, &error), None, "{error:?}");
            assert_eq!(spends(over, &error), Some(who), "{error:?}");
        }
    }

    #[test]
    fn a_provider_that_turns_us_away_is_not_asked_again() {
        let turned_away = ActionError::unreachable("").with_code("ExpiredToken");
        assert_eq!(spends(Budget::default(), &turned_away), Some(Exhausted::Run));
        let refused = ActionError::throttled("").with_code("Throttling");
        assert_eq!(spends(Budget::default(), &refused), None);
    }
}
