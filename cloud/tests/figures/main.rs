//! The figures of the embedded AWS as a process of its own.
//!
//! ```text
//! cargo test --release -p lab1-flow-cloud --test figures
//! ```
//!
//! prints one line: the time from the command to the first answer, what the process holds after a full
//! deployment and the calls (Linux only), and how many `DescribeTargetGroups` it answers on one
//! connection, one after the other. Memory has a limit here; times are only told, since they are those
//! of the machine and of what else it does.

mod caller;

use std::io::Write as _;
use std::time::Instant;

use caller::{Caller, Outcome, deploy};
use lab1_flow_cloud::daemon::{self, Launch, ServeOptions};
use lab1_flow_cloud::{CloudOptions, Limits};

/// How many calls are counted in a second's time.
const CALLS: u32 = if cfg!(debug_assertions) { 4_000 } else { 20_000 };
/// What the process may hold after a full deployment.
const MEMORY_MAX_MB: f64 = 40.0;
/// Marks a directory as that of this test.
const MARK: &str = "of-a-test";

/// What was measured.
#[derive(Debug)]
struct Figures {
    start_ms: f64,
    calls_per_s: f64,
    memory_mb: f64,
    memory_max_mb: f64,
}

#[test]
fn it_starts_answers_and_holds_what_the_readme_says() {
    let figures = measure().unwrap();
    let Figures { start_ms, calls_per_s, memory_mb, memory_max_mb } = figures;
    let build = if cfg!(debug_assertions) { "debug" } else { "release" };
    // Past the harness, which keeps what passing tests print to itself.
    let _nobody_to_tell = writeln!(
        std::io::stderr(),
        "[counts] the embedded cloud as a process, {build} build: start {start_ms:.0} ms, \
         {calls_per_s:.0} DescribeTargetGroups/s on one connection, {memory_mb:.1} MB after a \
         deployment ({memory_max_mb:.1} at most)"
    );
    assert!(calls_per_s > 0.0);
    assert!(memory_max_mb < MEMORY_MAX_MB, "{memory_max_mb:.1} MB");
}

/// Starts a daemon, deploys the documented stack, and counts calls.
fn measure() -> Outcome<Figures> {
    let home = tempfile::tempdir()?;
    std::fs::write(home.path().join(MARK), b"")?;
    let launch = Launch::of_this_program(["--ignored", "--exact", "entry_of_the_daemon"])?;
    let start = Instant::now();
    let endpoint = daemon::start(home.path(), &launch)?.endpoint;
    let start_ms = start.elapsed().as_secs_f64() * 1_000.0;
    let measured = (|| {
        let mut caller = Caller::new(&endpoint)?;
        deploy(&mut caller)?;
        let start = Instant::now();
        for _ in 0..CALLS {
            caller.elb("DescribeTargetGroups", "")?;
        }
        let calls_per_s = f64::from(CALLS) / start.elapsed().as_secs_f64();
        let (memory_mb, memory_max_mb) = memory_mb(endpoint.pid);
        Ok(Figures { start_ms, calls_per_s, memory_mb, memory_max_mb })
    })();
    daemon::stop(home.path())?;
    measured
}

/// Reads what a process holds now, and what it held at most; 0 where the system does not tell.
fn memory_mb(pid: u32) -> (f64, f64) {
    let path = format!("/proc/{pid}/status");
    let status = std::fs::read_to_string(path).unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kb = line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
        kb.unwrap_or(0.0) / 1_024.0
    };
    (field("VmRSS:"), field("VmHWM:"))
}

#[test]
#[ignore = "the daemon's process, started by the other test"]
fn entry_of_the_daemon() {
    let directory = std::env::current_dir().unwrap();
    if !directory.join(MARK).exists() {
        return;
    }
    daemon::detach();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    // Without rate limits: they are what would be measured.
    let limits = Limits { throttling: false, ..Limits::default() };
    let cloud = CloudOptions { time_scale: 600.0, limits, ..CloudOptions::default() };
    let options = ServeOptions { cloud, ..ServeOptions::new(directory) };
    runtime.unwrap().block_on(daemon::serve(options, daemon::stop_signal(), |_| {})).unwrap();
}
