//! Where moto is known to differ from AWS, each with a check that fails when it no longer does.
//!
//! The list says what the other tests of this suite cannot teach us. When moto learns a rule, the check
//! fails: then take the entry away, and let the tests rely on the rule.

use serde_json::{Value, json};

use crate::support::aws::{Aws, Refusal};
use crate::support::moto::Moto;
use crate::support::python::Python;
use crate::support::report;

/// One rule of AWS that moto does not keep.
struct Deviation {
    /// What AWS does.
    aws: &'static str,
    /// What moto does instead.
    moto: &'static str,
    /// Tells whether moto still does so, in an account without resources.
    still_there: fn(&Bench) -> bool,
}

const DEVIATIONS: [Deviation; 20] = [
    Deviation {
        aws: "CreateLaunchTemplate with the same client token gives the same template",
        moto: "refuses the repetition: the name is taken",
        still_there: |bench| {
            let request = Bench::template(&json!({ "ClientToken": "token" }));
            bench.create_template(&request).unwrap();
            is_refused(&bench.create_template(&request), TEMPLATE_EXISTS)
        },
    },
    Deviation {
        aws: "the same client token with other parameters is IdempotentParameterMismatch",
        moto: "refuses it because the name is taken",
        still_there: |bench| {
            let token = json!({ "ClientToken": "token" });
            bench.create_template(&Bench::template(&token)).unwrap();
            let mut other = Bench::template(&token);
            other["LaunchTemplateData"]["InstanceType"] = json!("t2.large");
            is_refused(&bench.create_template(&other), TEMPLATE_EXISTS)
        },
    },
    Deviation {
        aws: "CreateTargetGroup with the same settings gives the existing group",
        moto: "answers DuplicateTargetGroupName",
        still_there: |bench| {
            bench.target_group("tg").unwrap();
            is_refused(&bench.target_group("tg"), "DuplicateTargetGroupName")
        },
    },
    Deviation {
        aws: "DeleteTargetGroup of an absent group is taken to succeed",
        moto: "answers TargetGroupNotFound",
        still_there: |bench| {
            let arn = json!({ "TargetGroupArn": bench.target_group("tg").unwrap() });
            bench.aws().call("elbv2", "delete_target_group", arn.clone());
            let again = bench.aws().try_call("elbv2", "delete_target_group", &arn);
            is_refused(&again, "TargetGroupNotFound")
        },
    },
    Deviation {
        aws: "DescribeTags of an absent target group is TargetGroupNotFound",
        moto: "still tells the tags that it had",
        still_there: |bench| {
            let arn = bench.target_group("tg").unwrap();
            let tags = json!({ "ResourceArns": [arn], "Tags": [{ "Key": "a", "Value": "b" }] });
            bench.aws().call("elbv2", "add_tags", tags);
            bench.aws().call("elbv2", "delete_target_group", json!({ "TargetGroupArn": arn }));
            let told = json!({ "ResourceArns": [arn] });
            let told = bench.aws().try_call("elbv2", "describe_tags", &told);
            told.is_ok_and(|told| told["TagDescriptions"][0]["Tags"][0]["Key"] == "a")
        },
    },
    Deviation {
        aws: "CreateLoadBalancer with the same settings gives the existing one",
        moto: "makes a second load balancer of that name",
        still_there: |bench| bench.balancer("lb", "ipv4") != bench.balancer("lb", "ipv4"),
    },
    Deviation {
        aws: "CreateLoadBalancer with other settings is DuplicateLoadBalancerName",
        moto: "makes a second load balancer of that name",
        still_there: |bench| bench.balancer("lb", "ipv4") != bench.balancer("lb", "dualstack"),
    },
    Deviation {
        aws: "a load balancer is provisioning for minutes",
        moto: "is active at the first look",
        still_there: |bench| {
            bench.balancer("lb", "ipv4");
            let seen = bench.aws().call("elbv2", "describe_load_balancers", json!({}));
            seen["LoadBalancers"][0]["State"]["Code"] == "active"
        },
    },
    Deviation {
        aws: "CreateListener with the same settings gives the existing one",
        moto: "makes a second listener on the port",
        still_there: |bench| {
            let (balancer, group) = (bench.balancer("lb", "ipv4"), bench.target_group("tg"));
            let group = group.unwrap();
            bench.listener(&balancer, &group).unwrap();
            bench.listener(&balancer, &group).unwrap();
            bench.listeners_of(&balancer) == 2
        },
    },
    Deviation {
        aws: "CreateListener with other settings on the same port is DuplicateListener",
        moto: "makes a second listener on the port",
        still_there: |bench| {
            let balancer = bench.balancer("lb", "ipv4");
            for name in ["tg1", "tg2"] {
                let group = bench.target_group(name).unwrap();
                bench.listener(&balancer, &group).unwrap();
            }
            bench.listeners_of(&balancer) == 2
        },
    },
    Deviation {
        aws: "CreateAutoScalingGroup of an existing name is AlreadyExists",
        moto: "replaces the group and leaves its instances running without one",
        still_there: |bench| {
            bench.create_template(&Bench::template(&json!({}))).unwrap();
            bench.group("asg", &[]);
            bench.group("asg", &[]);
            bench.instances_in("running").len() == 2 && bench.members_of("asg").len() == 1
        },
    },
    Deviation {
        aws: "a new target is initial until its first health check",
        moto: "is healthy at the first look",
        still_there: |bench| {
            let group = bench.group_with_target_group();
            bench.health_of(&group) == ["healthy"]
        },
    },
    Deviation {
        aws: "a forced deletion of a group takes its instances out of the target group",
        moto: "leaves terminated instances there, healthy",
        still_there: |bench| {
            let group = bench.group_with_target_group();
            bench.delete_group("asg", true);
            bench.instances_in("terminated").len() == 1 && bench.health_of(&group) == ["healthy"]
        },
    },
    Deviation {
        aws: "an instance that replaces another one is registered with the target group",
        moto: "registers only the first instances of a group",
        still_there: |bench| {
            let group = bench.group_with_target_group();
            let ids = json!({ "InstanceIds": bench.members_of("asg") });
            bench.aws().call("ec2", "terminate_instances", ids);
            let members = bench.members_of("asg");
            let registered = bench.targets_of(&group);
            members.len() == 1 && !registered.contains(&members[0])
        },
    },
    Deviation {
        aws: "a target group names its load balancer once",
        moto: "names it once for each listener and rule that refers to the group",
        still_there: |bench| {
            let balancer = bench.balancer("lb", "ipv4");
            let group = bench.target_group("tg").unwrap();
            let listener = bench.listener(&balancer, &group).unwrap();
            bench.rule(&listener["Listeners"][0]["ListenerArn"], &group);
            let seen = bench.aws().call("elbv2", "describe_target_groups", json!({}));
            seen["TargetGroups"][0]["LoadBalancerArns"] == json!([balancer, balancer])
        },
    },
    Deviation {
        aws: "the network interface of an instance goes with it",
        moto: "keeps it, in use, after the instance is terminated",
        still_there: |bench| {
            bench.group_with_target_group();
            bench.delete_group("asg", true);
            let kept = bench.aws().call("ec2", "describe_network_interfaces", json!({}));
            let holders = collect(&kept["NetworkInterfaces"], "/Attachment/InstanceId");
            let terminated = bench.instances_in("terminated");
            terminated.len() == 1 && holders.contains(&terminated[0])
        },
    },
    Deviation {
        aws: "DeleteAutoScalingGroup without force is refused while there are instances",
        moto: "deletes the group",
        still_there: |bench| {
            bench.create_template(&Bench::template(&json!({}))).unwrap();
            bench.group("asg", &[]);
            bench.delete_group("asg", false);
            let groups = bench.aws().call("autoscaling", "describe_auto_scaling_groups", json!({}));
            groups["AutoScalingGroups"] == json!([])
        },
    },
    Deviation {
        aws: "every launch of a group is told by a scaling activity",
        moto: "tells of none",
        still_there: |bench| {
            bench.create_template(&Bench::template(&json!({}))).unwrap();
            bench.group("asg", &[]);
            let told = bench.aws().call("autoscaling", "describe_scaling_activities", json!({}));
            told["Activities"] == json!([])
        },
    },
    Deviation {
        aws: "DeleteSecurityGroup of a group in use is DependencyViolation",
        moto: "deletes it under a load balancer",
        still_there: |bench| {
            let group = bench.security_group("sg");
            bench.balancer_behind("lb", "ipv4", &[&group]);
            let id = json!({ "GroupId": group });
            bench.aws().try_call("ec2", "delete_security_group", &id).is_ok()
        },
    },
    Deviation {
        aws: "AuthorizeSecurityGroupIngress returns every rule that it made",
        moto: "returns one for a call with several",
        still_there: |bench| {
            let port = |port: u16| {
                json!({
                    "IpProtocol": "tcp",
                    "FromPort": port,
                    "ToPort": port,
                    "IpRanges": [{ "CidrIp": "0.0.0.0/0" }],
                })
            };
            let group = bench.security_group("sg");
            let rules = json!({ "GroupId": group, "IpPermissions": [port(22), port(80)] });
            let made = bench.aws().call("ec2", "authorize_security_group_ingress", rules);
            made["SecurityGroupRules"].as_array().map(Vec::len) == Some(1)
        },
    },
];

