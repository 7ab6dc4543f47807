//! The program under measurement, in a state directory of its own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use lab1_flow_journal::RunId;
use serde_json::Value;

#[derive(Debug)]
pub(crate) struct Program {
    path: PathBuf,
    state: PathBuf,
}

pub(crate) fn now() -> Instant {
    Instant::now()
}

impl Program {
    pub(crate) fn new(state: &Path) -> Self {
        let built = || env!("CARGO_BIN_EXE_lab1-flow").into();
        let path = std::env::var_os("LAB1_FLOW_BIN").map_or_else(built, PathBuf::from);
        Self { path, state: state.to_owned() }
    }

    pub(crate) fn state_dir(&self) -> &Path {
        &self.state
    }

    pub(crate) fn run_dir(&self, run: &RunId) -> PathBuf {
        self.state.join("runs").join(run.as_str())
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.path);
        command.arg("--state-dir").arg(&self.state).arg("--json").args(args);
        // What is behind the door asks for the key of the embedded cloud.
        let key = self.access_key().unwrap_or_default();
        command.env("AWS_ACCESS_KEY_ID", key).env("AWS_SECRET_ACCESS_KEY", "any");
        command.env("AWS_REGION", "us-east-1").stdin(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// The key of the embedded cloud, once it has run.
    fn access_key(&self) -> Option<String> {
        let stored = fs::read(self.state.join("cloud/endpoint.json")).ok()?;
        let stored: Value = serde_json::from_slice(&stored).ok()?;
        stored["access_key_id"].as_str().map(str::to_owned)
    }

    pub(crate) fn spawn(&self, args: &[&str]) -> Child {
        self.command(args).stdout(Stdio::null()).spawn().unwrap()
    }

    /// The milliseconds from start to exit.
    pub(crate) fn time(&self, args: &[&str]) -> f64 {
        let begun = now();
        let status = self.spawn(args).wait().unwrap();
        assert!(status.success(), "{args:?}: {status}");
        begun.elapsed().as_secs_f64() * 1_000.0
    }

    /// Carries out a run, and returns its id and the most memory that the process had, in KiB.
    pub(crate) fn run_to_its_end(&self, args: &[&str]) -> (RunId, u32) {
        let mut child = self.command(args).stdout(Stdio::piped()).spawn().unwrap();
        let watch = Watch::over(child.id());
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let events = lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
        let ids = events.filter_map(|event| event["run_id"].as_str().map(str::to_owned));
        let run = ids.last().expect("a run");
        let status = child.wait().unwrap();
        assert!(status.success(), "{args:?}: {status}");
        (RunId::new(&run).unwrap(), watch.peak_kib())
    }

    /// Where the embedded cloud of this state directory listens.
    pub(crate) fn cloud_port(&self) -> u16 {
        let output = self.command(&["cloud", "status"]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let mut values = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let port = values.find_map(|value| value["endpoint"]["port"].as_u64());
        u16::try_from(port.expect("the embedded cloud runs")).unwrap()
    }

    /// Makes room in the account of the embedded cloud.
    pub(crate) fn reset_cloud(&self) {
        self.time(&["cloud", "reset"]);
    }

    pub(crate) fn stop_cloud(&self) {
        self.time(&["cloud", "stop"]);
    }
}

/// What the children that have ended have computed so far, by the kernel's ticks of 10 ms: it does not grow with the
/// load, as what a person waits for does.
pub(crate) fn children_cpu_ms() -> f64 {
    let text = fs::read_to_string("/proc/self/stat").unwrap();
    let (_, behind_name) = text.rsplit_once(") ").unwrap();
    let ticks = behind_name.split(' ').skip(13).take(2);
    ticks.map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() * 10.0
}

/// Looks at the memory of a process until it is gone: the kernel keeps the greatest value, but only while it lives.
struct Watch {
    over: Arc<AtomicBool>,
    peak: Arc<AtomicU32>,
    thread: thread::JoinHandle<()>,
}

impl Watch {
    fn over(process: u32) -> Self {
        let (over, peak) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let (ended, most) = (over.clone(), peak.clone());
        let thread = thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                most.fetch_max(high_water_kib(process).unwrap_or(0), Ordering::Relaxed);
                thread::sleep(Duration::from_millis(5));
            }
        });
        Self { over, peak, thread }
    }

    fn peak_kib(self) -> u32 {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
        self.peak.load(Ordering::Relaxed)
    }
}

fn high_water_kib(process: u32) -> Option<u32> {
    let text = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = text.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// What a folder takes on disk, in KiB.
pub(crate) fn disk_kib(path: &Path) -> u32 {
    let metadata = fs::metadata(path).unwrap();
    let mut kib = u32::try_from(metadata.blocks() / 2).unwrap();
    if metadata.is_dir() {
        kib +=
            fs::read_dir(path).unwrap().map(|entry| disk_kib(&entry.unwrap().path())).sum::<u32>();
    }
    kib
}
