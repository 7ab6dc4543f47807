//! The wire: envelopes, statuses, and everything that is refused instead of being ignored.

use bytes::Bytes;
use http::Request;
use lab1_flow_cloud::{CloudOptions, DeleteAbsent};

use crate::stack::target_group_form;
use crate::support::Caller;

/// Section 2.1, section 15 line 1: two error envelopes, and the codes in them.
#[test]
fn each_service_has_its_own_error_envelope() {
    let caller = Caller::plain();
    let ec2 = caller.ec2("DescribeSecurityGroups", "GroupId.1=sg-1");
    assert!(ec2.body.contains("<Response><Errors><Error><Code>InvalidGroup.NotFound</Code>"));
    assert!(ec2.body.contains("</Errors><RequestID>"), "{}", ec2.body);
    let elb = caller.elb("DescribeTargetGroups", "Names.member.1=x");
    assert!(elb.body.contains("<Error><Type>Sender</Type><Code>TargetGroupNotFound</Code>"));
    assert!(elb.body.contains("</Error><RequestId>"), "{}", elb.body);
    let asg = caller.asg("DeleteAutoScalingGroup", "AutoScalingGroupName=x");
    assert_eq!(asg.refusal(), "400 ValidationError");
    assert!(asg.text("Message").contains("not found"));
}

#[test]
fn answers_are_wrapped_as_each_service_wraps_them() {
    let caller = Caller::plain();
    assert!(caller.ec2("DescribeVpcs", "").body.contains("</requestId><vpcSet>"));
    let elb = caller.elb("DescribeTargetGroups", "").body;
    assert!(elb.contains("<DescribeTargetGroupsResult><TargetGroups></TargetGroups>"), "{elb}");
    assert!(elb.contains("<ResponseMetadata><RequestId>"), "{elb}");
    assert_eq!(caller.sts("GetCallerIdentity", "").ok().text("Account"), "000000000000");
}

#[test]
fn unknown_actions_and_versions_are_refused() {
    let caller = Caller::plain();
    assert_eq!(caller.ec2("RunDinner", "").refusal(), "400 InvalidAction");
    assert_eq!(caller.elb("DescribeVpcs", "").refusal(), "400 InvalidAction");
    let post = |body: &str| caller.send(Request::post("/").body(body.to_owned().into()).unwrap());
    assert_eq!(post("Action=DescribeVpcs").refusal(), "400 InvalidAction");
    assert_eq!(post("Version=2016-11-15").refusal(), "400 MissingAction");
    assert_eq!(post("Action=DescribeVpcs&Version=2016-11-15").status, 200);
}

#[test]
fn malformed_requests_are_refused_and_never_panic() {
    let caller = Caller::plain();
    let send = |body: Vec<u8>| caller.send(Request::post("/").body(Bytes::from(body)).unwrap());
    assert_eq!(send(vec![0xff, 0xfe]).refusal(), "400 MalformedQueryString");
    assert_eq!(send(b"{\"a\": 1}".to_vec()).refusal(), "400 MissingAction");
    assert_eq!(send(b"<xml/>".to_vec()).refusal(), "400 MissingAction");
    assert_eq!(send(vec![b'a'; (1 << 20) + 1]).refusal(), "413 RequestEntityTooLarge");
    let get = Request::get("/?Action=DescribeVpcs").body(Bytes::new()).unwrap();
    assert_eq!(caller.send(get).refusal(), "405 InvalidAction");
    let twice = caller.ec2("DescribeVpcs", "VpcId.1=a&VpcId.1=b");
    assert_eq!(twice.refusal(), "400 MalformedQueryString");
    let control = caller.elb("DescribeTargetGroups", "Names.member.1=%01%3C%26");
    assert_eq!(control.refusal(), "400 TargetGroupNotFound");
}

#[test]
fn a_dry_run_changes_nothing_and_ends_as_an_error() {
    let caller = Caller::plain();
    let reply = caller.ec2("CreateKeyPair", "KeyName=mine&DryRun=true");
    assert_eq!(reply.refusal(), "412 DryRunOperation");
    assert_eq!(caller.ec2("DescribeKeyPairs", "").ok().texts("keyName"), ["vockey"]);
}

/// Section 5: the paging of the three services.
#[test]
fn lists_are_paged_by_each_service_in_its_own_words() {
    let caller = Caller::plain();
    let vpc = caller.ec2("DescribeVpcs", "").ok().text("vpcId");
    for number in 0..12 {
        let name = format!("tg-{number:02}");
        caller.elb("CreateTargetGroup", &target_group_form(&name, &vpc)).ok();
        let group = format!("GroupName={name}&GroupDescription=d");
        caller.ec2("CreateSecurityGroup", &group).ok();
    }
    let mut names = Vec::new();
    let mut marker = String::new();
    loop {
        let page = caller.elb("DescribeTargetGroups", &format!("PageSize=5{marker}")).ok();
        assert!(page.count("TargetGroupName") <= 5);
        names.extend(page.texts("TargetGroupName"));
        match page.texts("NextMarker").first() {
            Some(next) => marker = format!("&Marker={next}"),
            None => break,
        }
    }
    assert_eq!(names.len(), 12);
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 12, "no page repeats another");

    let first = caller.ec2("DescribeSecurityGroups", "MaxResults=5").ok();
    assert_eq!(first.count("groupName"), 5);
    let form = format!("MaxResults=1000&NextToken={}", first.text("nextToken"));
    assert_eq!(caller.ec2("DescribeSecurityGroups", &form).ok().count("groupName"), 8);
    let wrong = caller.elb("DescribeTargetGroups", "PageSize=401");
    assert_eq!(wrong.refusal(), "400 ValidationError");
    let wrong = caller.asg("DescribeAutoScalingGroups", "MaxRecords=101");
    assert_eq!(wrong.refusal(), "400 ValidationError");
}

