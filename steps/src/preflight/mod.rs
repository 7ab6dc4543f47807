//! The look before anything is created.
//!
//! Everything that would stop the stack half-way is asked for first: at most 14 calls, all side by side.
//! What is wrong is reported all at once, and nothing has been created by then.

mod checks;
mod diagnosis;
mod examination;
mod machines;
mod names;
mod place;
mod quotas;

use lab1_flow_workflow::journal::RunId;
use lab1_flow_workflow::{ActionContext, ActionError, Look, Progress};
use serde::{Deserialize, Serialize};

pub(crate) use checks::Checks;
pub use checks::{Check, PREFLIGHT_REFUSED, Verdict};
pub use examination::{Examination, Standing};
pub use machines::RootVolume;
use machines::{MachinesAnswers, MachinesFound, MachinesWanted};
use names::{NamesAnswers, NamesFound};
use place::{PlaceAnswers, PlaceFound, PlaceWanted};

use crate::connection::{Aws, Identity};
use crate::inventory::{StackNames, Thing};
use crate::memory::{Known, Memory};
use crate::spec::StackSpec;

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

/// What was answered so far.
#[derive(Debug, Default)]
struct Answers {
    identity: Known<Identity>,
    place: PlaceAnswers,
    machines: MachinesAnswers,
    names: NamesAnswers,
}

/// What was found, each answer by itself: one that failed hides no other.
#[derive(Debug)]
struct Survey {
    identity: Result<Identity, ActionError>,
    place: PlaceFound,
    machines: MachinesFound,
    names: NamesFound,
}

impl Survey {
    /// Asks everything that is not known, side by side.
    async fn take(aws: &Aws, input: &PreflightInput, known: &Answers) -> Self {
        let (identity, place, machines, names) = tokio::join!(
            known.identity.or_ask(aws.identity()),
            Box::pin(place::look(aws, &input.place, &known.place)),
            Box::pin(machines::look(aws, &input.place.zones, &input.machines, &known.machines)),
            Box::pin(names::look(aws, &input.names, &known.names)),
        );
        Self { identity, place, machines, names }
    }

    /// Judges all of it for a run: where it would be built, and what stands under its names.
    fn judge(
        self,
        region: &str,
        input: &PreflightInput,
        run: &RunId,
        checks: &mut Checks,
    ) -> (Option<Network>, Vec<Thing>) {
        let identity = checks.settle("account", self.identity);
        if let Some(identity) = &identity {
            judge_account(identity, input.account.as_deref(), checks);
        }
        let account = identity.map(|identity| identity.account);
        let place = place::judge(&input.place, region, self.place, checks);
        machines::judge(&input.place.zones, &input.machines, region, self.machines, checks);
        let vpc_id = place.as_ref().map(|(vpc_id, _)| vpc_id.as_str());
        let standing = names::judge(self.names, run, vpc_id, checks);
        let network = account.zip(place).map(|(account, (vpc_id, subnets))| Network {
            account,
            region: region.to_owned(),
            vpc_id,
            subnets,
        });
        (network, standing)
    }
}

fn judge_account(Identity { account, arn }: &Identity, pinned: Option<&str>, checks: &mut Checks) {
    match pinned {
        Some(pinned) if pinned != account.as_str() => checks.problem(
            "account",
            format!("the credentials belong to account {account}, and not to {pinned}"),
            "use the credentials or the profile of that account",
        ),
        _ => {
            let who = arn.as_ref().map_or_else(String::new, |arn| format!(" as {arn}"));
            checks.ok("account", format!("{account}{who}"));
        }
    }
}

/// Looks whether the stack can be built, and where.
#[derive(Debug, Clone)]
pub(crate) struct PreflightLook {
    aws: Aws,
    memory: Memory<Answers>,
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
        let known = self.memory.of(context.run());
        let survey = Survey::take(&self.aws, input, &known).await;
        let mut checks = Checks::default();
        let (network, _) = survey.judge(self.aws.region(), input, context.run(), &mut checks);
        if let Some(interruption) = checks.interruption() {
            return Err(interruption.clone());
        }
        self.memory.forget(context.run());
        if let Some(refusal) = checks.into_refusal() {
            return Err(refusal);
        }
        // What is missing was refused above.
        let missing = || ActionError::permanent("the preflight came to no result");
        Ok(Progress::Done(network.ok_or_else(missing)?))
    }
}

#[cfg(test)]
mod tests;
