//! The preflight's questions, asked by themselves: for a plan, and for somebody who wonders what is wrong.

use lab1_flow_workflow::journal::{Failure, RunId};
use lab1_flow_workflow::{ActionContext, ActionError, Look, Profile, Progress};
use serde::{Deserialize, Serialize};

use super::checks::{Check, Checks, Verdict};
use super::machines::RootVolume;
use super::names::holder_of;
use super::{Answers, Network, PreflightInput, Survey};
use crate::alone::look_alone;
use crate::connection::Aws;
use crate::inventory::Thing;
use crate::memory::Memory;
use crate::ownership::owner_of;
use crate::stack::Stack;

/// What was found about a stack that is not built yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Examination {
    /// Each question with its answer.
    pub checks: Vec<Check>,
    /// Where the stack would be built; nothing when that could not be told.
    pub network: Option<Network>,
    /// What stands under the names of the stack already.
    pub standing: Vec<Standing>,
    /// The volume of each instance, as far as the image says.
    pub volume: Option<RootVolume>,
}

/// Something that stands under a name of the stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Its kind, for people.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its id or ARN.
    pub id: String,
    /// Whose it is, for people.
    pub owner: String,
    /// The run whose mark it carries; nothing when it is foreign.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
}

impl Examination {
    /// Whether a run would be refused.
    pub fn refuses(&self) -> bool {
        self.checks.iter().any(|check| check.verdict == Verdict::Problem)
    }

    pub(super) fn of(
        survey: Survey,
        region: &str,
        input: &PreflightInput,
        run: &RunId,
        checks: &mut Checks,
    ) -> Self {
        let volume = survey.machines.root_volume();
        let (network, standing) = survey.judge(region, input, run, checks);
        let standing = standing.iter().map(Standing::of).collect();
        Self { checks: Vec::new(), network, standing, volume }
    }
}

impl Standing {
    fn of(thing: &Thing) -> Self {
        Self {
            kind: thing.kind.to_owned(),
            name: thing.name.clone(),
            id: thing.detail.clone(),
            owner: owner_of(thing.tags()),
            run_id: holder_of(thing).map(str::to_owned),
        }
    }
}

impl Stack {
    /// Asks all that the preflight of a run would ask, and judges it in the same way.
    ///
    /// # Errors
    /// The failure for which a run would have suspended.
    pub async fn examine(&self, aws: &Aws, profile: &Profile) -> Result<Examination, Failure> {
        let look = ExaminationLook { aws: aws.clone(), memory: Memory::default() };
        look_alone(look, self.preflight_input().clone(), profile).await
    }
}

/// The preflight's look, told whole instead of refusing.
#[derive(Debug, Clone)]
struct ExaminationLook {
    aws: Aws,
    memory: Memory<Answers>,
}

impl Look for ExaminationLook {
    type Input = PreflightInput;
    type Output = Examination;

    async fn look(
        &self,
        context: &ActionContext,
        input: &PreflightInput,
    ) -> Result<Progress<Examination>, ActionError> {
        let known = self.memory.of(context.run());
        let survey = Survey::take(&self.aws, input, &known).await;
        let mut checks = Checks::default();
        let region = self.aws.region();
        let examination = Examination::of(survey, region, input, context.run(), &mut checks);
        if let Some(interruption) = checks.interruption() {
            return Err(interruption.clone());
        }
        self.memory.forget(context.run());
        Ok(Progress::Done(Examination { checks: checks.into_list(), ..examination }))
    }
}
