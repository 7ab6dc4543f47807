//! Errors as the wire carries them: a status, a code and a sentence.

use std::borrow::Cow;

use super::dialect::Service;

/// Refuses a call. The code is the wire's, which is often not the SDK's name of the type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: Cow<'static, str>,
    pub(crate) message: String,
}

impl Refusal {
    /// Refuses with status 400, which most codes have.
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: 400, code: Cow::Borrowed(code), message: message.into() }
    }

    /// Gives the refusal another HTTP status.
    pub(crate) fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// The cloud itself failed: nothing is known of the effect.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new("InternalFailure", message).with_status(500)
    }

    /// A value that cannot be, in the words of the service.
    pub(crate) fn invalid(service: Service, name: &str, why: impl std::fmt::Display) -> Self {
        match service {
            Service::Ec2 => Self::new(
                "InvalidParameterValue",
                format!("Invalid value for parameter {name}: {why}"),
            ),
            Service::Elb | Service::AutoScaling | Service::Sts => {
                Self::new("ValidationError", format!("Invalid value for '{name}': {why}"))
            }
        }
    }

    /// A parameter that is needed and not there.
    pub(crate) fn missing(service: Service, name: &str) -> Self {
        match service {
            Service::Ec2 => Self::new(
                "MissingParameter",
                format!("The request must contain the parameter {name}"),
            ),
            Service::Elb | Service::AutoScaling | Service::Sts => Self::new(
                "ValidationError",
                format!(
                    "1 validation error detected: Value null at '{name}' failed to satisfy \
                     constraint: Member must not be null"
                ),
            ),
        }
    }

    /// A parameter that this cloud does not know: said loudly, since to ignore it would look like
    /// success.
    pub(crate) fn unknown_parameter(service: Service, name: &str) -> Self {
        match service {
            Service::Ec2 => {
                Self::new("UnknownParameter", format!("The parameter {name} is not recognized"))
            }
            Service::Elb | Service::AutoScaling | Service::Sts => Self::new(
                "ValidationError",
                format!("The parameter '{name}' is not supported by this endpoint"),
            ),
        }
    }

    /// A value or combination that AWS takes and this cloud does not model.
    pub(crate) fn not_modelled(service: Service, what: impl std::fmt::Display) -> Self {
        let message = format!("{what} is not modelled by this endpoint");
        match service {
            Service::Ec2 => Self::new("Unsupported", message),
            Service::Elb | Service::AutoScaling | Service::Sts => {
                Self::new("ValidationError", message)
            }
        }
    }
}
