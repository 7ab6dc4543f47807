//! What the suites share that look at the program from outside.
//!
//! Nothing here links the program: a suite runs the binary, speaks HTTP to a cloud, and reads what
//! both say.

#![allow(dead_code, reason = "each suite uses its own share")]

pub(crate) mod account;
pub(crate) mod aws;
pub(crate) mod documented;
pub(crate) mod embedded;
pub(crate) mod flow;
pub(crate) mod moto;
pub(crate) mod patience;
pub(crate) mod proxy;
pub(crate) mod python;
pub(crate) mod report;
pub(crate) mod seed;
