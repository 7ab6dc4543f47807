//! Targets that are refused before anything is sent.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::Stdio;
use std::thread;

use crate::assert_transcript;
use crate::common::{Sandbox, Transcript, holds_no_run};

fn refused(arguments: &[&str], variables: &[(&str, &str)]) -> Transcript {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(arguments);
    command.envs(variables.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let transcript = sandbox.finish(command.spawn().expect("the binary starts"));
    assert!(holds_no_run(&sandbox.state_dir()), "a run was made");
    transcript
}

#[test]
fn aws_without_a_terminal_and_without_yes_is_refused() {
    let transcript = refused(&["run", "--cloud", "aws"], &[]);
    assert_transcript!(transcript, @r"
    exit status: 2
    -- stderr
    error: creating something outside of the embedded cloud needs a yes, and there is no terminal to ask on
      now:  nothing was sent
      next: give the same command with --yes
    ");
}

#[test]
fn aws_without_credentials_is_one_clear_error() {
    let transcript = refused(&["run", "--cloud", "aws", "--yes"], &[]);
    assert_transcript!(transcript, @r"
    exit status: 3
    -- stderr
    error: there are no credentials: no credentials found in chain. Attempted:
      | Environment: the credential provider was not enabled: environment variable not set
      | Profile: the credential provider was not enabled
      | WebIdentityToken: the credential provider was not enabled: $AWS_WEB_IDENTITY_TOKEN_FILE was not set
      | EcsContainer: the credential provider was not enabled: ECS provider not configured
      | Ec2InstanceMetadata: the credential provider was not enabled: IMDS disabled by AWS_EC2_METADATA_DISABLED env var set to `true`
      now:  nothing was sent, and nothing was created
      next: log in, or set AWS_PROFILE or the AWS_ variables, and give the command again
    ");
}

#[test]
fn aws_is_refused_while_a_variable_leads_elsewhere() {
    let elsewhere = [("AWS_ENDPOINT_URL", "http://127.0.0.1:9")];
    let transcript = refused(&["run", "--cloud", "aws", "--yes"], &elsewhere);
    assert_transcript!(transcript, @r"
    exit status: 2
    -- stderr
    error: AWS_ENDPOINT_URL sends AWS calls to another endpoint
      now:  nothing was sent
      next: unset it, or name that endpoint with --endpoint-url
    ");
    let elsewhere = [("AWS_ENDPOINT_URL_EC2", "http://127.0.0.1:9")];
    let transcript = refused(&["run", "--cloud", "aws", "--yes"], &elsewhere);
    assert_eq!(transcript.status, Some(2), "{transcript}");
}

#[test]
fn an_endpoint_without_a_terminal_and_without_yes_is_refused() {
    let transcript = refused(&["run", "--endpoint-url", "http://127.0.0.1:9"], &[]);
    assert_eq!(transcript.status, Some(2), "{transcript}");
    let transcript = refused(&["run"], &[("AWS_ENDPOINT_URL", "http://127.0.0.1:9")]);
    assert_eq!(transcript.status, Some(2), "{transcript}");
}

#[test]
fn an_endpoint_that_is_no_address_is_refused() {
    let transcript = refused(&["run", "--endpoint-url", "localhost:4566", "--yes"], &[]);
    assert_transcript!(transcript, @r#"
    exit status: 2
    -- stderr
    error: the endpoint is not an http or https URL with a host
      now:  nothing was sent
      next: name it whole, such as --endpoint-url http://[address]
    "#);
}

#[test]
fn an_endpoint_with_a_password_or_a_token_is_refused_and_not_repeated() {
    let transcript = refused(&["run", "--endpoint-url", "http://me:hidden-word@127.0.0.1:9"], &[]);
    assert_transcript!(transcript, @r"
    exit status: 2
    -- stderr
    error: the endpoint holds a user name or a password, and an endpoint is stored and shown
      now:  nothing was sent
      next: name the place alone, such as --endpoint-url http://[address]; credentials stand in the AWS_ variables or in a profile
    ");
    let flags = |verb: &[&'static str]| [verb, &["--endpoint-url"]].concat();
    for verb in [
        flags(&["run", "--yes", "-vv"]),
        flags(&["plan"]),
        flags(&["doctor"]),
        flags(&["rollback", "--from-tags", "--stack", "lab", "--yes"]),
    ] {
        for url in [
            "http://hidden-word@127.0.0.1:9",
            "http://127.0.0.1:9/?token=hidden-word",
            "http://127.0.0.1:9#hidden-word",
            "http://me:hidden-word%40127.0.0.1:9",
            "me:hidden-word@host",
            "http://me:hidden-word/",
        ] {
            assert_refused_without_a_word(&refused(&[&verb[..], &[url]].concat(), &[]));
        }
    }
}

fn assert_refused_without_a_word(transcript: &Transcript) {
    assert_eq!(transcript.status, Some(2), "{transcript}");
    assert!(transcript.stderr.contains("next: name "), "{transcript}");
    assert!(!transcript.to_string().contains("hidden-word"), "{transcript}");
}

#[test]
fn a_variable_or_a_profile_with_a_password_in_an_endpoint_is_refused_by_name() {
    let url = "http://me:hidden-word@127.0.0.1:9";
    let by_variable = refused(&["run", "--yes"], &[("AWS_ENDPOINT_URL", url)]);
    assert_refused_without_a_word(&by_variable);
    let run = ["run", "--yes", "--endpoint-url", "http://127.0.0.1:9"];
    let of_service = refused(&run, &[("AWS_ENDPOINT_URL_STS", url)]);
    assert!(of_service.stderr.contains("AWS_ENDPOINT_URL_STS holds a user name"), "{of_service}");
    assert_refused_without_a_word(&of_service);
    let files = Sandbox::new();
    let config =
        format!("[default]\nservices = all\n[services all]\nsts =\n  endpoint_url = {url}\n");
    let config = files.file("config", &config);
    let by_profile = refused(&run, &[("AWS_CONFIG_FILE", config.to_str().expect("a path"))]);
    assert!(by_profile.stderr.contains("endpoint_url (STS) of the AWS profile"), "{by_profile}");
    assert_refused_without_a_word(&by_profile);
}

#[test]
fn a_cloud_and_an_endpoint_at_once_are_refused() {
    let arguments = ["run", "--cloud", "aws", "--endpoint-url", "http://127.0.0.1:9"];
    let transcript = refused(&arguments, &[]);
    assert_transcript!(transcript, @r"
    exit status: 2
    -- stderr
    error: the argument '--cloud <CLOUD>' cannot be used with '--endpoint-url <URL>'

    Usage: lab1-flow run --cloud <CLOUD>

    For more information, try '--help'.
    ");
}

#[test]
fn flags_of_one_target_are_refused_on_another() {
    let transcript = refused(&["run", "--profile", "lab"], &[]);
    assert_transcript!(transcript, @r"
    exit status: 2
    -- stderr
    error: --profile is of no use on the embedded cloud
      now:  nothing was sent
      next: leave it out, or add --cloud aws
    ");
    let transcript = refused(&["run", "--cloud", "aws", "--time-scale", "2", "--yes"], &[]);
    assert_transcript!(transcript, @r"
    exit status: 2
    -- stderr
    error: --time-scale is of use on the embedded cloud alone
      now:  nothing was sent
      next: leave it out: on this target time passes as it does
    ");
}

/// A port of this machine on which nothing, or something else than AWS, listens.
fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    (listener, url)
}

#[test]
fn an_endpoint_that_nobody_serves_is_one_error_of_those_who_only_look() {
    let (closed, url) = listener();
    drop(closed);
    let transcript = refused(&["plan", "--endpoint-url", &url], &[]);
    assert_transcript!(transcript, @r"
    exit status: 75
    -- stderr
    error: GetCallerIdentity (whose the credentials are): no connection: Connection refused (os error 111)
      now:  nothing was changed; nothing answers as AWS does on http://[address], us-east-1
      next: check the network and the endpoint (--endpoint-url, --region), then:
      next: lab1-flow plan --endpoint-url http://[address]
    ");
    let transcript = refused(&["doctor", "--endpoint-url", &url], &[]);
    transcript.expect_status(3);
    let advice = "do: check the network and the endpoint: nothing was sent\n";
    assert!(transcript.stdout.contains(advice), "there is no run to resume\n{transcript}");
}

#[test]
fn an_endpoint_that_answers_otherwise_than_aws_is_told_by_what_it_says() {
    let (web, url) = listener();
    thread::spawn(move || {
        for stream in web.incoming() {
            let mut stream = stream.expect("a connection");
            let _request = stream.read(&mut [0; 4096]).expect("a request");
            let answer =
                "HTTP/1.1 501 Not Implemented\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            stream.write_all(answer.as_bytes()).expect("it is sent");
        }
    });
    let transcript = refused(&["plan", "--endpoint-url", &url], &[]);
    transcript.expect_status(75);
    assert!(transcript.stderr.contains("HTTP 501"), "{transcript}");
    assert!(transcript.stderr.contains("nothing answers as AWS does on "), "{transcript}");
    let transcript = refused(&["doctor", "--endpoint-url", &url], &[]);
    transcript.expect_status(3);
    assert!(transcript.stdout.contains("everything else  it could not be asked"), "{transcript}");
}

#[test]
fn a_wait_for_an_endpoint_that_is_silent_is_told() {
    for verb in [&["plan"][..], &["doctor"], &["run", "--yes"]] {
        let (silent, url) = listener();
        let sandbox = Sandbox::new();
        let mut command = sandbox.command(&[verb, &["--endpoint-url", &url]].concat());
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let connection = silent.accept().expect("it calls");
        let stderr = child.stderr.take().expect("it is piped");
        let first = BufReader::new(stderr).lines().next().expect("a line").expect("text");
        assert!(first.starts_with("waiting for "), "{verb:?}: {first}");
        assert!(first.ends_with(&format!(" of {url}, us-east-1")), "{verb:?}: {first}");
        child.kill().expect("it waits");
        child.wait().expect("its end");
        drop(connection);
        assert!(holds_no_run(&sandbox.state_dir()), "there was no run yet");
    }
}

#[test]
fn a_proxy_of_the_environment_is_not_asked_about_this_machine() {
    let (closed, proxy) = listener();
    drop(closed);
    let names =
        ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    let sandbox = Sandbox::new();
    sandbox.succeed(&["cloud", "start"]);
    let endpoint = sandbox.meet_cloud_as_endpoint();
    for target in [&["plan"][..], &["plan", "--endpoint-url", &endpoint]] {
        let mut command = sandbox.command(target);
        command
            .envs(names.map(|name| (name, &proxy)))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let transcript = sandbox.finish(command.spawn().expect("the binary starts"));
        transcript.expect_status(0);
    }
}
