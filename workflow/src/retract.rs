//! What an answer means for a rollback.

use std::time::Duration;

use lab1_flow_journal::{Entry, Failure, FailureClass, Provenance, Rest};

use crate::decide::SWEEP;
use crate::drive::Drive;
use crate::flight::Findings;
use crate::land::gave_up;
use crate::patience::Exhausted;
use crate::retry::{action_seed, delay_after};
use crate::{ActionError, Consistency, EngineError, Limits, Wait};

impl Drive<'_> {
    /// In a rollback "absent" is believed only when the time in which it might still appear is over,
    /// measured from this process's first look.
    pub(crate) fn absent_for_now(&mut self, place: usize) -> Result<(), EngineError> {
        let window = self.profile.window(self.node(place).action.consistency());
        let now = self.moment.now;
        let patience = self.patience.entry(place).or_default();
        let (first_look, _) = *patience.began.get_or_insert((now, Duration::ZERO));
        let left = (first_look + window).saturating_sub(now);
        if left.is_zero() {
            return self.absent(place);
        }
        patience.looks += 1;
        let looks = patience.looks;
        let delay = self.look_delay(looks, None).min(left);
        self.delay(place, delay);
        let reason = format!("not found; it may still appear within {} s", left.as_secs().max(1));
        self.engine.observer.waiting(&self.node(place).name, &reason, delay);
        Ok(())
    }

    pub(crate) fn wait_for_removal(
        &mut self,
        place: usize,
        wait: &Wait,
    ) -> Result<(), EngineError> {
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

    pub(crate) fn swept(&mut self, findings: Findings) -> Result<(), EngineError> {
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
        let looks = patience.looks;
        if now.saturating_sub(first) >= self.profile.window(Consistency::Slow) {
            self.wind_down(Rest::Stuck { left: findings.left });
            return Ok(());
        }
        let delay = self.look_delay(looks, None);
        self.delay(SWEEP, delay);
        Ok(())
    }

    pub(crate) fn sweep_failed(&mut self, error: ActionError) {
        let patience = self.patience.entry(SWEEP).or_default();
        patience.looks += 1;
        let looks = patience.looks;
        let seed = action_seed(self.state.header().seed, "sweep");
        let delay = delay_after(&self.profile, looks, seed);
        self.delay(SWEEP, delay);
        let permanent = error.class() == FailureClass::Permanent;
        self.suspend_if(permanent || looks >= Limits::default().tries_max, error);
    }
}
