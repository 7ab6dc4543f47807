//! Attributes of load balancers and target groups: known keys, defaults, and what was set.

use std::collections::BTreeMap;

use crate::elb::arns::Kind;
use crate::elb::{listeners, load_balancers, target_groups};
use crate::handler::Answer;
use crate::state::Context;
use crate::wire::params::Fields;
use crate::wire::refusal::Refusal;
use crate::wire::xml::Xml;

/// What a value must be.
#[derive(Debug, Clone, Copy)]
enum Domain {
    Flag,
    Number(u32, u32),
    /// Zero, which is off, or a number in the range.
    OffOr(u32, u32),
    OneOf(&'static [&'static str]),
}

/// A known attribute: its key, its default and its domain.
type Known = (&'static str, &'static str, Domain);

const OF_TARGET_GROUPS: &[Known] = &[
    ("deregistration_delay.timeout_seconds", "300", Domain::Number(0, 3600)),
    (
        "load_balancing.algorithm.type",
        "round_robin",
        Domain::OneOf(&["round_robin", "least_outstanding_requests", "weighted_random"]),
    ),
    ("slow_start.duration_seconds", "0", Domain::OffOr(30, 900)),
    ("stickiness.enabled", "false", Domain::Flag),
    ("stickiness.lb_cookie.duration_seconds", "86400", Domain::Number(1, 604_800)),
    ("stickiness.type", "lb_cookie", Domain::OneOf(&["lb_cookie", "app_cookie"])),
];

const OF_LOAD_BALANCERS: &[Known] = &[
    ("access_logs.s3.enabled", "false", Domain::OneOf(&["false"])),
    ("deletion_protection.enabled", "false", Domain::Flag),
    ("idle_timeout.timeout_seconds", "60", Domain::Number(1, 4000)),
    ("routing.http.drop_invalid_header_fields.enabled", "false", Domain::Flag),
    ("routing.http2.enabled", "true", Domain::Flag),
];

/// What a listener sets in the answers that pass it; nothing but the defaults can be had here.
const OF_LISTENERS: &[Known] = &[
    ("routing.http.response.access_control_allow_credentials.header_value", "", Domain::OneOf(&[])),
    ("routing.http.response.access_control_allow_headers.header_value", "", Domain::OneOf(&[])),
    ("routing.http.response.access_control_allow_methods.header_value", "", Domain::OneOf(&[])),
    ("routing.http.response.access_control_allow_origin.header_value", "", Domain::OneOf(&[])),
    ("routing.http.response.access_control_expose_headers.header_value", "", Domain::OneOf(&[])),
    ("routing.http.response.access_control_max_age.header_value", "", Domain::OneOf(&[])),
    ("routing.http.response.content_security_policy.header_value", "", Domain::OneOf(&[])),
    ("routing.http.response.server.enabled", "true", Domain::OneOf(&["true"])),
    ("routing.http.response.strict_transport_security.header_value", "", Domain::OneOf(&[])),
    ("routing.http.response.x_content_type_options.header_value", "", Domain::OneOf(&[])),
    ("routing.http.response.x_frame_options.header_value", "", Domain::OneOf(&[])),
];

impl Domain {
    fn accepts(self, value: &str) -> bool {
        match self {
            Self::Flag => ["true", "false"].contains(&value),
            Self::Number(min, max) => {
                value.parse::<u32>().is_ok_and(|number| (min..=max).contains(&number))
            }
            Self::OffOr(min, max) => value == "0" || Self::Number(min, max).accepts(value),
            Self::OneOf(choices) => choices.contains(&value),
        }
    }
}

pub(crate) fn describe_target_group(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let arn = Kind::TargetGroup.required(input)?;
    input.end()?;
    let group = cx
        .region
        .target_groups
        .seen_get(arn, cx.now_ms)
        .ok_or_else(|| target_groups::not_found(arn))?;
    Ok(write(&group.attributes, OF_TARGET_GROUPS))
}

pub(crate) fn modify_target_group(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let arn = Kind::TargetGroup.required(input)?;
    let changes = read(input, OF_TARGET_GROUPS)?;
    input.end()?;
    let group = cx
        .region
        .target_groups
        .usable_mut(arn, cx.now_ms)
        .ok_or_else(|| target_groups::not_found(arn))?;
    group.attributes.extend(changes);
    Ok(write(&group.attributes, OF_TARGET_GROUPS))
}

pub(crate) fn describe_load_balancer(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let arn = Kind::LoadBalancer.required(input)?;
    input.end()?;
    let balancer = cx
        .region
        .load_balancers
        .seen_get(arn, cx.now_ms)
        .ok_or_else(|| load_balancers::not_found(arn))?;
    Ok(write(&balancer.attributes, OF_LOAD_BALANCERS))
}

pub(crate) fn describe_listener(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let arn = Kind::Listener.required(input)?;
    input.end()?;
    let listener = cx.region.listeners.seen_get(arn, cx.now_ms);
    listener.ok_or_else(|| listeners::not_found(arn))?;
    Ok(write(&BTreeMap::new(), OF_LISTENERS))
}

/// Capacity that a balancer keeps in reserve: none can be reserved here.
pub(crate) fn describe_capacity_reservation(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let arn = Kind::LoadBalancer.required(input)?;
    input.end()?;
    let balancer = cx.region.load_balancers.seen_get(arn, cx.now_ms);
    balancer.ok_or_else(|| load_balancers::not_found(arn))?;
    Ok(Xml::new())
}

pub(crate) fn modify_load_balancer(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let arn = Kind::LoadBalancer.required(input)?;
    let changes = read(input, OF_LOAD_BALANCERS)?;
    input.end()?;
    let balancer = cx
        .region
        .load_balancers
        .usable_mut(arn, cx.now_ms)
        .ok_or_else(|| load_balancers::not_found(arn))?;
    balancer.attributes.extend(changes);
    Ok(write(&balancer.attributes, OF_LOAD_BALANCERS))
}

fn read(input: &Fields<'_>, known: &[Known]) -> Result<BTreeMap<String, String>, Refusal> {
    let mut changes = BTreeMap::new();
    for attribute in input.items("Attributes") {
        let key = attribute.required("Key")?;
        let value = attribute.text("Value").unwrap_or_default();
        let domain = known.iter().find(|(name, ..)| *name == key).map(|(.., domain)| *domain);
        match domain {
            Some(domain) if domain.accepts(value) => {
                changes.insert(key.to_owned(), value.to_owned());
            }
            Some(_) => {
                let message = format!("The value '{value}' of the attribute '{key}' is not valid");
                return Err(Refusal::new("InvalidConfigurationRequest", message));
            }
            None => {
                let message = format!("The attribute '{key}' is not recognized");
                return Err(Refusal::new("ValidationError", message));
            }
        }
    }
    if changes.is_empty() {
        return Err(Refusal::missing(input.service(), "Attributes"));
    }
    Ok(changes)
}

fn write(set: &BTreeMap<String, String>, known: &[Known]) -> Xml {
    let mut xml = Xml::new();
    xml.members("Attributes", known, |item, (key, default, _)| {
        let value = set.get(*key).map_or(*default, String::as_str);
        item.text("Key", key).text("Value", value);
    });
    xml
}
