//! What others may change of a run, one story for each.

use super::*;

/// What somebody does, and what is found of it then.
struct Story {
    does: fn(&Scene),
    found: &'static [&'static str],
}

fn security_group(scene: &Scene, form: &str) {
    let group = scene.id_of("security-group", "lab1-instances");
    scene.somebody(&format!("{form}&{EC2}&GroupId={group}"));
}

fn port(action: &str, port: u16) -> String {
    format!(
        "Action={action}&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort={port}\
         &IpPermissions.1.ToPort={port}&IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0/0"
    )
}

pub(super) fn arn_of(scene: &Scene, kind: &str, fits: impl Fn(&str) -> bool) -> String {
    let things = scene.made().into_iter().filter(|it| it.kind == kind);
    let arn = things.map(|it| it.id).find(|id| fits(id)).unwrap();
    arn.replace(':', "%3A").replace('/', "%2F")
}

fn rule(scene: &Scene, action: &str) -> String {
    let things = scene.made().into_iter().filter(|it| it.kind == "listener-rule");
    let of = |it: &lab1_flow_cloud::ResourceView| it.tags["lab1-flow:action"] == action;
    things.filter(of).map(|it| it.id).next().unwrap()
}

pub(super) fn members(scene: &Scene, group: &str) -> Vec<String> {
    let instances = scene.made().into_iter().filter(|it| it.kind == "instance");
    let of = |it: &lab1_flow_cloud::ResourceView| {
        it.tags.get("Name").is_some_and(|name| name == group) && it.state == "running"
    };
    instances.filter(of).map(|it| it.id).collect()
}

pub(super) fn remove_balancer(scene: &Scene) {
    let balancer = arn_of(scene, "load-balancer", |_| true);
    scene.somebody(&format!("Action=DeleteLoadBalancer&{ELB}&LoadBalancerArn={balancer}"));
}

pub(super) fn target_group(scene: &Scene, form: &str) {
    let group = arn_of(scene, "target-group", |id| id.contains("target-group-1"));
    scene.somebody(&format!("{form}&{ELB}&TargetGroupArn={group}"));
}

