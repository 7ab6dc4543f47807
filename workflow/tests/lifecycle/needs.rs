//! What an action is given of those before it.

use lab1_flow_workflow::journal::RunState;
use lab1_flow_workflow::{
    Action, ActionContext, ActionError, Actions, Compensate, Handle, Progress, Reconciled, Step,
};
use serde::{Deserialize, Serialize};

use super::*;

/// Says what it was told.
#[derive(Debug, Clone)]
struct Echo;

impl Action for Echo {
    type Input = String;
    type Output = String;

    async fn execute(&self, _: &ActionContext, told: &String) -> Result<String, ActionError> {
        Ok(told.clone())
    }

    async fn reconcile(
        &self,
        _: &ActionContext,
        _: &String,
    ) -> Result<Reconciled<String>, ActionError> {
        Ok(Reconciled::Absent)
    }
}

impl Compensate for Echo {
    async fn compensate(
        &self,
        _: &ActionContext,
        _: &String,
        _: &String,
    ) -> Result<Progress<()>, ActionError> {
        Ok(Progress::Done(()))
    }
}

/// One action, and one that needs it and might need another.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Optional;

impl Step for Optional {
    const NAME: &'static str = "optional";
    const VERSION: u32 = 1;
    type Needs = Echo;
    type Offers = ();

    fn title(&self) -> String {
        "optional".into()
    }

    fn define(&self, echo: Echo, actions: &mut Actions<'_>) {
        let first = actions.change("first", "first", echo.clone(), (), |()| "word".to_owned());
        let needs = (Some(first), None::<Handle<String>>);
        actions.change("second", "second", echo, needs, |both| format!("{both:?}"));
    }
}

#[tokio::test(start_paused = true)]
async fn what_only_some_runs_need_is_given_where_it_is_needed() {
    let mut rig = Rig::new(&Blueprint::default());
    let mut builder = Workflow::builder("optional");
    builder.step(&Optional, Echo);
    rig.workflow = builder.build().unwrap();
    assert_eq!(rig.start().await, Rest::Completed);
    let state = RunState::replay(&rig.history().await).unwrap();
    let second = state.action(&ActionName::new("second").unwrap()).unwrap();
    assert_eq!(second.output, Some("(Some(\"word\"), None)".into()));
}
