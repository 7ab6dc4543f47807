//! The provider's own trouble deletes nothing: a run whose failures take everything back suspends instead.

use lab1_flow_workflow::testing::Op;

use super::*;

/// A run of three things in which whoever fails takes all back.
fn rig(tries_max: u32) -> Rig {
    let limits = Limits { tries_max, ..Limits::default() };
    let blueprint = Blueprint::default().thing("a", &[]).watch("w", 0).thing("b", &[1]);
    Rig::with(&blueprint, Habits::default(), limits).on_failure(OnFailure::Rollback)
}

fn order(rig: &Rig, op: Op, name: &str, class: FailureClass, times: u32) {
    for _ in 0..times {
        rig.world.order_fault(op, name, refused(class));
    }
}

#[tokio::test(start_paused = true)]
async fn server_errors_suspend_never_roll_back_and_a_resume_completes() {
    for (op, name, class) in [
        (Op::Watch, "a", FailureClass::Transient),
        (Op::Watch, "a", FailureClass::Ambiguous),
        (Op::Make, "b", FailureClass::Transient),
        (Op::Make, "b", FailureClass::Ambiguous),
    ] {
        let rig = rig(Limits::default().tries_max);
        order(&rig, op, name, class, 12);
        // A look changes nothing: nothing about it is in doubt.
        let seen = if op == Op::Watch { FailureClass::Transient } else { class };
        assert_eq!(suspended_by(&rig.start().await), Some(seen), "{op:?} {class:?}");
        assert_eq!(rig.names(), ["a"], "{op:?} {class:?}");
        assert_eq!(rig.resume().await, Rest::Completed, "{op:?} {class:?}");
        let lines = rig.lines().await;
        assert!(!lines.contains(&"rolling back".to_owned()), "{op:?} {class:?}: {lines:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn calls_that_are_never_answered_suspend_and_never_roll_back() {
    for op in [Op::Watch, Op::Make] {
        let rig = rig(2);
        for _ in 0..2 {
            rig.world.order_fault(op, if op == Op::Watch { "a" } else { "b" }, Fault::RequestLost);
        }
        assert!(suspended_by(&rig.start().await).is_some(), "{op:?}");
        assert_eq!(rig.resume().await, Rest::Completed, "{op:?}");
    }
}

/// Trap: the last look says that the name is held, which is no server error, and the tries were spent by those.
#[tokio::test(start_paused = true)]
async fn tries_that_server_errors_have_spent_never_roll_back_whatever_was_met_last() {
    let rig = rig(2);
    order(&rig, Op::Make, "b", FailureClass::Ambiguous, 2);
    rig.world.order_fault(Op::Find, "b", Fault::Stalled(Duration::ZERO));
    order(&rig, Op::Find, "b", FailureClass::Contended, 1);
    assert!(suspended_by(&rig.start().await).is_some());
    assert_eq!(rig.resume().await, Rest::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_stays_taken_is_a_failure_of_the_action_and_turns_the_run() {
    let rig = rig(Limits::default().tries_max);
    order(&rig, Op::Make, "b", FailureClass::Contended, 100);
    assert_eq!(rig.start().await, Rest::RolledBack);
}

#[tokio::test(start_paused = true)]
async fn patience_that_ends_is_a_failure_of_the_action_and_turns_the_run() {
    let habits = Habits { settling: Duration::from_hours(1), ..Habits::default() };
    let blueprint = Blueprint::default().thing("a", &[]).watch("w", 0);
    let rig = Rig::with(&blueprint, habits, Limits::default()).on_failure(OnFailure::Rollback);
    assert_eq!(rig.start().await, Rest::RolledBack);
}

/// Trap: the process dies when the tries are spent, and before the run could rest: another call is in flight.
#[tokio::test(start_paused = true)]
async fn tries_that_are_spent_are_not_made_once_more_after_a_death() {
    let limits = Limits { tries_max: 1, ..Limits::default() };
    let habits = Habits { latency: millis(1_000), ..Habits::default() };
    let blueprint = Blueprint::default().thing("a", &[]).thing("b", &[]);
    let rig = Rig::with(&blueprint, habits, limits).on_failure(OnFailure::Rollback);
    order(&rig, Op::Make, "b", FailureClass::Transient, 1);
    rig.start_for(millis(700)).await;
    assert_eq!(rig.lines().await.last().unwrap(), "b failed Transient");
    assert_eq!(suspended_by(&rig.resume().await), Some(FailureClass::Transient));
    let begun = rig.lines().await.iter().filter(|line| line.starts_with("b begun")).count();
    assert_eq!(begun, 1);
    assert_eq!(rig.resume().await, Rest::Completed);
}
