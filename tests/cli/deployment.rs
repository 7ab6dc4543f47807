//! The whole way on the embedded cloud: deploy, look, stop, resume, pause, take back.

use std::io::Read;

use crate::assert_transcript;
use crate::common::{FAST, Sandbox, hear, held_answers, text};

#[test]
fn a_stack_is_deployed_answers_and_is_taken_back() {
    let sandbox = Sandbox::new();
    let lines = sandbox.succeed(&["run", "--json", "--time-scale", FAST]).json();
    let run = text(&lines[0]["run_id"]);
    let end = lines.last().expect("a last line");
    assert_eq!((&end["outcome"], &end["run_id"]), (&"completed".into(), &run.clone().into()));
    assert_eq!(end["resources"].as_array().map(Vec::len), Some(12));
    let url = text(&end["url"]);
    assert!(answer(&url, "/cluster1").contains("is responding now!"), "{url}");

    let prefix = &run[..4];
    let status = sandbox.succeed(&["status", prefix, "--json"]).json();
    assert_eq!((&status[0]["step"], &status[0]["url"]), (&8.into(), &url.into()));
    // An end is told again as it was, and no call is made for it.
    let calls = || sandbox.succeed(&["cloud", "status", "--json"]).json()[0]["calls"].clone();
    let before = calls();
    let again = sandbox.succeed(&["resume", prefix, "--json"]).json();
    assert_eq!(again.last().expect("a last line")["url"], end["url"]);
    assert_eq!(calls(), before);

    let gone = sandbox.succeed(&["rollback", prefix, "--json"]).json();
    let gone = gone.last().expect("a last line");
    assert_eq!(gone["outcome"], "rolled-back");
    assert_eq!(gone["gone"], end["resources"]);
    assert_eq!(sandbox.account(), Vec::<String>::new());
}

#[test]
fn a_stack_with_other_paths_and_another_port_answers_there() {
    let sandbox = Sandbox::new();
    let text = "
        instances.open_ports = [8080]
        targets.port = 8080
        targets.health_check.path = \"/up\"

        [[groups]]
        path = \"/blue\"

        [[groups]]
        path = \"/green\"
    ";
    sandbox.file("stack.toml", text);
    let run = ["run", "--json", "--config", "stack.toml", "--time-scale", FAST];
    let url = text_of_url(&sandbox.succeed(&run).json());
    assert!(answer(&url, "/blue").contains("is responding now!"));
    assert!(answer(&url, "/up").ends_with("Healthy!"));
    assert!(answer(&url, "/cluster1").starts_with("HTTP/1.1 404"));
}

#[test]
fn people_see_the_run_the_address_and_what_to_type_next() {
    let sandbox = Sandbox::new();
    let transcript = sandbox.succeed(&["run", "--time-scale", FAST]);
    let mut lines = transcript.stderr.lines();
    let first = lines.next().unwrap_or_default();
    let run = &sandbox.run_ids()[0];
    assert_eq!(
        first,
        format!("run {run}: stack default on the embedded cloud (simulated), us-east-1")
    );
    assert!(transcript.stdout.starts_with("http://127.0.0.1:"), "stdout holds the address alone");
    assert_eq!(transcript.stdout.lines().count(), 1);
    assert!(transcript.stderr.contains(&format!("undo:  lab1-flow rollback {run}")));
    assert!(transcript.stderr.contains("step 8 done: "));

    let transcript = sandbox.succeed(&["rollback", run]);
    assert!(transcript.stderr.contains(": nothing is left"), "{transcript}");
    assert!(transcript.stderr.contains("verified gone:"), "{transcript}");
}

#[test]
fn another_endpoint_is_asked_for_the_account_and_keeps_it() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&["cloud", "start", "--time-scale", FAST]);
    let url = sandbox.meet_cloud_as_endpoint();
    let run = ["run", "--endpoint-url", &url, "--yes", "--json", "--consistency-window", "1s"];
    let lines = sandbox.succeed(&run).json();
    assert_eq!(lines[0]["target"]["account"], "000000000000");
    assert_eq!(lines[0]["target"]["endpoint_url"], url);
    let run = text(&lines[0]["run_id"]);
    let refused = sandbox.run(&["rollback", &run]);
    refused.expect_status(2);
    assert!(!sandbox.account().is_empty(), "nothing is deleted without a yes");
    sandbox.succeed(&["rollback", &run, "--yes"]);
    assert_eq!(sandbox.account(), Vec::<String>::new());
}

