use super::super::*;

/// Changes one field behind our back.
type Change = fn(&mut AutoScalingGroup);

fn input(health_check: HealthCheckKind) -> AutoScalingGroupInput {
    AutoScalingGroupInput {
        name: "group1".to_owned(),
        min: 4,
        desired: 5,
        max: 5,
        launch_template: LaunchTemplateRef {
            id: "lt-1".to_owned(),
            name: "lab1-template-1".to_owned(),
            version: 1,
        },
        subnet_id: "subnet-a".to_owned(),
        target_group: TargetGroupRef { arn: "tg1".to_owned(), name: "target-group-1".to_owned() },
        scaling: ScalingSpec { health_check, ..ScalingSpec::default() },
    }
}

/// The group that the service shows for [`input`].
fn equal(health_check: HealthCheckKind) -> AutoScalingGroup {
    let input = input(health_check);
    let policy = InstanceMaintenancePolicy::builder()
        .min_healthy_percentage(0)
        .max_healthy_percentage(100)
        .build();
    AutoScalingGroup::builder()
        .min_size(4)
        .desired_capacity(5)
        .max_size(5)
        .launch_template(pinned(&input.launch_template))
        .vpc_zone_identifier("subnet-a")
        .target_group_arns("tg1")
        .health_check_type(health_check_type(health_check))
        .health_check_grace_period(300)
        .instance_maintenance_policy(policy)
        .build()
}

#[test]
fn an_equal_group_has_no_differences() {
    for kind in [HealthCheckKind::Ec2, HealthCheckKind::Elb] {
        assert_eq!(differences(&input(kind), &equal(kind)), []);
    }
}

#[test]
fn every_field_that_is_sent_is_compared() {
    let changes: [(&str, Change); 10] = [
        ("minimum", |group| group.min_size = Some(0)),
        ("maximum", |group| group.max_size = Some(9)),
        ("desired capacity", |group| group.desired_capacity = Some(4)),
        ("launch template", |group| {
            group.launch_template = Some(
                LaunchTemplateSpecification::builder()
                    .launch_template_id("lt-2")
                    .version("1")
                    .build(),
            );
        }),
        ("template version", |group| {
            group.launch_template = Some(
                LaunchTemplateSpecification::builder()
                    .launch_template_id("lt-1")
                    .version("$Latest")
                    .build(),
            );
        }),
        ("subnets", |group| group.vpc_zone_identifier = Some("subnet-a, subnet-b".to_owned())),
        ("target groups", |group| group.target_group_arns = None),
        ("health check type", |group| group.health_check_type = Some("EC2".to_owned())),
        ("grace period", |group| group.health_check_grace_period = Some(0)),
        ("minimum healthy", |group| {
            group.instance_maintenance_policy =
                Some(InstanceMaintenancePolicy::builder().min_healthy_percentage(90).build());
        }),
    ];
    for (name, change) in changes {
        let mut group = equal(HealthCheckKind::Elb);
        change(&mut group);
        let differences = differences(&input(HealthCheckKind::Elb), &group);
        assert_eq!(differences.len(), 1, "{name}: {differences:?}");
        assert!(differences[0].field.starts_with(name), "{name}: {differences:?}");
    }
}

#[test]
fn without_the_balancers_judgement_the_grace_period_is_nobodys_business() {
    let mut group = equal(HealthCheckKind::Ec2);
    group.health_check_grace_period = Some(0);
    assert_eq!(differences(&input(HealthCheckKind::Ec2), &group), []);
}

#[test]
fn a_deletion_that_comes_too_late_or_too_early_is_a_group_that_goes() {
    let refusal = |code: &str, text: &str| ActionError::transient(text.to_owned()).with_code(code);
    for (code, text) in [
        ("ScalingActivityInProgress", "scaling activities in progress"),
        ("ResourceInUse", "instances still in the group"),
        (
            "ValidationError",
            "AutoScalingGroup name not found - AutoScalingGroup 'group1' not found",
        ),
        ("ValidationError", "The group may not be modified while it is pending delete"),
    ] {
        assert!(is_going(&refusal(code, text)), "{code}: {text}");
    }
    assert!(!is_going(&refusal("ValidationError", "something else is wrong")));
    assert!(!is_going(&refusal("AccessDenied", "not found in any policy")));
}
