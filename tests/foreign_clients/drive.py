"""Drives the endpoint of the environment with a foreign client: `drive.py CLIENT SCENE`.

What was seen is printed as one line of JSON; what is wrong ends the script with a traceback.
"""

import json
import sys
import urllib.error
import urllib.request

import by_hand
import teeth
from answers import Answers
from clients import AwsCli, Boto3, Refused
from stack import Stack, permission, until

CLIENTS = {"boto3": Boto3, "aws-cli": AwsCli}
ABSENT = "arn:aws:elasticloadbalancing:us-east-1:000000000000"

# Lists in pages: service, operation, entries on a page, key of the list.
PAGED = (
    ("ec2", "describe_subnets", 5, "Subnets"),
    ("ec2", "describe_security_groups", 5, "SecurityGroups"),
    ("ec2", "describe_launch_templates", 1, "LaunchTemplates"),
    ("ec2", "describe_instances", 5, "Reservations"),
    ("ec2", "describe_network_interfaces", 5, "NetworkInterfaces"),
    ("elbv2", "describe_target_groups", 1, "TargetGroups"),
    ("elbv2", "describe_load_balancers", 1, "LoadBalancers"),
    ("autoscaling", "describe_auto_scaling_groups", 1, "AutoScalingGroups"),
    ("autoscaling", "describe_auto_scaling_instances", 4, "AutoScalingInstances"),
    ("autoscaling", "describe_scaling_activities", 2, "Activities"),
    ("autoscaling", "describe_tags", 1, "Tags"),
)


def refusals(stack):
    """Lists calls on a deployed stack with the error that AWS documents for each."""
    call, target_group = stack.call, stack.target_groups[0]
    one_more = {"GroupName": "LAB1-Instances", "Description": "lab1", "VpcId": stack.vpc}
    again = {"GroupId": stack.instance_group, "IpPermissions": [permission(80)]}
    other_balancer = {"Name": "other", "Protocol": "HTTP", "Port": 80, "VpcId": stack.vpc}
    return {
        "InvalidGroup.Duplicate": lambda: call("ec2", "create_security_group", **one_more),
        "InvalidPermission.Duplicate": lambda: call(
            "ec2", "authorize_security_group_ingress", **again
        ),
        "InvalidLaunchTemplateName.AlreadyExistsException": lambda: stack.template(
            1, ClientToken="another"
        ),
        "IdempotentParameterMismatch": lambda: stack.template(1, LaunchTemplateName="another"),
        "DuplicateTargetGroupName": lambda: stack.target_group(1, Port=81),
        "DuplicateLoadBalancerName": lambda: stack.load_balancer(Scheme="internal"),
        "DuplicateListener": lambda: stack.add_listener(weights=(1, 2)),
        "PriorityInUse": lambda: stack.rule(1, priority=2),
        "AlreadyExists": lambda: stack.group(1),
        "ResourceInUse": lambda: call("elbv2", "delete_target_group", TargetGroupArn=target_group),
        "ResourceInUse (group)": lambda: call(
            "autoscaling", "delete_auto_scaling_group", AutoScalingGroupName="group1"
        ),
        "DependencyViolation": lambda: call(
            "ec2", "delete_security_group", GroupId=stack.instance_group
        ),
        "InvalidGroup.NotFound": lambda: call(
            "ec2", "describe_security_groups", GroupIds=["sg-00000000000000000"]
        ),
        "InvalidGroupId.Malformed": lambda: call(
            "ec2", "describe_security_groups", GroupIds=["no-group"]
        ),
        "InvalidLaunchTemplateName.NotFoundException": lambda: call(
            "ec2", "describe_launch_templates", LaunchTemplateNames=["absent"]
        ),
        "InvalidInstanceID.NotFound": lambda: call(
            "ec2", "terminate_instances", InstanceIds=["i-00000000000000000"]
        ),
        "TargetGroupNotFound": lambda: call("elbv2", "describe_target_groups", Names=["absent"]),
        "TargetGroupNotFound (tags)": lambda: call(
            "elbv2",
            "describe_tags",
            ResourceArns=[target_group, f"{ABSENT}:targetgroup/absent/0123456789abcdef"],
        ),
        "LoadBalancerNotFound": lambda: call("elbv2", "describe_load_balancers", Names=["absent"]),
        "ValidationError": lambda: call(
            "autoscaling", "set_desired_capacity", AutoScalingGroupName="group1", DesiredCapacity=6
        ),
        "InvalidParameterValue": lambda: call(
            "ec2", "describe_vpcs", Filters=[{"Name": "no-such-filter", "Values": ["x"]}]
        ),
    }


