//! The commands of the tutorial and of the README, run in their order against the real binary.
//!
//! A block that is marked `console` is a session: lines that begin with `$ ` are typed, the others are what is shown.
//! Each shown line must occur in what its command writes to both streams, in this order; other lines may stand between,
//! and `...` stands for anything. A command ends with 0, unless a remark behind it says `exit status N`. One shell runs the
//! whole page, so that variables last. `cargo run --locked --` there is the binary of this build, and `cargo test` is what
//! runs already.

use std::fmt::Write as _;
use std::path::Path;

use crate::common::Sandbox;
use crate::report;

/// A command of a page, and what the page shows of its output.
#[derive(Debug)]
struct Typed {
    command: String,
    status: i32,
    shown: Vec<String>,
}

#[test]
fn the_tutorial_shows_what_happens() {
    play("docs/tutorial.md", 15);
}

#[test]
fn the_readme_shows_what_happens() {
    play("README.md", 15);
}

fn play(page: &str, commands_min: usize) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    let typed = sessions(&std::fs::read_to_string(path).expect("the page"));
    assert!(typed.len() >= commands_min, "{page} has {} commands", typed.len());
    report::count(page, &format!("{} commands", typed.len()));
    let sandbox = Sandbox::new();
    let binary = Path::new(env!("CARGO_BIN_EXE_lab1-flow")).parent().expect("a folder");
    let searched = std::env::var("PATH").unwrap_or_default();
    let mut shell = sandbox.command_of("sh", &["-c", &script(&typed)]);
    shell.env("PATH", format!("{}:{searched}", binary.display()));
    let output = shell.output().expect("a shell");
    let output = String::from_utf8_lossy(&output.stdout);
    let mut parts = output.split(MARK).skip(1);
    for one in &typed {
        let (written, status) =
            (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let told = format!("{page}: $ {}\n{written}", one.command);
        assert_eq!(status.trim().parse(), Ok(one.status), "{told}");
        let mut lines = written.lines();
        for shown in &one.shown {
            assert!(
                lines.any(|line| fits(line, shown)),
                "{shown:?} is not shown, in this order\n{told}"
            );
        }
    }
}

/// Stands between the parts of what the shell writes; no command writes it.
const MARK: &str = "\n@@@@@@\n";

/// What `cargo` is on a page, which is read in a clone of the repository.
const CARGO: &str = r#"
cargo() {
    case "$1 $2 $3" in
    'run --locked --') shift 3 && lab1-flow "$@" ;;
    'test --workspace --locked') ;;
    *) echo "cargo $* is not known here" && return 1 ;;
    esac
}
"#;

fn script(typed: &[Typed]) -> String {
    let mut script = CARGO.to_owned();
    for Typed { command, .. } in typed {
        let mark = "printf '\\n@@@@@@\\n'";
        let _infallible =
            writeln!(script, "{mark}\n{{ {command}\n}} 2>&1\nstatus=$?\n{mark}\necho $status");
    }
    script
}

fn sessions(page: &str) -> Vec<Typed> {
    let mut typed: Vec<Typed> = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        if line.starts_with("```") {
            inside = line == "```console";
        } else if let Some(command) = line.strip_prefix("$ ").filter(|_| inside) {
            let remark = command.split_once(" # ").map_or("", |(_, remark)| remark);
            let status = remark.split_once("exit status ").map_or("0", |(_, status)| status);
            let status = status.trim().parse().expect("the number of a status");
            typed.push(Typed { command: command.to_owned(), status, shown: Vec::new() });
        } else if let Some(last) = typed.last_mut().filter(|_| inside && line.trim() != "...") {
            last.shown.push(line.to_owned());
        }
    }
    typed
}

/// Whether a line is what the page shows of it: its parts between `...`, in this order, the first one at the start.
fn fits(line: &str, shown: &str) -> bool {
    let (mut rest, shown) = (line.trim(), shown.trim());
    let mut parts = shown.split("...");
    let first = parts.next().unwrap_or_default();
    let Some(after) = rest.strip_prefix(first.trim_end()) else { return false };
    rest = after;
    for part in parts {
        let Some(place) = rest.find(part.trim()) else { return false };
        rest = &rest[place + part.trim().len()..];
    }
    shown.ends_with("...") || rest.is_empty()
}

#[test]
fn a_shown_line_stands_for_what_it_leaves_out_and_for_nothing_else() {
    assert!(fits("run abc is deployed after 3.4 s", "run ... is deployed after ..."));
    assert!(fits("  look:  lab1-flow status abc", "look: ... status ..."));
    assert!(!fits("run abc is stopped after 3.4 s", "run ... is deployed after ..."));
    assert!(!fits("a run abc", "run ..."));
    assert!(!fits("one two", "one"));
}
