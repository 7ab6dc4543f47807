//! Everything that is ever written: the header of a run and the entries that follow it.
//!
//! `Entry` is exhaustive on purpose: a new kind makes the compiler name every place that must think
//! about it. A change of these shapes is a change of the format (`docs/journal-format.md`).

mod about;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::{ActionName, RunId, Seq, StepName, Timestamp};

/// What a run was started with. All that a later process needs to go on with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunHeader {
    /// The run that this header opens.
    pub run: RunId,
    /// The name of the workflow, so that another program refuses a run that is not its own.
    pub workflow: String,
    /// When the run was created.
    pub created_at: Timestamp,
    /// Seeds the jitter of all delays, so that a run can be replayed.
    pub seed: u64,
    /// What a failure leads to; see [`OnFailure`].
    pub on_failure: OnFailure,
    /// The step after which the run pauses, if any.
    pub until: Option<StepName>,
    /// The steps as they were when the run started, in the order of display.
    pub steps: Vec<StoredStep>,
    /// The engine's time limits for this target.
    pub profile: Value,
    /// What the application needs besides its steps: the target, the owner. Never a secret.
    pub context: Value,
}

/// One step as stored in the header: data, from which a later process builds the step again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredStep {
    /// The step's name.
    pub name: StepName,
    /// The number under which people know the step; none for what is done before the first.
    pub number: Option<u32>,
    /// One line for people.
    pub title: String,
    /// The version of the step's code; a run is continued only by the same version.
    pub version: u32,
    /// The step's configuration.
    pub config: Value,
    /// The actions that the step is made of, in the order of display.
    pub actions: Vec<StoredAction>,
}

/// One action as stored in the header: enough to show it and to check what is written about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredAction {
    /// The action's name, unique in its run.
    pub name: ActionName,
    /// One line for people.
    pub title: String,
    /// What it does to the world.
    pub role: Role,
    /// The actions whose outputs it needs.
    pub needs: Vec<ActionName>,
}

impl StoredAction {
    /// Whether these are the same actions of a step, whatever people are told about them: a title may name a value
    /// of the configuration.
    pub fn are_same(one: &[Self], other: &[Self]) -> bool {
        let same = |(one, other): (&Self, &Self)| {
            (&one.name, &one.role, &one.needs) == (&other.name, &other.role, &other.needs)
        };
        one.len() == other.len() && one.iter().zip(other).all(same)
    }
}

/// What an action does to the world, and so what a rollback owes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Role {
    /// It changes something, and is compensated by itself.
    Change,
    /// It changes a part of what another action made, and goes when that goes.
    Part {
        /// The action whose effect holds this one's.
        of: ActionName,
    },
    /// It only looks or waits: there is nothing to take back, and no doubt to settle.
    Look,
}

/// What happens when an action failed for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// The run rests as failed; a person decides.
    Stop,
    /// The run turns around and compensates what it has done.
    Rollback,
}

/// One stored entry with its place and its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The place in the run.
    pub seq: Seq,
    /// When the batch with this entry was appended, by the wall clock of that process.
    pub at: Timestamp,
    /// What happened.
    pub entry: Entry,
}

impl Record {
    /// Gives the entries of a batch their places, from `first` on.
    pub fn number(first: Seq, at: Timestamp, entries: Vec<Entry>) -> Vec<Self> {
        let places = std::iter::successors(Some(first), |seq| Some(seq.next()));
        entries.into_iter().zip(places).map(|(entry, seq)| Self { seq, at, entry }).collect()
    }
}

/// A run as read back: its header and its records, complete and in order.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// The header.
    pub header: RunHeader,
    /// The records, numbered from [`Seq::FIRST`] without a gap.
    pub records: Vec<Record>,
}

