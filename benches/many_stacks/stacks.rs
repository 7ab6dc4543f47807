//! The deployments, side by side in one process.

use std::sync::Arc;
use std::time::Duration;

use lab1_flow_cloud::{CloudOptions, Durations, Lag, Limits};
use lab1_flow_steps::{LookupCounts, Stack, StackName, StackSpec, Target};
use lab1_flow_workflow::journal::{Entry, Journal, MemoryJournal, Rest, RunId};
use lab1_flow_workflow::{Clock, Engine, NewRun};

use crate::simulated::{CallCounts, Latency, World, WorldOptions, paused_runtime};

/// What became of them.
#[derive(Debug)]
pub(crate) struct Deployed {
    /// From the start of all to the end of each, in the order in which they were started.
    pub(crate) seconds: Vec<f64>,
    /// From the intent of the balancer that was made last to the moment at which it carried traffic.
    pub(crate) provisioning_s: f64,
    /// The stacks whose instances came up last: how many calls with a token of the common bucket were made before
    /// their groups were, and how long their instances took from there on.
    pub(crate) slow_instances: Vec<SlowInstances>,
    /// The slowest of the others.
    pub(crate) slowest_of_balancers_s: f64,
    pub(crate) calls: CallCounts,
    pub(crate) lookups: [(&'static str, LookupCounts); 3],
    /// How many balancers were made before one whose stack had asked for its turn earlier.
    pub(crate) out_of_order: usize,
}

/// A stack that waited for its instances when all else was there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SlowInstances {
    pub(crate) calls_before: usize,
    pub(crate) seconds: f64,
}

/// One stack that is up: when it could ask for its balancer, when that was made, and when the stack answered.
#[derive(Debug, Clone)]
struct Up {
    /// When each call was made that takes a token of the bucket for changes of Elastic Load Balancing.
    changes: Vec<Duration>,
    groups: Duration,
    active: Duration,
    healthy: Duration,
    asked: Duration,
    balancer: Duration,
    done: Duration,
}

/// Deploys so many stacks at once.
pub(crate) fn deploy(stacks: u64, seed: u64) -> Deployed {
    paused_runtime().block_on(async {
        let cloud = CloudOptions {
            seed,
            lag: Lag::off(),
            durations: Durations::Seeded,
            limits: Limits { throttling: true, ..Limits::unlimited() },
            ..CloudOptions::plain()
        };
        let world = World::new(WorldOptions { cloud, latency: Latency::Seeded(seed) });
        let journal = Arc::new(MemoryJournal::new());
        let runs = (0..stacks).map(|number| bring_up(&world, &journal, number));
        let (up, active) = watched(&world, futures_util::future::join_all(runs)).await;
        summed_up(&up, active, &world)
    })
}

async fn bring_up(world: &World, journal: &Arc<MemoryJournal>, number: u64) -> Up {
    let name = format!("s{number}");
    let spec = StackSpec { stack: StackName::new(&name).unwrap(), ..StackSpec::default() };
    let workflow = Stack::new(&spec, &Target::local(None)).workflow(&world.aws).unwrap();
    let engine = Engine::new(journal.clone())
        .with_clock(Arc::new(world.clock.clone()))
        .with_pacer(Arc::clone(&world.pacer));
    let run = RunId::new(&name).unwrap();
    let report = engine.start(&workflow, NewRun { seed: number, ..NewRun::new(run.clone()) });
    let report = report.await.unwrap();
    assert_eq!(report.rest(), &Rest::Completed, "stack {number} is up");
    let history = journal.read(&run).await.unwrap();
    let created = history.header.created_at;
    let at = |wanted: &dyn Fn(&Entry) -> bool| {
        let found = history.records.iter().rfind(|record| wanted(&record.entry));
        found.expect("the record is there").at.since(created)
    };
    let started = |name: &'static str| move |entry: &Entry| matches!(entry, Entry::AttemptStarted { action, .. } if action.as_str() == name);
    let completed = |name: &'static str| move |entry: &Entry| matches!(entry, Entry::ActionCompleted { action, .. } if action.as_str() == name);
    let changes = history.records.iter().filter(|record| is_elb_change(&record.entry));
    let actions = history.header.steps.iter().flat_map(|step| &step.actions);
    let mut balancers = actions.filter(|action| action.name.as_str() == "load-balancer");
    let needs = &balancers.next().expect("there is a balancer").needs;
    let needed = |entry: &Entry| matches!(entry, Entry::ActionCompleted { action, .. } if needs.contains(action));
    Up {
        changes: changes.map(|record| record.at.since(created)).collect(),
        groups: at(&started("auto-scaling-group-1")).max(at(&started("auto-scaling-group-2"))),
        active: at(&completed("load-balancer-active")),
        healthy: at(&completed("targets-healthy")),
        asked: at(&needed),
        balancer: at(&started("load-balancer")),
        done: at(&|entry| matches!(entry, Entry::RunRested { .. })),
    }
}

fn is_elb_change(entry: &Entry) -> bool {
    let Entry::AttemptStarted { action, .. } = entry else { return false };
    ["target-group", "listener", "rule"].iter().any(|kind| action.as_str().starts_with(kind))
}

/// Waits for all stacks, and tells when the last balancer began to carry traffic.
async fn watched(world: &World, all: impl Future<Output = Vec<Up>>) -> (Vec<Up>, Duration) {
    let mut all = std::pin::pin!(all);
    let (mut active, mut last) = (0, Duration::ZERO);
    loop {
        tokio::select! {
            up = &mut all => return (up, last),
            () = world.clock.sleep(Duration::from_secs(1)) => {
                let account = world.cloud.account();
                let balancers = account.of_kind("load-balancer");
                let now = balancers.filter(|balancer| balancer.state == "active").count();
                if now > active {
                    (active, last) = (now, world.clock.elapsed());
                }
            }
        }
    }
}

fn summed_up(up: &[Up], active: Duration, world: &World) -> Deployed {
    let made = up.iter().map(|one| one.balancer).max().expect("there is a stack");
    let mut by_turn: Vec<&Up> = up.iter().collect();
    by_turn.sort_by_key(|one| one.balancer);
    let overtakes = |(place, one): &(usize, &&Up)| {
        by_turn[*place..].iter().any(|later| later.asked < one.asked)
    };
    let changes: Vec<Duration> = up.iter().flat_map(|one| one.changes.clone()).collect();
    let (slow, others): (Vec<&Up>, Vec<&Up>) =
        up.iter().partition(|one| one.healthy > one.active + Duration::from_mins(1));
    let slow = slow.iter().map(|one| SlowInstances {
        calls_before: changes.iter().filter(|at| **at < one.groups).count(),
        seconds: one.healthy.saturating_sub(one.groups).as_secs_f64(),
    });
    Deployed {
        slow_instances: slow.collect(),
        slowest_of_balancers_s: others.iter().map(|one| one.done.as_secs_f64()).fold(0.0, f64::max),
        seconds: up.iter().map(|one| one.done.as_secs_f64()).collect(),
        provisioning_s: active.saturating_sub(made).as_secs_f64(),
        calls: world.calls.clone(),
        lookups: world.aws.lookups(),
        out_of_order: by_turn.iter().enumerate().filter(overtakes).count(),
    }
}
