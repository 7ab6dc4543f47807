//! The permissions that a run and its rollback need: one table, from which the policy is written.
//!
//! What exists is changed only where it carries the mark of a run, and what is made must be given one. A test
//! holds each recorded call against the policy, and each action of the policy against the recorded calls.

use serde::Serialize;

use crate::ownership::RUN_ID_TAG;

/// What a policy is narrowed down to; what is not said stays open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyScope {
    /// The account, by its twelve digits.
    pub account: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// The only run whose resources may be made and changed.
    pub run: Option<String>,
}

/// A policy as IAM takes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct IamPolicy {
    version: &'static str,
    statement: Vec<IamStatement>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct IamStatement {
    sid: &'static str,
    effect: &'static str,
    action: Vec<String>,
    resource: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<serde_json::Value>,
}

/// One row of the table.
struct Row {
    sid: &'static str,
    service: &'static str,
    actions: &'static [&'static str],
    /// What stands behind the account in an ARN of the service; empty is every resource.
    resources: &'static [&'static str],
    condition: Condition,
}

enum Condition {
    Always,
    /// The request gives the mark of a run to what it makes.
    MarksWhatItMakes,
    /// The resource carries the mark of a run.
    TouchesWhatIsMarked,
    /// The tags come with one of these calls that make something.
    TagsWhatIsMadeBy(&'static [&'static str]),
    /// Instances are started from a launch template.
    StartsFromTemplate,
    /// The role belongs to one of these services.
    ForService(&'static [&'static str]),
}

use Condition::{
    Always, ForService, MarksWhatItMakes, StartsFromTemplate, TagsWhatIsMadeBy, TouchesWhatIsMarked,
};

/// Calls that only look have no resource of their own: AWS allows them for all or for none.
///
/// `DescribeAccountAttributes` and `DescribeAddresses` are never called from here: load balancing asks for them in
/// the caller's name when it makes a balancer.
const READS: [Row; 3] = [
    Row {
        sid: "LookAtEc2",
        service: "ec2",
        actions: &[
            "DescribeAccountAttributes",
            "DescribeAddresses",
            "DescribeImages",
            "DescribeInstanceTypeOfferings",
            "DescribeInstanceTypes",
            "DescribeInstances",
            "DescribeInternetGateways",
            "DescribeKeyPairs",
            "DescribeLaunchTemplateVersions",
            "DescribeLaunchTemplates",
            "DescribeNetworkInterfaces",
            "DescribeSecurityGroups",
            "DescribeSubnets",
            "DescribeVolumes",
            "DescribeVpcs",
        ],
        resources: &[],
        condition: Always,
    },
    Row {
        sid: "LookAtLoadBalancing",
        service: "elasticloadbalancing",
        actions: &[
            "DescribeAccountLimits",
            "DescribeListeners",
            "DescribeLoadBalancers",
            "DescribeRules",
            "DescribeTags",
            "DescribeTargetGroupAttributes",
            "DescribeTargetGroups",
            "DescribeTargetHealth",
        ],
        resources: &[],
        condition: Always,
    },
    Row {
        sid: "LookAtAutoScaling",
        service: "autoscaling",
        actions: &[
            "DescribeAccountLimits",
            "DescribeAutoScalingGroups",
            "DescribeScalingActivities",
        ],
        resources: &[],
        condition: Always,
    },
];

const EC2: [Row; 6] = [
    Row {
        sid: "MakeMarkedInEc2",
        service: "ec2",
        actions: &["CreateLaunchTemplate", "CreateSecurityGroup"],
        resources: &["launch-template/*", "security-group/*"],
        condition: MarksWhatItMakes,
    },
    // A security group is made in a network, and that network carries no mark.
    Row {
        sid: "MakeInNetwork",
        service: "ec2",
        actions: &["CreateSecurityGroup"],
        resources: &["vpc/*"],
        condition: Always,
    },
    Row {
        sid: "TagWhatIsMadeInEc2",
        service: "ec2",
        actions: &["CreateTags"],
        resources: &["*/*"],
        condition: TagsWhatIsMadeBy(&[
            "CreateLaunchTemplate",
            "CreateSecurityGroup",
            "RunInstances",
        ]),
    },
    Row {
        sid: "ChangeMarkedInEc2",
        service: "ec2",
        actions: &[
            "AuthorizeSecurityGroupIngress",
            "DeleteLaunchTemplate",
            "DeleteSecurityGroup",
            "TerminateInstances",
        ],
        resources: &["instance/*", "launch-template/*", "security-group/*"],
        condition: TouchesWhatIsMarked,
    },
    // Who makes a group from a launch template is asked whether they might start the instances.
    Row {
        sid: "StartFromMarkedTemplate",
        service: "ec2",
        actions: &["RunInstances"],
        resources: &["launch-template/*"],
        condition: TouchesWhatIsMarked,
    },
    Row {
        sid: "StartWhatTheTemplateNames",
        service: "ec2",
        actions: &["RunInstances"],
        resources: &[
            ":image/*",
            "instance/*",
            "key-pair/*",
            "network-interface/*",
            "security-group/*",
            "subnet/*",
            "volume/*",
        ],
        condition: StartsFromTemplate,
    },
];

