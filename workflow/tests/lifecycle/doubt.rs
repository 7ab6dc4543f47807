//! Attempts that may have taken effect.

use lab1_flow_workflow::testing::Op;

use super::*;

#[tokio::test(start_paused = true)]
async fn an_effect_whose_reply_was_an_error_is_adopted() {
    let rig = Rig::new(&Blueprint::chain());
    rig.world.order_fault(Op::Make, "a", Fault::ErrorAfterEffect);
    assert_eq!(rig.start().await, Rest::Completed);
    assert_eq!(rig.lines().await[..3], ["a begun 1", "a in doubt Ambiguous", "a adopted"]);
    assert_eq!(rig.names(), ["a", "b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_never_answered_is_dropped_and_looked_for() {
    let rig = Rig::new(&Blueprint::chain());
    rig.world.order_fault(Op::Make, "a", Fault::ReplyLost);
    rig.world.order_fault(Op::Make, "b", Fault::RequestLost);
    assert_eq!(rig.start().await, Rest::Completed);
    let lines = rig.lines().await;
    assert_eq!(lines[..3], ["a begun 1", "a in doubt Ambiguous", "a adopted"]);
    assert_eq!(lines[3..7], ["b begun 1", "b in doubt Ambiguous", "b absent", "b begun 2"]);
    assert!(rig.clock.elapsed() >= Limits::default().attempt_max * 2);
}

#[tokio::test(start_paused = true)]
async fn a_death_before_the_effect_leads_to_a_second_attempt() {
    let rig = Rig::new(&Blueprint::chain());
    rig.start_for(millis(5)).await;
    assert_eq!(rig.names(), [""; 0]);
    assert_eq!(rig.resume().await, Rest::Completed);
    let lines = rig.lines().await;
    assert_eq!(lines[..5], ["a begun 1", "continued", "a absent", "a begun 2", "a made"]);
}

#[tokio::test(start_paused = true)]
async fn a_death_after_the_effect_leads_to_an_adoption() {
    let rig = Rig::new(&Blueprint::chain());
    rig.start_for(millis(15)).await;
    assert_eq!(rig.names(), ["a"]);
    assert_eq!(rig.resume().await, Rest::Completed);
    assert_eq!(rig.lines().await[..3], ["a begun 1", "continued", "a adopted"]);
}

#[tokio::test(start_paused = true)]
async fn an_effect_that_is_not_visible_yet_is_met_by_its_name_and_adopted() {
    let habits = Habits { lag: millis(3_000), ..Habits::default() };
    let rig = Rig::with(&Blueprint::chain(), habits, Limits::default());
    rig.world.order_fault(Op::Make, "a", Fault::ErrorAfterEffect);
    assert_eq!(rig.start().await, Rest::Completed);
    let lines = rig.lines().await;
    assert!(lines.contains(&"a in doubt Contended".to_owned()), "{lines:?}");
    assert!(lines.contains(&"a adopted".to_owned()), "{lines:?}");
    assert_eq!(rig.names(), ["a", "b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn a_foreign_thing_under_our_name_is_refused_and_left_alone() {
    for mark in [None, Some("another-run")] {
        let rig = Rig::new(&Blueprint::chain());
        rig.world.plant("b", "plain", mark);
        let before = rig.world.holdings();
        assert_eq!(rig.start().await, Rest::Failed);
        let report = rig.engine().resume(&rig.workflow, &rig.new.run, Resume::default()).await;
        let (action, failure) = {
            let report = report.unwrap();
            let (action, failure) = report.failure().unwrap();
            (action.clone(), failure.clone())
        };
        assert_eq!(action.as_str(), "b");
        assert!(failure.message.contains("b is there"), "{failure:?}");
        assert!(failure.advice.is_some(), "says what to do");
        assert_eq!(rig.roll_back().await, Rest::RolledBack);
        assert_eq!(rig.world.holdings(), before, "identical content does not make it ours");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_ours_and_was_changed_is_not_adopted_but_goes_with_a_rollback() {
    let rig = Rig::new(&Blueprint::chain());
    rig.world.plant("b", "painted", Some("story"));
    assert_eq!(suspended_by(&rig.start().await), Some(FailureClass::Permanent));
    assert_eq!(rig.names(), ["a", "b"]);
    assert_eq!(rig.roll_back().await, Rest::RolledBack);
    assert_eq!(rig.names(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_look_that_fails_is_repeated_and_nothing_is_concluded_from_it() {
    let rig = Rig::new(&Blueprint::chain());
    rig.world.order_fault(Op::Make, "a", Fault::ErrorAfterEffect);
    for class in [FailureClass::Throttled, FailureClass::Transient, FailureClass::Ambiguous] {
        rig.world.order_fault(Op::Find, "a", refused(class));
    }
    assert_eq!(rig.start().await, Rest::Completed);
    assert_eq!(rig.names(), ["a", "b", "c"]);
    assert_eq!(rig.lines().await[5..6], ["a adopted"]);
}

#[tokio::test(start_paused = true)]
async fn a_look_that_fails_too_often_suspends_because_nothing_is_known() {
    let rig = Rig::new(&Blueprint::chain());
    rig.world.order_fault(Op::Make, "a", Fault::ErrorAfterEffect);
    for _ in 0..30 {
        rig.world.order_fault(Op::Find, "a", refused(FailureClass::Transient));
    }
    assert_eq!(suspended_by(&rig.start().await), Some(FailureClass::Transient));
}

#[tokio::test(start_paused = true)]
async fn attempts_that_leave_a_doubt_and_nothing_else_are_given_up_with_the_last_try() {
    let limits = Limits { tries_max: 3, ..Limits::default() };
    for (times, wanted) in [(2, Rest::Completed), (3, Rest::Failed)] {
        let rig = Rig::with(&Blueprint::chain(), Habits::default(), limits);
        for _ in 0..times {
            rig.world.order_fault(Op::Make, "a", refused(FailureClass::Ambiguous));
        }
        assert_eq!(rig.start().await, wanted, "after {times}");
        let attempts = rig.lines().await.iter().filter(|line| line.starts_with("a begun")).count();
        assert_eq!(attempts, 3, "after {times}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_look_that_is_not_allowed_suspends_because_nothing_is_known() {
    let rig = Rig::new(&Blueprint::chain());
    rig.world.order_fault(Op::Make, "a", Fault::ErrorAfterEffect);
    rig.world.order_fault(Op::Find, "a", refused(FailureClass::Permanent));
    assert_eq!(suspended_by(&rig.start().await), Some(FailureClass::Permanent));
    assert_eq!(rig.resume().await, Rest::Completed);
    assert_eq!(rig.names(), ["a", "b", "c"]);
}
