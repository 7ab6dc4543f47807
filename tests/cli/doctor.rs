//! `doctor`: every question has an answer, and what is wrong says what to do.

use serde_json::Value;

use crate::common::{FAST, Sandbox, Transcript, text};

const EC2: &str = "Version=2016-11-15";

/// The checks of a transcript in JSON, as `subject verdict`.
fn verdicts(transcript: &Transcript) -> Vec<String> {
    let lines = transcript.json();
    let checks = lines.iter().filter(|line| line["event"] == "check");
    checks
        .map(|it| format!("{} {}", text(&it["check"]["subject"]), text(&it["check"]["verdict"])))
        .collect()
}

fn check<'a>(lines: &'a [Value], subject: &str) -> &'a Value {
    let found = lines.iter().find(|line| line["check"]["subject"] == subject);
    &found.unwrap_or_else(|| panic!("{subject} in {lines:#?}"))["check"]
}

/// What the machine answers depends on the machine: its disk may be in memory, or slow.
const OF_THE_ACCOUNT: [&str; 17] = [
    "region ok",
    "account ok",
    "subnet us-east-1a ok",
    "subnet us-east-1b ok",
    "VPC ok",
    "image ok",
    "key pair ok",
    "type m4.large ok",
    "type t2.large ok",
    "names ok",
    "quota of load balancers ok",
    "quota of target groups ok",
    "quota of Auto Scaling groups ok",
    "quota of vCPUs unknown",
    "other runs ok",
    "clock ok",
    "locks ok",
];

#[test]
fn a_fresh_account_is_fit_and_every_question_has_its_line() {
    let sandbox = Sandbox::new();
    let transcript = sandbox.succeed(&["doctor", "--json"]);
    let verdicts = verdicts(&transcript);
    for expected in OF_THE_ACCOUNT {
        assert!(verdicts.iter().any(|it| it == expected), "{expected}\n{transcript}");
    }
    for subject in ["state directory ok", "file system ", "disk space ", "sync "] {
        assert!(verdicts.iter().any(|it| it.starts_with(subject)), "{subject}\n{transcript}");
    }
    let end = transcript.json().pop().expect("a last line");
    assert_eq!((&end["outcome"], &end["problems"]), (&"fit".into(), &0.into()));

    let transcript = sandbox.succeed(&["doctor"]);
    let who = "account                        000000000000 as arn:aws:";
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words(&transcript.stdout).contains(&words(who)), "{transcript}");
    let line = "18 vCPUs are needed, and 0 instances run already";
    assert!(transcript.stdout.contains(line), "{transcript}");
    assert!(transcript.stdout.contains(" syncs of 4 KiB: half within "), "{transcript}");
    assert!(transcript.stderr.contains("go:    lab1-flow run"), "{transcript}");
    assert_eq!(sandbox.account(), Vec::<String>::new());
    assert!(!sandbox.state_dir().join("doctor").exists(), "it tidies up");
}

#[test]
fn one_thing_that_is_missing_hides_no_other_answer() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&["cloud", "start"]);
    // A region is furnished when it is first called.
    sandbox.somebody(&format!("Action=DescribeKeyPairs&{EC2}"));
    sandbox.somebody(&format!("Action=DeleteKeyPair&{EC2}&KeyName=vockey"));
    let transcript = sandbox.run(&["doctor"]);
    transcript.expect_status(3);
    for part in [
        "problem  key pair ",
        "there is no key pair vockey in region us-east-1",
        "do: make it with `aws ec2 create-key-pair --key-name vockey`",
        "ok       image ",
        "1 problem, 1 unknown.",
    ] {
        assert!(transcript.stdout.contains(part), "{part}\n{transcript}");
    }
    assert!(transcript.stderr.contains("again: lab1-flow doctor"), "{transcript}");
}

#[test]
fn what_other_runs_hold_is_named() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&["run", "--stack", "blue", "--until", "1", "--time-scale", FAST]);
    let other = sandbox.run_ids()[0].clone();
    let transcript = sandbox.succeed(&["doctor", "--json"]);
    let lines = transcript.json();
    let warned = check(&lines, "other runs");
    assert_eq!(warned["verdict"], "warning");
    assert!(text(&warned["text"]).starts_with(&format!("run {other} has ")), "{transcript}");
    let lines = sandbox.run(&["doctor", "--stack", "blue", "--json"]).json();
    let names = check(&lines, "names");
    assert_eq!(names["verdict"], "problem");
    assert!(text(&names["advice"]).contains(&format!("lab1-flow rollback {other}")));
}

#[test]
fn a_call_that_is_denied_or_throttled_is_told_beside_the_others() {
    let sandbox = Sandbox::new();
    let plan = "[[rules]]\naction = \"DescribeImages\"\nfault = \"access-denied\"\n\
                [[rules]]\nservice = \"autoscaling\"\naction = \"DescribeAccountLimits\"\nfault = \"throttle\"\n";
    let _cloud = sandbox.cloud_with_faults(plan);
    let transcript = sandbox.run(&["doctor", "--json"]);
    transcript.expect_status(3);
    let lines = transcript.json();
    let image = check(&lines, "image");
    assert_eq!(image["verdict"], "problem");
    assert!(text(&image["text"]).contains("UnauthorizedOperation"), "{transcript}");
    assert_eq!(check(&lines, "quota of Auto Scaling groups")["verdict"], "unknown");
    assert_eq!(check(&lines, "key pair")["verdict"], "ok");
}

#[test]
fn a_state_directory_that_cannot_be_made_and_an_account_without_credentials_are_problems() {
    let sandbox = Sandbox::new();
    let file = sandbox.file("not-a-directory", "");
    let file = file.to_str().expect("a plain path");
    let transcript = sandbox.run(&["doctor", "--state-dir", file]);
    transcript.expect_status(3);
    assert!(transcript.stdout.contains("problem  state directory"), "{transcript}");
    let transcript = sandbox.run(&["doctor", "--cloud", "aws"]);
    transcript.expect_status(3);
    assert!(transcript.stdout.contains("there are no credentials"), "{transcript}");
    assert!(transcript.stdout.contains("everything else  it could not be asked"), "{transcript}");
}
