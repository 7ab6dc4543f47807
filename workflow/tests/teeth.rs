//! Goal: every check of the crash sweep can fail. Method: actions, journals and engines are broken on
//! purpose, one at a time, and each must be caught by the invariant that it breaks.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use lab1_flow_workflow::journal::{
    ActionName, Entry, FailureClass, History, MemoryJournal, OnFailure, Record, RunId, Seq,
};
use lab1_flow_workflow::testing::{
    self, Blueprint, Call, CrashSweep, Evidence, Fault, Habits, Holdings, Invariant, Life, Made,
    MakeThing, Op, Order, PausedClock, Scene, Tally, ThingInput, Verb, Violation, World, check,
    without_direction,
};
use lab1_flow_workflow::{
    Action, ActionContext, ActionError, Actions, Compensate, Engine, Handle, Limits, NewRun,
    Profile, Progress, Reconciled, Step, Workflow,
};
use serde::{Deserialize, Serialize};

/// What is wrong with an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Flaw {
    /// Nothing: the control.
    None,
    /// Its look always says that there is nothing.
    SeesNothing,
    /// Each attempt has a token of its own.
    TokenPerAttempt,
    /// It takes whatever has its name for its own.
    SkipsMark,
    /// It acts while its input is built, before there is an intent.
    ActsEarly,
}

/// [`MakeThing`] with a flaw.
#[derive(Debug, Clone)]
struct Flawed {
    sound: MakeThing,
    flaw: Flaw,
}

impl Action for Flawed {
    type Input = ThingInput;
    type Output = Made;

    async fn execute(&self, cx: &ActionContext, input: &ThingInput) -> Result<Made, ActionError> {
        if self.flaw == Flaw::ActsEarly {
            let found = self.sound.world.find(&input.name).await?;
            return found.map(|seen| Made { id: seen.id }).ok_or(ActionError::transient("unseen"));
        }
        let mut order = Order::of(cx, &input.name, &input.content, input.stands_on.clone());
        if self.flaw == Flaw::TokenPerAttempt {
            order.token = format!("{}-{}", cx.token(), cx.attempt());
        }
        Ok(Made { id: self.sound.world.make(order).await? })
    }

    async fn reconcile(
        &self,
        cx: &ActionContext,
        input: &ThingInput,
    ) -> Result<Reconciled<Made>, ActionError> {
        match self.flaw {
            Flaw::SeesNothing => Ok(Reconciled::Absent),
            Flaw::SkipsMark => Ok(match self.sound.world.find(&input.name).await? {
                Some(seen) => Reconciled::Adopted(Made { id: seen.id }),
                None => Reconciled::Absent,
            }),
            _ => self.sound.reconcile(cx, input).await,
        }
    }
}

impl Compensate for Flawed {
    async fn compensate(
        &self,
        cx: &ActionContext,
        input: &ThingInput,
        made: &Made,
    ) -> Result<Progress<()>, ActionError> {
        if self.flaw == Flaw::SkipsMark {
            self.sound.world.destroy(&input.name);
            return Ok(Progress::Done(()));
        }
        self.sound.compensate(cx, input, made).await
    }
}

/// A step with one sound thing and a flawed one on it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Toothless {
    flaw: Flaw,
}

impl Step for Toothless {
    const NAME: &'static str = "toothless";
    const VERSION: u32 = 1;
    type Needs = (World, RunId);
    type Offers = Handle<Made>;

    fn title(&self) -> String {
        format!("{:?}", self.flaw)
    }

    fn define(&self, (world, run): (World, RunId), actions: &mut Actions<'_>) -> Handle<Made> {
        let sound = MakeThing { world: world.clone(), limits: Limits::default() };
        let below = actions.change("below", "below", sound.clone(), (), |()| input("below"));
        let flaw = self.flaw;
        actions.change("above", "above", Flawed { sound, flaw }, below, move |_below| {
            let input = input("above");
            if flaw == Flaw::ActsEarly {
                world.put(early(&input, &run));
            }
            input
        })
    }
}

