//! Words that the command line does not know.

use std::process::Stdio;

use crate::assert_transcript;
use crate::common::{Sandbox, holds_no_run};

#[test]
fn the_version_is_one_line() {
    let transcript = Sandbox::new().run(&["--version"]);
    assert_eq!(transcript.stdout, format!("lab1-flow {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(transcript.status, Some(0));
}

#[test]
fn help_is_asked_for_and_is_no_mistake() {
    let transcript = Sandbox::new().run(&["--help"]);
    assert_eq!(transcript.status, Some(0));
    for verb in ["run", "resume", "rollback", "status", "list", "stop", "journal", "cloud"] {
        assert!(transcript.stdout.contains(&format!("\n  {verb} ")), "{verb}:\n{transcript}");
    }
    assert!(transcript.stdout.contains("Exit statuses:"));
}

#[test]
fn no_word_at_all_is_wrong_usage() {
    let transcript = Sandbox::new().run::<&str>(&[]);
    assert_eq!(transcript.status, Some(2));
    assert!(transcript.stderr.contains("Usage: lab1-flow"), "{transcript}");
}

#[test]
fn a_misspelt_verb_is_answered_with_the_likely_one() {
    let transcript = Sandbox::new().run(&["resum", "x"]);
    assert_transcript!(transcript, @r"
    exit status: 2
    -- stderr
    error: unrecognized subcommand 'resum'

      tip: a similar subcommand exists: 'resume'

    Usage: lab1-flow [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
}

#[test]
fn a_stack_name_that_makes_other_names_too_long_is_refused() {
    let sandbox = Sandbox::new();
    let transcript = sandbox.run(&["run", "--stack", "fourteenchars1"]);
    assert_transcript!(transcript, @r#"
    exit status: 2
    -- stderr
    error: invalid value 'fourteenchars1' for '--stack <NAME>': the stack name "fourteenchars1" is not valid: it must have 1 to 13 of a-z, A-Z, 0-9 and '-', with no '-' at either end

    For more information, try '--help'.
    "#);
    assert!(holds_no_run(&sandbox.state_dir()));
}

#[test]
fn a_time_scale_that_is_no_number_is_refused() {
    let transcript = Sandbox::new().run(&["run", "--time-scale", "fast"]);
    assert_transcript!(transcript, @r"
    exit status: 2
    -- stderr
    error: invalid value 'fast' for '--time-scale <FACTOR>': it must be a number from 0.01 to 100000

    For more information, try '--help'.
    ");
}

#[test]
fn a_step_that_does_not_exist_is_answered_with_those_that_do() {
    let sandbox = Sandbox::new();
    let transcript = sandbox.run(&["run", "--until", "9"]);
    assert_transcript!(transcript, @r"
    exit status: 2
    -- stderr
    error: there is no step 9
      now:  nothing was created
      next: name one of 1 launch-templates, 2 target-groups, 3 balancer-security-group, 4 load-balancer, 5 listener, 6 rules, 7 auto-scaling-groups, 8 serving
    ");
    assert!(holds_no_run(&sandbox.state_dir()));
}

#[test]
fn completions_are_printed_for_each_shell() {
    for shell in ["bash", "zsh", "fish"] {
        let transcript = Sandbox::new().succeed(&["completions", shell]);
        assert!(transcript.stdout.contains("rollback"), "{shell}");
    }
}

#[test]
fn a_list_that_cannot_be_written_is_no_success() {
    let sandbox = Sandbox::new();
    let full = std::fs::File::options().write(true).open("/dev/full").expect("a full device");
    let mut command = sandbox.command(&["completions", "bash"]);
    let status = command.stdout(full).stderr(Stdio::null()).status().expect("the binary starts");
    assert_eq!(status.code(), Some(74));
}

#[test]
fn a_list_takes_the_clouds_that_it_shows_and_no_other() {
    let sandbox = Sandbox::new();
    assert_transcript!(sandbox.run(&["list", "--cloud", "foo"]), @r"
    exit status: 2
    -- stderr
    error: invalid value 'foo' for '--cloud <CLOUD>': it must be local, aws, endpoint, or the URL of an endpoint

    For more information, try '--help'.
    ");
    sandbox.succeed(&["list", "--cloud", "http://127.0.0.1:5000"]);
}

#[test]
fn a_span_of_time_without_a_unit_is_refused() {
    assert_transcript!(Sandbox::new().run(&["gc", "--older-than", "30"]), @r"
    exit status: 2
    -- stderr
    error: invalid value '30' for '--older-than <TIME>': it must be a number with a unit: 500ms, 30s, 5m, 1h or 7d

    For more information, try '--help'.
    ");
}

#[test]
fn a_rollback_by_tags_says_what_it_needs() {
    assert_transcript!(Sandbox::new().run(&["rollback", "--from-tags"]), @r"
    exit status: 2
    -- stderr
    error: --from-tags needs the id of the run, or the name of its stack
      now:  nothing was sent
      next: lab1-flow rollback --from-tags RUN-ID
      next: lab1-flow rollback --from-tags --stack NAME
    ");
}

#[test]
fn a_plan_of_faults_that_does_not_read_starts_no_cloud() {
    let sandbox = Sandbox::new();
    let missing = sandbox.run(&["cloud", "serve", "--faults", "/nonexistent/faults.toml"]);
    missing.expect_status(2);
    assert!(missing.stderr.contains("now:  the embedded cloud was not started"), "{missing}");
    let file = sandbox.file("faults.toml", "[[rules]]\nfalt = 1\n");
    let wrong = sandbox.run(&["cloud", "serve", "--faults", &file.to_string_lossy()]);
    wrong.expect_status(2);
    assert!(wrong.stderr.contains("next: correct that place"), "{wrong}");
}
