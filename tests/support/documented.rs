//! The documented stack, setting by setting, as boto3 must read it back.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::account::Account;
use super::aws::Aws;

/// One of the two clusters.
struct Cluster {
    number: u32,
    instance_type: &'static str,
    desired: usize,
    zone: &'static str,
}

const CLUSTERS: [Cluster; 2] = [
    Cluster { number: 1, instance_type: "m4.large", desired: 5, zone: "us-east-1a" },
    Cluster { number: 2, instance_type: "t2.large", desired: 4, zone: "us-east-1b" },
];

/// Compares an account with the documented stack of the run `run`, and says what differs.
///
/// Nothing else may carry the mark of a run: a second resource of any kind is a difference.
pub(crate) fn differences(account: &Account, aws: &Aws, run: &str) -> Vec<String> {
    let mut checks = Checks { account, aws, run, differences: Vec::new() };
    checks.security_groups();
    checks.load_balancer();
    checks.listener();
    for cluster in &CLUSTERS {
        checks.launch_template(cluster);
        checks.target_group(cluster);
        checks.rule(cluster);
        checks.group(cluster);
        checks.instances(cluster);
    }
    checks.counts();
    checks.differences
}

struct Checks<'a> {
    account: &'a Account,
    aws: &'a Aws,
    run: &'a str,
    differences: Vec<String>,
}

