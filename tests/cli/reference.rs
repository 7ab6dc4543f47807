//! `docs/cli.md` is made from the definitions, `docs/iam-policy.json` by the program; both are current.

use std::fmt::Write;
use std::path::Path;

use clap::builder::StyledStr;
use clap::{Arg, Command};

use crate::common::Sandbox;

/// Set to anything, it lets the test write the file instead.
const UPDATE: &str = "LAB1_FLOW_UPDATE_DOCS";

#[test]
fn the_reference_of_the_command_line_is_current() {
    assert_current("docs/cli.md", &reference());
}

#[test]
fn the_policy_of_the_documents_is_the_one_that_the_program_prints() {
    let sandbox = Sandbox::new();
    let printed = sandbox.succeed(&["iam-policy"]);
    assert_current("docs/iam-policy.json", &printed.stdout);
    for wrong in [["--account", "12"], ["--region", "*"], ["--run-id", "?*"]] {
        let refused = sandbox.run(&[&["iam-policy"][..], &wrong].concat());
        assert_eq!((refused.status, refused.stdout.as_str()), (Some(2), ""), "{wrong:?}");
    }
}

/// Compares a document with what it is made from, or makes it.
#[track_caller]
fn assert_current(document: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(document);
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&path, expected).expect("the document can be written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "{document} is not current: {UPDATE}=1 cargo test --test cli reference"
    );
}

fn reference() -> String {
    let mut command = lab1_flow::command();
    command.build();
    let mut text = String::from(
        "# The command line\n\nMade from the definitions in `bin/`; a test keeps it current.\n\n",
    );
    let _infallible = writeln!(text, "{}\n", about(&command));
    let _infallible = writeln!(text, "```text\n{}\n```\n", after_help(&command));
    text.push_str("## Flags of every verb\n\n");
    arguments(&mut text, command.get_arguments().filter(|argument| argument.is_global_set()));
    for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
        describe(&mut text, verb, "lab1-flow", 2);
    }
    text.trim_end().to_owned() + "\n"
}

fn describe(text: &mut String, verb: &Command, parent: &str, level: usize) {
    let name = format!("{parent} {}", verb.get_name());
    let heading = "#".repeat(level);
    let _infallible = writeln!(text, "{heading} {name}\n\n{}\n", about(verb));
    let usage = verb.clone().render_usage().to_string();
    let _infallible = writeln!(text, "```text\n{}\n```\n", usage.trim_start_matches("Usage: "));
    let own = verb.get_arguments().filter(|argument| {
        !argument.is_global_set() && !argument.is_hide_set() && argument.get_id() != "help"
    });
    arguments(text, own);
    for below in verb.get_subcommands().filter(|below| below.get_name() != "help") {
        describe(text, below, &name, level + 1);
    }
}

fn arguments<'a>(text: &mut String, arguments: impl Iterator<Item = &'a Arg>) {
    let mut any = false;
    for argument in arguments {
        any = true;
        let _infallible = writeln!(text, "- `{}`: {}", words(argument), help(argument));
    }
    if any {
        text.push('\n');
    }
}

/// The argument as it is typed.
fn words(argument: &Arg) -> String {
    let long = argument.clone().to_string().trim().to_owned();
    match argument.get_short().filter(|_| long.starts_with("--")) {
        Some(short) => format!("-{short}, {long}"),
        None => long,
    }
}

fn help(argument: &Arg) -> String {
    let long = argument.get_long_help().or_else(|| argument.get_help());
    let mut help =
        long.map(StyledStr::to_string).unwrap_or_default().replace("\n\n", ". ").replace('\n', " ");
    help.truncate(help.trim_end_matches('.').len());
    let values = argument.get_possible_values();
    let shown = values.iter().filter(|value| !value.is_hide_set() && value.get_help().is_some());
    for value in shown {
        let meaning = value.get_help().map(StyledStr::to_string).unwrap_or_default();
        let _infallible = write!(help, "; `{}`: {meaning}", value.get_name());
    }
    let defaults = argument.get_default_values();
    if !defaults.is_empty() && argument.get_action().takes_values() {
        let defaults: Vec<_> = defaults.iter().map(|value| value.to_string_lossy()).collect();
        let _infallible = write!(help, " (default: {})", defaults.join(", "));
    }
    help
}

fn about(command: &Command) -> String {
    let about = command.get_long_about().or_else(|| command.get_about());
    about.map(StyledStr::to_string).unwrap_or_default()
}

fn after_help(command: &Command) -> String {
    command.get_after_help().map(StyledStr::to_string).unwrap_or_default()
}
