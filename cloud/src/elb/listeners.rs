//! Listeners: one for each port of a balancer, created by content like their balancer.

use serde::{Deserialize, Serialize};

use crate::durations::Event;
use crate::elb::actions::Action;
use crate::elb::arns::Kind;
use crate::elb::rules::Rule;
use crate::elb::tags::read_tags;
use crate::elb::{load_balancers, usage};
use crate::handler::Answer;
use crate::state::{Context, Tags};
use crate::wire::pages::{self, PageRequest};
use crate::wire::params::Fields;
use crate::wire::refusal::Refusal;
use crate::wire::xml::Xml;

/// A listener; its default rule holds a copy of its action.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Listener {
    pub(crate) arn: String,
    pub(crate) balancer_arn: String,
    pub(crate) port: u16,
    pub(crate) action: Action,
    pub(crate) tags: Tags,
}

/// Listeners that one balancer may have.
pub(super) const LISTENERS_MAX: usize = 50;

impl Listener {
    fn write(&self, item: &mut Xml) {
        item.text("ListenerArn", &self.arn)
            .text("LoadBalancerArn", &self.balancer_arn)
            .text("Port", self.port)
            .text("Protocol", "HTTP");
        self.action.write(item, "DefaultActions");
    }
}

/// Creates a listener; one on that port with the same settings is given back instead.
pub(crate) fn create(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let balancer_arn = Kind::LoadBalancer.required(input)?;
    let port = input.required_number("Port", 1..=65_535)?;
    read_protocol(input)?.ok_or_else(|| Refusal::missing(input.service(), "Protocol"))?;
    let action = Action::read(input, "DefaultActions")?
        .ok_or_else(|| Refusal::missing(input.service(), "DefaultActions"))?;
    let tags = read_tags(input)?;
    input.end()?;
    if cx.region.load_balancers.usable(balancer_arn, cx.now_ms).is_none() {
        return Err(load_balancers::not_found(balancer_arn));
    }
    action.check_target_groups(cx, balancer_arn)?;
    let siblings = || cx.region.listeners.live().filter(|it| it.balancer_arn == balancer_arn);
    if let Some(there) = siblings().find(|listener| listener.port == port) {
        let same_tags = !cx.options.content_compares_tags || there.tags == tags;
        if there.action == action && same_tags {
            return Ok(list([there]));
        }
        return Err(duplicate(balancer_arn));
    }
    if siblings().count() >= LISTENERS_MAX {
        let message = "The maximum number of listeners has been reached";
        return Err(Refusal::new("TooManyListeners", message));
    }
    let path = balancer_arn.split(":loadbalancer/").nth(1).unwrap_or_default();
    let id = cx.region.ids.hex();
    let listener = Listener {
        arn: cx.region.arn("elasticloadbalancing", &format!("listener/{path}/{id}")),
        balancer_arn: balancer_arn.to_owned(),
        port,
        action,
        tags,
    };
    let default_rule = Rule::default_of(&listener, &mut cx.region.ids);
    let answer = list([&listener]);
    let lag = cx.options.lag.listeners;
    let visible_ms = cx.seen_after(lag, Event::ListenerVisible, &listener.arn);
    cx.region.rules.insert(default_rule.arn.clone(), default_rule, visible_ms);
    cx.region.listeners.insert(listener.arn.clone(), listener, visible_ms);
    usage::refresh(cx.region, cx.now_ms);
    Ok(answer)
}

fn read_protocol(input: &Fields<'_>) -> Result<Option<&'static str>, Refusal> {
    if input.text("Protocol") == Some("HTTPS") {
        return Err(Refusal::not_modelled(input.service(), "An HTTPS listener"));
    }
    input.one_of("Protocol", &["HTTP"])
}

fn duplicate(balancer_arn: &str) -> Refusal {
    let message =
        format!("A listener already exists on this port for this load balancer '{balancer_arn}'");
    Refusal::new("DuplicateListener", message)
}

fn list<'a>(listeners: impl IntoIterator<Item = &'a Listener>) -> Xml {
    let mut xml = Xml::new();
    xml.members("Listeners", listeners, |item, listener| listener.write(item));
    xml
}

