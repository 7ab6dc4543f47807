//! Budgets, delays and clocks.

use lab1_flow_workflow::journal::RunState;
use lab1_flow_workflow::testing::Op;

use super::*;

/// A run that has met one throttle and died while it waited; gives the stored delay.
async fn dies_in_a_throttle_wait() -> (Rig, Duration) {
    let rig = Rig::new(&Blueprint::chain());
    rig.world.order_fault(Op::Make, "a", refused(FailureClass::Throttled));
    rig.start_for(millis(50)).await;
    let delay_ms = rig.history().await.records.iter().find_map(|record| match &record.entry {
        Entry::AttemptFailed { retry, .. } => Some(retry.delay_ms),
        _ => None,
    });
    (rig, millis(delay_ms.unwrap()))
}

/// How long the next process waits before the second attempt.
async fn waits_before_the_second_attempt(rig: &Rig) -> Duration {
    let begin = rig.clock.elapsed();
    assert_eq!(rig.resume().await, Rest::Completed);
    // The rest of the run is three calls.
    rig.clock.elapsed().saturating_sub(begin + millis(60))
}

#[tokio::test(start_paused = true)]
async fn a_stored_delay_goes_on_after_a_death_and_is_not_served_again() {
    let (rig, delay) = dies_in_a_throttle_wait().await;
    rig.clock.sleep(delay / 2).await;
    let waited = waits_before_the_second_attempt(&rig).await;
    // It began at 10 ms, and the process died at 50 ms.
    let left = delay.saturating_sub(delay / 2 + millis(40));
    assert!(waited.abs_diff(left) < millis(10), "{waited:?} instead of {left:?}");
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_set_forward_ends_a_stored_delay() {
    let (rig, _) = dies_in_a_throttle_wait().await;
    rig.clock.set_wall_by(3_600_000);
    assert!(waits_before_the_second_attempt(&rig).await < millis(10));
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_set_back_waits_no_longer_than_the_stored_delay() {
    let (rig, delay) = dies_in_a_throttle_wait().await;
    rig.clock.set_wall_by(-3_600_000);
    let waited = waits_before_the_second_attempt(&rig).await;
    assert!(waited.abs_diff(delay) < millis(10), "{waited:?} instead of {delay:?}");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_in_mid_run_changes_no_delay() {
    for shift_ms in [-3_600_000, 3_600_000] {
        let rig = Rig::new(&Blueprint::chain());
        rig.world.order_fault(Op::Make, "a", refused(FailureClass::Throttled));
        let later = async {
            rig.clock.sleep(millis(50)).await;
            rig.clock.set_wall_by(shift_ms);
        };
        let (rested, ()) = tokio::join!(rig.start(), later);
        assert_eq!(rested, Rest::Completed);
        assert!(rig.clock.elapsed() < millis(600), "{:?}", rig.clock.elapsed());
    }
}

/// A clock that runs fast makes neither this machine nor the way to the provider faster.
#[tokio::test(start_paused = true)]
async fn on_a_fast_clock_a_slow_machine_is_no_reason_to_give_up() {
    let (latency, settling, removal) = (millis(1_500), millis(4_000), millis(4_000));
    let slow = Habits { latency, settling, removal, ..Habits::default() };
    let blueprint = Blueprint::default().thing("a", &[]).watch("seen", 0).thing("b", &[0]);
    let mut rig = Rig::with(&blueprint, slow, Limits::default());
    rig.new.profile = Profile::scaled(1_000.0);
    assert_eq!(rig.start().await, Rest::Completed);
    assert_eq!(rig.roll_back().await, Rest::RolledBack);
    assert_eq!(rig.names(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_resume_at_once_skips_a_stored_delay() {
    let (rig, _) = dies_in_a_throttle_wait().await;
    let begin = rig.clock.elapsed();
    let now = Resume { now: true, ..Resume::default() };
    rig.engine().resume(&rig.workflow, &rig.new.run, now).await.unwrap();
    assert!(rig.clock.elapsed().saturating_sub(begin) < millis(70));
}

#[tokio::test(start_paused = true)]
async fn a_death_opens_no_fresh_budget() {
    let limits = Limits { tries_max: 3, ..Limits::default() };
    let rig = Rig::with(&Blueprint::chain(), Habits::default(), limits);
    for _ in 0..10 {
        rig.world.order_fault(Op::Make, "a", refused(FailureClass::Transient));
    }
    // Two failures, then a death in the wait that follows.
    rig.start_for(millis(600)).await;
    let failures = rig.lines().await.iter().filter(|line| *line == "a failed Transient").count();
    assert!((1..=2).contains(&failures), "{:?}", rig.lines().await);
    assert_eq!(rig.resume().await, Rest::Failed);
    let attempts = RunState::replay(&rig.history().await).unwrap();
    let attempts = attempts.actions().map(|(_, action)| action.attempts).max();
    assert_eq!(attempts, Some(3), "three in all, whoever made them");
    // A person who asks gets three more.
    assert_eq!(rig.resume().await, Rest::Failed);
    let attempts = RunState::replay(&rig.history().await).unwrap();
    assert_eq!(attempts.actions().map(|(_, action)| action.attempts).max(), Some(6));
}

#[tokio::test(start_paused = true)]
async fn throttling_is_counted_in_time_and_suspends() {
    let rig = Rig::new(&Blueprint::chain());
    for _ in 0..200 {
        rig.world.order_fault(Op::Make, "b", refused(FailureClass::Throttled));
    }
    assert_eq!(suspended_by(&rig.start().await), Some(FailureClass::Throttled));
    let patience = Limits::default().throttled_max;
    assert!(rig.clock.elapsed() <= patience, "{:?}", rig.clock.elapsed());
    assert!(rig.clock.elapsed() >= patience / 2, "{:?}", rig.clock.elapsed());
    let tries = rig.lines().await.iter().filter(|line| *line == "b failed Throttled").count();
    assert!(tries > usize::try_from(Limits::default().tries_max).unwrap(), "not in attempts");
}

#[tokio::test(start_paused = true)]
async fn a_lost_network_suspends_never_rolls_back_and_a_resume_completes() {
    let limits = Limits { unreachable_max: Duration::from_secs(20), ..Limits::default() };
    let rig = Rig::with(&Blueprint::chain(), Habits::default(), limits);
    let rig = rig.on_failure(OnFailure::Rollback);
    for _ in 0..6 {
        rig.world.order_fault(Op::Make, "b", refused(FailureClass::Unreachable));
    }
    let mut rested = rig.start().await;
    assert_eq!(suspended_by(&rested), Some(FailureClass::Unreachable));
    while suspended_by(&rested).is_some() {
        rested = rig.resume().await;
    }
    assert_eq!(rested, Rest::Completed);
    assert!(!rig.lines().await.contains(&"rolling back".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_name_that_stays_taken_unseen_is_given_up_after_its_time() {
    let limits = Limits { contended_max: Duration::from_secs(30), ..Limits::default() };
    let rig = Rig::with(&Blueprint::chain(), Habits::default(), limits);
    for _ in 0..100 {
        rig.world.order_fault(Op::Make, "a", refused(FailureClass::Contended));
    }
    assert_eq!(rig.start().await, Rest::Failed);
    assert!(rig.clock.elapsed() >= Duration::from_secs(15), "{:?}", rig.clock.elapsed());
    assert!(rig.clock.elapsed() < Duration::from_mins(2), "{:?}", rig.clock.elapsed());
}

/// A thing that takes a minute to get ready, and as long to leave.
fn slow_thing() -> Rig {
    let habits = Habits { settling: millis(60_000), removal: millis(60_000), ..Habits::default() };
    let blueprint = Blueprint::default().thing("a", &[]).watch("w", 0);
    Rig::with(&blueprint, habits, Limits::default())
}

/// Trap: the process stands still (a stopped process, a machine that sleeps) while an answer is on its way.
#[tokio::test(start_paused = true)]
async fn a_process_that_stands_still_loses_no_patience() {
    for looks in [0, 3] {
        let rig = slow_thing().on_failure(OnFailure::Rollback);
        for _ in 0..looks {
            rig.world.order_fault(Op::Watch, "a", Fault::Stalled(Duration::ZERO));
        }
        rig.world.order_fault(Op::Watch, "a", Fault::Stalled(Duration::from_hours(1)));
        assert_eq!(rig.start().await, Rest::Completed, "after {looks} looks");
    }
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_stands_still_is_not_stuck_for_that() {
    let rig = slow_thing();
    assert_eq!(rig.start().await, Rest::Completed);
    rig.world.order_fault(Op::Remove, "a", Fault::Stalled(Duration::ZERO));
    rig.world.order_fault(Op::Remove, "a", Fault::Stalled(Duration::from_hours(1)));
    assert_eq!(rig.roll_back().await, Rest::RolledBack);
    assert_eq!(rig.names(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_look_that_is_sent_after_the_patience_has_ended_ends_the_wait() {
    let stall = Limits::default().waited_max + millis(1_000);
    let habits = Habits { settling: Duration::from_hours(9), ..Habits::default() };
    let blueprint = Blueprint::default().thing("a", &[]).watch("w", 0);
    let rig = Rig::with(&blueprint, habits, Limits::default());
    rig.world.order_fault(Op::Watch, "a", Fault::Stalled(Duration::ZERO));
    rig.world.order_fault(Op::Watch, "a", Fault::Stalled(stall));
    assert_eq!(rig.start().await, Rest::Failed);
    let looks = rig.world.requests() - 1;
    assert_eq!(looks, 3, "the one before the stall, the one in it, and one after it");
}

/// Trap: what was answered before the window ended says nothing about its end, however late it is heard.
#[tokio::test(start_paused = true)]
async fn an_absence_that_is_heard_late_is_not_believed() {
    let rig = Rig::new(&Blueprint::chain());
    rig.world.order_fault(Op::Make, "a", Fault::EffectDelayed(window() / 2));
    rig.start_for(millis(11)).await;
    for stall in [Duration::ZERO, window() + millis(1)] {
        rig.world.order_fault(Op::Find, "a", Fault::Stalled(stall));
    }
    assert_eq!(rig.roll_back().await, Rest::RolledBack);
    let lines = rig.lines().await;
    let turn = lines.iter().position(|line| line == "rolling back").unwrap();
    assert_eq!(lines[turn + 1], "a adopted", "{lines:?}");
    assert_eq!(rig.names(), [""; 0]);
}
