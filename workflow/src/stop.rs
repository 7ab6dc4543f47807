//! The wish that a run stops after the calls in flight.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Asks an engine to finish the calls in flight, to record their outcomes, and to rest.
///
/// Clones share one wish; it cannot be taken back.
#[derive(Debug, Clone, Default)]
pub struct StopSignal {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    requested: AtomicBool,
    changed: Notify,
}

impl StopSignal {
    /// A signal that nobody has given yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives the signal.
    pub fn request(&self) {
        self.inner.requested.store(true, Ordering::Release);
        self.inner.changed.notify_waiters();
    }

    /// Whether it was given.
    pub fn is_requested(&self) -> bool {
        self.inner.requested.load(Ordering::Acquire)
    }

    /// Ends when it is given.
    pub async fn requested(&self) {
        let changed = self.inner.changed.notified();
        tokio::pin!(changed);
        // Registered before the flag is read: a signal given in between is not missed.
        changed.as_mut().enable();
        if !self.is_requested() {
            changed.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_signal_given_before_anyone_waits_is_not_missed() {
        let signal = StopSignal::new();
        signal.request();
        signal.requested().await;
        assert!(signal.is_requested());
    }

    #[tokio::test]
    async fn a_signal_wakes_all_who_wait() {
        let signal = StopSignal::new();
        let wait = |signal: StopSignal| async move { signal.requested().await };
        let ((), (), ()) = tokio::join!(wait(signal.clone()), wait(signal.clone()), async {
            signal.request();
        });
    }
}
