//! A state directory that cannot be written to.

use std::process::{Child, Stdio};

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use crate::assert_transcript;
use crate::common::{Sandbox, held_answers};

#[test]
fn a_state_directory_that_cannot_be_made_is_refused_before_anything_is_sent() {
    let sandbox = Sandbox::new();
    sandbox.file("occupied", "a file, and no directory");
    let transcript = sandbox.run(&["run", "--state-dir", "occupied/state"]);
    assert_transcript!(transcript, @r"
    exit status: 74
    -- stderr
    error: cannot create the folder [home]/occupied: File exists (os error 17)
      now:  nothing further was sent; what was acknowledged before is safe
      next: make room, make the state directory writable, or name another with --state-dir
      next: then give the same command again
    ");
}

#[test]
fn records_that_are_removed_in_mid_run_stop_it_and_what_it_made_is_found_by_its_tags() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&["cloud", "start", "--time-scale", "20"]);
    let runner = sandbox.start(&["run"]);
    sandbox.wait_for_record("load-balancer");
    let run = sandbox.wait_for_run();
    std::fs::remove_dir_all(sandbox.state_dir().join("runs")).expect("the records go");
    let transcript = sandbox.finish(runner);
    transcript.expect_status(74);
    let next = format!("next: lab1-flow rollback --from-tags {run}\n");
    assert!(transcript.stderr.contains(&next), "{transcript}");
    assert!(!sandbox.account().is_empty());
    sandbox.succeed(&["rollback", "--from-tags", &run, "--yes"]);
    assert_eq!(sandbox.account(), Vec::<String>::new());
}

// A limit on the size of files stands in for a full disk: writes beyond it fail, and nothing else does. The
// signal that comes with such a write, and ends a process that does not expect it, is part of the test.

#[test]
fn a_disk_that_fills_up_in_mid_run_stops_it_and_loses_nothing() {
    let sandbox = Sandbox::new();
    let _cloud = sandbox.cloud_with_faults(&held_answers("CreateLoadBalancer"));
    let runner = start_with(&sandbox, "unlimited");
    let run = sandbox.wait_for_run();
    let pid = i32::try_from(runner.id()).ok().and_then(Pid::from_raw);
    let nothing = Rlimit { current: Some(1), maximum: Some(1) };
    prlimit(pid, Resource::Fsize, nothing).expect("a limit for a child");
    sandbox.hurry();
    let transcript = sandbox.finish(runner);
    transcript.expect_status(74);
    let lines = transcript.json();
    let end = lines.last().expect("a last line");
    assert_eq!((&end["event"], &end["exit_status"]), (&"error".into(), &74.into()));
    assert!(transcript.stderr.contains(&format!("lab1-flow resume {run}")), "{transcript}");

    let resumed = sandbox.succeed(&["resume", &run, "--json"]).json();
    assert_eq!(resumed.last().expect("a last line")["outcome"], "completed");
    sandbox.succeed(&["rollback", &run]);
    assert_eq!(sandbox.account(), Vec::<String>::new());
}

#[test]
fn a_disk_that_is_full_from_the_start_leaves_nothing_but_a_run_that_has_sent_nothing() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&["cloud", "start"]);
    let transcript = sandbox.finish(start_with(&sandbox, "24"));
    transcript.expect_status(74);
    assert_eq!(sandbox.account(), Vec::<String>::new());
    for run in sandbox.run_ids() {
        assert!(transcript.stderr.contains(&run), "the run that is there is named\n{transcript}");
        sandbox.succeed(&["rollback", &run]);
    }
}

/// Starts a run whose files may have this many kibibytes.
fn start_with(sandbox: &Sandbox, limit: &str) -> Child {
    let binary = env!("CARGO_BIN_EXE_lab1-flow");
    let script = format!("ulimit -f {limit}; exec {binary} run --json");
    let mut command = sandbox.command_of("bash", &["-c", &script]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("bash starts")
}
