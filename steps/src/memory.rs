//! Answers that a look keeps for its own repetition.
//!
//! Some looks are made of a dozen calls. When one of them is throttled the engine repeats the look; if it
//! asked everything again, a service that refuses every third call would never let it through.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use lab1_flow_workflow::ActionError;
use lab1_flow_workflow::journal::RunId;
use tokio::time::Instant;

/// How long an answer may be used: longer than the longest delay between two tries, and short enough that
/// what it says still holds when the last call is answered.
const LIFETIME: Duration = Duration::from_secs(30);

/// One answer, once it is there.
#[derive(Debug)]
pub(crate) struct Known<T>(Mutex<Option<T>>);

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Clone> Known<T> {
    /// Gives the answer, and asks for it first when it is not known. A failure is not kept.
    pub(crate) async fn or_ask(
        &self,
        ask: impl Future<Output = Result<T, ActionError>>,
    ) -> Result<T, ActionError> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known {
            return Ok(known);
        }
        let answer = ask.await?;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).replace(answer.clone());
        Ok(answer)
    }
}

/// Asks side by side for all that is not known, and gives the answers in their order.
///
/// # Errors
/// The first failure in their order, when all have ended: what was answered beside it is known then.
pub(crate) async fn all_known<T: Clone, const COUNT: usize>(
    known: &[Known<T>; COUNT],
    asks: [BoxFuture<'_, Result<T, ActionError>>; COUNT],
) -> Result<Vec<T>, ActionError> {
    let asks = known.iter().zip(asks).map(|(known, ask)| known.or_ask(ask));
    join_all(asks).await.into_iter().collect()
}

/// The answers of each run that is looking, with the time of the first.
type ByRun<A> = BTreeMap<RunId, (Instant, Arc<A>)>;

/// The answers of all runs that are looking right now.
pub(crate) struct Memory<A>(Arc<Mutex<ByRun<A>>>);

impl<A> Clone for Memory<A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<A> Default for Memory<A> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<A> fmt::Debug for Memory<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory")
    }
}

impl<A: Default> Memory<A> {
    /// The answers of this run so far; none when they are too old.
    pub(crate) fn of(&self, run: &RunId) -> Arc<A> {
        let now = Instant::now();
        let mut by_run = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        by_run.retain(|_, (since, _)| now.duration_since(*since) < LIFETIME);
        let (_, answers) =
            by_run.entry(run.clone()).or_insert_with(|| (now, Arc::new(A::default())));
        Arc::clone(answers)
    }

    /// Forgets the answers of a run whose look has come to an end.
    pub(crate) fn forget(&self, run: &RunId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(run);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(name: &str) -> RunId {
        RunId::new(name).unwrap()
    }

    async fn ask(known: &Known<u8>, answer: Result<u8, ActionError>) -> Result<u8, ActionError> {
        known.or_ask(std::future::ready(answer)).await
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_asked_for_once_and_a_failure_is_asked_again() {
        let memory = Memory::<Known<u8>>::default();
        let known = memory.of(&run("a"));
        assert!(ask(&known, Err(ActionError::throttled("slower"))).await.is_err());
        assert_eq!(ask(&known, Ok(1)).await, Ok(1));
        assert_eq!(ask(&memory.of(&run("a")), Ok(2)).await, Ok(1));
    }

    #[tokio::test(start_paused = true)]
    async fn no_answer_goes_to_another_run_or_outlives_its_time_or_its_look() {
        let memory = Memory::<Known<u8>>::default();
        assert_eq!(ask(&memory.of(&run("a")), Ok(1)).await, Ok(1));
        assert_eq!(ask(&memory.of(&run("b")), Ok(2)).await, Ok(2));
        memory.forget(&run("b"));
        assert_eq!(ask(&memory.of(&run("b")), Ok(3)).await, Ok(3));
        tokio::time::advance(LIFETIME).await;
        assert_eq!(ask(&memory.of(&run("a")), Ok(4)).await, Ok(4));
    }
}
