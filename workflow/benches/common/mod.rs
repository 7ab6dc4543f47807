//! What the benchmarks of the engine share.

#![allow(dead_code, reason = "each benchmark uses a part of it")]

pub(crate) mod limits;
pub(crate) mod plot;
pub(crate) mod report;
pub(crate) mod work;
