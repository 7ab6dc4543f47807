//! How the program ends: one number for each kind of ending, the same for every verb.

use std::process::ExitCode;

/// The exit statuses that scripts may rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum ExitStatus {
    /// The requested end was reached.
    Success = 0,
    /// A step failed for good; the run stands where its journal says.
    StepFailed = 1,
    /// Wrong usage or configuration: nothing was created.
    Usage = 2,
    /// The look before the first change refused: nothing was created.
    Refused = 3,
    /// Another live process holds the run.
    Held = 4,
    /// Something of ours is left.
    Left = 5,
    /// The journal is damaged, or from a newer version.
    Journal = 6,
    /// What is there is not what should be there.
    Differences = 8,
    /// A bug in this program.
    Bug = 70,
    /// The journal cannot be written.
    Storage = 74,
    /// Suspended or stopped: `resume` goes on.
    Suspended = 75,
    /// Left at once on a second signal.
    Interrupted = 130,
}

impl ExitStatus {
    /// The number.
    pub(crate) fn code(self) -> u8 {
        self as u8
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status.code())
    }
}
