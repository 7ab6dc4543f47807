"""Limits that the documentation states and the official models leave out."""

import base64
import re

USER_DATA_BYTES_MAX = 16384
TOKEN_CHARACTERS_MAX = 64
ARNS_MAX = 20
TARGET_GROUPS_MAX = 5
TAGS_IN_A_CALL_MAX = 25
FILTER_VALUES_MAX = 200

# A name, by operation and parameter.
NAMES = {
    ("CreateLaunchTemplate", "LaunchTemplateName"): r"[a-zA-Z0-9().\-/_]{3,128}",
    ("CreateSecurityGroup", "GroupName"): r"(?!sg-)[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{1,255}",
    ("CreateSecurityGroup", "Description"): r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{1,255}",
    ("CreateTargetGroup", "Name"): r"(?!-)[a-zA-Z0-9-]{1,32}(?<!-)",
    ("CreateLoadBalancer", "Name"): r"(?!-|internal-)[a-zA-Z0-9-]{1,32}(?<!-)",
    ("CreateAutoScalingGroup", "AutoScalingGroupName"): r"[!-9;-~]{1,255}",
    ("CreateAutoScalingGroup", "VPCZoneIdentifier"): r"subnet-[0-9a-f]+(,subnet-[0-9a-f]+)*",
    ("CreateRule", "Conditions[].PathPatternConfig.Values[]"): r"[A-Za-z0-9_.$/~\"'@:+&*?-]{1,128}",
}

# A tag's key and value; the services differ in the letters that they allow.
EC2_TAG = (r"(?!aws:).{1,127}", r".{0,256}")
BALANCER_TAG = (r"(?!aws:)[\w .:/=+@-]{1,128}", r"[\w .:/=+@-]{0,256}")
GROUP_TAG = (r"(?!aws:).{1,128}", r".{0,256}")


def beyond_limits(operation, params, values):
    """Says which documented limits a request breaks; `values` are its values with shape and path."""
    for _, value, path in values:
        pattern = NAMES.get((operation, path))
        if pattern and not re.fullmatch(pattern, value):
            yield f"{path}={value!r:.60}: not a name that is allowed"
        leaf = path.rpartition(".")[2]
        if leaf == "ClientToken" and not re.fullmatch(rf"[!-~]{{1,{TOKEN_CHARACTERS_MAX}}}", value):
            yield f"{path}={value!r:.60}: not a token of at most {TOKEN_CHARACTERS_MAX} characters"
        if leaf == "UserData":
            yield from user_data(path, value)
        if leaf in ("ResourceArns", "LoadBalancerArns") and len(value) > ARNS_MAX:
            yield f"{path}: {len(value)} ARNs, at most {ARNS_MAX} are allowed"
        if path == "Filters[].Values" and not 1 <= len(value) <= FILTER_VALUES_MAX:
            yield f"{path}: {len(value)} values in one filter"
    yield from tags(operation, values)
    yield from SPECIAL.get(operation, lambda params: ())(params)


def user_data(path, text):
    """The limit is on the bytes before the encoding."""
    try:
        size = len(base64.b64decode(text, validate=True))
    except ValueError:
        yield f"{path}: not base64"
        return
    if size > USER_DATA_BYTES_MAX:
        yield f"{path}: {size} bytes, at most {USER_DATA_BYTES_MAX} are allowed"


def tags(operation, values):
    """Every tag of a request, wherever it stands."""
    for shape, value, path in values:
        if shape.type_name != "structure" or not path.endswith("Tags[]"):
            continue
        if operation == "CreateAutoScalingGroup":
            key, text = GROUP_TAG
        elif path == "Tags[]":
            key, text = BALANCER_TAG
        else:
            key, text = EC2_TAG
        fits = re.fullmatch(key, value["Key"]) and re.fullmatch(text, value.get("Value", ""))
        if not fits:
            yield f"{path}={value!r:.100}: not a tag that is allowed"


def sizes(params):
    """A group's sizes are in order, and one call carries at most so many tags."""
    least, most = params["MinSize"], params["MaxSize"]
    if not least <= params.get("DesiredCapacity", least) <= most:
        yield f"DesiredCapacity {params['DesiredCapacity']} is not within {least} and {most}"
    if len(params.get("Tags", [])) > TAGS_IN_A_CALL_MAX:
        yield f"Tags: {len(params['Tags'])} in one call"
    launches = ("LaunchTemplate", "LaunchConfigurationName", "InstanceId", "MixedInstancesPolicy")
    if sum(source in params for source in launches) != 1:
        yield "a group is launched from exactly one source"


def two_subnets(params):
    """An application load balancer stands in two subnets at least."""
    if len(params.get("Subnets", [])) < 2:
        yield "Subnets: fewer than two"


def forwards(actions):
    """A forward names its groups in one place, with a weight each when there are several."""
    for action in actions:
        groups = action.get("ForwardConfig", {}).get("TargetGroups", [])
        if len(groups) > TARGET_GROUPS_MAX:
            yield f"ForwardConfig: {len(groups)} target groups"
        if len(groups) > 1 and any("Weight" not in group for group in groups):
            yield "ForwardConfig: several target groups, and one has no weight"
        if any(not 0 <= group.get("Weight", 0) <= 999 for group in groups):
            yield "ForwardConfig: a weight is not within 0 and 999"
        if "TargetGroupArn" in action and groups not in ([], [{"TargetGroupArn": action["TargetGroupArn"]}]):
            yield "ForwardConfig: differs from TargetGroupArn"


def balanced_listener(params):
    """A listener of an application load balancer has a port and a protocol."""
    yield from forwards(params["DefaultActions"])
    if "Port" not in params or params.get("Protocol") not in ("HTTP", "HTTPS"):
        yield "a listener needs a port, and HTTP or HTTPS"


def instance_targets(params):
    """Targets that are instances need a place to listen."""
    missing = {"Protocol", "Port", "VpcId"} - params.keys()
    if params.get("TargetType", "instance") == "instance" and missing:
        yield f"missing for targets that are instances: {sorted(missing)}"


def delays(params):
    """The attributes of a target group are texts, with limits that only the guide states."""
    for attribute in params["Attributes"]:
        key, text = attribute["Key"], attribute["Value"]
        if key == "deregistration_delay.timeout_seconds" and not 0 <= int(text) <= 3600:
            yield f"{key}={text}: not within 0 and 3600"


def one_kind_of_name(params):
    """A template is named by its id or by its name, not by both."""
    if ("LaunchTemplateId" in params) == ("LaunchTemplateName" in params):
        yield "a launch template is named by its id or by its name"


def ids_or_pages(params):
    """A page size does not go with a list of ids."""
    if "MaxResults" in params and "InstanceIds" in params:
        yield "MaxResults does not go with InstanceIds"


SPECIAL = {
    "CreateAutoScalingGroup": sizes,
    "CreateLoadBalancer": two_subnets,
    "CreateListener": balanced_listener,
    "CreateRule": lambda params: forwards(params["Actions"]),
    "CreateTargetGroup": instance_targets,
    "ModifyTargetGroupAttributes": delays,
    "DeleteLaunchTemplate": one_kind_of_name,
    "DescribeInstances": ids_or_pages,
}