const OTHERS: [Row; 7] = [
    Row {
        sid: "MakeMarkedInLoadBalancing",
        service: "elasticloadbalancing",
        actions: &["CreateListener", "CreateLoadBalancer", "CreateRule", "CreateTargetGroup"],
        resources: &["listener/app/*", "loadbalancer/app/*", "targetgroup/*"],
        condition: MarksWhatItMakes,
    },
    Row {
        sid: "TagWhatIsMadeInLoadBalancing",
        service: "elasticloadbalancing",
        actions: &["AddTags"],
        resources: &[
            "listener-rule/app/*",
            "listener/app/*",
            "loadbalancer/app/*",
            "targetgroup/*",
        ],
        condition: TagsWhatIsMadeBy(&[
            "CreateListener",
            "CreateLoadBalancer",
            "CreateRule",
            "CreateTargetGroup",
        ]),
    },
    Row {
        sid: "ChangeMarkedInLoadBalancing",
        service: "elasticloadbalancing",
        actions: &["DeleteLoadBalancer", "DeleteTargetGroup", "ModifyTargetGroupAttributes"],
        resources: &["loadbalancer/app/*", "targetgroup/*"],
        condition: TouchesWhatIsMarked,
    },
    Row {
        sid: "MakeMarkedGroups",
        service: "autoscaling",
        actions: &["CreateAutoScalingGroup", "CreateOrUpdateTags"],
        resources: &["autoScalingGroup:*"],
        condition: MarksWhatItMakes,
    },
    Row {
        sid: "ChangeMarkedGroups",
        service: "autoscaling",
        actions: &["DeleteAutoScalingGroup"],
        resources: &["autoScalingGroup:*"],
        condition: TouchesWhatIsMarked,
    },
    // Each service makes its role at the first use in an account.
    Row {
        sid: "MakeRoleOfLoadBalancing",
        service: "iam",
        actions: &["CreateServiceLinkedRole"],
        resources: &["role/aws-service-role/elasticloadbalancing.amazonaws.com/*"],
        condition: ForService(&["elasticloadbalancing.amazonaws.com"]),
    },
    Row {
        sid: "MakeRoleOfAutoScaling",
        service: "iam",
        actions: &["CreateServiceLinkedRole"],
        resources: &["role/aws-service-role/autoscaling.amazonaws.com/*"],
        condition: ForService(&["autoscaling.amazonaws.com"]),
    },
];

/// Writes the policy that a run and its rollback need, and nothing beyond it.
pub fn iam_policy(scope: &PolicyScope) -> IamPolicy {
    let rows = READS.iter().chain(&EC2).chain(&OTHERS);
    IamPolicy { version: "2012-10-17", statement: rows.map(|row| row.statement(scope)).collect() }
}

impl Row {
    fn statement(&self, scope: &PolicyScope) -> IamStatement {
        let all = || vec!["*".to_owned()];
        let arns = || self.resources.iter().map(|resource| arn(self.service, resource, scope));
        IamStatement {
            sid: self.sid,
            effect: "Allow",
            action: self.actions.iter().map(|it| format!("{}:{it}", self.service)).collect(),
            resource: if self.resources.is_empty() { all() } else { arns().collect() },
            condition: self.condition.written(self.service, scope),
        }
    }
}