def see_refusals(stack):
    """Insists on each documented error."""
    seen = []
    for expected, call in refusals(stack).items():
        code = expected.split(" ")[0]
        try:
            answer = call()
        except Refused as refusal:
            assert refusal.code == code, f"{expected}: {refusal}"
            seen.append(code)
        else:
            raise AssertionError(f"{expected}: no error but {answer}")
    return seen


def repeat_creations(stack):
    """Insists that the creations which are idempotent on AWS give the same thing again."""
    assert stack.template(1) == stack.templates[0]
    assert stack.target_group(1) == stack.target_groups[0]
    assert stack.load_balancer() == stack.balancer
    assert stack.add_listener(weights=(1, 1)) == stack.listener


def page_through(stack, answers):
    """Reads each list in pages and at once, and insists on the same entries."""
    pages = {}
    for service, operation, size, key in PAGED:
        at_once = stack.call(service, operation)[key]
        before = answers.count
        in_pages = stack.client.whole_list(service, operation, size)[key]
        assert in_pages == at_once, f"{operation}: {in_pages} instead of {at_once}"
        needed = -(-len(at_once) // size)
        assert answers.count - before >= needed, f"{operation}: {len(at_once)} entries in one page"
        pages[operation] = answers.count - before
    rules = stack.client.whole_list("elbv2", "describe_rules", 1, ListenerArn=stack.listener)
    assert [rule["Priority"] for rule in rules["Rules"]] == ["1", "2", "default"], rules
    return pages


def send_traffic(stack):
    """Insists that each path reaches the instances, and that the balancer spreads them."""
    speakers = set()
    for path, text in (("/", "Healthy!"), ("/cluster1", "responding"), ("/cluster2", "responding")):
        for _ in range(10):
            with urllib.request.urlopen(f"http://{stack.host}{path}", timeout=10) as answer:
                body = answer.read().decode()
            assert text in body, f"{path}: {body}"
            speakers.add(body)
    assert len(speakers) == 1 + 9, speakers
    try:
        urllib.request.urlopen(f"http://{stack.host}/absent", timeout=10)
    except urllib.error.HTTPError as error:
        assert error.code == 404, error
    else:
        raise AssertionError("/absent is there")


def stack(client, answers):
    """Deploys the stack, does all that is refused or read, and takes the stack away."""
    it = Stack(client)
    before = it.account()
    it.deploy()
    send_traffic(it)
    repeat_creations(it)
    seen = see_refusals(it)
    pages = page_through(it, answers)
    by_hand.everything(it)
    it.remove()
    until(lambda: it.account() == before, "the account is as it was")
    return {"refusals": seen, "pages": pages, "waited_for": it.waited_for}


def throttling(client, answers):
    """Calls faster than the services allow, until each of them says so."""
    calls = {
        "RequestLimitExceeded": ("ec2", "describe_instances"),
        "Throttling": ("autoscaling", "describe_auto_scaling_groups"),
        "Throttling (balancing)": ("elbv2", "describe_target_groups"),
    }
    for expected, call in calls.items():
        try:
            for _ in range(1_000):
                client.call(*call)
        except Refused as refusal:
            assert refusal.code == expected.split(" ")[0], refusal
        else:
            raise AssertionError(f"{call} is never throttled")
    return {"refusals": list(calls)}


def stranger(client, answers):
    """Calls with a key that the cloud does not know, until each service has said so."""
    calls = {
        "AuthFailure": ("ec2", "describe_instances"),
        "InvalidClientTokenId": ("autoscaling", "describe_auto_scaling_groups"),
        "InvalidClientTokenId (balancing)": ("elbv2", "describe_target_groups"),
        "InvalidClientTokenId (tokens)": ("sts", "get_caller_identity"),
    }
    for expected, call in calls.items():
        try:
            client.call(*call)
        except Refused as refusal:
            assert refusal.code == expected.split(" ")[0], refusal
        else:
            raise AssertionError(f"{call} is answered")
    return {"refusals": list(calls)}


SCENES = {"stack": stack, "stranger": stranger, "throttling": throttling, "teeth": teeth.see}


def main():
    """Plays one scene with one client."""
    client, scene = sys.argv[1:]
    answers = Answers()
    seen = SCENES[scene](CLIENTS[client](answers), answers)
    seen |= {"answers": answers.count, "operations": sorted(answers.succeeded)}
    print(json.dumps(seen | {"deviations": answers.deviations}))


main()
