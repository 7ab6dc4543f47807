//! Goal: with faults that end, every run reaches its end, whatever comes together. Method: random workflows,
//! faults, habits, deaths and verbs from a seed; a failure is shrunk, and its seed is kept in
//! `tests/fault_schedules.seeds` and played first from then on.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use lab1_flow_workflow::journal::{Entry, FailureClass, MemoryJournal, OnFailure, Rest, RunId};
use lab1_flow_workflow::testing::{
    Blueprint, Call, Evidence, Fault, Habits, Invariant, Life, Op, PausedClock, SketchKind, World,
    check,
};
use lab1_flow_workflow::{Clock, Engine, Limits, NewRun, Pacer, Profile, Resume};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

/// One life of a process: what it is asked, and how long it lives.
#[derive(Debug, Clone, Copy)]
struct Spell {
    rolls_back: bool,
    lifetime_ms: u64,
}

#[derive(Debug, Clone)]
struct Schedule {
    blueprint: Blueprint,
    faults: Vec<(Op, usize, Fault)>,
    habits: Habits,
    on_failure: OnFailure,
    tries_max: u32,
    /// Until when requests of a kind are refused as too many; with any, all requests wait for their turns.
    throttles: Vec<(Op, Duration)>,
    seed: u64,
    spells: Vec<Spell>,
    rolls_back: bool,
}

/// The window in which an effect may appear late.
const WINDOW_MS: u64 = 8_000;

/// How long a process may stand still: longer than any patience.
const STALL_MAX_MS: u64 = 3_600_000;

/// How long a provider may refuse all requests of a kind: as long as a run waits for that at most.
const THROTTLE_MAX_MS: u64 = 900_000;

fn blueprints() -> impl Strategy<Value = Blueprint> {
    let draws = prop::collection::vec((0..5_u8, any::<u8>(), any::<usize>()), 1..7);
    draws.prop_map(Blueprint::of_draws)
}

impl Schedule {
    fn limits(&self) -> Limits {
        Limits { tries_max: self.tries_max, ..Limits::default() }
    }
}

/// Whether it can be taken back: a part may not need what was built on its whole.
fn is_sound(blueprint: &Blueprint) -> bool {
    let world = World::new(Arc::new(PausedClock::new()), Habits::default());
    blueprint.workflow(&world, Limits::default()).is_ok()
}

fn faults() -> impl Strategy<Value = Fault> {
    let classes = prop::sample::select(vec![
        FailureClass::Transient,
        FailureClass::Throttled,
        FailureClass::Ambiguous,
        FailureClass::Contended,
        FailureClass::Unreachable,
        FailureClass::Permanent,
    ]);
    prop_oneof![
        5 => classes.prop_map(Fault::Refused),
        2 => Just(Fault::ErrorAfterEffect),
        1 => Just(Fault::ReplyLost),
        1 => Just(Fault::RequestLost),
        1 => (0..WINDOW_MS / 2).prop_map(|ms| Fault::EffectDelayed(Duration::from_millis(ms))),
        1 => (0..STALL_MAX_MS).prop_map(|ms| Fault::Stalled(Duration::from_millis(ms))),
    ]
}

prop_compose! {
    fn habits()(latency in 1..200_u64, lag in 0..3_000_u64, removal in 0..4_000_u64,
                settling in 0..5_000_u64) -> Habits
    {
        Habits {
            latency: Duration::from_millis(latency),
            lag: Duration::from_millis(lag),
            removal: Duration::from_millis(removal),
            settling: Duration::from_millis(settling),
            names_are_unique: true,
        }
    }
}

prop_compose! {
    fn schedules()(
        blueprint in blueprints().prop_filter("a knot", is_sound),
        faults in prop::collection::vec((
            prop::sample::select(vec![Op::Make, Op::Make, Op::Find, Op::Watch, Op::Remove, Op::List]),
            any::<usize>(),
            faults(),
        ), 0..8),
        habits in habits(),
        on_failure in prop::sample::select(vec![OnFailure::Stop, OnFailure::Rollback]),
        tries_max in prop_oneof![1..4_u32, Just(10)],
        seed in any::<u64>(),
        spells in prop::collection::vec(
            (prop::bool::weighted(0.2), 1..20_000_u64)
                .prop_map(|(rolls_back, lifetime_ms)| Spell { rolls_back, lifetime_ms }),
            0..5,
        ),
        rolls_back in any::<bool>(),
    ) -> Schedule {
        let throttles = Vec::new();
        Schedule {
            blueprint, faults, habits, on_failure, tries_max, throttles, seed, spells, rolls_back,
        }
    }
}

