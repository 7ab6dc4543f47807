//! Faults on purpose: a seeded plan in front of any handler or HTTP client.
//!
//! A [`FaultPlan`] is data (TOML or JSON through serde). [`Faults`] decides for each call whether a
//! fault meets it, [`carry_out`] lets the fault happen around any handler, and a [`CallLog`] counts
//! and remembers what was called. Nothing here knows the embedded cloud: the same plan stands in
//! front of another emulator's client, or of a socket.
//!
//! A decision depends on the seed, the rule and the number of matching calls alone, never on the
//! time or on calls that the rule does not match, so a run with the same calls meets the same
//! faults.

mod call;
mod carry;
mod decide;
mod log;
mod plan;
mod reply;

pub use call::CallName;
pub use carry::carry_out;
pub use decide::Faults;
pub use log::{CallLog, CallRecord, CallSummary};
pub use plan::{Fault, FaultPlan, FaultPlanError, FaultRule};
