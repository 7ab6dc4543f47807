//! Goal: a new build goes on with old runs or says why not, and what an author's code gets wrong costs its own action
//! and no more. Method: actions whose types and moods are chosen by each test, on a paused clock.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod handles;
mod panics;
mod reads;
mod steps;
mod stores;

use std::collections::BTreeMap;
use std::future::pending;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use lab1_flow_workflow::journal::{Journal, MemoryJournal, OnFailure, Rest, RunId};
use lab1_flow_workflow::testing::PausedClock;
use lab1_flow_workflow::{
    Action, ActionContext, ActionError, Actions, Clock, Compensate, Engine, EngineError, Handle,
    Look, NewRun, Payload, Progress, Reconciled, Resume, RunReport, Step, Wait, Workflow,
    WorkflowBuilder,
};
use serde::{Deserialize, Serialize};

/// What is there, by the names of the actions that made it, and how each action fares.
#[derive(Debug, Clone, Default)]
struct Things(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    there: Vec<String>,
    attempts: u32,
    moods: BTreeMap<String, Mood>,
}

/// How an action fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    /// The provider turns us away.
    Offline,
    /// It has its effect, and is never answered.
    Hangs,
    /// It fails for good, and has its effect all the same.
    Lies,
    /// It fails for good with a very long text.
    Shouts,
    /// It cannot be taken back.
    Stays,
    /// Taking it back is never answered.
    HangsBack,
    PanicsBefore,
    PanicsAfter,
    PanicsInLook,
    PanicsInRemoval,
}

impl Things {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    fn there(&self) -> Vec<String> {
        self.lock().there.clone()
    }

    fn attempts(&self) -> u32 {
        self.lock().attempts
    }

    fn feel(&self, action: &str, mood: Mood) {
        self.lock().moods.insert(action.to_owned(), mood);
    }

    fn calm(&self) {
        self.lock().moods.clear();
    }

    fn mood(&self, cx: &ActionContext) -> Option<Mood> {
        self.lock().moods.get(cx.action().as_str()).copied()
    }

    fn put(&self, cx: &ActionContext) {
        self.lock().there.push(cx.action().to_string());
    }
}

/// Makes a thing, and tells of it what it is told to.
struct Make<I, O> {
    things: Things,
    tell: fn() -> O,
    input: PhantomData<fn() -> I>,
}

impl<I, O> Make<I, O> {
    fn new(things: &Things, tell: fn() -> O) -> Self {
        Self { things: things.clone(), tell, input: PhantomData }
    }
}

impl<I, O> std::fmt::Debug for Make<I, O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Make")
    }
}

impl<I: Payload, O: Payload> Action for Make<I, O> {
    type Input = I;
    type Output = O;

    async fn execute(&self, cx: &ActionContext, _: &I) -> Result<O, ActionError> {
        self.things.lock().attempts += 1;
        match self.things.mood(cx) {
            Some(Mood::Offline) => {
                return Err(ActionError::unreachable("no network").with_code("Offline"));
            }
            Some(Mood::Shouts) => return Err(ActionError::permanent("x".repeat(20 << 20))),
            Some(Mood::PanicsBefore) => panic!("no way to {}", cx.action()),
            _ => self.things.put(cx),
        }
        match self.things.mood(cx) {
            Some(Mood::Hangs) => pending().await,
            Some(Mood::Lies) => Err(ActionError::permanent("it did not happen")),
            Some(Mood::PanicsAfter) => panic!("made {}", cx.action()),
            _ => Ok((self.tell)()),
        }
    }

    async fn reconcile(&self, cx: &ActionContext, _: &I) -> Result<Reconciled<O>, ActionError> {
        assert!(self.things.mood(cx) != Some(Mood::PanicsInLook), "it cannot be looked for");
        let is_there = self.things.there().iter().any(|it| it == cx.action().as_str());
        Ok(if is_there { Reconciled::Adopted((self.tell)()) } else { Reconciled::Absent })
    }
}

impl<I: Payload, O: Payload> Compensate for Make<I, O> {
    async fn compensate(
        &self,
        cx: &ActionContext,
        _: &I,
        _: &O,
    ) -> Result<Progress<()>, ActionError> {
        match self.things.mood(cx) {
            Some(Mood::Stays) => return Err(ActionError::permanent("it stays")),
            Some(Mood::HangsBack) => pending().await,
            Some(Mood::PanicsInRemoval) => panic!("it cannot be removed"),
            _ => {}
        }
        let mut inner = self.things.lock();
        let found = inner.there.iter().position(|it| it == cx.action().as_str());
        Ok(match found {
            Some(place) => {
                inner.there.remove(place);
                Progress::Waiting(Wait::new("it is being removed"))
            }
            None => Progress::Done(()),
        })
    }
}

