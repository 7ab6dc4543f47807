//! The look before anything is created.
//!
//! Everything that would stop the stack half-way is asked for first: at most 14 calls, all side by side.
//! What is wrong is reported all at once, and nothing has been created by then.

mod machines;
mod names;
mod place;
mod refusal;

use lab1_flow_workflow::{ActionContext, ActionError, Look, Progress};
use serde::{Deserialize, Serialize};

use machines::{MachinesAnswers, MachinesWanted};
use names::NamesAnswers;
use place::{PlaceAnswers, PlaceWanted};
pub use refusal::PREFLIGHT_REFUSED;

use crate::connection::Aws;
use crate::inventory::StackNames;
use crate::memory::{Known, Memory};
use crate::spec::StackSpec;
use refusal::Refusals;

/// Where the stack is built, as the preflight found it. Every later action takes it from there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// The account that the credentials belong to.
    pub account: String,
    /// The region.
    pub region: String,
    /// The VPC.
    pub vpc_id: String,
    /// The subnets, in the order of the groups.
    pub subnets: [SubnetRef; 2],
}

/// One subnet and its zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubnetRef {
    /// The zone that it lies in.
    pub zone: String,
    /// Its id.
    pub id: String,
}

/// All that must be found before the stack is begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PreflightInput {
    /// The account that it must be, if one is pinned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<String>,
    pub(crate) place: PlaceWanted,
    pub(crate) machines: MachinesWanted,
    pub(crate) names: StackNames,
}

impl PreflightInput {
    pub(crate) fn new(spec: &StackSpec, account: Option<String>) -> Self {
        Self {
            account,
            place: PlaceWanted::new(spec),
            machines: MachinesWanted::new(spec),
            names: StackNames::new(spec),
        }
    }
}

/// Looks whether the stack can be built, and where.
#[derive(Debug, Clone)]
pub(crate) struct PreflightLook {
    aws: Aws,
    memory: Memory<Answers>,
}

/// What was answered so far.
#[derive(Debug, Default)]
struct Answers {
    account: Known<String>,
    place: PlaceAnswers,
    machines: MachinesAnswers,
    names: NamesAnswers,
}

impl PreflightLook {
    pub(crate) fn new(aws: &Aws) -> Self {
        Self { aws: aws.clone(), memory: Memory::default() }
    }
}

impl Look for PreflightLook {
    type Input = PreflightInput;
    type Output = Network;

    async fn look(
        &self,
        context: &ActionContext,
        input: &PreflightInput,
    ) -> Result<Progress<Network>, ActionError> {
        let (aws, known) = (&self.aws, self.memory.of(context.run()));
        let (account, place, machines, names) = tokio::join!(
            known.account.or_ask(aws.account()),
            Box::pin(place::look(aws, &input.place, &known.place)),
            Box::pin(machines::look(aws, &input.place.zones, &input.machines, &known.machines)),
            Box::pin(names::look(aws, &input.names, &known.names)),
        );
        let mut refusals = Refusals::default();
        let account = refusals.settle(account)?;
        let found = refusals.settle(place)?;
        let machines = refusals.settle(machines)?;
        let names = refusals.settle(names)?;
        self.memory.forget(context.run());

        let place =
            found.and_then(|found| place::judge(&input.place, aws.region(), &found, &mut refusals));
        if let Some(found) = machines {
            machines::judge(
                &input.place.zones,
                &input.machines,
                aws.region(),
                &found,
                &mut refusals,
            );
        }
        let vpc_id = place.as_ref().map(|(vpc_id, _)| vpc_id.as_str());
        for thing in names.iter().flatten() {
            names::judge(thing, context.run(), vpc_id, &mut refusals);
        }
        if let (Some(account), Some(pinned)) = (&account, &input.account)
            && account != pinned
        {
            refusals.add(
                format!("the credentials belong to account {account}, and not to {pinned}"),
                "use the credentials or the profile of that account",
            );
        }
        match (refusals.into_error(), account, place) {
            (None, Some(account), Some((vpc_id, subnets))) => {
                let region = aws.region().to_owned();
                Ok(Progress::Done(Network { account, region, vpc_id, subnets }))
            }
            (Some(error), _, _) => Err(error),
            // What is missing was refused above.
            (None, _, _) => Err(ActionError::permanent("the preflight came to no result")),
        }
    }
}

#[cfg(test)]
mod tests;
