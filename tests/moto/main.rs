//! Conformance: the whole flow through the real binary against moto, an emulator of AWS that other
//! people wrote.
//!
//! moto proves that an independent parser accepts our requests, that the SDK reads foreign answers, and
//! that ids, names and tags fit together across services. What it cannot prove stands in
//! `deviations.rs`. Everything runs on loopback; Python makes moto and reads its state.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on says so by failing, and reports on standard error"
)]

#[path = "../support/mod.rs"]
mod support;

mod bench;
mod credentials;
mod deviations;
mod each_change;
mod faults;
mod kills;
mod lost;
mod other_network;
mod stack;
mod teeth;
mod whole_flow;
