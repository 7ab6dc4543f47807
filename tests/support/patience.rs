//! Waiting for something outside with a limit.

use std::time::{Duration, Instant};

/// How often a condition is asked for.
const POLL: Duration = Duration::from_millis(5);

/// Waits until `ready` gives a value; `None` when the time is up.
pub(crate) fn wait_for<T>(limit: Duration, mut ready: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(value) = ready() {
            return Some(value);
        }
        if Instant::now() >= deadline {
            return None;
        }
        std::thread::sleep(POLL);
    }
}
