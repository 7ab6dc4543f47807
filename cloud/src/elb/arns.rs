//! The ARNs of balancers and their kin, and which kind each names.

use crate::wire::params::Fields;
use crate::wire::refusal::Refusal;

/// The kinds of resource that have an ARN here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    TargetGroup,
    LoadBalancer,
    Listener,
    Rule,
}

impl Kind {
    /// Tells of what kind the resource is that an ARN names, if it is one of these.
    pub(super) fn of(arn: &str) -> Option<Self> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let ["arn", _, "elasticloadbalancing", _, _, resource] = parts.as_slice() else {
            return None;
        };
        match resource.split_once('/')? {
            ("targetgroup", _) => Some(Self::TargetGroup),
            ("loadbalancer", _) => Some(Self::LoadBalancer),
            ("listener", _) => Some(Self::Listener),
            ("listener-rule", _) => Some(Self::Rule),
            _ => None,
        }
    }

    /// Refuses what is no ARN of this kind: it is not the same as one of which nothing is there.
    pub(super) fn check(self, arn: &str) -> Result<&str, Refusal> {
        if Self::of(arn) == Some(self) {
            return Ok(arn);
        }
        let what = match self {
            Self::TargetGroup => "target group",
            Self::LoadBalancer => "load balancer",
            Self::Listener => "listener",
            Self::Rule => "rule",
        };
        Err(Refusal::new("ValidationError", format!("'{arn}' is not a valid {what} ARN")))
    }

    /// Reads the ARN that a call must name, as `LoadBalancerArn`.
    pub(super) fn required<'a>(self, input: &Fields<'a>) -> Result<&'a str, Refusal> {
        input.required(self.parameter()).and_then(|arn| self.check(arn))
    }

    /// Reads the ARN that a call may name.
    pub(super) fn optional<'a>(self, input: &Fields<'a>) -> Result<Option<&'a str>, Refusal> {
        input.text(self.parameter()).map(|arn| self.check(arn)).transpose()
    }

    /// Reads a list of ARNs, as `LoadBalancerArns`.
    pub(super) fn list<'a>(self, input: &Fields<'a>) -> Result<Vec<&'a str>, Refusal> {
        let arns = input.texts(&format!("{}s", self.parameter()));
        arns.into_iter().map(|arn| self.check(arn)).collect()
    }

    fn parameter(self) -> &'static str {
        match self {
            Self::TargetGroup => "TargetGroupArn",
            Self::LoadBalancer => "LoadBalancerArn",
            Self::Listener => "ListenerArn",
            Self::Rule => "RuleArn",
        }
    }
}