const TEMPLATE_EXISTS: &str = "InvalidLaunchTemplateName.AlreadyExistsException";

#[test]
fn every_known_deviation_of_moto_is_still_there() {
    let Some(python) = Python::or_say_skipped("moto deviations") else { return };
    assert_still_there("moto deviations", &python);
}

#[test]
fn every_known_deviation_is_in_an_older_moto_too() {
    let suite = "moto deviations, older";
    let Some(python) = Python::with_older_moto_or_say_skipped(suite) else { return };
    assert_still_there(suite, &python);
}

fn assert_still_there(suite: &str, python: &Python) {
    let bench = Bench { moto: Moto::start(python) };
    let gone: Vec<String> = DEVIATIONS
        .iter()
        .filter(|deviation| {
            bench.moto.reset();
            !(deviation.still_there)(&bench)
        })
        .map(|deviation| format!("AWS: {}; moto no longer: {}", deviation.aws, deviation.moto))
        .collect();
    report::count(suite, &format!("{} known, {} gone", DEVIATIONS.len(), gone.len()));
    assert!(gone.is_empty(), "take these out of the list:\n{}", gone.join("\n"));
}

fn is_refused(outcome: &Result<Value, Refusal>, code: &str) -> bool {
    outcome.as_ref().is_err_and(|refusal| refusal.code == code)
}

