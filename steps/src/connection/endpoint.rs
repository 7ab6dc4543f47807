//! Which addresses a cloud may have: they are stored with a run, named in locks, and shown.

use aws_types::SdkConfig;
use aws_types::service_config::ServiceConfigKey;

use super::settings::ConnectError;
use super::target::Target;

/// The services under the ids by which the SDK's configuration knows them; the last two hand out credentials.
const SERVICE_IDS: [&str; 6] =
    ["EC2", "Elastic Load Balancing v2", "Auto Scaling", "STS", "SSO", "SSO OIDC"];

/// How the variables begin that send calls elsewhere.
const VARIABLES: &str = "AWS_ENDPOINT_URL";

impl Target {
    /// Checks the endpoint, where there is one, without sending anything.
    ///
    /// # Errors
    /// [`ConnectError::EndpointWithSecret`] when it holds more than a place, and [`ConnectError::InvalidEndpoint`]
    /// when it is none. Neither repeats it.
    pub fn check_endpoint(&self) -> Result<(), ConnectError> {
        self.endpoint_url.as_deref().map_or(Ok(()), |url| check_url("the endpoint", url))
    }
}

fn check_url(setting: &str, url: &str) -> Result<(), ConnectError> {
    let part = if url.contains('@') || url.contains("%40") {
        Some("a user name or a password")
    } else if url.contains(['?', '#']) {
        Some("a query or a fragment")
    } else {
        None
    };
    let setting = setting.to_owned();
    if let Some(part) = part {
        return Err(ConnectError::EndpointWithSecret { setting, part });
    }
    let parsed = url.parse::<http::Uri>().ok();
    let usable = parsed.is_some_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.authority().is_some_and(is_place)
    });
    if usable { Ok(()) } else { Err(ConnectError::InvalidEndpoint { setting }) }
}

/// Whether it is a host, and a port where there is a colon: the rest of a password that has lost its host is none.
fn is_place(authority: &http::uri::Authority) -> bool {
    let port = authority.as_str().strip_prefix(authority.host());
    !authority.host().is_empty()
        && port.is_some_and(|port| port.is_empty() || authority.port_u16().is_some())
}

/// Checks the endpoints that the environment names beside that of the target: some calls for credentials go there.
pub(super) fn check_variables() -> Result<(), ConnectError> {
    let variables = std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok()?;
        name.starts_with(VARIABLES).then(|| (name, value.to_string_lossy().into_owned()))
    });
    check_settings(variables)
}

fn check_settings(
    mut settings: impl Iterator<Item = (String, String)>,
) -> Result<(), ConnectError> {
    settings.try_for_each(|(setting, url)| match url.as_str() {
        "" => Ok(()),
        url => check_url(&setting, url),
    })
}

/// The same for what a profile names.
pub(super) fn check_profile(config: &SdkConfig) -> Result<(), ConnectError> {
    check_settings(of_profile(config))
}

/// Refuses variables that lead away from AWS.
pub(super) fn refuse_variable(names: impl Iterator<Item = String>) -> Result<(), ConnectError> {
    let setting = names.filter(|name| name.starts_with(VARIABLES)).min();
    setting.map_or(Ok(()), |setting| Err(ConnectError::EndpointOverridden { setting }))
}

/// Refuses a profile that leads away from AWS.
pub(super) fn refuse_profile(config: &SdkConfig) -> Result<(), ConnectError> {
    let of_all = config.endpoint_url().map(|_| "endpoint_url of the AWS profile".to_owned());
    let setting = of_all.or_else(|| of_profile(config).next().map(|(setting, _)| setting));
    setting.map_or(Ok(()), |setting| Err(ConnectError::EndpointOverridden { setting }))
}

/// The endpoints of single services, by the words for each.
fn of_profile(config: &SdkConfig) -> impl Iterator<Item = (String, String)> {
    SERVICE_IDS.into_iter().filter_map(|id| {
        let key = ServiceConfigKey::builder()
            .service_id(id)
            .env(VARIABLES)
            .profile("endpoint_url")
            .build();
        let url = config.service_config()?.load_config(key.ok()?)?;
        Some((format!("endpoint_url ({id}) of the AWS profile"), url))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_variable_is_refused_by_name() {
        let names = ["PATH", "AWS_ENDPOINT_URL_EC2", "AWS_REGION"].map(str::to_owned);
        let refused = refuse_variable(names.into_iter());
        let setting = "AWS_ENDPOINT_URL_EC2".to_owned();
        assert_eq!(refused, Err(ConnectError::EndpointOverridden { setting }));
        let names = ["AWS_REGION", "AWS_PROFILE"].map(str::to_owned);
        assert_eq!(refuse_variable(names.into_iter()), Ok(()));
    }

    #[test]
    fn an_endpoint_must_be_a_url_with_a_host() {
        for url in ["http://127.0.0.1:5000", "https://ec2.example.com/base", "http://[::1]:80"] {
            assert_eq!(check_url("x", url), Ok(()), "{url}");
        }
        for url in ["127.0.0.1:5000", "localhost", "ftp://host", "http://", "", "http://me:word/"] {
            let refused = check_url("x", url);
            assert_eq!(refused, Err(ConnectError::InvalidEndpoint { setting: "x".to_owned() }));
        }
    }

    #[test]
    fn an_endpoint_with_more_than_a_place_is_refused_and_not_repeated() {
        for url in [
            "http://me:secret@127.0.0.1:5000",
            "http://secret@127.0.0.1:5000/",
            "https://me:secret%40host.example",
            "me:secret@host",
            "http://host/?token=secret",
            "http://host?secret",
            "http://host/#secret",
        ] {
            let refused = Target::endpoint(url).check_endpoint().unwrap_err();
            assert!(matches!(refused, ConnectError::EndpointWithSecret { .. }), "{refused:?}");
            assert!(!format!("{refused} {refused:?}").contains("secret"), "{refused:?}");
            let setting = ("AWS_ENDPOINT_URL_STS".to_owned(), url.to_owned());
            let of_variable = check_settings(std::iter::once(setting)).unwrap_err().to_string();
            assert!(of_variable.starts_with("AWS_ENDPOINT_URL_STS holds a "), "{of_variable}");
        }
    }
}
