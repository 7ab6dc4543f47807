//! `verify`: a run against its account, after others have been there.

use crate::assert_transcript;
use crate::common::{FAST, Sandbox, Transcript, held_answers, text, wait_until};

const EC2: &str = "Version=2016-11-15";
const ELB: &str = "Version=2015-12-01";
const ASG: &str = "Version=2011-01-01";

const DENIED_RULES: &str = "[[rules]]\naction = \"DescribeRules\"\nfault = \"access-denied\"\n";

/// A user with the stack deployed, and its run.
fn deployed() -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    sandbox.succeed(&["run", "--time-scale", FAST]);
    let run = sandbox.run_ids()[0].clone();
    (sandbox, run)
}

fn revoke_ssh(sandbox: &Sandbox) {
    let group = sandbox.id_of("security-group", "lab1-instances");
    sandbox.somebody(&format!(
        "Action=RevokeSecurityGroupIngress&{EC2}&GroupId={group}&IpPermissions.1.IpProtocol=tcp\
         &IpPermissions.1.FromPort=22&IpPermissions.1.ToPort=22\
         &IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0/0"
    ));
}

/// Verifies until the cloud has come to what was asked of it, and shows it.
fn until(sandbox: &Sandbox, run: &str, one: &str, other: &str) -> Transcript {
    for _ in 0..200 {
        let transcript = sandbox.run(&["verify", run]);
        if transcript.stdout.contains(one) && transcript.stdout.contains(other) {
            return transcript;
        }
    }
    panic!("it does not come to {one:?} and {other:?}");
}

fn count(account: &[String], kind: &str) -> usize {
    account.iter().filter(|thing| thing.starts_with(kind)).count()
}

/// The account when nothing more goes by itself. A deleted balancer's network interfaces follow it later, and an
/// instance that is not wanted any more takes its time: what stands in the end are `instances` with one each.
fn at_rest(sandbox: &Sandbox, instances: usize) -> Vec<String> {
    for _ in 0..600 {
        let account = sandbox.account();
        let counts = ["instance ", "network-interface "].map(|kind| count(&account, kind));
        if counts == [instances; 2] {
            return account;
        }
    }
    panic!("it does not come to rest with {instances} instances: {:#?}", sandbox.account());
}

