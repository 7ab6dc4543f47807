//! The stack of the report, built call by call.

use crate::support::Caller;

/// The parts of a deployed stack.
#[derive(Debug, Clone)]
pub(crate) struct Stack {
    pub(crate) vpc: String,
    pub(crate) subnets: [String; 2],
    pub(crate) instance_group: String,
    pub(crate) balancer_group: String,
    pub(crate) templates: [String; 2],
    pub(crate) target_groups: [String; 2],
    pub(crate) balancer: String,
    pub(crate) listener: String,
    pub(crate) rules: [String; 2],
}

/// `#!/bin/sh` in base64: any user data starts the application.
pub(crate) const USER_DATA: &str = "IyEvYmluL3NoCg==";

impl Stack {
    /// Makes everything but the groups.
    pub(crate) fn without_groups(caller: &Caller) -> Self {
        let vpc = caller.ec2("DescribeVpcs", "").ok().text("vpcId");
        let subnet = |zone: &str| {
            let form = format!("Filter.1.Name=availability-zone&Filter.1.Value.1={zone}");
            caller.ec2("DescribeSubnets", &form).ok().text("subnetId")
        };
        let subnets = [subnet("us-east-1a"), subnet("us-east-1b")];
        let instance_group = security_group(caller, &vpc, "lab1-instances", &[22, 80, 443]);
        let balancer_group = security_group(caller, &vpc, "lab1-balancer", &[80]);
        let templates = [
            template(caller, "lab1-template-1", "m4.large", &instance_group),
            template(caller, "lab1-template-2", "t2.large", &instance_group),
        ];
        let target_groups = [
            target_group(caller, "target-group-1", &vpc),
            target_group(caller, "target-group-2", &vpc),
        ];
        let form = format!(
            "Name=lab1-load-balancer&Subnets.member.1={}&Subnets.member.2={}\
             &SecurityGroups.member.1={balancer_group}",
            subnets[0], subnets[1]
        );
        let balancer = caller.elb("CreateLoadBalancer", &form).ok().text("LoadBalancerArn");
        let listener = caller
            .elb("CreateListener", &listener_form(&balancer, &target_groups, 1, 1))
            .ok()
            .text("ListenerArn");
        let rules = [
            rule(caller, &listener, 1, "/cluster1", &target_groups[0]),
            rule(caller, &listener, 2, "/cluster2", &target_groups[1]),
        ];
        Self {
            vpc,
            subnets,
            instance_group,
            balancer_group,
            templates,
            target_groups,
            balancer,
            listener,
            rules,
        }
    }

    /// Makes everything, and does not wait.
    pub(crate) fn begin(caller: &Caller) -> Self {
        let stack = Self::without_groups(caller);
        caller.asg("CreateAutoScalingGroup", &stack.group_form(0, 5)).ok();
        caller.asg("CreateAutoScalingGroup", &stack.group_form(1, 4)).ok();
        stack
    }

    /// Makes everything, and waits for ten minutes: long enough.
    pub(crate) fn deploy(caller: &Caller) -> Self {
        let stack = Self::begin(caller);
        caller.wait_s(600);
        stack
    }

    /// Gives an ARN that no target group has.
    pub(crate) fn absent_target_group(&self) -> String {
        format!("{}0", self.target_groups[0])
    }

    /// Words the creation of the group `group1` or `group2`.
    pub(crate) fn group_form(&self, index: usize, desired: u32) -> String {
        format!(
            "AutoScalingGroupName=group{}&MinSize=4&MaxSize=5&DesiredCapacity={desired}\
             &LaunchTemplate.LaunchTemplateId={}&LaunchTemplate.Version=1\
             &VPCZoneIdentifier={}&TargetGroupARNs.member.1={}\
             &Tags.member.1.Key=lab1-flow:run-id&Tags.member.1.Value=r1\
             &Tags.member.1.PropagateAtLaunch=true",
            index + 1,
            self.templates[index],
            self.subnets[index],
            self.target_groups[index]
        )
    }

