//! A user with an embedded cloud whose instances run real processes, and a look at those.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::support::embedded::Cloud;
use crate::support::flow::{Ended, Flow};
use crate::support::patience::wait_for;
use crate::support::python::{self, Python};

/// How long anything may take on a machine that does other things too.
const PATIENCE: Duration = Duration::from_mins(2);
/// Requests after which every target of a group must have been asked.
const ROUND: usize = 30;

/// A user, and the cloud that their commands start; it ends with the test.
pub(crate) struct Place {
    flow: Flow,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { flow: Flow::new() }
    }

    /// Makes a user on a machine with Python; says what is left out where there is none.
    ///
    /// The environment of the guests is kept from one test to the next: making it takes a minute.
    pub(crate) fn with_python(suite: &str) -> Option<Self> {
        Python::or_say_skipped(suite)?;
        let place = Self::new();
        let kept = kept_python();
        if kept.join("complete").exists() {
            let cloud_dir = place.cloud_dir();
            DirBuilder::new().recursive(true).mode(0o700).create(&cloud_dir).expect("a new folder");
            copy(&kept, &cloud_dir.join("guest-python"));
        }
        Some(place)
    }

    /// Keeps the environment of the guests that a test has made, unless another test was quicker.
    fn keep_python(&self) {
        let (made, kept) = (self.cloud_dir().join("guest-python"), kept_python());
        if made.join("complete").exists() && !kept.exists() {
            let copied = kept.with_extension(std::process::id().to_string());
            copy(&made, &copied);
            let _another_was_quicker = fs::rename(&copied, &kept);
        }
    }

    /// Runs a command; it may fetch packages in the way in which this machine does.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        let of_pip = |name: &str| {
            name.starts_with("PIP_") || name.ends_with("_proxy") || name.ends_with("_PROXY")
        };
        let variables: Vec<_> = std::env::vars().filter(|(name, _)| of_pip(name)).collect();
        let variables: Vec<_> =
            variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.flow.start_with(arguments, &variables).wait()
    }

    /// Runs a command on a machine that has no Python.
    pub(crate) fn run_without_python(&self, arguments: &[&str]) -> Ended {
        self.flow.start_with(arguments, &[("PATH", "/nonexistent")]).wait()
    }

    pub(crate) fn only_run(&self) -> String {
        self.flow.only_run()
    }

    /// Looks at the cloud, which must be there.
    pub(crate) fn cloud(&self) -> Cloud {
        Cloud::look(&self.flow).expect("the cloud runs")
    }

    pub(crate) fn kill_cloud(&self) {
        kill(self.cloud().pid);
    }

    fn cloud_dir(&self) -> PathBuf {
        self.flow.state_dir().join("cloud")
    }

    /// Lists the processes that run in the folders of the guests, by instance.
    pub(crate) fn processes(&self) -> BTreeMap<String, u32> {
        let Ok(folders) = self.cloud_dir().join("guests").canonicalize() else {
            return BTreeMap::new();
        };
        let instance = |process: &Path| -> Option<(String, u32)> {
            let place = fs::read_link(process.join("cwd")).ok()?;
            let id = place.strip_prefix(&folders).ok()?.to_str()?.to_owned();
            Some((id, process.file_name()?.to_str()?.parse().ok()?))
        };
        let processes = fs::read_dir("/proc").expect("processes can be listed").flatten();
        processes.filter_map(|process| instance(&process.path())).collect()
    }

    /// Counts the folders of the guests.
    pub(crate) fn folders(&self) -> usize {
        fs::read_dir(self.cloud_dir().join("guests")).map_or(0, Iterator::count)
    }

    /// Makes what a killed cloud leaves of an instance that goes before the next one starts.
    pub(crate) fn leave_a_folder_of_a_former_instance(&self) {
        fs::create_dir(self.cloud_dir().join("guests/i-0former")).expect("there is no such folder");
    }

    /// Waits until so many instances answer to a path.
    #[track_caller]
    pub(crate) fn wait_for_instances(&self, url: &str, path: &str, n: usize) -> BTreeSet<String> {
        self.until(&format!("{n} instances answer to {path}"), || {
            let found = instances(url, path);
            (found.len() == n).then_some(found)
        })
    }

    #[track_caller]
    pub(crate) fn until<T>(&self, what: &str, ready: impl FnMut() -> Option<T>) -> T {
        let log = || fs::read_to_string(self.cloud_dir().join("cloud.log")).unwrap_or_default();
        wait_for(PATIENCE, ready).unwrap_or_else(|| panic!("in vain: {what}\n{}", log()))
    }
}

/// Where the environment of the guests is kept from one test to the next.
fn kept_python() -> PathBuf {
    python::cache().join("guest-python")
}

/// Copies a folder as it is: no link leads out of a state directory, so each has an environment of its own.
fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").args([from, to]).status();
    assert!(copied.is_ok_and(|status| status.success()), "{} is copied", from.display());
}

impl Drop for Place {
    fn drop(&mut self) {
        self.keep_python();
        // The cloud is a daemon: nobody else would end it.
        self.flow.run(&["cloud", "stop"]);
        if !std::thread::panicking() {
            self.until("no process outlives the cloud", || {
                self.processes().is_empty().then_some(())
            });
        }
    }
}

/// Kills a process without warning.
pub(crate) fn kill(pid: u32) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a process id");
    kill_process(pid, Signal::KILL).expect("the process lives");
}

/// Makes one request and returns the whole answer; none while nobody listens.
pub(crate) fn get(url: &str, path: &str) -> String {
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    let exchange = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    exchange().unwrap_or_default()
}

/// Asks a path often enough to hear of every instance behind it.
pub(crate) fn instances(url: &str, path: &str) -> BTreeSet<String> {
    (0..ROUND).filter_map(|_| instance_of(&get(url, path))).collect()
}

/// Reads which instance answers.
fn instance_of(answer: &str) -> Option<String> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let id = body.strip_prefix("Instance ")?.strip_suffix(" is responding now!")?;
    head.starts_with("HTTP/1.1 200").then(|| id.to_owned())
}