pub(crate) fn describe(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let balancer = Kind::LoadBalancer.optional(input)?;
    let arns = Kind::Listener.list(input)?;
    let page = PageRequest::read(input, pages::ELB)?;
    input.end()?;
    if balancer.is_some() != arns.is_empty() {
        let message = "You must specify either listener ARNs or a load balancer ARN";
        return Err(Refusal::new("ValidationError", message));
    }
    if let Some(arn) = balancer {
        let seen = cx.region.load_balancers.seen_get(arn, cx.now_ms);
        seen.ok_or_else(|| load_balancers::not_found(arn))?;
    }
    for arn in &arns {
        cx.region.listeners.seen_get(arn, cx.now_ms).ok_or_else(|| not_found(arn))?;
    }
    let found = cx.region.listeners.seen(cx.now_ms).filter(|listener| {
        balancer.is_some_and(|arn| arn == listener.balancer_arn)
            || arns.contains(&listener.arn.as_str())
    });
    let (found, next) = page.cut(found, |listener| listener.arn.clone());
    let mut xml = list(found);
    xml.optional("NextMarker", next);
    Ok(xml)
}

pub(crate) fn modify(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let arn = Kind::Listener.required(input)?;
    let port = input.number("Port", 1..=65_535)?;
    read_protocol(input)?;
    let action = Action::read(input, "DefaultActions")?;
    input.end()?;
    let old = cx.region.listeners.usable(arn, cx.now_ms).ok_or_else(|| not_found(arn))?;
    let balancer_arn = old.balancer_arn.clone();
    if let Some(action) = &action {
        action.check_target_groups(cx, &balancer_arn)?;
    }
    let is_rival =
        |it: &Listener| it.balancer_arn == balancer_arn && it.arn != arn && Some(it.port) == port;
    if cx.region.listeners.live().any(is_rival) {
        return Err(duplicate(&balancer_arn));
    }
    if let Some(action) = &action {
        let is_default = |rule: &&mut Rule| rule.listener_arn == arn && rule.priority.is_none();
        if let Some(rule) = cx.region.rules.live_all_mut().find(is_default) {
            rule.action.clone_from(action);
        }
    }
    let listener = cx.region.listeners.live_mut(arn).ok_or_else(|| not_found(arn))?;
    listener.port = port.unwrap_or(listener.port);
    if let Some(action) = action {
        listener.action = action;
    }
    let answer = list([&*listener]);
    usage::refresh(cx.region, cx.now_ms);
    Ok(answer)
}

pub(crate) fn delete(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let arn = Kind::Listener.required(input)?;
    input.end()?;
    if cx.region.listeners.live_get(arn).is_none() {
        return Err(not_found(arn));
    }
    remove(cx, arn);
    usage::refresh(cx.region, cx.now_ms);
    Ok(Xml::new())
}

/// Removes a listener and its rules. The users of target groups are left to be refreshed.
pub(super) fn remove(cx: &mut Context<'_>, arn: &str) {
    let lag = cx.options.lag.listeners;
    let forgotten_ms = cx.seen_after(lag, Event::StaleAfterDelete, arn);
    cx.region.listeners.remove(arn, forgotten_ms);
    let rules = cx.region.rules.live().filter(|rule| rule.listener_arn == arn);
    let rules: Vec<String> = rules.map(|rule| rule.arn.clone()).collect();
    for rule in rules {
        cx.region.rules.remove(&rule, forgotten_ms);
    }
}

/// Refuses a listener that is not there, or cannot be seen yet.
pub(crate) fn not_found(which: &str) -> Refusal {
    Refusal::new("ListenerNotFound", format!("One or more listeners not found: '{which}'"))
}
