use std::sync::Mutex;

use super::*;
use crate::testing::PausedClock;

const LANE: Lane = Lane { service: "elb", call: "CreateThing" };
const OTHER: Lane = Lane { service: "elb", call: "CreateOther" };

fn pacer() -> (Arc<Pacer>, PausedClock) {
    let clock = PausedClock::new();
    (Arc::new(Pacer::new(Arc::new(clock.clone()), 1.0)), clock)
}

/// Uses up the burst of a lane, so that whoever comes next has to wait.
async fn use_up(pacer: &Pacer, lane: Lane) {
    for _ in 0..4 {
        pacer.turn(lane).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn turns_are_given_in_the_order_in_which_they_were_asked_for() {
    let (pacer, _) = pacer();
    use_up(&pacer, LANE).await;
    let order = Arc::new(Mutex::new(Vec::new()));
    let callers: Vec<_> = (0..20)
        .map(|number| {
            let (pacer, order) = (Arc::clone(&pacer), Arc::clone(&order));
            tokio::spawn(async move {
                pacer.turn(LANE).await.unwrap();
                order.lock().unwrap().push(number);
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    assert_eq!(*order.lock().unwrap(), (0..20).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_refused_goes_before_those_that_came_later() {
    let (pacer, _) = pacer();
    let early = pacer.ticket();
    use_up(&pacer, LANE).await;
    let order = Arc::new(Mutex::new(Vec::new()));
    let asked = |ticket: Ticket, name: &'static str| {
        let (pacer, order) = (Arc::clone(&pacer), Arc::clone(&order));
        tokio::spawn(async move {
            pacer.hold(LANE, ticket).await;
            order.lock().unwrap().push(name);
        })
    };
    let late: Vec<_> = (0..3).map(|_| asked(pacer.ticket(), "late")).collect();
    tokio::task::yield_now().await;
    asked(early, "early").await.unwrap();
    for one in late {
        one.await.unwrap();
    }
    assert_eq!(*order.lock().unwrap(), ["early", "late", "late", "late"]);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_leaves_the_queue() {
    let (pacer, clock) = pacer();
    use_up(&pacer, LANE).await;
    let gone = {
        let pacer = Arc::clone(&pacer);
        tokio::spawn(async move { pacer.turn(LANE).await.unwrap() })
    };
    tokio::task::yield_now().await;
    gone.abort();
    assert!(gone.await.is_err());
    let before = clock.elapsed();
    pacer.turn(LANE).await.unwrap();
    assert_eq!(clock.elapsed().checked_sub(before).unwrap(), Duration::from_millis(250));
}

#[tokio::test(start_paused = true)]
async fn a_held_turn_is_not_waited_for_twice() {
    let (pacer, clock) = pacer();
    use_up(&pacer, LANE).await;
    assert!(!pacer.hold_now(LANE), "the burst is used up");
    pacer.hold(LANE, pacer.ticket()).await;
    let before = clock.elapsed();
    pacer.turn(LANE).await.unwrap();
    assert_eq!(clock.elapsed(), before);
    pacer.turn(LANE).await.unwrap();
    assert!(clock.elapsed() > before);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_refused_alone_does_not_slow_its_service_down() {
    let (pacer, clock) = pacer();
    pacer.throttled(LANE);
    let before = clock.elapsed();
    pacer.turn(OTHER).await.unwrap();
    assert_eq!(clock.elapsed(), before);
    // Two calls that are refused at the same time have one bucket.
    pacer.throttled(OTHER);
    pacer.turn(Lane { service: "elb", call: "DescribeThings" }).await.unwrap();
    assert!(clock.elapsed() > before);
    // It is not the second call's own: that goes on at its pace when the service lets it.
    let before = clock.elapsed();
    clock.sleep(Duration::from_mins(1)).await;
    (0..3).for_each(|_| assert!(pacer.hold_now(OTHER)));
    assert_eq!(clock.elapsed().checked_sub(before), Some(Duration::from_mins(1)));
}

#[tokio::test(start_paused = true)]
async fn what_is_expected_is_the_wait_of_all_who_came_before() {
    let clock = PausedClock::new();
    // A target that is ten times as fast: what is expected is in real time.
    for (time_scale, unit) in [(1.0, 250), (10.0, 25)] {
        let pacer = Arc::new(Pacer::new(Arc::new(clock.clone()), time_scale));
        assert_eq!(pacer.expected(LANE), Duration::ZERO);
        use_up(&pacer, LANE).await;
        assert_eq!(pacer.expected(LANE), Duration::from_millis(unit));
        let waiting = [(); 2].map(|()| {
            let pacer = Arc::clone(&pacer);
            tokio::spawn(async move { pacer.turn(LANE).await.unwrap() })
        });
        tokio::task::yield_now().await;
        assert_eq!(pacer.expected(LANE), Duration::from_millis(3 * unit));
        let before = clock.elapsed();
        for one in waiting {
            one.await.unwrap();
        }
        assert_eq!(clock.elapsed().checked_sub(before), Some(Duration::from_millis(2 * unit)));
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_quickens_the_call_and_its_service() {
    let (pacer, _) = pacer();
    use_up(&pacer, LANE).await;
    pacer.answered(LANE);
    // A twentieth of the first rate more: 4.2 calls in a second, of which three are still counted at once.
    let wait = pacer.expected(LANE).as_secs_f64();
    let wanted = 1.0 - 3.0 / 4.2;
    assert!((wait - wanted).abs() < 1e-6, "{wait} instead of {wanted}");
    let state = pacer.state();
    assert_eq!(state.services["elb"].limiter.interval(), Duration::from_secs_f64(1.0 / 10.5));
}

#[tokio::test(start_paused = true)]
async fn a_free_lane_is_not_taken_before_those_who_wait_for_the_service() {
    let (pacer, clock) = pacer();
    // Twenty calls of five kinds use the service up, and none of the lanes below.
    for call in ["a", "b", "c", "d", "e"] {
        use_up(&pacer, Lane { service: "elb", call }).await;
    }
    let waits = {
        let pacer = Arc::clone(&pacer);
        tokio::spawn(async move { pacer.turn(LANE).await.unwrap() })
    };
    tokio::task::yield_now().await;
    clock.sleep(Duration::from_millis(99)).await;
    assert!(!pacer.hold_now(OTHER), "the service has nothing yet");
    waits.await.unwrap();
    assert!(!pacer.hold_now(OTHER), "the one who waited has it");
    clock.sleep(Duration::from_millis(100)).await;
    assert!(pacer.hold_now(OTHER));
}

#[tokio::test(start_paused = true)]
async fn nobody_goes_before_those_who_stand_in_either_queue() {
    let (pacer, _) = pacer();
    let ticket = pacer.ticket();
    let before = pacer.state().services.entry("elb").or_default().queue.join(ticket);
    assert!(!pacer.hold_now(LANE), "one waits for the service");
    drop(before);
    let before = pacer.state().calls.entry(LANE).or_default().queue.join(ticket);
    assert!(!pacer.hold_now(LANE), "one waits for the same call");
    drop(before);
    assert!(pacer.hold_now(LANE));
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_one_call_holds_up_no_other() {
    let (pacer, _) = pacer();
    use_up(&pacer, LANE).await;
    let waits = {
        let pacer = Arc::clone(&pacer);
        tokio::spawn(async move { pacer.turn(LANE).await.unwrap() })
    };
    tokio::task::yield_now().await;
    assert!(pacer.hold_now(OTHER));
    waits.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn two_refusals_far_apart_are_not_about_the_service() {
    for (apart, shared) in [(SHARED_WITHIN / 2, true), (SHARED_WITHIN, false)] {
        let (pacer, clock) = pacer();
        pacer.throttled(LANE);
        clock.sleep(apart).await;
        pacer.throttled(OTHER);
        let state = pacer.state();
        let slowed = state.services["elb"].limiter.interval() > Duration::from_millis(100);
        assert_eq!(slowed, shared, "{apart:?}");
        assert_eq!(state.calls.contains_key(&OTHER), !shared, "it is counted once");
    }
}

#[tokio::test(start_paused = true)]
async fn who_would_wait_too_long_is_told_to_come_back_and_leaves_the_queue() {
    let (pacer, clock) = pacer();
    // As slow as a lane gets: one call in twenty seconds.
    for _ in 0..9 {
        clock.sleep(Duration::from_mins(2)).await;
        pacer.throttled(LANE);
    }
    let waiting = [(); 3].map(|()| {
        let pacer = Arc::clone(&pacer);
        tokio::spawn(async move { pacer.turn(LANE).await })
    });
    let mut answers = Vec::new();
    for one in waiting {
        answers.push(one.await.unwrap());
    }
    let refused: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
    assert!(refused.len() >= 2, "{answers:?}");
    for error in refused {
        assert_eq!(error.class(), lab1_flow_journal::FailureClass::Throttled);
        assert!(error.retry_after().unwrap() <= Duration::from_mins(1), "{error:?}");
    }
    assert_eq!(pacer.state().calls[&LANE].queue.length(), 0);
}
