//! A run whose journal is lost, and begun anew.

use lab1_flow_workflow::testing::{Made, MakeThing, Op, SweepWorld, ThingInput};
use lab1_flow_workflow::{
    Action, ActionContext, ActionError, Actions, Compensate, Progress, Reconciled, Step,
};
use serde::{Deserialize, Serialize};

use super::*;

/// Finds a thing by its name and its mark: what it was to be is not known any more.
#[derive(Debug, Clone)]
struct ByMark {
    world: World,
    name: &'static str,
}

impl Action for ByMark {
    type Input = ();
    type Output = Made;

    async fn execute(&self, _: &ActionContext, (): &()) -> Result<Made, ActionError> {
        Err(ActionError::permanent("what is lost is not made again"))
    }

    async fn reconcile(
        &self,
        cx: &ActionContext,
        (): &(),
    ) -> Result<Reconciled<Made>, ActionError> {
        let seen = self.world.find(self.name).await?;
        let ours = seen.filter(|seen| seen.mark.as_deref() == Some(cx.run().as_str()));
        Ok(ours.map_or(Reconciled::Absent, |seen| Reconciled::Adopted(Made { id: seen.id })))
    }
}

impl Compensate for ByMark {
    async fn compensate(
        &self,
        cx: &ActionContext,
        (): &(),
        thing: &Made,
    ) -> Result<Progress<()>, ActionError> {
        let sound = MakeThing { world: self.world.clone(), limits: Limits::default() };
        let input =
            ThingInput { name: self.name.into(), content: String::new(), stands_on: Vec::new() };
        sound.compensate(cx, &input, thing).await
    }
}

/// Whatever the lost run may have made.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Lost {
    /// Whether nothing stood on the first thing.
    alone: bool,
}

impl Step for Lost {
    const NAME: &'static str = "lost";
    const VERSION: u32 = 1;
    type Needs = World;
    type Offers = ();

    fn title(&self) -> String {
        "what may be there".into()
    }

    fn define(&self, world: World, actions: &mut Actions<'_>) {
        let a = actions.change("a", "a", ByMark { world: world.clone(), name: "a" }, (), |()| ());
        if !self.alone {
            let b = ByMark { world, name: "b" };
            actions.change("b", "b", b, a, |_| ());
        }
    }
}

fn rig() -> Rig {
    lost(Rig::new(&Blueprint::chain()), false)
}

/// The same run, of which nothing is known but its mark.
fn lost(mut rig: Rig, alone: bool) -> Rig {
    rig.journal = Arc::new(MemoryJournal::new());
    let mut builder = Workflow::builder("lost");
    builder.step(&Lost { alone }, rig.world.clone());
    builder.sweep(SweepWorld(rig.world.clone()));
    rig.workflow = builder.build().unwrap();
    rig
}

async fn recover(rig: &Rig) -> Rest {
    rest(rig.engine().recover(&rig.workflow, &rig.new.run, Resume::default()).await)
}

#[tokio::test(start_paused = true)]
async fn what_carries_the_mark_is_found_and_taken_back_and_nothing_else() {
    let rig = rig();
    rig.world.plant("a", "plain", Some("story"));
    rig.world.plant("b", "plain", Some("another-run"));
    let header = rig.engine().header(&rig.workflow, rig.new.clone()).unwrap();
    rig.journal.create(&header).await.unwrap();
    assert_eq!(recover(&rig).await, Rest::RolledBack);
    assert_eq!(rig.names(), ["b"]);
    let lines = rig.lines().await;
    let presumed = ["a begun 1", "a absent", "a begun 2", "b begun 1", "b absent", "b begun 2"];
    assert_eq!(lines[..6], presumed, "all of it is in doubt, and so is what was tried before");
    assert_eq!(lines[6], "rolling back");
    for line in ["a adopted", "a gone", "b absent"] {
        assert!(lines.contains(&line.to_owned()), "{line}: {lines:?}");
    }
    assert_eq!(recover(&rig).await, Rest::RolledBack);
    assert_eq!(rig.lines().await, lines, "a second time it has nothing to do");
}

/// Trap: before the journal was lost, a first attempt was on its way, believed absent, and made again.
#[tokio::test(start_paused = true)]
async fn what_an_earlier_attempt_of_a_lost_run_makes_late_is_taken_back() {
    let rig = Rig::new(&Blueprint::default().thing("a", &[]));
    rig.world.order_fault(Op::Make, "a", Fault::EffectDelayed(window() / 2));
    assert_eq!(rig.start().await, Rest::Completed);
    assert_eq!(rig.names(), ["a"]);
    let lost = lost(rig, true);
    let header = lost.engine().header(&lost.workflow, lost.new.clone()).unwrap();
    lost.journal.create(&header).await.unwrap();
    assert_eq!(recover(&lost).await, Rest::RolledBack);
    lost.clock.sleep(Duration::from_hours(1)).await;
    assert_eq!(lost.names(), [""; 0]);
}
