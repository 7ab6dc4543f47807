//! Mistakes in the configuration: each with its place and what would be right, and nothing created.

use crate::assert_transcript;
use crate::common::{Sandbox, Transcript, holds_no_run};

fn run_with(text: &str) -> Transcript {
    let sandbox = Sandbox::new();
    sandbox.file("stack.toml", text);
    let transcript = sandbox.run(&["run", "--config", "stack.toml"]);
    assert_eq!(transcript.status, Some(2), "{transcript}");
    assert!(holds_no_run(&sandbox.state_dir()), "a run was made");
    transcript
}

#[test]
fn an_unknown_key_is_placed_and_answered_with_the_likely_one() {
    let transcript = run_with("stack = \"blue\"\n\n[instances]\nimage-id = \"ami-0\"\n");
    assert_transcript!(transcript, @r#"
    exit status: 2
    -- stderr
    error: unknown field `image-id`
     --> stack.toml:4:1
      |
    4 | image-id = "ami-0"
      | ^^^^^^^^ did you mean `image_id`?
      now:  nothing was created
      next: correct stack.toml and give the command again
    "#);
}

#[test]
fn a_minimum_above_the_maximum_is_placed() {
    let transcript = run_with("[[groups]]\nmin = 6\n");
    assert_transcript!(transcript, @r"
    exit status: 2
    -- stderr
    error: groups[0].min: 6 is more than the maximum of 5
     --> stack.toml:2:7
      |
    2 | min = 6
      |       ^ min <= desired <= max
      now:  nothing was created
      next: correct stack.toml and give the command again
    ");
}

#[test]
fn replacements_that_need_more_instances_than_the_account_may_have_are_refused() {
    let text = "[instances]\naccount_max = 9\n\n[scaling]\nhealth_check = \"elb\"\n";
    assert_transcript!(run_with(text), @r#"
    exit status: 2
    -- stderr
    error: scaling.health_check: with elb an unhealthy instance drains for [span] while its successor starts: 10 instances, and instances.account_max is 9
     --> stack.toml:5:16
      |
    5 | health_check = "elb"
      |                ^^^^^ ec2, or targets.deregistration_delay_s = 0, or smaller groups
      now:  nothing was created
      next: correct stack.toml and give the command again
    "#);
    let text = "[instances]\naccount_max = 9\n\n[scaling]\nhealthy_percentage_max = 100\n";
    let sandbox = Sandbox::new();
    sandbox.file("stack.toml", text);
    sandbox.succeed(&["config", "check", "stack.toml"]);
}

#[test]
fn a_stack_name_that_is_too_long_is_placed() {
    let transcript = run_with("stack = \"a-stack-with-a-long-name\"\n");
    assert_transcript!(transcript, @r#"
    exit status: 2
    -- stderr
    error: the stack name "a-stack-with-a-long-name" is not valid: it must have 1 to 13 of a-z, A-Z, 0-9 and '-', with no '-' at either end
     --> stack.toml:1:9
      |
    1 | stack = "a-stack-with-a-long-name"
      |         ^^^^^^^^^^^^^^^^^^^^^^^^^^
      now:  nothing was created
      next: correct stack.toml and give the command again
    "#);
}

#[test]
fn a_name_that_gets_too_long_by_the_stack_s_prefix_is_named() {
    let sandbox = Sandbox::new();
    sandbox
        .file("stack.toml", "[[groups]]\ntarget_group_name = \"a-target-group-of-some-length\"\n");
    let transcript = sandbox.run(&["run", "--config", "stack.toml", "--stack", "blue"]);
    assert_transcript!(transcript, @r#"
    exit status: 2
    -- stderr
    error: groups[0].target_group_name: "blue-a-target-group-of-some-length" (34 characters) cannot name a target group
     --> stack.toml:2:21
      |
    2 | target_group_name = "a-target-group-of-some-length"
      |                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ at most 32 letters, digits and hyphens, no hyphen at either end
      now:  nothing was created
      next: correct stack.toml and give the command again
    "#);
    assert!(holds_no_run(&sandbox.state_dir()));
}

#[test]
fn user_data_above_sixteen_kibibytes_is_refused() {
    let script = "x".repeat(17 * 1024);
    let transcript =
        run_with(&format!("[[groups]]\nuser_data = \"\"\"#!/bin/sh\n{script}\"\"\"\n"));
    assert_transcript!(transcript, @r##"
    exit status: 2
    -- stderr
    error: groups[0].user_data: it has 17418 bytes
     --> stack.toml:2:13
      |
    2 | user_data = """#!/bin/sh
      |             ^^^^^^^^^^^^ at most 16384
      now:  nothing was created
      next: correct stack.toml and give the command again
    "##);
}

#[test]
fn broken_toml_is_placed() {
    let transcript = run_with("stack = \n");
    assert_transcript!(transcript, @r"
    exit status: 2
    -- stderr
    error: string values must be quoted, expected literal string
     --> stack.toml:1:9
      |
    1 | stack =
      |         ^
      now:  nothing was created
      next: correct stack.toml and give the command again
    ");
}

#[test]
fn a_value_of_the_wrong_kind_is_placed() {
    let transcript = run_with("[targets]\nport = \"http\"\n");
    assert_transcript!(transcript, @r#"
    exit status: 2
    -- stderr
    error: invalid type: string "http", expected a whole number from 0 to 65535
     --> stack.toml:2:8
      |
    2 | port = "http"
      |        ^^^^^^
      now:  nothing was created
      next: correct stack.toml and give the command again
    "#);
}

#[test]
fn several_mistakes_are_told_at_once() {
    let transcript = run_with("[[groups]]\nmin = 6\n\n[targets.health_check]\ninterval_s = 1\n");
    assert_transcript!(transcript, @r"
    exit status: 2
    -- stderr
    error: stack.toml has 3 mistakes

    groups[0].min: 6 is more than the maximum of 5
     --> stack.toml:2:7
      |
    2 | min = 6
      |       ^ min <= desired <= max

    targets.health_check.timeout_s: [span] is not less than the interval of [span]
     --> stack.toml:4:1
      |
    4 | [targets.health_check]
      | ^^^^^^^^^^^^^^^^^^^^^^ a check ends before the next one begins

    targets.health_check.interval_s: 1 is not between 5 and 300
     --> stack.toml:5:14
      |
    5 | interval_s = 1
      |              ^ 5 to 300
      now:  nothing was created
      next: correct stack.toml and give the command again
    ");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let transcript = Sandbox::new().run(&["run", "--config", "nowhere.toml"]);
    assert_transcript!(transcript, @r"
    exit status: 2
    -- stderr
    error: cannot read the configuration nowhere.toml: No such file or directory (os error 2)
      now:  nothing was created
      next: name a readable TOML file; `lab1-flow init FILE` writes one with every default
    ");
}
