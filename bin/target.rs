//! Which cloud a run is made on, and the way to it.

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use lab1_flow_cloud::GuestKind;
use lab1_flow_steps::{Aws, CloudKind, ConnectError, Target, Transport, shell_command};
use lab1_flow_workflow::{Pacer, Profile, SystemClock};

use crate::app::App;
use crate::error::{CliError, with_causes};
use crate::invocation::flag;
use crate::local_cloud::{GuestChoice, TIME_SCALE_USUAL, Wanted, start_cloud, time_scale};

/// Where the stack is built.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Target")]
pub(crate) struct TargetArgs {
    /// Use the embedded cloud, or AWS, where it costs money
    ///
    /// The default is the embedded cloud, or the endpoint of --endpoint-url or `AWS_ENDPOINT_URL`.
    #[arg(long, value_name = "CLOUD", conflicts_with = "endpoint_url")]
    cloud: Option<CloudChoice>,

    /// Use an AWS-compatible endpoint
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,

    /// Use this region; the default is that of the AWS tools, then us-east-1
    #[arg(long, value_name = "REGION")]
    region: Option<String>,

    /// Take credentials and settings from this profile of the AWS configuration
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,

    /// Run the embedded cloud's clock FACTOR times as fast as real time
    #[arg(long, value_name = "FACTOR", value_parser = time_scale)]
    time_scale: Option<f64>,

    /// What runs on the instances of the embedded cloud; the default is what ran there last time
    #[arg(long, value_name = "KIND")]
    guest: Option<GuestChoice>,

    /// How long a change may take to become visible on a custom endpoint (such as 5s or 2m)
    #[arg(long, value_name = "TIME", value_parser = duration, requires = "endpoint_url")]
    consistency_window: Option<Duration>,
}

/// The clouds that have a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CloudChoice {
    /// The embedded cloud on this machine
    Local,
    /// AWS itself
    Aws,
}

/// What the flags say about the target, before anything was looked at.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Choice {
    pub(crate) target: Target,
    wanted: Wanted,
    consistency_window: Option<Duration>,
}

/// A target that can be spoken to.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) aws: Aws,
    /// The target as it is stored: the region is pinned, the port of the embedded cloud is not.
    pub(crate) target: Target,
    /// The time behaviour of the target.
    pub(crate) profile: Profile,
}

impl TargetArgs {
    /// Whether any flag names a target or its pace.
    pub(crate) fn is_given(&self) -> bool {
        let texts = [&self.endpoint_url, &self.region, &self.profile];
        self.cloud.is_some()
            || texts.iter().any(|text| text.is_some())
            || self.time_scale.is_some()
            || self.consistency_window.is_some()
    }

    /// The same flags, for a command that is to be typed next.
    pub(crate) fn again(&self) -> Vec<OsString> {
        let cloud = self.cloud.and_then(|cloud| cloud.to_possible_value());
        let flags = [
            ("--cloud", cloud.map(|cloud| cloud.get_name().to_owned())),
            ("--endpoint-url", self.endpoint_url.clone()),
            ("--region", self.region.clone()),
            ("--profile", self.profile.clone()),
            ("--time-scale", self.time_scale.map(|scale| scale.to_string())),
            (
                "--consistency-window",
                self.consistency_window.map(|window| format!("{}ms", window.as_millis())),
            ),
        ];
        let given = flags.into_iter().filter_map(|(name, value)| Some(flag(name, &value?)));
        given.flatten().collect()
    }

    /// Reads the target from the flags and from `AWS_ENDPOINT_URL`.
    ///
    /// An explicit `--cloud local` reads no variable of AWS at all; an explicit `--cloud aws` refuses while one
    /// leads elsewhere (the connection does).
    pub(crate) fn choose(self) -> Result<Choice, CliError> {
        let variable = std::env::var("AWS_ENDPOINT_URL").ok().filter(|url| !url.is_empty());
        self.choose_with(variable)
    }

