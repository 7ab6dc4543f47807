//! The AWS configuration files: whether they have the profile that was named, and the web identity that they lead to.

use aws_config::profile::{self, Profile, ProfileSet};
use aws_types::os_shim_internal::{Env, Fs};

use super::fault::words_of;
use super::redact::hide_forms_in;
use super::settings::ConnectError;
use super::target::Target;

/// What the files and the variables say of the profile that counts.
#[derive(Debug, Default)]
pub(super) struct Profiles {
    /// The file of the web identity that the chain would read.
    pub(super) token_file: Option<String>,
}

impl Profiles {
    /// Reads the files. The chain passes over a profile that is not there, and takes other credentials or none:
    /// a name that was mistyped must not do that.
    ///
    /// # Errors
    /// [`ConnectError`] when a profile was named and cannot be had.
    pub(super) async fn read(target: &Target) -> Result<Self, ConnectError> {
        let named = target.profile.clone().or_else(|| variable("AWS_PROFILE"));
        let (fs, env, usual) = (Fs::real(), Env::real(), <_>::default());
        let files = profile::load(&fs, &env, &usual, named.clone().map(Into::into)).await;
        let found = match (&files, &named) {
            (Ok(files), Some(name)) => Some(find(files, name)?),
            (Ok(files), None) => files.get_profile(files.selected_profile()),
            (Err(error), Some(_)) => {
                let reason = hide_forms_in(&words_of(error));
                return Err(ConnectError::ProfilesUnreadable { reason });
            }
            // Nobody asked for them, and the credentials may come from elsewhere.
            (Err(_), None) => None,
        };
        let found_by_chain = target.profile.is_some() || variable("AWS_ACCESS_KEY_ID").is_none();
        if let (Ok(files), Some(profile), true) = (&files, found, found_by_chain) {
            refuse_what_needs_the_cli(files, profile)?;
        }
        let of_profile = found.and_then(|profile| profile.get("web_identity_token_file"));
        let token_file = of_profile.map(str::to_owned);
        Ok(Self { token_file: token_file.or_else(|| variable("AWS_WEB_IDENTITY_TOKEN_FILE")) })
    }
}

/// How many profiles may lead to one another.
const LINKS_MAX: usize = 8;

/// Refuses a profile that the SDK would fail with in words that help nobody, after it has sent something.
fn refuse_what_needs_the_cli(files: &ProfileSet, first: &Profile) -> Result<(), ConnectError> {
    let next = |profile: &&Profile| files.get_profile(profile.get("source_profile")?);
    for profile in std::iter::successors(Some(first), next).take(LINKS_MAX) {
        let has = |key| profile.get(key).is_some();
        let needs = if has("role_arn") && has("mfa_serial") {
            "a one-time code (mfa_serial)"
        } else if has("login_session") {
            "a session of `aws login`"
        } else {
            continue;
        };
        return Err(ConnectError::ProfileOfTheCli { profile: first.name().to_owned(), needs });
    }
    Ok(())
}

fn find<'a>(files: &'a ProfileSet, name: &str) -> Result<&'a Profile, ConnectError> {
    files.get_profile(name).ok_or_else(|| {
        let mut known: Vec<&str> = files.profiles().collect();
        known.sort_unstable();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        ConnectError::ProfileMissing { profile: name.to_owned(), files: names(), known }
    })
}

/// The two files, for people.
fn names() -> String {
    let or = |name, usual: &str| variable(name).unwrap_or_else(|| usual.to_owned());
    format!(
        "{} or {}",
        or("AWS_CONFIG_FILE", "~/.aws/config"),
        or("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")
    )
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
