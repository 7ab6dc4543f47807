//! Target groups: created by content, deleted only when nothing uses them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::durations::Event;
use crate::elb::arns::Kind;
use crate::elb::tags::read_tags;
use crate::elb::targets::Target;
use crate::elb::usage::Use;
use crate::handler::Answer;
use crate::options::DeleteAbsent;
use crate::route_table::TargetState;
use crate::state::{Context, Tags};
use crate::wire::pages::{self, PageRequest};
use crate::wire::params::Fields;
use crate::wire::refusal::Refusal;
use crate::wire::xml::Xml;

/// A target group, its targets and who uses it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TargetGroup {
    pub(crate) arn: String,
    pub(crate) name: String,
    pub(crate) settings: Settings,
    /// Attributes that were set; the others have their defaults.
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) tags: Tags,
    pub(crate) targets: Vec<Target>,
    /// The balancer whose listener or rule forwards to this group.
    pub(crate) used_by: Option<Use>,
    /// When the way of checking last changed: results before it say nothing about now.
    pub(crate) check_changed_ms: i64,
    /// Until when a balancer that is gone still counts as a user.
    pub(crate) held_until_ms: i64,
}

/// What `CreateTargetGroup` compares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub(crate) protocol: String,
    pub(crate) protocol_version: String,
    pub(crate) port: u16,
    pub(crate) vpc_id: String,
    pub(crate) health_check: HealthCheck,
}

/// How targets are checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HealthCheck {
    pub(crate) protocol: String,
    /// `traffic-port` or a number.
    pub(crate) port: String,
    pub(crate) path: String,
    pub(crate) interval_s: u32,
    pub(crate) timeout_s: u32,
    pub(crate) healthy_threshold: u32,
    pub(crate) unhealthy_threshold: u32,
    pub(crate) matcher: String,
}

/// Target groups that one region may hold.
pub(super) const GROUPS_MAX: usize = 3000;

impl Default for HealthCheck {
    fn default() -> Self {
        Self {
            protocol: "HTTP".to_owned(),
            port: "traffic-port".to_owned(),
            path: "/".to_owned(),
            interval_s: 30,
            // The API's model says 6 here; the user guide says 5.
            timeout_s: 5,
            healthy_threshold: 5,
            unhealthy_threshold: 2,
            matcher: "200".to_owned(),
        }
    }
}

impl HealthCheck {
    /// Takes over what the request says, and keeps the rest.
    fn read(&self, input: &Fields<'_>) -> Result<Self, Refusal> {
        if input.flag("HealthCheckEnabled")? == Some(false) {
            let message =
                "Health check enabled must be true for target groups with target type 'instance'";
            return Err(Refusal::new("InvalidConfigurationRequest", message));
        }
        let mut check = self.clone();
        if let Some(protocol) = input.one_of("HealthCheckProtocol", &["HTTP", "HTTPS"])? {
            protocol.clone_into(&mut check.protocol);
        }
        if let Some(port) = input.text("HealthCheckPort") {
            let is_number = port.parse::<u16>().is_ok_and(|number| number > 0);
            if port != "traffic-port" && !is_number {
                return Err(input.invalid("HealthCheckPort", "'traffic-port' or 1 to 65535"));
            }
            port.clone_into(&mut check.port);
        }
        if let Some(path) = input.text("HealthCheckPath") {
            if !path.starts_with('/') || path.len() > 1024 {
                return Err(input.invalid("HealthCheckPath", "at most 1024 characters, from '/'"));
            }
            path.clone_into(&mut check.path);
        }
        let number = |name, range, old| Ok(input.number::<u32>(name, range)?.unwrap_or(old));
        check.interval_s = number("HealthCheckIntervalSeconds", 5..=300, check.interval_s)?;
        check.timeout_s = number("HealthCheckTimeoutSeconds", 2..=120, check.timeout_s)?;
        check.healthy_threshold = number("HealthyThresholdCount", 2..=10, check.healthy_threshold)?;
        check.unhealthy_threshold =
            number("UnhealthyThresholdCount", 2..=10, check.unhealthy_threshold)?;
        if let Some(code) = input.child("Matcher").and_then(|it| it.text("HttpCode")) {
            check_matcher(input, code)?;
            code.clone_into(&mut check.matcher);
        }
        if check.timeout_s >= check.interval_s {
            let message = "Health check timeout must be smaller than the interval";
            return Err(Refusal::new("ValidationError", message));
        }
        Ok(check)
    }

