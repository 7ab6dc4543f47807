//! Where moto is known to differ from AWS, each with a check that fails when it no longer does.
//!
//! The list says what the other tests of this suite cannot teach us. When moto learns a rule, the check
//! fails: then take the entry away, and let the tests rely on the rule.

use serde_json::{Value, json};

use crate::bench::{Bench, collect};
use crate::support::aws::Refusal;
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
