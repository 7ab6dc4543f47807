//! Filters: those that the README names, and no others.

use std::collections::BTreeMap;

use lab1_flow_cloud::modelled_actions;

use crate::stack::Stack;
use crate::support::{Caller, Reply};

const README: &str = include_str!("../../README.md");

/// Reads the README's table: service and action, and the filters that they know.
fn promised() -> BTreeMap<String, Vec<String>> {
    let (_, rest) = README.split_once("### Filters").unwrap();
    let (table, _) = rest.split_once("\n## ").unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" | "));
    let rows = rows.filter(|(action, _)| action.contains("Describe"));
    rows.map(|(action, filters)| {
        let names = filters.split('`').skip(1).step_by(2);
        (action.to_owned(), names.map(str::to_owned).collect())
    })
    .collect()
}

fn filtered(caller: &Caller, service: &str, action: &str, name: &str, value: &str) -> Reply {
    let flat = format!("Filter.1.Name={name}&Filter.1.Value.1={value}");
    let members = format!("Filters.member.1.Name={name}&Filters.member.1.Values.member.1={value}");
    match service {
        "ec2" => caller.ec2(action, &flat),
        "autoscaling" => caller.asg(action, &members),
        "elasticloadbalancing" => caller.elb(action, &members),
        _ => caller.sts(action, &members),
    }
}

#[test]
fn the_readme_names_each_filter_that_is_known_and_no_other() {
    let caller = Caller::plain();
    let mut known = BTreeMap::new();
    for (service, action) in modelled_actions().filter(|(_, it)| it.starts_with("Describe")) {
        let reply = filtered(&caller, service, action, "no-such-filter", "x");
        let message = reply.text("Message");
        if let Some((_, names)) = message.split_once("which knows: ") {
            let names = names.replace("tag:KEY, tag-key, tag-value", "tag");
            let names = names.split(", ").map(str::to_owned).collect();
            known.insert(format!("{service} {action}"), names);
        }
    }
    assert_eq!(known, promised());
}

#[test]
fn each_filter_that_is_known_is_accepted_and_selects() {
    let caller = Caller::plain();
    Stack::deploy(&caller);
    for (action, filters) in promised() {
        let (service, action) = action.split_once(' ').unwrap();
        for name in filters.iter().map(|name| if name == "tag" { "tag-key" } else { name }) {
            let none = filtered(&caller, service, action, name, "nothing-is-like-this").ok();
            let items = none.count("item") + none.count("member");
            assert_eq!(items, 0, "{action} by {name}: {}", none.body);
        }
    }
}

/// What an answer shows, a filter finds again.
#[test]
fn a_filter_finds_what_the_answer_shows() {
    let caller = Caller::plain();
    Stack::deploy(&caller);
    for (action, name, element) in [
        ("DescribeInstances", "ip-address", "ipAddress"),
        ("DescribeInstances", "dns-name", "dnsName"),
        ("DescribeInstances", "private-ip-address", "privateIpAddress"),
        ("DescribeInstances", "private-dns-name", "privateDnsName"),
        ("DescribeInstances", "launch-time", "launchTime"),
        ("DescribeInstances", "architecture", "architecture"),
        ("DescribeInstances", "owner-id", "ownerId"),
        ("DescribeInstances", "network-interface.network-interface-id", "networkInterfaceId"),
        ("DescribeInstances", "block-device-mapping.volume-id", "volumeId"),
        ("DescribeInstanceStatus", "instance-status.status", "status"),
        ("DescribeInstanceStatus", "system-status.status", "status"),
        ("DescribeNetworkInterfaces", "association.public-ip", "publicIp"),
        ("DescribeNetworkInterfaces", "addresses.private-ip-address", "privateIpAddress"),
        ("DescribeNetworkInterfaces", "interface-type", "interfaceType"),
        ("DescribeVolumes", "size", "size"),
        ("DescribeVolumes", "create-time", "createTime"),
        ("DescribeVolumes", "attachment.device", "device"),
        ("DescribeVolumes", "encrypted", "encrypted"),
        ("DescribeInstanceTypes", "memory-info.size-in-mib", "sizeInMiB"),
        ("DescribeInstanceTypes", "current-generation", "currentGeneration"),
        ("DescribeInstanceTypes", "bare-metal", "bareMetal"),
    ] {
        let value = caller.ec2(action, "").ok().text(element);
        let found = filtered(&caller, "ec2", action, name, &value).ok();
        let shown = found.texts(element);
        assert!(!shown.is_empty(), "{action} by {name}");
        assert!(shown.iter().all(|it| *it == value), "{action} by {name}: {shown:?}");
    }
    let image = "IncludeDeprecated=true&Filter.1.Value.1=xen&Filter.1.Name=hypervisor";
    assert_eq!(caller.ec2("DescribeImages", image).ok().count("imageId"), 1);
}
