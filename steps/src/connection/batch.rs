//! Reads that can ask about many things at once, shared by all who ask at the same time.
//!
//! Whoever asks first opens a batch; whoever asks before its call goes out (while it waits for its turn, or in the same
//! turn of the runtime) joins it. A lone caller waits no longer than without.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use lab1_flow_workflow::ActionError;
use tokio::time::Instant;

type SharedAnswer<V> = Shared<BoxFuture<'static, Result<Arc<Vec<V>>, ActionError>>>;

/// How often was asked, and in how many batches that was put.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LookupCounts {
    /// The askers: without batches there would be so many calls.
    pub asked: u64,
    /// What was sent for them.
    pub batches: u64,
}

/// The batch that may be joined now.
pub(crate) struct Batch<V> {
    open: Mutex<Option<Open<V>>>,
    last: Mutex<Option<Answered<V>>>,
    counts: Mutex<LookupCounts>,
    /// How many things one call may ask about.
    names_max: usize,
}

struct Open<V> {
    names: Names,
    answer: SharedAnswer<V>,
}

/// What was answered, about what, and when.
struct Answered<V> {
    at: Instant,
    names: Names,
    found: Arc<Vec<V>>,
}

/// How long an answer counts as fresh.
const JUST_NOW: Duration = Duration::from_millis(100);

/// How often other callers get a turn before a batch closes. Answers that arrive together are read in several turns of
/// the runtime.
const TURNS: usize = 8;

/// What a batch asks about. Grows until its call goes out.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names(Arc<Mutex<(bool, BTreeSet<String>)>>);

impl Names {
    /// These and no others.
    pub(crate) fn of(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self(Arc::new(Mutex::new((true, names.into_iter().map(Into::into).collect()))))
    }

    /// Lets those in who ask in this very moment, closes the batch, and gives its names.
    pub(crate) async fn close(&self) -> Vec<String> {
        for _ in 0..TURNS {
            tokio::task::yield_now().await;
        }
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.0 = true;
        inner.1.iter().cloned().collect()
    }

    /// Whether all of these names are included.
    fn hold(&self, names: &[&str]) -> bool {
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        names.iter().all(|name| inner.1.contains(*name))
    }

    /// Adds names, unless the batch is closed or full.
    fn join(&self, names: &[&str], names_max: usize) -> bool {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (is_closed, all) = &mut *inner;
        if *is_closed || all.len() + names.len() > names_max.max(names.len()) {
            return false;
        }
        all.extend(names.iter().map(|name| (*name).to_owned()));
        true
    }
}

/// What came of asking about many things at once.
#[derive(Debug)]
pub(crate) struct Answers<V> {
    pub(crate) found: Vec<V>,
    /// What is not there, each with the service's word on it.
    pub(crate) absent: Vec<(String, ActionError)>,
}

/// Asks about all together, and about each alone when one is not there: the service then answers for none, and
/// does not say which it is. `ask` is given what the call is about, for people, and the names.
pub(crate) async fn together_or_each<V, F>(
    subject: &str,
    names: Names,
    is_absent: fn(&ActionError) -> bool,
    ask: impl Fn(String, Names) -> F,
) -> Result<Answers<V>, ActionError>
where
    F: Future<Output = Result<Vec<V>, ActionError>>,
{
    let mut answers = Answers { found: Vec::new(), absent: Vec::new() };
    let error = match ask(subject.to_owned(), names.clone()).await {
        Ok(found) => return Ok(Answers { found, ..answers }),
        Err(error) if is_absent(&error) => error,
        Err(error) => return Err(error),
    };
    let names = names.close().await;
    if let [only] = &names[..] {
        answers.absent.push((only.clone(), error));
        return Ok(answers);
    }
    for name in names {
        match ask(name.clone(), Names::of([&name])).await {
            Ok(found) => answers.found.extend(found),
            Err(error) if is_absent(&error) => answers.absent.push((name, error)),
            Err(error) => return Err(error),
        }
    }
    Ok(answers)
}

