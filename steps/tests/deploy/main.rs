//! Whole runs of the documented stack on the embedded cloud, through the real SDK.

#![expect(clippy::unwrap_used, reason = "a test whose world cannot be set up has failed")]

mod behind;
mod cuts;
mod faults;
mod guests;
mod identity;
#[path = "../../../tests/real_steps/in_process.rs"]
mod in_process;
mod lab;
mod lags;
mod neighbours;
mod scene;
mod strangers;
mod traps;
mod verify;
mod whole;
