//! The way to nothing.

use lab1_flow_workflow::testing::Op;

use super::*;

#[tokio::test(start_paused = true)]
async fn dependents_go_first_and_parts_with_their_whole() {
    let rig = Rig::new(&Blueprint::default().thing("a", &[]).part("p", 0).thing("b", &[1]));
    rig.start().await;
    assert_eq!(rig.roll_back().await, Rest::RolledBack);
    assert_eq!(
        rig.lines().await[7..],
        [
            "rolling back",
            "b leaves",
            "b is leaving",
            "b gone",
            "a leaves",
            "a is leaving",
            "a gone",
            "p gone with a",
            "rests rolled back"
        ]
    );
    assert_eq!(rig.names(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn independent_things_are_taken_back_side_by_side() {
    let habits = Habits { removal: millis(10_000), ..Habits::default() };
    let blueprint = Blueprint::default().thing("a", &[]).thing("b", &[]).thing("c", &[]);
    let rig = Rig::with(&blueprint, habits, Limits::default());
    rig.start().await;
    let begin = rig.clock.elapsed();
    assert_eq!(rig.roll_back().await, Rest::RolledBack);
    assert!(rig.clock.elapsed().saturating_sub(begin) < millis(20_000));
}

#[tokio::test(start_paused = true)]
async fn the_rollback_of_a_run_without_an_intent_makes_no_call() {
    let rig = Rig::new(&Blueprint::chain());
    let header = rig.engine().header(&rig.workflow, rig.new.clone()).unwrap();
    rig.journal.create(&header).await.unwrap();
    assert_eq!(rig.roll_back().await, Rest::RolledBack);
    assert_eq!(rig.lines().await, ["rolling back", "rests rolled back"]);
    assert_eq!(rig.world.requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_absence_is_believed_only_after_the_window() {
    let rig = Rig::new(&Blueprint::chain());
    rig.start_for(millis(5)).await;
    let begin = rig.clock.elapsed();
    assert_eq!(rig.roll_back().await, Rest::RolledBack);
    let lines = rig.lines().await;
    let expected = ["a begun 1", "continued", "rolling back", "a absent", "rests rolled back"];
    assert_eq!(lines, expected);
    assert!(rig.clock.elapsed().saturating_sub(begin) >= window());
    assert!(rig.world.requests() < 80, "two minutes of looks: {}", rig.world.requests());
}

#[tokio::test(start_paused = true)]
async fn an_effect_that_comes_late_is_found_and_taken_back() {
    let rig = Rig::new(&Blueprint::chain());
    let delay = window() / 2;
    rig.world.order_fault(Op::Make, "a", Fault::EffectDelayed(delay));
    rig.start_for(millis(11)).await;
    assert_eq!(rig.roll_back().await, Rest::RolledBack);
    let lines = rig.lines().await;
    assert!(lines.contains(&"a adopted".to_owned()), "{lines:?}");
    rig.clock.sleep(Duration::from_hours(1)).await;
    assert_eq!(rig.names(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_rollback_during_a_throttle_wait_does_not_wait_for_it() {
    let rig = Rig::new(&Blueprint::chain());
    for _ in 0..20 {
        rig.world.order_fault(Op::Make, "b", refused(FailureClass::Throttled));
    }
    rig.start_for(Duration::from_mins(1)).await;
    let begin = rig.clock.elapsed();
    let attempts = rig.lines().await.iter().filter(|line| line.starts_with("b begun")).count();
    assert_eq!(rig.roll_back().await, Rest::RolledBack);
    // One look confirms that `a` is gone.
    assert!(rig.clock.elapsed().saturating_sub(begin) < millis(2_000));
    let after = rig.lines().await.iter().filter(|line| line.starts_with("b begun")).count();
    assert_eq!(after, attempts);
}

#[tokio::test(start_paused = true)]
async fn a_failure_turns_the_run_around_when_the_policy_says_so() {
    let rig = Rig::new(&Blueprint::chain()).on_failure(OnFailure::Rollback);
    rig.world.order_fault(Op::Make, "c", refused(FailureClass::Permanent));
    assert_eq!(rig.start().await, Rest::RolledBack);
    assert_eq!(
        rig.lines().await[4..],
        [
            "c begun 1",
            "c given up",
            "rolling back",
            "b leaves",
            "b is leaving",
            "b gone",
            "a leaves",
            "a is leaving",
            "a gone",
            "rests rolled back"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_look_sees_after_the_run_has_turned_around_is_of_no_use() {
    let habits = Habits { settling: millis(5_000), ..Habits::default() };
    let blueprint = Blueprint::default().thing("a", &[]).watch("w", 0).thing("b", &[0]);
    let rig = Rig::with(&blueprint, habits, Limits::default()).on_failure(OnFailure::Rollback);
    // It is refused while the first look is on its way.
    rig.world.order_fault(Op::Make, "b", refused(FailureClass::Permanent));
    assert_eq!(rig.start().await, Rest::RolledBack);
    assert_eq!(
        rig.lines().await[1..],
        [
            "a made",
            "w begun 1",
            "b begun 1",
            "b given up",
            "rolling back",
            "a leaves",
            "a is leaving",
            "a gone",
            "rests rolled back"
        ]
    );
}

/// Trap: the process dies half-way through a rollback whose failed action would now succeed.
#[tokio::test(start_paused = true)]
async fn a_rollback_that_died_half_way_goes_on_rolling_back() {
    let habits = Habits { removal: millis(5_000), ..Habits::default() };
    let rig = Rig::with(&Blueprint::chain(), habits, Limits::default());
    let rig = rig.on_failure(OnFailure::Rollback);
    rig.world.order_fault(Op::Make, "c", refused(FailureClass::Permanent));
    rig.start_for(millis(3_000)).await;
    assert_eq!(rig.lines().await.last().unwrap(), "b is leaving");
    assert_eq!(rig.resume().await, Rest::RolledBack);
    let lines = rig.lines().await;
    assert_eq!(lines.iter().filter(|line| line.starts_with("c begun")).count(), 1, "{lines:?}");
    assert_eq!(rig.names(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_requested_rollback_that_died_goes_on_with_either_verb() {
    let habits = Habits { removal: millis(5_000), ..Habits::default() };
    for verb in ["resume", "roll back"] {
        let rig = Rig::with(&Blueprint::chain(), habits.clone(), Limits::default());
        rig.start().await;
        rig.roll_back_for(millis(7_000)).await;
        let rested = if verb == "resume" { rig.resume().await } else { rig.roll_back().await };
        assert_eq!(rested, Rest::RolledBack, "{verb}");
        let directions = rig.lines().await.iter().filter(|line| *line == "rolling back").count();
        assert_eq!(directions, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_removed_leaves_the_run_stuck_and_can_be_asked_again() {
    let rig = Rig::new(&Blueprint::chain());
    rig.start().await;
    rig.world.order_fault(Op::Remove, "b", refused(FailureClass::Permanent));
    let Rest::Stuck { left } = rig.roll_back().await else { panic!("not stuck") };
    assert_eq!(left, ["b: Permanent on b", "a: waits until nothing is left of b"]);
    assert_eq!(rig.names(), ["a", "b"], "nothing below it was touched");
    assert_eq!(rig.roll_back().await, Rest::RolledBack);
    assert_eq!(rig.names(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_fails_is_tried_again_and_ends_as_its_failure_says() {
    let stuck = Some("b: gave up: Transient on b".to_owned());
    for (class, times, suspended, stuck) in [
        (FailureClass::Transient, 9, None, None),
        (FailureClass::Transient, 10, None, stuck),
        (FailureClass::Throttled, 3, None, None),
        (FailureClass::Throttled, 200, Some(FailureClass::Throttled), None),
    ] {
        let rig = Rig::new(&Blueprint::chain());
        rig.start().await;
        for _ in 0..times {
            rig.world.order_fault(Op::Remove, "b", refused(class));
        }
        let rested = rig.roll_back().await;
        assert_eq!(suspended_by(&rested), suspended, "{class:?} {times}: {rested:?}");
        let left = match &rested {
            Rest::Stuck { left } => left.first().cloned(),
            _ => None,
        };
        assert_eq!(left, stuck, "{class:?} {times}");
        let ends = suspended.is_none() && stuck.is_none();
        assert_eq!(rested == Rest::RolledBack, ends, "{class:?} {times}: {rested:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_is_stuck_only_when_all_else_is_gone() {
    let rig = Rig::new(&Blueprint::default().thing("a", &[]).thing("b", &[]));
    rig.start().await;
    rig.world.order_fault(Op::Remove, "a", refused(FailureClass::Permanent));
    rig.world.order_fault(Op::Remove, "b", refused(FailureClass::Throttled));
    let Rest::Stuck { left } = rig.roll_back().await else { panic!("not stuck") };
    assert_eq!(left, ["a: Permanent on a"]);
    assert_eq!(rig.names(), ["a"], "b was tried again first");
}

#[tokio::test(start_paused = true)]
async fn what_is_never_gone_leaves_the_run_stuck_after_its_time() {
    let habits = Habits { removal: Duration::from_hours(9), ..Habits::default() };
    let limits = Limits::waiting_at_most(Duration::from_mins(5));
    let rig = Rig::with(&Blueprint::chain(), habits, limits);
    rig.start().await;
    let begin = rig.clock.elapsed();
    assert!(matches!(rig.roll_back().await, Rest::Stuck { .. }));
    let waited = rig.clock.elapsed().saturating_sub(begin);
    assert!(waited >= Duration::from_mins(5) && waited < Duration::from_mins(6), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn what_a_person_leaves_is_left_with_its_parts_and_the_rollback_reaches_its_end() {
    let rig = Rig::new(&Blueprint::default().thing("a", &[]).thing("b", &[]).part("p", 1));
    rig.start().await;
    rig.world.order_fault(Op::Remove, "b", refused(FailureClass::Permanent));
    assert!(matches!(rig.roll_back().await, Rest::Stuck { .. }));
    rig.engine().skip(&rig.new.run, &[action("b")], "needed elsewhere").await.unwrap();
    // The search by mark still finds it, and knows that it was left.
    assert_eq!(rig.roll_back().await, Rest::RolledBack);
    assert_eq!(rig.names(), ["b"]);
    let lines = rig.lines().await;
    assert!(lines.contains(&"p left".to_owned()), "{lines:?}");
    let tries = lines.iter().filter(|line| *line == "b leaves").count();
    assert_eq!(tries, 1, "it is not tried again: {lines:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_left_keeps_what_it_stands_on_until_that_is_left_too() {
    let rig = Rig::new(&Blueprint::default().thing("a", &[]).thing("b", &[0]).thing("c", &[]));
    assert_eq!(rig.start().await, Rest::Completed);
    // A run on its way forward turns around.
    rig.engine().skip(&rig.new.run, &[action("b")], "it serves").await.unwrap();
    let Rest::Stuck { left } = rig.roll_back().await else { panic!("a cannot go") };
    assert!(left.len() == 1 && left[0].starts_with("a: "), "{left:?}");
    assert_eq!(rig.names(), ["a", "b"]);
    rig.engine().skip(&rig.new.run, &[action("a")], "b stands on it").await.unwrap();
    assert_eq!(rig.roll_back().await, Rest::RolledBack);
    assert_eq!(rig.names(), ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_recorded_when_one_of_several_cannot_be_left() {
    let rig = Rig::new(&Blueprint::chain());
    rig.start().await;
    let before = rig.history().await;
    for wrong in [[action("b"), action("nobody")], [action("b"), action("b")]] {
        let refused = rig.engine().skip(&rig.new.run, &wrong, "because").await;
        assert!(matches!(refused, Err(EngineError::Journal(_))), "{refused:?}");
        assert_eq!(rig.history().await, before);
    }
    rig.roll_back().await;
    let gone = rig.engine().skip(&rig.new.run, &[action("b")], "too late").await;
    assert!(gone.is_err(), "nothing is left of it");
}

#[tokio::test(start_paused = true)]
async fn a_search_that_still_shows_what_is_gone_is_repeated() {
    let habits = Habits { lag: millis(30_000), ..Habits::default() };
    let rig = Rig::with(&Blueprint::chain(), habits, Limits::default());
    rig.start().await;
    rig.clock.sleep(Duration::from_mins(1)).await;
    let begin = rig.clock.elapsed();
    assert_eq!(rig.roll_back().await, Rest::RolledBack);
    assert!(rig.clock.elapsed().saturating_sub(begin) >= millis(30_000));
}

#[tokio::test(start_paused = true)]
async fn a_search_that_is_never_answered_is_repeated() {
    let rig = Rig::new(&Blueprint::chain());
    rig.start().await;
    rig.world.order_fault(Op::List, "story", Fault::RequestLost);
    let rollback = tokio::time::timeout(Duration::from_hours(5), rig.roll_back());
    assert_eq!(rollback.await, Ok(Rest::RolledBack));
}

#[tokio::test(start_paused = true)]
async fn a_search_that_is_refused_for_good_or_too_often_suspends_the_rollback() {
    let classes = [(FailureClass::Permanent, 1), (FailureClass::Transient, 12)];
    for (class, times) in classes {
        let rig = Rig::new(&Blueprint::chain());
        rig.start().await;
        for _ in 0..times {
            rig.world.order_fault(Op::List, "story", refused(class));
        }
        assert_eq!(suspended_by(&rig.roll_back().await), Some(class));
        assert_eq!(rig.names(), Vec::<String>::new(), "all is gone, and nobody has seen it yet");
        assert_eq!(rig.resume().await, Rest::RolledBack);
    }
}

#[tokio::test(start_paused = true)]
async fn something_with_our_mark_that_no_action_knows_leaves_the_run_stuck() {
    let rig = Rig::new(&Blueprint::chain());
    rig.start().await;
    rig.world.plant("stray", "plain", Some("story"));
    let Rest::Stuck { left } = rig.roll_back().await else { panic!("not stuck") };
    assert_eq!(left, ["stray"]);
    assert!(rig.world.requests() < 150, "five minutes of searches: {}", rig.world.requests());
    assert_eq!(rig.names(), ["stray"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_compensation_never_saw_is_looked_for_until_it_could_no_longer_be_unseen() {
    let rig = Rig::new(&Blueprint::chain());
    rig.start().await;
    rig.world.destroy("b");
    let begin = rig.clock.elapsed();
    assert_eq!(rig.roll_back().await, Rest::RolledBack);
    assert!(rig.clock.elapsed().saturating_sub(begin) >= window());
    assert_eq!(rig.names(), [""; 0]);
}

/// Trap: a removal is never answered, and an attempt that was believed absent takes effect in the meantime.
#[tokio::test(start_paused = true)]
async fn what_reappears_while_a_removal_is_not_answered_is_taken_back() {
    for lag in [0, 50] {
        let habits = Habits { lag: millis(lag), ..Habits::default() };
        let blueprint = Blueprint::default().thing("a", &[]).part("p", 0);
        let mut rig = Rig::with(&blueprint, habits, Limits::default());
        rig.new.profile =
            Profile { window_usual_ms: 8_000, window_slow_ms: 8_000, ..Profile::default() };
        rig.world.order_fault(Op::Make, "a", Fault::EffectDelayed(millis(797)));
        rig.world.order_fault(Op::Remove, "a", Fault::ReplyLost);
        assert_eq!(rig.start().await, Rest::Completed);
        let rested = rig.roll_back().await;
        assert_eq!(rested, Rest::RolledBack, "lag {lag}: {:?}", rig.lines().await);
        rig.clock.sleep(Duration::from_hours(1)).await;
        assert_eq!(rig.names(), [""; 0], "lag {lag}");
    }
}

/// Trap: the run turns around while an action is tried a second time, and its first attempt is still on its way.
#[tokio::test(start_paused = true)]
async fn what_was_on_its_way_when_a_second_attempt_was_in_flight_is_taken_back() {
    for again in [FailureClass::Throttled, FailureClass::Permanent] {
        let habits = Habits { latency: millis(4_000), ..Habits::default() };
        let blueprint = Blueprint::default().thing("late", &[]).thing("b", &[]);
        let rig = Rig::with(&blueprint, habits, Limits::default()).on_failure(OnFailure::Rollback);
        // It is looked for at 2.5 s, and tried again from 6.5 s to 8.5 s; in between the other one fails for good.
        rig.world.order_fault(Op::Make, "late", Fault::EffectDelayed(window() / 2));
        rig.world.order_fault(Op::Make, "late", refused(again));
        for class in [FailureClass::Transient, FailureClass::Transient, FailureClass::Permanent] {
            rig.world.order_fault(Op::Make, "b", refused(class));
        }
        assert_eq!(rig.start().await, Rest::RolledBack);
        let lines = rig.lines().await;
        let turn = lines.iter().position(|line| line == "rolling back").unwrap();
        assert_eq!(lines[turn - 1], "b given up");
        assert!(lines[..turn].contains(&"late begun 2".to_owned()), "{lines:?}");
        rig.clock.sleep(Duration::from_hours(1)).await;
        assert_eq!(rig.names(), [""; 0], "{again:?}: {lines:?}");
    }
}