    /// Gives the states of the targets of one group, in the order of instance ids.
    pub(crate) fn target_states(&self, caller: &Caller, index: usize) -> Vec<String> {
        let form = format!("TargetGroupArn={}", self.target_groups[index]);
        caller.elb("DescribeTargetHealth", &form).ok().texts("State")
    }
}

pub(crate) fn security_group(caller: &Caller, vpc: &str, name: &str, ports: &[u16]) -> String {
    let form = format!("GroupName={name}&GroupDescription=test&VpcId={vpc}");
    let id = caller.ec2("CreateSecurityGroup", &form).ok().text("groupId");
    let rules: Vec<String> = ports
        .iter()
        .enumerate()
        .map(|(index, port)| {
            let item = format!("IpPermissions.{}", index + 1);
            format!(
                "{item}.IpProtocol=tcp&{item}.FromPort={port}&{item}.ToPort={port}\
                 &{item}.IpRanges.1.CidrIp=0.0.0.0/0"
            )
        })
        .collect();
    let form = format!("GroupId={id}&{}", rules.join("&"));
    caller.ec2("AuthorizeSecurityGroupIngress", &form).ok();
    id
}

pub(crate) fn template_form(name: &str, kind: &str, group: &str) -> String {
    format!(
        "LaunchTemplateName={name}&LaunchTemplateData.ImageId=ami-08c40ec9ead489470\
         &LaunchTemplateData.InstanceType={kind}&LaunchTemplateData.KeyName=vockey\
         &LaunchTemplateData.UserData={USER_DATA}&LaunchTemplateData.SecurityGroupId.1={group}"
    )
}

fn template(caller: &Caller, name: &str, kind: &str, group: &str) -> String {
    let form = template_form(name, kind, group);
    caller.ec2("CreateLaunchTemplate", &form).ok().text("launchTemplateId")
}

pub(crate) fn target_group_form(name: &str, vpc: &str) -> String {
    format!(
        "Name={name}&Protocol=HTTP&Port=80&VpcId={vpc}&HealthCheckPath=/\
         &HealthCheckIntervalSeconds=10&HealthyThresholdCount=2&UnhealthyThresholdCount=2"
    )
}

fn target_group(caller: &Caller, name: &str, vpc: &str) -> String {
    let arn =
        caller.elb("CreateTargetGroup", &target_group_form(name, vpc)).ok().text("TargetGroupArn");
    let form = format!(
        "TargetGroupArn={arn}&Attributes.member.1.Key=deregistration_delay.timeout_seconds\
         &Attributes.member.1.Value=30"
    );
    caller.elb("ModifyTargetGroupAttributes", &form).ok();
    arn
}

pub(crate) fn listener_form(balancer: &str, groups: &[String; 2], one: u32, two: u32) -> String {
    let list = "DefaultActions.member.1.ForwardConfig.TargetGroups.member";
    format!(
        "LoadBalancerArn={balancer}&Protocol=HTTP&Port=80&DefaultActions.member.1.Type=forward\
         &{list}.1.TargetGroupArn={}&{list}.1.Weight={one}\
         &{list}.2.TargetGroupArn={}&{list}.2.Weight={two}",
        groups[0], groups[1]
    )
}

pub(crate) fn rule_form(listener: &str, priority: u32, path: &str, group: &str) -> String {
    format!(
        "ListenerArn={listener}&Priority={priority}&Conditions.member.1.Field=path-pattern\
         &Conditions.member.1.PathPatternConfig.Values.member.1={path}\
         &Actions.member.1.Type=forward&Actions.member.1.TargetGroupArn={group}"
    )
}

fn rule(caller: &Caller, listener: &str, priority: u32, path: &str, group: &str) -> String {
    caller.elb("CreateRule", &rule_form(listener, priority, path, group)).ok().text("RuleArn")
}