impl Condition {
    fn written(&self, service: &str, scope: &PolicyScope) -> Option<serde_json::Value> {
        use serde_json::json;
        // One run is named; any run at all is at least one character.
        let marked = |of: &str| {
            let key = format!("aws:{of}/{RUN_ID_TAG}");
            match &scope.run {
                Some(run) => json!({ "StringEquals": { key: run } }),
                None => json!({ "StringLike": { key: "?*" } }),
            }
        };
        Some(match self {
            Always => return None,
            MarksWhatItMakes => marked("RequestTag"),
            TouchesWhatIsMarked => marked("ResourceTag"),
            TagsWhatIsMadeBy(calls) => {
                json!({ "StringEquals": { format!("{service}:CreateAction"): calls } })
            }
            StartsFromTemplate => {
                json!({ "ArnLike": { "ec2:LaunchTemplate": arn("ec2", "launch-template/*", scope) } })
            }
            ForService(names) => json!({ "StringEquals": { "iam:AWSServiceName": names } }),
        })
    }
}

/// Writes an ARN; a resource with a colon in front belongs to no account that is ours to name.
fn arn(service: &str, resource: &str, scope: &PolicyScope) -> String {
    let open = |value: &Option<String>| value.clone().unwrap_or_else(|| "*".to_owned());
    let region = if service == "iam" { String::new() } else { open(&scope.region) };
    let partition = partition(scope.region.as_deref().unwrap_or_default());
    match resource.strip_prefix(':') {
        Some(resource) => format!("arn:{partition}:{service}:{region}::{resource}"),
        None => format!("arn:{partition}:{service}:{region}:{}:{resource}", open(&scope.account)),
    }
}

/// The partitions of AWS other than the usual one, by how the names of their regions begin.
const PARTITIONS: [(&str, &str); 7] = [
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("eusc-", "aws-eusc"),
    ("us-iso-", "aws-iso"),
    ("us-isob-", "aws-iso-b"),
    ("eu-isoe-", "aws-iso-e"),
    ("us-isof-", "aws-iso-f"),
];

fn partition(region: &str) -> &'static str {
    let found = PARTITIONS.iter().find(|(beginning, _)| region.starts_with(beginning));
    found.map_or("aws", |(_, partition)| partition)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What IAM takes for a managed policy, white space not counted.
    const CHARACTERS_MAX: usize = 6_144;

    #[test]
    fn the_policy_fits_into_one_managed_policy() {
        let scope = PolicyScope {
            account: Some("123456789012".to_owned()),
            region: Some("ap-southeast-1".to_owned()),
            run: Some("abcdefghjkmn".to_owned()),
        };
        for scope in [PolicyScope::default(), scope] {
            let text = serde_json::to_string(&iam_policy(&scope)).unwrap();
            assert!(text.len() <= CHARACTERS_MAX, "{} characters", text.len());
        }
    }

    #[test]
    fn statements_have_names_of_their_own() {
        let rows: Vec<_> = READS.iter().chain(&EC2).chain(&OTHERS).map(|row| row.sid).collect();
        let distinct: std::collections::BTreeSet<_> = rows.iter().collect();
        assert_eq!(distinct.len(), rows.len());
        // IAM takes letters and digits.
        assert!(rows.iter().all(|sid| sid.bytes().all(|byte| byte.is_ascii_alphanumeric())));
    }

    #[test]
    fn a_scope_narrows_every_place_where_it_counts() {
        let scope = PolicyScope {
            account: Some("123456789012".to_owned()),
            region: Some("us-west-2".to_owned()),
            run: Some("k7f3m9".to_owned()),
        };
        let text = serde_json::to_string(&iam_policy(&scope)).unwrap();
        assert!(!text.contains("?*") && !text.contains(":*:"), "{text}");
        assert!(text.contains("arn:aws:ec2:us-west-2::image/*"), "{text}");
        assert!(text.contains("arn:aws:iam::123456789012:role/"), "{text}");
    }

    #[test]
    fn every_arn_is_of_the_partition_that_the_region_belongs_to() {
        for (region, partition) in [
            ("eu-west-1", "aws"),
            ("us-gov-west-1", "aws-us-gov"),
            ("cn-north-1", "aws-cn"),
            ("eusc-de-east-1", "aws-eusc"),
        ] {
            let scope = PolicyScope { region: Some(region.to_owned()), ..PolicyScope::default() };
            let text = serde_json::to_string(&iam_policy(&scope)).unwrap();
            let of_partition = text.matches(&format!("\"arn:{partition}:")).count();
            assert!(of_partition > 20, "{region}: {text}");
            assert_eq!(of_partition, text.matches("\"arn:").count(), "{region}: {text}");
        }
    }
}
