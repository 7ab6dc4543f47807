use super::*;
use crate::spec::StackName;

/// Reads a specification and gives the paths of what is wrong with it.
fn paths_of(text: &str) -> Vec<String> {
    let spec: StackSpec = serde_json::from_str(text).unwrap();
    spec.validate().into_iter().map(|problem| problem.path).collect()
}

#[test]
fn the_documented_stack_has_no_problem() {
    assert_eq!(StackSpec::default().validate(), []);
}

/// A wrong value, and the place at which it must be found.
const WRONG: &[(&str, &str)] = &[
    (r#"{"network": {"zones": ["us-east-1a", "us-east-1a"]}}"#, "network.zones"),
    (r#"{"network": {"zones": ["us-east-1a", "us-west-2b"]}}"#, "network.zones"),
    (r#"{"network": {"zones": ["us-east-1", "us-east-1b"]}}"#, "network.zones[0]"),
    (r#"{"network": {"vpc_id": "mine"}}"#, "network.vpc_id"),
    (
        r#"{"network": {"subnet_ids": ["subnet-12345678", "subnet-12345678"]}}"#,
        "network.subnet_ids",
    ),
    (r#"{"network": {"subnet_ids": ["subnet-12345678", "x"]}}"#, "network.subnet_ids[1]"),
    (r#"{"instances": {"image_id": "ubuntu"}}"#, "instances.image_id"),
    (r#"{"instances": {"security_group_name": "sg-x"}}"#, "instances.security_group_name"),
    (r#"{"instances": {"open_to": "0.0.0.0"}}"#, "instances.open_to"),
    (r#"{"instances": {"open_ports": [80, 0]}}"#, "instances.open_ports"),
    (r#"{"instances": {"open_ports": [443]}}"#, "instances.open_ports"),
    (r#"{"targets": {"deregistration_delay_s": 3601}}"#, "targets.deregistration_delay_s"),
    (r#"{"targets": {"health_check": {"path": "x"}}}"#, "targets.health_check.path"),
    (
        r#"{"targets": {"health_check": {"interval_s": 4, "timeout_s": 2}}}"#,
        "targets.health_check.interval_s",
    ),
    (r#"{"targets": {"health_check": {"timeout_s": 1}}}"#, "targets.health_check.timeout_s"),
    (r#"{"targets": {"health_check": {"timeout_s": 10}}}"#, "targets.health_check.timeout_s"),
    (
        r#"{"targets": {"health_check": {"healthy_threshold": 1}}}"#,
        "targets.health_check.healthy_threshold",
    ),
    (
        r#"{"targets": {"health_check": {"unhealthy_threshold": 11}}}"#,
        "targets.health_check.unhealthy_threshold",
    ),
    (
        r#"{"targets": {"health_check": {"success_codes": "ok"}}}"#,
        "targets.health_check.success_codes",
    ),
    (r#"{"load_balancer": {"name": "internal-x"}}"#, "load_balancer.name"),
    (r#"{"load_balancer": {"port": 0}}"#, "load_balancer.port"),
    (r#"{"load_balancer": {"open_to": "x"}}"#, "load_balancer.open_to"),
    (
        r#"{"load_balancer": {"security_group_name": "LAB1-instances"}}"#,
        "load_balancer.security_group_name",
    ),
    (r#"{"scaling": {"healthy_percentage_min": 101}}"#, "scaling.healthy_percentage_min"),
    (r#"{"scaling": {"healthy_percentage_max": 101}}"#, "scaling.healthy_percentage_max"),
    (r#"{"scaling": {"grace_s": 86401}}"#, "scaling.grace_s"),
    (
        r#"{"instances": {"account_max": 10}, "scaling": {"healthy_percentage_max": 100, "health_check": "elb"}, "groups": [{}, {"desired": 5}]}"#,
        "scaling.health_check",
    ),
    (
        r#"{"instances": {"account_max": 9}, "scaling": {"healthy_percentage_min": 100, "healthy_percentage_max": 101}}"#,
        "scaling.healthy_percentage_max",
    ),
    (
        r#"{"instances": {"account_max": 9}, "scaling": {"health_check": "elb"}}"#,
        "scaling.health_check",
    ),
    (r#"{"groups": [{"name": "a:b"}]}"#, "groups[0].name"),
    (r#"{"groups": [{"instance_type": "large"}]}"#, "groups[0].instance_type"),
    (r#"{"groups": [{"min": 6}]}"#, "groups[0].min"),
    (r#"{"groups": [{}, {"desired": 6}]}"#, "groups[1].desired"),
    (r#"{"groups": [{"min": 0, "desired": 0}]}"#, "groups[0].desired"),
    (r#"{"groups": [{"path": "cluster1"}]}"#, "groups[0].path"),
    (r#"{"groups": [{"priority": 50001}]}"#, "groups[0].priority"),
    (r#"{"groups": [{"weight": 1000}]}"#, "groups[0].weight"),
    (r#"{"groups": [{"weight": 0}, {"weight": 0}]}"#, "groups[1].weight"),
    (r#"{"groups": [{}, {"priority": 1}]}"#, "groups[1].priority"),
    (r#"{"groups": [{}, {"path": "/cluster1"}]}"#, "groups[1].path"),
    (r#"{"groups": [{}, {"name": "group1"}]}"#, "groups[1].name"),
    (r#"{"groups": [{}, {"target_group_name": "target-group-1"}]}"#, "groups[1].target_group_name"),
    (r#"{"groups": [{"launch_template_name": "x"}]}"#, "groups[0].launch_template_name"),
    (r#"{"groups": [{"user_data": "echo"}]}"#, "groups[0].user_data"),
];

#[test]
fn every_wrong_value_is_found_at_its_place() {
    for (text, path) in WRONG {
        assert_eq!(paths_of(text), [*path], "{text}");
    }
}

#[test]
fn names_are_measured_with_the_prefix_of_the_stack() {
    let mut spec =
        StackSpec { stack: StackName::new("thirteenchars").unwrap(), ..Default::default() };
    assert_eq!(spec.validate(), []);
    spec.groups[0].target_group_name = "target-group-one-long".to_owned();
    let problems = spec.validate();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].path, "groups[0].target_group_name");
    assert!(problems[0].message.contains("(35 characters)"), "{}", problems[0]);
}

#[test]
fn a_stack_name_may_not_turn_a_name_into_a_reserved_one() {
    for (stack, count) in [("sg", 2), ("internal", 1), ("blue", 0)] {
        let spec = StackSpec { stack: StackName::new(stack).unwrap(), ..Default::default() };
        assert_eq!(spec.validate().len(), count, "{stack}");
    }
}

#[test]
fn a_boot_script_is_measured_in_bytes_before_it_is_encoded() {
    let mut spec = StackSpec::default();
    let script = format!("#!{}", "x".repeat(USER_DATA_BYTES_MAX - 2));
    spec.groups[0].user_data = Some(script.clone());
    assert_eq!(spec.validate(), []);
    spec.groups[0].user_data = Some(script + "x");
    assert_eq!(spec.validate()[0].path, "groups[0].user_data");
}

#[test]
fn a_problem_reads_as_one_line() {
    let spec: StackSpec = serde_json::from_str(r#"{"groups": [{"min": 6}]}"#).unwrap();
    let line = spec.validate()[0].to_string();
    assert_eq!(line, "groups[0].min: 6 is more than the maximum of 5 (min <= desired <= max)");
}
