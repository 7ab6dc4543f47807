//! Typed references from one action's input to another's output.

use std::fmt;
use std::marker::PhantomData;

use lab1_flow_journal::ActionName;

use crate::Payload;
use crate::definition::Outputs;

/// Stands for the output of an action that was declared before.
///
/// A handle exists only after its action was declared, and carries the type of its output: to use an output
/// before it exists, or as something else, does not compile. It is good for the builder that gave it: with a handle of
/// another one [`build`](crate::WorkflowBuilder::build) refuses the workflow.
///
/// ```
/// # use lab1_flow_workflow::{Actions, Handle, Step, Workflow};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Debug, Clone, Serialize, Deserialize)] struct Name;
/// # impl Step for Name {
/// #     const NAME: &'static str = "name";
/// #     const VERSION: u32 = 1;
/// #     type Needs = Handle<String>;
/// #     type Offers = ();
/// #     fn title(&self) -> String { String::new() }
/// #     fn define(&self, _: Handle<String>, _: &mut Actions<'_>) {}
/// # }
/// fn wire(builder: &mut lab1_flow_workflow::WorkflowBuilder, text: Handle<String>) {
///     builder.step(&Name, text); // `Name` needs a handle of a text
/// }
/// ```
///
/// The same with another type is refused:
///
/// ```compile_fail,E0308
/// # use lab1_flow_workflow::{Actions, Handle, Step, Workflow};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Debug, Clone, Serialize, Deserialize)] struct Name;
/// # impl Step for Name {
/// #     const NAME: &'static str = "name";
/// #     const VERSION: u32 = 1;
/// #     type Needs = Handle<String>;
/// #     type Offers = ();
/// #     fn title(&self) -> String { String::new() }
/// #     fn define(&self, _: Handle<String>, _: &mut Actions<'_>) {}
/// # }
/// fn wire(builder: &mut lab1_flow_workflow::WorkflowBuilder, number: Handle<u64>) {
///     builder.step(&Name, number);
/// }
/// ```
pub struct Handle<T> {
    source: Source,
    kind: PhantomData<fn() -> T>,
}

/// Which action a handle is of: its builder, and its place there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    pub(crate) builder: u64,
    pub(crate) index: usize,
}

impl<T> Handle<T> {
    pub(crate) fn new(source: Source) -> Self {
        Self { source, kind: PhantomData }
    }

    /// Which action the handle is of.
    pub fn source(&self) -> Source {
        self.source
    }
}

impl<T> Clone for Handle<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Handle<T> {}

impl<T> fmt::Debug for Handle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({})", self.source.index)
    }
}

/// Why there is no output behind a handle.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutputMismatch {
    /// It is stored, and does not read as the type of its handle.
    #[error("the stored output of {action} does not read as {wanted}")]
    Unreadable {
        /// The action.
        action: ActionName,
        /// The type of the handle.
        wanted: &'static str,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// Nothing is there: the action is not completed, or was taken back.
    #[error("{action} has no output: it is not completed, or was taken back")]
    Missing {
        /// The action.
        action: ActionName,
    },
    /// The handle is of another workflow.
    #[error("the handle is of another workflow: a handle is good for the builder that gave it")]
    Foreign,
}

/// What an action builds its input from: a handle, a tuple of handles, or either of them in an `Option`.
pub trait Needs: Send + Sync + 'static {
    /// The outputs behind the handles.
    type Outputs;

    /// The actions behind the handles.
    fn sources(&self) -> Vec<Source>;

    /// Reads the outputs.
    ///
    /// # Errors
    /// [`OutputMismatch`] when an output is not there, or does not have the type of its handle.
    fn read(&self, outputs: &Outputs<'_>) -> Result<Self::Outputs, OutputMismatch>;
}

impl Needs for () {
    type Outputs = ();

    fn sources(&self) -> Vec<Source> {
        Vec::new()
    }

    fn read(&self, _outputs: &Outputs<'_>) -> Result<(), OutputMismatch> {
        Ok(())
    }
}

impl<T: Payload> Needs for Handle<T> {
    type Outputs = T;

    fn sources(&self) -> Vec<Source> {
        vec![self.source]
    }

    fn read(&self, outputs: &Outputs<'_>) -> Result<T, OutputMismatch> {
        outputs.get(*self)
    }
}

/// What only some runs need.
impl<N: Needs> Needs for Option<N> {
    type Outputs = Option<N::Outputs>;

    fn sources(&self) -> Vec<Source> {
        self.as_ref().map(N::sources).unwrap_or_default()
    }

    fn read(&self, outputs: &Outputs<'_>) -> Result<Self::Outputs, OutputMismatch> {
        self.as_ref().map(|needs| needs.read(outputs)).transpose()
    }
}

macro_rules! tuple_needs {
    ($($part:ident $place:tt),+) => {
        impl<$($part: Needs),+> Needs for ($($part,)+) {
            type Outputs = ($($part::Outputs,)+);

            fn sources(&self) -> Vec<Source> {
                let mut sources = Vec::new();
                $(sources.extend(self.$place.sources());)+
                sources
            }

            fn read(&self, outputs: &Outputs<'_>) -> Result<Self::Outputs, OutputMismatch> {
                Ok(($(self.$place.read(outputs)?,)+))
            }
        }
    };
}

tuple_needs!(A 0);
tuple_needs!(A 0, B 1);
tuple_needs!(A 0, B 1, C 2);
tuple_needs!(A 0, B 1, C 2, D 3);
tuple_needs!(A 0, B 1, C 2, D 3, E 4);
tuple_needs!(A 0, B 1, C 2, D 3, E 4, F 5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_some_runs_need_is_waited_for_where_it_is_needed() {
        let source = |index| Source { builder: 1, index };
        let (first, second) = (Handle::<String>::new(source(3)), Handle::<u64>::new(source(5)));
        assert_eq!(Some(first).sources(), [source(3)]);
        assert!(None::<Handle<String>>.sources().is_empty());
        assert_eq!((Some(first), second, ()).sources(), [source(3), source(5)]);
        assert_eq!((None::<Handle<String>>, second).sources(), [source(5)]);
    }
}
