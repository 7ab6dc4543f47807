//! What the clients are told: where to send, who is asking, how long to wait.

use std::time::{Duration, SystemTime};

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::{
    EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider,
};
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::imds::region::ImdsRegionProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::TimeSource;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use tokio::time::Instant;

use super::credentials::{OrDummy, Watched, dummy, embedded};
use super::endpoint;
use super::profiles::Profiles;
use super::redact::Secrets;
use super::target::{CloudKind, DEFAULT_REGION, Target};
use super::transport::{Transport, client_of, network_client};

/// How long a connection may take to be accepted: far above any round trip on this planet.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How long one call may take in all. The slowest documented one, the creation of a balancer, takes 3 s at
/// its 95th percentile; a call that is cut off leaves a doubt, so the limit is generous.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(20);

/// Why no connection to a cloud can be set up. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The environment or the profile sends AWS calls elsewhere, and the target says AWS.
    #[error("{setting} sends AWS calls to another endpoint")]
    EndpointOverridden {
        /// The variable, or the place in the profile.
        setting: String,
    },
    /// An endpoint is not an address. What was given may hold a secret, and is not repeated.
    #[error("{setting} is not an http or https URL with a host")]
    InvalidEndpoint {
        /// Which one it is: the target's, a variable's or a profile's.
        setting: String,
    },
    /// An endpoint holds more than a place, and would be stored and shown with it.
    #[error("{setting} holds {part}, and an endpoint is stored and shown")]
    EndpointWithSecret {
        /// Which one it is: the target's, a variable's or a profile's.
        setting: String,
        /// What it holds besides.
        part: &'static str,
    },
    /// The kind of cloud needs an endpoint, and there is none.
    #[error("this cloud is reached over the network, and no endpoint URL is given")]
    EndpointMissing,
    /// A profile was named that is not there.
    #[error("there is no AWS profile {profile:?} in {files}, which have: {known}")]
    ProfileMissing {
        /// The name.
        profile: String,
        /// The files that were looked into.
        files: String,
        /// The profiles that they have.
        known: String,
    },
    /// A profile was named, and the files cannot be read.
    #[error("the AWS profiles cannot be read: {reason}")]
    ProfilesUnreadable {
        /// Why not, with the file.
        reason: String,
    },
    /// The profile needs what the AWS CLI does and the SDK does not.
    #[error("the AWS profile {profile:?} needs {needs}, which only the AWS CLI deals with")]
    ProfileOfTheCli {
        /// The name.
        profile: String,
        /// What it needs.
        needs: &'static str,
    },
}

/// The settings of all clients, and what must not be told of their calls. Sends nothing to the target.
///
/// # Errors
/// [`ConnectError`] when the target or the environment contradicts itself.
pub(super) async fn settings(
    target: &Target,
    transport: Transport,
) -> Result<(SdkConfig, Secrets), ConnectError> {
    check_endpoint(target, &transport)?;
    let secrets = Secrets::default();
    let config = match target.cloud {
        CloudKind::Local => local_config(target, &transport, &secrets),
        CloudKind::Aws => aws_chain_config(target, &secrets).await?,
        CloudKind::Endpoint => endpoint_config(target, &secrets).await?,
    };
    Ok((with_transport(config, target, transport), secrets))
}

fn check_endpoint(target: &Target, transport: &Transport) -> Result<(), ConnectError> {
    match (&target.endpoint_url, target.cloud, transport) {
        (Some(_), _, _) => target.check_endpoint(),
        (None, CloudKind::Local, Transport::Function(_)) | (None, CloudKind::Aws, _) => Ok(()),
        (None, CloudKind::Endpoint | CloudKind::Local, _) => Err(ConnectError::EndpointMissing),
    }
}

/// The embedded cloud: everything is said here, nothing is read from the machine.
fn local_config(target: &Target, transport: &Transport, secrets: &Secrets) -> SdkConfig {
    let credentials = match transport {
        Transport::Embedded { access_key_id } => embedded(access_key_id),
        Transport::Network | Transport::Function(_) => dummy(),
    };
    secrets.remember(&credentials);
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(region_of(target))
        .credentials_provider(SharedCredentialsProvider::new(credentials));
    // A name that resolves nowhere: an in-process cloud is called by a function.
    config.set_endpoint_url(Some(
        target.endpoint_url.clone().unwrap_or_else(|| "http://cloud.invalid".to_owned()),
    ));
    config.build()
}

/// AWS itself: the usual chain, unless it leads to another endpoint.
async fn aws_chain_config(target: &Target, secrets: &Secrets) -> Result<SdkConfig, ConnectError> {
    if target.endpoint_url.is_none() {
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        endpoint::refuse_variable(names)?;
    }
    endpoint::check_variables()?;
    let profiles = Profiles::read(target).await?;
    let config = chain(target).await.load().await;
    if target.endpoint_url.is_none() {
        endpoint::refuse_profile(&config)?;
    }
    endpoint::check_profile(&config)?;
    let Some(found) = config.credentials_provider() else { return Ok(config) };
    let found = SharedCredentialsProvider::new(Watched::new(found, profiles, secrets));
    Ok(config.into_builder().credentials_provider(found).build())
}

