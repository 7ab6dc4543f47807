//! Goal: every check of the crash sweep can fail. Method: actions, journals and engines are broken on
//! purpose, one at a time, and each must be caught by the invariant that it breaks.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod forged;

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
