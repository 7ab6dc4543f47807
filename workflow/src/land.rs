//! What an answer means for the run: from what landed to what is written.

use std::time::Duration;

use lab1_flow_journal::{ActionName, Entry, Failure, FailureClass, OnFailure, Provenance, Rest};
use serde_json::Value;

use crate::drive::Drive;
use crate::flight::{Landed, Outcome};
use crate::moment::SWEEP;
use crate::patience::Exhausted;
use crate::{ActionError, EngineError, Progress, Reconciled, Wait};

impl Drive<'_> {
    pub(crate) fn land(&mut self, landed: Landed) -> Result<(), EngineError> {
        let Landed { place, sent, outcome } = landed;
        let rolling_back = self.state.is_rolling_back();
        match outcome {
            // What a look says after the run has turned around is of no use.
            Outcome::Look(_) if rolling_back => Ok(()),
            Outcome::Attempt(Ok(Progress::Done(output)))
            | Outcome::Look(Ok(Progress::Done(output))) => {
                self.complete(place, output, Provenance::Executed)
            }
            Outcome::Attempt(Ok(Progress::Waiting(wait)))
            | Outcome::Look(Ok(Progress::Waiting(wait))) => self.wait_for_look(place, sent, &wait),
            Outcome::Attempt(Err(error)) => {
                self.attempt_failed(place, error)?;
                // This one had no effect; an earlier one, believed absent when the run turned around, may still have.
                self.distrust_absence(place);
                Ok(())
            }
            Outcome::Look(Err(error)) => self.look_failed(place, error),
            Outcome::Reconcile(found) if self.moment.lingering.contains(&place) => {
                self.looked_again(place, sent, found)
            }
            Outcome::Reconcile(Ok(found)) => self.reconciled(place, sent, found),
            Outcome::Reconcile(Err(error)) => self.reconcile_failed(place, &error),
            Outcome::Compensate(Ok(Progress::Done(()))) => self.removed(place),
            Outcome::Compensate(Ok(Progress::Waiting(wait))) => {
                self.wait_for_removal(place, sent, &wait)
            }
            Outcome::Compensate(Err(error)) => self.compensation_failed(place, error),
            Outcome::Panicked(error) => self.panicked(place, &error),
            Outcome::Undo(answer) => self.undone(place, sent, answer),
            Outcome::Unreadable(action, why) => Err(why.of(&action)),
            Outcome::Unstorable(found) => self.unstorable(place, found),
            Outcome::Sweep(Ok(findings)) => self.swept(sent, findings),
            Outcome::Sweep(Err(error)) => {
                self.search_failed(SWEEP, error);
                Ok(())
            }
        }
    }

    pub(crate) fn complete(
        &mut self,
        place: usize,
        output: Value,
        provenance: Provenance,
    ) -> Result<(), EngineError> {
        self.patience.remove(&place);
        self.doomed.remove(&place);
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
        let exhausted = self.exhausted(place, &error);
        if exhausted == Some(Exhausted::Action) && !self.would_delete_for_trouble(error.class()) {
            return self.refused(place, gave_up(error.into_failure()));
        }
        self.retry(place, &error, false)?;
        self.suspend_if(exhausted.is_some(), error);
        Ok(())
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
        // A look changes nothing, so that nothing about it is in doubt.
        let error = match error.class() {
            FailureClass::Ambiguous | FailureClass::Contended => as_transient(error),
            _ => error,
        };
        self.attempt_failed(place, error)
    }

    fn reconciled(
        &mut self,
        place: usize,
        sent: Duration,
        found: Reconciled<Value>,
    ) -> Result<(), EngineError> {
        match found {
            Reconciled::Adopted(output) => self.complete(place, output, Provenance::Adopted),
            Reconciled::Altered { output, .. } if self.state.is_rolling_back() => {
                self.complete(place, output, Provenance::Adopted)
            }
            Reconciled::Altered { difference, .. } => {
                let advice = "set it back, then resume; or roll back: it goes with the run";
                let error = ActionError::permanent(difference).with_advice(advice);
                self.reconcile_failed(place, &error)
            }
            Reconciled::Absent if self.state.is_rolling_back() => self.absent_for_now(place, sent),
            Reconciled::Absent => self.absent_forward(place),
            Reconciled::Foreign { evidence, advice } => {
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

    pub(crate) fn absent(&mut self, place: usize) -> Result<(), EngineError> {
        let action = self.name(place);
        let attempt = self.attempts(place);
        self.patience.remove(&place);
        self.write(Entry::AttemptAbsent { action, attempt })
    }

    /// On the way forward one look is enough: the name is unique, so a late effect meets the next attempt.
    fn absent_forward(&mut self, place: usize) -> Result<(), EngineError> {
        let last = self.state.action(&self.node(place).name).and_then(|a| a.last_failure.clone());
        self.absent(place)?;
        self.expect_late(place);
        if self.fail_doomed(place)? {
            return Ok(());
        }
        let budget = self.budget(place);
        let limits = self.limits(place);
        let contended = Duration::from_millis(budget.contended_ms) > limits.contended_max;
        let tried = budget.tries >= limits.tries_max;
        let Some(failure) = last.filter(|_| contended || tried) else { return Ok(()) };
        let class = if contended { failure.class } else { FailureClass::Transient };
        if self.would_delete_for_trouble(class) {
            self.wind_down(Rest::Suspended { failure });
            return Ok(());
        }
        let action = self.name(place);
        self.write(Entry::ActionFailed { action, failure: gave_up(failure) })
    }

    /// Whether giving up would take everything back because of the provider's own trouble: then the run suspends.
    fn would_delete_for_trouble(&self, class: FailureClass) -> bool {
        let deletes = self.state.header().on_failure == OnFailure::Rollback;
        let is_trouble = matches!(class, FailureClass::Transient | FailureClass::Ambiguous);
        deletes && is_trouble && !self.state.is_rolling_back()
    }

    fn reconcile_failed(&mut self, place: usize, error: &ActionError) -> Result<(), EngineError> {
        let permanent = error.class() == FailureClass::Permanent;
        let suspends = permanent || self.exhausted(place, error).is_some();
        self.retry(place, error, true)?;
        // Nothing is known about the attempt, so the action may not be given up: a person must look.
        self.suspend_if(suspends, error.clone());
        Ok(())
    }

    fn wait_for_look(
        &mut self,
        place: usize,
        sent: Duration,
        wait: &Wait,
    ) -> Result<(), EngineError> {
        if let Some(waited) = self.patience_ended(place, sent) {
            let message = format!("gave up after {} s: {}", waited.as_secs(), wait.reason);
            return self.refused(place, ActionError::permanent(message).into_failure());
        }
        self.wait(place, wait, |action, reason, waited_ms| Entry::ActionWaiting {
            action,
            reason,
            waited_ms,
        })
    }

    pub(crate) fn retry(
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

    pub(crate) fn suspend_if(&mut self, suspends: bool, error: ActionError) {
        if suspends {
            self.wind_down(Rest::Suspended { failure: error.into_failure() });
        }
    }

    pub(crate) fn attempts(&self, place: usize) -> u32 {
        self.state.action(&self.node(place).name).map_or(0, |known| known.attempts)
    }

    pub(crate) fn name(&self, place: usize) -> ActionName {
        self.node(place).name.clone()
    }
}

fn as_transient(error: ActionError) -> ActionError {
    let retry_after = error.retry_after();
    let mut failure = error.into_failure();
    failure.class = FailureClass::Transient;
    ActionError::of_failure(failure, retry_after)
}

pub(crate) fn gave_up(mut failure: Failure) -> Failure {
    failure.message = format!("gave up: {}", failure.message);
    failure
}
