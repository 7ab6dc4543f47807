//! Goal: whoever the usual chain of AWS leads to is who signs, and is pinned in the run.
//!
//! Method: the real binary, with one way to credentials at a time, and loopback fakes of what AWS would answer
//! to it: the token service, single sign-on, the metadata service, a container's. The cloud behind them says
//! who signed and refuses everything else, so that each run ends at its first look. The endpoint is an
//! address that is not recognized as this machine, so that the whole chain of `--cloud aws` is asked.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod chains;
mod fake;
mod network;

#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::path::Path;

use chains::{CHAINS, Chain};
use fake::{ACCOUNT, Fake, Signed};
use support::flow::{Ended, Flow};
use support::report;

/// Runs with the credentials of a chain, and returns how it ended.
fn run(fake: &Fake, flow: &Flow, chain: &Chain) -> Ended {
    run_at("0.0.0.0", fake, flow, chain)
}

fn run_at(host: &str, fake: &Fake, flow: &Flow, chain: &Chain) -> Ended {
    let home = flow.state_dir().parent().unwrap().to_owned();
    for (name, text) in (chain.files)(&home, fake.port) {
        let path = home.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
    }
    let variables = (chain.variables)(&home, fake.port);
    let mut variables: Vec<(&str, &str)> =
        variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    // All that can be told is told.
    variables.push(("LAB1_FLOW_LOG", "trace"));
    let endpoint = format!("http://{host}:{}", fake.port);
    let usual = ["run", "-vv", "--endpoint-url", &endpoint, "--yes"];
    flow.start_with(&[&usual[..], chain.flags].concat(), &variables).wait()
}

#[test]
fn every_way_to_credentials_leads_to_who_signs() {
    for chain in &CHAINS {
        let (fake, flow) = (Fake::start(), Flow::new());
        // The look before the first change is refused: that is the end of this run.
        let ended = run(&fake, &flow, chain).expect_status(3);
        assert!(fake.signed().len() > 3, "{}: {}", chain.name, ended.words());
        assert_eq!(strange_signer(&fake, chain), None, "{}", chain.name);
        let header = flow.run(&["journal", &flow.only_run(), "--json"]).expect_status(0).stdout;
        assert!(header.contains(&format!("\"account\":\"{ACCOUNT}\"")), "{}: {header}", chain.name);
        assert!(ended.stderr.contains("lab1_flow_steps::connection"), "the log is there");
        for secret in ["the-secret", "the-token", chain.key] {
            assert!(!header.contains(secret) && !ended.words().contains(secret), "{}", chain.name);
        }
    }
    report::count("ways to credentials", &format!("{} chains", CHAINS.len()));
}

/// An endpoint on this machine has a chain of its own, which asks no metadata service.
#[test]
fn for_an_endpoint_on_this_machine_a_profile_by_flag_counts_as_well() {
    for name in ["a profile by flag, beside keys in the variables", "a role that a profile assumes"]
    {
        let chain = CHAINS.iter().find(|chain| chain.name == name).unwrap();
        let (fake, flow) = (Fake::start(), Flow::new());
        run_at("127.0.0.1", &fake, &flow, chain).expect_status(3);
        assert!(fake.signed().len() > 3, "{name}");
        assert_eq!(strange_signer(&fake, chain), None, "{name}");
    }
}

/// Who signed and is not the one that the chain leads to, or signed for another region.
fn strange_signer(fake: &Fake, chain: &Chain) -> Option<Signed> {
    fake.signed().into_iter().find(|it| it.key != chain.key || it.region != chain.region)
}

/// What the test above would see of a program that passes over a flag.
#[test]
fn another_signer_or_another_region_would_be_noticed() {
    let by_flags = &CHAINS[2];
    for (flags, key, region) in [
        (&["--region", "us-west-2"][..], "AKIAOTHER", "us-west-2"),
        (&["--profile", "lab"], "AKIAPROFILE", "us-east-1"),
    ] {
        let (fake, flow) = (Fake::start(), Flow::new());
        run(&fake, &flow, &Chain { flags, ..*by_flags }).expect_status(3);
        let seen = Signed { key: key.to_owned(), region: region.to_owned() };
        assert_eq!(strange_signer(&fake, by_flags), Some(seen));
    }
}

/// Credentials that are there and do not load are an error, also where none at all would do.
#[test]
fn credentials_that_do_not_load_stop_before_anything_is_sent_and_say_at_what() {
    let role = "role_arn = arn:aws:iam::123456789012:role/lab";
    let identity = format!("[profile lab]\n{role}\nweb_identity_token_file = /nowhere/mine\n");
    let sign_on = CHAINS.iter().find(|chain| chain.name == "single sign-on").unwrap();
    let sign_on = (sign_on.files)(Path::new(""), 0).swap_remove(0).1;
    let by_variable = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere/token"),
        ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/lab"),
    ];
    let by_profile = [("AWS_PROFILE", "lab")];
    for (config, variables, file) in [
        ("", &by_variable[..], "the web identity in /nowhere/token: No such file"),
        (identity.as_str(), &by_profile, "the web identity in /nowhere/mine: No such file"),
        (sign_on.as_str(), &by_profile, "credentials: failed to load the cached SSO token"),
    ] {
        let (fake, flow) = (Fake::start(), Flow::new());
        let path = flow.state_dir().with_file_name(".aws").join("config");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, config).unwrap();
        let endpoint = format!("http://0.0.0.0:{}", fake.port);
        let run = ["run", "--endpoint-url", &endpoint, "--yes"];
        let ended = flow.start_with(&run, variables).wait().expect_status(3);
        assert_eq!(fake.signed(), [], "nothing is signed");
        let words = ended.words();
        assert!(ended.stderr.starts_with("error: there are no credentials: "), "{words}");
        assert!(ended.stderr.contains(file), "{file:?} in {words}");
    }
}