impl Checks<'_> {
    fn security_groups(&mut self) {
        let open = |protocol: &str, from: u16, to: u16| {
            json!({
                "IpProtocol": protocol,
                "FromPort": from,
                "ToPort": to,
                "IpRanges": [{ "CidrIp": "0.0.0.0/0" }],
                "UserIdGroupPairs": [],
            })
        };
        let instances = [open("tcp", 22, 22), open("tcp", 80, 80), open("tcp", 443, 443)];
        let balancer = [open("tcp", 0, 65535)];
        for (name, action, ingress) in [
            ("lab1-instances", "instance-security-group", &instances[..]),
            ("lab1-load-balancer-sg", "balancer-security-group", &balancer[..]),
        ] {
            let Some(mut group) = self.find("security groups", "GroupName", name) else { continue };
            sort_by(&mut group["IpPermissions"], "FromPort");
            let expected = json!({
                "VpcId": self.vpc(),
                "IpPermissions": ingress,
                "IpPermissionsEgress": [
                    { "IpProtocol": "-1", "IpRanges": [{ "CidrIp": "0.0.0.0/0" }] },
                ],
            });
            self.compare(name, &expected, &group);
            self.mark(name, action, &group["Tags"]);
        }
    }

    fn launch_template(&mut self, cluster: &Cluster) {
        let name = format!("lab1-template-{}", cluster.number);
        let Some(template) = self.find("launch templates", "LaunchTemplateName", &name) else {
            return;
        };
        self.mark(&name, &format!("launch-template-{}", cluster.number), &template["Tags"]);
        let of = json!({ "LaunchTemplateName": name });
        let versions = self.aws.call("ec2", "describe_launch_template_versions", of);
        let versions = &versions["LaunchTemplateVersions"];
        let data = &versions[0]["LaunchTemplateData"];
        let expected = json!({
            "ImageId": "ami-08c40ec9ead489470",
            "InstanceType": cluster.instance_type,
            "KeyName": "vockey",
            "SecurityGroupIds": [self.id("security groups", "GroupName", "lab1-instances", "GroupId")],
            "MetadataOptions": { "HttpTokens": "required" },
        });
        self.compare(&name, &expected, data);
        self.expect(versions.as_array().is_some_and(|all| all.len() == 1), || {
            format!("{name} has one version")
        });
        let user_data = text_of_base64(data["UserData"].as_str().unwrap_or_default());
        for part in ["/home/ubuntu/flask-server", "/cluster1", "/cluster2", "Healthy!"] {
            self.expect(user_data.contains(part), || format!("{name}: user data has {part:?}"));
        }
    }

    fn target_group(&mut self, cluster: &Cluster) {
        let name = format!("target-group-{}", cluster.number);
        let Some(mut group) = self.find("target groups", "TargetGroupName", &name) else { return };
        // moto names the balancer once for each of its rules.
        if let Some(balancers) = group["LoadBalancerArns"].as_array_mut() {
            balancers.dedup();
        }
        let expected = json!({
            "Protocol": "HTTP",
            "Port": 80,
            "VpcId": self.vpc(),
            "TargetType": "instance",
            "IpAddressType": "ipv4",
            "HealthCheckEnabled": true,
            "HealthCheckProtocol": "HTTP",
            "HealthCheckPort": "traffic-port",
            "HealthCheckPath": "/",
            "HealthCheckIntervalSeconds": 10,
            "HealthCheckTimeoutSeconds": 5,
            "HealthyThresholdCount": 2,
            "UnhealthyThresholdCount": 2,
            "Matcher": { "HttpCode": "200" },
            "LoadBalancerArns": [self.balancer()],
        });
        self.compare(&name, &expected, &group);
        let arn = group["TargetGroupArn"].clone();
        self.elb_mark(&name, &name, &arn);
        let of = json!({ "TargetGroupArn": arn });
        let attributes = self.aws.call("elbv2", "describe_target_group_attributes", of);
        let delay = json!({ "Key": "deregistration_delay.timeout_seconds", "Value": "30" });
        let attributes = attributes["Attributes"].as_array().cloned().unwrap_or_default();
        self.expect(attributes.contains(&delay), || format!("{name}: {delay} in {attributes:?}"));
    }

    fn load_balancer(&mut self) {
        let name = "lab1-load-balancer";
        let Some(mut balancer) = self.find("load balancers", "LoadBalancerName", name) else {
            return;
        };
        sort_by(&mut balancer["AvailabilityZones"], "ZoneName");
        let zone = |zone| json!({ "ZoneName": zone, "SubnetId": self.subnet(zone) });
        let group = self.id("security groups", "GroupName", "lab1-load-balancer-sg", "GroupId");
        let expected = json!({
            "Type": "application",
            "Scheme": "internet-facing",
            "IpAddressType": "ipv4",
            "State": { "Code": "active" },
            "VpcId": self.vpc(),
            "SecurityGroups": [group],
            "AvailabilityZones": [zone("us-east-1a"), zone("us-east-1b")],
        });
        self.compare(name, &expected, &balancer);
        self.elb_mark(name, "load-balancer", &balancer["LoadBalancerArn"]);
    }

    fn listener(&mut self) {
        let [listener] = self.account.all("listeners") else { return };
        let mut listener = listener.clone();
        let targets = &mut listener["DefaultActions"][0]["ForwardConfig"]["TargetGroups"];
        sort_by(targets, "TargetGroupArn");
        let mut expected_targets = json!([
            { "TargetGroupArn": self.target_group_arn(1), "Weight": 1 },
            { "TargetGroupArn": self.target_group_arn(2), "Weight": 1 },
        ]);
        sort_by(&mut expected_targets, "TargetGroupArn");
        let expected = json!({
            "LoadBalancerArn": self.balancer(),
            "Port": 80,
            "Protocol": "HTTP",
            "DefaultActions": [
                { "Type": "forward", "ForwardConfig": { "TargetGroups": expected_targets } },
            ],
        });
        self.compare("listener", &expected, &listener);
        self.elb_mark("listener", "listener", &listener["ListenerArn"]);
    }

    fn rule(&mut self, cluster: &Cluster) {
        let name = format!("rule-{}", cluster.number);
        let priority = cluster.number.to_string();
        let Some(rule) = self.find("rules", "Priority", &priority) else { return };
        let path = format!("/cluster{}", cluster.number);
        let expected = json!({
            "IsDefault": false,
            "Conditions": [
                { "Field": "path-pattern", "PathPatternConfig": { "Values": [path] } },
            ],
        });
        self.compare(&name, &expected, &rule);
        let action = &rule["Actions"][0];
        let arn = match &action["TargetGroupArn"] {
            Value::Null => &action["ForwardConfig"]["TargetGroups"][0]["TargetGroupArn"],
            arn => arn,
        };
        let forwards = action["Type"] == "forward" && *arn == self.target_group_arn(cluster.number);
        self.expect(forwards, || format!("{name} forwards to its target group: {action}"));
        self.elb_mark(&name, &name, &rule["RuleArn"]);
    }

    fn group(&mut self, cluster: &Cluster) {
        let name = format!("group{}", cluster.number);
        let Some(group) = self.find("groups", "AutoScalingGroupName", &name) else { return };
        let template = format!("lab1-template-{}", cluster.number);
        let expected = json!({
            "MinSize": 4,
            "MaxSize": 5,
            "DesiredCapacity": cluster.desired,
            "HealthCheckType": "EC2",
            "LaunchTemplate": { "LaunchTemplateName": template, "Version": "1" },
            "VPCZoneIdentifier": self.subnet(cluster.zone),
            "TargetGroupARNs": [self.target_group_arn(cluster.number)],
        });
        self.compare(&name, &expected, &group);
        self.mark(&name, &format!("auto-scaling-group-{}", cluster.number), &group["Tags"]);
    }

    /// Compares the group's instances, and what its target group says of them.
    fn instances(&mut self, cluster: &Cluster) {
        let name = format!("group{}", cluster.number);
        let Some(group) = self.find("groups", "AutoScalingGroupName", &name) else { return };
        let in_service = members(&group["Instances"], "/InstanceId", |instance| {
            instance["LifecycleState"] == "InService"
        });
        self.expect(in_service.len() == cluster.desired, || {
            format!("{name} has {} instances in service", in_service.len())
        });
        let of = json!({ "TargetGroupArn": self.target_group_arn(cluster.number) });
        let health = self.aws.call("elbv2", "describe_target_health", of);
        let healthy = members(&health["TargetHealthDescriptions"], "/Target/Id", |target| {
            target["TargetHealth"]["State"] == "healthy"
        });
        self.expect(healthy == in_service, || {
            format!("{name}: healthy {healthy:?} are those in service {in_service:?}")
        });
        for id in &in_service {
            let Some(instance) = self.find("instances", "InstanceId", id) else { continue };
            let expected = json!({
                "InstanceType": cluster.instance_type,
                "ImageId": "ami-08c40ec9ead489470",
                "KeyName": "vockey",
                "SubnetId": self.subnet(cluster.zone),
                "State": { "Name": "running" },
            });
            self.compare(id, &expected, &instance);
            self.mark(id, &format!("auto-scaling-group-{}", cluster.number), &instance["Tags"]);
        }
    }

    /// Nothing may be there twice, and nothing beside it.
    fn counts(&mut self) {
        // Security groups: ours and the VPC's default. Rules: ours and the listener's default.
        for (kind, expected) in [
            ("security groups", 3),
            ("launch templates", 2),
            ("target groups", 2),
            ("load balancers", 1),
            ("listeners", 1),
            ("rules", 3),
            ("groups", 2),
            ("instances", 9),
        ] {
            let found = self.account.all(kind).len();
            self.expect(found == expected, || format!("{found} {kind} instead of {expected}"));
        }
    }

    /// Checks that tags name the run and the action.
    fn mark(&mut self, what: &str, action: &str, tags: &Value) {
        for (key, value) in [("lab1-flow:run-id", self.run), ("lab1-flow:action", action)] {
            let has = |tag: &Value| tag["Key"] == key && tag["Value"] == value;
            let marked = tags.as_array().is_some_and(|tags| tags.iter().any(has));
            self.expect(marked, || format!("{what} is marked {key}={value}: {tags}"));
        }
    }

    fn elb_mark(&mut self, what: &str, action: &str, arn: &Value) {
        let tags = self.aws.call("elbv2", "describe_tags", json!({ "ResourceArns": [arn] }));
        self.mark(what, action, &tags["TagDescriptions"][0]["Tags"]);
    }

    /// Finds the only resource of a name; its absence is a difference.
    fn find(&mut self, kind: &str, key: &str, value: &str) -> Option<Value> {
        let found = self.account.one(kind, key, value).cloned();
        found.map_err(|difference| self.differences.push(difference)).ok()
    }

    fn id(&self, kind: &str, key: &str, value: &str, id: &str) -> Value {
        self.account.one(kind, key, value).map_or(Value::Null, |found| found[id].clone())
    }

    fn vpc(&self) -> Value {
        self.account.all("vpcs").first().map_or(Value::Null, |vpc| vpc["VpcId"].clone())
    }

    fn subnet(&self, zone: &str) -> Value {
        self.id("subnets", "AvailabilityZone", zone, "SubnetId")
    }

    fn balancer(&self) -> Value {
        self.id("load balancers", "LoadBalancerName", "lab1-load-balancer", "LoadBalancerArn")
    }

    fn target_group_arn(&self, number: u32) -> Value {
        let name = format!("target-group-{number}");
        self.id("target groups", "TargetGroupName", &name, "TargetGroupArn")
    }

    fn compare(&mut self, what: &str, expected: &Value, actual: &Value) {
        collect_differences(what, expected, actual, &mut self.differences);
    }

    fn expect(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.differences.push(format!("not so: {}", what()));
        }
    }
}

