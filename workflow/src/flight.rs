//! One call to an action, under way: what is sent, and what lands.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use lab1_flow_journal::{ActionName, RunId};
use serde_json::Value;

use crate::clock::Clock;
use crate::definition::Workflow;
use crate::erased::{BoxFuture, ErasedAction, Kept, Trouble, Unreadable, Unstorable};
use crate::moment::{SWEEP, Work};
use crate::panics::{said, unwound};
use crate::sweep::{ErasedSweep, Leftover};
use crate::{ActionContext, ActionError, Consistency, Limits, Progress, Reconciled};

/// What a call came back with.
#[derive(Debug)]
pub(crate) struct Landed {
    pub(crate) place: usize,
    /// When it was sent, by the elapsed time: what it says was true then, however late it is heard.
    pub(crate) sent: Duration,
    pub(crate) outcome: Outcome,
}

#[derive(Debug)]
pub(crate) enum Outcome {
    Attempt(Result<Progress<Value>, ActionError>),
    Look(Result<Progress<Value>, ActionError>),
    Reconcile(Result<Reconciled<Value>, ActionError>),
    Compensate(Result<Progress<()>, ActionError>),
    /// Taking back what is known by an output that cannot be stored.
    Undo(Result<Progress<()>, ActionError>),
    Sweep(Result<Findings, ActionError>),
    /// An attempt to change something has panicked: it may have happened.
    Panicked(ActionError),
    /// What is stored does not read: nothing was sent.
    Unreadable(ActionName, Unreadable),
    /// What was made or found cannot be stored.
    Unstorable(Unstorable),
}

/// What a search by the run's mark found.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// Effects that earlier looks had missed: the action's place, and its output.
    pub(crate) late: Vec<(usize, Value)>,
    /// Those of them whose output cannot be stored.
    pub(crate) kept: Vec<(usize, Kept)>,
    /// What may be an effect of theirs, and is being deleted or cannot be told, one line each.
    pub(crate) unclear: Vec<String>,
    /// Everything that carries the run's mark.
    pub(crate) marked: Vec<Leftover>,
}

/// All that a call needs, owned, so that it can outlive the decision.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) place: usize,
    pub(crate) action: Arc<dyn ErasedAction>,
    pub(crate) context: ActionContext,
    pub(crate) input: Value,
    pub(crate) output: Value,
    /// The output as it is, where it cannot be stored.
    pub(crate) kept: Option<Kept>,
}

pub(crate) type Flight = BoxFuture<'static, Landed>;

/// Sends a call. No longer than `limit` is waited for its answer: a dropped change is in doubt.
pub(crate) fn send(work: Work, call: Call, limit: Duration, clock: &Arc<dyn Clock>) -> Flight {
    let (sent, alarm) = (clock.elapsed(), clock.sleep(limit));
    Box::pin(async move {
        let place = call.place;
        let outcome = match select(Box::pin(unwound(answer(work, call))), alarm).await {
            Either::Left((Ok(outcome), _)) => outcome,
            Either::Left((Err(panic), _)) => broken(work, &panic),
            Either::Right(((), _)) => no_answer(work, limit),
        };
        Landed { place, sent, outcome }
    })
}

fn answer(work: Work, call: Call) -> BoxFuture<'static, Outcome> {
    Box::pin(async move {
        let Call { action, context: cx, input, output, kept, .. } = call;
        match work {
            Work::Attempt => told(&cx, action.execute(&cx, &input).await, Outcome::Attempt),
            Work::Look => told(&cx, action.execute(&cx, &input).await, Outcome::Look),
            Work::Reconcile => match kept {
                Some(kept) => {
                    told(&cx, action.compensate_kept(&cx, &input, kept).await, Outcome::Undo)
                }
                None => told(&cx, action.reconcile(&cx, &input).await, Outcome::Reconcile),
            },
            Work::Compensate => {
                let answer = action.compensate(&cx, &input, &output).await;
                told(&cx, answer, Outcome::Compensate)
            }
            Work::Sweep => Outcome::Sweep(Ok(Findings::default())),
        }
    })
}

