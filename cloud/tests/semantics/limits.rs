//! Limits: token buckets, the watchdog of a learner lab, sizes and lengths.

use base64::Engine as _;
use lab1_flow_cloud::{CloudOptions, Limits};

use crate::stack::{Stack, target_group_form, template_form};
use crate::support::Caller;

fn throttled() -> Caller {
    let limits = Limits { throttling: true, ..Limits::unlimited() };
    Caller::with(CloudOptions { limits, ..CloudOptions::plain() })
}

/// Makes calls until one is refused; gives their number and the refusal.
fn until_refused(call: impl Fn() -> crate::support::Reply) -> (usize, String) {
    for number in 0..200 {
        let reply = call();
        if reply.status != 200 {
            return (number, reply.refusal());
        }
    }
    panic!("never refused");
}

/// Section 3, section 15 line 5: EC2 answers 503, the others 400.
#[test]
fn each_service_is_throttled_by_its_own_buckets() {
    let caller = throttled();
    let whole = || caller.ec2("DescribeInstances", "");
    let filtered = || caller.ec2("DescribeInstances", "Filter.1.Name=vpc-id&Filter.1.Value.1=x");
    assert_eq!(until_refused(whole), (50, "503 RequestLimitExceeded".to_owned()));
    assert_eq!(filtered().refusal(), "503 RequestLimitExceeded", "one bucket for each action");
    caller.wait_s(1);
    assert_eq!(until_refused(filtered).0, 20);

    let describe = || caller.elb("DescribeTargetGroups", "");
    assert_eq!(until_refused(describe), (40, "400 Throttling".to_owned()));
    // Another action of the same service: the account's bucket is empty too.
    let absent = caller.elb("DeleteLoadBalancer", "LoadBalancerArn=arn:x");
    assert_eq!(absent.refusal(), "400 Throttling");
    caller.wait_s(4);
    assert_eq!(until_refused(describe).0, 40);

    let groups = || caller.asg("DescribeAutoScalingGroups", "");
    assert_eq!(until_refused(groups), (20, "400 Throttling".to_owned()));
    assert_eq!(caller.asg("DescribeTags", "").refusal(), "400 Throttling", "one bucket for all");
    caller.wait_s(1);
    assert_eq!(until_refused(groups).0, 5);
}

#[test]
fn creating_load_balancers_has_a_small_bucket_of_its_own() {
    let caller = throttled();
    let subnets = caller.ec2("DescribeSubnets", "").ok().texts("subnetId");
    let form = format!("Name=lb&Subnets.member.1={}&Subnets.member.2={}", subnets[0], subnets[1]);
    let create = || caller.elb("CreateLoadBalancer", &form);
    assert_eq!(until_refused(create), (10, "400 Throttling".to_owned()));
    caller.wait_s(4);
    create().refusal();
    caller.wait_s(1);
    create().ok();
}

/// Section 3: launching by hand has the smallest bucket of EC2.
#[test]
fn launching_instances_by_hand_has_a_small_bucket_of_its_own() {
    let caller = throttled();
    let form = "LaunchTemplate.LaunchTemplateName=absent&MinCount=1&MaxCount=1";
    let codes: Vec<_> = (0..6).map(|_| caller.ec2("RunInstances", form).refusal()).collect();
    assert!(codes[..5].iter().all(|code| code.contains("NotFound")), "{codes:?}");
    assert_eq!(codes[5], "503 RequestLimitExceeded");
    caller.wait_s(1);
    assert!(caller.ec2("RunInstances", form).refusal().contains("NotFound"));
}

/// Section 0, section 15 line 9: more than nine are terminated.
#[test]
fn the_lab_terminates_what_runs_beyond_nine_instances() {
    let limits = Limits { throttling: false, ..Limits::learner_lab() };
    let caller = Caller::with(CloudOptions { limits, ..CloudOptions::plain() });
    let stack = Stack::begin(&caller);
    caller.wait_s(60);
    let states = || caller.ec2("DescribeInstances", "").ok().texts("name");
    let running = || states().iter().filter(|state| *state == "running").count();
    assert_eq!(running(), 9, "nine are allowed");
    let form = "AutoScalingGroupName=group2&DesiredCapacity=5";
    caller.asg("SetDesiredCapacity", form).ok();
    caller.wait_s(6);
    assert_eq!(states().iter().filter(|state| *state == "pending").count(), 1);
    caller.wait_s(30);
    assert_eq!(states().iter().filter(|state| *state == "shutting-down").count(), 1);
    assert_eq!(running(), 9, "of {}", stack.balancer);
}

/// Section 0, section 15 line 9: twenty lock the account.
#[test]
fn the_lab_locks_the_account_at_twenty_instances() {
    let limits = Limits { lab_watchdog: true, ..Limits::unlimited() };
    let caller = Caller::with(CloudOptions { limits, ..CloudOptions::plain() });
    let stack = Stack::without_groups(&caller);
    let form = stack.group_form(0, 20).replace("MaxSize=5", "MaxSize=20");
    caller.asg("CreateAutoScalingGroup", &form).ok();
    caller.wait_s(6);
    caller.ec2("DescribeVpcs", "").ok();
    caller.wait_s(30);
    assert_eq!(caller.ec2("DescribeVpcs", "").refusal(), "403 AccessDenied");
    assert_eq!(caller.elb("DescribeLoadBalancers", "").refusal(), "403 AccessDenied");
    assert_eq!(caller.asg("DescribeAutoScalingGroups", "").refusal(), "403 AccessDenied");
    assert_eq!(caller.sts("GetCallerIdentity", "").refusal(), "403 AccessDenied");
    let other_region = caller.in_region("us-west-2");
    assert_eq!(other_region.ec2("DescribeVpcs", "").refusal(), "403 AccessDenied");
    let change = caller.asg("SetDesiredCapacity", "AutoScalingGroupName=group1&DesiredCapacity=4");
    assert_eq!(change.refusal(), "403 AccessDenied");
    assert!(caller.cloud.account().locked);
}

