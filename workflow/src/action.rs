//! One remote change, or one look: the unit of intent, doubt and compensation.

use std::fmt::Debug;
use std::future::Future;
use std::time::Duration;

use lab1_flow_journal::{ActionName, RunId, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{ActionError, Lane, Limits};

/// What can be stored as an input or an output.
pub trait Payload: Debug + Serialize + DeserializeOwned + Send + Sync + 'static {}

impl<T: Debug + Serialize + DeserializeOwned + Send + Sync + 'static> Payload for T {}

/// One remote change that can be looked for.
///
/// No method sleeps or repeats a call: the engine does, so that waiting and retrying are part of the
/// record. The future of any method may be dropped at any await: the process may die there.
pub trait Action: Debug + Send + Sync + 'static {
    /// All that the change depends on; frozen in the journal before the first attempt.
    type Input: Payload;
    /// All that later actions and the compensation may know of what was made.
    type Output: Payload;

    /// Makes the change once.
    ///
    /// Called again only after [`reconcile`](Self::reconcile) said [`Reconciled::Absent`], or after a failure
    /// that surely had no effect. Dies here: the intent is stored, the next process reconciles.
    ///
    /// # Errors
    /// An error says whether the change may have happened; see [`ActionError`].
    fn execute(
        &self,
        context: &ActionContext,
        input: &Self::Input,
    ) -> impl Future<Output = Result<Self::Output, ActionError>> + Send;

    /// Looks, and changes nothing: did an earlier attempt of this run take effect?
    ///
    /// What is found is adopted only when it carries this run's mark and the content of `input`.
    ///
    /// # Errors
    /// Any error means that nothing is known; the look is repeated.
    fn reconcile(
        &self,
        context: &ActionContext,
        input: &Self::Input,
    ) -> impl Future<Output = Result<Reconciled<Self::Output>, ActionError>> + Send;

    /// How long the action may be tried and waited for.
    fn limits(&self) -> Limits {
        Limits::default()
    }

    /// The call that makes the change: while it would have to wait for its turn, no intent is written.
    fn lane(&self) -> Option<Lane> {
        None
    }

    /// How long the effect of an attempt may stay invisible to a look.
    fn consistency(&self) -> Consistency {
        Consistency::Usual
    }
}

/// An action that can be taken back by itself.
pub trait Compensate: Action {
    /// Takes the change back by one step at a time: looks, proves that the thing is ours, asks for its
    /// removal, and says [`Progress::Waiting`] until a look proves it gone.
    ///
    /// Called again and again until it says [`Progress::Done`]; already gone is done. When it says so without having
    /// said [`Progress::Waiting`] before, it has not seen the thing, and the engine looks for it until it could no
    /// longer be invisible. Dies here: the next process calls it again.
    ///
    /// # Errors
    /// A permanent error leaves the run stuck, with what is left and where.
    fn compensate(
        &self,
        context: &ActionContext,
        input: &Self::Input,
        output: &Self::Output,
    ) -> impl Future<Output = Result<Progress<()>, ActionError>> + Send;
}

/// Something that is only looked at or waited for.
pub trait Look: Debug + Send + Sync + 'static {
    /// What to look at.
    type Input: Payload;
    /// What was seen.
    type Output: Payload;

    /// Looks once. Called again while it says [`Progress::Waiting`], until its patience ends.
    ///
    /// # Errors
    /// A permanent error fails the action.
    fn look(
        &self,
        context: &ActionContext,
        input: &Self::Input,
    ) -> impl Future<Output = Result<Progress<Self::Output>, ActionError>> + Send;

    /// How long the look may be tried and waited for.
    fn limits(&self) -> Limits {
        Limits::default()
    }
}

/// What a look found out about an attempt in doubt.
#[derive(Debug, Clone, PartialEq)]
pub enum Reconciled<T> {
    /// There is no trace of it.
    Absent,
    /// It took effect: the thing is there, with our mark and our content.
    Adopted(T),
    /// It took effect and carries our mark, but somebody has changed it since: on the way forward a person must decide,
    /// in a rollback it goes with the run.
    Altered {
        /// The thing as it is.
        output: T,
        /// What was asked for and what is there.
        difference: String,
    },
    /// Something else stands where ours would: its mark was read, and differs.
    Foreign {
        /// What stands there, and whose it is.
        evidence: String,
        /// What a person can do about it.
        advice: String,
    },
    /// It cannot be told yet: what is there is being deleted, or holds the name unseen.
    Unclear(Wait),
}

/// How far a look or a compensation has come.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress<T> {
    /// It has what it waited for.
    Done(T),
    /// Not yet.
    Waiting(Wait),
}

/// Why something waits.
#[derive(Debug, Clone, PartialEq)]
pub struct Wait {
    /// For people, with figures: `targets healthy 6/9, 3 initial`.
    pub reason: String,
    /// When a next look makes sense, in the provider's time; `None` leaves it to the engine.
    pub check_after: Option<Duration>,
}

impl Wait {
    /// A wait that leaves the time of the next look to the engine.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), check_after: None }
    }

    /// The same wait with a hint when to look again, in the provider's time.
    #[must_use]
    pub fn check_after(mut self, delay: Duration) -> Self {
        self.check_after = Some(delay);
        self
    }
}

/// How long the effect of an attempt may stay invisible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consistency {
    /// As long as most kinds.
    Usual,
    /// As long as the kinds that are known to be slow.
    Slow,
}

/// All that an action may use besides its input.
#[derive(Debug, Clone)]
pub struct ActionContext {
    pub(crate) run: RunId,
    pub(crate) action: ActionName,
    pub(crate) attempt: u32,
    pub(crate) token: String,
    pub(crate) now: Timestamp,
}

impl ActionContext {
    /// The run: the value of the mark that everything made by it carries.
    pub fn run(&self) -> &RunId {
        &self.run
    }

    /// The action's name.
    pub fn action(&self) -> &ActionName {
        &self.action
    }

    /// The number of the attempt, from 1; the last one in a look or a compensation.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The idempotency token: at most 64 characters of ASCII, the same for every attempt.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The wall clock, for display; limits are not measured with it.
    pub fn now(&self) -> Timestamp {
        self.now
    }
}
