//! The plan of faults, as data.

use serde::{Deserialize, Serialize};

use super::call::{CallName, service_named};

/// Lists the faults that calls shall meet; reads from TOML or JSON.
///
/// ```toml
/// seed = 7
///
/// [[rules]]
/// service = "ec2"
/// action = "CreateSecurityGroup"
/// from_call = 2
/// count = 1
/// fault = "reply-lost"
///
/// [[rules]]
/// action = "Describe*"
/// probability = 0.1
/// fault = { delay-before-ms = 1500 }
/// ```
///
/// The first rule that fires wins. An unknown key is an error, so that a misspelt rule does not
/// look like a rehearsal that was passed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FaultPlan {
    /// Seeds the draws of rules with a probability.
    pub seed: u64,
    /// The rules, in the order in which they are asked.
    pub rules: Vec<FaultRule>,
}

/// Says which calls meet a fault, and how often.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// The service by its signing name (`ec2`, `elasticloadbalancing`, `autoscaling`, `sts`);
    /// absent means any.
    #[serde(default)]
    pub service: Option<String>,
    /// The action, or with a `*` at the end how it begins; absent means any.
    #[serde(default)]
    pub action: Option<String>,
    /// The first matching call, counted from 1, that may meet the fault.
    #[serde(default = "first_call")]
    pub from_call: u64,
    /// How many calls meet the fault before the rule rests; absent means no limit.
    #[serde(default)]
    pub count: Option<u64>,
    /// The share of the calls, from 0 to 1, that meet the fault.
    #[serde(default = "certain")]
    pub probability: f64,
    /// What happens to them.
    pub fault: Fault,
}

/// What happens to a call.
///
/// *Before* and *after* speak of the call's effect. After is the one that finds orphans: the change
/// is made, and the caller does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// Refuses as the service throttles: 503 `RequestLimitExceeded` from EC2, else 400 `Throttling`.
    Throttle,
    /// Refuses with the other spelling that services use: 400 `ThrottlingException`.
    ThrottlingException,
    /// Refuses as for credentials that have expired.
    ExpiredCredentials,
    /// Refuses for want of a permission (403).
    AccessDenied,
    /// Refuses because another change goes on: 429 `PriorRequestNotComplete` from Elastic Load Balancing,
    /// 500 `ResourceContention` from Auto Scaling, 400 `ConcurrentTagAccess` from the others.
    Contention,
    /// Answers with this 5xx status, and nothing was done.
    ErrorBefore(u16),
    /// Answers with this 5xx status, although the change was made.
    ErrorAfter(u16),
    /// Makes the change and drops the connection before the answer.
    ReplyLost,
    /// Waits this many milliseconds, then makes the call.
    DelayBeforeMs(u64),
    /// Makes the call, and holds its answer back for this many milliseconds.
    DelayAfterMs(u64),
    /// Refuses the connection: nothing was sent.
    ///
    /// A socket that is already open can only be closed, so there the caller is left in doubt.
    Refused,
}

/// Says what is wrong with a plan.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FaultPlanError {
    /// There is no such service.
    #[error(
        "rule {rule} names the service {service:?}, which is none of ec2, elasticloadbalancing, \
         autoscaling, sts"
    )]
    Service {
        /// The rule's number, from 1.
        rule: usize,
        /// The value that stands in the plan.
        service: String,
    },
    /// A probability is not between 0 and 1.
    #[error("rule {rule} has the probability {probability}, which is not between 0 and 1")]
    Probability {
        /// The rule's number, from 1.
        rule: usize,
        /// The value that stands in the plan.
        probability: f64,
    },
    /// A status is not a server error.
    #[error("rule {rule} answers with the status {status}, which is not between 500 and 599")]
    Status {
        /// The rule's number, from 1.
        rule: usize,
        /// The value that stands in the plan.
        status: u16,
    },
    /// Calls are counted from 1.
    #[error("rule {rule} begins at call 0; the first call is call 1")]
    FromCall {
        /// The rule's number, from 1.
        rule: usize,
    },
}

impl FaultPlan {
    /// Checks what the types cannot say.
    pub fn check(&self) -> Result<(), FaultPlanError> {
        self.rules.iter().zip(1..).try_for_each(|(rule, number)| rule.check(number))
    }
}