    /// Tells whether a status counts as healthy.
    pub(crate) fn accepts(&self, status: u16) -> bool {
        self.matcher.split(',').any(|part| {
            let (from, to) = part.split_once('-').unwrap_or((part, part));
            let bound = |text: &str| text.trim().parse::<u16>();
            bound(from).is_ok_and(|from| from <= status) && bound(to).is_ok_and(|to| status <= to)
        })
    }
}

/// A status, a list of them, or ranges, each from 200 to 499.
fn check_matcher(input: &Fields<'_>, code: &str) -> Result<(), Refusal> {
    let valid = |text: &str| text.parse::<u16>().is_ok_and(|status| (200..=499).contains(&status));
    let fits = code.split(',').all(|part| {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        valid(from) && valid(to)
    });
    if fits { Ok(()) } else { Err(input.invalid("Matcher.HttpCode", "codes from 200 to 499")) }
}

impl TargetGroup {
    /// Reads an attribute as a number of seconds.
    pub(crate) fn deregistration_delay_s(&self) -> u32 {
        self.attributes
            .get("deregistration_delay.timeout_seconds")
            .and_then(|text| text.parse().ok())
            .unwrap_or(300)
    }

    /// Tells whether a balancer forwards to it.
    pub(super) fn serves(&self, balancer_arn: &str) -> bool {
        self.used_by.as_ref().is_some_and(|user| user.balancer_arn == balancer_arn)
    }

    /// Tells whether any target passes its checks.
    pub(crate) fn has_healthy_target(&self) -> bool {
        self.targets.iter().any(|target| target.health == TargetState::Healthy)
    }

    /// Gives the port on which targets are checked.
    pub(crate) fn check_port(&self, traffic_port: u16) -> u16 {
        self.settings.health_check.port.parse().unwrap_or(traffic_port)
    }

    fn write(&self, item: &mut Xml) {
        let check = &self.settings.health_check;
        item.text("TargetGroupArn", &self.arn)
            .text("TargetGroupName", &self.name)
            .text("Protocol", &self.settings.protocol)
            .text("Port", self.settings.port)
            .text("VpcId", &self.settings.vpc_id)
            .text("HealthCheckProtocol", &check.protocol)
            .text("HealthCheckPort", &check.port)
            .text("HealthCheckEnabled", true)
            .text("HealthCheckIntervalSeconds", check.interval_s)
            .text("HealthCheckTimeoutSeconds", check.timeout_s)
            .text("HealthyThresholdCount", check.healthy_threshold)
            .text("UnhealthyThresholdCount", check.unhealthy_threshold)
            .text("HealthCheckPath", &check.path)
            .element("Matcher", |matcher| {
                matcher.text("HttpCode", &check.matcher);
            })
            .texts("LoadBalancerArns", self.used_by.iter().map(|user| &user.balancer_arn))
            .text("TargetType", "instance")
            .text("ProtocolVersion", &self.settings.protocol_version)
            .text("IpAddressType", "ipv4");
    }
}

/// Refuses names that are too long, or not made of letters, digits and inner hyphens.
pub(super) fn check_name(input: &Fields<'_>, name: &str) -> Result<(), Refusal> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if name.len() > 32 {
        let message = format!("The name '{name}' cannot be longer than '32' characters");
        return Err(Refusal::new("ValidationError", message));
    }
    if !name.chars().all(allowed) || name.starts_with('-') || name.ends_with('-') {
        let why = "only letters, digits and hyphens, and no hyphen at either end";
        return Err(input.invalid("Name", why));
    }
    Ok(())
}

/// Creates a target group; one of that name with the same settings is given back instead.
pub(crate) fn create(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let name = input.required("Name")?;
    check_name(input, name)?;
    input.one_of("TargetType", &["instance"])?;
    input.one_of("IpAddressType", &["ipv4"])?;
    let settings = Settings {
        protocol: input
            .one_of("Protocol", &["HTTP", "HTTPS"])?
            .ok_or_else(|| Refusal::missing(input.service(), "Protocol"))?
            .to_owned(),
        protocol_version: input
            .one_of("ProtocolVersion", &["HTTP1", "HTTP2", "GRPC"])?
            .unwrap_or("HTTP1")
            .to_owned(),
        port: input.required_number("Port", 1..=65_535)?,
        vpc_id: input.required("VpcId")?.to_owned(),
        health_check: HealthCheck::default().read(input)?,
    };
    let tags = read_tags(input)?;
    input.end()?;
    if !cx.region.network.has_vpc(&settings.vpc_id) {
        let message = format!("The VPC ID '{}' is not found", settings.vpc_id);
        return Err(Refusal::new("ValidationError", message));
    }
    if let Some(there) = cx.region.target_groups.live().find(|group| group.name == name) {
        let same_tags = !cx.options.content_compares_tags || there.tags == tags;
        if there.settings == settings && same_tags {
            return Ok(list([there]));
        }
        let message = format!(
            "A target group with the same name '{name}' exists, but with different settings"
        );
        return Err(Refusal::new("DuplicateTargetGroupName", message));
    }
    if cx.region.target_groups.live().count() >= GROUPS_MAX {
        let message = "The maximum number of target groups has been reached";
        return Err(Refusal::new("TooManyTargetGroups", message));
    }
    let id = cx.region.ids.hex();
    let group = TargetGroup {
        arn: cx.region.arn("elasticloadbalancing", &format!("targetgroup/{name}/{id}")),
        name: name.to_owned(),
        settings,
        attributes: BTreeMap::new(),
        tags,
        targets: Vec::new(),
        used_by: None,
        check_changed_ms: cx.now_ms,
        held_until_ms: 0,
    };
    let answer = list([&group]);
    let lag = cx.options.lag.target_groups;
    let visible_ms = cx.seen_after(lag, Event::TargetGroupVisible, &group.arn);
    cx.region.target_groups.forget_ghosts(|ghost| ghost.name == group.name);
    cx.region.target_groups.insert(group.arn.clone(), group, visible_ms);
    Ok(answer)
}