#[test]
fn names_that_a_run_holds_are_refused_to_the_next_one() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&["run", "--time-scale", FAST]);
    let holder = sandbox.run_ids()[0].clone();
    let account = sandbox.account();
    let transcript = sandbox.run(&["run"]);
    transcript.expect_status(3);
    assert!(
        transcript.stderr.contains(&format!("run {holder}")),
        "it names the holder\n{transcript}"
    );
    assert_eq!(sandbox.account(), account, "nothing was created");
    sandbox.succeed(&["run", "--stack", "other"]);
}

#[test]
fn a_live_run_keeps_its_stack_and_stops_when_another_process_asks_it_to() {
    let sandbox = Sandbox::new();
    let _cloud = sandbox.cloud_with_faults(&held_answers("CreateLoadBalancer"));
    let mut runner = sandbox.start(&["run"]);
    let run = sandbox.wait_for_run();
    let second = sandbox.run(&["run"]);
    second.expect_status(4);
    let holder = format!("stack default is in the hands of run {run}");
    assert!(second.stderr.contains(&holder), "{second}");
    assert_eq!(sandbox.run_ids().len(), 1, "the second one was not begun");
    let stop = sandbox.start(&["stop", &run]);
    hear(&mut runner, "asked to stop");
    sandbox.hurry();
    let stopped = sandbox.finish(stop);
    stopped.expect_status(0);
    assert!(stopped.stderr.contains("is stopped"), "{stopped}");
    let transcript = sandbox.finish(runner);
    transcript.expect_status(75);
    assert!(transcript.stderr.contains(&format!("go on: lab1-flow resume {run}")), "{transcript}");
    sandbox.succeed(&["resume", &run]);
}

#[test]
fn a_reader_that_goes_away_does_not_stop_a_run() {
    let sandbox = Sandbox::new();
    let mut runner = sandbox.start(&["run", "--json", "--time-scale", FAST]);
    drop(runner.stdout.take());
    drop(runner.stderr.take());
    assert_eq!(runner.wait().expect("its end").code(), Some(0));
    let rows = sandbox.succeed(&["list", "--json"]).json();
    assert_eq!(rows[0]["state"], "completed");
}

#[test]
fn the_embedded_cloud_is_started_looked_at_emptied_and_stopped() {
    let sandbox = Sandbox::new();
    assert_transcript!(sandbox.run(&["cloud", "status"]), @r"
    exit status: 0
    -- stderr
    the embedded cloud does not run; `lab1-flow run` starts it
    ");
    assert_transcript!(sandbox.run(&["cloud", "start"]), @r#"
    exit status: 0
    -- stdout
    http://[address]
    -- stderr
    for boto3 and the AWS CLI: eval "$(lab1-flow cloud env)"
    "#);
    assert_transcript!(sandbox.run(&["cloud", "start"]), @r#"
    exit status: 0
    -- stdout
    http://[address]
    -- stderr
    the embedded cloud runs already
    for boto3 and the AWS CLI: eval "$(lab1-flow cloud env)"
    "#);
    assert_transcript!(sandbox.run(&["cloud", "reset"]), @r"
    exit status: 0
    -- stderr
    the account of the embedded cloud is empty
    ");
    assert_transcript!(sandbox.run(&["cloud", "reset", "--json"]), @r#"
    exit status: 0
    -- stdout
    {"schema":"lab1-flow/1","version":"[version]"}
    {"event":"cloud-reset","reset":true}
    -- stderr
    the account of the embedded cloud is empty
    "#);
    assert_transcript!(sandbox.run(&["cloud", "stop"]), @r"
    exit status: 0
    -- stderr
    the embedded cloud has stopped; its account is kept
    ");
    assert_transcript!(sandbox.run(&["cloud", "stop"]), @r"
    exit status: 0
    -- stderr
    the embedded cloud does not run
    ");
}

/// Reads the address from the last line of a deployment.
fn text_of_url(lines: &[serde_json::Value]) -> String {
    text(&lines.last().expect("a last line")["url"])
}

/// What a visitor gets for a path.
fn answer(url: &str, path: &str) -> String {
    let host = url.trim_start_matches("http://");
    let mut stream = std::net::TcpStream::connect(host).expect("a balancer that listens");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    std::io::Write::write_all(&mut stream, request.as_bytes()).expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}
