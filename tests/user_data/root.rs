//! The file system that the machines boot from: made once, kept, shared.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::output;
use crate::support::python::{Python, kept};
use crate::support::report;

const NAME: &str = "user data";
const RECIPE: &str = include_str!("make_root.sh");
const WHEELS: &str = include_str!("wheels.txt");

/// A Debian that nobody writes to, and what its package mirror serves.
#[derive(Debug, Clone)]
pub(crate) struct Root {
    folder: PathBuf,
}

impl Root {
    /// Finds the file system, or makes it; says what is left out where it cannot be made.
    ///
    /// Under CI that fails the test instead: there nothing may be left out.
    pub(crate) fn or_say_skipped() -> Option<Self> {
        let made = missing().map_or_else(Self::made, Err);
        made.map_err(|reason| {
            assert!(std::env::var_os("CI").is_none(), "{NAME}: {reason}");
            report::skipped(NAME, &format!("no machine was booted: {reason}"));
        })
        .ok()
    }

    fn made() -> Result<Self, String> {
        let python = Python::or_say_skipped(NAME).ok_or("there is no Python")?;
        let folder = kept("debian", &(RECIPE, WHEELS))?;
        let lock = File::create(folder.join("lock")).map_err(|error| error.to_string())?;
        lock.lock().map_err(|error| error.to_string())?;
        let complete = folder.join("complete");
        if !complete.exists() {
            report::note(&format!("making a Debian in {}", folder.display()));
            let suite = folder_of_suite();
            output(Command::new(suite.join("make_root.sh")).args([
                folder.as_path(),
                python.interpreter(),
                &suite.join("wheels.txt"),
            ]))?;
            File::create(complete).map_err(|error| error.to_string())?;
        }
        Ok(Self { folder })
    }

    /// The file system itself.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.join("root")
    }

    /// What the mirror serves.
    pub(crate) fn mirror(&self) -> PathBuf {
        self.folder.join("mirror")
    }

    /// Makes a folder for one machine on the same disk: its changes cannot lie on an overlay.
    pub(crate) fn folder_of_machine(&self) -> tempfile::TempDir {
        let machines = self.folder.join("machines");
        fs::create_dir_all(&machines).unwrap();
        tempfile::tempdir_in(machines).unwrap()
    }
}

/// Returns the folder of this suite, where its scripts are.
pub(crate) fn folder_of_suite() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/user_data")
}

/// What a machine cannot be made without, and this one does not have.
fn missing() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("that takes root".to_owned());
    }
    for program in ["debootstrap", "unshare", "nsenter", "setpriv", "ip", "curl"] {
        if output(Command::new("sh").args(["-c", &format!("command -v {program}")])).is_err() {
            return Some(format!("there is no {program}"));
        }
    }
    let namespaces = output(Command::new("unshare").args(["--net", "--pid", "--mount", "true"]));
    namespaces.err()
}
