//! What every action must do, whoever wrote it.
//!
//! The sweep lets the engine play with the actions, and sees what a mistake leads to. Here no engine stands in between:
//! each action of a scene's workflow is asked by itself, so that the answer names the action and the clause.

mod ask;
mod other_inputs;
mod walk;

use std::fmt;

use lab1_flow_journal::ActionName;

use super::Scene;

/// What an action owes to the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Clause {
    /// C1: from the same outputs the same input is built.
    SameInput,
    /// C2: a look changes nothing.
    LooksChangeNothing,
    /// C3: before the change a look finds nothing.
    NothingBefore,
    /// C4: the change succeeds, in the end.
    Changes,
    /// C5: what is made says which run and which action made it; one thing, and nothing else is touched.
    CarriesMark,
    /// C6: a look finds what was made, with the output that the change gave.
    FindsWhatItMade,
    /// C7: made once more, nothing more comes of it, and the answer is the same output, or an error that leads to a look.
    MadeOnce,
    /// C8: what another run made is neither taken for ours nor changed nor removed.
    OthersStay,
    /// C9: a compensation that has found something says that it waits, before it says that it is done.
    SeesRemoval,
    /// C10: when it says that it is done, what was made is gone with its parts, and everything else is there.
    LeavesNothing,
    /// C11: of what is gone a look finds nothing, and a second compensation says that it is done.
    GoneIsDone,
    /// C12: a look compares the content: asked for anything else than what is there, it does not adopt it.
    ReadsContent,
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = *self as u8 + 1;
        write!(f, "C{number} {self:?}")
    }
}

/// A clause that does not hold, for whom, and where that is seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// The action.
    pub action: ActionName,
    /// Which clause.
    pub clause: Clause,
    /// The evidence, for people.
    pub what: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.action, self.clause, self.what)
    }
}

/// What came of the questions. Assert the numbers too: a suite that asks nothing finds nothing.
#[derive(Debug, Clone, Default)]
pub struct Answers {
    /// The changes that were asked, parts included.
    pub changes: u64,
    /// The questions.
    pub questions: u64,
    /// What does not hold.
    pub breaches: Vec<Breach>,
}

impl Answers {
    /// # Panics
    /// When a clause does not hold, with all that do not.
    pub fn assert_clean(&self) {
        let lines: Vec<_> = self.breaches.iter().map(ToString::to_string).collect();
        let count = lines.len();
        assert!(lines.is_empty(), "{count} breaches of the contract:\n{}", lines.join("\n"));
    }

    /// Whether this clause does not hold for some action.
    pub fn has_caught(&self, clause: Clause) -> bool {
        self.breaches.iter().any(|breach| breach.clause == clause)
    }
}

/// Holds every action of a scene's workflow to its contract.
///
/// The actions are made one after another, each with what it needs, and are taken back in the opposite order. What the
/// world holds must name its makers: what has none is taken for something that comes and goes by itself.
///
/// Must run in a tokio runtime of one thread whose time is paused.
pub async fn check_contract<S: Scene>(scene: S) -> Answers {
    walk::Walk::begin(&scene).await.play_to_the_end().await
}
