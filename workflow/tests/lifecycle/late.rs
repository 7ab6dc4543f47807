//! A rollback that looks for what might still appear.

use std::sync::atomic::{AtomicU32, Ordering};

use lab1_flow_workflow::testing::Op;
use lab1_flow_workflow::{
    Action, ActionContext, ActionError, Actions, Compensate, Progress, Reconciled, Step,
};
use serde::{Deserialize, Serialize};

use super::*;

/// A run whose thing was believed absent, then refused for good; it is being removed now, which takes so long.
async fn leaves_for(removal: Duration) -> Rig {
    let habits = Habits { removal, ..Habits::default() };
    let rig = Rig::with(&Blueprint::default().thing("a", &[]), habits, Limits::default());
    rig.world.order_fault(Op::Make, "a", refused(FailureClass::Ambiguous));
    rig.world.order_fault(Op::Make, "a", refused(FailureClass::Permanent));
    assert_eq!(rig.start().await, Rest::Failed);
    let id = rig.world.plant("a", "plain", Some("story"));
    rig.world.remove(&id, "story").await.unwrap();
    rig
}

#[tokio::test(start_paused = true)]
async fn what_is_unclear_is_waited_for_as_long_as_it_may_take_and_no_longer() {
    let rig = leaves_for(Duration::from_mins(8)).await;
    assert_eq!(rig.roll_back().await, Rest::RolledBack);
    let rig = leaves_for(Duration::from_mins(30)).await;
    let begin = rig.clock.elapsed();
    let day = tokio::time::timeout(Duration::from_hours(24), rig.roll_back()).await;
    assert_eq!(suspended_by(&day.unwrap()), Some(FailureClass::Contended));
    let limit = Limits::default().contended_max;
    assert!(rig.clock.elapsed().saturating_sub(begin) <= limit + millis(5_000));
    rig.clock.sleep(Duration::from_mins(30)).await;
    assert_eq!(rig.resume().await, Rest::RolledBack);
}

#[tokio::test(start_paused = true)]
async fn a_search_that_is_throttled_is_repeated_for_as_long_as_throttling_is_waited_out() {
    let patience = Limits::default().throttled_max;
    for (class, time, suspends) in [
        (FailureClass::Throttled, patience.saturating_sub(millis(60_000)), false),
        (FailureClass::Throttled, patience * 2, true),
        (FailureClass::Unreachable, Limits::default().unreachable_max * 2, true),
    ] {
        let rig = Rig::new(&Blueprint::chain());
        assert_eq!(rig.start().await, Rest::Completed);
        if class == FailureClass::Throttled {
            rig.world.throttle_until(Op::List, rig.clock.elapsed() + time);
        } else {
            (0..100).for_each(|_| rig.world.order_fault(Op::List, "story", refused(class)));
        }
        let begin = rig.clock.elapsed();
        let rested = rig.roll_back().await;
        assert_eq!(suspended_by(&rested), suspends.then_some(class), "{rested:?}");
        let took = rig.clock.elapsed().saturating_sub(begin);
        assert!(took > time / 4 && took < time + millis(40_000), "{class:?}: {took:?} of {time:?}");
    }
}

/// Its look finds it until then; its removal never sees anything.
#[derive(Debug, Clone)]
struct Disagrees {
    clock: PausedClock,
    until: Duration,
    removals: Arc<AtomicU32>,
}

impl Action for Disagrees {
    type Input = ();
    type Output = ();

    async fn execute(&self, _: &ActionContext, (): &()) -> Result<(), ActionError> {
        Ok(())
    }

    async fn reconcile(&self, _: &ActionContext, (): &()) -> Result<Reconciled<()>, ActionError> {
        self.clock.sleep(millis(20)).await;
        let is_seen = self.clock.elapsed() < self.until;
        Ok(if is_seen { Reconciled::Adopted(()) } else { Reconciled::Absent })
    }
}

impl Compensate for Disagrees {
    async fn compensate(
        &self,
        _: &ActionContext,
        (): &(),
        (): &(),
    ) -> Result<Progress<()>, ActionError> {
        self.removals.fetch_add(1, Ordering::Relaxed);
        self.clock.sleep(millis(20)).await;
        Ok(Progress::Done(()))
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Disagreement;

impl Step for Disagreement {
    const NAME: &'static str = "disagreement";
    const VERSION: u32 = 1;
    type Needs = Disagrees;
    type Offers = ();

    fn title(&self) -> String {
        "a look and a removal that disagree".into()
    }

    fn define(&self, disagrees: Disagrees, actions: &mut Actions<'_>) {
        actions.change("a", "a", disagrees, (), |()| ());
    }
}

#[tokio::test(start_paused = true)]
async fn a_look_and_a_removal_that_disagree_are_not_asked_without_a_pause() {
    let mut rig = Rig::new(&Blueprint::default());
    let removals = Arc::new(AtomicU32::new(0));
    let until = Duration::from_mins(10);
    let action = Disagrees { clock: rig.clock.clone(), until, removals: Arc::clone(&removals) };
    let mut builder = Workflow::builder("disagreement");
    builder.step(&Disagreement, action);
    rig.workflow = builder.build().unwrap();
    assert_eq!(rig.start().await, Rest::Completed);
    assert_eq!(rig.roll_back().await, Rest::RolledBack);
    let removals = removals.load(Ordering::Relaxed);
    assert!((3..200).contains(&removals), "{removals} removals in ten minutes");
    assert!(rig.clock.elapsed() >= until + window(), "believed when nothing is seen any more");
}
