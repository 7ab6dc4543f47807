//! The documented stack on the embedded cloud, through the real SDK: what the sweep and the schedules play.

#![allow(dead_code, reason = "each suite uses its own share")]
#![allow(clippy::unwrap_used, reason = "a test whose world cannot be set up has failed")]

pub(crate) mod account;
mod in_process;
pub(crate) mod line;
mod strangers;
pub(crate) mod wiretap;
