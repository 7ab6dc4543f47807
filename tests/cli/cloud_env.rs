//! `cloud env`, and the key that the embedded cloud asks its callers for.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::assert_transcript;
use crate::common::{FAST, Sandbox, Transcript};

/// Runs a line of a shell that finds the program on its path.
fn shell(sandbox: &Sandbox, line: &str) -> Transcript {
    let binary = Path::new(env!("CARGO_BIN_EXE_lab1-flow")).parent().expect("a folder");
    let searched = std::env::var("PATH").unwrap_or_default();
    let mut shell = sandbox.command_of("sh", &["-c", line]);
    shell.env("PATH", format!("{}:{searched}", binary.display()));
    shell.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    sandbox.finish(shell.spawn().expect("a shell"))
}

#[test]
fn the_variables_of_other_clients_are_printed_for_a_shell() {
    let sandbox = Sandbox::new();
    assert_transcript!(sandbox.run(&["cloud", "env"]), @r"
    exit status: 2
    -- stderr
    error: the embedded cloud does not run
      next: lab1-flow cloud start
    ");
    sandbox.succeed(&["cloud", "start", "--time-scale", FAST]);
    let (key, url) = (sandbox.access_key(), sandbox.cloud_url());
    let printed = sandbox.succeed(&["cloud", "env"]);
    assert_eq!(printed.stderr, "");
    assert_eq!(
        printed.stdout,
        format!(
            "export AWS_ACCESS_KEY_ID={key}\n\
             export AWS_SECRET_ACCESS_KEY=signatures-are-not-checked-by-this-cloud\n\
             export AWS_ENDPOINT_URL={url}\n\
             export AWS_REGION=us-east-1\n\
             export AWS_DEFAULT_REGION=us-east-1\n"
        )
    );
    let line = sandbox.succeed(&["cloud", "env", "--json"]).json().remove(0);
    assert_eq!((&line["AWS_ACCESS_KEY_ID"], &line["AWS_ENDPOINT_URL"]), (&key.into(), &url.into()));
    // The program is a client like any other where the variables lead it to its own cloud.
    let evaluated = shell(&sandbox, r#"eval "$(lab1-flow cloud env)" && lab1-flow plan"#);
    evaluated.expect_status(0);
    let there = sandbox.succeed(&["cloud", "status", "--json"]).json().remove(0);
    assert!(there["calls"].as_u64() > Some(0), "its calls went there: {there}");
}

#[test]
fn a_client_with_another_key_is_refused_and_told_where_the_right_one_is() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&["cloud", "start", "--time-scale", FAST]);
    let url = sandbox.cloud_url();
    for keys in ["", "AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test "] {
        let run = format!("{keys}lab1-flow run --yes --endpoint-url {url} --consistency-window 1s");
        let transcript = shell(&sandbox, &run);
        transcript.expect_status(75);
        assert!(transcript.stderr.contains("InvalidClientTokenId"), "{transcript}");
        assert!(transcript.stderr.contains("`lab1-flow cloud env`"), "{transcript}");
    }
    assert_eq!(sandbox.account(), Vec::<String>::new(), "nothing was created");
}

#[test]
fn the_key_is_printed_by_cloud_env_alone() {
    let sandbox = Sandbox::new();
    let printed = [
        sandbox.succeed(&["cloud", "start", "--time-scale", FAST]),
        sandbox.succeed(&["cloud", "start", "--json"]),
        sandbox.succeed(&["cloud", "status"]),
        sandbox.succeed(&["cloud", "status", "--json"]),
        sandbox.succeed(&["doctor"]),
        sandbox.succeed(&["run", "--json", "--until", "1"]),
        sandbox.succeed(&["list", "--json"]),
    ];
    let key = sandbox.access_key();
    assert!(key.len() > 16, "{key}");
    for transcript in printed {
        assert!(!transcript.to_string().contains(&key), "{transcript}");
    }
    let holders: Vec<PathBuf> = files_below(&sandbox.state_dir())
        .into_iter()
        .filter(|file| {
            let content = std::fs::read(file).expect("a file");
            content.windows(key.len()).any(|window| window == key.as_bytes())
        })
        .collect();
    assert_eq!(holders, [sandbox.state_dir().join("cloud/endpoint.json")]);
}

#[test]
fn every_file_in_the_state_directory_is_private_under_any_umask() {
    let sandbox = Sandbox::new();
    let all = "umask 0 && lab1-flow doctor && lab1-flow run --time-scale 600 --until 1 && \
               lab1-flow cloud stop && lab1-flow cloud start";
    shell(&sandbox, all).expect_status(0);
    let mut found = files_below(&sandbox.state_dir());
    assert!(found.len() > 5, "{found:?}");
    found.push(sandbox.state_dir());
    for path in found {
        for path in path.ancestors().take_while(|it| it.starts_with(sandbox.state_dir())) {
            let mode = path.metadata().expect("a file").permissions().mode();
            assert!(mode.trailing_zeros() >= 6, "{mode:o} {}", path.display());
        }
    }
}

/// All files below a folder.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        if entry.path().is_dir() {
            files.extend(files_below(&entry.path()));
        } else {
            files.push(entry.path());
        }
    }
    files
}
