//! The two stories that every change must stand: its reply is lost, and another run was there first.

use lab1_flow_workflow::journal::FailureClass;
use lab1_flow_workflow::{Action, ActionContext, Reconciled};

use super::{OTHER_RUN, OUR_RUN, Trial, WireFault, context, fails};

impl Trial {
    /// Loses the reply to the call that makes the thing, and lets the action look for it: what it adopts, and the
    /// reads that this takes.
    pub(crate) async fn adopts_without_reply<A: Action>(
        &self,
        action: &A,
        ours: &ActionContext,
        input: &A::Input,
        creation: &'static str,
    ) -> (A::Output, Vec<String>) {
        let before = action.reconcile(ours, input).await;
        assert!(matches!(before, Ok(Reconciled::Absent)), "{before:?}");
        self.order(creation, WireFault::LoseReply);
        fails(action.execute(ours, input).await, FailureClass::Ambiguous);
        self.take_calls();
        let found = action.reconcile(ours, input).await;
        let Ok(Reconciled::Adopted(found)) = found else { panic!("it stands: {found:?}") };
        (found, self.take_calls())
    }
}

/// Lets another run make the thing first: ours is refused, and sees that it belongs to that run. What was made.
pub(crate) async fn is_foreign_of_another_run<A: Action>(
    action: &A,
    name: &str,
    input: &A::Input,
) -> A::Output {
    let made = action.execute(&context(OTHER_RUN, name), input).await.unwrap();
    let ours = context(OUR_RUN, name);
    fails(action.execute(&ours, input).await, FailureClass::Contended);
    let found = action.reconcile(&ours, input).await;
    let Ok(Reconciled::Foreign { evidence, .. }) = found else {
        panic!("it is not ours: {found:?}")
    };
    assert!(evidence.contains("run run-other of lab1-flow"), "{evidence}");
    made
}