#[test]
fn a_stack_that_nobody_touched_is_as_it_was_made_and_then_nothing_is_left() {
    let (sandbox, run) = deployed();
    assert_transcript!(sandbox.run(&["verify", &run[..4]]), @r"
    exit status: 0
    -- stdout
    present  security group lab1-instances (sg-[id])
    present  rules of security group lab1-instances (sg-[id])
    present  launch template lab1-template-1 (lt-[id])
    present  launch template lab1-template-2 (lt-[id])
    present  target group target-group-1
    present  attributes of target group target-group-1
    present  target group target-group-2
    present  attributes of target group target-group-2
    present  security group lab1-load-balancer-sg (sg-[id])
    present  rules of security group lab1-load-balancer-sg (sg-[id])
    present  load balancer lab1-load-balancer
    present  listener lab1-load-balancer:80
    present  rule /cluster1
    present  rule /cluster2
    present  Auto Scaling group group1
    present  Auto Scaling group group2
    Verified: 16 present, 0 changed, 0 gone.
    ");
    sandbox.succeed(&["rollback", &run]);
    assert_transcript!(sandbox.run(&["verify", &run]), @r"
    exit status: 0
    -- stdout
    Verified: nothing is left.
    ");
}

/// A learner lab ends what runs beyond nine, whoever started it.
#[test]
fn a_tenth_instance_in_an_account_for_nine_is_a_difference() {
    let sandbox = Sandbox::new();
    sandbox.file("stack.toml", "[instances]\naccount_max = 9\n");
    sandbox.succeed(&["run", "--time-scale", FAST, "--config", "stack.toml"]);
    let run = sandbox.run_ids()[0].clone();
    sandbox.succeed(&["verify", &run]);
    let template = "LaunchTemplate.LaunchTemplateName=lab1-template-1";
    sandbox.somebody(&format!("Action=RunInstances&{EC2}&MinCount=1&MaxCount=1&{template}"));
    let transcript = sandbox.run(&["verify", &run]);
    transcript.expect_status(8);
    let found = "changed  account 000000000000\n         ~ instances that run: expected at most 9, found 10 (i-";
    assert!(transcript.stdout.contains(found), "{transcript}");
}

#[test]
fn what_others_changed_or_removed_is_named_field_by_field() {
    let (sandbox, run) = deployed();
    let instances = count(&sandbox.account(), "instance ");
    revoke_ssh(&sandbox);
    let balancer = sandbox.id_of("load-balancer", "lab1-load-balancer");
    sandbox.somebody(&format!("Action=DeleteLoadBalancer&{ELB}&LoadBalancerArn={balancer}"));
    let size = "AutoScalingGroupName=group1&DesiredCapacity=4";
    sandbox.somebody(&format!("Action=SetDesiredCapacity&{ASG}&{size}"));
    let transcript =
        until(&sandbox, &run, "in service: expected 5, found 4\n", "2 changed, 4 gone");
    assert_transcript!(transcript, @r"
    exit status: 8
    -- stdout
    present  security group lab1-instances (sg-[id])
    changed  rules of security group lab1-instances (sg-[id])
             ~ ingress tcp 22 of 0.0.0.0/0: expected open, found closed
    present  launch template lab1-template-1 (lt-[id])
    present  launch template lab1-template-2 (lt-[id])
    present  target group target-group-1
    present  attributes of target group target-group-1
    present  target group target-group-2
    present  attributes of target group target-group-2
    present  security group lab1-load-balancer-sg (sg-[id])
    present  rules of security group lab1-load-balancer-sg (sg-[id])
    gone     load balancer lab1-load-balancer
    gone     listener lab1-load-balancer:80
    gone     rule /cluster1
    gone     rule /cluster2
    changed  Auto Scaling group group1
             ~ desired capacity: expected 5, found 4
             ~ instances in service: expected 5, found 4
    present  Auto Scaling group group2
    Verified: 10 present, 2 changed, 4 gone.
    -- stderr
      look:  lab1-flow status [run]
      undo:  lab1-flow rollback [run]
    ");
    let before = at_rest(&sandbox, instances - 1);
    sandbox.run(&["verify", &run]).expect_status(8);
    assert_eq!(sandbox.account(), before, "it only reads");
}

#[test]
fn every_instance_answers_and_scripts_read_how_often() {
    let (sandbox, run) = deployed();
    let transcript = sandbox.succeed(&["verify", &run, "--http"]);
    for line in ["PATH       GROUP", "/cluster1  group1  i-", "/cluster2  group2  i-"] {
        assert!(transcript.stdout.contains(line), "{line}\n{transcript}");
    }
    let greeting = "/ was asked 18 times and greeted 18 times; \
                    the listener spreads it by weight: target-group-1 1, target-group-2 1";
    assert!(transcript.stdout.contains(greeting), "{transcript}");

    revoke_ssh(&sandbox);
    // A record of this second proves no difference yet.
    let mut transcript = sandbox.run(&["verify", &run, "--http", "--json"]);
    wait_until("its record is old enough", || {
        transcript = sandbox.run(&["verify", &run, "--http", "--json"]);
        transcript.status == Some(8)
    });
    let lines = transcript.json();
    let of = |event: &str| lines.iter().filter(|it| it["event"] == event).collect::<Vec<_>>();
    let changed: Vec<_> =
        of("finding").into_iter().filter(|it| it["finding"]["condition"] == "changed").collect();
    assert_eq!(changed.len(), 1, "{transcript}");
    let difference = &changed[0]["finding"]["differences"][0];
    assert_eq!(difference["field"], "ingress tcp 22 of 0.0.0.0/0");
    assert_eq!((&difference["expected"], &difference["found"]), (&"open".into(), &"closed".into()));
    let paths = of("serving")[0]["serving"]["paths"].clone();
    assert_eq!(paths[0]["instances"].as_array().map(Vec::len), Some(5));
    let end = lines.last().expect("a last line");
    assert_eq!((&end["event"], &end["outcome"]), (&"verified".into(), &"different".into()));
    assert_eq!((&end["changed"], &end["exit_status"]), (&1.into(), &8.into()));
    assert_eq!(text(&end["run_id"]), run);
}

#[test]
fn a_doubt_is_listed_with_what_was_seen_and_changes_the_sum() {
    let sandbox = Sandbox::new();
    let _cloud = sandbox.cloud_with_faults(&held_answers("CreateLoadBalancer"));
    let mut runner = sandbox.start(&["run"]);
    sandbox.wait_for_record("load-balancer");
    // The call arrives; its answer does not.
    let thing = "load-balancer lab1-load-balancer";
    wait_until(thing, || sandbox.account().iter().any(|there| there == thing));
    runner.kill().expect("a live process");
    let _killed = runner.wait();
    let run = sandbox.run_ids()[0].clone();
    let transcript = sandbox.succeed(&["verify", &run]);
    let doubt = "in doubt load balancer lab1-load-balancer\n";
    assert!(transcript.stdout.contains(doubt), "{transcript}");
    assert!(transcript.stdout.contains("in doubt: resume settles"), "{transcript}");
    assert!(transcript.stderr.contains(&format!("lab1-flow resume {run}")), "{transcript}");
    // What was made is seen after a while.
    let mut seen = transcript;
    wait_until("the balancer is seen", || {
        seen = sandbox.succeed(&["verify", &run]);
        seen.stdout.contains("seen: load balancer lab1-load-balancer")
    });
}

#[test]
fn a_live_run_can_be_verified_and_goes_on() {
    let sandbox = Sandbox::new();
    let mut runner = sandbox.start(&["run", "--time-scale", "30"]);
    let run = sandbox.wait_for_run();
    // Again and again: what was made a moment ago may not be seen yet.
    while runner.try_wait().unwrap().is_none() {
        sandbox.run(&["verify", &run, "--json"]).expect_status(0);
    }
    sandbox.finish(runner).expect_status(0);
}

#[test]
fn a_run_that_is_not_known_and_an_account_that_does_not_answer_are_told_apart() {
    let sandbox = Sandbox::new();
    assert_transcript!(sandbox.run(&["verify", "k7f3"]), @r"
    exit status: 2
    -- stderr
    error: there is no run k7f3
      now:  the state directory holds no run
      next: lab1-flow list
    ");
    let cloud = sandbox.cloud_with_faults("");
    sandbox.succeed(&["run"]);
    let run = sandbox.run_ids()[0].clone();
    drop(cloud);
    let _denies = sandbox.cloud_with_faults(DENIED_RULES);
    assert_transcript!(sandbox.run(&["verify", &run]), @r"
    exit status: 1
    -- stderr
    error: DescribeRules (arn:aws:elasticloadbalancing:us-east-1:000000000000:listener/app/lab1-load-balancer/[id]/[id]): AccessDenied: User is not authorized to perform this action [request]
      now:  nothing was changed
      next: the credentials lack this permission; grant it (`lab1-flow iam-policy` prints all that are needed)
      next: lab1-flow verify [run]
    ");
}

#[test]
fn a_run_without_a_balancer_says_that_nothing_was_visited() {
    let sandbox = Sandbox::new();
    sandbox.succeed(&["run", "--until", "2", "--time-scale", FAST]);
    let run = sandbox.run_ids()[0].clone();
    let transcript = sandbox.succeed(&["verify", &run, "--http"]);
    let told = "nothing was visited: the run has no load balancer that answers\n";
    assert!(transcript.stderr.contains(told), "{transcript}");
    assert_eq!(sandbox.succeed(&["verify", &run]).stderr, "");
}
