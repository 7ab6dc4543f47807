//! Who drives a run in one process: one at a time.

use lab1_flow_workflow::journal::{JournalError, Record, RunState};
use lab1_flow_workflow::{Observer, Silent};

use super::*;

/// A world in which an effect comes a while after its call, is seen later still, and can be doubled.
fn slow() -> Rig {
    let habits = Habits {
        latency: millis(600),
        lag: millis(2_000),
        names_are_unique: false,
        ..Habits::default()
    };
    Rig::with(&Blueprint::default().thing("a", &[]).thing("b", &[0]), habits, Limits::default())
}

/// Says which of two drivers was refused, and that the other one ended so.
fn one_was_refused(ended: [Result<RunReport, EngineError>; 2]) -> Rest {
    let is_held = |it: &Result<RunReport, EngineError>| matches!(it, Err(EngineError::Journal(JournalError::Held { by, .. })) if by.is_here);
    let [one, other] = ended;
    match (is_held(&one), is_held(&other)) {
        (false, true) => rest(one),
        (true, false) => rest(other),
        _ => panic!("one of two drivers must be refused: {one:?}; {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_that_drive_a_run_in_one_process_one_is_refused_and_nothing_is_doubled() {
    let rig = slow();
    let late = async {
        rig.clock.sleep(millis(100)).await;
        rig.resume_as(Resume::default()).await
    };
    let first = rig.engine();
    let (first, second) = tokio::join!(first.start(&rig.workflow, rig.new.clone()), late);
    assert_eq!(one_was_refused([first, second]), Rest::Completed);
    assert_eq!(rig.names(), ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn a_rollback_beside_a_driver_in_one_process_is_refused_and_leaves_nothing_afterwards() {
    let mut rig = slow();
    // What is not seen is believed absent at once.
    rig.new.profile.window_usual_ms = 0;
    let late = async {
        rig.clock.sleep(millis(100)).await;
        rig.engine().roll_back(&rig.workflow, &rig.new.run, Resume::default()).await
    };
    let first = rig.engine();
    let (first, second) = tokio::join!(first.start(&rig.workflow, rig.new.clone()), late);
    assert_eq!(one_was_refused([first, second]), Rest::Completed);
    assert_eq!(rig.roll_back().await, Rest::RolledBack);
    assert!(rig.names().is_empty(), "{:?}", rig.names());
}

#[tokio::test(start_paused = true)]
async fn every_verb_is_refused_while_a_run_is_driven_and_writes_nothing() {
    let rig = Rig::new(&Blueprint::chain());
    rig.start_for(millis(1)).await;
    let (run, before) = (rig.new.run.clone(), rig.lines().await);
    let lease = rig.journal.claim(&run).await.unwrap();
    let engine = rig.engine();
    let again = || Resume::default();
    for refused in [
        engine.start(&rig.workflow, rig.new.clone()).await.map(drop),
        engine.resume(&rig.workflow, &run, again()).await.map(drop),
        engine.roll_back(&rig.workflow, &run, again()).await.map(drop),
        engine.recover(&rig.workflow, &run, again()).await.map(drop),
        engine.skip(&run, &[action("a")], "it stays").await.map(drop),
    ] {
        let error = refused.unwrap_err().to_string();
        assert!(error.starts_with("run story is held by this process"), "{error}");
    }
    assert_eq!(rig.lines().await, before);
    drop(lease);
    assert_eq!(rig.resume().await, Rest::Completed);
}

#[derive(Debug)]
struct Broken;

impl Observer for Broken {
    fn recorded(&self, _: &[Record], _: &RunState) {
        panic!("the observer is broken");
    }

    fn waiting(&self, _: &ActionName, _: &str, _: Duration) {}
}

#[tokio::test(start_paused = true)]
async fn a_driver_that_is_dropped_aborted_or_panics_gives_the_run_back() {
    let rig = Rig::new(&Blueprint::chain());
    rig.start_for(millis(1)).await;
    let drive = |observer: Arc<dyn Observer>| {
        let (engine, workflow) = (rig.engine().with_observer(observer), rig.workflow.clone());
        let run = rig.new.run.clone();
        tokio::spawn(async move { engine.resume(&workflow, &run, Resume::default()).await })
    };
    let aborted = drive(Arc::new(Silent));
    tokio::task::yield_now().await;
    assert!(rig.resume_as(Resume::default()).await.is_err(), "it is driven");
    aborted.abort();
    assert!(aborted.await.unwrap_err().is_cancelled());
    assert!(drive(Arc::new(Broken)).await.unwrap_err().is_panic());
    assert_eq!(rig.resume().await, Rest::Completed);
}
