//! What an unsuccessful call says, in words that do not depend on the SDK's types.

use std::error::Error;
use std::io;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;

use super::transport::TransportFault;
use super::whole::NotWhole;

/// Why a call did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// There are no credentials to sign with: nothing was sent.
    NoCredentials {
        /// Why the chain has none; never the credentials themselves.
        reason: String,
    },
    /// The request could not be built: nothing was sent.
    NotBuilt {
        /// What is wrong with it.
        reason: String,
    },
    /// No connection was made: nothing was sent.
    NotSent {
        /// Why not.
        reason: String,
    },
    /// The request left, and no response came.
    NoAnswer {
        /// What happened instead.
        reason: String,
    },
    /// A response came of which nothing can be believed.
    NotWhole {
        /// What is wrong with it.
        reason: String,
    },
    /// A response came.
    Answer(Refusal),
}

/// A response other than success, or one that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Refusal {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The code as it stood on the wire; not the SDK's name of it.
    pub(crate) code: Option<String>,
    /// The provider's message.
    pub(crate) message: String,
    /// The provider's id of the request.
    pub(crate) request_id: Option<String>,
    /// The provider's own word on when to try again.
    pub(crate) retry_after: Option<Duration>,
}

/// How the SDK's layers of credentials begin that leave the cause to the next one.
const NO_WORD: &str = "an error occurred while loading";

impl Fault {
    /// Reads the SDK's error.
    pub(crate) fn of<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        match error {
            SdkError::ConstructionFailure(_) => Self::NotBuilt { reason: reason_of(error) },
            SdkError::TimeoutError(_) => {
                Self::NoAnswer { reason: "no response came in time".to_owned() }
            }
            SdkError::DispatchFailure(_) => Self::of_dispatch(error),
            _ => Self::Answer(Refusal::of(error)),
        }
    }

    /// The same with every text that somebody else has written passed through `change`.
    pub(crate) fn map_texts(self, change: impl Fn(&str) -> String) -> Self {
        match self {
            Self::NoCredentials { reason } => Self::NoCredentials { reason: change(&reason) },
            Self::NotBuilt { reason } => Self::NotBuilt { reason: change(&reason) },
            Self::NotSent { reason } => Self::NotSent { reason: change(&reason) },
            Self::NoAnswer { reason } => Self::NoAnswer { reason: change(&reason) },
            Self::NotWhole { reason } => Self::NotWhole { reason: change(&reason) },
            Self::Answer(refusal) => Self::Answer(Refusal {
                code: refusal.code.as_deref().map(&change),
                message: change(&refusal.message),
                request_id: refusal.request_id.as_deref().map(&change),
                ..refusal
            }),
        }
    }

    fn of_dispatch(error: &(dyn Error + 'static)) -> Self {
        let reason = reason_of(error);
        let of_credentials = <dyn Error>::is::<CredentialsError>;
        if chain(error).any(of_credentials) {
            // The layers below name the profile or the file that is at fault; some say only that it is theirs.
            let says = |link: &&(dyn Error + 'static)| {
                !of_credentials(*link) && !link.to_string().starts_with(NO_WORD)
            };
            let mut below = chain(error).skip_while(|link| !of_credentials(*link)).filter(says);
            Self::NoCredentials { reason: below.next().map_or(reason, words_of) }
        } else if let Some(NotWhole(reason)) = chain(error).find_map(<dyn Error>::downcast_ref) {
            Self::NotWhole { reason: reason.clone() }
        } else if chain(error).any(never_connected) {
            Self::NotSent { reason }
        } else {
            Self::NoAnswer { reason }
        }
    }
}

impl Refusal {
    fn of<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let raw = error.raw_response();
        let header = |name: &str| raw.and_then(|raw| raw.headers().get(name));
        let service_error = error.as_service_error();
        let described = service_error.and_then(ProvideErrorMetadata::message).map(str::to_owned);
        let code = service_error.and_then(ProvideErrorMetadata::code).map(str::to_owned);
        // The SDK's own words for a refusal without any repeat its code and its request.
        let silent = || if code.is_some() { "without a word".to_owned() } else { reason_of(error) };
        let message = described.unwrap_or_else(silent);
        Self {
            status: raw.map_or(0, |raw| raw.status().as_u16()),
            code,
            message,
            request_id: error.request_id().map(str::to_owned),
            retry_after: header("x-amz-retry-after")
                .and_then(|text| text.parse().ok())
                .map(Duration::from_millis)
                .or_else(|| header("retry-after")?.parse().ok().map(Duration::from_secs)),
        }
    }
}

/// Whether this link of the chain proves that no connection was made.
fn never_connected(link: &(dyn Error + 'static)) -> bool {
    if let Some(fault) = link.downcast_ref::<TransportFault>() {
        return *fault == TransportFault::Refused;
    }
    if let Some(error) = link.downcast_ref::<io::Error>() {
        return matches!(
            error.kind(),
            io::ErrorKind::ConnectionRefused
                | io::ErrorKind::HostUnreachable
                | io::ErrorKind::NetworkUnreachable
                | io::ErrorKind::AddrNotAvailable
        );
    }
    // The HTTP client's own types are not public; its words for "while connecting" are these two.
    let text = link.to_string();
    text.starts_with("client error (Connect)") || text.starts_with("HTTP connect timeout")
}

/// The links of an error, the payload of an [`io::Error`] included.
pub(super) fn chain<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| match error.downcast_ref::<io::Error>() {
        Some(io) => io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
        None => error.source(),
    })
}

/// The innermost words of an error, which name the cause; the outer ones name layers of the client.
fn reason_of(error: &(dyn Error + 'static)) -> String {
    chain(error).last().map_or_else(String::new, ToString::to_string)
}

/// The words of an error from the outermost to the innermost, each once.
pub(super) fn words_of(error: &(dyn Error + 'static)) -> String {
    let mut words: Vec<String> = Vec::new();
    for link in chain(error).map(ToString::to_string) {
        if words.last().is_none_or(|before| !before.contains(&link)) {
            words.push(link);
        }
    }
    words.join(": ")
}
