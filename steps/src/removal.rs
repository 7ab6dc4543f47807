//! What compensations have in common.

use lab1_flow_workflow::{ActionError, Progress, Wait};

/// The answer of a compensation that has not proven the thing gone.
///
/// When to look again is left to the engine, which begins soon and slows down: most things are gone at once,
/// and some take minutes.
pub(crate) fn still_there(what: &str, why: &str) -> Progress<()> {
    Progress::Waiting(Wait::new(format!("{what} {why}")))
}

/// Whether the error says that the right is missing.
pub(crate) fn is_denied(error: &ActionError) -> bool {
    matches!(
        error.code(),
        Some(
            "UnauthorizedOperation"
                | "AccessDenied"
                | "AccessDeniedException"
                | "UnauthorizedAccess"
        )
    )
}

/// The error that stops a compensation in front of somebody else's property.
pub(crate) fn not_ours(what: &str, owner: &str) -> ActionError {
    ActionError::permanent(format!("{what} is not ours: it belongs to {owner}; it was not touched"))
        .with_advice("find out who changed its tags; skip this action if it is to stay")
}
