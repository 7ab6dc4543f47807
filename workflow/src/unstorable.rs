//! What the code of an author comes to when it goes beyond what a record can say: outputs and inputs that cannot be stored,
//! and panics.

use std::time::Duration;

use lab1_flow_journal::{Entry, Failure, FailureClass, OnFailure, Rest, RollbackCause};
use serde_json::Value;

use crate::definition::{InputError, Outputs};
use crate::drive::Drive;
use crate::erased::Unstorable;
use crate::panics::{called, said};
use crate::{ActionError, EngineError, Progress};

const ADVICE: &str =
    "mend the output of the action, then resume; or roll back: what it made is taken back";

impl Drive<'_> {
    /// The input of a first attempt, or why there can be none: then nothing is sent, and the action fails.
    pub(crate) fn fresh_input(
        &self,
        place: usize,
    ) -> Result<Result<Value, ActionError>, EngineError> {
        let node = self.node(place);
        let built = called(|| (node.build_input)(&Outputs::new(self.workflow, &self.state)));
        Ok(match built {
            Ok(Ok(input)) => Ok(input),
            Ok(Err(error @ InputError::Output(_))) => return Err(error.into()),
            Ok(Err(InputError::Store(why))) => {
                Err(ActionError::permanent(format!("the input cannot be stored: {why}")))
            }
            Err(panic) => Err(ActionError::permanent(said(&panic))),
        })
    }

    /// Something is there, and what is known of it cannot be stored. It does not count as done: it stays in doubt, and a
    /// rollback takes it back with the output as it is. A later process looks for it again.
    pub(crate) fn unstorable(
        &mut self,
        place: usize,
        found: Unstorable,
    ) -> Result<(), EngineError> {
        self.kept.insert(place, found.output);
        self.doomed.remove(&place);
        let message = format!("the output cannot be stored: {}", found.why);
        let error = ActionError::permanent(message).with_advice(ADVICE);
        if self.moment.lingering.contains(&place) {
            let window = self.profile.window(self.node(place).action.consistency());
            self.look_again(place, &error.failure().message, window);
            return Ok(());
        }
        let is_spent = self.exhausted(place, &error).is_some();
        self.retry(place, &error, true)?;
        if self.state.is_rolling_back() {
            // It was taken back again and again, and is there again.
            if is_spent {
                self.stay(place, error.failure());
            }
            return Ok(());
        }
        match self.state.header().on_failure {
            OnFailure::Rollback => {
                let action = self.name(place);
                self.turn_around(RollbackCause::Failure { action })
            }
            OnFailure::Stop => {
                self.suspend_if(true, error);
                Ok(())
            }
        }
    }

    /// Takes in how far it is with taking back what could not be stored.
    pub(crate) fn undone(
        &mut self,
        place: usize,
        sent: Duration,
        answer: Result<Progress<()>, ActionError>,
    ) -> Result<(), EngineError> {
        let lingers = self.moment.lingering.contains(&place);
        match answer {
            // A look has the last word.
            Ok(Progress::Done(())) => {
                self.kept.remove(&place);
                self.patience.remove(&place);
                Ok(())
            }
            Ok(Progress::Waiting(wait)) => {
                if let Some(waited) = self.patience_ended(place, sent) {
                    let what = format!("still there after {} s: {}", waited.as_secs(), wait.reason);
                    self.stay(place, ActionError::transient(what).failure());
                    return Ok(());
                }
                self.look_again(place, &wait.reason, Duration::MAX);
                Ok(())
            }
            Err(error) if lingers => {
                self.search_failed(place, error);
                Ok(())
            }
            Err(error) => {
                let gives_up = self.exhausted(place, &error).is_some();
                self.retry(place, &error, true)?;
                if gives_up || error.class() == FailureClass::Permanent {
                    self.stay(place, error.failure());
                }
                Ok(())
            }
        }
    }

    /// Lets the rollback rest: this is left, and is in doubt as far as the journal knows.
    fn stay(&mut self, place: usize, failure: &Failure) {
        let left = vec![format!("{}: {}", self.name(place), failure.message)];
        self.wind_down(Rest::Stuck { left });
    }

    /// An attempt to change something has panicked. It may have had its effect, so that it is looked for first; when there
    /// is none, the action has failed for good.
    pub(crate) fn panicked(
        &mut self,
        place: usize,
        error: &ActionError,
    ) -> Result<(), EngineError> {
        self.doomed.insert(place, error.failure().clone());
        self.retry(place, error, true)
    }

    /// The failure that was waiting for this look, which found nothing.
    pub(crate) fn fail_doomed(&mut self, place: usize) -> Result<bool, EngineError> {
        let Some(failure) = self.doomed.remove(&place) else { return Ok(false) };
        let action = self.name(place);
        self.write(Entry::ActionFailed { action, failure })?;
        Ok(true)
    }
}
