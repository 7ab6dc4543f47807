//! Where a process dies: boundaries are counted, and at a chosen one everything stops.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;

/// Counts the boundaries of one life of a process, and ends it at a chosen one.
///
/// A boundary is a place where a death leaves something else behind than a death before it: each side of an
/// append, each side of a call's effect. After the end every boundary is a future that never completes, as
/// in a process that is no more.
#[derive(Debug)]
pub struct Fuse {
    ends_at: Option<u64>,
    passed: AtomicU64,
    blown: watch::Sender<bool>,
}

impl Fuse {
    /// A fuse that blows at the boundary with this number, from 0; `None` only counts.
    pub fn new(ends_at: Option<u64>) -> Self {
        Self { ends_at, passed: AtomicU64::new(0), blown: watch::Sender::new(false) }
    }

    /// Passes a boundary; never completes when the life ends here, or has ended.
    pub async fn reach(&self) {
        if self.burn() {
            std::future::pending::<()>().await;
        }
    }

    /// Counts a boundary, and says whether life is over.
    pub fn burn(&self) -> bool {
        if self.is_blown() {
            return true;
        }
        let number = self.passed.fetch_add(1, Ordering::Relaxed);
        let ends = self.ends_at == Some(number);
        if ends {
            self.blown.send_replace(true);
        }
        ends
    }

    /// The number of boundaries that were reached.
    pub fn passed(&self) -> u64 {
        self.passed.load(Ordering::Relaxed)
    }

    /// Whether life is over.
    pub fn is_blown(&self) -> bool {
        *self.blown.borrow()
    }

    /// Waits for the end of life.
    pub async fn blown(&self) {
        let mut blown = self.blown.subscribe();
        // The sender lives in `self`, which is borrowed here: the channel cannot close.
        let _ = blown.wait_for(|blown| *blown).await;
    }
}
