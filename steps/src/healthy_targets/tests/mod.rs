//! The wait on the embedded cloud, and its judgement.

mod judgement;
mod wait;
