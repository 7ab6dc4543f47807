//! Actions and engines broken on purpose, whoever wrote them: to show that a check can fail.

use std::sync::Arc;

use serde_json::Value;

use crate::erased::{Answer, ErasedAction, Kept, Unreadable};
use crate::{ActionContext, Consistency, Lane, Limits, Progress, Reconciled, Workflow};

/// What is wrong with a workflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Every look says that there is nothing.
    SeesNothing,
    /// Each attempt has a token of its own.
    TokenPerAttempt,
    /// Nobody searches for leftovers.
    NoSweep,
    /// It takes what others stand on for what stands on them, and takes back in forward order. For a rollback only: on the
    /// way forward nothing would have its inputs.
    UpsideDown,
}

impl Flaw {
    /// The same workflow with this flaw. The run's header does not show it.
    pub fn in_a(self, mut workflow: Workflow) -> Workflow {
        match self {
            Self::SeesNothing | Self::TokenPerAttempt => {
                for node in &mut workflow.nodes {
                    let inner = Arc::clone(&node.action);
                    node.action = Arc::new(Flawed { flaw: self, inner });
                }
            }
            Self::NoSweep => workflow.sweep = None,
            Self::UpsideDown => turn_upside_down(&mut workflow),
        }
        workflow
    }
}

/// Exchanges what an action needs for what needs it. The steps, which a header stores, stay as they are.
fn turn_upside_down(workflow: &mut Workflow) {
    let places = 0..workflow.nodes.len();
    let dependents: Vec<Vec<usize>> =
        places.map(|place| workflow.dependents(place).collect()).collect();
    for (node, dependents) in workflow.nodes.iter_mut().zip(dependents) {
        node.needs = dependents;
    }
    workflow.index();
}

#[derive(Debug)]
struct Flawed {
    flaw: Flaw,
    inner: Arc<dyn ErasedAction>,
}

impl ErasedAction for Flawed {
    fn execute<'a>(
        &'a self,
        cx: &'a ActionContext,
        input: &'a Value,
    ) -> Answer<'a, Progress<Value>> {
        if self.flaw != Flaw::TokenPerAttempt {
            return self.inner.execute(cx, input);
        }
        let token = format!("{}-{}", cx.token(), cx.attempt());
        Box::pin(async move {
            let cx = ActionContext { token, ..cx.clone() };
            self.inner.execute(&cx, input).await
        })
    }

    fn reconcile<'a>(
        &'a self,
        cx: &'a ActionContext,
        input: &'a Value,
    ) -> Answer<'a, Reconciled<Value>> {
        if self.flaw == Flaw::SeesNothing {
            return Box::pin(std::future::ready(Ok(Reconciled::Absent)));
        }
        self.inner.reconcile(cx, input)
    }

    fn compensate<'a>(
        &'a self,
        cx: &'a ActionContext,
        input: &'a Value,
        output: &'a Value,
    ) -> Answer<'a, Progress<()>> {
        self.inner.compensate(cx, input, output)
    }

    fn compensate_kept<'a>(
        &'a self,
        cx: &'a ActionContext,
        input: &'a Value,
        output: Kept,
    ) -> Answer<'a, Progress<()>> {
        self.inner.compensate_kept(cx, input, output)
    }

    fn reads(&self, input: Option<&Value>, output: Option<&Value>) -> Result<(), Unreadable> {
        self.inner.reads(input, output)
    }

    fn limits(&self) -> Limits {
        self.inner.limits()
    }

    fn lane(&self) -> Option<Lane> {
        self.inner.lane()
    }

    fn consistency(&self) -> Consistency {
        self.inner.consistency()
    }
}
