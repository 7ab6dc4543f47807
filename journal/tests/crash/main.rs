//! Goal: what was acknowledged outlives the death of the process, the loss of power and a full disk. Method: a
//! child process appends and prints what was acknowledged; it is killed, or its file system is; the journal is
//! then opened and everything printed must be in it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed unwrap is a failed test")]
#![allow(clippy::print_stderr, reason = "a test says what it did and what it left out")]

mod child;
mod disk;
mod kill;
mod power;
