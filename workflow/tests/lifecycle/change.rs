//! Steps that are not what they were.

use lab1_flow_workflow::testing::{MakeThing, Op, ThingInput};
use lab1_flow_workflow::{Actions, Step};
use serde::{Deserialize, Serialize};

use super::*;

macro_rules! one_thing_step {
    ($step:ident, $name:literal, $thing:literal) => {
        #[derive(Debug, Clone, Serialize, Deserialize)]
        struct $step {
            content: String,
        }

        impl Step for $step {
            const NAME: &'static str = $name;
            const VERSION: u32 = 1;
            type Needs = World;
            type Offers = ();

            fn title(&self) -> String {
                $name.into()
            }

            fn define(&self, world: World, actions: &mut Actions<'_>) {
                let content = self.content.clone();
                let make = MakeThing { world, limits: Limits::default() };
                actions.change($thing, $thing, make, (), move |()| ThingInput {
                    name: $thing.into(),
                    content: content.clone(),
                    stands_on: Vec::new(),
                });
            }
        }
    };
}

one_thing_step!(First, "first", "first-thing");
one_thing_step!(Second, "second", "second-thing");
one_thing_step!(Third, "third", "third-thing");

/// Two independent steps, whose second makes something of this content.
pub(crate) fn two_steps(world: &World, content: &str) -> Workflow {
    let mut builder = Workflow::builder("two-steps");
    builder.step(&First { content: "plain".into() }, world.clone());
    builder.step(&Second { content: content.into() }, world.clone());
    builder.build().unwrap()
}

/// Three independent steps.
pub(crate) fn three_steps(world: &World) -> Workflow {
    let mut builder = Workflow::builder("three-steps");
    builder.step(&First { content: "plain".into() }, world.clone());
    builder.step(&Second { content: "plain".into() }, world.clone());
    builder.step(&Third { content: "plain".into() }, world.clone());
    builder.build().unwrap()
}

/// A run that has paused between its two steps.
async fn paused() -> Rig {
    let mut rig = Rig::new(&Blueprint::chain());
    rig.workflow = two_steps(&rig.world, "plain");
    rig.new.until = Some(lab1_flow_workflow::journal::StepName::new("first").unwrap());
    assert_eq!(rig.start().await, Rest::Paused);
    rig
}

#[tokio::test(start_paused = true)]
async fn a_step_that_has_not_begun_may_change() {
    let mut rig = paused().await;
    rig.workflow = two_steps(&rig.world, "painted");
    assert_eq!(rig.resume().await, Rest::Completed);
    assert!(rig.lines().await.contains(&"steps changed".to_owned()));
    let contents: Vec<_> =
        rig.world.holdings().values().map(|thing| thing.content["content"].clone()).collect();
    assert_eq!(contents, ["plain", "painted"]);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_has_begun_may_not_change() {
    let mut rig = paused().await;
    assert_eq!(rig.resume().await, Rest::Completed);
    rig.world.order_fault(Op::Remove, "second-thing", refused(FailureClass::Permanent));
    rig.roll_back().await;
    rig.workflow = two_steps(&rig.world, "painted");
    let refused = rig.engine().resume(&rig.workflow, &rig.new.run, Resume::default()).await;
    let message = refused.unwrap_err().to_string();
    assert!(message.contains("content was \"plain\", and is \"painted\""), "{message}");
}

#[tokio::test(start_paused = true)]
async fn a_rollback_with_other_steps_is_refused() {
    let rig = paused().await;
    let mut builder = Workflow::builder("two-steps");
    builder.step(&Second { content: "plain".into() }, rig.world.clone());
    let other = builder.build().unwrap();
    let ended = rig.engine().roll_back(&other, &rig.new.run, Resume::default()).await;
    assert!(matches!(ended, Err(EngineError::StepChanged { .. })), "{ended:?}");
    assert_eq!(rig.names(), ["first-thing"]);
}

#[tokio::test(start_paused = true)]
async fn a_changed_step_that_has_not_begun_does_not_stop_a_rollback() {
    let mut rig = paused().await;
    rig.world.order_fault(Op::Remove, "first-thing", refused(FailureClass::Permanent));
    assert!(matches!(rig.roll_back().await, Rest::Stuck { .. }));
    rig.workflow = two_steps(&rig.world, "painted");
    assert_eq!(rig.roll_back().await, Rest::RolledBack);
}

#[tokio::test(start_paused = true)]
async fn the_run_of_another_workflow_is_refused() {
    let rig = paused().await;
    let other = Blueprint::chain().workflow(&rig.world, Limits::default()).unwrap();
    for ended in [
        rig.engine().resume(&other, &rig.new.run, Resume::default()).await,
        rig.engine().roll_back(&other, &rig.new.run, Resume::default()).await,
    ] {
        assert!(matches!(ended, Err(EngineError::OtherWorkflow { .. })), "{ended:?}");
    }
}