fn early(input: &ThingInput, run: &RunId) -> Order {
    Order {
        name: input.name.clone(),
        content: input.content.clone(),
        stands_on: input.stands_on.clone(),
        mark: run.to_string(),
        maker: ActionName::new("above").unwrap(),
        token: "early".into(),
    }
}

fn input(name: &str) -> ThingInput {
    ThingInput { name: name.into(), content: "plain".into(), stands_on: Vec::new() }
}

/// A scene with a flaw, and what makes it show.
#[derive(Debug, Clone)]
struct Broken {
    flaw: Flaw,
    names_are_unique: bool,
    foreign: bool,
    /// Whether a rollback takes what others stand on for what stands on them.
    upside_down: bool,
}

impl Broken {
    fn with(flaw: Flaw) -> Self {
        Self { flaw, names_are_unique: true, foreign: false, upside_down: false }
    }

    async fn sweep(self) -> Tally {
        CrashSweep::new(self).second_death_every(0).run().await
    }
}

fn run_id() -> RunId {
    RunId::new("broken").unwrap()
}

fn new_run() -> NewRun {
    let profile = Profile { window_usual_ms: 4_000, window_slow_ms: 6_000, ..Profile::default() };
    NewRun { profile, ..NewRun::new(run_id()) }
}

impl Scene for Broken {
    type World = World;

    fn world(&self, clock: &PausedClock) -> World {
        let habits = Habits { names_are_unique: self.names_are_unique, ..Habits::default() };
        let world = World::new(Arc::new(clock.clone()), habits);
        if self.foreign {
            world.plant("above", "plain", Some("another-run"));
        }
        world
    }

    fn workflow(&self, world: &World, _: &Life) -> Workflow {
        let mut builder = Workflow::builder("broken");
        builder.step(&Toothless { flaw: self.flaw }, (world.clone(), run_id()));
        builder.build().unwrap()
    }

    fn new_run(&self) -> NewRun {
        new_run()
    }

    async fn holdings(&self, world: &World) -> Holdings {
        world.holdings()
    }
}

#[track_caller]
fn assert_caught(tally: &Tally, invariant: Invariant) {
    assert!(tally.has_caught(invariant), "{invariant} must be violated: {:?}", tally.violations);
}

#[tokio::test(start_paused = true)]
async fn without_a_flaw_nothing_is_caught() {
    let tally = Broken::with(Flaw::None).sweep().await;
    tally.assert_clean();
    assert!(tally.deaths > 20, "{tally:?}");
}

#[tokio::test(start_paused = true)]
async fn a_look_that_sees_nothing_doubles_things_or_leaves_them() {
    let free_names = Broken { names_are_unique: false, ..Broken::with(Flaw::SeesNothing) };
    assert_caught(&free_names.sweep().await, Invariant::NoDuplicate);
    assert_caught(&Broken::with(Flaw::SeesNothing).sweep().await, Invariant::NothingLeft);
}

#[tokio::test(start_paused = true)]
async fn acting_before_the_intent_is_durable_is_caught() {
    assert_caught(&Broken::with(Flaw::ActsEarly).sweep().await, Invariant::IntentFirst);
}

#[tokio::test(start_paused = true)]
async fn a_token_for_each_attempt_is_caught() {
    let tally = Broken::with(Flaw::TokenPerAttempt).sweep().await;
    assert_caught(&tally, Invariant::SameRequest);
}