/// Looks, and tells what it is told to.
#[derive(Debug)]
struct Watch<O>(fn() -> O);

impl<O: Payload> Look for Watch<O> {
    type Input = ();
    type Output = O;

    async fn look(&self, _: &ActionContext, (): &()) -> Result<Progress<O>, ActionError> {
        Ok(Progress::Done((self.0)()))
    }
}

/// What a step declares; the step itself is data alone.
type Define = Box<dyn FnOnce(&mut Actions<'_>)>;

macro_rules! step {
    ($step:ident, $name:literal, { $($field:tt)* }) => {
        #[derive(Debug, Clone, Serialize, Deserialize)]
        struct $step { $($field)* }

        impl Step for $step {
            const NAME: &'static str = $name;
            const VERSION: u32 = 1;
            type Needs = Define;
            type Offers = ();

            fn title(&self) -> String {
                $name.into()
            }

            fn define(&self, define: Define, actions: &mut Actions<'_>) {
                define(actions);
            }
        }
    };
}
use step;

step!(Only, "only", {});

fn flow(declare: impl FnOnce(&mut WorkflowBuilder)) -> Workflow {
    let mut builder = Workflow::builder("flow");
    declare(&mut builder);
    builder.build().unwrap()
}

/// Two things, `b` on `a`, of which `a` tells this.
fn a_and_b<O: Payload>(things: &Things, tell: fn() -> O) -> Workflow {
    let things = things.clone();
    let define: Define = Box::new(move |actions| {
        let a = actions.change("a", "a", Make::<(), O>::new(&things, tell), (), |()| ());
        plain(actions, &things, "b", a);
    });
    flow(|builder| builder.step(&Only {}, define))
}

/// A thing that tells nothing.
fn plain<O: Payload>(
    actions: &mut Actions<'_>,
    things: &Things,
    name: &str,
    on: impl Into<Option<Handle<O>>>,
) -> Handle<()> {
    actions.change(name, name, Make::<(), ()>::new(things, || ()), on.into(), |_| ())
}

/// One run; every call of a method is a process of its own.
struct Rig {
    clock: PausedClock,
    journal: Arc<MemoryJournal>,
    new: NewRun,
    things: Things,
}

impl Rig {
    fn new() -> Self {
        Self {
            clock: PausedClock::new(),
            journal: Arc::new(MemoryJournal::new()),
            new: NewRun::new(RunId::new("story").unwrap()),
            things: Things::default(),
        }
    }

    fn taking_back() -> Self {
        let mut rig = Self::new();
        rig.new.on_failure = OnFailure::Rollback;
        rig
    }

    fn engine(&self) -> Engine {
        Engine::new(self.journal.clone()).with_clock(Arc::new(self.clock.restarted()))
    }

    async fn start(&self, workflow: &Workflow) -> Rest {
        rest(self.engine().start(workflow, self.new.clone()).await)
    }

    /// Starts the run in a process that dies a second later.
    async fn start_and_die(&self, workflow: &Workflow) {
        self.die_in(self.engine().start(workflow, self.new.clone())).await;
    }

    async fn die_in(&self, driver: impl Future<Output = Result<RunReport, EngineError>>) {
        tokio::select! {
            ended = driver => panic!("it ended before its death: {ended:?}"),
            () = self.clock.sleep(Duration::from_secs(1)) => {}
        }
    }

    async fn resume(&self, workflow: &Workflow) -> Result<RunReport, EngineError> {
        self.engine().resume(workflow, &self.new.run, Resume::default()).await
    }

    async fn roll_back(&self, workflow: &Workflow) -> Result<RunReport, EngineError> {
        self.engine().roll_back(workflow, &self.new.run, Resume::default()).await
    }

    async fn records(&self) -> usize {
        self.journal.read(&self.new.run).await.unwrap().records.len()
    }
}

fn rest(ended: Result<RunReport, EngineError>) -> Rest {
    ended.unwrap().rest().clone()
}

/// An error with what lies below it.
fn whole(error: &EngineError) -> String {
    let below = std::error::Error::source(error);
    below.map_or_else(|| error.to_string(), |below| format!("{error}: {below}"))
}
