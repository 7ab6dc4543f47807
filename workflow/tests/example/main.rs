//! Goal: the tutorial does what it says, and what it teaches holds. Method: the example is run as its readers run it;
//! and its steps are swept and questioned as their author would, with nothing but what the test kit offers.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "the steps of a program of its own")]

mod program;
mod survives;
#[path = "../../examples/three_steps/website.rs"]
mod website;
