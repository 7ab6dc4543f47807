//! One deployment, with all that was sent for it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use lab1_flow_cloud::{CloudOptions, Durations};
use lab1_flow_steps::{Stack, StackSpec, Target, VerifyOptions, WaitMode};
use lab1_flow_workflow::journal::{
    ActionName, Entry, Journal, MemoryJournal, Provenance, Record, Rest, RunId, RunState,
};
use lab1_flow_workflow::testing::PausedClock;
use lab1_flow_workflow::{Clock, Engine, NewRun, Observer, Profile};

use crate::simulated::{Latency, World, WorldOptions, paused_runtime};
use crate::wire::{Call, Wire};

/// How the cloud and the way to it are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    pub(crate) durations: Durations,
    pub(crate) latency: Latency,
    /// The number of the change whose reply is lost, from 0.
    pub(crate) lost: Option<usize>,
}

impl Setting {
    /// Nothing takes any time, and nothing is lost.
    pub(crate) const INSTANT: Self =
        Self { durations: Durations::Instant, latency: Latency::None, lost: None };
}

/// What a deployment came to.
#[derive(Debug)]
pub(crate) struct Deployed {
    pub(crate) calls: Vec<Call>,
    pub(crate) took: Duration,
    /// What was in doubt, and how many reads settled it.
    pub(crate) doubts: Vec<Doubt>,
    /// How many calls a `verify` made afterwards.
    pub(crate) verify_reads: usize,
}

impl Deployed {
    /// The calls of the preflight, and those after it. The first change comes alone, and after all of the preflight.
    pub(crate) fn parts(&self) -> (&[Call], &[Call]) {
        let claim = self.calls.iter().position(Call::changes).expect("something is made");
        self.calls.split_at(claim)
    }
}

/// Deploys the documented stack until every target is healthy, and compares it.
pub(crate) fn deploy(setting: Setting) -> Deployed {
    paused_runtime().block_on(async {
        let cloud = CloudOptions { durations: setting.durations, ..CloudOptions::plain() };
        let wire = Wire::default();
        let options = WorldOptions { cloud, latency: setting.latency };
        let world = World::through(options, |way, clock| wire.along(way, clock, setting.lost));
        let spec = StackSpec { wait: WaitMode::Targets, ..StackSpec::default() };
        let stack = Stack::new(&spec, &Target::local(None));
        let workflow = stack.workflow(&world.aws).unwrap();
        let journal = Arc::new(MemoryJournal::new());
        let clock = world.clock.clone();
        let doubts = Doubts { wire: wire.clone(), clock, met: Arc::default() };
        let engine = Engine::new(journal.clone())
            .with_clock(Arc::new(world.clock.clone()))
            .with_pacer(Arc::clone(&world.pacer))
            .with_observer(Arc::new(doubts.clone()));
        let run = RunId::new("counted").unwrap();
        let report = engine.start(&workflow, NewRun { seed: 1, ..NewRun::new(run.clone()) });
        let report = report.await.unwrap();
        assert_eq!(report.rest(), &Rest::Completed, "the stack is up");
        let took = world.clock.elapsed();
        let calls = wire.calls();
        let state = RunState::replay(&journal.read(&run).await.unwrap()).unwrap();
        let profile = Profile::default();
        let options = VerifyOptions { http: false, live: false, now: state.changed_at() };
        let verification = stack.verify(&world.aws, &state, &profile, options).await.unwrap();
        assert!(!verification.differs(), "what was made is there");
        let verify_reads = wire.calls().len() - calls.len();
        let doubts = doubts.met.lock().unwrap().clone();
        Deployed { calls, took, doubts, verify_reads }
    })
}

/// An action that was in doubt.
#[derive(Debug, Clone)]
pub(crate) struct Doubt {
    pub(crate) action: ActionName,
    /// When the engine begins to look.
    from: Duration,
    /// The reads from there until the action was done.
    pub(crate) reads: usize,
    /// Whether the thing was adopted, and not made once more.
    pub(crate) is_adopted: bool,
}

/// Counts the reads that settle a doubt. Where nothing takes any time, all other actions that do not need this one
/// are done when the first look for it is due.
#[derive(Debug, Clone)]
struct Doubts {
    wire: Wire,
    clock: PausedClock,
    met: Arc<Mutex<Vec<Doubt>>>,
}

impl Observer for Doubts {
    fn recorded(&self, records: &[Record], _state: &RunState) {
        let mut met = self.met.lock().unwrap();
        for record in records {
            match &record.entry {
                Entry::AttemptFailed { action, retry, .. } => met.push(Doubt {
                    action: action.clone(),
                    from: self.clock.elapsed() + Duration::from_millis(retry.delay_ms),
                    reads: 0,
                    is_adopted: false,
                }),
                Entry::ActionCompleted { action, provenance, .. } => {
                    for doubt in met.iter_mut().filter(|doubt| doubt.action == *action) {
                        doubt.reads = self.wire.reads_from(doubt.from);
                        doubt.is_adopted = *provenance == Provenance::Adopted;
                    }
                }
                _ => {}
            }
        }
    }

    fn waiting(&self, _action: &ActionName, _reason: &str, _next_look_in: Duration) {}
}
