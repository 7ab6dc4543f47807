//! Everything that an account holds, as boto3 reads it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::aws::Aws;

/// Lists that make up an account: kind, service, call, key of the list in the answer.
const LISTS: [(&str, &str, &str, &str); 15] = [
    ("vpcs", "ec2", "describe_vpcs", "Vpcs"),
    ("subnets", "ec2", "describe_subnets", "Subnets"),
    ("internet gateways", "ec2", "describe_internet_gateways", "InternetGateways"),
    ("route tables", "ec2", "describe_route_tables", "RouteTables"),
    ("addresses", "ec2", "describe_addresses", "Addresses"),
    ("key pairs", "ec2", "describe_key_pairs", "KeyPairs"),
    ("security groups", "ec2", "describe_security_groups", "SecurityGroups"),
    ("launch templates", "ec2", "describe_launch_templates", "LaunchTemplates"),
    ("network interfaces", "ec2", "describe_network_interfaces", "NetworkInterfaces"),
    ("volumes", "ec2", "describe_volumes", "Volumes"),
    ("target groups", "elbv2", "describe_target_groups", "TargetGroups"),
    ("load balancers", "elbv2", "describe_load_balancers", "LoadBalancers"),
    ("groups", "autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups"),
    (
        "launch configurations",
        "autoscaling",
        "describe_launch_configurations",
        "LaunchConfigurations",
    ),
    ("group tags", "autoscaling", "describe_tags", "Tags"),
];

/// A picture of an account: the resources of each kind.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    kinds: BTreeMap<&'static str, Vec<Value>>,
}

impl Account {
    /// Reads the whole account.
    ///
    /// Records of terminated instances are left out, since they stay for a while; and so is what moto
    /// keeps of them for ever: their interfaces, and the addresses that these hold in a subnet.
    pub(crate) fn read(aws: &Aws) -> Self {
        let mut kinds: BTreeMap<&'static str, Vec<Value>> = BTreeMap::new();
        for (kind, service, operation, key) in LISTS {
            let answer = aws.call(service, operation, json!({}));
            kinds.insert(kind, items(&answer[key]));
        }
        let reservations = aws.call("ec2", "describe_instances", json!({}));
        let instances = items(&reservations["Reservations"]);
        let instances = instances.iter().flat_map(|reservation| items(&reservation["Instances"]));
        let is_alive = |instance: &Value| instance["State"]["Name"] != "terminated";
        let alive: Vec<Value> = instances.filter(is_alive).collect();
        if let Some(interfaces) = kinds.get_mut("network interfaces") {
            interfaces.retain(|interface| {
                let holder = &interface["Attachment"]["InstanceId"];
                holder.is_null() || alive.iter().any(|instance| instance["InstanceId"] == *holder)
            });
        }
        for subnet in kinds.get_mut("subnets").into_iter().flatten() {
            subnet["AvailableIpAddressCount"].take();
        }
        kinds.insert("instances", alive);

        let (mut listeners, mut rules) = (Vec::new(), Vec::new());
        for balancer in &kinds["load balancers"] {
            let of = json!({ "LoadBalancerArn": balancer["LoadBalancerArn"] });
            listeners.extend(items(&aws.call("elbv2", "describe_listeners", of)["Listeners"]));
        }
        for listener in &listeners {
            let of = json!({ "ListenerArn": listener["ListenerArn"] });
            rules.extend(items(&aws.call("elbv2", "describe_rules", of)["Rules"]));
        }
        kinds.insert("listeners", listeners);
        kinds.insert("rules", rules);
        Self { kinds }
    }

    /// Returns the resources of a kind.
    pub(crate) fn all(&self, kind: &str) -> &[Value] {
        self.kinds.get(kind).unwrap_or_else(|| panic!("{kind:?} is a kind that is read"))
    }

    /// Returns the only resource of a kind that has this value under this key.
    pub(crate) fn one(&self, kind: &str, key: &str, value: &str) -> Result<&Value, String> {
        let found: Vec<_> = self.all(kind).iter().filter(|item| item[key] == value).collect();
        match found[..] {
            [one] => Ok(one),
            _ => Err(format!("{} {kind} with {key} {value:?} instead of one", found.len())),
        }
    }

    /// Says what this account holds that `before` did not, and the other way round.
    pub(crate) fn differences_from(&self, before: &Self) -> Vec<String> {
        let mut differences = Vec::new();
        for (kind, after) in &self.kinds {
            let after: BTreeSet<String> = after.iter().map(Value::to_string).collect();
            let before: BTreeSet<String> =
                before.kinds[kind].iter().map(Value::to_string).collect();
            differences
                .extend(after.difference(&before).map(|new| format!("{kind}: + {new:.160}")));
            differences
                .extend(before.difference(&after).map(|old| format!("{kind}: - {old:.160}")));
        }
        differences
    }
}

fn items(list: &Value) -> Vec<Value> {
    list.as_array().cloned().unwrap_or_default()
}
