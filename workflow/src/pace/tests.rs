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
        pacer.turn(lane).await;
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
                pacer.turn(LANE).await;
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
        tokio::spawn(async move { pacer.turn(LANE).await })
    };
    tokio::task::yield_now().await;
    gone.abort();
    assert!(gone.await.is_err());
    let before = clock.elapsed();
    pacer.turn(LANE).await;
    assert_eq!(clock.elapsed().checked_sub(before).unwrap(), Duration::from_millis(250));
}

#[tokio::test(start_paused = true)]
async fn a_held_turn_is_not_waited_for_twice() {
    let (pacer, clock) = pacer();
    use_up(&pacer, LANE).await;
    assert!(!pacer.hold_now(LANE), "the burst is used up");
    pacer.hold(LANE, pacer.ticket()).await;
    let before = clock.elapsed();
    pacer.turn(LANE).await;
    assert_eq!(clock.elapsed(), before);
    pacer.turn(LANE).await;
    assert!(clock.elapsed() > before);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_refused_alone_does_not_slow_its_service_down() {
    let (pacer, clock) = pacer();
    pacer.throttled(LANE);
    let before = clock.elapsed();
    pacer.turn(OTHER).await;
    assert_eq!(clock.elapsed(), before);
    // Two calls that are refused at the same time have one bucket.
    pacer.throttled(OTHER);
    pacer.turn(Lane { service: "elb", call: "DescribeThings" }).await;
    assert!(clock.elapsed() > before);
    // It is not the second call's own: that goes on at its pace when the service lets it.
    let before = clock.elapsed();
    clock.sleep(Duration::from_mins(1)).await;
    (0..3).for_each(|_| assert!(pacer.hold_now(OTHER)));
    assert_eq!(clock.elapsed().checked_sub(before), Some(Duration::from_mins(1)));
}
