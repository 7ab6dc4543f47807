//! What is deployed: every value of the documented stack, with the documented default.
//!
//! The specification is what people write. It is checked as a whole before anything is created
//! ([`StackSpec::validate`]) and then cut into steps, which are what is stored.

mod defaults;
mod groups;
mod name;
mod rules;
mod schema;
mod validate;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use groups::GroupSpec;
pub use name::{InvalidStackName, StackName};
pub(crate) use rules::USER_DATA_BYTES_MAX;
pub use schema::schema;
pub use validate::Problem;

/// The stack: the defaults alone are the documented one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StackSpec {
    /// Keeps stacks of one account apart: a name other than `default` stands before every other name.
    pub stack: StackName,
    /// What the last step waits for.
    pub wait: WaitMode,
    /// Where the stack lives.
    pub network: NetworkSpec,
    /// What all instances have in common.
    pub instances: InstancesSpec,
    /// How targets are reached and judged, the same for both target groups.
    pub targets: TargetsSpec,
    /// The load balancer and its listener.
    pub load_balancer: LoadBalancerSpec,
    /// How the groups look after their instances.
    pub scaling: ScalingSpec,
    /// The two groups of instances, each behind its own path. In a file the n-th entry changes the n-th
    /// group, and what it does not say keeps its default.
    #[serde(deserialize_with = "groups::over_defaults")]
    #[schemars(schema_with = "groups::schema")]
    pub groups: [GroupSpec; 2],
}

/// What the last step waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WaitMode {
    /// Every instance has answered over HTTP through the balancer.
    #[default]
    Http,
    /// Every target is healthy.
    Targets,
}

/// Where the stack lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkSpec {
    /// The zones of the first and the second group; the balancer stands in both.
    pub zones: [String; 2],
    /// The VPC; the default one of the account when not given.
    #[schemars(with = "String", example = "vpc-0a1b2c3d4e5f60718")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_id: Option<String>,
    /// The subnets, one in each zone in their order; the default ones of the zones when not given.
    #[schemars(with = "[String; 2]", example = ["subnet-0a1b2c3d4e5f60718", "subnet-0a1b2c3d4e5f60719"])]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet_ids: Option<[String; 2]>,
}

/// What all instances have in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct InstancesSpec {
    /// The image to boot.
    pub image_id: String,
    /// The key pair to log in with; empty for none.
    pub key_name: String,
    /// The name of the instances' security group.
    pub security_group_name: String,
    /// Whether port 22 is open as well.
    pub ssh: bool,
    /// The TCP ports that are open.
    #[schemars(inner(range(min = 1)))]
    pub open_ports: Vec<u16>,
    /// Who may connect, as an IPv4 range.
    pub open_to: String,
    /// How many instances may run in the account at once, where something outside of AWS's quotas says so:
    /// a learner lab allows nine. The preflight then refuses a stack that has no room.
    #[schemars(with = "u32", example = 9)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_max: Option<u32>,
}

/// How targets are reached and judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TargetsSpec {
    /// The port of the application on every instance.
    #[schemars(range(min = 1))]
    pub port: u16,
    /// How long a target that is taken out may finish its requests, in seconds.
    #[schemars(range(max = 3600))]
    pub deregistration_delay_s: u32,
    /// When a target counts as healthy.
    pub health_check: HealthCheckSpec,
}

/// When a target counts as healthy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HealthCheckSpec {
    /// The path that is asked for.
    pub path: String,
    /// Seconds between two checks of one target.
    #[schemars(range(min = 5, max = 300))]
    pub interval_s: u32,
    /// Seconds until a check without an answer has failed.
    #[schemars(range(min = 2, max = 120))]
    pub timeout_s: u32,
    /// Good checks in a row after which an unhealthy target is healthy.
    #[schemars(range(min = 2, max = 10))]
    pub healthy_threshold: u32,
    /// Bad checks in a row after which a healthy target is unhealthy.
    #[schemars(range(min = 2, max = 10))]
    pub unhealthy_threshold: u32,
    /// The HTTP statuses that count as good: `200`, `200,204` or `200-299`.
    pub success_codes: String,
}

