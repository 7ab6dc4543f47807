//! One action, asked in the name of one run, with the patience that the engine would have.

use std::sync::Arc;
use std::time::Duration;

use lab1_flow_journal::{ActionName, FailureClass, RunId};
use serde_json::Value;

use crate::erased::{ErasedAction, Trouble};
use crate::testing::PausedClock;
use crate::{ActionContext, ActionError, Clock, Progress, Reconciled, Wait};

/// Longer than anything takes that is not stuck.
const PATIENCE: Duration = Duration::from_hours(2);

/// Where an action does not say when to look again.
const PAUSE: Duration = Duration::from_secs(5);

/// An action in the hands of one run.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) action: Arc<dyn ErasedAction>,
    pub(super) input: Value,
    pub(super) context: ActionContext,
    pub(super) clock: PausedClock,
    /// How long an effect may stay invisible.
    pub(super) window: Duration,
}

/// How a compensation went to its end.
#[derive(Debug)]
pub(super) struct Removed {
    /// Whether it said that it waits before it was done.
    pub(super) waited: bool,
}

impl Asked {
    /// The same action in the hands of another run.
    pub(super) fn by(&self, run: &RunId, token: String) -> Self {
        let context = ActionContext { run: run.clone(), token, ..self.context.clone() };
        Self { context, ..self.clone() }
    }

    pub(super) fn name(&self) -> &ActionName {
        &self.context.action
    }

    /// Makes one attempt.
    pub(super) async fn attempt(&mut self) -> Result<Progress<Value>, ActionError> {
        let answer = self.action.execute(&self.context, &self.input).await;
        let answer = answer.map_err(Trouble::into_error);
        self.context.attempt += 1;
        answer
    }

    /// Makes the change as the engine would: what may have happened is looked for before it is repeated.
    pub(super) async fn make(&mut self) -> Result<Value, String> {
        let end = self.clock.elapsed() + PATIENCE;
        loop {
            let wait = match self.attempt().await {
                Ok(Progress::Done(output)) => return Ok(output),
                Ok(Progress::Waiting(wait)) => wait,
                Err(error) if error.class() == FailureClass::Permanent => {
                    return Err(error.to_string());
                }
                Err(error) if leads_to_a_look(&error) => match self.look().await? {
                    Reconciled::Adopted(output) => return Ok(output),
                    Reconciled::Absent => Wait::new(error.to_string()),
                    Reconciled::Unclear(wait) => wait,
                    other => return Err(format!("{error}; a look says {other:?}")),
                },
                Err(error) => Wait::new(error.to_string()),
            };
            self.wait_for(wait, end).await?;
        }
    }

    /// Looks until a look says something.
    pub(super) async fn look(&self) -> Result<Reconciled<Value>, String> {
        let end = self.clock.elapsed() + PATIENCE;
        loop {
            let found = self.action.reconcile(&self.context, &self.input).await;
            match found.map_err(Trouble::into_error) {
                Ok(found) => return Ok(found),
                Err(error) if error.class() == FailureClass::Permanent => {
                    return Err(error.to_string());
                }
                Err(error) => self.wait_for(Wait::new(error.to_string()), end).await?,
            }
        }
    }

    /// Looks until it sees what is wanted, as long as that may stay invisible: in the end it says what it says.
    pub(super) async fn look_for(
        &self,
        is_wanted: impl Fn(&Reconciled<Value>) -> bool,
    ) -> Result<Reconciled<Value>, String> {
        let end = self.clock.elapsed() + self.window;
        loop {
            let found = self.look().await?;
            if is_wanted(&found) || self.clock.elapsed() > end {
                return Ok(found);
            }
            self.clock.sleep(PAUSE).await;
        }
    }

    /// Takes a change back, to its end.
    pub(super) async fn take_back(&self, output: &Value) -> Result<Removed, String> {
        let end = self.clock.elapsed() + PATIENCE;
        let mut waited = false;
        loop {
            let answer = self.action.compensate(&self.context, &self.input, output).await;
            let wait = match answer.map_err(Trouble::into_error) {
                Ok(Progress::Done(())) => return Ok(Removed { waited }),
                Ok(Progress::Waiting(wait)) => {
                    waited = true;
                    wait
                }
                Err(error) if error.class() == FailureClass::Permanent => {
                    return Err(error.to_string());
                }
                Err(error) => Wait::new(error.to_string()),
            };
            self.wait_for(wait, end).await?;
        }
    }

    async fn wait_for(&self, wait: Wait, end: Duration) -> Result<(), String> {
        if self.clock.elapsed() > end {
            return Err(format!("nothing came of it in two hours: {}", wait.reason));
        }
        let pause = wait.check_after.unwrap_or(PAUSE).max(Duration::from_millis(1));
        self.clock.sleep(pause).await;
        Ok(())
    }
}

/// Whether the engine looks before it does anything else.
pub(super) fn leads_to_a_look(error: &ActionError) -> bool {
    matches!(error.class(), FailureClass::Ambiguous | FailureClass::Contended)
}
