//! The same check after every change that a command makes.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::stack::Stage;
use crate::support::python::Python;

/// How many accounts are worked on at once. A command mostly waits, as patiently as AWS asks for.
const STAGES: usize = 4;

/// Calls `case` with 1, 2, 3 and so on, each on a fresh account, until it says that there is no such
/// change any more; returns how many there were.
///
/// `case` gets the number of the change that it shall meddle with and returns whether it did.
pub(crate) fn for_each_change(
    python: &Python,
    case: impl Fn(&Stage, usize) -> bool + Sync,
) -> usize {
    let (next, last) = (AtomicUsize::new(1), AtomicUsize::new(usize::MAX));
    std::thread::scope(|scope| {
        for _ in 0..STAGES {
            scope.spawn(|| {
                let mut stage = Stage::new(python);
                loop {
                    let change = next.fetch_add(1, Ordering::SeqCst);
                    if change > last.load(Ordering::SeqCst) {
                        return;
                    }
                    stage.restart();
                    if !case(&stage, change) {
                        last.fetch_min(change - 1, Ordering::SeqCst);
                        return;
                    }
                }
            });
        }
    });
    last.load(Ordering::SeqCst)
}
