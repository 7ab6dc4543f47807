//! The places of a door, and who gives one up when a newcomer finds none.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// Bounds how many connections a door serves at once.
///
/// A newcomer is not kept out by connections that wait for their clients, for a request or the rest
/// of one: the one that has waited longest gives its place up. Only a request that is being answered
/// keeps its place.
#[derive(Debug)]
pub(super) struct Places {
    free: Arc<Semaphore>,
    waiting: Mutex<Waiting>,
    /// A connection has begun to wait for its client.
    began: Notify,
}

/// Who waits, the longest first.
#[derive(Debug, Default)]
struct Waiting {
    next_ticket: u64,
    by_ticket: BTreeMap<u64, Arc<Notify>>,
}

impl Places {
    pub(super) fn new(count: usize) -> Arc<Self> {
        Arc::new(Self {
            free: Arc::new(Semaphore::new(count)),
            waiting: Mutex::default(),
            began: Notify::new(),
        })
    }

    /// Takes a place for a connection, as soon as there is one or can be.
    pub(super) async fn take(self: &Arc<Self>) -> io::Result<Place> {
        let freed = || self.free.clone().acquire_owned();
        let permit = loop {
            if self.free.available_permits() > 0 || self.send_longest_away() {
                break freed().await;
            }
            tokio::select! {
                permit = freed() => break permit,
                () = self.began.notified() => {}
            }
        };
        let place = Place {
            places: self.clone(),
            ticket: AtomicU64::default(),
            sent_away: Arc::default(),
            _permit: permit.map_err(io::Error::other)?,
        };
        place.waits();
        Ok(place)
    }

    /// Lets the connection end that has waited longest for its client, if one waits.
    pub(super) fn send_longest_away(&self) -> bool {
        let longest = self.lock().by_ticket.pop_first();
        longest.inspect(|(_, sent_away)| sent_away.notify_one()).is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one connection, free again when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    ticket: AtomicU64,
    sent_away: Arc<Notify>,
    _permit: OwnedSemaphorePermit,
}

impl Place {
    /// From now on the connection waits for its client.
    pub(super) fn waits(&self) {
        let mut waiting = self.places.lock();
        let ticket = waiting.next_ticket;
        waiting.next_ticket += 1;
        waiting.by_ticket.insert(ticket, self.sent_away.clone());
        self.ticket.store(ticket, Ordering::Relaxed);
        self.places.began.notify_one();
    }

    /// From now on the connection keeps its place, as its request is there. False when it was sent
    /// away before; then the request must not be answered.
    pub(super) fn keeps(&self) -> bool {
        self.places.lock().by_ticket.remove(&self.ticket.load(Ordering::Relaxed)).is_some()
    }

    /// Returns when the connection has to end for a newcomer.
    pub(super) async fn sent_away(&self) {
        self.sent_away.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.keeps();
    }
}
