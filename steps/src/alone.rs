//! A look outside of any run: with the engine's patience and pace, and a journal that forgets.

use std::marker::PhantomData;
use std::sync::Arc;

use lab1_flow_workflow::journal::{Failure, FailureClass, MemoryJournal, Rest, RunId};
use lab1_flow_workflow::{
    Actions, DefinitionError, Engine, Handle, Look, NewRun, Profile, Step, Workflow,
};
use serde::{Deserialize, Serialize};

/// The run that the engine takes it for. No mark and no token ever carries its name.
const NAME: &str = "a-look";

/// Looks until it is done, and waits out what a run would wait out.
///
/// # Errors
/// The failure for which a run would have failed or suspended.
pub(crate) async fn look_alone<L>(
    look: L,
    input: L::Input,
    profile: &Profile,
) -> Result<L::Output, Failure>
where
    L: Look + Clone,
    L::Input: Clone,
{
    let mut builder = Workflow::builder(NAME);
    let seen = builder.prelude(&Alone::<L>(PhantomData), (look, input));
    let workflow = builder.build().map_err(|error| bug(&error))?;
    let run = NewRun {
        profile: profile.clone(),
        ..NewRun::new(RunId::new(NAME).map_err(|error| bug(&error))?)
    };
    let engine = Engine::new(Arc::new(MemoryJournal::new()));
    let report = engine.start(&workflow, run).await.map_err(|error| bug(&error))?;
    match (report.rest(), report.failure()) {
        (Rest::Completed, _) => report.output(&workflow, seen).map_err(|error| bug(&error)),
        (Rest::Suspended { failure }, _) | (_, Some((_, failure))) => Err(failure.clone()),
        (rest, None) => Err(bug(&format!("the look rests as {rest:?}"))),
    }
}

/// The failure of a workflow that cannot be built around a look.
pub(crate) fn unbuilt(error: &DefinitionError) -> Failure {
    bug(error)
}

fn bug(error: &dyn std::fmt::Display) -> Failure {
    Failure {
        class: FailureClass::Permanent,
        code: None,
        request_id: None,
        message: format!("a look cannot be carried out: {error}"),
        advice: None,
    }
}

/// The only step of the workflow around a look.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound = "")]
struct Alone<L>(PhantomData<fn() -> L>);

impl<L> Step for Alone<L>
where
    L: Look + Clone,
    L::Input: Clone,
{
    const NAME: &'static str = "look";
    const VERSION: u32 = 1;
    type Needs = (L, L::Input);
    type Offers = Handle<L::Output>;

    fn title(&self) -> String {
        "Look".to_owned()
    }

    fn define(&self, (look, input): Self::Needs, actions: &mut Actions<'_>) -> Self::Offers {
        actions.look("look", "look", look, (), move |()| input.clone())
    }
}
