//! Goal: tasks of one process that go for one run at once neither double an effect nor leave one. Method: real threads
//! on a sled journal; the world lets everything be made twice, and shows nothing before it is whole.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{Arc, Mutex};

use lab1_flow_workflow::journal::{JournalError, Rest, RunId, SledJournal};
use lab1_flow_workflow::{
    Action, ActionContext, ActionError, Actions, Compensate, Engine, EngineError, NewRun, Profile,
    Progress, Reconciled, Resume, RunReport, Step, StopSignal, Wait, Workflow,
};
use serde::{Deserialize, Serialize};
use tokio::sync::Barrier;

/// What is there: the names of the things, doubles included.
type World = Arc<Mutex<Vec<String>>>;

/// Makes a thing of the action's name; it takes a while, and is there at its end only.
#[derive(Debug)]
struct Make(World);

impl Action for Make {
    type Input = ();
    type Output = ();

    async fn execute(&self, cx: &ActionContext, (): &()) -> Result<(), ActionError> {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        self.0.lock().unwrap().push(cx.action().to_string());
        Ok(())
    }

    async fn reconcile(&self, cx: &ActionContext, (): &()) -> Result<Reconciled<()>, ActionError> {
        let there = self.0.lock().unwrap().iter().any(|it| it == cx.action().as_str());
        Ok(if there { Reconciled::Adopted(()) } else { Reconciled::Absent })
    }
}

impl Compensate for Make {
    async fn compensate(
        &self,
        cx: &ActionContext,
        (): &(),
        (): &(),
    ) -> Result<Progress<()>, ActionError> {
        let mut things = self.0.lock().unwrap();
        let found = things.iter().position(|it| it == cx.action().as_str());
        Ok(match found {
            Some(place) => {
                things.remove(place);
                Progress::Waiting(Wait::new("it is being removed"))
            }
            None => Progress::Done(()),
        })
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Row;

impl Step for Row {
    const NAME: &'static str = "row";
    const VERSION: u32 = 1;
    type Needs = World;
    type Offers = ();

    fn title(&self) -> String {
        "four things".into()
    }

    fn define(&self, world: World, actions: &mut Actions<'_>) {
        let make = |name: &str, needs, actions: &mut Actions<'_>| {
            actions.change(name, name, Make(world.clone()), needs, |_| ())
        };
        let one = make("one", None, actions);
        let two = make("two", Some(one), actions);
        make("three", Some(one), actions);
        make("four", Some(two), actions);
    }
}

/// What a task asks for until it is not refused any more.
async fn ask(engine: Engine, workflow: Workflow, run: RunId, back: bool) -> RunReport {
    loop {
        let how = Resume { now: true, ..Resume::default() };
        let ended = if back {
            engine.roll_back(&workflow, &run, how).await
        } else {
            engine.resume(&workflow, &run, how).await
        };
        match ended {
            Err(EngineError::Journal(JournalError::Held { by, .. })) => {
                assert!(by.is_here, "{by}");
                tokio::task::yield_now().await;
            }
            ended => return ended.unwrap(),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tasks_that_go_for_one_run_at_once_double_nothing_and_leave_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Arc::new(SledJournal::create(&dir.path().join("journal")).unwrap());
    for round in 0..60_u32 {
        let run = RunId::new(&format!("run-{round}")).unwrap();
        let world = World::default();
        let mut builder = Workflow::builder("row");
        builder.step(&Row, world.clone());
        let workflow = builder.build().unwrap();
        // A run that rests before its first call.
        let stop = StopSignal::new();
        stop.request();
        // Seen or not, all is as it is: nothing comes late here.
        let profile = Profile { window_usual_ms: 0, window_slow_ms: 0, ..Profile::scaled(1e6) };
        let new = NewRun { profile, ..NewRun::new(run.clone()) };
        let engine = Engine::new(journal.clone());
        engine.clone().with_stop(stop).start(&workflow, new).await.unwrap();

        let start = Arc::new(Barrier::new(4));
        let tasks = [false, true, false, round % 2 == 0].map(|back| {
            let (engine, workflow, run) = (engine.clone(), workflow.clone(), run.clone());
            let start = start.clone();
            tokio::spawn(async move {
                start.wait().await;
                ask(engine, workflow, run, back).await
            })
        });
        for task in tasks {
            let rest = task.await.unwrap().rest().clone();
            assert!(matches!(rest, Rest::Completed | Rest::RolledBack), "round {round}: {rest:?}");
            let things = world.lock().unwrap().clone();
            let distinct: std::collections::BTreeSet<_> = things.iter().collect();
            assert_eq!(distinct.len(), things.len(), "round {round}: doubled in {things:?}");
        }
        assert!(world.lock().unwrap().is_empty(), "round {round}: something is left");
    }
}
