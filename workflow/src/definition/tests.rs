use serde::{Deserialize, Serialize};

use super::*;
use crate::testing::{Habits, MakeThing, PausedClock, ThingInput, World};
use crate::{DefinitionError, Limits};

/// A step that makes one thing, whose name is the step's configuration.
macro_rules! one_thing_step {
    ($step:ident, $name:literal) => {
        #[derive(Debug, Clone, Serialize, Deserialize)]
        struct $step(String);

        impl Step for $step {
            const NAME: &'static str = $name;
            const VERSION: u32 = 1;
            type Needs = World;
            type Offers = ();

            fn title(&self) -> String {
                self.0.clone()
            }

            fn define(&self, world: World, actions: &mut Actions<'_>) {
                let name = self.0.clone();
                let input = move |()| ThingInput {
                    name: name.clone(),
                    content: String::new(),
                    stands_on: Vec::new(),
                };
                let make = MakeThing { world, limits: Limits::default() };
                actions.change(&self.0, &self.0, make, (), input);
            }
        }
    };
}

one_thing_step!(Look, "look");
one_thing_step!(Lay, "lay");
one_thing_step!(Build, "build");

fn world() -> World {
    World::new(Arc::new(PausedClock::new()), Habits::default())
}

fn refusal(declare: impl FnOnce(&mut WorkflowBuilder)) -> Option<String> {
    let mut builder = Workflow::builder("house");
    declare(&mut builder);
    builder.build().err().map(|error: DefinitionError| error.to_string())
}

#[tokio::test(start_paused = true)]
async fn steps_stand_in_the_order_of_their_numbers_and_a_prelude_before_them() {
    let mut builder = Workflow::builder("house");
    builder.numbered_step(7, &Build("roof".into()), world());
    builder.prelude(&Look("site".into()), world());
    builder.step(&Lay("stone".into()), world());
    let workflow = builder.build().unwrap();
    let steps = workflow.steps().iter().map(|step| (step.number, step.name.as_str()));
    assert_eq!(steps.collect::<Vec<_>>(), [(None, "look"), (Some(7), "build"), (Some(8), "lay")]);
    // Actions keep the order of declaration, and know their step.
    let of = |node: &Node| (node.name.to_string(), workflow.steps[node.step].title.clone());
    assert!(workflow.nodes.iter().map(of).all(|(action, title)| action == title));
    for (place, node) in workflow.nodes.iter().enumerate() {
        assert_eq!(workflow.place(&node.name), Some(place));
    }
    assert_eq!(workflow.place(&ActionName::new("cellar").unwrap()), None);
}

#[tokio::test(start_paused = true)]
async fn what_has_the_name_or_the_number_of_another_is_refused() {
    let wanted = [
        (Some("the name stone is used twice"), Lay("stone".into()), 2),
        (Some("the name step 1 is used twice"), Lay("wood".into()), 1),
        (None, Lay("wood".into()), 2),
    ];
    for (wanted, second, number) in wanted {
        let refusal = refusal(|builder| {
            builder.numbered_step(1, &Build("stone".into()), world());
            builder.numbered_step(number, &second, world());
        });
        assert_eq!(refusal.as_deref(), wanted);
    }
    let twins = refusal(|builder| {
        builder.step(&Lay("stone".into()), world());
        builder.step(&Lay("wood".into()), world());
    });
    assert_eq!(twins.as_deref(), Some("the name lay is used twice"));
    let nameless = refusal(|builder| builder.step(&Lay("no name".into()), world()));
    assert!(nameless.is_some_and(|refusal| refusal.contains("no name")));
}