prop_compose! {
    /// Many things and looks on one, and a provider that refuses all requests of some kinds for a while, and nothing else.
    fn throttled()(
        things in 1..16_usize,
        watches in 0..16_usize,
        throttles in prop::collection::vec((
            prop::sample::select(vec![Op::Make, Op::Find, Op::Watch, Op::Remove, Op::List]),
            (1..THROTTLE_MAX_MS).prop_map(Duration::from_millis),
        ), 1..4),
        habits in habits(),
        on_failure in prop::sample::select(vec![OnFailure::Stop, OnFailure::Rollback]),
        seed in any::<u64>(),
        rolls_back in any::<bool>(),
    ) -> Schedule {
        let mut blueprint = Blueprint::default().thing("root", &[]);
        for place in 0..things {
            blueprint = blueprint.thing(&format!("thing{place}"), &[0]);
        }
        for place in 0..watches {
            blueprint = blueprint.watch(&format!("watch{place}"), 0);
        }
        let (faults, tries_max, spells) = (Vec::new(), 10, Vec::new());
        Schedule {
            blueprint, faults, habits, on_failure, tries_max, throttles, seed, spells, rolls_back,
        }
    }
}

prop_compose! {
    /// A run that turns around while its first thing is tried a second time, and the first try is still on its way: what
    /// fails for good stands on a few others, and fails a few times before.
    fn turning()(
        below in 0..3_usize,
        late in 0..WINDOW_MS / 2,
        again in prop::sample::select(vec![
            FailureClass::Transient,
            FailureClass::Throttled,
            FailureClass::Permanent,
        ]),
        before in 0..3_usize,
        habits in habits(),
        latency in 1..4_000_u64,
        seed in any::<u64>(),
        rolls_back in any::<bool>(),
    ) -> Schedule {
        let mut blueprint = Blueprint::default().thing("late", &[]).thing("x1", &[]);
        for place in 2..below + 2 {
            blueprint = blueprint.thing(&format!("x{place}"), &[place - 1]);
        }
        let last = blueprint.actions.len() - 1;
        let transient = (Op::Make, last, Fault::Refused(FailureClass::Transient));
        let mut faults = vec![transient; before];
        faults.push((Op::Make, last, Fault::Refused(FailureClass::Permanent)));
        faults.push((Op::Make, 0, Fault::EffectDelayed(Duration::from_millis(late))));
        faults.push((Op::Make, 0, Fault::Refused(again)));
        let habits = Habits { latency: Duration::from_millis(latency), ..habits };
        let (on_failure, tries_max) = (OnFailure::Rollback, 10);
        let (throttles, spells) = (Vec::new(), Vec::new());
        Schedule {
            blueprint, faults, habits, on_failure, tries_max, throttles, seed, spells, rolls_back,
        }
    }
}

/// A run in the hands of one process after another.
struct Story {
    schedule: Schedule,
    clock: PausedClock,
    world: World,
    pacer: Arc<Pacer>,
    new: NewRun,
    image: MemoryJournal,
    calls: Vec<Call>,
}

/// Each fault strikes once, and each spell may rest once for each.
const SPELLS_MAX: usize = 40;

impl Story {
    fn new(schedule: &Schedule) -> Self {
        let clock = PausedClock::new();
        let pacer = Arc::new(Pacer::new(Arc::new(clock.clone()), 1.0));
        let world = World::new(Arc::new(clock.clone()), schedule.habits.clone());
        let world = if schedule.throttles.is_empty() {
            world
        } else {
            world.with_pacer(Arc::clone(&pacer))
        };
        for (op, end) in &schedule.throttles {
            world.throttle_until(*op, *end);
        }
        world.plant("somebody-elses", "theirs", Some("another-run"));
        for (op, about, fault) in &schedule.faults {
            world.order_fault(*op, fault_target(&schedule.blueprint, *op, *about), *fault);
        }
        let profile =
            Profile { window_usual_ms: WINDOW_MS, window_slow_ms: WINDOW_MS, ..Profile::default() };
        let new = NewRun {
            on_failure: schedule.on_failure,
            seed: schedule.seed,
            profile,
            ..NewRun::new(RunId::new("scheduled").unwrap())
        };
        let (image, calls) = (MemoryJournal::new(), Vec::new());
        Self { schedule: schedule.clone(), clock, world, pacer, new, image, calls }
    }