/// A name that nobody has would be passed over, and other credentials or none would sign.
#[test]
fn a_profile_that_is_not_there_is_one_error_before_anything_else() {
    let (fake, flow) = (Fake::start(), Flow::new());
    let home = flow.state_dir().parent().unwrap().to_owned();
    let write = |name: &str, text: &str| {
        let path = home.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write(".aws/credentials", "[lab]\naws_access_key_id = A\naws_secret_access_key = x\n");
    write(".aws/config", "[profile course]\nregion = us-west-2\n");
    let keys = [("AWS_ACCESS_KEY_ID", "A"), ("AWS_SECRET_ACCESS_KEY", "x")];
    let loopback = format!("http://127.0.0.1:{}", fake.port);
    let elsewhere = format!("http://0.0.0.0:{}", fake.port);
    let by_name = [("AWS_PROFILE", "laab")];
    for target in
        [["--endpoint-url", &loopback], ["--endpoint-url", &elsewhere], ["--cloud", "aws"]]
    {
        for (flags, variables) in [
            (&[][..], &by_name[..]),
            (&["--profile", "laab"], &[]),
            (&[], &[by_name[0], keys[0], keys[1]]),
        ] {
            let line = [&["run", "--yes"][..], &target, flags].concat();
            let ended = flow.start_with(&line, variables).wait().expect_status(2);
            let error = "error: there is no AWS profile \"laab\" in ~/.aws/config or ~/.aws/credentials, \
                         which have: course, lab\n";
            assert!(ended.stderr.starts_with(error), "{}", ended.words());
        }
    }
    write(".aws/config", "[profile course\n");
    let line = ["run", "--yes", "--cloud", "aws", "--profile", "course"];
    let ended = flow.start_with(&line, &[]).wait().expect_status(2);
    assert!(
        ended.stderr.starts_with("error: the AWS profiles cannot be read: "),
        "{}",
        ended.words()
    );
    assert_eq!(fake.signed(), [], "nothing is signed");
    assert!(flow.list().is_empty(), "and there is no run");
}

/// The SDK would fail in the middle, in words of its own.
#[test]
fn a_profile_that_only_the_aws_cli_can_use_is_refused_with_the_way_round() {
    let keys = "[keys]\naws_access_key_id = A\naws_secret_access_key = x\n";
    let role = "role_arn = arn:aws:iam::123456789012:role/lab\n";
    let serial = "mfa_serial = arn:aws:iam::123456789012:mfa/me\n";
    let login = "login_session = arn:aws:iam::123456789012:user/me\n";
    let code = "a one-time code (mfa_serial)";
    let session = "a session of `aws login`";
    for (config, needs) in [
        (format!("[profile lab]\n{role}{serial}source_profile = keys\n"), Some(code)),
        (format!("[profile lab]\n{login}"), Some(session)),
        (format!("[profile lab]\n{role}source_profile = me\n[profile me]\n{login}"), Some(session)),
        // What stands there for other tools is no obstacle.
        (
            format!("[profile lab]\n{serial}aws_access_key_id = A\naws_secret_access_key = x\n"),
            None,
        ),
    ] {
        let (fake, flow) = (Fake::start(), Flow::new());
        let path = flow.state_dir().with_file_name(".aws");
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("config"), &config).unwrap();
        fs::write(path.join("credentials"), keys).unwrap();
        let endpoint = format!("http://0.0.0.0:{}", fake.port);
        let line = ["run", "--yes", "--endpoint-url", &endpoint, "--profile", "lab"];
        let ended = flow.start_with(&line, &[]).wait();
        let Some(needs) = needs else {
            ended.expect_status(3);
            assert_ne!(fake.signed(), [], "{config}");
            continue;
        };
        let ended = ended.expect_status(2);
        let error = format!("error: the AWS profile \"lab\" needs {needs}, which only the AWS CLI");
        assert!(ended.stderr.starts_with(&error), "{}", ended.words());
        let way = "eval \"$(aws configure export-credentials --profile lab --format env)\"";
        assert!(ended.stderr.contains(way), "{}", ended.words());
        assert_eq!(fake.signed(), [], "nothing is signed");
        // With keys in the variables the profile is not asked.
        let variables =
            [("AWS_PROFILE", "lab"), ("AWS_ACCESS_KEY_ID", "A"), ("AWS_SECRET_ACCESS_KEY", "x")];
        flow.start_with(&line[..4], &variables).wait().expect_status(3);
        assert_ne!(fake.signed(), [], "the variables sign");
    }
}

#[test]
fn a_run_of_one_account_is_not_gone_on_with_under_another() {
    let (fake, flow) = (Fake::start(), Flow::new());
    run(&fake, &flow, &CHAINS[0]).expect_status(3);
    let run = flow.only_run();
    let keys = (CHAINS[0].variables)(&flow.state_dir(), fake.port);
    let keys: Vec<(&str, &str)> =
        keys.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let resume = || flow.start_with(&["resume", &run], &keys).wait();
    let usual = resume();
    assert!(!usual.stderr.contains("belong to account"), "{}", usual.words());
    fake.become_account("999999999999");
    let refused = resume().expect_status(3);
    assert!(
        refused.stderr.contains(ACCOUNT) && refused.stderr.contains("999999999999"),
        "{}",
        refused.words()
    );
}
