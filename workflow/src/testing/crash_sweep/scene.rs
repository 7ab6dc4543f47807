//! What a sweep plays.

use std::future::Future;

use lab1_flow_journal::RunId;

use crate::testing::{Holdings, Life, PausedClock, Violation};
use crate::{Engine, EngineError, Limits, NewRun, Resume, RunReport, Workflow};

/// What a crash sweep plays: a world, a workflow on it, and a way to see what the world holds.
///
/// It is played again and again, so all of it must depend on nothing but the clock.
pub trait Scene: Send + Sync + 'static {
    /// What the run acts on. It survives the deaths of the processes.
    type World: Send + Sync + 'static;

    /// A fresh world, before the run.
    fn world(&self, clock: &PausedClock) -> Self::World;

    /// The workflow, as each process builds it anew. Its calls get their boundaries from the sweep; between
    /// two remote calls of one action [`CrashSweep::at_every_await`] or `life.fuse()` counts further ones.
    ///
    /// [`CrashSweep::at_every_await`]: crate::testing::CrashSweep::at_every_await
    fn workflow(&self, world: &Self::World, life: &Life) -> Workflow;

    /// All that the world truly holds.
    fn holdings(&self, world: &Self::World) -> impl Future<Output = Holdings>;

    /// The run, the same in every case.
    fn new_run(&self) -> NewRun {
        NewRun::new(swept())
    }

    /// The world as it stands now, on a clock of its own that shows the same; `None` when it cannot be copied.
    ///
    /// A sweep goes on from copies where it can. Without them it plays every case from the beginning, which
    /// takes twice as long and more.
    fn copy(&self, world: &Self::World, clock: &PausedClock) -> Option<Self::World> {
        let _ = (world, clock);
        None
    }

    /// What the world itself has seen go wrong since it was last asked: a request that came twice, say.
    fn complaints(&self, world: &Self::World) -> Vec<Violation> {
        let _ = world;
        Vec::new()
    }

    /// What happened without a fault before the verb that is swept.
    fn prelude(&self) -> &[Verb] {
        &[]
    }

    /// How many records of the run are left when an older copy of its journal is put back after the prelude; `None`
    /// where nobody does such a thing.
    fn older_copy(&self) -> Option<usize> {
        None
    }

    /// What is swept.
    fn verb(&self) -> Verb {
        Verb::Start
    }

    /// The ends of JSON pointers into inputs at which a look cannot tell the difference: what the provider does not show,
    /// and names that stand beside an id.
    fn unseen(&self) -> &[&str] {
        &[]
    }

    /// The limits of the scene's actions.
    fn limits(&self) -> Limits {
        Limits::default()
    }
}

/// The run, where a scene names no other.
#[expect(clippy::expect_used, reason = "the name is a literal of this module")]
fn swept() -> RunId {
    RunId::new("swept").expect("a literal is a valid name")
}

/// What a process is asked to do with the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Begin it.
    Start,
    /// Go on with it.
    Resume,
    /// Turn it around, or go on with its rollback.
    RollBack,
}

impl Verb {
    /// The ways to go on after a death.
    pub(super) const CONTINUATIONS: [Self; 2] = [Self::Resume, Self::RollBack];

    pub(super) async fn play(
        self,
        engine: &Engine,
        workflow: &Workflow,
        new: NewRun,
    ) -> Result<RunReport, EngineError> {
        let run = new.run.clone();
        match self {
            Self::Start => engine.start(workflow, new).await,
            Self::Resume => engine.resume(workflow, &run, Resume::default()).await,
            Self::RollBack => engine.roll_back(workflow, &run, Resume::default()).await,
        }
    }
}
