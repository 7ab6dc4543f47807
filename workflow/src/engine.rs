//! The engine: starts a run, goes on with it, or turns it around.

use std::sync::Arc;

use lab1_flow_journal::{
    ActionName, Entry, Journal, OnFailure, Record, Rest, RollbackCause, RunHeader, RunId, RunState,
    Seq, StepName, Timestamp, unstorable,
};
use serde_json::Value;

use crate::change;
use crate::clock::Clock;
use crate::drive::Drive;
use crate::observe::Observer;
use crate::ports::Ports;
use crate::report::RunReport;
use crate::storable::stored;
use crate::{EngineError, Pacer, Profile, StopSignal, Workflow};

/// What a new run is made of besides its workflow.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// The run's id, chosen by the caller, who shows it before anything is sent.
    pub run: RunId,
    /// Seeds the jitter of the run's delays.
    pub seed: u64,
    /// What a failure leads to.
    pub on_failure: OnFailure,
    /// The step after which the run pauses.
    pub until: Option<StepName>,
    /// The time behaviour of the target.
    pub profile: Profile,
    /// What the application needs to go on with the run. Never a secret.
    pub context: Value,
}

impl NewRun {
    /// A run with the defaults: it stops on failure, does not pause, and expects AWS's pace.
    pub fn new(run: RunId) -> Self {
        Self {
            run,
            seed: 0,
            on_failure: OnFailure::Stop,
            until: None,
            profile: Profile::default(),
            context: Value::Null,
        }
    }

    /// The header of a run of this workflow that is created at this moment.
    ///
    /// # Errors
    /// [`EngineError::Profile`] when the profile cannot be stored, [`EngineError::Header`] when all of it together has no
    /// room in a record.
    pub fn header(
        self,
        workflow: &Workflow,
        created_at: Timestamp,
    ) -> Result<RunHeader, EngineError> {
        let header = RunHeader {
            run: self.run,
            workflow: workflow.name().to_owned(),
            created_at,
            seed: self.seed,
            on_failure: self.on_failure,
            until: self.until,
            steps: workflow.steps().to_vec(),
            profile: stored(&self.profile).map_err(EngineError::Profile)?,
            context: self.context,
        };
        let whole = serde_json::to_value(&header).map_err(EngineError::Profile)?;
        unstorable(&whole).map_or(Ok(header), |why| Err(EngineError::Header(why)))
    }
}

/// How a resting or interrupted run is taken up again.
#[derive(Debug, Clone, Default)]
pub struct Resume {
    /// Skips what is left of stored delays.
    pub now: bool,
    /// The step after which the run pauses, wherever it was to pause before. A rollback does not pause.
    pub until: Option<StepName>,
}

/// Carries out runs.
///
/// An engine holds no state of any run: the journal does. One engine may carry out many runs at once, each in
/// a future of its own; dropping such a future is the same as the death of the process.
///
/// A run is driven by one at a time: every method that writes claims the run first ([`Journal::claim`]), and is refused
/// with [`JournalError::Held`] while another task of this process has it; nothing is written and nothing sent then. The
/// claim ends with the future, also when that is dropped or panics.
///
/// [`JournalError::Held`]: lab1_flow_journal::JournalError::Held
#[derive(Debug, Clone)]
pub struct Engine {
    ports: Ports,
}

impl Engine {
    /// An engine on this journal, with the system's clock, that nobody stops and nobody watches.
    pub fn new(journal: Arc<dyn Journal>) -> Self {
        Self { ports: Ports::new(journal) }
    }

