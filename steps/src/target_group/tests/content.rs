use aws_sdk_elasticloadbalancingv2::types::TargetGroup;

use super::super::*;

/// Changes one field behind our back.
type Change = fn(&mut TargetGroup);

fn input() -> TargetGroupInput {
    TargetGroupInput {
        name: "target-group-1".to_owned(),
        vpc_id: "vpc-1".to_owned(),
        port: 80,
        health_check: HealthCheckSpec::default(),
    }
}

/// The group that the service shows for [`input`].
fn equal() -> TargetGroup {
    TargetGroup::builder()
        .protocol(ProtocolEnum::Http)
        .port(80)
        .vpc_id("vpc-1")
        .target_type(TargetTypeEnum::Instance)
        .ip_address_type(TargetGroupIpAddressTypeEnum::Ipv4)
        .health_check_protocol(ProtocolEnum::Http)
        .health_check_path("/")
        .health_check_interval_seconds(10)
        .health_check_timeout_seconds(5)
        .healthy_threshold_count(2)
        .unhealthy_threshold_count(2)
        .matcher(Matcher::builder().http_code("200").build())
        .build()
}

#[test]
fn an_equal_group_has_no_differences() {
    assert_eq!(differences(&input(), &equal()), []);
}

#[test]
fn every_field_that_is_sent_is_compared() {
    let changes: [(&str, Change); 12] = [
        ("protocol", |group| group.protocol = Some(ProtocolEnum::Https)),
        ("port", |group| group.port = Some(81)),
        ("VPC", |group| group.vpc_id = Some("vpc-2".to_owned())),
        ("target type", |group| group.target_type = Some(TargetTypeEnum::Ip)),
        ("address type", |group| group.ip_address_type = Some("ipv6".into())),
        ("health check protocol", |group| group.health_check_protocol = Some(ProtocolEnum::Tcp)),
        ("health check path", |group| group.health_check_path = Some("/up".to_owned())),
        ("health check codes", |group| {
            group.matcher = Some(Matcher::builder().http_code("200-299").build());
        }),
        ("health check interval", |group| group.health_check_interval_seconds = Some(30)),
        ("health check timeout", |group| group.health_check_timeout_seconds = Some(6)),
        ("healthy threshold", |group| group.healthy_threshold_count = Some(5)),
        ("unhealthy threshold", |group| group.unhealthy_threshold_count = Some(3)),
    ];
    for (name, change) in changes {
        let mut group = equal();
        change(&mut group);
        let differences = differences(&input(), &group);
        assert_eq!(differences.len(), 1, "{name}: {differences:?}");
        assert!(differences[0].field.starts_with(name), "{name}: {differences:?}");
    }
}
