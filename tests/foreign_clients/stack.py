"""The documented stack of two clusters, step by step, with any client.

Everything is tried again while the service says that it is not there yet, or not free yet: so it is on
AWS, where what was made is seen late, and what is deleted goes slowly.
"""

import base64
import time
from collections import Counter

from clients import Refused

PATIENCE_S = 60
LOOK_S = 0.02

NOT_SEEN_YET = {
    "InvalidGroup.NotFound",
    "InvalidLaunchTemplateName.NotFoundException",
    "ListenerNotFound",
    "LoadBalancerNotFound",
    "TargetGroupNotFound",
    "ValidationError",
}
NOT_FREE_YET = {"DependencyViolation", "ResourceInUse", "ScalingActivityInProgress"}

USER_DATA = base64.b64encode(b"#!/bin/sh\n").decode()
CLUSTERS = (("m4.large", "us-east-1a", 5), ("t2.large", "us-east-1b", 4))
LISTS = (
    ("ec2", "describe_key_pairs", "KeyPairs", "KeyName"),
    ("ec2", "describe_security_groups", "SecurityGroups", "GroupName"),
    ("ec2", "describe_launch_templates", "LaunchTemplates", "LaunchTemplateName"),
    ("ec2", "describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId"),
    ("ec2", "describe_volumes", "Volumes", "VolumeId"),
    ("elbv2", "describe_target_groups", "TargetGroups", "TargetGroupName"),
    ("elbv2", "describe_load_balancers", "LoadBalancers", "LoadBalancerName"),
    ("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups", "AutoScalingGroupName"),
)


