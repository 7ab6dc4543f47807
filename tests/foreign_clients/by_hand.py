"""What a person does beside a deployed stack: every other action that the cloud models."""

from clients import Refused
from stack import until

IMAGE = "ami-08c40ec9ead489470"


def everything(stack):
    """Makes every call that the deployment does not make; each must succeed."""
    look_around(stack)
    try_tags(stack)
    change_rules_of_groups(stack)
    change_templates(stack)
    change_balancing(stack)
    move_targets(stack)
    change_sizes(stack)
    attach_by_hand(stack)


def look_around(stack):
    """Reads what an account has, and what the stack has become."""
    call = stack.call
    assert call("sts", "get_caller_identity")["Account"] == "000000000000"
    for operation, key in (
        ("describe_account_attributes", "AccountAttributes"),
        ("describe_availability_zones", "AvailabilityZones"),
        ("describe_images", "Images"),
        ("describe_instance_status", "InstanceStatuses"),
        ("describe_instance_type_offerings", "InstanceTypeOfferings"),
        ("describe_instance_types", "InstanceTypes"),
        ("describe_internet_gateways", "InternetGateways"),
        ("describe_route_tables", "RouteTables"),
        ("describe_security_group_rules", "SecurityGroupRules"),
        ("describe_tags", "Tags"),
    ):
        # The image is deprecated: it is found by its id only, as on AWS.
        wanted = {"ImageIds": [IMAGE]} if operation == "describe_images" else {}
        assert call("ec2", operation, **wanted)[key], operation
    for attribute, key in (
        ("enableDnsSupport", "EnableDnsSupport"),
        ("enableDnsHostnames", "EnableDnsHostnames"),
    ):
        seen = call("ec2", "describe_vpc_attribute", VpcId=stack.vpc, Attribute=attribute)
        assert seen[key] == {"Value": True}, seen
    attributes = call("elbv2", "describe_listener_attributes", ListenerArn=stack.listener)
    assert attributes["Attributes"], attributes
    call("elbv2", "describe_capacity_reservation", LoadBalancerArn=stack.balancer)
    call("autoscaling", "disable_metrics_collection", AutoScalingGroupName="group1")
    limits = call("elbv2", "describe_account_limits")["Limits"]
    assert {"Name": "target-groups", "Max": "3000"} in limits, limits
    limits = call("autoscaling", "describe_account_limits")
    assert limits["NumberOfAutoScalingGroups"] == 2, limits
    attached = call(
        "autoscaling", "describe_load_balancer_target_groups", AutoScalingGroupName="group1"
    )
    assert attached["LoadBalancerTargetGroups"][0]["State"] == "InService", attached


def try_tags(stack):
    """Adds, reads and takes away a tag in each of the services, and a key pair that has one."""
    call = stack.call
    tag = {"Key": "owner", "Value": "me"}
    specification = {"ResourceType": "key-pair", "Tags": [tag]}
    call("ec2", "create_key_pair", KeyName="mine", TagSpecifications=[specification])
    seen = stack.patiently(
        {"InvalidKeyPair.NotFound"}, "ec2", "describe_key_pairs", KeyNames=["mine"]
    )
    assert seen["KeyPairs"][0]["Tags"] == [tag], seen
    call("ec2", "delete_key_pair", KeyName="mine")

    call("ec2", "create_tags", Resources=[stack.instance_group], Tags=[tag])
    call("ec2", "delete_tags", Resources=[stack.instance_group], Tags=[{"Key": "owner"}])
    call("elbv2", "add_tags", ResourceArns=[stack.balancer], Tags=[tag])
    seen = call("elbv2", "describe_tags", ResourceArns=[stack.balancer])["TagDescriptions"]
    assert seen == [{"ResourceArn": stack.balancer, "Tags": [tag]}], seen
    call("elbv2", "remove_tags", ResourceArns=[stack.balancer], TagKeys=["owner"])

    of_group = {"ResourceId": "group1", "ResourceType": "auto-scaling-group"} | tag
    call("autoscaling", "create_or_update_tags", Tags=[of_group | {"PropagateAtLaunch": False}])
    call("autoscaling", "delete_tags", Tags=[of_group])


