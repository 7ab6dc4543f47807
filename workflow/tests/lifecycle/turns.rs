//! Attempts that share the provider's calls with others.

use lab1_flow_workflow::testing::Op;
use lab1_flow_workflow::{
    Action, ActionContext, ActionError, Actions, Compensate, Lane, Pacer, Progress, Reconciled,
    Step,
};
use serde::{Deserialize, Serialize};

use super::*;

const LANE: Lane = Lane { service: "elb", call: "CreateThing" };

/// Takes its turn, and then its time.
#[derive(Debug, Clone)]
struct Paced {
    pacer: Arc<Pacer>,
    clock: PausedClock,
    lasts: Duration,
}

impl Action for Paced {
    type Input = ();
    type Output = ();

    async fn execute(&self, _: &ActionContext, (): &()) -> Result<(), ActionError> {
        self.pacer.turn(LANE).await?;
        self.clock.sleep(self.lasts).await;
        self.pacer.answered(LANE);
        Ok(())
    }

    async fn reconcile(&self, _: &ActionContext, (): &()) -> Result<Reconciled<()>, ActionError> {
        Ok(Reconciled::Absent)
    }

    fn lane(&self) -> Option<Lane> {
        Some(LANE)
    }
}

impl Compensate for Paced {
    async fn compensate(
        &self,
        _: &ActionContext,
        (): &(),
        (): &(),
    ) -> Result<Progress<()>, ActionError> {
        Ok(Progress::Done(()))
    }
}

/// Six calls of one kind, of which four may be made at once.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct SixCalls;

impl Step for SixCalls {
    const NAME: &'static str = "six-calls";
    const VERSION: u32 = 1;
    type Needs = Paced;
    type Offers = ();

    fn title(&self) -> String {
        "six calls".into()
    }

    fn define(&self, paced: Paced, actions: &mut Actions<'_>) {
        for name in ["a", "b", "c", "d", "e", "f"] {
            actions.change(name, name, paced.clone(), (), |()| ());
        }
    }
}

fn rig(lasts: Duration) -> (Rig, Engine, Arc<Pacer>) {
    let mut rig = Rig::new(&Blueprint::default());
    let pacer = Arc::new(Pacer::new(Arc::new(rig.clock.clone()), 1.0));
    let mut builder = Workflow::builder("six-calls");
    let call = Paced { pacer: Arc::clone(&pacer), clock: rig.clock.clone(), lasts };
    builder.step(&SixCalls, call);
    rig.workflow = builder.build().unwrap();
    let engine = rig.engine().with_pacer(Arc::clone(&pacer));
    (rig, engine, pacer)
}

#[tokio::test(start_paused = true)]
async fn an_intent_is_written_when_its_call_has_its_turn() {
    let (rig, engine, _) = rig(Duration::ZERO);
    assert_eq!(rest(engine.start(&rig.workflow, rig.new.clone()).await), Rest::Completed);
    let start = rig.history().await.header.created_at;
    let begun: Vec<_> = rig
        .history()
        .await
        .records
        .into_iter()
        .filter(|record| matches!(record.entry, Entry::AttemptStarted { .. }))
        .map(|record| record.at.since(start))
        .collect();
    assert_eq!(begun[..4], [Duration::ZERO; 4]);
    assert!(begun[4] > Duration::ZERO && begun[5] > begun[4], "{begun:?}");
    assert_eq!(rig.clock.elapsed(), begun[5], "and its call is made at once");
}