fn list<'a>(groups: impl IntoIterator<Item = &'a TargetGroup>) -> Xml {
    let mut xml = Xml::new();
    xml.members("TargetGroups", groups, |item, group| group.write(item));
    xml
}

pub(crate) fn describe(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let balancer = Kind::LoadBalancer.optional(input)?;
    let arns = Kind::TargetGroup.list(input)?;
    let names = input.texts("Names");
    let page = PageRequest::read(input, pages::ELB)?;
    input.end()?;
    let kinds = [balancer.is_some(), !arns.is_empty(), !names.is_empty()];
    if kinds.iter().filter(|given| **given).count() > 1 {
        let message = "Target group names, ARNs and a load balancer ARN cannot be given together";
        return Err(Refusal::new("ValidationError", message));
    }
    let groups = &cx.region.target_groups;
    if let Some(arn) = balancer
        && cx.region.load_balancers.seen_get(arn, cx.now_ms).is_none()
    {
        return Err(super::load_balancers::not_found(arn));
    }
    for arn in &arns {
        groups.seen_get(arn, cx.now_ms).ok_or_else(|| not_found(arn))?;
    }
    for name in &names {
        if !groups.seen(cx.now_ms).any(|group| group.name == **name) {
            return Err(not_found(name));
        }
    }
    let found = groups.seen(cx.now_ms).filter(|group| {
        let used_by = group.used_by.as_ref().map(|user| user.balancer_arn.as_str());
        (arns.is_empty() || arns.contains(&group.arn.as_str()))
            && (names.is_empty() || names.contains(&group.name.as_str()))
            && (balancer.is_none() || balancer == used_by)
    });
    let (found, next) = page.cut(found, |group| group.arn.clone());
    let mut xml = list(found);
    xml.optional("NextMarker", next);
    Ok(xml)
}

/// Changes how the targets are checked.
pub(crate) fn modify(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let arn = Kind::TargetGroup.required(input)?;
    let old = cx.region.target_groups.usable(arn, cx.now_ms).ok_or_else(|| not_found(arn))?;
    let check = old.settings.health_check.read(input)?;
    input.end()?;
    let now_ms = cx.now_ms;
    let group = cx.region.target_groups.live_mut(arn).ok_or_else(|| not_found(arn))?;
    group.settings.health_check = check;
    group.check_changed_ms = now_ms;
    Ok(list([&*group]))
}

pub(crate) fn delete(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let arn = Kind::TargetGroup.required(input)?;
    input.end()?;
    let Some(group) = cx.region.target_groups.live_get(arn) else {
        return match cx.options.delete_absent_target_group {
            DeleteAbsent::Succeeds => Ok(Xml::new()),
            DeleteAbsent::NotFound => Err(not_found(arn)),
        };
    };
    if group.used_by.is_some() || cx.now_ms < group.held_until_ms {
        let message = format!("Target group '{arn}' is currently in use by a listener or a rule");
        return Err(Refusal::new("ResourceInUse", message));
    }
    let lag = cx.options.lag.target_groups;
    let forgotten_ms = cx.seen_after(lag, Event::StaleAfterDelete, arn);
    cx.region.target_groups.remove(arn, forgotten_ms);
    Ok(Xml::new())
}

/// Refuses a target group that is not there, or cannot be seen yet.
pub(crate) fn not_found(which: &str) -> Refusal {
    Refusal::new("TargetGroupNotFound", format!("One or more target groups not found: '{which}'"))
}
