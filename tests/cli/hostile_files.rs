//! Files that somebody else has made, or that are not files.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use crate::assert_transcript;
use crate::common::Sandbox;

#[test]
fn a_state_directory_that_others_can_write_to_is_refused_and_doctor_agrees() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&["list"]);
    fs::set_permissions(sandbox.state_dir(), Permissions::from_mode(0o777)).expect("a mode");
    assert_transcript!(sandbox.run(&["run"]), @r"
    exit status: 2
    -- stderr
    error: [home]/state can be written by others (its mode is 777)
      now:  it was left as it is, and nothing was sent
      next: chmod 700 [home]/state
      next: or name another directory with --state-dir
    ");
    for verb in [&["list"][..], &["status"], &["cloud", "status"], &["cloud", "stop"]] {
        sandbox.run(verb).expect_status(2);
    }
    let doctor = sandbox.run(&["doctor"]);
    doctor.expect_status(3);
    assert!(doctor.stdout.contains("chmod 700"), "{doctor}");
    fs::set_permissions(sandbox.state_dir(), Permissions::from_mode(0o700)).expect("a mode");
    sandbox.succeed(&["list"]);
    // Without root it cannot be given away.
    if std::os::unix::fs::chown(sandbox.state_dir(), Some(4711), None).is_ok() {
        let refused = sandbox.run(&["list"]);
        refused.expect_status(2);
        assert!(refused.stderr.contains("chown -R 0 [home]/state"), "{refused}");
        std::os::unix::fs::chown(sandbox.state_dir(), Some(0), None).expect("ours again");
    }
}

#[test]
fn a_link_in_the_state_directory_is_refused_and_the_directory_itself_may_be_one() {
    let sandbox = Sandbox::new();
    let data = sandbox.home().join("data");
    fs::create_dir(&data).expect("a folder");
    symlink(&data, sandbox.state_dir()).expect("a link");
    sandbox.succeed(&["list"]);
    for name in ["runs", "stacks", "cloud"] {
        let elsewhere = sandbox.home().join(format!("{name} of others"));
        let _none_yet = fs::rename(data.join(name), &elsewhere);
        symlink(sandbox.home(), data.join(name)).expect("a link");
        let refused = sandbox.run(&["run"]);
        refused.expect_status(6);
        assert!(refused.stderr.contains("is a link"), "{refused}");
        fs::remove_file(data.join(name)).expect("the link");
    }
}

#[test]
fn a_pipe_among_the_runs_keeps_no_list_waiting() {
    let sandbox = Sandbox::new();
    let runs = sandbox.state_dir().join("runs");
    sandbox.succeed(&["list"]);
    fs::create_dir_all(runs.join("k7f3aaaa")).expect("a folder");
    for path in ["k7f3aaaa/mirror.jsonl", "k7f3aaaa/lock", "k7f3bbbb"] {
        let made = Command::new("mkfifo").arg(runs.join(path)).status().expect("mkfifo");
        assert!(made.success());
    }
    let listed = sandbox.run(&["list", "--json"]);
    for run in ["k7f3aaaa", "k7f3bbbb"] {
        assert!(listed.stdout.contains(run), "{listed}");
        let refused = sandbox.run(&["status", run]);
        refused.expect_status(6);
        assert!(refused.stderr.contains("a named pipe"), "{refused}");
    }
}

#[test]
fn a_configuration_is_read_up_to_its_limit_wherever_it_comes_from() {
    let sandbox = Sandbox::new();
    let check = |script: &str| {
        let script =
            format!("{script} | {} config check /dev/stdin", env!("CARGO_BIN_EXE_lab1-flow"));
        let output = sandbox.command_of("bash", &["-c", &script]).output().expect("bash");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(check("echo 'stack = \"blue\"'").0, Some(0));
    let (status, said) = check("cat /dev/zero");
    assert_eq!(status, Some(2));
    assert!(said.contains("larger than 1 MiB"), "{said}");
    let endless = sandbox.run(&["config", "check", "/dev/zero"]);
    endless.expect_status(2);
    let endless = sandbox.run(&["cloud", "serve", "--faults", "/dev/zero"]);
    endless.expect_status(2);
    assert!(endless.stderr.contains("larger than 1 MiB"), "{endless}");
}

#[test]
fn of_very_many_mistakes_the_first_are_told_at_once() {
    let sandbox = Sandbox::new();
    let many: Vec<_> = (0..60_000).map(|number| format!("key{number} = 1")).collect();
    let many = many.join("\n");
    sandbox.file("many.toml", &many);
    let began = std::time::Instant::now();
    let refused = sandbox.run(&["config", "check", "many.toml", "--json"]);
    refused.expect_status(2);
    let told = "many.toml has 20 mistakes and perhaps more";
    assert!(refused.stderr.contains(told), "{}", refused.stderr);
    let mistakes = refused.json().remove(0)["mistakes"].as_array().map(Vec::len);
    assert_eq!(mistakes, Some(20));
    let one_line = format!("stack = [{}]\n", "\"blue\", ".repeat(100_000));
    let long_key = format!("{} = 1\n", "k".repeat(1_000_000));
    let long_value = format!("stack = \"{}\"\n", "v".repeat(1_000_000));
    let nested = format!("stack = {}{}\n", "[".repeat(400_000), "]".repeat(400_000));
    let dotted = format!("stack{} = 1\n", ".k".repeat(400_000));
    let headed = format!("[stack{}]\n", ".k".repeat(400_000));
    let ports = format!("[instances]\nopen_ports = [{}]\n", "0, ".repeat(300_000));
    for text in [one_line, long_key, long_value, nested, dotted, headed, ports] {
        sandbox.file("odd.toml", &text);
        let refused = sandbox.run(&["config", "check", "odd.toml"]);
        refused.expect_status(2);
        let size = refused.stderr.len();
        assert!(size < 40_000, "{size} bytes about {}", &text[..40]);
    }
    // Before, the first alone took minutes.
    assert!(began.elapsed() < std::time::Duration::from_mins(1), "{:?}", began.elapsed());
}
