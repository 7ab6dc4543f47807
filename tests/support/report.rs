//! What a suite says although it passes.
//!
//! The test harness keeps what passing tests print to itself. These lines go around it: a count that
//! nobody sees could shrink to nothing, and a skipped check could be taken for a passed one.

use std::io::{self, Write};

/// Reports how much a check has covered; `.ci/run` collects these lines.
pub(crate) fn count(check: &str, what: &str) {
    say(&format!("[counts] {check}: {what}"));
}

/// Reports that a check was left out; under `.ci/run` that is a failure.
pub(crate) fn skipped(check: &str, reason: &str) {
    say(&format!("[skipped] {check}: {reason}"));
}

/// Reports what is needed to repeat a check.
pub(crate) fn note(text: &str) {
    say(&format!("[note] {text}"));
}

fn say(line: &str) {
    // Nobody to tell is no reason to fail.
    let _ = writeln!(io::stderr(), "{line}");
}