#[test]
fn regions_are_accounts_of_their_own() {
    let caller = Caller::plain();
    let west = caller.in_region("us-west-2");
    caller.ec2("CreateSecurityGroup", "GroupName=g&GroupDescription=d").ok();
    assert_eq!(west.ec2("DescribeSecurityGroups", "").ok().count("groupName"), 1);
    let zones = west.ec2("DescribeSubnets", "").ok().texts("availabilityZone");
    assert_eq!(zones, ["us-west-2a", "us-west-2b", "us-west-2c"]);
    // Section 13: images are regional, and so is the key pair of the lab.
    let image = west.ec2("DescribeImages", "ImageId.1=ami-08c40ec9ead489470");
    assert_eq!(image.refusal(), "400 InvalidAMIID.NotFound");
    assert_eq!(west.ec2("DescribeKeyPairs", "").ok().count("keyName"), 0);
}

/// Otherwise a mistyped region would be an empty account, and each one more would stay for ever.
#[test]
fn a_region_that_aws_does_not_have_is_refused_by_every_service() {
    let caller = Caller::plain();
    caller.ec2("CreateKeyPair", "KeyName=mine").ok();
    let before = caller.cloud.account();
    let nowhere = caller.in_region("mars-north-9");
    for reply in [
        nowhere.ec2("CreateKeyPair", "KeyName=mine"),
        nowhere.elb("DescribeLoadBalancers", ""),
        nowhere.asg("DescribeAutoScalingGroups", ""),
        nowhere.sts("GetCallerIdentity", ""),
    ] {
        assert_eq!(reply.refusal(), "403 SignatureDoesNotMatch");
        assert!(reply.text("Message").contains("mars-north-9"), "{}", reply.body);
    }
    assert_eq!(caller.cloud.account(), before);
}

#[test]
fn a_zone_that_is_named_and_does_not_exist_is_refused() {
    let caller = Caller::plain();
    let describe = |zone: &str| {
        caller.ec2("DescribeAvailabilityZones", &format!("ZoneName.1=us-east-1a&ZoneName.2={zone}"))
    };
    assert_eq!(describe("us-east-1z").refusal(), "400 InvalidParameterValue");
    assert_eq!(describe("us-east-1b").ok().count("zoneName"), 2);
}

/// Section 7 and section 15 line 13: what deleting an absent thing says.
#[test]
fn deleting_what_is_absent_succeeds_or_says_so_kind_by_kind() {
    let caller = Caller::plain();
    let arn = "arn:aws:elasticloadbalancing:us-east-1:000000000000";
    caller.elb("DeleteLoadBalancer", &format!("LoadBalancerArn={arn}:loadbalancer/app/x/1")).ok();
    let absent = format!("TargetGroupArn={arn}:targetgroup/x/1");
    caller.elb("DeleteTargetGroup", &absent).ok();
    caller.ec2("DeleteKeyPair", "KeyName=x").ok();
    let strict = Caller::with(CloudOptions {
        delete_absent_target_group: DeleteAbsent::NotFound,
        ..CloudOptions::plain()
    });
    assert_eq!(strict.elb("DeleteTargetGroup", &absent).refusal(), "400 TargetGroupNotFound");
    for (reply, expected) in [
        (
            caller.elb("DeleteListener", &format!("ListenerArn={arn}:listener/app/x/1/2")),
            "400 ListenerNotFound",
        ),
        (
            caller.elb("DeleteRule", &format!("RuleArn={arn}:listener-rule/app/x/1/2/3")),
            "400 RuleNotFound",
        ),
        (caller.ec2("DeleteSecurityGroup", "GroupId=sg-1"), "400 InvalidGroup.NotFound"),
        (caller.ec2("DeleteSecurityGroup", "GroupId=lt-1"), "400 InvalidGroupId.Malformed"),
        (
            caller.ec2("DeleteLaunchTemplate", "LaunchTemplateId=lt-1"),
            "400 InvalidLaunchTemplateId.NotFound",
        ),
        (
            caller.ec2("DeleteLaunchTemplate", "LaunchTemplateName=none"),
            "400 InvalidLaunchTemplateName.NotFoundException",
        ),
        (caller.ec2("TerminateInstances", "InstanceId.1=i-1"), "400 InvalidInstanceID.NotFound"),
        (caller.asg("DeleteAutoScalingGroup", "AutoScalingGroupName=x"), "400 ValidationError"),
    ] {
        assert_eq!(reply.refusal(), expected);
    }
}
