//! The state directory: where this machine keeps runs, locks and the embedded cloud.
//!
//! ```text
//! <state-dir>/runs/       one folder a run (the journal crate's)
//!             stacks/     one lock file a stack
//!             cloud/      the embedded cloud (the cloud crate's)
//! ```

use std::io;
use std::path::{Path, PathBuf};

use lab1_flow_journal::private::{self, Unfit};

use crate::error::CliError;
use crate::exit_status::ExitStatus;

/// A state directory, by its absolute path. It need not exist.
#[derive(Debug, Clone)]
pub(crate) struct StateDir {
    path: PathBuf,
}

impl StateDir {
    /// Finds the directory: the one that was given, else the usual place of the user's state.
    pub(crate) fn locate(given: Option<&Path>) -> Result<Self, CliError> {
        let path = given.map_or_else(usual_place, |dir| Some(dir.to_owned()));
        let path = path.ok_or_else(|| {
            CliError::usage(
                "there is no place for the state: neither HOME nor XDG_STATE_HOME is set",
            )
            .next("name a directory with --state-dir")
        })?;
        let path = std::path::absolute(&path).map_err(|error| {
            CliError::usage(format!("{} is no directory: {error}", path.display()))
                .next("name a directory with --state-dir")
        })?;
        Ok(Self { path })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Refuses a directory that is not ours and private: what is in it would be somebody else's word.
    pub(crate) fn check(&self) -> Result<(), CliError> {
        let absent = |kind| matches!(kind, io::ErrorKind::NotFound | io::ErrorKind::NotADirectory);
        let checked = private::check_state_dir(&self.path).and_then(|()| {
            ["runs", "stacks", "cloud"].iter().try_for_each(|name| {
                match private::check_folder(&self.path.join(name)) {
                    Err(error) if absent(error.kind()) => Ok(()),
                    checked => checked,
                }
            })
        });
        checked.map_err(|error| match error.downcast::<Unfit>() {
            Ok(unfit) => CliError::of_unfit(&unfit),
            Err(error) => CliError::new(
                ExitStatus::Storage,
                format!("cannot look at {}: {error}", self.path.display()),
            )
            .stands("nothing was sent")
            .next("make the state directory readable, or name another with --state-dir"),
        })
    }

    /// The embedded cloud's own directory.
    pub(crate) fn cloud(&self) -> PathBuf {
        self.path.join("cloud")
    }

    /// Makes a directory inside, private to the user.
    pub(crate) fn make(&self, name: &str) -> Result<PathBuf, CliError> {
        let dir = self.path.join(name);
        private::make_folder(&dir).map_err(|error| match error.downcast::<Unfit>() {
            Ok(unfit) => CliError::of_unfit(&unfit),
            Err(error) => CliError::new(
                ExitStatus::Storage,
                format!("cannot make {}: {error}", dir.display()),
            )
            .stands("nothing was created")
            .next("make the state directory writable, or name another with --state-dir"),
        })?;
        Ok(dir)
    }
}

fn usual_place() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let base = variable("XDG_STATE_HOME").map(PathBuf::from).filter(|dir| dir.is_absolute());
    let base = base.or_else(|| Some(PathBuf::from(variable("HOME")?).join(".local/state")))?;
    Some(base.join("lab1-flow"))
}