/// The load balancer and its listener.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LoadBalancerSpec {
    /// The balancer's name.
    pub name: String,
    /// The name of its security group. It is created first and alone: it claims the names of the run.
    pub security_group_name: String,
    /// Who may connect, as an IPv4 range.
    pub open_to: String,
    /// The port that the listener listens on.
    #[schemars(range(min = 1))]
    pub port: u16,
}

/// How the groups look after their instances.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ScalingSpec {
    /// Whose judgement replaces an instance.
    pub health_check: HealthCheckKind,
    /// Seconds after its start during which an instance is not replaced; used with `elb` only.
    #[schemars(range(max = 86_400))]
    pub grace_s: u32,
    /// How far replacing instances may go below the desired number, in per cent of it that stays.
    #[schemars(range(max = 100))]
    pub healthy_percentage_min: u32,
    /// How far replacing instances may go above the desired number, in per cent of it; 100 lets a group
    /// terminate first, so that an account with room for the stack alone has room for replacements.
    #[schemars(range(min = 100, max = 200))]
    pub healthy_percentage_max: u32,
}

/// Whose judgement replaces an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HealthCheckKind {
    /// EC2's: an instance that does not run is replaced.
    Ec2,
    /// The balancer's as well: an instance that does not answer is replaced.
    Elb,
}

impl StackSpec {
    /// The name with the stack's prefix, as it is used in AWS.
    pub fn full_name(&self, name: &str) -> String {
        self.stack.prefix(name)
    }

    /// The TCP ports of the instances that are open, in ascending order.
    pub fn instance_ports(&self) -> Vec<u16> {
        let ssh = self.instances.ssh.then_some(22);
        let mut ports: Vec<u16> =
            ssh.into_iter().chain(self.instances.open_ports.iter().copied()).collect();
        ports.sort_unstable();
        ports.dedup();
        ports
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_the_documented_stack() {
        let spec = StackSpec::default();
        let groups = spec.groups.each_ref();
        assert_eq!(groups.map(|group| group.name.as_str()), ["group1", "group2"]);
        assert_eq!(groups.map(|group| group.instance_type.as_str()), ["m4.large", "t2.large"]);
        assert_eq!(
            groups.map(|group| (group.min, group.desired, group.max)),
            [(4, 5, 5), (4, 4, 5)]
        );
        assert_eq!(groups.map(|group| group.path.as_str()), ["/cluster1", "/cluster2"]);
        let names = groups.map(|group| group.target_group_name.as_str());
        assert_eq!(names, ["target-group-1", "target-group-2"]);
        assert!(groups[0].priority < groups[1].priority, "the first rule has the higher priority");
        assert_eq!(groups[0].weight, groups[1].weight);
        assert_eq!(spec.load_balancer.name, "lab1-load-balancer");
        assert_eq!(spec.load_balancer.port, 80);
        assert_eq!(spec.network.zones, ["us-east-1a", "us-east-1b"]);
        assert_eq!(spec.instances.image_id, "ami-08c40ec9ead489470");
        assert_eq!(spec.instance_ports(), [22, 80, 443]);
        assert_eq!(spec.instances.open_to, "0.0.0.0/0");
        assert_eq!(spec.targets.port, 80);
        assert_eq!(spec.wait, WaitMode::Http);
    }

    #[test]
    fn a_specification_is_stored_and_read_back() {
        let spec = StackSpec::default();
        let stored = serde_json::to_string(&spec).unwrap();
        assert_eq!(serde_json::from_str::<StackSpec>(&stored).unwrap(), spec);
    }

    #[test]
    fn an_unknown_key_is_refused_at_every_level() {
        for text in [
            r#"{"stak": "x"}"#,
            r#"{"network": {"zone": "a"}}"#,
            r#"{"targets": {"health_check": {"interval": 3}}}"#,
            r#"{"groups": [{"minimum": 4}]}"#,
        ] {
            let error = serde_json::from_str::<StackSpec>(text).unwrap_err().to_string();
            assert!(error.contains("unknown field"), "{text}: {error}");
        }
    }

    #[test]
    fn without_ssh_port_22_stays_closed() {
        let spec: StackSpec = serde_json::from_str(r#"{"instances": {"ssh": false}}"#).unwrap();
        assert_eq!(spec.instance_ports(), [80, 443]);
    }
}
