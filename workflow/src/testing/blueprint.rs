//! A step of any shape on the small [`World`].

use serde::{Deserialize, Serialize};

use super::things::{
    ChangePart, FindThing, Made, MakeThing, PartInput, SweepWorld, ThingInput, WatchThing,
};
use super::world::World;
use crate::{
    Actions, DefinitionError, Handle, Limits, Needs, OutputMismatch, Outputs, Source, Step,
    Workflow,
};

/// One step whose actions are drawn one after another; each may need any that were drawn before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blueprint {
    /// The actions, in the order of declaration.
    pub actions: Vec<Sketch>,
}

/// One action of a [`Blueprint`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sketch {
    /// The action's name, and the thing's.
    pub name: String,
    /// What it does.
    pub kind: SketchKind,
    /// The places of the actions that it needs besides the one it is about.
    pub needs: Vec<usize>,
}

/// What an action of a [`Blueprint`] does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SketchKind {
    /// It makes a thing that stands on all that it needs.
    Thing,
    /// It sets a part of the thing that was drawn there.
    Part(usize),
    /// It waits until the thing that was drawn there is ready.
    Watch(usize),
}

impl Blueprint {
    /// Adds a thing that stands on those at the given places.
    #[must_use]
    pub fn thing(self, name: &str, needs: &[usize]) -> Self {
        self.add(name, SketchKind::Thing, needs)
    }

    /// Adds a part of the thing at `whole`.
    #[must_use]
    pub fn part(self, name: &str, whole: usize) -> Self {
        self.add(name, SketchKind::Part(whole), &[])
    }

    /// Adds a wait for the thing at `thing`.
    #[must_use]
    pub fn watch(self, name: &str, thing: usize) -> Self {
        self.add(name, SketchKind::Watch(thing), &[])
    }

    fn add(mut self, name: &str, kind: SketchKind, needs: &[usize]) -> Self {
        self.actions.push(Sketch { name: name.to_owned(), kind, needs: needs.to_vec() });
        self
    }

    /// Three things, each on the one before.
    pub fn chain() -> Self {
        Self::default().thing("a", &[]).thing("b", &[0]).thing("c", &[1])
    }

    /// Two ways from one thing to another, with parts on both and a wait on one.
    pub fn diamond() -> Self {
        Self::default()
            .thing("root", &[])
            .thing("left", &[0])
            .part("left-part", 1)
            .thing("right", &[0])
            .watch("right-ready", 3)
            .part("right-part", 3)
            .thing("top", &[2, 4, 5])
    }

    /// Makes sense of random draws, one for each action: what it does (3 a part, 4 a wait, else a thing), which of
    /// the earlier actions it needs (a bit for each), and which of the earlier things it is about.
    ///
    /// Without an earlier thing it is one itself.
    pub fn of_draws(draws: Vec<(u8, u8, usize)>) -> Self {
        let mut actions: Vec<Sketch> = Vec::new();
        for (place, (kind, needs, about)) in draws.into_iter().enumerate() {
            let things: Vec<usize> =
                (0..place).filter(|before| actions[*before].kind == SketchKind::Thing).collect();
            let thing = things.get(about % things.len().max(1)).copied();
            let kind = match (kind, thing) {
                (3, Some(thing)) => SketchKind::Part(thing),
                (4, Some(thing)) => SketchKind::Watch(thing),
                _ => SketchKind::Thing,
            };
            let needs = (0..place.min(8)).filter(|before| needs >> before & 1 == 1).collect();
            actions.push(Sketch { name: format!("x{place}"), kind, needs });
        }
        Self { actions }
    }

    /// The workflow that consists of this step and a search for leftovers.
    ///
    /// # Errors
    /// [`DefinitionError`] when a name is none, or is used twice.
    pub fn workflow(&self, world: &World, limits: Limits) -> Result<Workflow, DefinitionError> {
        let mut builder = Workflow::builder("blueprint");
        builder.step(self, (world.clone(), limits));
        for sketch in self.actions.iter().filter(|sketch| sketch.kind == SketchKind::Thing) {
            let name = sketch.name.clone();
            builder.by_mark(&sketch.name, FindThing { world: world.clone(), name });
        }
        builder.sweep(SweepWorld(world.clone()));
        builder.build()
    }
}

impl Step for Blueprint {
    const NAME: &'static str = "blueprint";
    const VERSION: u32 = 1;
    type Needs = (World, Limits);
    type Offers = Vec<Handle<Made>>;

    fn title(&self) -> String {
        format!("{} actions", self.actions.len())
    }

    fn define(&self, (world, limits): (World, Limits), actions: &mut Actions<'_>) -> Self::Offers {
        let mut made: Vec<Handle<Made>> = Vec::new();
        for sketch in &self.actions {
            let handle = sketch.define(&made, (world.clone(), limits), actions);
            made.push(handle);
        }
        made
    }
}

impl Sketch {
    fn define(
        &self,
        made: &[Handle<Made>],
        (world, limits): (World, Limits),
        actions: &mut Actions<'_>,
    ) -> Handle<Made> {
        let (name, needed) = (self.name.as_str(), self.needs.iter().map(|place| made[*place]));
        let needs = All(needed.collect());
        match self.kind {
            SketchKind::Thing => {
                let thing = name.to_owned();
                actions.change(name, name, MakeThing { world, limits }, needs, move |below| {
                    let stands_on = below.into_iter().map(|made| made.id).collect();
                    ThingInput { name: thing.clone(), content: "plain".into(), stands_on }
                })
            }
            SketchKind::Part(whole) => {
                let (whole, part) = (made[whole], name.to_owned());
                let action = ChangePart { world, limits };
                actions.part(whole, name, name, action, (whole, needs), move |(whole, _)| {
                    PartInput { whole: whole.id, part: part.clone(), content: "plain".into() }
                })
            }
            SketchKind::Watch(thing) => {
                let look = WatchThing { world, limits };
                actions.look(name, name, look, (made[thing], needs), |(thing, _)| thing)
            }
        }
    }
}

/// Any number of outputs of one type.
#[derive(Debug, Clone)]
pub struct All(
    /// The handles.
    pub Vec<Handle<Made>>,
);

impl Needs for All {
    type Outputs = Vec<Made>;

    fn sources(&self) -> Vec<Source> {
        self.0.iter().map(Handle::source).collect()
    }

    fn read(&self, outputs: &Outputs<'_>) -> Result<Vec<Made>, OutputMismatch> {
        self.0.iter().map(|handle| outputs.get(*handle)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_about_what_was_drawn_before() {
        let drawn = Blueprint::of_draws(vec![(3, 0, 0), (3, 0, 5), (0, 0b11, 0), (4, 0, 3)]);
        let wanted =
            Blueprint::default().thing("x0", &[]).part("x1", 0).thing("x2", &[0, 1]).watch("x3", 2);
        assert_eq!(drawn, wanted);
    }
}
