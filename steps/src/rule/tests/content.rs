use aws_sdk_elasticloadbalancingv2::types::HttpRequestMethodConditionConfig;

use super::super::*;

fn input() -> RuleInput {
    RuleInput {
        listener: ListenerRef { arn: "listener".to_owned(), port: 80 },
        priority: 1,
        path: "/cluster1".to_owned(),
        target_group: TargetGroupRef { arn: "tg1".to_owned(), name: "target-group-1".to_owned() },
    }
}

fn path(values: &[&str]) -> RuleCondition {
    let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
    let config = PathPatternConditionConfig::builder().set_values(Some(values.clone())).build();
    RuleCondition::builder()
        .field(PATH_PATTERN)
        .set_values(Some(values))
        .path_pattern_config(config)
        .build()
}

fn rule(conditions: Vec<RuleCondition>, target: &str) -> Rule {
    Rule::builder().set_conditions(Some(conditions)).actions(forward_to(target)).build()
}

#[test]
fn the_path_may_stand_in_either_field() {
    let mut old = path(&["/cluster1"]);
    old.path_pattern_config = None;
    for condition in [path(&["/cluster1"]), old] {
        assert_eq!(differences(&input(), &rule(vec![condition], "tg1")), []);
    }
}

#[test]
fn another_path_another_condition_and_another_target_differ() {
    let method = HttpRequestMethodConditionConfig::builder().values("GET").build();
    let method = RuleCondition::builder()
        .field("http-request-method")
        .http_request_method_config(method)
        .build();
    for (other, name) in [
        (rule(vec![path(&["/cluster2"])], "tg1"), "condition"),
        (rule(vec![path(&["/cluster1", "/other"])], "tg1"), "condition"),
        (rule(vec![path(&["/cluster1"]), method], "tg1"), "condition"),
        (rule(vec![], "tg1"), "condition"),
        (rule(vec![path(&["/cluster1"])], "tg2"), "action"),
    ] {
        let differences = differences(&input(), &other);
        assert_eq!(differences.len(), 1, "{differences:?}");
        assert!(differences[0].field.starts_with(name), "{differences:?}");
    }
}
