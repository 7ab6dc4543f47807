//! Actions on the small [`World`]: models of how an action should be written.

use lab1_flow_journal::RunId;
use serde::{Deserialize, Serialize};

use super::terms::{Op, Order, Removal};
use super::world::World;
use crate::{
    Action, ActionContext, ActionError, Compensate, Consistency, Lane, Leftover, Limits, Look,
    Progress, Reconciled, Sweep, Wait,
};

/// Makes a thing; taken back by removing it.
#[derive(Debug, Clone)]
pub struct MakeThing {
    /// Where.
    pub world: World,
    /// How long it is tried.
    pub limits: Limits,
}

/// What [`MakeThing`] depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThingInput {
    /// The thing's name: the natural key.
    pub name: String,
    /// What it is to be.
    pub content: String,
    /// The ids of what it stands on.
    pub stands_on: Vec<String>,
}

/// What was made: the id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// The thing's id.
    pub id: String,
}

impl Action for MakeThing {
    type Input = ThingInput;
    type Output = Made;

    async fn execute(&self, cx: &ActionContext, input: &ThingInput) -> Result<Made, ActionError> {
        let order = Order::of(cx, &input.name, &input.content, input.stands_on.clone());
        Ok(Made { id: self.world.make(order).await? })
    }

    async fn reconcile(
        &self,
        cx: &ActionContext,
        input: &ThingInput,
    ) -> Result<Reconciled<Made>, ActionError> {
        let Some(seen) = self.world.find(&input.name).await? else {
            return Ok(Reconciled::Absent);
        };
        if seen.mark.as_deref() != Some(cx.run().as_str()) {
            let evidence = format!("{} is there, and its mark is {:?}", input.name, seen.mark);
            return Ok(foreign(evidence));
        }
        if seen.is_leaving {
            return Ok(Reconciled::Unclear(Wait::new(format!("{} is leaving", input.name))));
        }
        if seen.content != input.content {
            let difference = format!("it is {:?} and not {:?}", seen.content, input.content);
            return Ok(Reconciled::Altered { output: Made { id: seen.id }, difference });
        }
        Ok(Reconciled::Adopted(Made { id: seen.id }))
    }

    fn limits(&self) -> Limits {
        self.limits
    }

    fn lane(&self) -> Option<Lane> {
        self.world.lane(Op::Make)
    }
}

impl Compensate for MakeThing {
    async fn compensate(
        &self,
        cx: &ActionContext,
        input: &ThingInput,
        made: &Made,
    ) -> Result<Progress<()>, ActionError> {
        Ok(match self.world.remove(&made.id, cx.run().as_str()).await? {
            Removal::Gone => Progress::Done(()),
            Removal::Leaving => Progress::Waiting(Wait::new(format!("{} is leaving", input.name))),
        })
    }
}

/// Finds a thing by its name and its mark, and removes it: what it was to be is not known.
#[derive(Debug, Clone)]
pub struct FindThing {
    /// Where.
    pub world: World,
    /// The thing's name.
    pub name: String,
}

impl Action for FindThing {
    type Input = ();
    type Output = Made;

    async fn execute(&self, _: &ActionContext, (): &()) -> Result<Made, ActionError> {
        Err(ActionError::permanent("what is only found is not made"))
    }

    async fn reconcile(
        &self,
        cx: &ActionContext,
        (): &(),
    ) -> Result<Reconciled<Made>, ActionError> {
        let seen = self.world.find(&self.name).await?;
        let ours = seen.filter(|seen| seen.mark.as_deref() == Some(cx.run().as_str()));
        Ok(match ours {
            None => Reconciled::Absent,
            Some(seen) if seen.is_leaving => {
                Reconciled::Unclear(Wait::new(format!("{} is leaving", self.name)))
            }
            Some(seen) => Reconciled::Adopted(Made { id: seen.id }),
        })
    }
}

impl Compensate for FindThing {
    async fn compensate(
        &self,
        cx: &ActionContext,
        (): &(),
        made: &Made,
    ) -> Result<Progress<()>, ActionError> {
        Ok(match self.world.remove(&made.id, cx.run().as_str()).await? {
            Removal::Gone => Progress::Done(()),
            Removal::Leaving => Progress::Waiting(Wait::new(format!("{} is leaving", self.name))),
        })
    }
}

fn foreign<T>(evidence: String) -> Reconciled<T> {
    Reconciled::Foreign { evidence, advice: "take another name".to_owned() }
}

/// Sets a part of a thing; it goes when the thing goes.
#[derive(Debug, Clone)]
pub struct ChangePart {
    /// Where.
    pub world: World,
    /// How long it is tried.
    pub limits: Limits,
}

/// What [`ChangePart`] depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartInput {
    /// The id of the whole.
    pub whole: String,
    /// The part.
    pub part: String,
    /// What it is to be.
    pub content: String,
}

impl Action for ChangePart {
    type Input = PartInput;
    type Output = Made;

    async fn execute(&self, cx: &ActionContext, input: &PartInput) -> Result<Made, ActionError> {
        let PartInput { whole, part, content } = input;
        self.world.set_part(whole, part, content, cx.run().as_str()).await?;
        Ok(Made { id: whole.clone() })
    }

    async fn reconcile(
        &self,
        cx: &ActionContext,
        input: &PartInput,
    ) -> Result<Reconciled<Made>, ActionError> {
        let PartInput { whole, part, content } = input;
        let Some(seen) = self.world.part(whole, part).await? else {
            return Ok(Reconciled::Absent);
        };
        if seen.mark.as_deref() != Some(cx.run().as_str()) {
            return Ok(foreign(format!("{whole} is there, and its mark is {:?}", seen.mark)));
        }
        if seen.content != *content {
            let difference = format!("{part} is {:?} and not {content:?}", seen.content);
            return Ok(Reconciled::Altered { output: Made { id: seen.id }, difference });
        }
        Ok(Reconciled::Adopted(Made { id: seen.id }))
    }

    fn limits(&self) -> Limits {
        self.limits
    }

    fn lane(&self) -> Option<Lane> {
        self.world.lane(Op::Make)
    }

    fn consistency(&self) -> Consistency {
        Consistency::Slow
    }
}

/// Waits until a thing is ready.
#[derive(Debug, Clone)]
pub struct WatchThing {
    /// Where.
    pub world: World,
    /// How long it is watched.
    pub limits: Limits,
}

impl Look for WatchThing {
    type Input = Made;
    type Output = Made;

    async fn look(&self, _: &ActionContext, thing: &Made) -> Result<Progress<Made>, ActionError> {
        Ok(if self.world.is_ready(&thing.id).await? {
            Progress::Done(thing.clone())
        } else {
            Progress::Waiting(Wait::new(format!("{} is not ready", thing.id)))
        })
    }

    fn limits(&self) -> Limits {
        self.limits
    }
}

/// Searches the world for anything that carries the run's mark.
#[derive(Debug, Clone)]
pub struct SweepWorld(
    /// Where.
    pub World,
);

impl Sweep for SweepWorld {
    async fn sweep(&self, run: &RunId) -> Result<Vec<Leftover>, ActionError> {
        self.0.marked(run.as_str()).await
    }
}