/// Says where `actual` lacks something of `expected`. Objects may hold more, lists may not.
fn collect_differences(path: &str, expected: &Value, actual: &Value, found: &mut Vec<String>) {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            for (key, expected) in expected {
                let actual = actual.get(key).unwrap_or(&Value::Null);
                collect_differences(&format!("{path}.{key}"), expected, actual, found);
            }
        }
        (Value::Array(expected), Value::Array(actual)) if expected.len() == actual.len() => {
            for (index, (expected, actual)) in expected.iter().zip(actual).enumerate() {
                collect_differences(&format!("{path}[{index}]"), expected, actual, found);
            }
        }
        _ if expected == actual => {}
        _ => found.push(format!("{path} is {actual} instead of {expected}")),
    }
}

/// Returns the ids of the list's entries that are `wanted`.
fn members(list: &Value, id: &str, wanted: impl Fn(&Value) -> bool) -> BTreeSet<String> {
    let entries = list.as_array().into_iter().flatten().filter(|entry| wanted(entry));
    entries.filter_map(|entry| Some(entry.pointer(id)?.as_str()?.to_owned())).collect()
}

/// Brings a list into the order of one of its keys: AWS promises none.
fn sort_by(list: &mut Value, key: &str) {
    if let Some(list) = list.as_array_mut() {
        list.sort_by_cached_key(|entry| match &entry[key] {
            Value::Number(number) => (number.as_u64(), String::new()),
            other => (None, other.to_string()),
        });
    }
}

/// Decodes what an API carries as base64; anything else in it is skipped.
fn text_of_base64(encoded: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0_u32);
    for byte in encoded.bytes() {
        let letter = (0_u32..).zip(ALPHABET).find(|(_, letter)| **letter == byte);
        let Some((value, _)) = letter else { continue };
        bits = (bits << 6 | value) & 0x3fff;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
