use super::super::*;

/// Changes one field behind our back.
type Change = fn(&mut LoadBalancer);

fn input() -> LoadBalancerInput {
    LoadBalancerInput {
        name: "lab1-load-balancer".to_owned(),
        subnet_ids: ["subnet-a".to_owned(), "subnet-b".to_owned()],
        security_group_id: "sg-1".to_owned(),
    }
}

/// The balancer that the service shows for [`input`]; it lists subnets in its own order.
fn equal() -> LoadBalancer {
    let zone = |subnet: &str| AvailabilityZone::builder().subnet_id(subnet).build();
    LoadBalancer::builder()
        .scheme(LoadBalancerSchemeEnum::InternetFacing)
        .r#type(LoadBalancerTypeEnum::Application)
        .ip_address_type(IpAddressType::Ipv4)
        .availability_zones(zone("subnet-b"))
        .availability_zones(zone("subnet-a"))
        .security_groups("sg-1")
        .build()
}

#[test]
fn an_equal_balancer_has_no_differences() {
    assert_eq!(differences(&input(), &equal()), []);
}

#[test]
fn every_field_that_is_sent_is_compared() {
    let changes: [(&str, Change); 5] = [
        ("scheme", |one| one.scheme = Some(LoadBalancerSchemeEnum::Internal)),
        ("type", |one| one.r#type = Some(LoadBalancerTypeEnum::Network)),
        ("address type", |one| one.ip_address_type = Some(IpAddressType::Dualstack)),
        ("subnets", |one| one.availability_zones = None),
        ("security groups", |one| one.security_groups = Some(vec!["sg-2".to_owned()])),
    ];
    for (name, change) in changes {
        let mut balancer = equal();
        change(&mut balancer);
        let differences = differences(&input(), &balancer);
        assert_eq!(differences.len(), 1, "{name}: {differences:?}");
        assert!(differences[0].field.starts_with(name), "{name}: {differences:?}");
    }
}
