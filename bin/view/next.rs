//! What can be typed next.

use lab1_flow_journal::RunId;
use serde::Serialize;

use crate::invocation::Invocation;
use crate::view::standing::Standing;

/// A command that makes sense now, whole, with what it is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Next {
    /// What it is for, in one word.
    pub(crate) purpose: &'static str,
    /// The command line.
    pub(crate) command: String,
}

/// The commands for a run that stands like this.
pub(crate) fn commands(
    run: &RunId,
    standing: Standing,
    rolling_back: bool,
    program: &Invocation,
) -> Vec<Next> {
    let verb =
        |purpose, verb: &str| Next { purpose, command: program.command(&[verb, run.as_str()]) };
    match standing {
        Standing::Running | Standing::RollingBack => {
            vec![verb("look", "status"), verb("follow", "watch"), verb("stop", "stop")]
        }
        Standing::Completed => vec![verb("look", "status"), verb("undo", "rollback")],
        Standing::RolledBack => Vec::new(),
        Standing::PartlyRolledBack => vec![
            verb("look", "status"),
            Next {
                purpose: "undo",
                command: program.command(&["rollback", "--from-tags", run.as_str()]),
            },
        ],
        Standing::Stuck => {
            let skip = ["rollback", run.as_str(), "--skip", "ACTION", "--reason", "TEXT"];
            let leave = Next { purpose: "leave", command: program.command(&skip) };
            vec![verb("retry", "rollback"), leave, verb("look", "status")]
        }
        Standing::Interrupted
        | Standing::Stopped
        | Standing::Paused
        | Standing::Suspended
        | Standing::Failed => {
            if rolling_back {
                vec![verb("go on", "resume"), verb("look", "status")]
            } else {
                vec![verb("go on", "resume"), verb("undo", "rollback"), verb("look", "status")]
            }
        }
    }
}
