//! Whether what is stored of a run reads as the types of this program.

use lab1_flow_journal::{ActionPhase, ActionState, Role, RunState};

use crate::{EngineError, Workflow};

/// Refuses a run of which something does not read that going on, or taking it back, may need.
///
/// That is an error of the program, an earlier or a later one than the run's: nothing is written, and nothing is sent.
/// A rollback asks only for what it may still have to look for or take back.
///
/// # Errors
/// [`EngineError::Stored`].
pub(crate) fn check(
    workflow: &Workflow,
    state: &RunState,
    rolls_back: bool,
) -> Result<(), EngineError> {
    for node in &workflow.nodes {
        let Some(known) = state.action(&node.name) else { continue };
        let owed = if rolls_back { owed_backwards(known) } else { owed_forward(known) };
        let input = known.input.as_ref().filter(|_| owed.input);
        let output = known.output.as_ref().filter(|_| owed.output);
        let by_mark = node.by_mark.as_ref().filter(|_| known.found_by_mark);
        let input = input.filter(|_| by_mark.is_none());
        let action = by_mark.unwrap_or(&node.action);
        action.reads(input, output).map_err(|why| why.of(&node.name))?;
    }
    Ok(())
}

/// What must read.
#[derive(Debug, Clone, Copy)]
struct Owed {
    input: bool,
    output: bool,
}

fn owed_forward(action: &ActionState) -> Owed {
    let is_complete = action.phase == ActionPhase::Completed;
    // What is complete may have to be taken back, but for a look and for a part, which goes with its whole.
    Owed { input: !is_complete || action.role == Role::Change, output: is_complete }
}

fn owed_backwards(action: &ActionState) -> Owed {
    let is_change = action.role == Role::Change;
    match action.phase {
        ActionPhase::Completed | ActionPhase::Compensating { .. } | ActionPhase::GaveUp { .. } => {
            Owed { input: is_change, output: is_change }
        }
        ActionPhase::Pending
        | ActionPhase::Started
        | ActionPhase::InDoubt { .. }
        | ActionPhase::Waiting { .. }
        | ActionPhase::Failed { .. } => Owed { input: is_change, output: false },
        ActionPhase::Compensated { .. } | ActionPhase::Skipped { .. } => {
            Owed { input: false, output: false }
        }
    }
}
