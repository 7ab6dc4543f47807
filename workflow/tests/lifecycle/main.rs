//! Goal: every row of the lifecycle does what the design says. Method: one small story a test, on a paused
//! clock and a world with faults on order; the history is compared line by line.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod behind;
mod change;
mod doubt;
mod drivers;
mod forward;
mod late;
mod lost;
mod needs;
mod patience;
mod pause;
mod preview;
mod rollback;
mod trouble;
mod turns;

use std::sync::Arc;
use std::time::Duration;

use lab1_flow_workflow::journal::{
    ActionName, Entry, FailureClass, History, Journal, MemoryJournal, OnFailure, Provenance, Rest,
    RunId, StepName,
};
use lab1_flow_workflow::testing::{Blueprint, Fault, Habits, Holdings, PausedClock, World};
use lab1_flow_workflow::{
    Clock, Engine, EngineError, Limits, NewRun, Profile, Resume, RunReport, StopSignal, Undoing,
    Workflow,
};

/// One run on one world; every call of a method is a process of its own.
struct Rig {
    clock: PausedClock,
    world: World,
    workflow: Workflow,
    journal: Arc<MemoryJournal>,
    new: NewRun,
    stop: StopSignal,
}

impl Rig {
    fn new(blueprint: &Blueprint) -> Self {
        Self::with(blueprint, Habits::default(), Limits::default())
    }

    fn with(blueprint: &Blueprint, habits: Habits, limits: Limits) -> Self {
        let clock = PausedClock::new();
        let world = World::new(Arc::new(clock.clone()), habits);
        let workflow = blueprint.workflow(&world, limits).unwrap();
        Self {
            clock,
            world,
            workflow,
            journal: Arc::new(MemoryJournal::new()),
            new: NewRun::new(RunId::new("story").unwrap()),
            stop: StopSignal::new(),
        }
    }

    fn on_failure(mut self, on_failure: OnFailure) -> Self {
        self.new.on_failure = on_failure;
        self
    }

    fn engine(&self) -> Engine {
        Engine::new(self.journal.clone())
            .with_clock(Arc::new(self.clock.restarted()))
            .with_stop(self.stop.clone())
    }

    async fn start(&self) -> Rest {
        rest(self.engine().start(&self.workflow, self.new.clone()).await)
    }

    async fn resume(&self) -> Rest {
        rest(self.resume_as(Resume::default()).await)
    }

    async fn resume_as(&self, how: Resume) -> Result<RunReport, EngineError> {
        self.engine().resume(&self.workflow, &self.new.run, how).await
    }

    async fn roll_back(&self) -> Rest {
        rest(self.engine().roll_back(&self.workflow, &self.new.run, Resume::default()).await)
    }

    /// Starts the run in a process that dies after so long.
    async fn start_for(&self, lifetime: Duration) {
        let engine = self.engine();
        let run = engine.start(&self.workflow, self.new.clone());
        tokio::select! {
            ended = run => panic!("it ended before its death: {ended:?}"),
            () = self.clock.sleep(lifetime) => {}
        }
    }

    /// Rolls the run back in a process that dies after so long.
    async fn roll_back_for(&self, lifetime: Duration) {
        let engine = self.engine();
        let rollback = engine.roll_back(&self.workflow, &self.new.run, Resume::default());
        tokio::select! {
            ended = rollback => panic!("it ended before its death: {ended:?}"),
            () = self.clock.sleep(lifetime) => {}
        }
    }

    async fn history(&self) -> History {
        self.journal.read(&self.new.run).await.unwrap()
    }

    /// The history, one short line a record.
    async fn lines(&self) -> Vec<String> {
        self.history().await.records.iter().map(|record| line(&record.entry)).collect()
    }

    fn names(&self) -> Vec<String> {
        names(&self.world.holdings())
    }
}

fn names(holdings: &Holdings) -> Vec<String> {
    holdings.values().map(|thing| thing.content["name"].as_str().unwrap().to_owned()).collect()
}

fn rest(ended: Result<RunReport, EngineError>) -> Rest {
    ended.unwrap().rest().clone()
}

fn suspended_by(rest: &Rest) -> Option<FailureClass> {
    match rest {
        Rest::Suspended { failure } => Some(failure.class),
        _ => None,
    }
}

/// What a person would say about an entry.
fn line(entry: &Entry) -> String {
    match entry {
        Entry::AttemptStarted { action, attempt, .. } => format!("{action} begun {attempt}"),
        Entry::AttemptFailed { action, failure, in_doubt: false, .. } => {
            format!("{action} failed {:?}", failure.class)
        }
        Entry::AttemptFailed { action, failure, in_doubt: true, .. } => {
            format!("{action} in doubt {:?}", failure.class)
        }
        Entry::AttemptAbsent { action, .. } => format!("{action} absent"),
        Entry::ActionWaiting { action, .. } => format!("{action} waits"),
        Entry::ActionCompleted { action, provenance: Provenance::Executed, .. } => {
            format!("{action} made")
        }
        Entry::ActionCompleted { action, provenance: Provenance::Adopted, .. } => {
            format!("{action} adopted")
        }
        Entry::ActionFailed { action, .. } => format!("{action} given up"),
        Entry::FoundByMark { action } => format!("{action} found by its mark"),
        Entry::RollbackStarted { .. } => "rolling back".into(),
        Entry::CompensationStarted { action } => format!("{action} leaves"),
        Entry::CompensationWaiting { action, .. } => format!("{action} is leaving"),
        Entry::CompensationFailed { action, failure, .. } => {
            format!("{action} stays {:?}", failure.class)
        }
        Entry::CompensationCompleted { action, with: None } => format!("{action} gone"),
        Entry::CompensationCompleted { action, with: Some(whole) } => {
            format!("{action} gone with {whole}")
        }
        Entry::CompensationGaveUp { action, .. } => format!("{action} stuck"),
        Entry::CompensationSkipped { action, .. } => format!("{action} left"),
        Entry::StepsChanged { .. } => "steps changed".into(),
        Entry::StepsReplaced { .. } => "steps replaced".into(),
        Entry::PauseChanged { until } => format!("pauses after {until}"),
        Entry::RunRested { rest } => format!("rests {}", rest_word(rest)),
        Entry::RunResumed { new_budget } => format!("resumed {new_budget}"),
        Entry::RunContinued => "continued".into(),
    }
}

fn rest_word(rest: &Rest) -> &'static str {
    match rest {
        Rest::Completed => "completed",
        Rest::RolledBack => "rolled back",
        Rest::Failed => "failed",
        Rest::Stuck { .. } => "stuck",
        Rest::Stopped => "stopped",
        Rest::Paused => "paused",
        Rest::Suspended { .. } => "suspended",
    }
}

fn action(name: &str) -> ActionName {
    ActionName::new(name).unwrap()
}

/// A refusal of this class, without any effect.
fn refused(class: FailureClass) -> Fault {
    Fault::Refused(class)
}

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The window in which an effect may still appear, as the default profile has it.
fn window() -> Duration {
    millis(Profile::default().window_usual_ms)
}