/// Makes small resources in moto.
struct Bench {
    moto: Moto,
}

impl Bench {
    fn aws(&self) -> &Aws {
        &self.moto.aws
    }

    /// Words the request for the template `template`, with members of its own.
    fn template(more: &Value) -> Value {
        let mut request = json!({
            "LaunchTemplateName": "template",
            "LaunchTemplateData": {
                "ImageId": "ami-08c40ec9ead489470",
                "InstanceType": "m4.large",
            },
        });
        let object = request.as_object_mut().unwrap();
        object.extend(more.as_object().unwrap().clone());
        request
    }

    fn create_template(&self, request: &Value) -> Result<Value, Refusal> {
        self.aws().try_call("ec2", "create_launch_template", request)
    }

    fn target_group(&self, name: &str) -> Result<Value, Refusal> {
        let vpcs = self.aws().call("ec2", "describe_vpcs", json!({}));
        let request = json!({
            "Name": name,
            "Protocol": "HTTP",
            "Port": 80,
            "VpcId": vpcs["Vpcs"][0]["VpcId"],
        });
        let made = self.aws().try_call("elbv2", "create_target_group", &request)?;
        Ok(made["TargetGroups"][0]["TargetGroupArn"].clone())
    }

    fn security_group(&self, name: &str) -> Value {
        let request = json!({ "GroupName": name, "Description": name });
        self.aws().call("ec2", "create_security_group", request)["GroupId"].clone()
    }

    fn balancer(&self, name: &str, addresses: &str) -> Value {
        self.balancer_behind(name, addresses, &[])
    }

