//! What is asked before something costs money or is deleted.

use crate::common::{FAST, Sandbox};
use crate::emulator::{Left, Terminal};

const SIZE: (u16, u16) = (100, 60);

/// A sandbox whose cloud is met as an endpoint, which may cost money for all that the program knows.
fn with_endpoint() -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    sandbox.succeed(&["cloud", "start", "--time-scale", FAST]);
    let url = sandbox.meet_cloud_as_endpoint();
    (sandbox, url)
}

/// What comes of an answer to the question of `run`.
fn answered(sandbox: &Sandbox, url: &str, answer: &str) -> Left {
    let run = ["run", "--endpoint-url", url, "--consistency-window", "1s"];
    let terminal = Terminal::start(sandbox, &run, SIZE, &[]);
    let screen = terminal.wait_for("the question", |screen| screen.contains("Create all this?"));
    assert!(screen.contains("Plan: "), "what is asked about is shown\n{screen}");
    let cost = screen.lines().find(|line| line.contains("all of it")).expect("the cost");
    let plan = sandbox.run(&["plan", "--endpoint-url", url]);
    assert!(plan.stdout.contains(cost.trim_end()), "{cost}: the cost is that of the plan\n{plan}");
    terminal.type_in(answer);
    terminal.finish()
}

#[test]
fn no_answer_and_a_wrong_one_create_nothing() {
    let (sandbox, url) = with_endpoint();
    for answer in ["\u{4}", "\r", "no\r", "YES!\r", "y\r"] {
        let left = answered(&sandbox, &url, answer);
        assert_eq!(left.status, Some(2), "{answer:?}\n{}", left.text);
        assert!(left.text.contains("not confirmed"), "{}", left.text);
        assert!(left.text.contains("give the same command again and type yes, or add --yes"));
        assert!(sandbox.run_ids().is_empty(), "no run was begun");
        assert_eq!(sandbox.account(), Vec::<String>::new());
    }
}

/// Whether whoever started the tests lets them ignore Ctrl-C, as shells do with what they put into the background.
fn is_deaf_to_interrupts() -> bool {
    const INTERRUPT: u64 = 1 << 1;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.unwrap_or(0) & INTERRUPT != 0
}

#[test]
fn ctrl_c_at_the_question_creates_nothing() {
    if is_deaf_to_interrupts() {
        eprintln!("[note] Ctrl-C at a question: not tried, signals are ignored here");
        return;
    }
    let (sandbox, url) = with_endpoint();
    let left = answered(&sandbox, &url, "\u{3}");
    assert_ne!(left.status, Some(0), "{}", left.text);
    assert!(sandbox.run_ids().is_empty(), "no run was begun");
    assert_eq!(sandbox.account(), Vec::<String>::new());
}

#[test]
fn a_yes_creates_and_the_id_of_the_run_deletes() {
    let (sandbox, url) = with_endpoint();
    let left = answered(&sandbox, &url, "yes\r");
    assert_eq!(left.status, Some(0), "{}", left.text);
    let run = sandbox.run_ids()[0].clone();
    let account = sandbox.account();
    assert!(!account.is_empty());
    for (answer, status) in [("\u{4}", 2), ("yes\r", 2), (&*format!("{run}\r"), 0)] {
        let terminal = Terminal::start(&sandbox, &["rollback", &run], SIZE, &[]);
        let asked = terminal.wait_for("the question", |screen| screen.contains("Type the run id"));
        assert!(asked.contains("to delete, and what else carries the run's mark"), "{asked}");
        assert_eq!(sandbox.account(), account, "nothing is deleted before the answer");
        terminal.type_in(answer);
        let left = terminal.finish();
        assert_eq!(left.status, Some(status), "{answer:?}\n{}", left.text);
    }
    assert_eq!(sandbox.account(), Vec::<String>::new());
}
