//! Ctrl-C once and twice, a window that is closed, a process that is stopped and goes on.

use rustix::process::{Signal, kill_process};

use crate::common::{Sandbox, held_answers, text};
use crate::emulator::Terminal;

const SIZE: (u16, u16) = (110, 40);

fn state_of(sandbox: &Sandbox, run: &str) -> String {
    text(&sandbox.succeed(&["status", run, "--json"]).json()[0]["state"])
}

/// A run whose call for the load balancer is in flight.
fn run_in_mid_call(sandbox: &Sandbox) -> Terminal {
    let terminal = Terminal::start(sandbox, &["run"], SIZE, &[]);
    terminal.wait_for("the call", |screen| screen.contains(" 4  running"));
    terminal
}

#[test]
fn a_first_ctrl_c_says_how_long_it_takes_and_lets_the_call_land() {
    let sandbox = Sandbox::new();
    let _cloud = sandbox.cloud_with_faults(&held_answers("CreateLoadBalancer"));
    let terminal = run_in_mid_call(&sandbox);
    terminal.type_in("\u{3}");
    terminal.wait_for("its answer", |screen| screen.contains("Ctrl-C again leaves at once"));
    sandbox.hurry();
    let left = terminal.finish();
    assert_eq!(left.status, Some(75), "{}", left.text);
    let says = "stopping after the calls in flight, within 1:00 min; Ctrl-C again leaves at once";
    assert_eq!(left.count(|line| line.contains(says)), 1, "{}", left.text);
    let run = sandbox.run_ids()[0].clone();
    assert!(left.text.contains(&format!("go on: lab1-flow resume {run}")), "{}", left.text);
    assert_eq!(left.count(|line| line.starts_with("stopped  ")), 1, "{}", left.text);
    assert_eq!(left.count(|line| line.starts_with("deploying  ")), 0, "{}", left.text);
    let records = sandbox.succeed(&["journal", &run]).stdout;
    let landed =
        records.lines().any(|line| line.contains(" load-balancer ") && line.contains("done"));
    assert!(landed, "the call in flight was recorded\n{records}");
}

#[test]
fn a_second_ctrl_c_leaves_at_once_and_the_terminal_as_it_was() {
    let sandbox = Sandbox::new();
    let _cloud = sandbox.cloud_with_faults(&held_answers("CreateLoadBalancer"));
    let terminal = run_in_mid_call(&sandbox);
    terminal.type_in("\u{3}");
    terminal.wait_for("the first one", |screen| screen.contains("Ctrl-C again leaves at once"));
    terminal.type_in("\u{3}");
    let left = terminal.finish();
    assert_eq!(left.status, Some(130), "{}", left.text);
    let run = sandbox.run_ids()[0].clone();
    assert!(left.text.contains(&format!("left at once; go on with: lab1-flow resume {run}")));
    assert!(!left.cursor_is_hidden);
    assert_eq!(left.cursor_column, 0, "{}", left.text);
    assert_eq!(state_of(&sandbox, &run), "interrupted");
    sandbox.succeed(&["resume", &run]);
}

#[test]
fn a_window_that_is_closed_stops_the_run_gently() {
    let sandbox = Sandbox::new();
    let _cloud = sandbox.cloud_with_faults(&held_answers("CreateLoadBalancer"));
    let mut program = run_in_mid_call(&sandbox).close();
    sandbox.hurry();
    assert_eq!(program.wait().expect("its end").code(), Some(75));
    let run = sandbox.run_ids()[0].clone();
    assert_eq!(state_of(&sandbox, &run), "stopped");
    sandbox.succeed(&["resume", &run]);
}

#[test]
fn ctrl_c_on_a_watch_leaves_the_run_alone() {
    let sandbox = Sandbox::new();
    let runner = sandbox.start(&["run", "--time-scale", "10"]);
    let run = sandbox.wait_for_run();
    let terminal = Terminal::start(&sandbox, &["watch", &run], SIZE, &[]);
    terminal.wait_for("the view", |screen| screen.contains(" 8  "));
    terminal.type_in("\u{3}");
    let left = terminal.finish();
    assert_eq!(left.status, Some(130), "{}", left.text);
    assert!(left.text.contains("was left alone"), "{}", left.text);
    assert!(left.text.contains(&format!("stop:  lab1-flow stop {run}")), "{}", left.text);
    assert_eq!(state_of(&sandbox, &run), "running");
    sandbox.succeed(&["stop", &run]);
    sandbox.finish(runner).expect_status(75);
}

#[test]
fn a_process_that_goes_on_after_a_stop_draws_below_what_others_wrote() {
    let sandbox = Sandbox::new();
    let _cloud = sandbox.cloud_with_faults(&held_answers("CreateLoadBalancer"));
    let terminal = run_in_mid_call(&sandbox);
    let pid = terminal.process();
    kill_process(pid, Signal::STOP).expect("a live process");
    terminal.show_others("\r\n[1]+  Stopped   lab1-flow run\r\n$ fg\r\n");
    // As long as a person takes: the view's clock has run on meanwhile.
    std::thread::sleep(std::time::Duration::from_millis(700));
    kill_process(pid, Signal::CONT).expect("a live process");
    sandbox.hurry();
    let left = terminal.finish();
    assert_eq!(left.status, Some(0), "{}", left.text);
    assert!(left.text.contains("[1]+  Stopped   lab1-flow run\n$ fg\n"), "{}", left.text);
    assert_eq!(left.count(|line| line.starts_with("completed  8/8")), 1, "{}", left.text);
}
