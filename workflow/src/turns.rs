//! The turns of attempts: an intent is written only when its call would not have to wait.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};

use crate::Lane;
use crate::erased::BoxFuture;
use crate::pace::{Pacer, Ticket};

/// How it stands with one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It may be sent now.
    Come,
    /// It waits from now on, for about so long.
    Expected(Duration),
}

/// The turns that one run waits for, and those that have come.
pub(crate) struct Turns {
    pacer: Option<Arc<Pacer>>,
    waiting: FuturesUnordered<BoxFuture<'static, usize>>,
    come: BTreeSet<usize>,
    /// By the first time that an action asked: one that was refused keeps its place.
    tickets: BTreeMap<usize, Ticket>,
}

impl Turns {
    pub(crate) fn new(pacer: Option<Arc<Pacer>>) -> Self {
        Self {
            pacer,
            waiting: FuturesUnordered::new(),
            come: BTreeSet::new(),
            tickets: BTreeMap::new(),
        }
    }

    /// How it stands with the attempt at this place. When it has to wait, its turn is waited for from now on.
    pub(crate) fn of(&mut self, place: usize, lane: Option<Lane>) -> Turn {
        let Some((lane, pacer)) = lane.zip(self.pacer.as_ref()) else { return Turn::Come };
        if self.come.remove(&place) {
            return Turn::Come;
        }
        let ticket = *self.tickets.entry(place).or_insert_with(|| pacer.ticket());
        if pacer.hold_now(lane) {
            return Turn::Come;
        }
        let expected = pacer.expected(lane);
        let pacer = Arc::clone(pacer);
        self.waiting.push(Box::pin(async move {
            pacer.hold(lane, ticket).await;
            place
        }));
        Turn::Expected(expected)
    }

    /// Waits for the next turn to come, and tells whose it is.
    pub(crate) async fn next(&mut self) -> Option<usize> {
        let place = self.waiting.next().await;
        self.come.extend(place);
        place
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Leaves all queues: nothing will be attempted any more.
    pub(crate) fn leave(&mut self) {
        self.waiting.clear();
        self.come.clear();
    }
}

impl fmt::Debug for Turns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turns").field("come", &self.come).finish_non_exhaustive()
    }
}