def change_rules_of_groups(stack):
    """Adds and revokes rules in both directions."""
    ranges = [{"CidrIp": "10.0.0.0/8"}]
    rules = [{"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080, "IpRanges": ranges}]
    for direction in ("ingress", "egress"):
        for verb in ("authorize", "revoke"):
            operation = f"{verb}_security_group_{direction}"
            stack.call("ec2", operation, GroupId=stack.instance_group, IpPermissions=rules)


def change_templates(stack):
    """Makes a second version the default one, goes back, and deletes it."""
    of = {"LaunchTemplateId": stack.templates[0]}
    data = {"ImageId": IMAGE, "InstanceType": "t2.micro"}
    stack.call("ec2", "create_launch_template_version", **of, LaunchTemplateData=data)
    seen = stack.call("ec2", "describe_launch_template_versions", **of)["LaunchTemplateVersions"]
    assert sorted(it["VersionNumber"] for it in seen) == [1, 2], seen
    for version in ("2", "1"):
        stack.call("ec2", "modify_launch_template", **of, DefaultVersion=version)
    stack.call("ec2", "delete_launch_template_versions", **of, Versions=["2"])


def change_balancing(stack):
    """Changes the listener, its rules, the target groups and their attributes."""
    call = stack.call
    first, second = stack.rules
    swapped = [{"RuleArn": first, "Priority": 2}, {"RuleArn": second, "Priority": 1}]
    call("elbv2", "set_rule_priorities", RulePriorities=swapped)
    back = [{"RuleArn": first, "Priority": 1}, {"RuleArn": second, "Priority": 2}]
    call("elbv2", "set_rule_priorities", RulePriorities=back)
    seen = call("elbv2", "describe_rules", RuleArns=[first])["Rules"][0]
    call("elbv2", "modify_rule", RuleArn=first, Actions=seen["Actions"])
    seen = call("elbv2", "describe_listeners", ListenerArns=[stack.listener])["Listeners"][0]
    actions = seen["DefaultActions"]
    call("elbv2", "modify_listener", ListenerArn=stack.listener, DefaultActions=actions)

    group = {"TargetGroupArn": stack.target_groups[0]}
    call("elbv2", "modify_target_group", **group, HealthCheckIntervalSeconds=10)
    delay = [{"Key": "deregistration_delay.timeout_seconds", "Value": "30"}]
    call("elbv2", "modify_target_group_attributes", **group, Attributes=delay)
    seen = call("elbv2", "describe_target_group_attributes", **group)["Attributes"]
    assert delay[0] in seen, seen

    balancer = {"LoadBalancerArn": stack.balancer}
    idle = [{"Key": "idle_timeout.timeout_seconds", "Value": "61"}]
    call("elbv2", "modify_load_balancer_attributes", **balancer, Attributes=idle)
    seen = call("elbv2", "describe_load_balancer_attributes", **balancer)["Attributes"]
    assert idle[0] in seen, seen


def move_targets(stack):
    """Takes an instance out of its target group, and puts it back; the same with a whole group."""
    call, arn = stack.call, stack.target_groups[0]
    targets = {"TargetGroupArn": arn, "Targets": [{"Id": members(stack, "group1")[0]}]}
    call("elbv2", "deregister_targets", **targets)
    until(lambda: stack.healthy()[0] == 4, "the target is taken out")
    call("elbv2", "register_targets", **targets)
    until(lambda: stack.healthy() == [5, 4], "the target is healthy again")
    attachment = {"AutoScalingGroupName": "group1", "TargetGroupARNs": [arn]}
    call("autoscaling", "detach_load_balancer_target_groups", **attachment)
    until(lambda: stack.healthy()[0] == 0, "the group is detached")
    call("autoscaling", "attach_load_balancer_target_groups", **attachment)
    until(lambda: stack.healthy() == [5, 4], "the group is attached again")


def change_sizes(stack):
    """Shrinks and grows a group, and ends instances in both ways; the group replaces what it lost."""
    call, group = stack.call, {"AutoScalingGroupName": "group1"}
    call("autoscaling", "set_desired_capacity", **group, DesiredCapacity=4)
    until(lambda: stack.healthy() == [4, 4], "the group has shrunk")
    call("autoscaling", "update_auto_scaling_group", **group, DesiredCapacity=5)
    until(lambda: stack.healthy() == [5, 4], "the group has grown")
    first, second, *_ = members(stack, "group1")
    call("ec2", "terminate_instances", InstanceIds=[first])
    call(
        "autoscaling",
        "terminate_instance_in_auto_scaling_group",
        InstanceId=second,
        ShouldDecrementDesiredCapacity=False,
    )
    gone = lambda: not {first, second} & set(members(stack, "group1"))
    until(lambda: gone() and stack.healthy() == [5, 4], "both are replaced")


def attach_by_hand(stack):
    """Puts an instance that no group has started into a group, takes it out, and ends it."""
    call, group = stack.call, {"AutoScalingGroupName": "group2"}
    template = {"LaunchTemplateId": stack.templates[1], "Version": "1"}
    started = call(
        "ec2",
        "run_instances",
        LaunchTemplate=template,
        MinCount=1,
        MaxCount=1,
        SubnetId=stack.subnets[1],
    )
    mine = [started["Instances"][0]["InstanceId"]]

    def attached():
        try:
            call("autoscaling", "attach_instances", **group, InstanceIds=mine)
        except Refused as refusal:
            assert refusal.code == "ValidationError", refusal
            return False
        return True

    until(attached, "the instance runs and is attached")
    until(lambda: stack.healthy() == [5, 5], "the instance is healthy")
    call(
        "autoscaling",
        "detach_instances",
        **group,
        InstanceIds=mine,
        ShouldDecrementDesiredCapacity=True,
    )
    until(lambda: stack.healthy() == [5, 4], "the instance is detached")
    call("ec2", "terminate_instances", InstanceIds=mine)


def members(stack, group):
    """Lists the instances of a group that are in service."""
    seen = stack.call(
        "autoscaling", "describe_auto_scaling_groups", AutoScalingGroupNames=[group]
    )
    instances = seen["AutoScalingGroups"][0]["Instances"]
    return sorted(it["InstanceId"] for it in instances if it["LifecycleState"] == "InService")
