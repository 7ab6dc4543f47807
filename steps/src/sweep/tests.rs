use lab1_flow_workflow::{Action, Sweep};

use super::*;
use crate::auto_scaling_group::{AutoScalingGroupInput, CreateAutoScalingGroup};
use crate::launch_template::{CreateLaunchTemplate, LaunchTemplateInput};
use crate::load_balancer::{CreateLoadBalancer, LoadBalancerInput};
use crate::security_group::{CreateSecurityGroup, SecurityGroupInput};
use crate::spec::{HealthCheckSpec, ScalingSpec, StackName, StackSpec};
use crate::target_group::{CreateTargetGroup, TargetGroupInput};
use crate::trial::{OTHER_RUN, OUR_RUN, Trial, WireFault, context};

/// Makes one thing of each kind for a run, under the names of a stack.
async fn make_one_of_each(trial: &Trial, run: &str, spec: &StackSpec) {
    let (aws, stack) = (&trial.aws, &spec.stack);
    let names = StackNames::new(spec);
    let network = trial.network().await;
    let [first, second] = network.subnets.map(|subnet| subnet.id);
    let group = CreateSecurityGroup::new(aws, stack);
    let group_input = SecurityGroupInput {
        name: names.security_groups[0].clone(),
        description: "x".to_owned(),
        vpc_id: network.vpc_id.clone(),
    };
    let context = context(run, "one");
    let group = group.execute(&context, &group_input).await.unwrap();
    let template_input = LaunchTemplateInput {
        name: names.launch_templates[0].clone(),
        image_id: "ami-08c40ec9ead489470".to_owned(),
        instance_type: "m4.large".to_owned(),
        key_name: None,
        security_group_id: group.id.clone(),
        user_data: "#!/bin/sh\n".to_owned(),
    };
    let template = CreateLaunchTemplate::new(aws, stack);
    let template = template.execute(&context, &template_input).await.unwrap();
    let targets_input = TargetGroupInput {
        name: names.target_groups[1].clone(),
        vpc_id: network.vpc_id,
        port: 80,
        health_check: HealthCheckSpec::default(),
    };
    let targets = CreateTargetGroup::new(aws, stack);
    let targets = targets.execute(&context, &targets_input).await.unwrap();
    let balancer_input = LoadBalancerInput {
        name: names.load_balancer.clone(),
        subnet_ids: [first.clone(), second],
        security_group_id: group.id,
    };
    CreateLoadBalancer::new(aws, stack).execute(&context, &balancer_input).await.unwrap();
    let scaling_input = AutoScalingGroupInput {
        name: names.auto_scaling_groups[0].clone(),
        min: 1,
        desired: 1,
        max: 1,
        launch_template: template,
        subnet_id: first,
        target_group: targets,
        scaling: ScalingSpec::default(),
    };
    CreateAutoScalingGroup::new(aws, stack).execute(&context, &scaling_input).await.unwrap();
    trial.clock.advance_s(60);
}

/// The kinds of what is left, in the order of the search.
fn kinds(left: &[Leftover]) -> Vec<&str> {
    let known = [
        "Auto Scaling group",
        "instance",
        "volume",
        "network interface",
        "security group",
        "launch template",
        "load balancer",
        "target group",
    ];
    let kind =
        |left: &Leftover| known.into_iter().find(|kind| left.what.starts_with(kind)).unwrap();
    left.iter().map(kind).collect()
}

#[tokio::test]
async fn one_of_each_kind_is_found_and_nothing_of_another_run() {
    let trial = Trial::plain().await;
    let spec = StackSpec::default();
    let blue = StackSpec { stack: StackName::new("blue").unwrap(), ..StackSpec::default() };
    make_one_of_each(&trial, OUR_RUN, &spec).await;
    make_one_of_each(&trial, OTHER_RUN, &blue).await;
    let sweep = MarkSweep::new(&trial.aws, &StackNames::new(&spec));
    let left = sweep.sweep(&RunId::new(OUR_RUN).unwrap()).await.unwrap();
    assert_eq!(
        kinds(&left),
        [
            "Auto Scaling group",
            "instance",
            "volume",
            "network interface",
            "security group",
            "launch template",
            "load balancer",
            "target group",
        ]
    );
    assert!(left.iter().all(|left| !left.what.contains("blue")), "{left:?}");
    assert!(left.iter().any(|left| left.what.starts_with("security group lab1-instances (sg-")));

    // Without its names the same is found, and what others have in load balancing is left out.
    let by_mark = MarkSweep::by_mark_alone(&trial.aws);
    assert_eq!(by_mark.sweep(&RunId::new(OUR_RUN).unwrap()).await.unwrap(), left);
}

#[tokio::test]
async fn what_belongs_to_an_instance_is_left_with_it() {
    let trial = Trial::plain().await;
    make_one_of_each(&trial, OUR_RUN, &StackSpec::default()).await;
    let ours = RunId::new(OUR_RUN).unwrap();
    let things = marked_things(&trial.aws, None, &ours, &Answers::default()).await.unwrap();
    let kinds = |thing: &Thing| (thing.kind, owner(thing, &things).kind);
    let elsewhere: Vec<_> = things.iter().map(kinds).filter(|(one, other)| one != other).collect();
    assert_eq!(elsewhere, [("volume", "instance"), ("network interface", "instance")]);
}

#[tokio::test]
async fn the_same_names_of_another_run_are_not_ours() {
    let trial = Trial::plain().await;
    make_one_of_each(&trial, OTHER_RUN, &StackSpec::default()).await;
    let sweep = MarkSweep::new(&trial.aws, &StackNames::new(&StackSpec::default()));
    assert_eq!(sweep.sweep(&RunId::new(OUR_RUN).unwrap()).await, Ok(Vec::new()));
}

#[tokio::test]
async fn a_search_that_was_throttled_goes_on_and_the_next_one_begins_anew() {
    let trial = Trial::plain().await;
    let spec = StackSpec::default();
    let sweep = MarkSweep::new(&trial.aws, &StackNames::new(&spec));
    let ours = RunId::new(OUR_RUN).unwrap();
    trial.order("DescribeVolumes", WireFault::Refuse(503, "RequestLimitExceeded"));
    assert!(sweep.sweep(&ours).await.is_err());
    trial.take_calls();
    assert_eq!(sweep.sweep(&ours).await, Ok(Vec::new()));
    assert_eq!(trial.take_calls(), ["DescribeVolumes"]);
    make_one_of_each(&trial, OUR_RUN, &spec).await;
    assert_eq!(sweep.sweep(&ours).await.unwrap().len(), 8);
}
