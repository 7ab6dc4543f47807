//! What an answer means for a rollback.

use std::time::Duration;

use lab1_flow_journal::{
    ActionPhase, Budget, Entry, Failure, FailureClass, Provenance, RollbackCause,
};
use serde_json::Value;

use crate::drive::Drive;
use crate::land::gave_up;
use crate::patience::Exhausted;
use crate::{ActionError, EngineError, Reconciled, Wait};

impl Drive<'_> {
    /// The run goes back from here on: what it waited for is of no meaning any more.
    pub(crate) fn turn_around(&mut self, cause: RollbackCause) -> Result<(), EngineError> {
        self.moment.wake.clear();
        self.patience.clear();
        self.doomed.clear();
        self.leave_queues();
        self.write(Entry::RollbackStarted { cause })?;
        self.distrust_absences();
        self.distrust_records();
        Ok(())
    }

    /// In a rollback "absent" is believed only when the time in which it might still appear is over,
    /// measured from this process's first look.
    pub(crate) fn absent_for_now(
        &mut self,
        place: usize,
        sent: Duration,
    ) -> Result<(), EngineError> {
        let now = self.moment.now;
        let patience = self.patience.entry(place).or_default();
        if patience.began.is_none() {
            patience.began = Some((now, Duration::ZERO));
            self.expect_late(place);
        }
        if self.late_left(place, sent).is_zero() {
            return self.absent(place);
        }
        self.await_late(place, "not found; it");
        Ok(())
    }

    /// From now on a whole window must pass before an effect of the action can no longer appear.
    pub(crate) fn expect_late(&mut self, place: usize) {
        let window = self.profile.window(self.node(place).action.consistency());
        self.late_until.insert(place, self.ports.clock.elapsed() + window);
    }

    /// How long, from this moment on, an effect of the action may still appear.
    fn late_left(&self, place: usize, from: Duration) -> Duration {
        let end = self.late_until.get(&place).copied().unwrap_or_default();
        end.saturating_sub(from)
    }

    fn await_late(&mut self, place: usize, what: &str) {
        let left = self.late_left(place, self.moment.now);
        let reason = format!("{what} may still appear within {} s", left.as_secs().max(1));
        self.look_again(place, &reason, left);
    }

    /// The effect is gone. An attempt that was once believed absent may still take effect, or have taken it since
    /// the removal, and found the name free again: then nothing is proven before a look after its time.
    pub(crate) fn removed(&mut self, place: usize) -> Result<(), EngineError> {
        if !self.was_seen(place) {
            // Nothing was found to remove: what was made a moment ago may only not be visible yet.
            self.expect_late(place);
        }
        self.patience.remove(&place);
        if self.late_until.contains_key(&place) {
            self.moment.lingering.insert(place);
            return Ok(());
        }
        let action = self.name(place);
        self.write(Entry::CompensationCompleted { action, with: None })
    }

    /// Whether this compensation, in this process or an earlier one, has seen what it takes back: its first wait is
    /// always recorded.
    fn was_seen(&self, place: usize) -> bool {
        let action = self.state.action(&self.node(place).name);
        action.is_some_and(|action| action.reason.is_some())
    }

    /// Takes in a look for an attempt that might appear after all.
    pub(crate) fn looked_again(
        &mut self,
        place: usize,
        sent: Duration,
        found: Result<Reconciled<Value>, ActionError>,
    ) -> Result<(), EngineError> {
        match found {
            Ok(Reconciled::Adopted(output) | Reconciled::Altered { output, .. }) => {
                let is_unrecorded = self.found.in_doubt.contains(&place);
                self.believe_absent(place)?;
                if is_unrecorded {
                    self.write(Entry::FoundByMark { action: self.name(place) })?;
                }
                self.complete(place, output, Provenance::Adopted)?;
                self.reappeared(place);
                Ok(())
            }
            Ok(Reconciled::Absent | Reconciled::Foreign { .. }) => {
                if self.late_left(place, sent).is_zero() {
                    return self.believe_absent(place);
                }
                self.await_late(place, "an earlier attempt");
                Ok(())
            }
            // As long as a name may be held by what is being deleted, and no longer.
            Ok(Reconciled::Unclear(wait)) => {
                self.search_failed(place, ActionError::contended(wait.reason));
                Ok(())
            }
            Err(error) => {
                self.search_failed(place, error);
                Ok(())
            }
        }
    }

    /// What was gone is there again. Once that is an earlier attempt; from the second time on its look and its removal
    /// disagree, and are not asked faster than anything else that takes its time.
    fn reappeared(&mut self, place: usize) {
        let now = self.moment.now;
        let (times, first) = self.reappeared.entry(place).or_insert((0, now));
        let (again, since) = (*times, now.saturating_sub(*first));
        *times += 1;
        if again > 0 {
            let delay = self.look_delay(again, since, None);
            self.delay(place, delay);
        }
    }

    fn believe_absent(&mut self, place: usize) -> Result<(), EngineError> {
        self.moment.lingering.remove(&place);
        self.found.in_doubt.remove(&place);
        self.patience.remove(&place);
        let action = self.name(place);
        match self.phase(place) {
            Some(ActionPhase::Compensating { .. }) => {
                self.write(Entry::CompensationCompleted { action, with: None })
            }
            // It was recorded as absent before; now it is believed.
            _ => Ok(()),
        }
    }

    pub(crate) fn look_again(&mut self, place: usize, reason: &str, at_most: Duration) {
        let now = self.moment.now;
        let patience = self.patience.entry(place).or_default();
        patience.searches = Budget::default();
        patience.looks += 1;
        let looks = patience.looks;
        let (began, _) = *patience.began.get_or_insert((now, Duration::ZERO));
        let delay = self.look_delay(looks, now.saturating_sub(began), None).min(at_most);
        self.delay(place, delay);
        self.ports.observer.waiting(&self.node(place).name, reason, delay);
    }

    pub(crate) fn wait_for_removal(
        &mut self,
        place: usize,
        sent: Duration,
        wait: &Wait,
    ) -> Result<(), EngineError> {
        if let Some(waited) = self.patience_ended(place, sent) {
            let message = format!("still there after {} s: {}", waited.as_secs(), wait.reason);
            let failure = ActionError::transient(message).into_failure();
            return self.give_up_compensation(place, failure);
        }
        self.wait(place, wait, |action, reason, waited_ms| Entry::CompensationWaiting {
            action,
            reason,
            waited_ms,
        })
    }

    pub(crate) fn compensation_failed(
        &mut self,
        place: usize,
        error: ActionError,
    ) -> Result<(), EngineError> {
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

    pub(crate) fn give_up_compensation(
        &mut self,
        place: usize,
        failure: Failure,
    ) -> Result<(), EngineError> {
        self.patience.remove(&place);
        let action = self.name(place);
        self.write(Entry::CompensationGaveUp { action, failure })
    }
}
