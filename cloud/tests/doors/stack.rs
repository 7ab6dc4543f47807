//! The documented stack, made by the plainest calls that make it.

use std::collections::BTreeSet;

use crate::world::{Opened, all, becomes, first, get};

const ELB: &str = "elasticloadbalancing";

/// Any script: without user data an instance runs no application, and nothing answers on it.
const USER_DATA: &str = "IyEvYmluL3NoCg==";

/// A load balancer of a test.
pub(crate) struct Balancer {
    pub(crate) arn: String,
    pub(crate) host: String,
    pub(crate) security_group: String,
    subnets: [String; 2],
    vpc: String,
}

impl Balancer {
    /// Makes a balancer in two zones that admits port 80 from anywhere.
    pub(crate) async fn create(world: &Opened) -> Self {
        let vpc = first(&world.call("ec2", "DescribeVpcs", &[]).await, "vpcId");
        let mut subnets = [String::new(), String::new()];
        for (subnet, zone) in subnets.iter_mut().zip(["us-east-1a", "us-east-1b"]) {
            let filter = [("Filter.1.Name", "availability-zone"), ("Filter.1.Value.1", zone)];
            *subnet = first(&world.call("ec2", "DescribeSubnets", &filter).await, "subnetId");
        }
        let security_group = open_security_group(world, "balancer").await;
        let made = world
            .call(
                ELB,
                "CreateLoadBalancer",
                &[
                    ("Name", "lab1-load-balancer"),
                    ("Subnets.member.1", &subnets[0]),
                    ("Subnets.member.2", &subnets[1]),
                    ("SecurityGroups.member.1", &security_group),
                ],
            )
            .await;
        Self {
            arn: first(&made, "LoadBalancerArn"),
            host: first(&made, "DNSName"),
            security_group,
            subnets,
            vpc,
        }
    }

    /// Gives it a listener whose only group has no target.
    pub(crate) async fn listen(&self, world: &Opened) {
        let group = self.target_group(world, "empty").await;
        self.listener(world, &[&group]).await;
    }

    /// Reads one element of what the API shows of it.
    pub(crate) async fn shown(&self, world: &Opened, element: &str) -> String {
        let by_arn = [("LoadBalancerArns.member.1", self.arn.as_str())];
        first(&world.call(ELB, "DescribeLoadBalancers", &by_arn).await, element)
    }

    /// Asks until each instance of a group, and no other, has answered; returns their ids.
    pub(crate) async fn answers_from(
        &self,
        world: &Opened,
        path: &str,
        group: &str,
        count: usize,
    ) -> BTreeSet<String> {
        becomes(async || instances_of(world, group).await.len() == count).await;
        becomes(async || {
            let expected = instances_of(world, group).await;
            let mut answered = BTreeSet::new();
            for _ in 0..count {
                match get(&self.host, path).await {
                    Ok((200, text)) => answered.extend(text.split(' ').nth(1).map(str::to_owned)),
                    Ok(_) | Err(_) => return false,
                }
            }
            answered == expected
        })
        .await;
        instances_of(world, group).await
    }

    async fn target_group(&self, world: &Opened, name: &str) -> String {
        let made = world
            .call(
                ELB,
                "CreateTargetGroup",
                &[
                    ("Name", name),
                    ("Protocol", "HTTP"),
                    ("Port", "80"),
                    ("VpcId", &self.vpc),
                    ("HealthCheckIntervalSeconds", "10"),
                    ("HealthyThresholdCount", "2"),
                ],
            )
            .await;
        first(&made, "TargetGroupArn")
    }

