//! How late each kind is seen, and how long after its deletion: by its own switch alone.

use lab1_flow_cloud::{CloudOptions, Durations, Lag};

use crate::stack::{target_group_form, template_form};
use crate::support::{Caller, Reply};

const LAG_S: u32 = 90;

/// What the reads of one kind said: right after its creation, just before and at the end of its lag;
/// then the same for its deletion.
#[derive(Debug, PartialEq, Eq)]
struct Sightings {
    created: [bool; 3],
    deleted: [bool; 3],
}

const LATE: Sightings = Sightings { created: [false, false, true], deleted: [true, true, false] };
const AT_ONCE: Sightings =
    Sightings { created: [true, true, true], deleted: [false, false, false] };

/// A cloud with one of every kind, each made when all before it could be seen.
struct World {
    caller: Caller,
    seen: Vec<(&'static str, Sightings)>,
}

type See<'a> = &'a dyn Fn(&Caller) -> bool;

impl World {
    fn look(&self, see: See<'_>) -> [bool; 3] {
        let at_once = see(&self.caller);
        self.caller.wait_s(i64::from(LAG_S) - 1);
        let before_the_end = see(&self.caller);
        self.caller.wait_s(1);
        [at_once, before_the_end, see(&self.caller)]
    }

    fn created(&mut self, kind: &'static str, see: See<'_>) {
        let created = self.look(see);
        self.seen.push((kind, Sightings { created, deleted: [true; 3] }));
    }

    fn deleted(&mut self, kind: &str, see: See<'_>) {
        let deleted = self.look(see);
        let entry = self.seen.iter_mut().find(|(known, _)| *known == kind).unwrap();
        entry.1.deleted = deleted;
    }
}

fn is_there(reply: &Reply, id: &str) -> bool {
    reply.status == 200 && reply.body.contains(id)
}

/// Makes and deletes one of each kind, and tells what was seen of it.
fn life_of_each_kind(lag: Lag) -> Vec<(&'static str, Sightings)> {
    let options = CloudOptions { lag, durations: Durations::Instant, ..CloudOptions::plain() };
    let caller = Caller::with(options);
    let mut world = World { caller: caller.clone(), seen: Vec::new() };
    let vpc = caller.ec2("DescribeVpcs", "").ok().text("vpcId");
    let subnets = caller.ec2("DescribeSubnets", "").ok().texts("subnetId");

    let group = caller.ec2("CreateSecurityGroup", "GroupName=g&GroupDescription=d").ok();
    let group = group.text("groupId");
    let form = format!("GroupId.1={group}");
    let see_group = move |c: &Caller| is_there(&c.ec2("DescribeSecurityGroups", &form), "groupId");
    world.created("security group", &see_group);

    let template = caller.ec2("CreateLaunchTemplate", &template_form("lt1", "m4.large", &group));
    let template = template.ok().text("launchTemplateId");
    let form = format!("LaunchTemplateId.1={template}");
    let see_template =
        move |c: &Caller| is_there(&c.ec2("DescribeLaunchTemplates", &form), "launchTemplateId");
    world.created("launch template", &see_template);

    let tg = caller.elb("CreateTargetGroup", &target_group_form("tg", &vpc)).ok();
    let tg = tg.text("TargetGroupArn");
    let form = format!("TargetGroupArns.member.1={tg}");
    let see_tg =
        move |c: &Caller| is_there(&c.elb("DescribeTargetGroups", &form), "TargetGroupArn");
    world.created("target group", &see_tg);

    let form = format!("Name=lb&Subnets.member.1={}&Subnets.member.2={}", subnets[0], subnets[1]);
    let lb = caller.elb("CreateLoadBalancer", &form).ok().text("LoadBalancerArn");
    let form = format!("LoadBalancerArns.member.1={lb}");
    let see_lb = move |c: &Caller| is_there(&c.elb("DescribeLoadBalancers", &form), "DNSName");
    world.created("load balancer", &see_lb);

    let action =
        |list: &str| format!("{list}.member.1.Type=forward&{list}.member.1.TargetGroupArn={tg}");
    let form = format!("LoadBalancerArn={lb}&Protocol=HTTP&Port=80&{}", action("DefaultActions"));
    let listener = caller.elb("CreateListener", &form).ok().text("ListenerArn");
    let form = format!("ListenerArns.member.1={listener}");
    let see_listener =
        move |c: &Caller| is_there(&c.elb("DescribeListeners", &form), "ListenerArn");
    world.created("listener", &see_listener);

    let condition = "Conditions.member.1.Field=path-pattern&Conditions.member.1.Values.member.1=/a";
    let form = format!("ListenerArn={listener}&Priority=1&{condition}&{}", action("Actions"));
    let rule = caller.elb("CreateRule", &form).ok().text("RuleArn");
    let form = format!("RuleArns.member.1={rule}");
    let see_rule = move |c: &Caller| is_there(&c.elb("DescribeRules", &form), "RuleArn");
    world.created("rule", &see_rule);

    let form = format!(
        "AutoScalingGroupName=asg&MinSize=0&MaxSize=0&VPCZoneIdentifier={}\
         &LaunchTemplate.LaunchTemplateId={template}",
        subnets[0]
    );
    caller.asg("CreateAutoScalingGroup", &form).ok();
    let see_asg = |c: &Caller| is_there(&c.asg("DescribeAutoScalingGroups", ""), "MinSize");
    world.created("group", &see_asg);

    caller.asg("DeleteAutoScalingGroup", "AutoScalingGroupName=asg").ok();
    world.deleted("group", &see_asg);
    caller.elb("DeleteRule", &format!("RuleArn={rule}")).ok();
    world.deleted("rule", &see_rule);
    caller.elb("DeleteListener", &format!("ListenerArn={listener}")).ok();
    world.deleted("listener", &see_listener);
    caller.elb("DeleteLoadBalancer", &format!("LoadBalancerArn={lb}")).ok();
    world.deleted("load balancer", &see_lb);
    caller.elb("DeleteTargetGroup", &format!("TargetGroupArn={tg}")).ok();
    world.deleted("target group", &see_tg);
    caller.ec2("DeleteLaunchTemplate", &format!("LaunchTemplateId={template}")).ok();
    world.deleted("launch template", &see_template);
    caller.ec2("DeleteSecurityGroup", &format!("GroupId={group}")).ok();
    world.deleted("security group", &see_group);
    world.seen
}

/// Section 8.5, section 15 line 4: both lags, of all kinds, to the second.
#[test]
fn each_kind_is_seen_late_and_stays_seen_after_its_deletion_by_its_own_switch() {
    let off = Lag { exact_s: Some(LAG_S), ..Lag::off() };
    let switches: [(Lag, &[&str]); 8] = [
        (off, &[]),
        (Lag { security_groups: true, ..off }, &["security group"]),
        (Lag { launch_templates: true, ..off }, &["launch template"]),
        (Lag { target_groups: true, ..off }, &["target group"]),
        (Lag { load_balancers: true, ..off }, &["load balancer"]),
        (Lag { listeners: true, ..off }, &["listener", "rule"]),
        (Lag { groups: true, ..off }, &["group"]),
        (
            Lag { exact_s: Some(LAG_S), ..Lag::on() },
            &[
                "security group",
                "launch template",
                "target group",
                "load balancer",
                "listener",
                "rule",
                "group",
            ],
        ),
    ];
    for (lag, late) in switches {
        for (kind, seen) in life_of_each_kind(lag) {
            let expected = if late.contains(&kind) { LATE } else { AT_ONCE };
            assert_eq!(seen, expected, "{kind} while {late:?} lag");
        }
    }
}
