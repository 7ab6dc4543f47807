//! The rows of the classification.

use std::time::Duration;

use lab1_flow_workflow::journal::FailureClass;

use crate::connection::{Call, Refusal, Service};

/// What a row says about the effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The same for every call.
    Always(FailureClass),
    /// Ambiguous when the call changes something, transient when it reads.
    Doubtful,
}

impl Verdict {
    pub(super) fn class(self, changes: bool) -> FailureClass {
        match self {
            Self::Always(class) => class,
            Self::Doubtful if changes => FailureClass::Ambiguous,
            Self::Doubtful => FailureClass::Transient,
        }
    }
}

/// One row: what it fits, and what that means.
#[derive(Debug)]
pub(super) struct Row {
    /// The services it holds for; none is all.
    pub(super) services: &'static [Service],
    /// The codes it fits, as on the wire; none is any.
    pub(super) codes: &'static [&'static str],
    /// Texts of which the message holds one, in any case; none is any.
    pub(super) texts: &'static [&'static str],
    pub(super) verdict: Verdict,
    pub(super) advice: Option<&'static str>,
    /// How long to wait at least, when the provider does not say.
    pub(super) retry_after: Option<Duration>,
}

impl Row {
    pub(super) fn fits(&self, call: &Call<'_>, refusal: &Refusal) -> bool {
        let code = refusal.code.as_deref().unwrap_or_default();
        let message = refusal.message.to_ascii_lowercase();
        (self.services.is_empty() || self.services.contains(&call.service))
            && (self.codes.is_empty() || self.codes.contains(&code))
            && (self.texts.is_empty() || self.texts.iter().any(|text| message.contains(text)))
    }

    const fn codes(codes: &'static [&'static str], verdict: Verdict) -> Self {
        Self { services: &[], codes, texts: &[], verdict, advice: None, retry_after: None }
    }

    const fn of(mut self, services: &'static [Service]) -> Self {
        self.services = services;
        self
    }

    const fn saying(mut self, texts: &'static [&'static str]) -> Self {
        self.texts = texts;
        self
    }

    const fn advice(mut self, advice: &'static str) -> Self {
        self.advice = Some(advice);
        self
    }

    const fn after(mut self, delay: Duration) -> Self {
        self.retry_after = Some(delay);
        self
    }
}

const TRANSIENT: Verdict = Verdict::Always(FailureClass::Transient);
const THROTTLED: Verdict = Verdict::Always(FailureClass::Throttled);
const CONTENDED: Verdict = Verdict::Always(FailureClass::Contended);
const PERMANENT: Verdict = Verdict::Always(FailureClass::Permanent);
const UNREACHABLE: Verdict = Verdict::Always(FailureClass::Unreachable);

const LOG_IN: &str = "renew the credentials: nothing is lost";
const EXPIRED: &str = "renew the credentials, or check this machine's clock: nothing is lost";
const NOT_KNOWN: &str = "renew the credentials (`lab1-flow cloud env` prints those of an embedded cloud), check this machine's clock, and that the account has enabled this region: nothing is lost";
const CLOCK: &str = "check this machine's clock and the secret key: nothing is lost";
const RIGHTS: &str = "the credentials lack this permission; grant it (`lab1-flow iam-policy` prints all that are needed)";
const QUOTA: &str = "an account limit is reached: raise the quota or remove what is not needed";

