//! One seed: a deployment and its rollback, watched.

use std::sync::Arc;

use lab1_flow_cloud::{CloudOptions, Durations, Lag};
use lab1_flow_steps::{Service, Stack, StackSpec, Target};
use lab1_flow_workflow::journal::{History, Journal, MemoryJournal, Rest, RunId};
use lab1_flow_workflow::{Engine, NewRun, Resume, Workflow};

use crate::critical_path::{self, Path};
use crate::simulated::{Latency, World, WorldOptions, paused_runtime};
use crate::truth::{Moments, Waits, watch};

/// What one direction of one seed came to.
#[derive(Debug)]
pub(crate) struct Played {
    pub(crate) makespan_s: f64,
    pub(crate) path_s: f64,
    /// The action at the end of the critical path whose own duration is the longest on it.
    pub(crate) binding: String,
    pub(crate) elb_per_s: f64,
    pub(crate) auto_scaling_per_s: f64,
}

/// Deploys and takes back with the durations of this seed.
pub(crate) fn play(seed: u64) -> [Played; 2] {
    paused_runtime().block_on(async {
        let cloud = CloudOptions {
            seed,
            lag: Lag::off(),
            durations: Durations::Seeded,
            ..CloudOptions::plain()
        };
        let world = World::new(WorldOptions { cloud, latency: Latency::Seeded(seed) });
        let stack = Stack::new(&StackSpec::default(), &Target::local(None));
        let workflow = stack.workflow(&world.aws).unwrap();
        let run = RunId::new("timed").unwrap();
        let journal = Arc::new(MemoryJournal::new());
        let forward = travel(&world, &workflow, &journal, &run, false).await;
        let back = travel(&world, &workflow, &journal, &run, true).await;
        [forward, back]
    })
}

async fn travel(
    world: &World,
    workflow: &Workflow,
    journal: &Arc<MemoryJournal>,
    run: &RunId,
    back: bool,
) -> Played {
    let waits = Waits::default();
    let engine = Engine::new(journal.clone())
        .with_clock(Arc::new(world.clock.clone()))
        .with_pacer(Arc::clone(&world.pacer))
        .with_observer(Arc::new(waits.clone()));
    let services = [Service::LoadBalancing, Service::AutoScaling];
    let before = services.map(|service| world.calls.total(Some(service)));
    let carried = async {
        let report = if back {
            engine.roll_back(workflow, run, Resume::default()).await.unwrap()
        } else {
            let new = NewRun { seed: 1, ..NewRun::new(run.clone()) };
            engine.start(workflow, new).await.unwrap()
        };
        let end = if back { Rest::RolledBack } else { Rest::Completed };
        assert_eq!(report.rest(), &end, "the run reaches its end");
    };
    let moments: Moments = watch(&world.cloud, &world.clock, back, carried).await;
    let history: History = journal.read(run).await.unwrap();
    let Path { makespan_s, length_s, binding } =
        critical_path::measure(&history, back, &moments, &waits);
    let after = services.map(|service| world.calls.total(Some(service)));
    #[expect(clippy::cast_precision_loss, reason = "some hundred calls")]
    let per_s = |place: usize| (after[place] - before[place]) as f64 / makespan_s;
    Played {
        makespan_s,
        path_s: length_s,
        binding,
        elb_per_s: per_s(0),
        auto_scaling_per_s: per_s(1),
    }
}
