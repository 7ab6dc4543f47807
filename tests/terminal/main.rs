//! Goal: what a person sees and types. Method: the real program in a real pseudo-terminal, its screen read by an emulator:
//! wide, narrow, low, without colours, resized under it, interrupted, asked, closed.

#![expect(clippy::expect_used, reason = "a test that cannot go on has failed")]

#[path = "../common/mod.rs"]
#[expect(dead_code, reason = "shared with the transcripts, which use the rest")]
mod common;
#[path = "../common/hostile.rs"]
#[expect(dead_code, reason = "shared with the transcripts, which use the rest")]
mod hostile;

mod emulator;
mod foreign_text;
mod looks;
mod questions;
mod signals;