pub(super) const TABLE: &[Row] = &[
    // Too many requests. EC2 sends it as a 503, the others as a 400; all of them before any effect.
    Row::codes(
        &[
            "Throttling",
            "ThrottlingException",
            "ThrottledException",
            "RequestThrottled",
            "RequestThrottledException",
            "RequestLimitExceeded",
            "EC2ThrottledException",
            "TooManyRequestsException",
            "BandwidthLimitExceeded",
            "RateExceeded",
            "SlowDown",
        ],
        THROTTLED,
    ),
    // An earlier request on the same thing is not done; this one was not begun.
    Row::codes(&["PriorRequestNotComplete"], THROTTLED).of(&[Service::LoadBalancing]),
    Row::codes(&[], THROTTLED).saying(&["rate exceeded"]),
    // Credentials: the run is not to blame.
    Row::codes(
        &[
            "ExpiredToken",
            "ExpiredTokenException",
            "MissingAuthenticationToken",
            "IncompleteSignature",
            "InvalidAccessKeyId",
        ],
        UNREACHABLE,
    )
    .advice(LOG_IN),
    // EC2's word for a session that has ended, too.
    Row::codes(&["RequestExpired", "InvalidSecurity.RequestHasExpired"], UNREACHABLE)
        .advice(EXPIRED),
    Row::codes(&["SignatureDoesNotMatch"], UNREACHABLE).advice(CLOCK),
    // Also for a clock that is wrong, and in a region that the account has not opted into.
    Row::codes(
        &["InvalidClientTokenId", "UnrecognizedClientException", "AuthFailure"],
        UNREACHABLE,
    )
    .advice(NOT_KNOWN),
    // Rights.
    Row::codes(
        &["UnauthorizedOperation", "AccessDenied", "AccessDeniedException", "UnauthorizedAccess"],
        PERMANENT,
    )
    .advice(RIGHTS),
    Row::codes(&["ValidationError"], PERMANENT)
        .of(&[Service::AutoScaling])
        .saying(&["not authorized to use launch template", "not authorized to perform"])
        .advice(
            "grant ec2:RunInstances to these credentials: it is checked on whoever creates a group",
        ),
    Row::codes(&["OptInRequired", "PendingVerification", "Blocked"], PERMANENT).advice(
        "AWS has not opened this account for the service; the account's owner must ask AWS",
    ),
    // The name, the port or the priority is taken: by an earlier attempt, or by another.
    Row::codes(
        &[
            "InvalidGroup.Duplicate",
            "InvalidLaunchTemplateName.AlreadyExistsException",
            "InvalidPermission.Duplicate",
        ],
        CONTENDED,
    )
    .of(&[Service::Ec2]),
    Row::codes(
        &[
            "DuplicateLoadBalancerName",
            "DuplicateTargetGroupName",
            "DuplicateListener",
            "PriorityInUse",
        ],
        CONTENDED,
    )
    .of(&[Service::LoadBalancing]),
    Row::codes(&["AlreadyExists"], CONTENDED).of(&[Service::AutoScaling]),
    Row::codes(&["ValidationError"], CONTENDED)
        .of(&[Service::AutoScaling])
        .saying(&["pending delete"]),
    // What was made a moment ago may not be seen yet; the number of tries is bounded.
    Row::codes(
        &[
            "InvalidGroup.NotFound",
            "InvalidGroupId.NotFound",
            "InvalidSecurityGroupID.NotFound",
            "InvalidInstanceID.NotFound",
            "InvalidLaunchTemplateId.NotFound",
            "InvalidLaunchTemplateName.NotFoundException",
        ],
        TRANSIENT,
    )
    .of(&[Service::Ec2]),
    Row::codes(
        &[
            "TargetGroupNotFound",
            "LoadBalancerNotFound",
            "ListenerNotFound",
            "RuleNotFound",
            "InvalidSecurityGroup",
        ],
        TRANSIENT,
    )
    .of(&[Service::LoadBalancing]),
    Row::codes(&["ValidationError"], TRANSIENT).of(&[Service::AutoScaling]).saying(&[
        "valid fully-formed launch template",
        "target groups may not be valid",
        "not found",
    ]),
    // Something that is on its way out still holds on to it.
    Row::codes(&["DependencyViolation", "InvalidGroup.InUse"], TRANSIENT).of(&[Service::Ec2]),
    Row::codes(&["ConcurrentTagAccess"], TRANSIENT).of(&[Service::Ec2]),
    Row::codes(&["ResourceInUse"], TRANSIENT).of(&[Service::LoadBalancing, Service::AutoScaling]),
    Row::codes(&["ScalingActivityInProgress"], TRANSIENT).of(&[Service::AutoScaling]),
    // AWS needs some ten seconds to hand a new role around; the call may have gone through all the same.
    Row::codes(&["ServiceLinkedRoleFailure"], Verdict::Doubtful)
        .of(&[Service::AutoScaling])
        .after(Duration::from_secs(10)),
    // The provider's own trouble, under codes that do not always come with a 5xx.
    Row::codes(
        &[
            "InternalError",
            "InternalFailure",
            "ServiceUnavailable",
            "Unavailable",
            "RequestTimeout",
            "RequestTimeoutException",
        ],
        Verdict::Doubtful,
    ),
    // No room now, perhaps later.
    Row::codes(
        &[
            "InsufficientInstanceCapacity",
            "InsufficientAddressCapacity",
            "InsufficientFreeAddressesInSubnet",
        ],
        TRANSIENT,
    )
    .of(&[Service::Ec2]),
    // Limits of the account. `LimitExceeded` is a quota here; `LimitExceededException` throttles elsewhere.
    Row::codes(
        &[
            "SecurityGroupLimitExceeded",
            "RulesPerSecurityGroupLimitExceeded",
            "SecurityGroupsPerInterfaceLimitExceeded",
            "MaxTemplateLimitExceeded",
            "TagLimitExceeded",
            "NetworkInterfaceLimitExceeded",
            "InstanceLimitExceeded",
            "VcpuLimitExceeded",
        ],
        PERMANENT,
    )
    .of(&[Service::Ec2])
    .advice(QUOTA),
    Row::codes(
        &[
            "TooManyLoadBalancers",
            "TooManyTargetGroups",
            "TooManyListeners",
            "TooManyRules",
            "TooManyTargets",
            "TooManyTags",
            "TooManyActions",
            "TooManyUniqueTargetGroupsPerLoadBalancer",
            "TargetGroupAssociationLimit",
            "TooManyRegistrationsForTargetId",
        ],
        PERMANENT,
    )
    .of(&[Service::LoadBalancing])
    .advice(QUOTA),
    Row::codes(&["LimitExceeded"], PERMANENT).of(&[Service::AutoScaling]).advice(QUOTA),
    Row::codes(&["OperationNotPermitted"], PERMANENT)
        .of(&[Service::LoadBalancing])
        .saying(&["does not support creating load balancers"])
        .advice(
            "AWS has not opened this account for load balancers; the account's owner must ask AWS",
        ),
    Row::codes(&["OperationNotPermitted"], PERMANENT)
        .of(&[Service::LoadBalancing])
        .saying(&["deletion protection"])
        .advice("switch the balancer's deletion protection off, then ask again"),
    // The same token with another request: what was stored and what is sent differ.
    Row::codes(&["IdempotentParameterMismatch", "InvalidClientToken"], PERMANENT).advice(
        "the request differs from the one that the journal holds; this is a bug of lab1-flow",
    ),
    // A request that is wrong in itself, also for a read: asking again would not make it right.
    Row::codes(
        &[
            "InvalidParameterValue",
            "InvalidParameterCombination",
            "InvalidParameter",
            "MissingParameter",
            "UnknownParameter",
            "InvalidAction",
            "Unsupported",
            "UnsupportedOperation",
            "VPCIdNotSpecified",
            "DefaultVpcDoesNotExist",
            "InvalidVpcID.NotFound",
            "InvalidSubnetID.NotFound",
            "InvalidKeyPair.NotFound",
            "InvalidAMIID.NotFound",
            "InvalidAMIID.Malformed",
            "InvalidAMIID.Unavailable",
        ],
        PERMANENT,
    ),
    Row::codes(&["ValidationError"], PERMANENT),
];
