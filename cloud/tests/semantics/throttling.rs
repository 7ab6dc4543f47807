//! The token buckets, each by its size and by what comes back in a second.

use lab1_flow_cloud::{CloudOptions, Limits};

use crate::support::{Caller, Reply};

type Call = fn(&Caller) -> Reply;

fn throttled() -> Caller {
    let limits = Limits { throttling: true, ..Limits::unlimited() };
    Caller::with(CloudOptions { limits, ..CloudOptions::plain() })
}

/// Counts the calls that are not throttled, whatever else becomes of them.
fn admitted(caller: &Caller, call: Call) -> usize {
    let is_throttled = |reply: &Reply| {
        reply.status != 200
            && ["503 RequestLimitExceeded", "400 Throttling"].contains(&reply.refusal().as_str())
    };
    (0..1000).find(|_| is_throttled(&call(caller))).unwrap()
}

/// Section 3, section 15 line 5: sizes and refills of both tables.
#[test]
fn each_bucket_has_the_size_and_the_refill_that_aws_documents() {
    let rows: [(&str, Call, usize, usize); 15] = [
        ("unfiltered", |c| c.ec2("DescribeVolumes", ""), 50, 10),
        ("paged", |c| c.ec2("DescribeVolumes", "MaxResults=5"), 100, 20),
        ("non-mutating", |c| c.ec2("DescribeVpcs", ""), 100, 20),
        ("mutating", |c| c.ec2("DeleteKeyPair", "KeyName=x"), 50, 5),
        ("mutating", |c| c.ec2("CreateLaunchTemplate", ""), 50, 5),
        ("mutating", |c| c.ec2("DeleteSecurityGroup", "GroupId=sg-1"), 50, 5),
        ("resource-intensive", |c| c.ec2("AuthorizeSecurityGroupIngress", ""), 50, 5),
        ("tags", |c| c.ec2("CreateTags", ""), 100, 10),
        ("tags", |c| c.ec2("DeleteTags", ""), 100, 10),
        ("versions", |c| c.ec2("CreateLaunchTemplateVersion", ""), 100, 5),
        ("versions", |c| c.ec2("ModifyLaunchTemplate", ""), 100, 5),
        ("terminating", |c| c.ec2("TerminateInstances", ""), 100, 5),
        ("balancing", |c| c.elb("DeleteRule", ""), 20, 3),
        ("registration", |c| c.elb("RegisterTargets", ""), 20, 4),
        ("balancing, reads", |c| c.elb("DescribeRules", ""), 40, 10),
    ];
    for (name, call, size, refill) in rows {
        let caller = throttled();
        assert_eq!(admitted(&caller, call), size, "the size for {name}");
        caller.wait_s(1);
        assert_eq!(admitted(&caller, call), refill, "a second's refill for {name}");
    }
}

/// Section 3: beside the request, each instance costs a token.
#[test]
fn launching_and_terminating_cost_a_token_for_each_instance() {
    let caller = throttled();
    let run = |count: usize| {
        let form = format!("LaunchTemplate.LaunchTemplateName=x&MinCount=1&MaxCount={count}");
        caller.ec2("RunInstances", &form).refusal()
    };
    assert_ne!(run(800), "503 RequestLimitExceeded");
    assert_eq!(run(201), "503 RequestLimitExceeded");
    assert_ne!(run(200), "503 RequestLimitExceeded");
    caller.wait_s(1);
    assert_eq!(run(3), "503 RequestLimitExceeded");
    assert_ne!(run(2), "503 RequestLimitExceeded");

    let terminate = |count: usize| {
        let ids: Vec<String> = (1..=count).map(|n| format!("InstanceId.{n}=i-{n}")).collect();
        caller.ec2("TerminateInstances", &ids.join("&")).refusal()
    };
    assert_eq!(terminate(800), "400 InvalidInstanceID.NotFound");
    assert_eq!(terminate(201), "503 RequestLimitExceeded");
    assert_eq!(terminate(200), "400 InvalidInstanceID.NotFound");
    caller.wait_s(1);
    assert_eq!(terminate(21), "503 RequestLimitExceeded");
    assert_eq!(terminate(20), "400 InvalidInstanceID.NotFound");
}