    /// Lets a process live for so long, or to its end.
    async fn live(&mut self, rolls_back: bool, lifetime: Duration) -> Option<Rest> {
        let life = Life::new(&self.image, &self.new.run, None);
        let engine = Engine::new(life.journal())
            .with_clock(Arc::new(self.clock.restarted()))
            .with_pacer(Arc::clone(&self.pacer));
        let workflow = self.schedule.blueprint.workflow(&self.world, self.schedule.limits());
        let workflow = workflow.unwrap();
        let (workflow, run) = (life.probe(workflow), &self.new.run);
        let played = async {
            match (life.history(), rolls_back) {
                (None, _) => engine.start(&workflow, self.new.clone()).await,
                (Some(_), false) => engine.resume(&workflow, run, Resume::default()).await,
                (Some(_), true) => engine.roll_back(&workflow, run, Resume::default()).await,
            }
        };
        let rest = tokio::select! {
            ended = played => Some(ended.unwrap().rest().clone()),
            () = self.clock.sleep(lifetime) => None,
        };
        self.image = life.journal().durable();
        self.calls.extend(life.calls());
        rest
    }
}

/// Whom a fault is for, as the world names it.
fn fault_target(blueprint: &Blueprint, op: Op, about: usize) -> String {
    let sketch = &blueprint.actions[about % blueprint.actions.len()];
    match (op, sketch.kind) {
        (Op::List, _) => "scheduled".into(),
        (_, SketchKind::Part(whole)) => {
            format!("{}/{}", blueprint.actions[whole].name, sketch.name)
        }
        (_, SketchKind::Watch(thing)) => blueprint.actions[thing].name.clone(),
        (_, SketchKind::Thing) => sketch.name.clone(),
    }
}

async fn play(schedule: Schedule) -> Result<(), TestCaseError> {
    let mut story = Story::new(&schedule);
    let before = story.world.holdings();
    for spell in &schedule.spells {
        story.live(spell.rolls_back, Duration::from_millis(spell.lifetime_ms)).await;
    }
    let mut rests = Vec::new();
    let reached = loop {
        let rest = story.live(schedule.rolls_back, Duration::from_hours(100)).await;
        let end = match rest {
            Some(Rest::RolledBack) => true,
            Some(Rest::Completed) => !schedule.rolls_back,
            _ => false,
        };
        rests.push(rest);
        if end || rests.len() > SPELLS_MAX {
            break end;
        }
    };
    prop_assert!(reached, "no end: {:?}", rests);
    story.clock.sleep(Duration::from_hours(2)).await;
    let history = Life::new(&story.image, &story.new.run, None).history().unwrap();
    let mut found = check(&Evidence {
        history: &history,
        before: &before,
        after: &story.world.holdings(),
        calls: &story.calls,
        limits: &schedule.limits(),
    });
    if !schedule.throttles.is_empty() {
        // Who waits for a turn goes on after more than the stored delay, and no record tells.
        found.retain(|it| it.invariant != Invariant::BudgetsKept);
        let failed = history.records.iter().find(|record| is_failed(&record.entry));
        prop_assert!(failed.is_none(), "only throttling: {:?}", failed);
    }
    prop_assert!(found.is_empty(), "{:?}", found);
    let impatient = history.records.iter().find(|record| is_impatient(&record.entry));
    prop_assert!(impatient.is_none(), "all is there within seconds: {:?}", impatient);
    Ok(())
}

/// Whether something has failed that is more than a request too many.
fn is_failed(entry: &Entry) -> bool {
    match entry {
        Entry::AttemptFailed { failure, .. } | Entry::CompensationFailed { failure, .. } => {
            failure.class != FailureClass::Throttled
        }
        Entry::ActionFailed { .. } | Entry::CompensationGaveUp { .. } => true,
        _ => false,
    }
}

/// Whether something was waited for in vain.
fn is_impatient(entry: &Entry) -> bool {
    match entry {
        Entry::ActionFailed { failure, .. } => failure.message.starts_with("gave up after"),
        Entry::CompensationGaveUp { failure, .. } => {
            failure.message.starts_with("still there after")
        }
        _ => false,
    }
}

/// How many schedules are played; `LAB1_FLOW_SCHEDULES` asks for more.
fn cases() -> u32 {
    let asked = std::env::var("LAB1_FLOW_SCHEDULES").ok();
    asked.and_then(|count| count.parse().ok()).unwrap_or(300)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases(),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "tests/fault_schedules.seeds",
        ))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_schedule_of_faults_and_deaths_reaches_its_end(schedule in schedules()) {
        on_paused_time(play(schedule))?;
    }

    #[test]
    fn throttling_alone_fails_nothing_and_waiting_for_a_turn_is_no_try(schedule in throttled()) {
        on_paused_time(play(schedule))?;
    }

    #[test]
    fn a_run_that_turns_around_while_a_doubt_is_open_leaves_nothing(schedule in turning()) {
        on_paused_time(play(schedule))?;
    }
}

fn on_paused_time<T>(story: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(story)
}