    /// Listens on port 80 and shares requests equally between the groups.
    async fn listener(&self, world: &Opened, target_groups: &[&str]) -> String {
        let shares: Vec<_> = target_groups
            .iter()
            .zip(1..)
            .flat_map(|(arn, number)| {
                let prefix =
                    format!("DefaultActions.member.1.ForwardConfig.TargetGroups.member.{number}");
                [
                    (format!("{prefix}.TargetGroupArn"), (*arn).to_owned()),
                    (format!("{prefix}.Weight"), "1".to_owned()),
                ]
            })
            .collect();
        let mut parameters = vec![
            ("LoadBalancerArn", self.arn.as_str()),
            ("Protocol", "HTTP"),
            ("Port", "80"),
            ("DefaultActions.member.1.Type", "forward"),
        ];
        parameters.extend(shares.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        first(&world.call(ELB, "CreateListener", &parameters).await, "ListenerArn")
    }
}

/// Makes the two clusters with their groups, rules and balancer.
pub(crate) async fn deploy(world: &Opened, first_count: u32, second_count: u32) -> Balancer {
    let instances = open_security_group(world, "instances").await;
    let balancer = Balancer::create(world).await;
    let target_groups = [
        balancer.target_group(world, "target-group-1").await,
        balancer.target_group(world, "target-group-2").await,
    ];
    let listener = balancer.listener(world, &[&target_groups[0], &target_groups[1]]).await;
    for (index, count) in [first_count, second_count].into_iter().enumerate() {
        let number = (index + 1).to_string();
        world
            .call(
                ELB,
                "CreateRule",
                &[
                    ("ListenerArn", &listener),
                    ("Priority", &number),
                    ("Conditions.member.1.Field", "path-pattern"),
                    (
                        "Conditions.member.1.PathPatternConfig.Values.member.1",
                        &format!("/cluster{number}"),
                    ),
                    ("Actions.member.1.Type", "forward"),
                    ("Actions.member.1.TargetGroupArn", &target_groups[index]),
                ],
            )
            .await;
        let template = format!("template-{number}");
        world
            .call(
                "ec2",
                "CreateLaunchTemplate",
                &[
                    ("LaunchTemplateName", &template),
                    ("LaunchTemplateData.ImageId", "ami-08c40ec9ead489470"),
                    ("LaunchTemplateData.InstanceType", "t2.large"),
                    ("LaunchTemplateData.SecurityGroupId.1", &instances),
                    ("LaunchTemplateData.UserData", USER_DATA),
                ],
            )
            .await;
        let group = format!("group{number}");
        let size = count.to_string();
        world
            .call(
                "autoscaling",
                "CreateAutoScalingGroup",
                &[
                    ("AutoScalingGroupName", &group),
                    ("LaunchTemplate.LaunchTemplateName", &template),
                    ("LaunchTemplate.Version", "1"),
                    ("MinSize", &size),
                    ("MaxSize", &size),
                    ("VPCZoneIdentifier", &balancer.subnets[index]),
                    ("TargetGroupARNs.member.1", &target_groups[index]),
                ],
            )
            .await;
    }
    balancer
}

/// Lists the instances that a group counts as in service.
pub(crate) async fn instances_of(world: &Opened, group: &str) -> BTreeSet<String> {
    let by_name = [("AutoScalingGroupNames.member.1", group)];
    let described = world.call("autoscaling", "DescribeAutoScalingGroups", &by_name).await;
    let instances = first(&described, "Instances");
    let members = instances.split("<member>").filter(|m| m.contains(">InService<"));
    members.map(|member| all(member, "InstanceId").concat()).collect()
}

/// Makes a security group that admits HTTP from anywhere.
async fn open_security_group(world: &Opened, name: &str) -> String {
    let described = [("GroupName", name), ("GroupDescription", name)];
    let id = first(&world.call("ec2", "CreateSecurityGroup", &described).await, "groupId");
    world
        .call(
            "ec2",
            "AuthorizeSecurityGroupIngress",
            &[
                ("GroupId", &id),
                ("IpPermissions.1.IpProtocol", "tcp"),
                ("IpPermissions.1.FromPort", "80"),
                ("IpPermissions.1.ToPort", "80"),
                ("IpPermissions.1.IpRanges.1.CidrIp", "0.0.0.0/0"),
            ],
        )
        .await;
    id
}
