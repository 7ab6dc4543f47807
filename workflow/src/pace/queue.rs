//! Who is next: callers of one limiter in the order in which they first asked.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// The order in which turns are asked for. A caller that was refused keeps its ticket, and so its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket(pub(super) u64);

/// The callers who wait for one limiter.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<BTreeSet<Ticket>>,
    moved: Notify,
}

/// A place in a queue, given up when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    queue: Arc<Queue>,
    ticket: Ticket,
}

impl Queue {
    pub(super) fn length(&self) -> usize {
        self.waiting().len()
    }

    pub(super) fn join(self: &Arc<Self>, ticket: Ticket) -> Place {
        self.waiting().insert(ticket);
        Place { queue: Arc::clone(self), ticket }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, BTreeSet<Ticket>> {
        // A panic while the lock was held leaves the set as it was.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    fn is_first(&self) -> bool {
        self.queue.waiting().first() == Some(&self.ticket)
    }

    /// Waits until nobody with an older ticket waits.
    pub(super) async fn first(&self) {
        loop {
            let moved = self.queue.moved.notified();
            let mut moved = std::pin::pin!(moved);
            // Registered before looking, so that no move between the two is missed.
            moved.as_mut().enable();
            if self.is_first() {
                return;
            }
            moved.await;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.queue.waiting().remove(&self.ticket);
        self.queue.moved.notify_waiters();
    }
}
