//! The way of the calls: each is written down, and the reply to one of them may be lost.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use lab1_flow_steps::{SendFunction, TransportFault};
use lab1_flow_workflow::Clock;
use lab1_flow_workflow::testing::PausedClock;

use crate::simulated::action_of;

/// One call, and when it was sent.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) action: String,
    pub(crate) sent: Duration,
}

impl Call {
    /// Whether the call may change something.
    pub(crate) fn changes(&self) -> bool {
        !self.action.starts_with("Describe") && !self.action.starts_with("Get")
    }
}

/// All calls so far, in the order in which they were sent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wire(Arc<Mutex<Vec<Call>>>);

impl Wire {
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.0.lock().unwrap().clone()
    }

    /// How many calls were made from this moment on that only read.
    pub(crate) fn reads_from(&self, moment: Duration) -> usize {
        let calls = self.0.lock().unwrap();
        calls.iter().filter(|call| call.sent >= moment && !call.changes()).count()
    }

    /// Writes down what goes along `way`. The change of this number (from 0) takes effect, and nobody hears of it.
    pub(crate) fn along(
        &self,
        way: SendFunction,
        clock: PausedClock,
        lost: Option<usize>,
    ) -> SendFunction {
        let wire = self.clone();
        Arc::new(move |request: http::Request<Bytes>| {
            let change = wire.note(action_of(request.body()), clock.elapsed());
            let is_lost = lost.is_some() && change == lost;
            let answer = way(request);
            async move {
                let answer = answer.await;
                if is_lost { Err(TransportFault::Dropped) } else { answer }
            }
            .boxed()
        })
    }

    /// Writes a call down, and gives its number among the changes if it is one.
    fn note(&self, action: &str, sent: Duration) -> Option<usize> {
        let call = Call { action: action.to_owned(), sent };
        let mut calls = self.0.lock().unwrap();
        let before = calls.iter().filter(|call| call.changes()).count();
        let number = call.changes().then_some(before);
        calls.push(call);
        number
    }
}

/// What was sent at the same moment, moment by moment.
pub(crate) fn round_trips(calls: &[Call]) -> Vec<BTreeSet<&str>> {
    let mut trips: Vec<(Duration, BTreeSet<&str>)> = Vec::new();
    for call in calls {
        match trips.last_mut() {
            Some((sent, actions)) if *sent == call.sent => {
                actions.insert(&call.action);
            }
            _ => trips.push((call.sent, BTreeSet::from([call.action.as_str()]))),
        }
    }
    trips.into_iter().map(|(_, actions)| actions).collect()
}
