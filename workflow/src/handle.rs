//! Typed references from one action's input to another's output.

use std::fmt;
use std::marker::PhantomData;

use lab1_flow_journal::ActionName;

use crate::Payload;
use crate::definition::Outputs;

/// Stands for the output of an action that was declared before.
///
/// A handle exists only after its action was declared, and carries the type of its output: to use an output
/// before it exists, or as something else, does not compile.
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
    pub(crate) index: usize,
    kind: PhantomData<fn() -> T>,
}

impl<T> Handle<T> {
    pub(crate) fn new(index: usize) -> Self {
        Self { index, kind: PhantomData }
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
        write!(f, "Handle({})", self.index)
    }
}

/// An output that does not read as the type of its handle.
#[derive(Debug, thiserror::Error)]
#[error("the stored output of {action} does not read as {wanted}")]
pub struct OutputMismatch {
    pub(crate) action: ActionName,
    pub(crate) wanted: &'static str,
    #[source]
    pub(crate) source: serde_json::Error,
}

/// What an action builds its input from: a handle, a tuple of handles, or either of them in an `Option`.
pub trait Needs: Send + Sync + 'static {
    /// The outputs behind the handles.
    type Outputs;

    /// The places of the actions behind the handles.
    fn indices(&self) -> Vec<usize>;

    /// Reads the outputs.
    ///
    /// # Errors
    /// [`OutputMismatch`] when a stored output does not have the type of its handle.
    fn read(&self, outputs: &Outputs<'_>) -> Result<Self::Outputs, OutputMismatch>;
}

impl Needs for () {
    type Outputs = ();

    fn indices(&self) -> Vec<usize> {
        Vec::new()
    }

    fn read(&self, _outputs: &Outputs<'_>) -> Result<(), OutputMismatch> {
        Ok(())
    }
}

impl<T: Payload> Needs for Handle<T> {
    type Outputs = T;

    fn indices(&self) -> Vec<usize> {
        vec![self.index]
    }

    fn read(&self, outputs: &Outputs<'_>) -> Result<T, OutputMismatch> {
        outputs.get(*self)
    }
}

/// What only some runs need.
impl<N: Needs> Needs for Option<N> {
    type Outputs = Option<N::Outputs>;

    fn indices(&self) -> Vec<usize> {
        self.as_ref().map(N::indices).unwrap_or_default()
    }

    fn read(&self, outputs: &Outputs<'_>) -> Result<Self::Outputs, OutputMismatch> {
        self.as_ref().map(|needs| needs.read(outputs)).transpose()
    }
}

macro_rules! tuple_needs {
    ($($part:ident $place:tt),+) => {
        impl<$($part: Needs),+> Needs for ($($part,)+) {
            type Outputs = ($($part::Outputs,)+);

            fn indices(&self) -> Vec<usize> {
                let mut indices = Vec::new();
                $(indices.extend(self.$place.indices());)+
                indices
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
        let (first, second) = (Handle::<String>::new(3), Handle::<u64>::new(5));
        assert_eq!(Some(first).indices(), [3]);
        assert!(None::<Handle<String>>.indices().is_empty());
        assert_eq!((Some(first), second, ()).indices(), [3, 5]);
        assert_eq!((None::<Handle<String>>, second).indices(), [5]);
    }
}