/// What can happen in a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Entry {
    /// The intent: durable before the attempt is made.
    AttemptStarted {
        /// The action.
        action: ActionName,
        /// Counts from 1.
        attempt: u32,
        /// The full input, frozen with the first attempt; absent in later ones, which get the same.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        input: Option<Value>,
        /// The idempotency token, the same for every attempt.
        token: String,
    },
    /// An attempt failed, and the action is not given up.
    AttemptFailed {
        /// The action.
        action: ActionName,
        /// The attempt that failed.
        attempt: u32,
        /// What came back: of the attempt, or of a look for its effect.
        failure: Failure,
        /// Whether the attempt may have taken effect, so that it must be looked for before all else.
        in_doubt: bool,
        /// When to go on: look, when in doubt; else try again.
        retry: Retry,
    },
    /// An attempt in doubt was looked for and left no trace.
    AttemptAbsent {
        /// The action.
        action: ActionName,
        /// The attempt.
        attempt: u32,
    },
    /// A wait goes on: what was seen, and how much of its patience is used up.
    ActionWaiting {
        /// The action.
        action: ActionName,
        /// Why it waits, for people.
        reason: String,
        /// The time waited so far in this budget, in milliseconds.
        waited_ms: u64,
    },
    /// The action's effect is there, and is ours.
    ActionCompleted {
        /// The action.
        action: ActionName,
        /// All that later actions and the compensation may know.
        output: Value,
        /// Whether this attempt made it or a look found it.
        provenance: Provenance,
    },
    /// The action failed for good.
    ActionFailed {
        /// The action.
        action: ActionName,
        /// Why.
        failure: Failure,
    },
    /// The run turned around. From here on it only compensates.
    RollbackStarted {
        /// Why.
        cause: RollbackCause,
    },
    /// A rollback has found, by the run's mark, what this action made, and the records before this one knew of no such
    /// thing: they are behind the world. From here on an attempt was made and is open, whatever became of its record.
    FoundByMark {
        /// The action.
        action: ActionName,
    },
    /// The intent of a compensation: durable before its first call.
    CompensationStarted {
        /// The action that is taken back.
        action: ActionName,
    },
    /// A compensation waits: for something to disappear, or before it is tried again.
    CompensationWaiting {
        /// The action.
        action: ActionName,
        /// Why it waits, for people.
        reason: String,
        /// The time waited so far in this budget, in milliseconds.
        waited_ms: u64,
    },
    /// A compensation met an error and is tried again.
    CompensationFailed {
        /// The action.
        action: ActionName,
        /// What came back.
        failure: Failure,
        /// When to try again.
        retry: Retry,
    },
    /// The action's effect is proven gone.
    CompensationCompleted {
        /// The action.
        action: ActionName,
        /// The action whose disappearance took this one along, if it was not removed by itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        with: Option<ActionName>,
    },
    /// A compensation gave up: something of ours may be left.
    CompensationGaveUp {
        /// The action.
        action: ActionName,
        /// Why.
        failure: Failure,
    },
    /// A person decided to leave the action's effect where it is.
    CompensationSkipped {
        /// The action.
        action: ActionName,
        /// The person's reason.
        reason: String,
    },
    /// The configuration of steps that had not started was replaced.
    StepsChanged {
        /// The steps that changed, complete.
        steps: Vec<StoredStep>,
    },
    /// The run's steps are these from here on: some that had not started were added or removed, are made of other
    /// actions, or have another number.
    StepsReplaced {
        /// All steps, complete, in the order of display; those that have started are what they were, but for their numbers.
        steps: Vec<StoredStep>,
    },
    /// The run pauses after this step, wherever it was to pause before.
    PauseChanged {
        /// The step.
        until: StepName,
    },
    /// The run rests: no process works on it until a person asks.
    RunRested {
        /// How it rests.
        rest: Rest,
    },
    /// A person asked a resting run to go on.
    RunResumed {
        /// Whether attempts and patience start anew.
        new_budget: bool,
    },
    /// A process goes on with a run whose process had died in mid-run; between the record before and this one,
    /// some time was lost. Budgets and delays go on as they were.
    RunContinued,
}

/// Reads a value that is there, be it `null`: an input of nothing is still an input.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// When an action goes on after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// The moment by the wall clock.
    pub at: Timestamp,
    /// The delay that led to it: after a restart no more than this is waited, whatever the clock says.
    pub delay_ms: u64,
}

/// How the effect of an action came to be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Provenance {
    /// The attempt answered.
    Executed,
    /// The answer was lost; a look found the effect, with our mark and our content.
    Adopted,
}

/// How a run rests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Rest {
    /// Every action is completed.
    Completed,
    /// Every effect is proven gone.
    RolledBack,
    /// An action failed for good, and the policy was to stop.
    Failed,
    /// A rollback cannot go on by itself: something of ours is left.
    Stuck {
        /// What is left and why, one line each, for people.
        left: Vec<String>,
    },
    /// A person or a signal asked for it.
    Stopped,
    /// The step is complete that the run was to pause after.
    Paused,
    /// Patience is exhausted, or credentials or network are lost; nothing is wrong with the run itself.
    Suspended {
        /// What was met last.
        failure: Failure,
    },
}

/// Why a run turned around.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum RollbackCause {
    /// A person asked for it.
    Request,
    /// The policy of the run, because this action failed for good.
    Failure {
        /// The action that failed.
        action: ActionName,
    },
}

/// A stored error. Types are not stored: a later version must be able to read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What the failure says about the effect.
    pub class: FailureClass,
    /// The provider's code, as it stood on the wire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The provider's id of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// What was tried and what came back, for people.
    pub message: String,
    /// What a person can do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

/// What a failure says about the effect of the attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureClass {
    /// It surely did not happen: try again; counted in attempts.
    Transient,
    /// It surely did not happen, and we ask too often: try again; counted in time.
    Throttled,
    /// It may have happened: look, then decide.
    Ambiguous,
    /// It did not happen and will not.
    Permanent,
    /// It did not happen because something that cannot be seen, or is being deleted, holds the name: look, then
    /// try again; counted in time.
    Contended,
    /// The way to the provider is lost (credentials, network): nothing is said about the action.
    Unreachable,
}