    /// The same engine with another source of time.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.ports.clock = clock;
        self
    }

    /// The same engine with a signal that makes it finish the calls in flight and rest.
    #[must_use]
    pub fn with_stop(mut self, stop: StopSignal) -> Self {
        self.ports.stop = stop;
        self
    }

    /// The same engine with someone who hears of every record.
    #[must_use]
    pub fn with_observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.ports.observer = observer;
        self
    }

    /// The same engine with the pacer that the actions take their turns from: an intent is written only when
    /// its call would not have to wait.
    #[must_use]
    pub fn with_pacer(mut self, pacer: Arc<Pacer>) -> Self {
        self.ports.pacer = Some(pacer);
        self
    }

    /// Creates a run and carries it out until it rests.
    ///
    /// Dies here: before the header is durable there is no run; after it, `resume` goes on.
    ///
    /// # Errors
    /// [`EngineError`]; a failed action is a report, not an error.
    pub async fn start(&self, workflow: &Workflow, new: NewRun) -> Result<RunReport, EngineError> {
        let header = self.header(workflow, new)?;
        let _lease = self.ports.journal.claim(&header.run).await?;
        self.ports.journal.create(&header).await?;
        self.drive(workflow, RunState::new(header), Vec::new(), Resume::default()).await
    }

    /// The header that [`start`](Self::start) would write; for callers who create the run themselves.
    ///
    /// # Errors
    /// As [`NewRun::header`].
    pub fn header(&self, workflow: &Workflow, new: NewRun) -> Result<RunHeader, EngineError> {
        new.header(workflow, self.ports.clock.now())
    }

    /// Goes on with a run in the direction it was going, from its first incomplete actions.
    ///
    /// A run that has ended is reported as it ended: no call is made and nothing is written. A run that had
    /// failed, was stuck or had run out of patience gets fresh budgets; one that died in mid-run does not, and its
    /// journal tells that it was continued.
    ///
    /// Dies here: the run stands where its journal says; this or [`roll_back`](Self::roll_back) goes on.
    ///
    /// # Errors
    /// [`EngineError::Journal`] when the journal refuses, [`EngineError::OtherWorkflow`] when the run was started by
    /// another one, [`EngineError::Profile`] when its time profile does not read. [`EngineError::StepChanged`] when
    /// `workflow` differs from what the run has begun; steps that have not begun may differ, come or go.
    /// [`EngineError::Stored`] and [`EngineError::Input`] when what is stored does not read as the types of `workflow`: nothing
    /// is written then.
    pub async fn resume(
        &self,
        workflow: &Workflow,
        run: &RunId,
        how: Resume,
    ) -> Result<RunReport, EngineError> {
        let _lease = self.ports.journal.claim(run).await?;
        let state = self.read(workflow, run).await?;
        self.go_on(workflow, state, how).await
    }

    async fn go_on(
        &self,
        workflow: &Workflow,
        state: RunState,
        how: Resume,
    ) -> Result<RunReport, EngineError> {
        let new_budget = match state.rest() {
            Some(Rest::Completed | Rest::RolledBack) => return Ok(RunReport::of(state)),
            Some(Rest::Failed | Rest::Stuck { .. } | Rest::Suspended { .. }) => Some(true),
            Some(Rest::Stopped | Rest::Paused) => Some(false),
            None => None,
        };
        let is_forward = !state.is_rolling_back();
        let mut opening = continued(&state);
        if is_forward {
            opening.extend(change::entries(workflow, &state, how.until.as_ref())?);
        } else {
            change::refuse_rollback(workflow, &state)?;
        }
        crate::stored::check(workflow, &state, !is_forward)?;
        opening.extend(new_budget.map(|new_budget| Entry::RunResumed { new_budget }));
        let until = how.until.clone().filter(|_| is_forward);
        opening.extend(until.map(|until| Entry::PauseChanged { until }));
        self.drive(workflow, state, opening, how).await
    }

    /// Turns a run around, or goes on with its rollback, until nothing is left.
    ///
    /// Dies here: the run stands where its journal says; this goes on, and once the turn is durable so does
    /// [`resume`](Self::resume).
    ///
    /// # Errors
    /// As [`resume`](Self::resume); a rollback asks only about what has begun, and reads only what it may take back.
    pub async fn roll_back(
        &self,
        workflow: &Workflow,
        run: &RunId,
        how: Resume,
    ) -> Result<RunReport, EngineError> {
        let _lease = self.ports.journal.claim(run).await?;
        let state = self.read(workflow, run).await?;
        if state.is_rolling_back() {
            return self.go_on(workflow, state, how).await;
        }
        change::refuse_rollback(workflow, &state)?;
        crate::stored::check(workflow, &state, true)?;
        let mut opening = continued(&state);
        opening.push(Entry::RollbackStarted { cause: RollbackCause::Request });
        self.drive(workflow, state, opening, how).await
    }

    /// Takes back a run whose journal was lost and is begun anew, or goes on with that.
    ///
    /// `workflow` declares what the run may have made, by actions that find it by its mark alone; their inputs are
    /// `()`. All of it is in doubt at first. Dies here: before the doubt is durable nothing was sent.
    ///
    /// # Errors
    /// As [`resume`](Self::resume).
    pub async fn recover(
        &self,
        workflow: &Workflow,
        run: &RunId,
        how: Resume,
    ) -> Result<RunReport, EngineError> {
        let _lease = self.ports.journal.claim(run).await?;
        let state = self.read(workflow, run).await?;
        if state.is_rolling_back() {
            return self.go_on(workflow, state, how).await;
        }
        self.drive(workflow, state, workflow.presumption(run), how).await
    }

    /// Records that a person leaves what these actions made in place, and why. Nothing is sent: the next
    /// [`roll_back`](Self::roll_back) goes on without them. A run on its way forward turns around.
    ///
    /// What they were built on is still taken back, as far as the provider lets it go. Dies here: all of it is
    /// recorded, or nothing.
    ///
    /// # Errors
    /// [`EngineError::Journal`], also when nothing is left of one of them: then nothing is recorded at all.
    pub async fn skip(
        &self,
        run: &RunId,
        actions: &[ActionName],
        reason: &str,
    ) -> Result<RunState, EngineError> {
        let _lease = self.ports.journal.claim(run).await?;
        let mut state = RunState::replay(&self.ports.journal.read(run).await?)?;
        let request = Entry::RollbackStarted { cause: RollbackCause::Request };
        let turn = (!state.is_rolling_back()).then_some(request);
        let skip = |action: &ActionName| Entry::CompensationSkipped {
            action: action.clone(),
            reason: reason.to_owned(),
        };
        let entries: Vec<_> = turn.into_iter().chain(actions.iter().map(skip)).collect();
        let (first, now) = (state.next_seq(), self.ports.clock.now());
        for record in Record::number(first, now, entries.clone()) {
            state.apply(&record)?;
        }
        let records = self.ports.journal.append(run, first, now, entries).await?;
        self.ports.observer.recorded(&records, &state);
        Ok(state)
    }

    /// Reads a run back, and refuses one that is not of this workflow.
    async fn read(&self, workflow: &Workflow, run: &RunId) -> Result<RunState, EngineError> {
        let history = self.ports.journal.read(run).await?;
        let state = RunState::replay(&history)?;
        change::refuse_other_workflow(workflow, &state)?;
        Ok(state)
    }

    async fn drive(
        &self,
        workflow: &Workflow,
        state: RunState,
        opening: Vec<Entry>,
        how: Resume,
    ) -> Result<RunReport, EngineError> {
        let state = Drive::new(&self.ports, workflow, state, &how)?.run(opening).await?;
        self.ports.journal.rest(&state.header().run).await?;
        Ok(RunReport::of(state))
    }
}

/// What a run that died in mid-run is taken up with. A run without a record has only been created.
fn continued(state: &RunState) -> Vec<Entry> {
    let died = state.rest().is_none() && state.next_seq() != Seq::FIRST;
    if died { vec![Entry::RunContinued] } else { Vec::new() }
}