/// What an answer comes to that may be none.
fn told<T>(
    cx: &ActionContext,
    answer: Result<T, Trouble>,
    outcome: fn(Result<T, ActionError>) -> Outcome,
) -> Outcome {
    match answer {
        Ok(answer) => outcome(Ok(answer)),
        Err(Trouble::Failed(error)) => outcome(Err(error)),
        Err(Trouble::Unreadable(unreadable)) => Outcome::Unreadable(cx.action.clone(), unreadable),
        Err(Trouble::Unstorable(unstorable)) => Outcome::Unstorable(unstorable),
    }
}

/// What a panic comes to: a failure for good, and a doubt where something may have been changed.
fn broken(work: Work, panic: &str) -> Outcome {
    let error = ActionError::permanent(said(panic));
    match work {
        Work::Attempt => Outcome::Panicked(error),
        Work::Look => Outcome::Look(Err(error)),
        Work::Reconcile => Outcome::Reconcile(Err(error)),
        Work::Compensate => Outcome::Compensate(Err(error)),
        Work::Sweep => Outcome::Sweep(Err(error)),
    }
}

fn no_answer(work: Work, limit: Duration) -> Outcome {
    let message = format!("no answer within {} s", limit.as_secs());
    match work {
        Work::Attempt => Outcome::Attempt(Err(ActionError::ambiguous(message))),
        Work::Look => Outcome::Look(Err(ActionError::transient(message))),
        Work::Reconcile => Outcome::Reconcile(Err(ActionError::transient(message))),
        Work::Compensate => Outcome::Compensate(Err(ActionError::transient(message))),
        Work::Sweep => Outcome::Sweep(Err(ActionError::transient(message))),
    }
}

impl Workflow {
    /// How long the effect of an action may stay invisible; `None` when the workflow has no such action.
    pub fn consistency(&self, action: &ActionName) -> Option<Consistency> {
        self.place(action).map(|place| self.nodes[place].action.consistency())
    }

    /// The longest time that one attempt of an action may take: a stop waits no longer for the calls in flight.
    pub fn attempt_max(&self) -> Duration {
        let longest = self.nodes.iter().map(|node| node.action.limits().attempt_max).max();
        longest.unwrap_or_default()
    }
}

/// Searches for what the run has made: first once more for every change that was believed absent, then by mark.
pub(crate) fn sweep(
    workflow: &Workflow,
    run: &RunId,
    absent: Vec<Call>,
    clock: &Arc<dyn Clock>,
) -> Flight {
    // Every look has the time of one attempt, and so has the search by mark.
    let searches = u32::try_from(absent.len()).unwrap_or(u32::MAX).saturating_add(1);
    let limit = Limits::default().attempt_max.saturating_mul(searches);
    let (sent, alarm) = (clock.elapsed(), clock.sleep(limit));
    let marked = workflow.sweep.clone();
    let run = run.clone();
    Box::pin(async move {
        let search = Box::pin(unwound(find_leftovers(marked, &run, absent)));
        let outcome = match select(search, alarm).await {
            Either::Left((Ok(outcome), _)) => outcome,
            Either::Left((Err(panic), _)) => broken(Work::Sweep, &panic),
            Either::Right(((), _)) => no_answer(Work::Sweep, limit),
        };
        Landed { place: SWEEP, sent, outcome }
    })
}

async fn find_leftovers(
    marked: Option<Arc<dyn ErasedSweep>>,
    run: &RunId,
    absent: Vec<Call>,
) -> Outcome {
    let mut findings = Findings::default();
    for call in absent {
        let found = match call.action.reconcile(&call.context, &call.input).await {
            Ok(found) => found,
            Err(Trouble::Failed(error)) => return Outcome::Sweep(Err(error)),
            Err(Trouble::Unreadable(why)) => return Outcome::Unreadable(call.context.action, why),
            Err(Trouble::Unstorable(found)) => {
                findings.kept.push((call.place, found.output));
                continue;
            }
        };
        match found {
            Reconciled::Adopted(output) | Reconciled::Altered { output, .. } => {
                findings.late.push((call.place, output));
            }
            // What a stranger made in the meantime is not ours to look at.
            Reconciled::Absent | Reconciled::Foreign { .. } => {}
            Reconciled::Unclear(wait) => findings.unclear.push(wait.reason),
        }
    }
    if findings.late.is_empty()
        && findings.kept.is_empty()
        && let Some(marked) = marked
    {
        match marked.sweep(run).await {
            Ok(marked) => findings.marked = marked,
            Err(error) => return Outcome::Sweep(Err(error)),
        }
    }
    Outcome::Sweep(Ok(findings))
}