impl<V> Batch<V> {
    /// Batches of calls that may ask about so many things.
    pub(crate) fn of_at_most(names_max: usize) -> Self {
        Self { open: Mutex::new(None), last: Mutex::new(None), counts: Mutex::default(), names_max }
    }

    /// What has gone through it so far.
    pub(crate) fn counts(&self) -> LookupCounts {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, add: impl FnOnce(&mut LookupCounts)) {
        add(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl<V> fmt::Debug for Batch<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Batch")
    }
}

impl<V: Send + Sync + 'static> Batch<V> {
    /// Asks about these names, together with whoever else does. `send` makes the call of a batch that this caller
    /// opens; it closes the names when its turn has come.
    pub(crate) async fn ask<F>(
        &self,
        names: &[&str],
        send: impl FnOnce(Names) -> F,
    ) -> Result<Arc<Vec<V>>, ActionError>
    where
        F: Future<Output = Result<Vec<V>, ActionError>> + Send + 'static,
    {
        self.count(|counts| counts.asked += 1);
        let (_, answer) = self.join(names, send);
        answer.await
    }

    /// Like [`ask`](Self::ask), and keeps the answer for the next caller who can use a fresh one.
    pub(crate) async fn ask_and_keep<F>(
        &self,
        names: &[&str],
        send: impl FnOnce(Names) -> F,
    ) -> Result<Arc<Vec<V>>, ActionError>
    where
        F: Future<Output = Result<Vec<V>, ActionError>> + Send + 'static,
    {
        self.count(|counts| counts.asked += 1);
        let (names, answer) = self.join(names, send);
        let found = answer.await?;
        let answered = Answered { at: Instant::now(), names, found: Arc::clone(&found) };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(answered);
        Ok(found)
    }

