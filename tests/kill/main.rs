//! The real binary, a real journal, a cloud in a process of its own, and `kill -9`.
//!
//! Every process here is killed or races another one; what is left is read from the cloud itself. The
//! moments are drawn from a seed that each check prints.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on says so by failing"
)]

#[path = "../support/mod.rs"]
mod support;

mod at_each_call;
mod at_random;
mod cloud_death;
mod races;
mod stage;
mod weather;
