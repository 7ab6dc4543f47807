//! `--notify-cmd`: what the command hears, and that it can do no harm.

use std::fs;

use serde_json::Value;

use crate::common::{FAST, Sandbox, text};

const DENIED_TEMPLATES: &str =
    "[[rules]]\naction = \"CreateLaunchTemplate\"\nfault = \"access-denied\"\n";

/// A command that keeps what it hears, and the file that it keeps it in.
fn keeper(sandbox: &Sandbox) -> (String, std::path::PathBuf) {
    let file = sandbox.file("heard", "");
    (format!("cat >> '{}'", file.display()), file)
}

/// What was heard: each a whole object under the one schema.
fn heard(file: &std::path::Path) -> Vec<Value> {
    let lines = fs::read_to_string(file).expect("what was heard");
    let heard: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect();
    assert!(heard.iter().all(|one| one["schema"] == "lab1-flow/1"), "{heard:#?}");
    heard
}

fn changes(heard: &[Value]) -> Vec<String> {
    heard.iter().map(|one| format!("{} {}", text(&one["change"]), text(&one["state"]))).collect()
}

#[test]
fn a_command_hears_of_each_step_and_of_each_end() {
    let sandbox = Sandbox::new();
    let (command, file) = keeper(&sandbox);
    let ran = sandbox.succeed(&["run", "--notify-cmd", &command, "--time-scale", FAST]);
    let told = heard(&file);
    let run = &sandbox.run_ids()[0];
    assert!(told.iter().all(|one| one["run_id"] == **run && one["stack"] == "default"));
    let all = changes(&told);
    assert_eq!((all[0].as_str(), all.len()), ("started running", 10), "{all:?}");
    let mut steps: Vec<_> = told.iter().filter_map(|one| one["step"]["number"].as_u64()).collect();
    steps.sort_unstable();
    assert_eq!(steps, [1, 2, 3, 4, 5, 6, 7, 8]);
    let end = told.last().expect("an end");
    assert_eq!(all.last().map(String::as_str), Some("rests completed"));
    assert_eq!(text(&end["url"]), ran.stdout.trim());

    fs::write(&file, "").expect("the file is there");
    sandbox.succeed(&["rollback", run, "--notify-cmd", &command]);
    let all = changes(&heard(&file));
    assert_eq!(all, ["started running", "turned-around rolling-back", "rests rolled-back"]);
}

#[test]
fn a_failure_is_heard_with_its_code_and_what_to_type() {
    let sandbox = Sandbox::new();
    let (command, file) = keeper(&sandbox);
    let _cloud = sandbox.cloud_with_faults(DENIED_TEMPLATES);
    sandbox.run(&["run", "--notify-cmd", &command]).expect_status(1);
    let told = heard(&file);
    let end = told.last().expect("an end");
    assert_eq!((&end["change"], &end["state"]), (&"rests".into(), &"failed".into()));
    assert_eq!(end["failure"]["code"], "UnauthorizedOperation");
    assert!(text(&end["next"][0]["command"]).starts_with("lab1-flow resume "), "{end}");
}

#[test]
fn a_command_that_fails_is_said_once_and_changes_nothing() {
    let sandbox = Sandbox::new();
    let ran = sandbox.succeed(&["run", "--notify-cmd", "exit 3", "--time-scale", FAST]);
    let warning = "warning: the command of --notify-cmd ended with exit status: 3; the run goes on";
    assert_eq!(ran.stderr.matches(warning).count(), 1, "{ran}");
}

#[test]
fn a_command_that_hangs_does_not_hold_up_the_run() {
    let sandbox = Sandbox::new();
    let ran =
        sandbox.succeed(&["run", "--json", "--notify-cmd", "sleep 3600", "--time-scale", FAST]);
    assert_eq!(ran.json().last().expect("an end")["outcome"], "completed");
}

#[test]
fn a_command_gets_no_credentials() {
    let sandbox = Sandbox::new();
    let file = sandbox.file("heard", "");
    let command = format!("{{ env; cat; }} >> '{}'", file.display());
    let mut run = sandbox.command(&["run", "--notify-cmd", &command, "--time-scale", FAST]);
    for name in [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_BEARER_TOKEN_BEDROCK",
        "SOME_TOKEN_OF_MINE",
    ] {
        run.env(name, "a-secret-of-mine");
    }
    run.env("HTTPS_PROXY", "http://me:a-secret-of-mine@proxy.invalid:3128");
    run.env("LAB1_FLOW_NOTIFY_CHANNEL", "what it is to have");
    assert!(run.output().expect("the run").status.success());
    let heard = fs::read_to_string(file).expect("what was heard");
    for name in ["PATH=", "LAB1_FLOW_STATE_DIR=", "LAB1_FLOW_NOTIFY_CHANNEL=what it is to have"] {
        assert!(heard.contains(name), "{name}: what is no secret is there");
    }
    assert!(!heard.contains("a-secret-of-mine"), "{heard}");
}
