//! Before the first step: the look whether the stack can be built, and where.

use lab1_flow_workflow::{Actions, Handle, Step};
use serde::{Deserialize, Serialize};

use crate::connection::Aws;
use crate::inventory::StackNames;
use crate::preflight::{Network, PreflightInput, PreflightLook};
use crate::spec::StackSpec;

/// The look before anything is created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct PreflightStep {
    input: PreflightInput,
}

impl PreflightStep {
    pub(crate) fn new(spec: &StackSpec, account: Option<String>) -> Self {
        Self { input: PreflightInput::new(spec, account) }
    }

    /// The zones of the first and the second group.
    pub(crate) fn zones(&self) -> &[String; 2] {
        &self.input.place.zones
    }

    /// Whether another one looks at the same account and place, and for the same names.
    pub(crate) fn looks_where(&self, other: &Self) -> bool {
        let (one, other) = (&self.input, &other.input);
        one.account == other.account && one.place.is_where(&other.place) && one.names == other.names
    }

    /// All that must be found before the stack is begun.
    pub(crate) fn input(&self) -> &PreflightInput {
        &self.input
    }

    /// How many instances may run in the account at once, where somebody said so.
    pub(crate) fn account_max(&self) -> Option<u32> {
        self.input.machines.account_max
    }

    /// The names that the stack takes.
    pub(crate) fn names(&self) -> &StackNames {
        &self.input.names
    }
}

impl Step for PreflightStep {
    const NAME: &'static str = "preflight";
    const VERSION: u32 = 1;
    type Needs = Aws;
    type Offers = Handle<Network>;

    fn title(&self) -> String {
        let [first, second] = &self.input.place.zones;
        format!("Preflight: {first} and {second}")
    }

    fn define(&self, aws: Aws, actions: &mut Actions<'_>) -> Handle<Network> {
        let input = self.input.clone();
        actions.look(
            "preflight",
            "account, network, image, key pair, instance types, names",
            PreflightLook::new(&aws),
            (),
            move |()| input.clone(),
        )
    }
}