const STORIES: [Story; 16] = [
    Story {
        does: |scene| security_group(scene, &port("RevokeSecurityGroupIngress", 22)),
        found: &["instance-security-group-rules changed ingress tcp 22 of 0.0.0.0/0"],
    },
    Story {
        does: |scene| security_group(scene, &port("AuthorizeSecurityGroupIngress", 3306)),
        found: &["instance-security-group-rules changed ingress tcp 3306 of 0.0.0.0/0"],
    },
    Story {
        does: |scene| {
            let group = scene.id_of("security-group", "lab1-load-balancer-sg");
            let tag = "Tag.1.Key=lab1-flow%3Arun-id&Tag.1.Value=run-9";
            scene.somebody(&format!("Action=CreateTags&{EC2}&ResourceId.1={group}&{tag}"));
        },
        found: &["balancer-security-group changed owner"],
    },
    Story {
        does: |scene| {
            let template = "LaunchTemplateName=lab1-template-1";
            scene.somebody(&format!("Action=DeleteLaunchTemplate&{EC2}&{template}"));
        },
        found: &["launch-template-1 gone"],
    },
    Story {
        does: |scene| target_group(scene, "Action=ModifyTargetGroup&HealthCheckPath=%2Fhealth"),
        found: &["target-group-1 changed health check path"],
    },
    Story {
        does: |scene| {
            let delay = "Attributes.member.1.Key=deregistration_delay.timeout_seconds\
                         &Attributes.member.1.Value=300";
            target_group(scene, &format!("Action=ModifyTargetGroupAttributes&{delay}"));
        },
        found: &["target-group-1-attributes changed deregistration delay"],
    },
    Story {
        does: remove_balancer,
        found: &["load-balancer gone", "listener gone", "rule-1 gone", "rule-2 gone"],
    },
    Story {
        does: |scene| {
            let rule = rule(scene, "rule-1");
            scene.somebody(&format!("Action=DeleteRule&{ELB}&RuleArn={rule}"));
        },
        found: &["rule-1 gone"],
    },
    Story {
        does: |scene| {
            let (rule, priority) = (rule(scene, "rule-2"), "RulePriorities.member.1.Priority=9");
            let rule = format!("RulePriorities.member.1.RuleArn={rule}");
            scene.somebody(&format!("Action=SetRulePriorities&{ELB}&{rule}&{priority}"));
        },
        found: &["rule-2 changed priority"],
    },
    Story {
        does: |scene| {
            let balancer = arn_of(scene, "load-balancer", |_| true);
            let fixed = "DefaultActions.member.1.Type=fixed-response\
                         &DefaultActions.member.1.FixedResponseConfig.StatusCode=404";
            let listener = format!("LoadBalancerArn={balancer}&Protocol=HTTP&Port=81&{fixed}");
            scene.somebody(&format!("Action=CreateListener&{ELB}&{listener}"));
        },
        found: &["load-balancer changed other listeners"],
    },
    Story {
        does: |scene| {
            let listener = arn_of(scene, "listener", |_| true);
            scene.somebody(&format!("Action=DeleteListener&{ELB}&ListenerArn={listener}"));
        },
        found: &["listener gone", "rule-1 gone", "rule-2 gone"],
    },
    Story {
        does: |scene| {
            let (group, sizes) = ("AutoScalingGroupName=group1", "DesiredCapacity=4");
            scene.somebody(&format!("Action=SetDesiredCapacity&{ASG}&{group}&{sizes}"));
        },
        found: &["auto-scaling-group-1 changed desired capacity"],
    },
    Story {
        does: |scene| {
            let group = "AutoScalingGroupName=group2&ForceDelete=true";
            scene.somebody(&format!("Action=DeleteAutoScalingGroup&{ASG}&{group}"));
        },
        found: &[
            "auto-scaling-group-2 changed minimum maximum desired capacity status instances in service",
        ],
    },
    Story {
        does: |scene| {
            let id = &members(scene, "group1")[0];
            scene.somebody(&format!("Action=TerminateInstances&{EC2}&InstanceId.1={id}"));
        },
        found: &["auto-scaling-group-1 changed instances in service"],
    },
    Story {
        does: |scene| {
            let id = &members(scene, "group1")[0];
            let how = "ShouldDecrementDesiredCapacity=true&AutoScalingGroupName=group1";
            let form = format!("Action=DetachInstances&{ASG}&InstanceIds.member.1={id}&{how}");
            scene.somebody(&form);
        },
        found: &["auto-scaling-group-1 changed desired capacity instances in service \
             instances outside of the group"],
    },
    Story {
        does: |scene| {
            let listener = arn_of(scene, "listener", |_| true);
            let tag = "TagKeys.member.1=lab1-flow%3Aaction";
            let form = format!("Action=RemoveTags&{ELB}&ResourceArns.member.1={listener}&{tag}");
            scene.somebody(&form);
        },
        found: &["listener changed owner"],
    },
];

#[tokio::test(start_paused = true)]
async fn every_kind_of_change_by_others_is_found_and_costs_two_reads_for_what_is_gone() {
    let mut wrong = Vec::new();
    for (number, story) in STORIES.iter().enumerate() {
        let scene = deployed().await;
        (story.does)(&scene);
        let verification = scene.verify("run-1", false).await.unwrap();
        let found = found(&verification);
        if found != story.found || !verification.differs() {
            wrong.push(format!("story {number}: {found:#?}"));
        }
        let gone = story.found.iter().filter(|text| text.ends_with(" gone")).count();
        let calls = scene.take_calls();
        if calls.len() > READS_MAX + 2 * gone {
            wrong.push(format!("story {number}: {} reads: {calls:?}", calls.len()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
