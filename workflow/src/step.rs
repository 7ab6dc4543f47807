//! Documented steps: data that is stored, and that becomes actions.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::definition::Actions;

/// One documented step: what people see, and what `status` lists.
///
/// A step is data. It is stored in the run's header with its name, its version and its configuration, so
/// that a later process builds the same actions from it and needs no configuration file.
pub trait Step: Debug + Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The step's name, unique in its workflow.
    const NAME: &'static str;
    /// The version of the step's code. Raise it when stored runs must not be continued by the new code.
    const VERSION: u32;
    /// The handles of earlier steps that this one builds on.
    type Needs;
    /// The handles that later steps may build on.
    type Offers;

    /// One line for people.
    fn title(&self) -> String;

    /// Declares the actions of the step.
    fn define(&self, needs: Self::Needs, actions: &mut Actions<'_>) -> Self::Offers;
}