#[tokio::test(start_paused = true)]
async fn a_stop_leaves_the_queue_and_a_resume_comes_back_to_it() {
    let (rig, engine, _) = rig(Duration::ZERO);
    let later = async {
        rig.clock.sleep(millis(50)).await;
        rig.stop.request();
    };
    let (rested, ()) = tokio::join!(engine.start(&rig.workflow, rig.new.clone()), later);
    assert_eq!(rest(rested), Rest::Stopped);
    let begun = rig.lines().await.iter().filter(|line| line.ends_with("begun 1")).count();
    assert_eq!(begun, 4, "what was not sent is not begun");
    assert_eq!(rig.clock.elapsed(), millis(50), "nothing in the queue is waited for");
    let engine = engine.with_stop(StopSignal::new());
    let resumed = engine.resume(&rig.workflow, &rig.new.run, Resume::default()).await;
    assert_eq!(rest(resumed), Rest::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_stops_gives_its_places_in_the_queue_to_others_at_once() {
    let (rig, engine, pacer) = rig(millis(200));
    let later = async {
        rig.clock.sleep(millis(50)).await;
        let before = pacer.expected(LANE);
        rig.stop.request();
        rig.clock.sleep(millis(10)).await;
        (before, pacer.expected(LANE))
    };
    let (rested, (before, after)) =
        tokio::join!(engine.start(&rig.workflow, rig.new.clone()), later);
    assert_eq!(rest(rested), Rest::Stopped);
    assert_eq!(rig.clock.elapsed(), millis(200), "the calls in flight are waited for");
    assert_eq!((before, after), (millis(700), millis(190)), "two stood before, and then nobody");
}

/// Twenty things and as many looks on one, at a provider that refuses these requests for so long; the requests wait for
/// their turns.
fn throttled(op: Op, time: Duration) -> (Rig, Engine) {
    let mut blueprint = Blueprint::default().thing("root", &[]);
    for number in 0..20 {
        blueprint = blueprint.thing(&format!("thing-{number}"), &[0]);
        blueprint = blueprint.watch(&format!("watch-{number}"), 0);
    }
    let mut rig = Rig::new(&blueprint).on_failure(OnFailure::Rollback);
    let pacer = Arc::new(Pacer::new(Arc::new(rig.clock.clone()), 1.0));
    rig.world = rig.world.with_pacer(Arc::clone(&pacer));
    rig.world.throttle_until(op, time);
    rig.workflow = blueprint.workflow(&rig.world, Limits::default()).unwrap();
    let engine = rig.engine().with_pacer(pacer);
    (rig, engine)
}

/// Nothing but throttling was met, and nothing was given up for it.
async fn assert_only_throttled(rig: &Rig) {
    for record in rig.history().await.records {
        match &record.entry {
            Entry::AttemptFailed { failure, .. } | Entry::CompensationFailed { failure, .. } => {
                assert_eq!(failure.class, FailureClass::Throttled, "{record:?}");
            }
            Entry::ActionFailed { .. } | Entry::CompensationGaveUp { .. } => panic!("{record:?}"),
            _ => {}
        }
    }
}

#[tokio::test(start_paused = true)]
async fn looks_that_wait_for_their_turns_are_not_given_up() {
    let (rig, engine) = throttled(Op::Watch, Duration::from_mins(10));
    assert_eq!(rest(engine.start(&rig.workflow, rig.new.clone()).await), Rest::Completed);
    assert_only_throttled(&rig).await;
}

#[tokio::test(start_paused = true)]
async fn removals_that_wait_for_their_turns_are_not_stuck() {
    for (mins, suspends) in [(5, false), (60, true)] {
        let (rig, engine) = throttled(Op::Remove, Duration::from_mins(mins));
        engine.start(&rig.workflow, rig.new.clone()).await.unwrap();
        let roll_back = || engine.roll_back(&rig.workflow, &rig.new.run, Resume::default());
        let mut rested = rest(roll_back().await);
        let by = suspended_by(&rested);
        assert_eq!(by, suspends.then_some(FailureClass::Throttled), "{mins} min: {rested:?}");
        while suspended_by(&rested).is_some() {
            rested = rest(roll_back().await);
        }
        assert_eq!(rested, Rest::RolledBack, "{mins} min");
        assert_only_throttled(&rig).await;
        assert_eq!(rig.names(), [""; 0]);
    }
}
