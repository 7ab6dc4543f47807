use std::fs;

use super::*;

fn load_text(text: &str) -> Result<StackSpec, CliError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("stack.toml");
    fs::write(&path, text).unwrap();
    load(Some(&path), &Overrides::default())
}

/// The places and the beginnings of all mistakes.
fn mistakes(text: &str) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("stack.toml");
    fs::write(&path, text).unwrap();
    let source = Source::read(&path).unwrap();
    let (_, mistakes) = judge(Some(&source), &Overrides::default());
    let line = |mistake: &Mistake| {
        let place = mistake.span.as_ref().map(|span| source.position(span.start));
        let place = place.map_or_else(String::new, |(line, column)| format!("{line}:{column}"));
        format!("{place:<5} {} | {}", mistake.path, mistake.message)
    };
    mistakes.iter().map(line).collect()
}

#[test]
fn an_empty_file_is_the_documented_stack() {
    assert_eq!(load_text("").unwrap(), StackSpec::default());
}

#[test]
fn every_piece_that_does_not_read_is_named_at_once() {
    let text = "\
stack = \"-\"
colour = 1

[instances]
image-id = \"ami-1\"
ssh = \"yes\"
open_ports = [80, \"http\"]

[targets.health_check]
interval_s = -1

[[groups]]
min = 70000000000
wieght = 3
[[groups]]
path = 4
";
    insta::assert_snapshot!(mistakes(text).join("\n"), @r#"
    1:9   stack | the stack name "-" is not valid: it must have 1 to 13 of a-z, A-Z, 0-9 and '-', with no '-' at either end
    2:1   colour | unknown field `colour`
    5:1   instances.image-id | unknown field `image-id`
    6:7   instances.ssh | invalid type: string "yes", expected a boolean
    7:19  instances.open_ports | invalid type: string "http", expected a whole number from 0 to 65535
    10:14 targets.health_check.interval_s | invalid value: integer `-1`, expected a whole number from 0 to 4294967295
    13:7  groups[0].min | invalid value: integer `70000000000`, expected a whole number from 0 to 4294967295
    14:1  groups[0].wieght | unknown field `wieght`
    16:8  groups[1].path | invalid type: integer `4`, expected a string
    "#);
}

#[test]
fn wrong_values_are_named_beside_pieces_that_do_not_read() {
    let text = "[[groups]]\nmin = 6\n[[groups]]\nmax = \"9\"\ndesired = 8\n[targets]\nport = 81\nderegistration_delay_s = 3601\n";
    // Of the second group nothing is judged: its maximum is not known.
    insta::assert_snapshot!(mistakes(text).join("\n"), @r#"
    2:7   groups[0].min | groups[0].min: 6 is more than the maximum of 5
    4:7   groups[1].max | invalid type: string "9", expected a whole number from 0 to 4294967295
    8:26  targets.deregistration_delay_s | targets.deregistration_delay_s: 3601 is not between 0 and 3600
          instances.open_ports | instances.open_ports: the application's port 81 is not open
    "#);
}

#[test]
fn every_break_of_the_grammar_is_named() {
    insta::assert_snapshot!(mistakes("stack = \n[instances\nssh = true\n").join("\n"), @r"
    1:9    | string values must be quoted, expected literal string
    2:11   | unclosed table, expected `]`
    ");
}

#[test]
fn a_third_group_is_one_mistake() {
    let text = "[[groups]]\n[[groups]]\n[[groups]]\n";
    insta::assert_snapshot!(mistakes(text).join("\n"), @"1:1   groups | invalid length 3, expected at most two groups");
}

#[test]
fn inline_tables_are_read_piece_by_piece_too() {
    let text = "targets = { port = \"x\", health_check = { path = 1, interval = 3 } }\n";
    insta::assert_snapshot!(mistakes(text).join("\n"), @r#"
    1:20  targets.port | invalid type: string "x", expected a whole number from 0 to 65535
    1:49  targets.health_check.path | invalid type: integer `1`, expected a string
    1:52  targets.health_check.interval | unknown field `interval`, expected one of `path`, `interval_s`, `timeout_s`, `healthy_threshold`, `unhealthy_threshold`, `success_codes`
    "#);
}

#[test]
fn flags_stand_over_the_file() {
    let overrides =
        Overrides { stack: Some(StackName::new("green").unwrap()), wait: Some(WaitMode::Targets) };
    let spec = load(None, &overrides).unwrap();
    assert_eq!((spec.stack.as_str(), spec.wait), ("green", WaitMode::Targets));
}

#[test]
fn a_file_that_is_not_there_is_wrong_usage() {
    let error = load(Some(Path::new("/no/such/file.toml")), &Overrides::default()).unwrap_err();
    assert_eq!(error.status, crate::exit_status::ExitStatus::Usage);
    assert!(error.what.contains("/no/such/file.toml"));
}

#[test]
fn what_the_file_of_a_begun_run_does_not_say_stays() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("stack.toml");
    let blue = StackName::new("blue").unwrap();
    let again = |text: &str| {
        fs::write(&path, text).unwrap();
        load_again(&path, &blue, WaitMode::Targets)
    };
    let spec = again("").unwrap();
    assert_eq!((spec.stack.as_str(), spec.wait), ("blue", WaitMode::Targets));
    assert_eq!(again("wait = \"http\"").unwrap().wait, WaitMode::Http);
    assert!(again("stack = \"blue\"").is_ok());
    assert!(again("stack = \"green\"").unwrap_err().what.contains("is about stack green"));
}
