//! The way to AWS: where it is, how a request gets there, and the one place that every call passes.

mod account;
mod answers;
mod aws;
mod batch;
mod call;
mod clock;
mod credentials;
mod endpoint;
mod fault;
mod profiles;
mod redact;
mod settings;
mod target;
mod transport;
mod whole;

pub(crate) use account::Identity;
pub use account::NO_CREDENTIALS;
pub use aws::Aws;
pub(crate) use aws::TAGGED_MAX;
pub use batch::LookupCounts;
pub(crate) use batch::{Names, together_or_each};
pub(crate) use call::Call;
pub use call::{CallObserver, CallReport, Service};
pub(crate) use fault::{Fault, Refusal};
pub use settings::ConnectError;
pub use target::{CloudKind, DEFAULT_REGION, Target};
pub use transport::{Answer, SendFunction, Transport, TransportFault};

#[cfg(test)]
mod tests;