/// Section 5 step 1: 16 KiB, measured before the encoding.
#[test]
fn user_data_is_limited_before_it_is_encoded() {
    let caller = Caller::plain();
    let create = |name: &str, encoded: &str| {
        let encoded: String = form_urlencoded::byte_serialize(encoded.as_bytes()).collect();
        let form =
            template_form(name, "m4.large", "sg-1").replace(crate::stack::USER_DATA, &encoded);
        caller.ec2("CreateLaunchTemplate", &form)
    };
    let encoded = |length| base64::engine::general_purpose::STANDARD.encode(vec![b'x'; length]);
    create("fits", &encoded(16_384)).ok();
    assert_eq!(create("not", &encoded(16_385)).refusal(), "400 InvalidParameterValue");
    assert_eq!(create("not", "no base64!").refusal(), "400 InvalidUserData.Malformed");
}

/// Section 5: names, kind by kind.
#[test]
fn names_are_checked_by_the_rules_of_their_kind() {
    let caller = Caller::plain();
    let vpc = caller.ec2("DescribeVpcs", "").ok().text("vpcId");
    let subnets = caller.ec2("DescribeSubnets", "").ok().texts("subnetId");
    let target_group = |name: &str| caller.elb("CreateTargetGroup", &target_group_form(name, &vpc));
    target_group(&"n".repeat(32)).ok();
    for name in [&"n".repeat(33), "-n", "n-", "n_n"] {
        assert_eq!(target_group(name).refusal(), "400 ValidationError", "{name}");
    }
    let form =
        format!("Name=internal-x&Subnets.member.1={}&Subnets.member.2={}", subnets[0], subnets[1]);
    assert_eq!(caller.elb("CreateLoadBalancer", &form).refusal(), "400 ValidationError");
    let one = format!("Name=x&Subnets.member.1={}", subnets[0]);
    assert_eq!(caller.elb("CreateLoadBalancer", &one).refusal(), "400 ValidationError");
    let absent = form.replace("internal-x", "x").replace(&subnets[0], "subnet-1");
    assert_eq!(caller.elb("CreateLoadBalancer", &absent).refusal(), "400 SubnetNotFound");
    let malformed = "400 InvalidLaunchTemplateName.MalformedException";
    for name in ["ab", "a%20b", &"n".repeat(129)] {
        let form = template_form(name, "m4.large", "sg-1");
        assert_eq!(caller.ec2("CreateLaunchTemplate", &form).refusal(), malformed, "{name}");
    }
}

/// Section 5, tagging: numbers, lengths and reserved keys.
#[test]
fn tags_are_limited_in_number_and_in_what_they_may_be() {
    let caller = Caller::plain();
    let form = "GroupName=g&GroupDescription=d";
    let id = caller.ec2("CreateSecurityGroup", form).ok().text("groupId");
    let tags = |count: usize| -> String {
        let tag = |n| format!("&Tag.{n}.Key=k{n}&Tag.{n}.Value=v");
        (1..=count).map(tag).collect::<Vec<_>>().concat()
    };
    let create = |tags: &str| caller.ec2("CreateTags", &format!("ResourceId.1={id}{tags}"));
    create(&tags(50)).ok();
    create("&Tag.1.Key=k1&Tag.1.Value=again").ok();
    assert_eq!(create("&Tag.1.Key=more").refusal(), "400 TagLimitExceeded");
    for reserved in ["aws:x", "AWS:x", "Aws:x"] {
        let tag = format!("&Tag.1.Key={reserved}");
        assert_eq!(create(&tag).refusal(), "400 InvalidParameterValue", "{reserved}");
    }
    let twice = create("&Tag.1.Key=k1&Tag.1.Value=a&Tag.2.Key=k1&Tag.2.Value=b");
    assert_eq!(twice.refusal(), "400 InvalidParameterValue");
    let long = format!("&Tag.1.Key={}", "k".repeat(129));
    assert_eq!(create(&long).refusal(), "400 InvalidParameterValue");
    let filter = format!("Filter.1.Name=resource-id&Filter.1.Value.1={id}");
    assert_eq!(caller.ec2("DescribeTags", &filter).ok().count("resourceId"), 50);

    let vpc = caller.ec2("DescribeVpcs", "").ok().text("vpcId");
    let target_group = |tags: &str| {
        caller.elb("CreateTargetGroup", &format!("{}{tags}", target_group_form("tg", &vpc)))
    };
    let twice = "&Tags.member.1.Key=a&Tags.member.2.Key=a";
    assert_eq!(target_group(twice).refusal(), "400 DuplicateTagKeys");
    assert_eq!(target_group("&Tags.member.1.Key=AWS:x").refusal(), "400 ValidationError");
    let tag = |n| format!("&Tags.member.{n}.Key=k{n}");
    let many = (1..=51).map(tag).collect::<Vec<_>>().concat();
    assert_eq!(target_group(&many).refusal(), "400 TooManyTags");
    assert_eq!(target_group("&Tags.member.1.Key=a%2Cb").refusal(), "400 ValidationError");
}
