//! Where a process dies: boundaries are counted, and at a chosen one everything stops.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;

/// Counts the boundaries of one life of a process, and ends it at a chosen one.
///
/// A boundary is a place where a death leaves something else behind than a death before it: each side of an
/// append, each side of a call's effect. After the end every boundary is a future that never completes, as
/// in a process that is no more.
pub struct Fuse {
    ends_at: Option<u64>,
    passed: AtomicU64,
    blown: watch::Sender<bool>,
    watcher: OnceLock<Watcher>,
}

/// Is told of every boundary that is reached, by its number.
pub(crate) type Watcher = Box<dyn Fn(u64) + Send + Sync>;

impl fmt::Debug for Fuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ends_at, passed) = (self.ends_at, self.passed());
        f.debug_struct("Fuse")
            .field("ends_at", &ends_at)
            .field("passed", &passed)
            .finish_non_exhaustive()
    }
}

impl Fuse {
    /// A fuse that blows at the boundary with this number, from 0; `None` only counts.
    pub fn new(ends_at: Option<u64>) -> Self {
        let (passed, blown) = (AtomicU64::new(0), watch::Sender::new(false));
        Self { ends_at, passed, blown, watcher: OnceLock::new() }
    }

    /// Lets somebody look at every boundary, before anything happens there. The first one stays.
    pub(crate) fn watch(&self, watcher: Watcher) {
        let _ = self.watcher.set(watcher);
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
        if let Some(watcher) = self.watcher.get() {
            watcher(number);
        }
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