/// Any endpoint: the usual chain, but no question to a metadata service for an endpoint on this machine.
async fn endpoint_config(target: &Target, secrets: &Secrets) -> Result<SdkConfig, ConnectError> {
    endpoint::check_variables()?;
    let profiles = Profiles::read(target).await?;
    let config = chain(target).await.load().await;
    endpoint::check_profile(&config)?;
    let found = config.credentials_provider();
    let credentials = match found {
        Some(found) => {
            let found = SharedCredentialsProvider::new(Watched::new(found, profiles, secrets));
            SharedCredentialsProvider::new(OrDummy(found))
        }
        None => SharedCredentialsProvider::new(dummy()),
    };
    Ok(config.into_builder().credentials_provider(credentials).build())
}

async fn chain(target: &Target) -> aws_config::ConfigLoader {
    let region = match &target.region {
        Some(region) => Some(Region::new(region.clone())),
        None => usual_region(target).region().await,
    };
    let region = region.unwrap_or(Region::from_static(DEFAULT_REGION));
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .region(region.clone())
        .http_client(network_client(false));
    if let Some(profile) = &target.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(chain) = shorter_chain(target, region) {
        loader = loader.credentials_provider(chain);
    }
    if let Some(url) = &target.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    loader
}

/// The credentials of a target for which the usual chain asks too many.
///
/// A profile that was named by flag is meant, whatever stands in the variables: the SDK would take those first, and the
/// AWS CLI does not. For an endpoint on this machine no metadata service is asked.
fn shorter_chain(target: &Target, region: Region) -> Option<CredentialsProviderChain> {
    let stays_here = target.cloud == CloudKind::Endpoint && is_on_this_machine(target);
    if target.profile.is_none() && !stays_here {
        return None;
    }
    let settings = of_credentials().with_region(Some(region));
    let profile = ProfileFileCredentialsProvider::builder().configure(&settings);
    let chain = if let Some(name) = &target.profile {
        CredentialsProviderChain::first_try("Profile", profile.profile_name(name).build())
    } else {
        let environment = EnvironmentVariableCredentialsProvider::new();
        CredentialsProviderChain::first_try("Environment", environment)
            .or_else("Profile", profile.build())
    };
    if stays_here {
        return Some(chain);
    }
    // A profile may say only where, and leave to the machine who.
    let container = EcsCredentialsProvider::builder().configure(&settings).build();
    let instance = ImdsCredentialsProvider::builder().configure(&settings).build();
    Some(chain.or_else("EcsContainer", container).or_else("Ec2InstanceMetadata", instance))
}

/// The settings of those who ask for credentials, or for the region, before there is a client.
fn of_credentials() -> ProviderConfig {
    ProviderConfig::without_region().with_http_client(network_client(false))
}

/// The region of the environment, of the profile, or of the instance that this runs on.
fn usual_region(target: &Target) -> RegionProviderChain {
    let mut profile = ProfileFileRegionProvider::builder();
    if let Some(name) = &target.profile {
        profile = profile.profile_name(name);
    }
    let mut chain = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
        .or_else(profile.build());
    if !is_on_this_machine(target) {
        chain = chain.or_else(ImdsRegionProvider::builder().configure(&of_credentials()).build());
    }
    chain.or_else(Region::from_static(DEFAULT_REGION))
}

fn region_of(target: &Target) -> Region {
    target.region.clone().map_or(Region::from_static(DEFAULT_REGION), Region::new)
}

/// Whether the endpoint is on this machine: an emulator, for which no metadata service and no proxy is asked.
fn is_on_this_machine(target: &Target) -> bool {
    let url = target.endpoint_url.as_deref().unwrap_or_default();
    let Ok(uri) = url.parse::<http::Uri>() else { return false };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let loopback = host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    loopback || host == "localhost"
}

/// Sets what is the same for every kind of cloud: one attempt, explicit time-outs, the way out.
fn with_transport(config: SdkConfig, target: &Target, transport: Transport) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .build();
    let mut builder = config
        .into_builder()
        // The engine retries; a retry in here would repeat a doubtful change without looking.
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts)
        .sleep_impl(TokioSleep::new());
    builder = match transport {
        Transport::Function(send) => {
            builder.http_client(client_of(send)).time_source(TokioTime::new())
        }
        // A proxy of the environment is the way out of this machine, and there this cloud is not.
        Transport::Network | Transport::Embedded { .. } => {
            builder.http_client(network_client(is_on_this_machine(target)))
        }
    };
    builder.build()
}

/// Follows tokio's clock, so that with paused time the SDK's time-outs and its clock agree.
#[derive(Debug)]
struct TokioTime {
    base: SystemTime,
    start: Instant,
}

impl TokioTime {
    fn new() -> Self {
        Self { base: SystemTime::now(), start: Instant::now() }
    }
}

impl TimeSource for TokioTime {
    fn now(&self) -> SystemTime {
        self.base + self.start.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_counts_as_this_machine() {
        for url in ["http://127.0.0.1:1", "http://localhost:4566", "http://[::1]:80"] {
            assert!(is_on_this_machine(&Target::endpoint(url)), "{url}");
        }
        for url in ["https://vpce-1.ec2.us-east-1.vpce.amazonaws.com", "http://10.0.0.1"] {
            assert!(!is_on_this_machine(&Target::endpoint(url)), "{url}");
        }
    }
}
