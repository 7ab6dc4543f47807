//! A test kit for people who write a journal, or an engine on one.
//!
//! [`conformance`] holds what every journal must do; [`FaultyJournal`] dies where a test wants it to;
//! [`copy_folder`] keeps a state directory as it was.

pub mod conformance;
mod faulty;
mod folders;
pub mod samples;

pub use faulty::{CrashPoint, Fault, FaultyJournal, Moment};
pub use folders::copy_folder;
