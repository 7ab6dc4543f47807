"""Shows that the comparison with the service models finds what it is there to find."""

import by_hand
from answers import Answers
from clients import Refused
from stack import Stack, until

# What is done to a good answer: call, what is replaced, by what, and how the complaint ends.
SPOILT = (
    ("groups", b"<MinSize>", b"<MinimumSize>", "unknown element MinimumSize"),
    ("groups", b"<MinSize>1</MinSize>", b"", "MinSize is missing"),
    ("groups", b"<MinSize>1<", b"<MinSize>one<", "'one': not a integer"),
    ("groups", b"</MinSize>", b"</MinSize><MaxSize>2</MaxSize>", "MaxSize: is there twice"),
    ("groups", b"autoscaling.amazonaws.com", b"autoscaling.example", "the namespace is"),
    ("groups", b"DescribeAutoScalingGroupsResult", b"Result", "['Result', 'ResponseMetadata']"),
    ("groups", b"<RequestId>", b"<RequestId", "column"),
    ("templates", b"<item>", b"<member>", "member in a list of item"),
    ("templates", b"</requestId>", b"</requestId><extra/>", "unknown element extra"),
    ("templates", b"<createTime>", b"<createTime>not ", "not a timestamp"),
    ("zones", b">available<", b">open<", "'open': not in the enumeration"),
    ("absent", b"TargetGroupNotFound", b"NotFound", "NotFound with status 400"),
)


def see(client, answers):
    """Spoils real answers in each way, and insists on one complaint each."""
    data = {"ImageId": by_hand.IMAGE, "InstanceType": "t2.micro"}
    named = {"LaunchTemplateName": "spoilt"}
    client.call("ec2", "create_launch_template", **named, LaunchTemplateData=data)
    Stack(client).make(
        "autoscaling",
        "create_auto_scaling_group",
        AutoScalingGroupName="g",
        MinSize=1,
        MaxSize=2,
        LaunchTemplate=named,
        AvailabilityZones=["us-east-1a"],
    )
    good = {}
    for name, call in {
        "groups": ("autoscaling", "describe_auto_scaling_groups"),
        "templates": ("ec2", "describe_launch_templates"),
        "zones": ("ec2", "describe_availability_zones"),
    }.items():
        until(lambda: any(client.call(*call).values()), f"{name} are seen")
        good[name] = answers.last
    try:
        client.call("elbv2", "describe_target_groups", Names=["absent"])
    except Refused:
        good["absent"] = answers.last
    for name, old, new, complaint in SPOILT:
        service, operation, response = good[name]
        assert old in response["body"], f"{old} in {response['body']}"
        body = response["body"].replace(old, new)
        if is_tag(old) and is_tag(new):
            body = body.replace(closing(old), closing(new))
        spoilt = Answers()
        spoilt.check(service, operation, response | {"body": body})
        found = [line for line in spoilt.deviations if complaint in line]
        assert found, f"{old} -> {new}: {spoilt.deviations} instead of {complaint}"
    return {"spoilt": len(SPOILT)}


def is_tag(text):
    """Tells whether a text is the start of an element and nothing more."""
    return text.startswith(b"<") and text.endswith(b">") and text.count(b"<") == 1


def closing(tag):
    """Returns the end of the element that a tag starts."""
    return b"</" + tag[1:]
