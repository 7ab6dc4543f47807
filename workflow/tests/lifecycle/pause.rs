//! Pauses: one that was asked for at the start, and those that a resume asks for.

use lab1_flow_workflow::testing::Op;

use super::*;

/// A run that has paused after the first of its three steps.
async fn paused() -> Rig {
    let mut rig = Rig::new(&Blueprint::chain());
    rig.workflow = change::three_steps(&rig.world);
    rig.new.until = Some(StepName::new("first").unwrap());
    assert_eq!(rig.start().await, Rest::Paused);
    rig
}

fn until(step: &str) -> Resume {
    Resume { until: Some(StepName::new(step).unwrap()), ..Resume::default() }
}

#[tokio::test(start_paused = true)]
async fn a_paused_run_is_led_to_a_second_pause_and_from_there_to_its_end() {
    let rig = paused().await;
    assert_eq!(rest(rig.resume_as(until("second")).await), Rest::Paused);
    assert_eq!(rig.names(), ["first-thing", "second-thing"]);
    assert_eq!(rig.resume().await, Rest::Completed);
    assert_eq!(rig.names(), ["first-thing", "second-thing", "third-thing"]);
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_a_resume_asked_for_outlives_the_process_that_was_asked() {
    let rig = paused().await;
    let engine = rig.engine();
    tokio::select! {
        ended = engine.resume(&rig.workflow, &rig.new.run, until("second")) => {
            panic!("it ended before its death: {ended:?}")
        }
        () = rig.clock.sleep(millis(1)) => {}
    }
    assert_eq!(rig.lines().await.last().unwrap(), "second-thing begun 1");
    assert_eq!(rig.resume().await, Rest::Paused);
    assert_eq!(rig.names(), ["first-thing", "second-thing"]);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_died_on_its_way_takes_another_pause() {
    let mut rig = Rig::new(&Blueprint::chain());
    rig.workflow = change::three_steps(&rig.world);
    rig.new.until = Some(StepName::new("first").unwrap());
    rig.start_for(millis(1)).await;
    assert_eq!(rest(rig.resume_as(until("second")).await), Rest::Paused);
    assert_eq!(rig.names(), ["first-thing", "second-thing"]);
}

#[tokio::test(start_paused = true)]
async fn a_rollback_does_not_pause() {
    let rig = paused().await;
    rig.world.order_fault(Op::Remove, "first-thing", refused(FailureClass::Permanent));
    assert!(matches!(rig.roll_back().await, Rest::Stuck { .. }));
    assert_eq!(rest(rig.resume_as(until("second")).await), Rest::RolledBack);
}

#[tokio::test(start_paused = true)]
async fn a_pause_after_a_step_that_is_not_there_is_refused_and_nothing_is_sent() {
    let rig = paused().await;
    let before = rig.history().await.records.len();
    assert!(rig.resume_as(until("fourth")).await.is_err());
    assert_eq!(rig.history().await.records.len(), before);
    assert_eq!(rig.names(), ["first-thing"]);
}