    fn balancer_behind(&self, name: &str, addresses: &str, groups: &[&Value]) -> Value {
        let subnets = self.aws().call("ec2", "describe_subnets", json!({}));
        let subnet = |index: usize| subnets["Subnets"][index]["SubnetId"].clone();
        let request = json!({
            "Name": name,
            "Subnets": [subnet(0), subnet(1)],
            "IpAddressType": addresses,
            "SecurityGroups": groups,
        });
        let made = self.aws().call("elbv2", "create_load_balancer", request);
        made["LoadBalancers"][0]["LoadBalancerArn"].clone()
    }

    fn listener(&self, balancer: &Value, target_group: &Value) -> Result<Value, Refusal> {
        let request = json!({
            "LoadBalancerArn": balancer,
            "Protocol": "HTTP",
            "Port": 80,
            "DefaultActions": [{ "Type": "forward", "TargetGroupArn": target_group }],
        });
        self.aws().try_call("elbv2", "create_listener", &request)
    }

    fn rule(&self, listener: &Value, target_group: &Value) {
        let request = json!({
            "ListenerArn": listener,
            "Priority": 1,
            "Conditions": [{ "Field": "path-pattern", "Values": ["/path"] }],
            "Actions": [{ "Type": "forward", "TargetGroupArn": target_group }],
        });
        self.aws().call("elbv2", "create_rule", request);
    }

    fn listeners_of(&self, balancer: &Value) -> usize {
        let of = json!({ "LoadBalancerArn": balancer });
        let found = self.aws().call("elbv2", "describe_listeners", of);
        found["Listeners"].as_array().map_or(0, Vec::len)
    }

    /// Makes a group of one instance from the template `template`.
    fn group(&self, name: &str, target_groups: &[&Value]) {
        let request = json!({
            "AutoScalingGroupName": name,
            "MinSize": 1,
            "MaxSize": 1,
            "LaunchTemplate": { "LaunchTemplateName": "template", "Version": "1" },
            "AvailabilityZones": ["us-east-1a"],
            "TargetGroupARNs": target_groups,
        });
        self.aws().call("autoscaling", "create_auto_scaling_group", request);
    }

    /// Makes the group `asg` of one instance with a target group, and returns the latter.
    fn group_with_target_group(&self) -> Value {
        self.create_template(&Self::template(&json!({}))).unwrap();
        let target_group = self.target_group("tg").unwrap();
        self.listener(&self.balancer("lb", "ipv4"), &target_group).unwrap();
        self.group("asg", &[&target_group]);
        target_group
    }

    fn delete_group(&self, name: &str, force: bool) {
        let request = json!({ "AutoScalingGroupName": name, "ForceDelete": force });
        self.aws().call("autoscaling", "delete_auto_scaling_group", request);
    }

    fn members_of(&self, name: &str) -> Vec<Value> {
        let of = json!({ "AutoScalingGroupNames": [name] });
        let groups = self.aws().call("autoscaling", "describe_auto_scaling_groups", of);
        collect(&groups["AutoScalingGroups"][0]["Instances"], "/InstanceId")
    }

    fn instances_in(&self, state: &str) -> Vec<Value> {
        let filter = json!({ "Filters": [{ "Name": "instance-state-name", "Values": [state] }] });
        let found = self.aws().call("ec2", "describe_instances", filter);
        collect(&found["Reservations"], "/Instances/0/InstanceId")
    }

    fn targets_of(&self, target_group: &Value) -> Vec<Value> {
        collect(&self.health(target_group), "/Target/Id")
    }

    fn health_of(&self, target_group: &Value) -> Vec<Value> {
        collect(&self.health(target_group), "/TargetHealth/State")
    }

    fn health(&self, target_group: &Value) -> Value {
        let of = json!({ "TargetGroupArn": target_group });
        let health = self.aws().call("elbv2", "describe_target_health", of);
        health["TargetHealthDescriptions"].clone()
    }
}

fn collect(list: &Value, pointer: &str) -> Vec<Value> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(|item| item.pointer(pointer).cloned())
        .collect()
}
