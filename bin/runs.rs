//! The run store of the state directory, and a run by the beginning of its id.

use lab1_flow_journal::{ResolveError, RunId, RunStore};

use crate::app::App;
use crate::error::CliError;

/// More run ids than this are not listed in a message.
const IDS_LISTED_MAX: usize = 8;

impl App {
    /// The runs of the state directory.
    pub(crate) fn runs(&self) -> Result<RunStore, CliError> {
        let path = self.state_dir()?.path();
        RunStore::open(path).map_err(|error| CliError::of_journal(&error, None, &self.program))
    }

    /// Finds the run whose id begins like this.
    pub(crate) fn find_run(&self, runs: &RunStore, prefix: &str) -> Result<RunId, CliError> {
        if prefix.is_empty() {
            return Err(CliError::usage("the id of the run is empty")
                .stands("nothing was sent")
                .next(self.program.command(&["list"])));
        }
        runs.resolve(prefix).map_err(|error| match error {
            ResolveError::Unknown { prefix, known } => {
                let stands = match known.len() {
                    0 => "the state directory holds no run".to_owned(),
                    _ => format!("the runs are {}", listed(&known)),
                };
                CliError::usage(format!("there is no run {prefix}"))
                    .stands(stands)
                    .next(self.program.command(&["list"]))
            }
            ResolveError::Ambiguous { prefix, candidates } => {
                CliError::usage(format!("{prefix} is not the beginning of one run alone"))
                    .stands(format!("it can be {}", listed(&candidates)))
                    .next("give more characters of the id")
            }
            ResolveError::Journal(error) => CliError::of_journal(&error, None, &self.program),
            other => CliError::bug(other.to_string()),
        })
    }
}

fn listed(runs: &[RunId]) -> String {
    let shown = runs.iter().take(IDS_LISTED_MAX).map(RunId::as_str).collect::<Vec<_>>().join(", ");
    match runs.len().saturating_sub(IDS_LISTED_MAX) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