#[tokio::test(start_paused = true)]
async fn taking_a_foreign_thing_for_ours_is_caught() {
    let broken = Broken { foreign: true, ..Broken::with(Flaw::SkipsMark) };
    assert_caught(&broken.sweep().await, Invariant::NothingLeft);
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_loses_its_last_acknowledged_write_is_caught() {
    let sweep = CrashSweep::new(Broken::with(Flaw::None)).second_death_every(0);
    assert_caught(&sweep.losing_last_write().run().await, Invariant::IntentFirst);
}

/// A finished run that is rolled back.
#[derive(Debug)]
struct Rollback(Broken);

impl Scene for Rollback {
    type World = World;

    fn world(&self, clock: &PausedClock) -> World {
        self.0.world(clock)
    }

    fn workflow(&self, world: &World, life: &Life) -> Workflow {
        let workflow = self.0.workflow(world, life);
        let begun = life.history().is_some_and(|history| !history.records.is_empty());
        if self.0.upside_down && begun {
            testing::Flaw::UpsideDown.in_a(workflow)
        } else {
            workflow
        }
    }

    fn new_run(&self) -> NewRun {
        new_run()
    }

    async fn holdings(&self, world: &World) -> Holdings {
        world.holdings()
    }

    fn prelude(&self) -> &[Verb] {
        &[Verb::Start]
    }

    fn verb(&self) -> Verb {
        Verb::RollBack
    }
}

#[tokio::test(start_paused = true)]
async fn a_direction_that_is_not_recorded_is_caught() {
    let sound = CrashSweep::new(Rollback(Broken::with(Flaw::None))).second_death_every(0);
    sound.run().await.assert_clean();
    let sweep = CrashSweep::new(Rollback(Broken::with(Flaw::None))).second_death_every(0);
    let tally = sweep.forgetting(without_direction).run().await;
    assert_caught(&tally, Invariant::NothingMissing);
}

#[tokio::test(start_paused = true)]
async fn taking_back_in_forward_order_is_caught() {
    let upside_down = Rollback(Broken { upside_down: true, ..Broken::with(Flaw::None) });
    let tally = CrashSweep::new(upside_down).second_death_every(0).run().await;
    assert_caught(&tally, Invariant::DependentsFirst);
}

/// A sound history of one finished run, with its calls.
async fn finished(clock: &PausedClock) -> (History, Vec<Call>) {
    let world = World::new(Arc::new(clock.clone()), Habits::default());
    world.order_fault(Op::Make, "b", Fault::Refused(FailureClass::Transient));
    let life = Life::new(&MemoryJournal::new(), &run_id(), None);
    let engine = Engine::new(life.journal()).with_clock(Arc::new(clock.clone()));
    let workflow = life.probe(Blueprint::chain().workflow(&world, Limits::default()).unwrap());
    engine.start(&workflow, new_run()).await.unwrap();
    (life.history().unwrap(), life.calls())
}

/// Judges a history and its calls alone.
fn judge(history: &History, calls: &[Call]) -> Vec<Violation> {
    let (nothing, limits) = (Holdings::new(), Limits { tries_max: 2, ..Limits::default() });
    let evidence = Evidence { history, before: &nothing, after: &nothing, calls, limits: &limits };
    let mut found = check(&evidence);
    // The world is left out here.
    found.retain(|it| it.invariant != Invariant::NothingMissing);
    found
}

#[track_caller]
fn assert_forged(history: &History, calls: &[Call], invariant: Invariant) {
    let found = judge(history, calls);
    assert!(found.iter().any(|it| it.invariant == invariant), "{invariant}: {found:?}");
}

#[tokio::test(start_paused = true)]
async fn a_forged_history_is_caught() {
    let (history, calls) = finished(&PausedClock::new()).await;
    assert_eq!(judge(&history, &calls), []);

    let mut hole = history.clone();
    hole.records.remove(2);
    assert_forged(&hole, &calls, Invariant::LegalHistory);

    let mut calls_on = calls.clone();
    calls_on[1].after_lost_append = true;
    assert_forged(&history, &calls_on, Invariant::LostAppendEndsAll);

    let mut other_input = calls.clone();
    other_input[1].input = serde_json::json!("another");
    assert_forged(&history, &other_input, Invariant::SameRequest);

    let mut early = calls.clone();
    early[1].durable_records = 0;
    assert_forged(&history, &early, Invariant::IntentFirst);
}

#[tokio::test(start_paused = true)]
async fn forged_delays_are_caught() {
    let (history, calls) = finished(&PausedClock::new()).await;
    let failed = |record: &Record| matches!(record.entry, Entry::AttemptFailed { .. });
    let place = history.records.iter().position(failed).unwrap();

    for shift_ms in [-100, 1_000] {
        let mut shifted = history.clone();
        for record in &mut shifted.records[place + 1..] {
            record.at.0 += shift_ms;
        }
        assert_forged(&shifted, &calls, Invariant::BudgetsKept);
    }

    let mut endless = history.clone();
    if let Entry::AttemptFailed { retry, .. } = &mut endless.records[place].entry {
        retry.delay_ms = 3_600_000;
    }
    assert_forged(&endless, &calls, Invariant::BudgetsKept);
}

#[tokio::test(start_paused = true)]
async fn a_forged_try_too_many_is_caught() {
    let (mut history, calls) = finished(&PausedClock::new()).await;
    let failed = |record: &Record| matches!(record.entry, Entry::AttemptFailed { .. });
    let begun = history.records.iter().position(failed).unwrap() - 1;
    let again: Vec<_> = history.records[begun..begun + 2].to_vec();
    let Seq(first) = history.records[0].seq;
    history.records.splice(begun..begun, again);
    let mut attempts = 0;
    for (seq, record) in (first..).zip(&mut history.records) {
        record.seq = Seq(seq);
        match &mut record.entry {
            Entry::AttemptStarted { action, attempt, input, .. } if action.as_str() == "b" => {
                attempts += 1;
                *attempt = attempts;
                *input = input.take().filter(|_| attempts == 1);
            }
            Entry::AttemptFailed { attempt, .. } => *attempt = attempts,
            _ => {}
        }
    }
    let found = judge(&history, &calls);
    let what = "b is tried again after 2 failures";
    assert!(found.iter().any(|it| it.what == what), "{found:?}");
    assert!(!found.iter().any(|it| it.invariant == Invariant::LegalHistory), "{found:?}");
}

/// What a run may turn around for by itself, and what not.
#[tokio::test(start_paused = true)]
async fn a_run_that_turns_around_for_the_providers_trouble_is_caught() {
    let world = World::new(Arc::new(PausedClock::new()), Habits::default());
    world.order_fault(Op::Make, "b", Fault::Refused(FailureClass::Permanent));
    let life = Life::new(&MemoryJournal::new(), &run_id(), None);
    let engine = Engine::new(life.journal()).with_clock(Arc::new(PausedClock::new()));
    let workflow = life.probe(Blueprint::chain().workflow(&world, Limits::default()).unwrap());
    let new = NewRun { on_failure: OnFailure::Rollback, ..new_run() };
    engine.start(&workflow, new).await.unwrap();
    let (history, calls) = (life.history().unwrap(), life.calls());
    assert_eq!(judge(&history, &calls), []);
    for (class, caught) in [
        (FailureClass::Permanent, false),
        (FailureClass::Contended, false),
        (FailureClass::Transient, true),
        (FailureClass::Ambiguous, true),
        (FailureClass::Throttled, true),
        (FailureClass::Unreachable, true),
    ] {
        let mut forged = history.clone();
        for record in &mut forged.records {
            if let Entry::ActionFailed { failure, .. } = &mut record.entry {
                failure.class = class;
            }
        }
        let found = judge(&forged, &calls);
        let is_caught = found.iter().any(|it| it.invariant == Invariant::TurnsForCause);
        assert_eq!(is_caught, caught, "{class:?}: {found:?}");
    }
}

/// A failure for good, where the scene expects an end.
#[tokio::test(start_paused = true)]
async fn a_run_that_does_not_reach_its_end_is_caught() {
    let broken = Broken { foreign: true, ..Broken::with(Flaw::None) };
    let tally = broken.sweep().await;
    assert_caught(&tally, Invariant::ReachesAnEnd);
    assert!(!tally.has_caught(Invariant::NothingLeft), "foreign things stay: {tally:?}");
}
