//! The repository checked against its own rules: dependency arrows, sizes, links, and that what the
//! documents promise has a name in the code.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on says so by failing, and reports on standard error"
)]

mod arrows;
mod documents;
mod excerpts;
mod files;
mod sources;
mod suites;

/// Fails with all that was found, not only with the first.
#[track_caller]
fn assert_none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}
