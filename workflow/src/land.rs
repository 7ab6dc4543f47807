//! What an answer means for the run: from what landed to what is written.

use std::time::Duration;

use lab1_flow_journal::{ActionName, Budget, Entry, Failure, FailureClass, Provenance, Rest};
use serde_json::Value;

use crate::decide::SWEEP;
use crate::drive::Drive;
use crate::flight::{Findings, Landed, Outcome};
use crate::retry::{action_seed, delay_after};
use crate::{ActionError, Consistency, EngineError, Limits, Progress, Reconciled, Wait};

/// What an action's waiting has come to in this process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Patience {
    /// When the first look of this wait was made, and what had been waited before it.
    began: Option<(Duration, Duration)>,
    /// The number of looks.
    looks: u32,
    /// What was written about it last, and when.
    written: Option<(String, Duration)>,
}

/// A wait is written down again after so long, also when nothing has changed: a crash loses no more of the
/// budget than this.
const WAIT_WRITTEN_EVERY: Duration = Duration::from_secs(30);

impl Drive<'_> {
    pub(crate) fn land(&mut self, landed: Landed) -> Result<(), EngineError> {
        let place = landed.place;
        let rolling_back = self.state.is_rolling_back();
        match landed.outcome {
            // What a look says after the run has turned around is of no use.
            Outcome::Look(_) if rolling_back => Ok(()),
            Outcome::Attempt(Ok(Progress::Done(output)))
            | Outcome::Look(Ok(Progress::Done(output))) => {
                self.complete(place, output, Provenance::Executed)
            }
            Outcome::Attempt(Ok(Progress::Waiting(wait)))
            | Outcome::Look(Ok(Progress::Waiting(wait))) => self.wait_for_look(place, &wait),
            Outcome::Attempt(Err(error)) => self.attempt_failed(place, error),
            Outcome::Look(Err(error)) => self.look_failed(place, error),
            Outcome::Reconcile(Ok(found)) => self.reconciled(place, found),
            Outcome::Reconcile(Err(error)) => self.reconcile_failed(place, &error),
            Outcome::Compensate(Ok(Progress::Done(()))) => {
                self.patience.remove(&place);
                let action = self.name(place);
                self.write(Entry::CompensationCompleted { action, with: None })
            }
            Outcome::Compensate(Ok(Progress::Waiting(wait))) => self.wait_for_removal(place, &wait),
            Outcome::Compensate(Err(error)) => self.compensation_failed(place, error),
            Outcome::Sweep(Ok(findings)) => self.swept(findings),
            Outcome::Sweep(Err(error)) => {
                self.sweep_failed(error);
                Ok(())
            }
        }
    }

    fn complete(
        &mut self,
        place: usize,
        output: Value,
        provenance: Provenance,
    ) -> Result<(), EngineError> {
        self.patience.remove(&place);
        let action = self.name(place);
        self.write(Entry::ActionCompleted { action, output, provenance })
    }

    /// An attempt to change something came back with an error.
    fn attempt_failed(&mut self, place: usize, error: ActionError) -> Result<(), EngineError> {
        let in_doubt = matches!(error.class(), FailureClass::Ambiguous | FailureClass::Contended);
        if error.class() == FailureClass::Permanent {
            return self.refused(place, error.into_failure());
        }
        if in_doubt {
            return self.retry(place, &error, true);
        }
        match self.exhausted(place, &error) {
            Some(Exhausted::Action) if !self.state.is_rolling_back() => {
                self.refused(place, gave_up(error.into_failure()))
            }
            Some(Exhausted::Action) => self.absent(place),
            exhausted => {
                self.retry(place, &error, false)?;
                self.suspend_if(exhausted.is_some(), error);
                Ok(())
            }
        }
    }

    /// The attempt surely had no effect, and no other will be made.
    fn refused(&mut self, place: usize, failure: Failure) -> Result<(), EngineError> {
        if self.state.is_rolling_back() {
            return self.absent(place);
        }
        let action = self.name(place);
        self.patience.remove(&place);
        self.write(Entry::ActionFailed { action, failure })
    }

    fn look_failed(&mut self, place: usize, error: ActionError) -> Result<(), EngineError> {
        if error.class() == FailureClass::Permanent {
            return self.refused(place, error.into_failure());
        }
        // A look changes nothing, so that nothing about it is in doubt.
        let error = match error.class() {
            FailureClass::Ambiguous | FailureClass::Contended => as_transient(error),
            _ => error,
        };
        self.attempt_failed(place, error)
    }

    fn reconciled(&mut self, place: usize, found: Reconciled<Value>) -> Result<(), EngineError> {
        match found {
            Reconciled::Adopted(output) => self.complete(place, output, Provenance::Adopted),
            Reconciled::Absent if self.state.is_rolling_back() => self.absent_for_now(place),
            Reconciled::Absent => self.absent_forward(place),
            Reconciled::Foreign { evidence } => {
                let advice = "remove or rename it, or run under other names (--stack)";
                let failure = ActionError::permanent(evidence).with_advice(advice).into_failure();
                self.refused(place, failure)
            }
            Reconciled::Unclear(wait) => {
                let error = ActionError::contended(wait.reason);
                let patience_ends = self.exhausted(place, &error).is_some();
                self.retry(place, &error, true)?;
                self.suspend_if(patience_ends, error);
                Ok(())
            }
        }
    }

    fn absent(&mut self, place: usize) -> Result<(), EngineError> {
        let action = self.name(place);
        let attempt = self.attempts(place);
        self.patience.remove(&place);
        self.write(Entry::AttemptAbsent { action, attempt })
    }

    /// On the way forward one look is enough: the name is unique, so a late effect meets the next attempt.
    fn absent_forward(&mut self, place: usize) -> Result<(), EngineError> {
        let last = self.state.action(&self.node(place).name).and_then(|a| a.last_failure.clone());
        self.absent(place)?;
        let budget = self.budget(place);
        let limits = self.limits(place);
        let spent = budget.tries >= limits.tries_max
            || Duration::from_millis(budget.contended_ms) > limits.contended_max;
        match last {
            Some(failure) if spent => {
                let action = self.name(place);
                self.write(Entry::ActionFailed { action, failure: gave_up(failure) })
            }
            _ => Ok(()),
        }
    }

    /// In a rollback "absent" is believed only when the time in which it might still appear is over,
    /// measured from this process's first look.
    fn absent_for_now(&mut self, place: usize) -> Result<(), EngineError> {
        let window = self.profile.window(self.node(place).action.consistency());
        let now = self.moment.now;
        let patience = self.patience.entry(place).or_default();
        let (first_look, _) = *patience.began.get_or_insert((now, Duration::ZERO));
        let left = (first_look + window).saturating_sub(now);
        if left.is_zero() {
            return self.absent(place);
        }
        patience.looks += 1;
        let delay = self.look_delay(patience_looks(&self.patience, place), None).min(left);
        self.delay(place, delay);
        let reason = format!("not found; it may still appear within {} s", left.as_secs().max(1));
        self.engine.observer.waiting(&self.node(place).name, &reason, delay);
        Ok(())
    }

    fn reconcile_failed(&mut self, place: usize, error: &ActionError) -> Result<(), EngineError> {
        let permanent = error.class() == FailureClass::Permanent;
        let suspends = permanent || self.exhausted(place, error).is_some();
        self.retry(place, error, true)?;
        // Nothing is known about the attempt, so the action may not be given up: a person must look.
        self.suspend_if(suspends, error.clone());
        Ok(())
    }

    fn wait_for_look(&mut self, place: usize, wait: &Wait) -> Result<(), EngineError> {
        let waited = self.waited(place);
        if waited > self.limits(place).waited_max {
            let message = format!("gave up after {} s: {}", waited.as_secs(), wait.reason);
            return self.refused(place, ActionError::transient(message).into_failure());
        }
        self.wait(place, wait, waited, |action, reason, waited_ms| Entry::ActionWaiting {
            action,
            reason,
            waited_ms,
        })
    }

    fn wait_for_removal(&mut self, place: usize, wait: &Wait) -> Result<(), EngineError> {
        let waited = self.waited(place);
        if waited > self.limits(place).waited_max {
            let message = format!("still there after {} s: {}", waited.as_secs(), wait.reason);
            let failure = ActionError::transient(message).into_failure();
            return self.give_up_compensation(place, failure);
        }
        self.wait(place, wait, waited, |action, reason, waited_ms| Entry::CompensationWaiting {
            action,
            reason,
            waited_ms,
        })
    }

    fn wait(
        &mut self,
        place: usize,
        wait: &Wait,
        waited: Duration,
        entry: fn(ActionName, String, u64) -> Entry,
    ) -> Result<(), EngineError> {
        let now = self.moment.now;
        let patience = self.patience.entry(place).or_default();
        patience.looks += 1;
        let known = patience.written.as_ref().is_some_and(|(reason, at)| {
            *reason == wait.reason && now.saturating_sub(*at) < WAIT_WRITTEN_EVERY
        });
        if !known {
            patience.written = Some((wait.reason.clone(), now));
        }
        let delay = self.look_delay(patience_looks(&self.patience, place), wait.check_after);
        self.delay(place, delay);
        self.engine.observer.waiting(&self.node(place).name, &wait.reason, delay);
        if known {
            return Ok(());
        }
        let waited_ms = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
        let entry = entry(self.name(place), wait.reason.clone(), waited_ms);
        self.write(entry)
    }

    fn compensation_failed(&mut self, place: usize, error: ActionError) -> Result<(), EngineError> {
        if error.class() == FailureClass::Permanent {
            return self.give_up_compensation(place, error.into_failure());
        }
        let exhausted = self.exhausted(place, &error);
        if exhausted == Some(Exhausted::Action) {
            return self.give_up_compensation(place, gave_up(error.into_failure()));
        }
        let retry = self.failure_delay(place, &error);
        let retry = self.delay(place, retry);
        let (action, failure) = (self.name(place), error.failure().clone());
        self.write(Entry::CompensationFailed { action, failure, retry })?;
        self.suspend_if(exhausted.is_some(), error);
        Ok(())
    }

    fn give_up_compensation(&mut self, place: usize, failure: Failure) -> Result<(), EngineError> {
        self.patience.remove(&place);
        let action = self.name(place);
        self.write(Entry::CompensationGaveUp { action, failure })
    }

    fn swept(&mut self, findings: Findings) -> Result<(), EngineError> {
        for (place, output) in findings.late {
            self.complete(place, output, Provenance::Adopted)?;
        }
        let now = self.moment.now;
        let patience = self.patience.entry(SWEEP).or_default();
        if findings.left.is_empty() {
            patience.began = None;
            // What was found late is compensated first; then the search begins anew.
            let settled = self.state.actions().all(|(_, action)| action.is_settled_backwards());
            self.moment.swept = settled;
            return Ok(());
        }
        let (first, _) = *patience.began.get_or_insert((now, Duration::ZERO));
        patience.looks += 1;
        if now.saturating_sub(first) >= self.profile.window(Consistency::Slow) {
            self.wind_down(Rest::Stuck { left: findings.left });
            return Ok(());
        }
        let delay = self.look_delay(patience_looks(&self.patience, SWEEP), None);
        self.delay(SWEEP, delay);
        Ok(())
    }

    fn sweep_failed(&mut self, error: ActionError) {
        let patience = self.patience.entry(SWEEP).or_default();
        patience.looks += 1;
        let looks = patience.looks;
        let seed = action_seed(self.state.header().seed, "sweep");
        let delay = delay_after(&self.profile, looks, seed);
        self.delay(SWEEP, delay);
        let permanent = error.class() == FailureClass::Permanent;
        self.suspend_if(permanent || looks >= Limits::default().tries_max, error);
    }

    fn retry(
        &mut self,
        place: usize,
        error: &ActionError,
        in_doubt: bool,
    ) -> Result<(), EngineError> {
        let delay = self.failure_delay(place, error);
        let retry = self.delay(place, delay);
        let (action, attempt) = (self.name(place), self.attempts(place));
        let failure = error.failure().clone();
        self.write(Entry::AttemptFailed { action, attempt, failure, in_doubt, retry })
    }

    fn suspend_if(&mut self, suspends: bool, error: ActionError) {
        if suspends {
            self.wind_down(Rest::Suspended { failure: error.into_failure() });
        }
    }

    /// The delay after one more failure; the provider's own word counts, within our cap.
    fn failure_delay(&self, place: usize, error: &ActionError) -> Duration {
        let name = self.node(place).name.as_str();
        let seed = action_seed(self.state.header().seed, name);
        let failures = self.budget(place).failures.saturating_add(1);
        let delay = delay_after(&self.profile, failures, seed);
        let longest = self.profile.real_delay(Duration::from_millis(self.profile.delay_max_ms));
        delay.max(error.retry_after().unwrap_or_default().min(longest))
    }

    /// The delay before the next look: it grows from the profile's first to its longest.
    fn look_delay(&self, looks: u32, hint: Option<Duration>) -> Duration {
        let first = Duration::from_millis(self.profile.look_first_ms);
        let longest = Duration::from_millis(self.profile.look_max_ms);
        let grown = first.mul_f64(1.25_f64.powi(i32::try_from(looks.min(40)).unwrap_or(40)));
        self.profile.real_delay(hint.unwrap_or_else(|| grown.min(longest)))
    }

    /// Whether one more failure of this kind is one too many, and for whom.
    fn exhausted(&self, place: usize, error: &ActionError) -> Option<Exhausted> {
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
            FailureClass::Unreachable => {
                spent(budget.unreachable_ms, limits.unreachable_max).then_some(Exhausted::Run)
            }
        }
    }

    /// How long the action has waited in this budget.
    fn waited(&mut self, place: usize) -> Duration {
        let before = Duration::from_millis(self.budget(place).waited_ms);
        let now = self.moment.now;
        let patience = self.patience.entry(place).or_default();
        let (began, before) = *patience.began.get_or_insert((now, before));
        before + now.saturating_sub(began)
    }

    fn budget(&self, place: usize) -> Budget {
        self.state.action(&self.node(place).name).map_or_else(Budget::default, |known| known.budget)
    }

    fn limits(&self, place: usize) -> Limits {
        self.profile.real_limits(&self.node(place).action.limits())
    }

    fn attempts(&self, place: usize) -> u32 {
        self.state.action(&self.node(place).name).map_or(0, |known| known.attempts)
    }

    fn name(&self, place: usize) -> ActionName {
        self.node(place).name.clone()
    }
}

/// Who gives up when a budget is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exhausted {
    /// The action: it will not work.
    Action,
    /// The run rests, and goes on when a person asks: nothing is wrong with the action.
    Run,
}

fn patience_looks(patience: &std::collections::BTreeMap<usize, Patience>, place: usize) -> u32 {
    patience.get(&place).map_or(0, |patience| patience.looks)
}

fn as_transient(error: ActionError) -> ActionError {
    let retry_after = error.retry_after();
    let mut failure = error.into_failure();
    failure.class = FailureClass::Transient;
    ActionError::of_failure(failure, retry_after)
}

fn gave_up(mut failure: Failure) -> Failure {
    failure.message = format!("gave up: {}", failure.message);
    failure
}
