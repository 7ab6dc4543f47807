use super::super::*;

fn weighted(arn: &str, weight: u32) -> WeightedTargetGroup {
    WeightedTargetGroup { target_group_arn: arn.to_owned(), weight }
}

fn input() -> ListenerInput {
    ListenerInput {
        load_balancer: LoadBalancerRef {
            arn: "lb".to_owned(),
            name: "lab1-load-balancer".to_owned(),
            dns_name: "lab1.example".to_owned(),
        },
        port: 80,
        target_groups: [weighted("tg1", 1), weighted("tg2", 1)],
    }
}

fn listener(protocol: ProtocolEnum, groups: &[WeightedTargetGroup]) -> Listener {
    Listener::builder().protocol(protocol).default_actions(forward_weighted(groups)).build()
}

#[test]
fn protocol_groups_and_weights_are_compared() {
    let groups = input().target_groups;
    let same = listener(ProtocolEnum::Http, &groups);
    assert_eq!(differences(&input(), &same), []);
    for (other, name) in [
        (listener(ProtocolEnum::Https, &groups), "protocol"),
        (listener(ProtocolEnum::Http, &[weighted("tg1", 1), weighted("tg2", 2)]), "default action"),
        (listener(ProtocolEnum::Http, &groups[..1]), "default action"),
    ] {
        let differences = differences(&input(), &other);
        assert_eq!(differences.len(), 1, "{differences:?}");
        assert!(differences[0].field.starts_with(name), "{differences:?}");
    }
}
