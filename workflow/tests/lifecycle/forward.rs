//! The way to done.

use lab1_flow_workflow::journal::testing::{CrashPoint, Fault as DiskFault, FaultyJournal};
use lab1_flow_workflow::journal::{JournalError, Seq, StepName};
use lab1_flow_workflow::testing::{Call, CallKind, Life, Op};

use super::*;

#[tokio::test(start_paused = true)]
async fn actions_follow_their_data_and_share_batches_with_what_follows() {
    let rig = Rig::new(&Blueprint::chain());
    let life = Life::new(&MemoryJournal::new(), &rig.new.run, None);
    let engine = Engine::new(life.journal()).with_clock(Arc::new(rig.clock.clone()));
    let report = engine.start(&rig.workflow, rig.new.clone()).await.unwrap();
    assert_eq!(report.rest(), &Rest::Completed);
    let lines: Vec<_> =
        life.history().unwrap().records.iter().map(|record| line(&record.entry)).collect();
    let wanted =
        ["a begun 1", "a made", "b begun 1", "b made", "c begun 1", "c made", "rests completed"];
    assert_eq!(lines, wanted);
    // The header, the first intent, and one write for each outcome with what follows from it.
    assert_eq!(life.journal().writes(), 1 + 1 + 3);
}

#[tokio::test(start_paused = true)]
async fn independent_actions_run_side_by_side() {
    let rig = Rig::new(&Blueprint::default().thing("a", &[]).thing("b", &[]).thing("c", &[]));
    assert_eq!(rig.start().await, Rest::Completed);
    // Three times the latency of a call, were they one after another.
    assert!(rig.clock.elapsed() < millis(40), "{:?}", rig.clock.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_look_waits_until_it_sees_what_it_waits_for() {
    let habits = Habits { settling: millis(5_000), ..Habits::default() };
    let rig =
        Rig::with(&Blueprint::default().thing("a", &[]).watch("w", 0), habits, Limits::default());
    assert_eq!(rig.start().await, Rest::Completed);
    assert_eq!(
        rig.lines().await,
        ["a begun 1", "a made", "w begun 1", "w waits", "w made", "rests completed"]
    );
    assert!(rig.clock.elapsed() < millis(8_000), "looked often enough");
    assert!(rig.world.requests() < 9, "and no more often: {}", rig.world.requests());
}

#[tokio::test(start_paused = true)]
async fn a_look_that_fails_leaves_no_doubt_and_is_made_again_after_a_delay() {
    let rig = Rig::new(&Blueprint::default().thing("a", &[]).watch("w", 0));
    for fault in [Fault::ReplyLost, refused(FailureClass::Contended)] {
        rig.world.order_fault(Op::Watch, "a", fault);
    }
    assert_eq!(rig.start().await, Rest::Completed);
    let failed = "w failed Transient";
    assert_eq!(
        rig.lines().await[2..],
        ["w begun 1", failed, "w begun 2", failed, "w begun 3", "w made", "rests completed"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_the_longest_attempt_at_most() {
    let limits = Limits { attempt_max: Duration::from_secs(90), ..Limits::default() };
    let rig = Rig::with(&Blueprint::chain(), Habits::default(), limits);
    assert_eq!(rig.workflow.attempt_max(), Duration::from_secs(90));
}

#[tokio::test(start_paused = true)]
async fn a_look_that_sees_nothing_for_too_long_fails() {
    let habits = Habits { settling: Duration::from_hours(5), ..Habits::default() };
    let limits = Limits::waiting_at_most(Duration::from_mins(3));
    let rig = Rig::with(&Blueprint::default().thing("a", &[]).watch("w", 0), habits, limits);
    assert_eq!(rig.start().await, Rest::Failed);
    assert!(rig.clock.elapsed() >= Duration::from_mins(3));
    assert!(rig.clock.elapsed() < Duration::from_mins(4));
}

#[tokio::test(start_paused = true)]
async fn a_transient_failure_is_tried_again_after_a_delay() {
    let rig = Rig::new(&Blueprint::chain());
    rig.world.order_fault(Op::Make, "a", refused(FailureClass::Transient));
    assert_eq!(rig.start().await, Rest::Completed);
    assert_eq!(rig.lines().await[..4], ["a begun 1", "a failed Transient", "a begun 2", "a made"]);
    assert!(rig.clock.elapsed() >= millis(250), "the first delay is at least half of 500 ms");
}

#[tokio::test(start_paused = true)]
async fn a_permanent_failure_ends_the_run_and_a_resume_tries_again() {
    let rig = Rig::new(&Blueprint::chain());
    rig.world.order_fault(Op::Make, "b", refused(FailureClass::Permanent));
    assert_eq!(rig.start().await, Rest::Failed);
    assert_eq!(rig.names(), ["a"]);
    assert_eq!(rig.resume().await, Rest::Completed);
    assert_eq!(
        rig.lines().await[2..],
        [
            "b begun 1",
            "b given up",
            "rests failed",
            "resumed true",
            "b begun 2",
            "b made",
            "c begun 1",
            "c made",
            "rests completed"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_in_flight_when_another_fails_is_settled() {
    let rig = Rig::new(&Blueprint::default().thing("a", &[]).thing("b", &[]).thing("c", &[1]));
    rig.world.order_fault(Op::Make, "a", refused(FailureClass::Permanent));
    assert_eq!(rig.start().await, Rest::Failed);
    assert_eq!(
        rig.lines().await,
        ["a begun 1", "b begun 1", "a given up", "b made", "rests failed"],
        "b is recorded, c is not begun"
    );
}

#[tokio::test(start_paused = true)]
async fn a_stop_lets_calls_in_flight_end_and_a_resume_goes_on() {
    let mut rig = Rig::new(&Blueprint::chain());
    let stop = rig.stop.clone();
    let later = async {
        rig.clock.sleep(millis(25)).await;
        stop.request();
    };
    let (rested, ()) = tokio::join!(rig.start(), later);
    assert_eq!(rested, Rest::Stopped);
    assert_eq!(rig.lines().await, ["a begun 1", "a made", "b begun 1", "b made", "rests stopped"]);
    rig.stop = StopSignal::new();
    assert_eq!(rig.resume().await, Rest::Completed);
    assert_eq!(rig.lines().await[5..], ["resumed false", "c begun 1", "c made", "rests completed"]);
}

#[tokio::test(start_paused = true)]
async fn going_on_with_a_finished_run_makes_no_call_and_writes_nothing() {
    let rig = Rig::new(&Blueprint::diamond());
    rig.start().await;
    let before = (rig.world.requests(), rig.lines().await);
    assert_eq!(rig.resume().await, Rest::Completed);
    assert_eq!(rig.resume().await, Rest::Completed);
    assert_eq!((rig.world.requests(), rig.lines().await), before);

    rig.roll_back().await;
    let before = (rig.world.requests(), rig.lines().await);
    assert_eq!(rig.resume().await, Rest::RolledBack);
    assert_eq!(rig.roll_back().await, Rest::RolledBack);
    assert_eq!((rig.world.requests(), rig.lines().await), before);
}

#[tokio::test(start_paused = true)]
async fn a_run_pauses_after_the_step_that_was_named() {
    let mut rig = Rig::new(&Blueprint::chain());
    rig.workflow = change::two_steps(&rig.world, "plain");
    rig.new.until = Some(StepName::new("first").unwrap());
    // A delay is not the end of the step.
    rig.world.order_fault(Op::Make, "first-thing", refused(FailureClass::Transient));
    assert_eq!(rig.start().await, Rest::Paused);
    assert_eq!(rig.names(), ["first-thing"]);
    assert_eq!(rig.resume().await, Rest::Completed);
    assert_eq!(rig.names(), ["first-thing", "second-thing"]);
}

#[tokio::test(start_paused = true)]
async fn an_engine_ends_when_somebody_writes_beside_it_without_a_lease() {
    let rig = Rig::new(&Blueprint::chain());
    let beside = async {
        rig.clock.sleep(millis(5)).await;
        let entries = vec![Entry::RunContinued];
        rig.journal.append(&rig.new.run, Seq(2), rig.clock.now(), entries).await.unwrap();
    };
    let engine = rig.engine();
    let (ended, ()) = tokio::join!(engine.start(&rig.workflow, rig.new.clone()), beside);
    let refused = matches!(ended, Err(EngineError::Journal(JournalError::Conflict { .. })));
    assert!(refused, "{ended:?}");
    assert_eq!(rig.names(), ["a"]);
    assert_eq!(rig.resume().await, Rest::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_failed_append_ends_the_engine_with_no_further_call() {
    for point in 2..10 {
        let rig = Rig::new(&Blueprint::chain());
        let journal = FaultyJournal::striking(CrashPoint::numbered(point), DiskFault::Fail);
        let engine = Engine::new(Arc::new(journal)).with_clock(Arc::new(rig.clock.clone()));
        let ended = engine.start(&rig.workflow, rig.new.clone()).await;
        let storage = matches!(ended, Err(EngineError::Journal(JournalError::Storage { .. })));
        assert!(storage, "{ended:?}");
        // One write for the header, one for each intent: what is durable was sent, nothing else.
        assert_eq!(rig.world.requests(), point / 2 - 1, "crash point {point}");
        rig.clock.sleep(Duration::from_hours(1)).await;
        assert_eq!(rig.world.requests(), point / 2 - 1, "nothing goes on by itself");
    }
}

#[tokio::test(start_paused = true)]
async fn every_attempt_gets_the_same_token_and_the_same_input() {
    let rig = Rig::new(&Blueprint::chain());
    for class in [FailureClass::Transient, FailureClass::Throttled, FailureClass::Ambiguous] {
        rig.world.order_fault(Op::Make, "b", refused(class));
    }
    let life = Life::new(&MemoryJournal::new(), &rig.new.run, None);
    let engine = Engine::new(life.journal()).with_clock(Arc::new(rig.clock.clone()));
    engine.start(&life.probe(rig.workflow.clone()), rig.new.clone()).await.unwrap();
    let executed = |call: &Call| call.kind == CallKind::Execute && call.attempt > 0;
    let calls = life.calls();
    let of_b: Vec<_> = calls
        .iter()
        .filter(|call| executed(call) && call.action.as_ref().is_some_and(|a| a.as_str() == "b"))
        .collect();
    let attempts: Vec<_> = of_b.iter().map(|call| call.attempt).collect();
    assert_eq!(attempts, [1, 2, 3, 4]);
    assert!(of_b.iter().all(|call| call.token == of_b[0].token && call.input == of_b[0].input));
    assert_ne!(of_b[0].token, calls[0].token, "another action has another token");
}
