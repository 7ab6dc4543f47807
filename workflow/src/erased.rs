//! The crate's own twin of the action traits: JSON in, JSON out, boxed futures.
//!
//! Authors write plain `async fn` on their own types; the engine works with one trait object.

use std::any::{Any, type_name};
use std::fmt::{self, Debug};
use std::pin::Pin;
use std::sync::Arc;

use lab1_flow_journal::ActionName;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::EngineError;
use crate::storable::stored;

use crate::{
    Action, ActionContext, ActionError, Compensate, Consistency, Lane, Limits, Look, Payload,
    Progress, Reconciled,
};

pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
pub(crate) type Answer<'a, T> = BoxFuture<'a, Result<T, Trouble>>;

/// Why a call has no answer that can be written down.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// It failed.
    Failed(ActionError),
    /// What is stored does not read as the types of this program: nothing was sent.
    Unreadable(Unreadable),
    /// What it says is there cannot be stored.
    Unstorable(Unstorable),
}

#[cfg(feature = "testing")]
impl Trouble {
    /// The same for a person.
    pub(crate) fn into_error(self) -> ActionError {
        match self {
            Self::Failed(error) => error,
            Self::Unreadable(Unreadable { what, wanted, source }) => ActionError::permanent(
                format!("the stored {what} does not read as {wanted}: {source}"),
            ),
            Self::Unstorable(Unstorable { why, .. }) => {
                ActionError::permanent(format!("the output cannot be stored: {why}"))
            }
        }
    }
}

impl From<ActionError> for Trouble {
    fn from(error: ActionError) -> Self {
        Self::Failed(error)
    }
}

/// A stored value that does not read.
#[derive(Debug)]
pub(crate) struct Unreadable {
    what: &'static str,
    wanted: &'static str,
    source: serde_json::Error,
}

impl Unreadable {
    /// The error about a value of this action.
    pub(crate) fn of(self, action: &ActionName) -> EngineError {
        let Self { what, wanted, source } = self;
        EngineError::Stored { action: action.clone(), what, wanted, source }
    }
}

impl From<Unreadable> for Trouble {
    fn from(unreadable: Unreadable) -> Self {
        Self::Unreadable(unreadable)
    }
}

/// What is there, in a form that this process alone can use.
#[derive(Debug, Clone)]
pub(crate) struct Unstorable {
    pub(crate) why: String,
    pub(crate) output: Kept,
}

/// An output that is not stored: what takes the effect back gets it as it is.
pub(crate) type Kept = Arc<dyn Any + Send + Sync>;

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

    /// Takes back what is known by an output that is not stored.
    fn compensate_kept<'a>(
        &'a self,
        cx: &'a ActionContext,
        input: &'a Value,
        output: Kept,
    ) -> Answer<'a, Progress<()>>;

    /// Whether what is stored reads.
    fn reads(&self, input: Option<&Value>, output: Option<&Value>) -> Result<(), Unreadable>;

    fn limits(&self) -> Limits;

    fn lane(&self) -> Option<Lane>;

    fn consistency(&self) -> Consistency;
}

/// A change, with what takes it back when it is taken back by itself.
pub(crate) struct Change<A: Action> {
    action: A,
    compensate: Option<CompensateFn<A>>,
}

type CompensateFn<A> =
    for<'a> fn(&'a A, &'a ActionContext, &'a Value, Output<'a, A>) -> Answer<'a, Progress<()>>;

/// An output as it is stored, or as it is.
enum Output<'a, A: Action> {
    Stored(&'a Value),
    Kept(Arc<A::Output>),
}

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

impl<A: Action> Debug for Change<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.action.fmt(f)
    }
}

/// A look.
#[derive(Debug)]
pub(crate) struct Looking<L>(pub(crate) L);

impl<A: Action> Change<A> {
    fn undo<'a>(
        &'a self,
        cx: &'a ActionContext,
        input: &'a Value,
        output: Output<'a, A>,
    ) -> Answer<'a, Progress<()>> {
        match self.compensate {
            Some(compensate) => compensate(&self.action, cx, input, output),
            None => Box::pin(async {
                Err(ActionError::permanent("a part goes with its whole, and not by itself").into())
            }),
        }
    }
}

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
        self.undo(cx, input, Output::Stored(output))
    }

    fn compensate_kept<'a>(
        &'a self,
        cx: &'a ActionContext,
        input: &'a Value,
        output: Kept,
    ) -> Answer<'a, Progress<()>> {
        match output.downcast::<A::Output>() {
            Ok(output) => self.undo(cx, input, Output::Kept(output)),
            Err(_) => Box::pin(async {
                Err(ActionError::permanent("the output is of another action").into())
            }),
        }
    }

    fn reads(&self, input: Option<&Value>, output: Option<&Value>) -> Result<(), Unreadable> {
        both_read::<A::Input, A::Output>(input, output)
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
            match self.0.look(cx, &read_input(input)?).await? {
                // A look has made nothing that would have to be taken back.
                Progress::Done(output) => Ok(Progress::Done(stored(&output).map_err(|why| {
                    ActionError::permanent(format!("the output cannot be stored: {why}"))
                })?)),
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

    fn compensate_kept<'a>(
        &'a self,
        _cx: &'a ActionContext,
        _input: &'a Value,
        _output: Kept,
    ) -> Answer<'a, Progress<()>> {
        Box::pin(async { Ok(Progress::Done(())) })
    }

    fn reads(&self, input: Option<&Value>, output: Option<&Value>) -> Result<(), Unreadable> {
        both_read::<L::Input, L::Output>(input, output)
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
) -> Result<Progress<Value>, Trouble> {
    let output = action.execute(cx, &read_input(input)?).await?;
    Ok(Progress::Done(store(output)?))
}

async fn reconcile<A: Action>(
    action: &A,
    cx: &ActionContext,
    input: &Value,
) -> Result<Reconciled<Value>, Trouble> {
    Ok(match action.reconcile(cx, &read_input(input)?).await? {
        Reconciled::Adopted(output) => Reconciled::Adopted(store(output)?),
        Reconciled::Altered { output, difference } => {
            Reconciled::Altered { output: store(output)?, difference }
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
    output: Output<'a, A>,
) -> Answer<'a, Progress<()>> {
    Box::pin(async move {
        let input = read_input(input)?;
        let output = match output {
            Output::Stored(output) => Arc::new(read_output(output)?),
            Output::Kept(output) => output,
        };
        Ok(action.compensate(cx, &input, &output).await?)
    })
}

fn both_read<I: DeserializeOwned, O: DeserializeOwned>(
    input: Option<&Value>,
    output: Option<&Value>,
) -> Result<(), Unreadable> {
    input.map(read_input::<I>).transpose()?;
    output.map(read_output::<O>).transpose()?;
    Ok(())
}

fn read_input<T: DeserializeOwned>(value: &Value) -> Result<T, Unreadable> {
    read("input", value)
}

fn read_output<T: DeserializeOwned>(value: &Value) -> Result<T, Unreadable> {
    read("output", value)
}

fn read<T: DeserializeOwned>(what: &'static str, value: &Value) -> Result<T, Unreadable> {
    let unreadable = |source| Unreadable { what, wanted: type_name::<T>(), source };
    T::deserialize(value).map_err(unreadable)
}

/// Stores an output. The change is made by then: what cannot be stored is kept, so that it can be taken back.
fn store<T: Payload>(output: T) -> Result<Value, Trouble> {
    stored(&output).map_err(|why| {
        Trouble::Unstorable(Unstorable { why: why.to_string(), output: Arc::new(output) })
    })
}