    fn choose_with(self, endpoint_variable: Option<String>) -> Result<Choice, CliError> {
        let endpoint = match self.cloud {
            None => self.endpoint_url.or(endpoint_variable),
            Some(_) => None,
        };
        let mut target = match (self.cloud, endpoint) {
            (_, Some(url)) => Target::endpoint(url),
            (Some(CloudChoice::Aws), None) => Target::aws(),
            (Some(CloudChoice::Local) | None, None) => Target::local(None),
        };
        // Before anything else says where it goes.
        target.check_endpoint().map_err(|error| refused(&error))?;
        if target.cloud == CloudKind::Local && self.profile.is_some() {
            return Err(CliError::usage("--profile is of no use on the embedded cloud")
                .stands("nothing was sent")
                .next("leave it out, or add --cloud aws"));
        }
        if target.cloud != CloudKind::Local && self.time_scale.is_some() {
            return Err(CliError::usage("--time-scale is of use on the embedded cloud alone")
                .stands("nothing was sent")
                .next("leave it out: on this target time passes as it does"));
        }
        if target.cloud != CloudKind::Local && self.guest.is_some() {
            return Err(CliError::usage("--guest is of use on the embedded cloud alone")
                .stands("nothing was sent")
                .next("leave it out: on this target the instances run what their user data says"));
        }
        target.region = self.region;
        target.profile = self.profile;
        let wanted =
            Wanted { time_scale: self.time_scale, guests: self.guest.map(GuestKind::from) };
        Ok(Choice { target, wanted, consistency_window: self.consistency_window })
    }
}

impl Choice {
    /// Sets up the way to the target. On AWS nothing is sent; the embedded cloud is started when it does not
    /// run.
    pub(crate) async fn connect(self, app: &App) -> Result<Connection, CliError> {
        if self.target.cloud == CloudKind::Local {
            return connect_local(app, self.target, self.wanted, None).await;
        }
        let mut profile = Profile::default();
        if let Some(window) = self.consistency_window {
            let window_ms = u64::try_from(window.as_millis()).unwrap_or(u64::MAX);
            profile.window_usual_ms = window_ms;
            profile.window_slow_ms = window_ms;
        }
        connect_remote(self.target, profile).await
    }
}

/// Finds the way to the target of a run that was started before.
pub(crate) async fn reconnect(
    app: &App,
    target: Target,
    profile: Profile,
) -> Result<Connection, CliError> {
    if target.cloud == CloudKind::Local {
        return connect_local(app, target, Wanted::default(), Some(profile)).await;
    }
    connect_remote(target, profile).await
}

async fn connect_remote(mut target: Target, profile: Profile) -> Result<Connection, CliError> {
    let aws = connect(&target, Transport::Network, &profile).await?;
    target.region = Some(aws.region().to_owned());
    Ok(Connection { aws, target, profile })
}

async fn connect(
    target: &Target,
    transport: Transport,
    profile: &Profile,
) -> Result<Aws, CliError> {
    let aws = Aws::connect(target, transport).await.map_err(|error| refused(&error))?;
    let clock = Arc::new(SystemClock::new());
    Ok(aws.with_pacer(Arc::new(Pacer::new(clock, profile.time_scale))))
}

fn refused(error: &ConnectError) -> CliError {
    CliError::usage(with_causes(error)).stands("nothing was sent").next(remedy(error))
}

/// What to do about a target that cannot be spoken to.
fn remedy(error: &ConnectError) -> String {
    let remedy = match error {
        ConnectError::ProfileOfTheCli { profile, .. } => {
            let aws = ["aws", "configure", "export-credentials", "--profile", profile];
            let export = shell_command(aws.into_iter().chain(["--format", "env"]));
            return format!("eval \"$({export})\", and give the command again without --profile");
        }
        ConnectError::EndpointOverridden { .. } => {
            "unset it, or name that endpoint with --endpoint-url"
        }
        ConnectError::InvalidEndpoint { .. } => {
            "name it whole, such as --endpoint-url http://127.0.0.1:5000"
        }
        ConnectError::EndpointWithSecret { .. } => {
            "name the place alone, such as --endpoint-url http://127.0.0.1:5000; credentials stand in the AWS_ variables or in \
             a profile"
        }
        ConnectError::ProfileMissing { .. } => "correct --profile or AWS_PROFILE",
        ConnectError::ProfilesUnreadable { .. } => "mend that file, or leave --profile out",
        _ => "name the endpoint with --endpoint-url",
    };
    remedy.to_owned()
}

