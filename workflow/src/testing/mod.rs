//! A test kit for people who write their own steps.
//!
//! * [`CrashSweep`] lets a run die at every boundary, and again in every continuation, and judges what is left
//!   with [`check`]. It needs a [`Scene`]: a world, the workflow on it, and a way to list what the world holds.
//! * [`check_contract`] asks every action of a scene by itself: what it owes to the engine, clause by clause.
//! * [`Life`] records the calls of one process and ends it where a test wants; it works on any workflow.
//! * [`World`] is a provider in miniature with faults on order; [`MakeThing`], [`ChangePart`] and
//!   [`WatchThing`] are actions on it, and [`Blueprint`] a step of any shape.
//! * [`Flaw`] breaks a workflow on purpose, and [`Forgetting`] a journal, to see a check fail.
//! * [`PausedClock`] lets hours take no time.
//!
//! `docs/writing-a-step.md` shows the ten lines that it takes.

mod blueprint;
mod checker;
mod clock;
mod contract;
mod crash_sweep;
mod flaw;
mod forgetting;
mod fuse;
mod holdings;
mod life;
mod probe;
mod terms;
mod things;
mod world;

pub use blueprint::{All, Blueprint, Sketch, SketchKind};
pub use checker::{Evidence, Invariant, Violation, check};
pub use clock::PausedClock;
pub use contract::{Answers, Breach, Clause, check_contract};
pub use crash_sweep::{CrashSweep, Scene, Tally, Verb};
pub use flaw::Flaw;
pub use forgetting::{Forgetting, without_direction, without_open_intents};
pub use fuse::Fuse;
pub use holdings::{Holding, Holdings};
pub use life::{Call, CallKind, Ending, Life};
pub use terms::{Fault, Habits, Op, Order, Removal, Seen};
pub use things::{
    ChangePart, FindThing, Made, MakeThing, PartInput, SweepWorld, ThingInput, WatchThing,
};
pub use world::World;

use futures_util::FutureExt;
use lab1_flow_journal::{ActionName, History, Journal, MemoryJournal, RunId};

/// Reads a run back from a journal that answers at once.
fn read_image(image: &MemoryJournal, run: &RunId) -> Option<History> {
    image.read(run).now_or_never()?.ok()
}

#[expect(clippy::expect_used, reason = "the names are literals of this module")]
fn action_name(name: &str) -> ActionName {
    ActionName::new(name).expect("a literal is a valid name")
}
