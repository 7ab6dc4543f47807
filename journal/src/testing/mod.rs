//! A test kit for people who write a journal, or an engine on one.
//!
//! [`conformance`] holds what every journal must do; [`FaultyJournal`] dies where a test wants it to.

pub mod conformance;
mod faulty;
pub mod samples;

pub use faulty::{CrashPoint, Fault, FaultyJournal, Moment};