async fn connect_local(
    app: &App,
    mut target: Target,
    wanted: Wanted,
    stored: Option<Profile>,
) -> Result<Connection, CliError> {
    let usual = stored.as_ref().map_or(TIME_SCALE_USUAL, |profile| profile.time_scale);
    let endpoint = start_cloud(app, usual, wanted)?.endpoint;
    let found = Target { endpoint_url: Some(endpoint.url()), ..target.clone() };
    let profile = stored.unwrap_or_else(|| Profile::scaled(endpoint.time_scale));
    let transport =
        Transport::Embedded { access_key_id: endpoint.access_key_id.as_str().to_owned() };
    let aws = connect(&found, transport, &profile).await?;
    target.region = Some(aws.region().to_owned());
    Ok(Connection { aws, target, profile })
}

/// The name of a target, for people.
pub(crate) fn words(target: &Target) -> String {
    let region = target.region.as_deref().unwrap_or("the usual region");
    match target.cloud {
        CloudKind::Local => format!("the embedded cloud (simulated), {region}"),
        CloudKind::Aws => format!("AWS, {region}"),
        CloudKind::Endpoint => {
            format!("{}, {region}", target.endpoint_url.as_deref().unwrap_or("an endpoint"))
        }
    }
}

/// Reads a span of time: a whole number with its unit. Without one, someone who means days would get seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let wrong = || "it must be a number with a unit: 500ms, 30s, 5m, 1h or 7d".to_owned();
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(wrong()),
    };
    number.checked_mul(millis).map(Duration::from_millis).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit_status::ExitStatus;

    fn args() -> TargetArgs {
        TargetArgs {
            cloud: None,
            endpoint_url: None,
            region: None,
            profile: None,
            time_scale: None,
            guest: None,
            consistency_window: None,
        }
    }

    #[test]
    fn without_a_word_the_target_is_the_embedded_cloud() {
        let choice = args().choose_with(None).unwrap();
        assert_eq!(choice.target, Target::local(None));
    }

    #[test]
    fn the_variable_counts_only_while_no_flag_names_a_cloud() {
        let variable = || Some("http://127.0.0.1:5000".to_owned());
        let by_variable = args().choose_with(variable()).unwrap().target;
        assert_eq!(by_variable, Target::endpoint("http://127.0.0.1:5000"));
        let local = TargetArgs { cloud: Some(CloudChoice::Local), ..args() };
        assert_eq!(local.choose_with(variable()).unwrap().target, Target::local(None));
        let flag = TargetArgs { endpoint_url: Some("http://127.0.0.1:1".to_owned()), ..args() };
        let by_flag = flag.choose_with(variable()).unwrap().target;
        assert_eq!(by_flag, Target::endpoint("http://127.0.0.1:1"));
    }

    #[test]
    fn flags_that_the_target_has_no_use_for_are_refused() {
        let profile = TargetArgs { profile: Some("lab".to_owned()), ..args() };
        assert_eq!(profile.choose_with(None).unwrap_err().status, ExitStatus::Usage);
        let scale = TargetArgs { cloud: Some(CloudChoice::Aws), time_scale: Some(2.0), ..args() };
        assert_eq!(scale.choose_with(None).unwrap_err().status, ExitStatus::Usage);
        let guest = Some(GuestChoice::Flask);
        let guest = TargetArgs { cloud: Some(CloudChoice::Aws), guest, ..args() };
        assert_eq!(guest.choose_with(None).unwrap_err().status, ExitStatus::Usage);
    }

    #[test]
    fn spans_of_time_have_units() {
        let cases = [("500ms", 500), ("30s", 30_000), ("5m", 300_000), ("2d", 172_800_000)];
        for (text, millis) in cases {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)));
        }
        for wrong in ["", "s", "30", "5w", "-1s", "1.5s", "99999999999999999999s"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
