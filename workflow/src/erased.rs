//! The crate's own twin of the action traits: JSON in, JSON out, boxed futures.
//!
//! Authors write plain `async fn` on their own types; the engine works with one trait object.

use std::fmt::{self, Debug};
use std::pin::Pin;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    Action, ActionContext, ActionError, Compensate, Consistency, Lane, Limits, Look, Payload,
    Progress, Reconciled,
};

pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
type Answer<'a, T> = BoxFuture<'a, Result<T, ActionError>>;

/// An action whose types are forgotten.
pub(crate) trait ErasedAction: Debug + Send + Sync {
    fn execute<'a>(
        &'a self,
        cx: &'a ActionContext,
        input: &'a Value,
    ) -> Answer<'a, Progress<Value>>;

    fn reconcile<'a>(
        &'a self,
        cx: &'a ActionContext,
        input: &'a Value,
    ) -> Answer<'a, Reconciled<Value>>;

    fn compensate<'a>(
        &'a self,
        cx: &'a ActionContext,
        input: &'a Value,
        output: &'a Value,
    ) -> Answer<'a, Progress<()>>;

    fn limits(&self) -> Limits;

    fn lane(&self) -> Option<Lane>;

    fn consistency(&self) -> Consistency;
}

/// A change, with what takes it back when it is taken back by itself.
pub(crate) struct Change<A> {
    action: A,
    compensate: Option<CompensateFn<A>>,
}

type CompensateFn<A> =
    for<'a> fn(&'a A, &'a ActionContext, &'a Value, &'a Value) -> Answer<'a, Progress<()>>;

impl<A: Compensate> Change<A> {
    /// A change that is compensated by itself.
    pub(crate) fn undoable(action: A) -> Self {
        Self { action, compensate: Some(compensate) }
    }
}

impl<A: Action> Change<A> {
    /// A change of a part of something else.
    pub(crate) fn part(action: A) -> Self {
        Self { action, compensate: None }
    }
}

impl<A: Debug> Debug for Change<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.action.fmt(f)
    }
}

/// A look.
#[derive(Debug)]
pub(crate) struct Looking<L>(pub(crate) L);

impl<A: Action> ErasedAction for Change<A> {
    fn execute<'a>(
        &'a self,
        cx: &'a ActionContext,
        input: &'a Value,
    ) -> Answer<'a, Progress<Value>> {
        Box::pin(execute(&self.action, cx, input))
    }

    fn reconcile<'a>(
        &'a self,
        cx: &'a ActionContext,
        input: &'a Value,
    ) -> Answer<'a, Reconciled<Value>> {
        Box::pin(reconcile(&self.action, cx, input))
    }

    fn compensate<'a>(
        &'a self,
        cx: &'a ActionContext,
        input: &'a Value,
        output: &'a Value,
    ) -> Answer<'a, Progress<()>> {
        match self.compensate {
            Some(compensate) => compensate(&self.action, cx, input, output),
            None => Box::pin(async {
                Err(ActionError::permanent("a part goes with its whole, and not by itself"))
            }),
        }
    }

    fn limits(&self) -> Limits {
        self.action.limits()
    }

    fn lane(&self) -> Option<Lane> {
        self.action.lane()
    }

    fn consistency(&self) -> Consistency {
        self.action.consistency()
    }
}

impl<L: Look> ErasedAction for Looking<L> {
    fn execute<'a>(
        &'a self,
        cx: &'a ActionContext,
        input: &'a Value,
    ) -> Answer<'a, Progress<Value>> {
        Box::pin(async move {
            match self.0.look(cx, &read(input)?).await? {
                Progress::Done(output) => Ok(Progress::Done(store(&output)?)),
                Progress::Waiting(wait) => Ok(Progress::Waiting(wait)),
            }
        })
    }

    fn reconcile<'a>(
        &'a self,
        _cx: &'a ActionContext,
        _input: &'a Value,
    ) -> Answer<'a, Reconciled<Value>> {
        Box::pin(async { Ok(Reconciled::Absent) })
    }

    fn compensate<'a>(
        &'a self,
        _cx: &'a ActionContext,
        _input: &'a Value,
        _output: &'a Value,
    ) -> Answer<'a, Progress<()>> {
        Box::pin(async { Ok(Progress::Done(())) })
    }

    fn limits(&self) -> Limits {
        self.0.limits()
    }

    fn lane(&self) -> Option<Lane> {
        None
    }

    fn consistency(&self) -> Consistency {
        Consistency::Usual
    }
}

async fn execute<A: Action>(
    action: &A,
    cx: &ActionContext,
    input: &Value,
) -> Result<Progress<Value>, ActionError> {
    let output = action.execute(cx, &read(input)?).await?;
    Ok(Progress::Done(store(&output)?))
}

async fn reconcile<A: Action>(
    action: &A,
    cx: &ActionContext,
    input: &Value,
) -> Result<Reconciled<Value>, ActionError> {
    Ok(match action.reconcile(cx, &read(input)?).await? {
        Reconciled::Adopted(output) => Reconciled::Adopted(store(&output)?),
        Reconciled::Altered { output, difference } => {
            Reconciled::Altered { output: store(&output)?, difference }
        }
        Reconciled::Absent => Reconciled::Absent,
        Reconciled::Foreign { evidence, advice } => Reconciled::Foreign { evidence, advice },
        Reconciled::Unclear(wait) => Reconciled::Unclear(wait),
    })
}

fn compensate<'a, A: Compensate>(
    action: &'a A,
    cx: &'a ActionContext,
    input: &'a Value,
    output: &'a Value,
) -> Answer<'a, Progress<()>> {
    Box::pin(async move { action.compensate(cx, &read(input)?, &read(output)?).await })
}

/// Reads a stored input or output. It was written by the same version of the step, so a mismatch is a bug
/// in the step; nothing was sent because of it.
fn read<T: DeserializeOwned>(value: &Value) -> Result<T, ActionError> {
    T::deserialize(value)
        .map_err(|error| ActionError::permanent(format!("the stored value does not read: {error}")))
}

/// Stores an output. The change is made by then, so a failure leaves a doubt, not a clean failure.
fn store<T: Payload>(output: &T) -> Result<Value, ActionError> {
    serde_json::to_value(output)
        .map_err(|error| ActionError::ambiguous(format!("the output cannot be stored: {error}")))
}
