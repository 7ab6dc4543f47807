//! The context of an action outside of any run that matters.

use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use lab1_flow_workflow::journal::{MemoryJournal, RunId};
use lab1_flow_workflow::{
    ActionContext, ActionError, Actions, Engine, Look, NewRun, Progress, Step, Workflow,
};
use serde::{Deserialize, Serialize};

/// The context that the engine gives to this action: taken from a run that does nothing else.
pub(crate) fn context(run: &str, action: &str) -> ActionContext {
    let seen = Seen::default();
    let mut builder = Workflow::builder("trial");
    builder.step(&Only, (action.to_owned(), seen.clone()));
    let workflow = builder.build().unwrap();
    let engine = Engine::new(Arc::new(MemoryJournal::new()));
    let run = engine.start(&workflow, NewRun::new(RunId::new(run).unwrap()));
    run.now_or_never().expect("nothing in it waits").unwrap();
    let context = seen.0.lock().unwrap().take();
    context.expect("the look was called")
}

#[derive(Debug, Clone, Default)]
struct Seen(Arc<Mutex<Option<ActionContext>>>);

impl Look for Seen {
    type Input = ();
    type Output = ();

    async fn look(&self, context: &ActionContext, (): &()) -> Result<Progress<()>, ActionError> {
        *self.0.lock().unwrap() = Some(context.clone());
        Ok(Progress::Done(()))
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Only;

impl Step for Only {
    const NAME: &'static str = "only";
    const VERSION: u32 = 1;
    type Needs = (String, Seen);
    type Offers = ();

    fn title(&self) -> String {
        "Only".to_owned()
    }

    fn define(&self, (name, seen): (String, Seen), actions: &mut Actions<'_>) {
        actions.look(&name, "only", seen, (), |()| ());
    }
}
