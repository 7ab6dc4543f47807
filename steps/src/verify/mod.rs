//! Is everything that a run made still there, and as it was made? And is nothing left that should be gone?
//!
//! All that a run made is looked at in one round of at most 13 reads, side by side: lists of ids instead of a
//! call for each. What is gone costs a few more, since some lists answer for none when one is missing. The
//! comparisons are those that decide whether a thing is adopted.
//!
//! An account shows what happened only after a while. So a look right after a record proves no difference, whether the
//! process that wrote it lives or has died; and what the records themselves do not know is told as a doubt.

mod ages;
mod doubts;
mod instances;
mod judge;
mod records;
mod serving;
mod sight;
mod strangers;

use std::sync::Arc;
use std::time::Duration;

use lab1_flow_workflow::journal::{Failure, RunState, Timestamp};
use lab1_flow_workflow::{ActionContext, ActionError, Limits, Look, Profile, Progress};
use serde::{Deserialize, Serialize};

pub use serving::{InstanceAnswers, PathAnswers, Serving};

use crate::adoption::Difference;
use crate::alone::{look_alone, unbuilt};
use crate::connection::Aws;
use crate::memory::Memory;
use crate::stack::Stack;
use crate::tags::is_not_found;
use ages::Ages;
use records::Records;
use sight::Answers;

/// How one thing stands that a run has made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// It is there, as it was made.
    Present,
    /// It is there, and something about it differs.
    Changed,
    /// It is not there.
    Gone,
    /// It carries the run's mark, and should be gone.
    Left,
    /// It is not seen, or not as it was made; and it was recorded so short a time ago that it may not be seen yet.
    NotVisibleYet,
    /// It is seen; and it was recorded as gone so short a time ago that it may be seen still.
    StillVisible,
    /// The run does not know whether the action took effect: `resume` and `rollback` find it out.
    InDoubt,
}

/// What was found of one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The action that made it.
    pub action: String,
    /// Its kind, for people.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its id or ARN.
    pub id: String,
    /// How it stands.
    pub condition: Condition,
    /// What differs, field by field.
    pub differences: Vec<Difference>,
    /// Of an action in doubt: what was seen of its effect, for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen: Vec<String>,
}

/// What was found of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// One for each thing, in the order of the documented steps.
    pub findings: Vec<Finding>,
    /// What is no difference, and good to know.
    pub notes: Vec<String>,
    /// What the balancer answered, where it was asked.
    pub serving: Option<Serving>,
    /// Whether the run is being taken back: then what still stands may go at any time.
    pub rolling_back: bool,
}

impl Finding {
    /// Whether the thing is not as the run's journal says.
    fn differs(&self, rolling_back: bool) -> bool {
        match self.condition {
            Condition::Present
            | Condition::NotVisibleYet
            | Condition::StillVisible
            | Condition::InDoubt => false,
            Condition::Changed | Condition::Gone => !rolling_back,
            Condition::Left => true,
        }
    }
}

impl Verification {
    /// Whether anything is not as the run's journal says.
    pub fn differs(&self) -> bool {
        self.findings.iter().any(|finding| finding.differs(self.rolling_back))
            || self.serving.as_ref().is_some_and(Serving::differs)
    }

    /// Whether all is known: nothing is in doubt, and nothing was recorded too short a time ago to be judged.
    pub fn is_settled(&self) -> bool {
        use Condition::{Changed, Gone, Left, Present};
        let mut findings = self.findings.iter();
        findings.all(|it| matches!(it.condition, Present | Changed | Gone | Left))
    }
}

/// How a run is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyOptions {
    /// Every instance is also visited through the balancer.
    pub http: bool,
    /// Another process works on the run: what its records do not name yet is under way, and not left.
    pub live: bool,
    /// The wall clock of this machine, read before anything is looked at: the age of the records is measured by it. One
    /// that was set forward since they were written makes them older than they are; one that was set back makes their
    /// age unknown, and then nothing is judged before it has passed them.
    pub now: Timestamp,
}

impl Stack {
    /// Compares what a run has made with what is there. It reads only.
    ///
    /// # Errors
    /// The failure for which a run would have failed or suspended; nothing is known then.
    pub async fn verify(
        &self,
        aws: &Aws,
        state: &RunState,
        profile: &Profile,
        options: VerifyOptions,
    ) -> Result<Verification, Failure> {
        let records = Records::read(self, state)?;
        let workflow = self.workflow(aws).map_err(|error| unbuilt(&error))?;
        let look = VerifyLook {
            aws: aws.clone(),
            records: Arc::new(records),
            ages: Arc::new(Ages::of(&workflow, state, profile, options.now)),
            memory: Memory::default(),
        };
        look_alone(look, options, profile).await
    }
}

/// Looks at all that a run has made.
#[derive(Debug, Clone)]
struct VerifyLook {
    aws: Aws,
    records: Arc<Records>,
    ages: Arc<Ages>,
    memory: Memory<Answers>,
}

impl Look for VerifyLook {
    type Input = VerifyOptions;
    type Output = Verification;

    async fn look(
        &self,
        context: &ActionContext,
        options: &VerifyOptions,
    ) -> Result<Progress<Verification>, ActionError> {
        let known = self.memory.of(context.run());
        let sight = sight::look(&self.aws, &self.records, &known).await;
        if !sight.as_ref().is_err_and(|error| !is_not_found(error)) {
            // Seen whole, or gone while it was looked at: the next look asks everything anew.
            self.memory.forget(context.run());
        }
        let sight = sight.map_err(|error| {
            if is_not_found(&error) {
                ActionError::transient(format!("it changes while it is looked at: {error}"))
            } else {
                error
            }
        })?;
        let mut verification = judge::judge(&self.records, &sight, &self.ages, *options);
        if options.http {
            let serving = serving::visit_all(&self.aws, &self.records, &sight).await?;
            verification.serving = serving;
        }
        Ok(Progress::Done(verification))
    }

    /// A person waits for the answer.
    fn limits(&self) -> Limits {
        Limits { unreachable_max: Duration::from_secs(15), ..Limits::default() }
    }
}
