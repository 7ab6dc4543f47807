//! Targets that are refused before anything is sent.

use std::process::Stdio;

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
      Environment: the credential provider was not enabled: environment variable not set
      Profile: the credential provider was not enabled
      WebIdentityToken: the credential provider was not enabled: $AWS_WEB_IDENTITY_TOKEN_FILE was not set
      EcsContainer: the credential provider was not enabled: ECS provider not configured
      Ec2InstanceMetadata: the credential provider was not enabled: IMDS disabled by AWS_EC2_METADATA_DISABLED env var set to `true`
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
    error: AWS_ENDPOINT_URL sends AWS calls to another endpoint; unset it, or name that endpoint with --endpoint-url
      now:  nothing was sent
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
    error: the endpoint "localhost:4566" is not an http or https URL
      now:  nothing was sent
    "#);
}

#[test]
fn a_cloud_and_an_endpoint_at_once_are_refused() {
    let arguments = ["run", "--cloud", "aws", "--endpoint-url", "http://127.0.0.1:9"];
    let transcript = refused(&arguments, &[]);
    assert_transcript!(transcript, @r"
    exit status: 2
    -- stderr
    error: the argument '--cloud <CLOUD>' cannot be used with '--endpoint-url <URL>'

    Usage: lab1-flow run --cloud <CLOUD> --state-dir <DIR>

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
      next: leave it out, or add --cloud aws
    ");
    let transcript = refused(&["run", "--cloud", "aws", "--time-scale", "2", "--yes"], &[]);
    assert_transcript!(transcript, @r"
    exit status: 2
    -- stderr
    error: --time-scale is of use on the embedded cloud alone
      next: leave it out: on this target time passes as it does
    ");
}
