//! Puts a life's boundaries around every call of a workflow, whoever wrote its actions.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use lab1_flow_journal::RunId;
use serde_json::Value;

use super::life::{CallKind, Life};
use crate::erased::{Answer, BoxFuture, ErasedAction, Kept, Unreadable};
use crate::sweep::{ErasedSweep, Leftover};
use crate::{
    ActionContext, ActionError, Consistency, Lane, Limits, Progress, Reconciled, Workflow,
};

pub(super) fn probe(life: &Life, mut workflow: Workflow) -> Workflow {
    for node in &mut workflow.nodes {
        let probe = |inner, by_mark| Arc::new(Probe { life: life.clone(), inner, by_mark });
        node.action = probe(Arc::clone(&node.action), false);
        node.by_mark = node.by_mark.take().map(|inner| probe(inner, true) as _);
    }
    if let Some(inner) = workflow.sweep.take() {
        workflow.sweep = Some(Arc::new(SweepProbe { life: life.clone(), inner }));
    }
    workflow
}

#[derive(Debug)]
struct Probe {
    life: Life,
    inner: Arc<dyn ErasedAction>,
    /// Whether it looks by the run's mark alone, as a search does.
    by_mark: bool,
}

impl Probe {
    async fn call<T>(
        &self,
        kind: CallKind,
        cx: &ActionContext,
        input: &Value,
        call: impl Future<Output = T>,
    ) -> T {
        self.life.record(kind, Some(cx), input);
        bounded(&self.life, call).await
    }
}

/// A call with its three boundaries: before the effect, after it with the reply lost, after the reply.
async fn bounded<T>(life: &Life, call: impl Future<Output = T>) -> T {
    life.fuse().reach().await;
    let reply = watched(life, call).await;
    life.fuse().reach().await;
    // Others get their turn while the reply is on its way.
    tokio::task::yield_now().await;
    life.fuse().reach().await;
    reply
}

/// A call that may have a boundary of its own wherever it waits.
async fn watched<T>(life: &Life, call: impl Future<Output = T>) -> T {
    let mut call = pin!(call);
    poll_fn(|cx| {
        // What comes after the end of life is not played any more.
        let reply = if life.fuse().is_blown() { Poll::Pending } else { call.as_mut().poll(cx) };
        if reply.is_pending() && life.dies_at_awaits() {
            life.fuse().burn();
        }
        reply
    })
    .await
}

impl ErasedAction for Probe {
    fn execute<'a>(
        &'a self,
        cx: &'a ActionContext,
        input: &'a Value,
    ) -> Answer<'a, Progress<Value>> {
        Box::pin(self.call(CallKind::Execute, cx, input, self.inner.execute(cx, input)))
    }

    fn reconcile<'a>(
        &'a self,
        cx: &'a ActionContext,
        input: &'a Value,
    ) -> Answer<'a, Reconciled<Value>> {
        let kind = if self.by_mark { CallKind::Sweep } else { CallKind::Reconcile };
        Box::pin(self.call(kind, cx, input, self.inner.reconcile(cx, input)))
    }

    fn compensate<'a>(
        &'a self,
        cx: &'a ActionContext,
        input: &'a Value,
        output: &'a Value,
    ) -> Answer<'a, Progress<()>> {
        let call = self.inner.compensate(cx, input, output);
        Box::pin(self.call(CallKind::Compensate, cx, input, call))
    }

    fn compensate_kept<'a>(
        &'a self,
        cx: &'a ActionContext,
        input: &'a Value,
        output: Kept,
    ) -> Answer<'a, Progress<()>> {
        let call = self.inner.compensate_kept(cx, input, output);
        Box::pin(self.call(CallKind::Compensate, cx, input, call))
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

#[derive(Debug)]
struct SweepProbe {
    life: Life,
    inner: Arc<dyn ErasedSweep>,
}

impl ErasedSweep for SweepProbe {
    fn sweep<'a>(&'a self, run: &'a RunId) -> BoxFuture<'a, Result<Vec<Leftover>, ActionError>> {
        Box::pin(async move {
            self.life.record(CallKind::Sweep, None, &Value::Null);
            bounded(&self.life, self.inner.sweep(run)).await
        })
    }
}
