//! Histories that are forged, each for one invariant of the checker.

use super::*;

/// A sound history of one finished run, with its calls.
async fn finished(clock: &PausedClock) -> (History, Vec<Call>) {
    let world = World::new(Arc::new(clock.clone()), Habits::default());
    world.order_fault(Op::Make, "b", Fault::Refused(FailureClass::Transient));
    let life = Life::new(&MemoryJournal::new(), &run_id(), None);
    let engine = Engine::new(life.journal()).with_clock(Arc::new(clock.clone()));
    let workflow = life.probe(Blueprint::chain().workflow(&world, Limits::default()).unwrap());
    engine.start(&workflow, new_run()).await.unwrap();
    (life.history().unwrap(), life.calls())
}

/// Judges a history and its calls alone.
fn judge(history: &History, calls: &[Call]) -> Vec<Violation> {
    let (nothing, limits) = (Holdings::new(), Limits { tries_max: 2, ..Limits::default() });
    let evidence = Evidence { history, before: &nothing, after: &nothing, calls, limits: &limits };
    let mut found = check(&evidence);
    // The world is left out here.
    found.retain(|it| it.invariant != Invariant::NothingMissing);
    found
}

#[track_caller]
fn assert_forged(history: &History, calls: &[Call], invariant: Invariant) {
    let found = judge(history, calls);
    assert!(found.iter().any(|it| it.invariant == invariant), "{invariant}: {found:?}");
}

#[tokio::test(start_paused = true)]
async fn a_forged_history_is_caught() {
    let (history, calls) = finished(&PausedClock::new()).await;
    assert_eq!(judge(&history, &calls), []);

    let mut hole = history.clone();
    hole.records.remove(2);
    assert_forged(&hole, &calls, Invariant::LegalHistory);

    let mut calls_on = calls.clone();
    calls_on[1].after_lost_append = true;
    assert_forged(&history, &calls_on, Invariant::LostAppendEndsAll);

    let mut other_input = calls.clone();
    other_input[1].input = serde_json::json!("another");
    assert_forged(&history, &other_input, Invariant::SameRequest);

    let mut early = calls.clone();
    early[1].durable_records = 0;
    assert_forged(&history, &early, Invariant::IntentFirst);
}

#[tokio::test(start_paused = true)]
async fn forged_delays_are_caught() {
    let (history, calls) = finished(&PausedClock::new()).await;
    let failed = |record: &Record| matches!(record.entry, Entry::AttemptFailed { .. });
    let place = history.records.iter().position(failed).unwrap();

    for shift_ms in [-100, 1_000] {
        let mut shifted = history.clone();
        for record in &mut shifted.records[place + 1..] {
            record.at.0 += shift_ms;
        }
        assert_forged(&shifted, &calls, Invariant::BudgetsKept);
    }

    let mut endless = history.clone();
    if let Entry::AttemptFailed { retry, .. } = &mut endless.records[place].entry {
        retry.delay_ms = 3_600_000;
    }
    assert_forged(&endless, &calls, Invariant::BudgetsKept);
}

#[tokio::test(start_paused = true)]
async fn a_forged_try_too_many_is_caught() {
    let (mut history, calls) = finished(&PausedClock::new()).await;
    let failed = |record: &Record| matches!(record.entry, Entry::AttemptFailed { .. });
    let begun = history.records.iter().position(failed).unwrap() - 1;
    let again: Vec<_> = history.records[begun..begun + 2].to_vec();
    let Seq(first) = history.records[0].seq;
    history.records.splice(begun..begun, again);
    let mut attempts = 0;
    for (seq, record) in (first..).zip(&mut history.records) {
        record.seq = Seq(seq);
        match &mut record.entry {
            Entry::AttemptStarted { action, attempt, input, .. } if action.as_str() == "b" => {
                attempts += 1;
                *attempt = attempts;
                *input = input.take().filter(|_| attempts == 1);
            }
            Entry::AttemptFailed { attempt, .. } => *attempt = attempts,
            _ => {}
        }
    }
    let found = judge(&history, &calls);
    let what = "b is tried again after 2 failures";
    assert!(found.iter().any(|it| it.what == what), "{found:?}");
    assert!(!found.iter().any(|it| it.invariant == Invariant::LegalHistory), "{found:?}");
}

/// What a run may turn around for by itself, and what not.
#[tokio::test(start_paused = true)]
async fn a_run_that_turns_around_for_the_providers_trouble_is_caught() {
    let world = World::new(Arc::new(PausedClock::new()), Habits::default());
    world.order_fault(Op::Make, "b", Fault::Refused(FailureClass::Permanent));
    let life = Life::new(&MemoryJournal::new(), &run_id(), None);
    let engine = Engine::new(life.journal()).with_clock(Arc::new(PausedClock::new()));
    let workflow = life.probe(Blueprint::chain().workflow(&world, Limits::default()).unwrap());
    let new = NewRun { on_failure: OnFailure::Rollback, ..new_run() };
    engine.start(&workflow, new).await.unwrap();
    let (history, calls) = (life.history().unwrap(), life.calls());
    assert_eq!(judge(&history, &calls), []);
    for (class, caught) in [
        (FailureClass::Permanent, false),
        (FailureClass::Contended, false),
        (FailureClass::Transient, true),
        (FailureClass::Ambiguous, true),
        (FailureClass::Throttled, true),
        (FailureClass::Unreachable, true),
    ] {
        let mut forged = history.clone();
        for record in &mut forged.records {
            if let Entry::ActionFailed { failure, .. } = &mut record.entry {
                failure.class = class;
            }
        }
        let found = judge(&forged, &calls);
        let is_caught = found.iter().any(|it| it.invariant == Invariant::TurnsForCause);
        assert_eq!(is_caught, caught, "{class:?}: {found:?}");
    }
}

/// A failure for good, where the scene expects an end.
#[tokio::test(start_paused = true)]
async fn a_run_that_does_not_reach_its_end_is_caught() {
    let broken = Broken { foreign: true, ..Broken::with(Flaw::None) };
    let tally = broken.sweep().await;
    assert_caught(&tally, Invariant::ReachesAnEnd);
    assert!(!tally.has_caught(Invariant::NothingLeft), "foreign things stay: {tally:?}");
}
