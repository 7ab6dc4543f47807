//! The ways to credentials, as the documentation of the AWS tools lists them.

use std::path::Path;

/// One way: what stands in the environment and in the home of a user, and who they are then.
#[derive(Clone, Copy)]
pub(crate) struct Chain {
    pub(crate) name: &'static str,
    pub(crate) flags: &'static [&'static str],
    /// Variables, given the home and the port of the fake.
    pub(crate) variables: fn(&Path, u16) -> Vec<(&'static str, String)>,
    /// Files in the home.
    pub(crate) files: fn(&Path, u16) -> Vec<(&'static str, String)>,
    /// The access key that must sign.
    pub(crate) key: &'static str,
    /// The region that it must sign for.
    pub(crate) region: &'static str,
}

const CREDENTIALS: &str = ".aws/credentials";
const CONFIG: &str = ".aws/config";
const ROLE: &str = "arn:aws:iam::123456789012:role/lab";

const KEYS: &str = "aws_access_key_id = AKIAPROFILE\naws_secret_access_key = the-secret\n";

const KEYS_IN_VARIABLES: [(&str, &str); 2] =
    [("AWS_ACCESS_KEY_ID", "AKIAVARIABLE"), ("AWS_SECRET_ACCESS_KEY", "the-secret")];

/// The variables of keys, and another one.
fn keys_and(name: &'static str, value: String) -> Vec<(&'static str, String)> {
    let keys = KEYS_IN_VARIABLES.map(|(name, value)| (name, value.to_owned()));
    keys.into_iter().chain([(name, value)]).collect()
}

pub(crate) const CHAINS: [Chain; 12] = [
    Chain {
        name: "variables",
        flags: &[],
        variables: |_, _| {
            vec![
                ("AWS_ACCESS_KEY_ID", "AKIAVARIABLE".to_owned()),
                ("AWS_SECRET_ACCESS_KEY", "the-secret".to_owned()),
                ("AWS_SESSION_TOKEN", "the-token".to_owned()),
            ]
        },
        files: |_, _| Vec::new(),
        key: "AKIAVARIABLE",
        region: "us-east-1",
    },
    Chain {
        name: "the default profile, with a region",
        flags: &[],
        variables: |_, _| Vec::new(),
        files: |_, _| {
            vec![
                (CREDENTIALS, format!("[default]\n{KEYS}")),
                (CONFIG, "[default]\nregion = eu-west-1\n".to_owned()),
            ]
        },
        key: "AKIAPROFILE",
        region: "eu-west-1",
    },
    Chain {
        name: "a profile by flag, a region by flag",
        flags: &["--profile", "lab", "--region", "us-west-2"],
        variables: |_, _| Vec::new(),
        files: |_, _| {
            let other = "[default]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = x\n";
            vec![(CREDENTIALS, format!("{other}[lab]\n{KEYS}"))]
        },
        key: "AKIAPROFILE",
        region: "us-west-2",
    },
    Chain {
        name: "a profile by flag, beside keys in the variables",
        flags: &["--profile", "lab"],
        variables: |_, _| keys_and("AWS_SESSION_TOKEN", "the-token".to_owned()),
        files: |_, _| {
            let region = "[profile lab]\nregion = us-west-2\n".to_owned();
            vec![(CREDENTIALS, format!("[lab]\n{KEYS}")), (CONFIG, region)]
        },
        key: "AKIAPROFILE",
        region: "us-west-2",
    },
    Chain {
        name: "a profile by variable, beside keys in the variables",
        flags: &[],
        variables: |_, _| keys_and("AWS_PROFILE", "lab".to_owned()),
        files: |_, _| vec![(CREDENTIALS, format!("[lab]\n{KEYS}"))],
        key: "AKIAVARIABLE",
        region: "us-east-1",
    },
    Chain {
        name: "a profile by flag that has a region alone, in a container",
        flags: &["--profile", "lab"],
        variables: |_, port| {
            let uri = format!("http://127.0.0.1:{port}/container");
            keys_and("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri)
        },
        files: |_, _| vec![(CONFIG, "[profile lab]\nregion = us-west-2\n".to_owned())],
        key: "ASIACONTAINER",
        region: "us-west-2",
    },
    Chain {
        name: "a profile by variable that runs a process",
        flags: &[],
        variables: |_, _| vec![("AWS_PROFILE", "lab".to_owned())],
        files: |home, _| {
            let answer =
                r#"{"Version":1,"AccessKeyId":"AKIAPROCESS","SecretAccessKey":"the-secret"}"#;
            let file = home.join("answer.json");
            vec![
                (CONFIG, format!("[profile lab]\ncredential_process = cat {}\n", file.display())),
                ("answer.json", answer.to_owned()),
            ]
        },
        key: "AKIAPROCESS",
        region: "us-east-1",
    },
    Chain {
        name: "a role that a profile assumes",
        flags: &["--profile", "lab"],
        variables: |_, port| {
            vec![
                ("AWS_ENDPOINT_URL_STS", format!("http://127.0.0.1:{port}")),
                ("AWS_REGION", "us-east-1".to_owned()),
            ]
        },
        files: |_, _| {
            let role = format!("[profile lab]\nrole_arn = {ROLE}\nsource_profile = default\n");
            vec![(CREDENTIALS, format!("[default]\n{KEYS}")), (CONFIG, role)]
        },
        key: "ASIAASSUMED",
        region: "us-east-1",
    },
    Chain {
        name: "a web identity",
        flags: &[],
        variables: |home, port| {
            vec![
                ("AWS_ENDPOINT_URL_STS", format!("http://127.0.0.1:{port}")),
                ("AWS_REGION", "us-east-1".to_owned()),
                ("AWS_ROLE_ARN", ROLE.to_owned()),
                ("AWS_WEB_IDENTITY_TOKEN_FILE", home.join("identity").display().to_string()),
            ]
        },
        files: |_, _| vec![("identity", "the-token".to_owned())],
        key: "ASIAASSUMED",
        region: "us-east-1",
    },
    Chain {
        name: "single sign-on",
        flags: &["--profile", "lab"],
        variables: |_, port| vec![("AWS_ENDPOINT_URL_SSO", format!("http://127.0.0.1:{port}"))],
        files: |_, _| {
            let profile = "[profile lab]\nsso_session = course\nsso_account_id = 123456789012\n\
                           sso_role_name = student\n[sso-session course]\nsso_region = us-east-1\n\
                           sso_start_url = https://course.test/start\n";
            let token = r#"{"accessToken":"the-token","expiresAt":"2099-01-01T00:00:00Z","region":"us-east-1","startUrl":"https://course.test/start"}"#;
            vec![
                (CONFIG, profile.to_owned()),
                // Named by the SHA-1 of the session's name.
                (".aws/sso/cache/4809561b34384fc017da4d2efc93d79ca3d90e22.json", token.to_owned()),
            ]
        },
        key: "ASIASIGNEDON",
        region: "us-east-1",
    },
    Chain {
        name: "a container",
        flags: &[],
        variables: |_, port| {
            let uri = format!("http://127.0.0.1:{port}/container");
            vec![("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri)]
        },
        files: |_, _| Vec::new(),
        key: "ASIACONTAINER",
        region: "us-east-1",
    },
    Chain {
        name: "an instance, asked for its region as well",
        flags: &[],
        variables: |_, port| {
            vec![
                ("AWS_EC2_METADATA_DISABLED", "false".to_owned()),
                ("AWS_EC2_METADATA_SERVICE_ENDPOINT", format!("http://127.0.0.1:{port}")),
            ]
        },
        files: |_, _| Vec::new(),
        key: "ASIAINSTANCE",
        region: "ap-south-1",
    },
];