def until(ready, what):
    """Waits until something is so."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := ready()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} does not come true")
        time.sleep(LOOK_S)
    return found


class Stack:
    """The stack in one account, and what was refused on the way."""

    def __init__(self, client):
        self.client = client
        self.call = client.call
        self.waited_for = Counter()

    def patiently(self, passing, service, operation, **params):
        """Calls again while the refusal is one that passes by itself."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                return self.call(service, operation, **params)
            except Refused as refusal:
                if refusal.code not in passing or time.monotonic() > deadline:
                    raise
                self.waited_for[refusal.code] += 1
                time.sleep(LOOK_S)

    def make(self, service, operation, **params):
        """Makes something out of things that may not be seen yet."""
        return self.patiently(NOT_SEEN_YET, service, operation, **params)

    def deploy(self):
        """Takes the eight steps."""
        self.vpc = self.call("ec2", "describe_vpcs")["Vpcs"][0]["VpcId"]
        self.subnets = [self.subnet_in(zone) for _, zone, _ in CLUSTERS]
        self.instance_group = self.security_group("lab1-instances", [22, 80, 443])
        self.templates = [self.template(number) for number in (1, 2)]
        self.target_groups = [self.target_group(number) for number in (1, 2)]
        self.balancer_group = self.security_group("lab1-load-balancer-sg", [80])
        self.balancer = self.load_balancer()
        self.listener = self.add_listener(weights=(1, 1))
        self.rules = [self.rule(number, priority=number) for number in (1, 2)]
        for number in (1, 2):
            self.group(number)
        self.wait_for_traffic()

    def subnet_in(self, zone):
        """Finds the default subnet of a zone."""
        wanted = [{"Name": "availability-zone", "Values": [zone]}]
        return self.call("ec2", "describe_subnets", Filters=wanted)["Subnets"][0]["SubnetId"]

    def security_group(self, name, ports):
        """Makes a security group that lets the ports in."""
        made = self.call(
            "ec2", "create_security_group", GroupName=name, Description="lab1", VpcId=self.vpc
        )
        permissions = [permission(port) for port in ports]
        self.make(
            "ec2",
            "authorize_security_group_ingress",
            GroupId=made["GroupId"],
            IpPermissions=permissions,
        )
        return made["GroupId"]

    def template(self, number, **changes):
        """Makes the launch template of a cluster."""
        instance_type = CLUSTERS[number - 1][0]
        data = {
            "ImageId": "ami-08c40ec9ead489470",
            "InstanceType": instance_type,
            "KeyName": "vockey",
            "SecurityGroupIds": [self.instance_group],
            "UserData": USER_DATA,
            "MetadataOptions": {"HttpTokens": "required"},
        }
        request = {
            "LaunchTemplateName": f"lab1-template-{number}",
            "LaunchTemplateData": data,
            "ClientToken": f"token-{number}",
        }
        made = self.call("ec2", "create_launch_template", **request | changes)
        return made["LaunchTemplate"]["LaunchTemplateId"]

    def target_group(self, number, **changes):
        """Makes the target group of a cluster."""
        request = {
            "Name": f"target-group-{number}",
            "Protocol": "HTTP",
            "Port": 80,
            "VpcId": self.vpc,
            "HealthCheckPath": "/",
            "HealthCheckIntervalSeconds": 10,
            "HealthyThresholdCount": 2,
            "UnhealthyThresholdCount": 2,
            "Tags": [{"Key": "cluster", "Value": str(number)}],
        }
        made = self.call("elbv2", "create_target_group", **request | changes)
        return made["TargetGroups"][0]["TargetGroupArn"]

    def load_balancer(self, **changes):
        """Makes the load balancer."""
        request = {
            "Name": "lab1-load-balancer",
            "Subnets": self.subnets,
            "SecurityGroups": [self.balancer_group],
        }
        made = self.make("elbv2", "create_load_balancer", **request | changes)
        return made["LoadBalancers"][0]["LoadBalancerArn"]

    def add_listener(self, weights, **changes):
        """Makes a listener that spreads over both clusters."""
        spread = [
            {"TargetGroupArn": arn, "Weight": weight}
            for arn, weight in zip(self.target_groups, weights)
        ]
        request = {
            "LoadBalancerArn": self.balancer,
            "Protocol": "HTTP",
            "Port": 80,
            "DefaultActions": [{"Type": "forward", "ForwardConfig": {"TargetGroups": spread}}],
        }
        made = self.make("elbv2", "create_listener", **request | changes)
        return made["Listeners"][0]["ListenerArn"]

    def rule(self, number, priority):
        """Makes the rule that sends a path to its cluster."""
        made = self.make(
            "elbv2",
            "create_rule",
            ListenerArn=self.listener,
            Priority=priority,
            Conditions=[{"Field": "path-pattern", "Values": [f"/cluster{number}"]}],
            Actions=[{"Type": "forward", "TargetGroupArn": self.target_groups[number - 1]}],
        )
        return made["Rules"][0]["RuleArn"]

    def group(self, number):
        """Makes the Auto Scaling group of a cluster."""
        _, zone, size = CLUSTERS[number - 1]
        self.make(
            "autoscaling",
            "create_auto_scaling_group",
            AutoScalingGroupName=f"group{number}",
            LaunchTemplate={"LaunchTemplateId": self.templates[number - 1], "Version": "1"},
            MinSize=4,
            MaxSize=5,
            DesiredCapacity=size,
            VPCZoneIdentifier=self.subnets[number - 1],
            TargetGroupARNs=[self.target_groups[number - 1]],
            Tags=[{"Key": "cluster", "Value": str(number), "PropagateAtLaunch": True}],
        )

    def wait_for_traffic(self):
        """Waits for the balancer and for nine healthy targets."""

        def is_active():
            seen = self.make("elbv2", "describe_load_balancers", LoadBalancerArns=[self.balancer])
            self.host = seen["LoadBalancers"][0]["DNSName"]
            return seen["LoadBalancers"][0]["State"]["Code"] == "active"

        until(is_active, "the load balancer is active")
        until(lambda: self.healthy() == [5, 4], "all targets are healthy")

    def healthy(self):
        """Counts the healthy targets of each cluster."""
        counts = []
        for arn in self.target_groups:
            seen = self.call("elbv2", "describe_target_health", TargetGroupArn=arn)
            states = [it["TargetHealth"]["State"] for it in seen["TargetHealthDescriptions"]]
            counts.append(states.count("healthy"))
        return counts

    def remove(self):
        """Takes everything away, each thing as soon as what uses it is gone."""
        away = lambda *call, **params: self.patiently(NOT_FREE_YET, *call, **params)
        for number in (1, 2):
            name = f"group{number}"
            away("autoscaling", "delete_auto_scaling_group", AutoScalingGroupName=name, ForceDelete=True)
        for rule in self.rules:
            away("elbv2", "delete_rule", RuleArn=rule)
        away("elbv2", "delete_listener", ListenerArn=self.listener)
        away("elbv2", "delete_load_balancer", LoadBalancerArn=self.balancer)
        for arn in self.target_groups:
            away("elbv2", "delete_target_group", TargetGroupArn=arn)
        for template in self.templates:
            away("ec2", "delete_launch_template", LaunchTemplateId=template)
        for group in (self.instance_group, self.balancer_group):
            away("ec2", "delete_security_group", GroupId=group)

    def account(self):
        """Names everything in the account that outlives its deletion by no more than a moment."""
        account = {}
        for service, operation, key, name in LISTS:
            account[operation] = sorted(it[name] for it in self.call(service, operation)[key])
        reservations = self.call("ec2", "describe_instances")["Reservations"]
        instances = [it for reservation in reservations for it in reservation["Instances"]]
        alive = [it for it in instances if it["State"]["Name"] != "terminated"]
        account["describe_instances"] = sorted(it["InstanceId"] for it in alive)
        return account


def permission(port):
    """Lets everybody in on a port."""
    ranges = [{"CidrIp": "0.0.0.0/0"}]
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": ranges}
