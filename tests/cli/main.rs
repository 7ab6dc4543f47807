//! Transcripts of the real binary: every verb, and every exit status that can be reached from outside.

#![expect(clippy::expect_used, reason = "a test that cannot go on has failed")]

#[path = "../common/mod.rs"]
#[expect(dead_code, reason = "shared with the unit tests, which use the rest")]
mod common;
#[path = "../common/hostile.rs"]
mod hostile;
#[path = "../support/report.rs"]
#[expect(dead_code, reason = "shared with the suites that skip")]
mod report;

mod changing;
mod cloud_env;
mod cloud_pace;
mod config_file;
mod configuration;
mod deployment;
mod doctor;
mod endings;
mod foreign_text;
mod held;
mod hostile_files;
mod json_lines;
mod json_schema;
mod keeping;
mod leaving;
mod lost;
mod notifying;
mod pausing;
mod pictures;
mod plan;
mod reference;
mod storage;
mod stored_runs;
mod targets;
mod tutorial;
mod usage;
mod verify;
mod waiting;
mod watching;

/// Compares a transcript with the one below, after what differs from run to run was named.
macro_rules! assert_transcript {
    ($transcript:expr, @$expected:literal) => {
        insta::with_settings!({ filters => crate::FILTERS.to_vec() }, {
            insta::assert_snapshot!($transcript.to_string(), @$expected);
        });
    };
}
pub(crate) use assert_transcript;

/// What differs from run to run, and the name that it gets.
const FILTERS: &[(&str, &str)] = &[
    // Said when an answer takes its time.
    (r"-- stderr\n(waiting for .+ of .+\n)+\z", ""),
    (r"(?m)^waiting for .+ of .+\n", ""),
    (r"\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", "[moment]"),
    (r"\b\d\d:\d\d:\d\d\.\d\d\d\b", "[time]"),
    (r"\b\d+(\.\d)? s\b", "[span]"),
    (r"\b\d+ ms\b", "[span]"),
    (r"\b\d+ days *", "[days]  "),
    (r"\bpid \d+", "pid [pid]"),
    (r"process \d+", "process [pid]"),
    (r"127\.0\.0\.1:\d+", "[address]"),
    (r#""version":"[^"]+""#, r#""version":"[version]""#),
    (r"tester@\S+", "tester@[host]"),
    (r"\[request [^\]]+\]", "[request]"),
    (
        r"\b(run|resume|rollback|status|stop|journal|watch|verify) [0-9a-hjkmnp-tv-z]{12}\b",
        "$1 [run]",
    ),
    (r"\b(sg|lt|i|subnet|vpc)-[0-9a-f]{17}\b", "$1-[id]"),
    (r"/[0-9a-f]{16}\b", "/[id]"),
];