    /// The answer that was kept, if it is fresh and covers these names. It is returned once.
    pub(crate) fn take_fresh(&self, names: &[&str]) -> Option<Arc<Vec<V>>> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |last: &mut Answered<V>| last.names.hold(names) && last.at.elapsed() < JUST_NOW;
        last.take_if(fits).map(|last| last.found)
    }

    fn join<F>(&self, names: &[&str], send: impl FnOnce(Names) -> F) -> (Names, SharedAnswer<V>)
    where
        F: Future<Output = Result<Vec<V>, ActionError>> + Send + 'static,
    {
        let mut slot = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = slot.as_ref().filter(|open| open.names.join(names, self.names_max)) {
            return (open.names.clone(), open.answer.clone());
        }
        self.count(|counts| counts.batches += 1);
        let all = Names::default();
        all.join(names, self.names_max);
        let call = send(all.clone());
        let answer = async move { call.await.map(Arc::new) }.boxed().shared();
        *slot = Some(Open { names: all.clone(), answer: answer.clone() });
        (all, answer)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const MAX: usize = 20;

    /// Answers with the names that it was asked about, and counts the calls.
    async fn echo(names: Names, calls: Arc<AtomicUsize>) -> Result<Vec<String>, ActionError> {
        calls.fetch_add(1, Ordering::Relaxed);
        Ok(names.close().await)
    }

    #[tokio::test]
    async fn who_asks_at_the_same_time_shares_a_call_and_who_comes_later_does_not() {
        let (batch, calls) = (Batch::of_at_most(MAX), Arc::new(AtomicUsize::new(0)));
        let ask = async |name: &'static str| {
            batch.ask(&[name], |names| echo(names, Arc::clone(&calls))).await
        };
        let (first, second) = tokio::join!(ask("a"), ask("b"));
        assert_eq!(*first.unwrap(), ["a", "b"]);
        assert_eq!(*second.unwrap(), ["a", "b"]);
        assert_eq!(*ask("c").await.unwrap(), ["c"]);
        assert_eq!(calls.load(Ordering::Relaxed), 2);
        assert_eq!(batch.counts(), LookupCounts { asked: 3, batches: 2 });
    }

    #[tokio::test]
    async fn one_that_is_absent_hides_no_other_and_is_named() {
        let calls = AtomicUsize::new(0);
        let ask = |subject: String, names: Names| {
            calls.fetch_add(1, Ordering::Relaxed);
            async move {
                let names = names.close().await;
                let fails = names.iter().any(|name| name == "gone");
                if fails {
                    Err(ActionError::transient(subject).with_code("Gone"))
                } else {
                    Ok(names)
                }
            }
        };
        let gone = |error: &ActionError| error.code() == Some("Gone");
        for (names, found, absent, cost) in [
            (&["a", "b"][..], &["a", "b"][..], None, 1),
            (&["a", "gone", "b"], &["a", "b"], Some("gone"), 4),
            (&["gone"], &[], Some("all"), 1),
        ] {
            calls.store(0, Ordering::Relaxed);
            let all = Names::of(names.iter().copied());
            let answers = together_or_each("all", all, gone, ask).await.unwrap();
            assert_eq!(answers.found, found);
            let words = answers.absent.iter().map(|(_, error)| error.to_string()).next();
            assert_eq!(words.as_deref(), absent);
            assert_eq!(calls.load(Ordering::Relaxed), cost);
        }
        let any = Names::of(["gone"]);
        assert!(together_or_each("all", any, |_| false, ask).await.is_err());
    }

    #[tokio::test]
    async fn a_batch_whose_opener_went_away_is_carried_on_by_the_next() {
        let (batch, calls) = (Batch::of_at_most(MAX), Arc::new(AtomicUsize::new(0)));
        drop(batch.join(&["gone"], |names| echo(names, Arc::clone(&calls))));
        let found = batch.ask(&["a"], |names| echo(names, Arc::clone(&calls))).await;
        assert_eq!(*found.unwrap(), ["a", "gone"]);
    }

    #[tokio::test]
    async fn a_full_batch_takes_nobody_in() {
        let (batch, calls) = (Batch::of_at_most(MAX), Arc::new(AtomicUsize::new(0)));
        let many: Vec<String> = (0..MAX).map(|number| number.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let ask =
            async |names: &[&str]| batch.ask(names, |names| echo(names, Arc::clone(&calls))).await;
        let (first, second) = tokio::join!(ask(&many), ask(&["one more"]));
        assert_eq!(first.unwrap().len(), MAX);
        assert_eq!(*second.unwrap(), ["one more"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_fresh_answer_is_reused_once_and_an_old_one_is_not() {
        let (batch, calls) = (Batch::of_at_most(MAX), Arc::new(AtomicUsize::new(0)));
        let ask = async |name: &'static str| {
            batch.ask_and_keep(&[name], |names| echo(names, Arc::clone(&calls))).await
        };
        assert_eq!(batch.take_fresh(&["a"]), None);
        let (first, second) = tokio::join!(ask("a"), ask("b"));
        assert!(first.is_ok() && second.is_ok());
        assert_eq!(batch.take_fresh(&["a", "c"]), None);
        assert_eq!(*batch.take_fresh(&["b", "a"]).unwrap(), ["a", "b"]);
        assert_eq!(batch.take_fresh(&["a"]), None);
        assert!(ask("a").await.is_ok());
        tokio::time::advance(JUST_NOW).await;
        assert_eq!(batch.take_fresh(&["a"]), None);
    }

    #[tokio::test]
    async fn all_hear_of_a_failure_and_the_next_call_is_a_new_one() {
        let batch = Batch::<String>::of_at_most(MAX);
        let failing = |names: Names| async move {
            names.close().await;
            Err(ActionError::throttled("slower"))
        };
        let (first, second) = tokio::join!(batch.ask(&["a"], failing), batch.ask(&["b"], failing));
        assert!(first.is_err() && second.is_err());
        let calls = Arc::new(AtomicUsize::new(0));
        assert!(batch.ask(&["a"], |names| echo(names, calls)).await.is_ok());
    }
}