impl FaultRule {
    /// Makes a rule under which every call meets `fault`; narrow it with struct update syntax.
    pub fn new(fault: Fault) -> Self {
        Self {
            service: None,
            action: None,
            from_call: first_call(),
            count: None,
            probability: certain(),
            fault,
        }
    }

    /// Tells whether the rule speaks of this call.
    pub(super) fn matches(&self, call: &CallName) -> bool {
        let service_fits = self.service.as_deref().is_none_or(|name| name == call.service());
        let action_fits = self.action.as_deref().is_none_or(|pattern| {
            pattern
                .strip_suffix('*')
                .map_or(call.action() == pattern, |s| call.action().starts_with(s))
        });
        service_fits && action_fits
    }

    fn check(&self, rule: usize) -> Result<(), FaultPlanError> {
        if let Some(service) = self.service.as_ref().filter(|name| service_named(name).is_none()) {
            return Err(FaultPlanError::Service { rule, service: service.clone() });
        }
        if !(0.0..=1.0).contains(&self.probability) {
            return Err(FaultPlanError::Probability { rule, probability: self.probability });
        }
        if self.from_call == 0 {
            return Err(FaultPlanError::FromCall { rule });
        }
        match self.fault {
            Fault::ErrorBefore(status) | Fault::ErrorAfter(status)
                if !(500..=599).contains(&status) =>
            {
                Err(FaultPlanError::Status { rule, status })
            }
            _ => Ok(()),
        }
    }
}

fn first_call() -> u64 {
    1
}

fn certain() -> f64 {
    1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_reads_from_data_with_a_default_for_everything_but_the_fault() {
        let plan: FaultPlan = serde_json::from_str(
            r#"{ "rules": [
                { "fault": "throttle" },
                { "service": "ec2", "action": "Create*", "from_call": 3, "count": 1,
                  "probability": 0.5, "fault": { "delay-before-ms": 1500 } },
                { "fault": { "error-after": 503 } }
            ] }"#,
        )
        .unwrap();
        assert_eq!(plan.rules[0], FaultRule::new(Fault::Throttle));
        assert_eq!(plan.rules[1].fault, Fault::DelayBeforeMs(1500));
        assert_eq!(plan.rules[2].fault, Fault::ErrorAfter(503));
        assert_eq!(plan.check(), Ok(()));
    }

    #[test]
    fn a_misspelt_key_or_fault_is_refused() {
        for wrong in [
            r#"{ "rule": [] }"#,
            r#"{ "rules": [{ "fault": "throttle", "propability": 1 }] }"#,
            r#"{ "rules": [{ "fault": "throttled" }] }"#,
            r#"{ "rules": [{ "service": "ec2" }] }"#,
        ] {
            assert!(serde_json::from_str::<FaultPlan>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_plan_that_cannot_be_meant_is_refused_with_the_number_of_its_rule() {
        let good = FaultRule::new(Fault::Throttle);
        let wrong = [
            FaultRule { service: Some("elb".to_owned()), ..good.clone() },
            FaultRule { probability: 1.5, ..good.clone() },
            FaultRule { probability: f64::NAN, ..good.clone() },
            FaultRule { from_call: 0, ..good.clone() },
            FaultRule::new(Fault::ErrorBefore(400)),
            FaultRule::new(Fault::ErrorAfter(600)),
        ];
        for rule in wrong {
            let plan = FaultPlan { seed: 0, rules: vec![good.clone(), rule] };
            let message = plan.check().unwrap_err().to_string();
            assert!(message.starts_with("rule 2 "), "{message}");
        }
    }

    #[test]
    fn a_rule_matches_by_service_and_by_whole_action_or_by_its_beginning() {
        let call = CallName::new("ec2", "CreateTags");
        let rule = |service: Option<&str>, action: &str| FaultRule {
            service: service.map(str::to_owned),
            action: Some(action.to_owned()),
            ..FaultRule::new(Fault::Throttle)
        };
        assert!(rule(None, "CreateTags").matches(&call));
        assert!(rule(Some("ec2"), "Create*").matches(&call));
        assert!(rule(None, "*").matches(&call));
        assert!(!rule(None, "Create").matches(&call));
        assert!(!rule(None, "DescribeTags").matches(&call));
        assert!(!rule(Some("autoscaling"), "CreateTags").matches(&call));
    }
}
