//! Code of an author that panics: it fails, and takes nothing else with it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_util::FutureExt;

/// Waits for a future, or for the text of its panic.
///
/// What the future has borrowed is dropped with it, so that nothing half done is seen afterwards but what the author
/// shares between actions.
pub(crate) async fn unwound<F: Future>(future: F) -> Result<F::Output, String> {
    AssertUnwindSafe(future).catch_unwind().await.map_err(|panic| text(&*panic))
}

/// Calls a function, and gives the text of its panic.
pub(crate) fn called<T>(function: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(function)).map_err(|panic| text(&*panic))
}

/// What people are told of a panic.
pub(crate) fn said(panic: &str) -> String {
    format!("the code of the action panicked: {panic}")
}

fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no text".to_owned())
}
