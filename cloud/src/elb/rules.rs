//! Rules: the one create call of a balancer that is never idempotent. The priority is the key.

use serde::{Deserialize, Serialize};

use crate::durations::Event;
use crate::elb::actions::Action;
use crate::elb::arns::Kind;
use crate::elb::conditions::Condition;
use crate::elb::listeners::{self, Listener};
use crate::elb::tags::read_tags;
use crate::elb::usage;
use crate::handler::Answer;
use crate::ids::IdSource;
use crate::state::{Context, Tags};
use crate::wire::pages::{self, PageRequest};
use crate::wire::params::Fields;
use crate::wire::refusal::Refusal;
use crate::wire::xml::Xml;

/// A rule of a listener.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Rule {
    pub(crate) arn: String,
    pub(crate) listener_arn: String,
    /// The lowest number is tried first; the default rule has none, and comes last.
    pub(crate) priority: Option<u32>,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) action: Action,
    pub(crate) tags: Tags,
}

/// Rules that the listeners of one balancer may have, not counting default rules.
pub(super) const RULES_MAX: usize = 100;

/// Priorities go from 1 to this.
pub(super) const PRIORITY_MAX: u32 = 50_000;

impl Rule {
    /// The rule that every listener has from the start.
    pub(super) fn default_of(listener: &Listener, ids: &mut IdSource) -> Self {
        Self {
            arn: rule_arn(&listener.arn, &ids.hex()),
            listener_arn: listener.arn.clone(),
            priority: None,
            conditions: Vec::new(),
            action: listener.action.clone(),
            tags: Tags::new(),
        }
    }

    fn write(&self, item: &mut Xml) {
        item.text("RuleArn", &self.arn);
        match self.priority {
            Some(priority) => item.text("Priority", priority),
            None => item.text("Priority", "default"),
        };
        item.members("Conditions", &self.conditions, |item, condition| condition.write(item));
        self.action.write(item, "Actions");
        item.text("IsDefault", self.priority.is_none());
    }

    /// Sorts rules as they are tried: by priority, the default rule last.
    pub(crate) fn order(&self) -> u32 {
        self.priority.unwrap_or(u32::MAX)
    }
}

fn rule_arn(listener_arn: &str, id: &str) -> String {
    format!("{}/{id}", listener_arn.replacen(":listener/", ":listener-rule/", 1))
}

pub(crate) fn create(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let listener_arn = Kind::Listener.required(input)?;
    let priority = input.required_number("Priority", 1..=PRIORITY_MAX)?;
    let conditions = Condition::read_all(input)?;
    let action = Action::read(input, "Actions")?
        .ok_or_else(|| Refusal::missing(input.service(), "Actions"))?;
    let tags = read_tags(input)?;
    input.end()?;
    if conditions.is_empty() {
        return Err(Refusal::missing(input.service(), "Conditions"));
    }
    let listener = cx
        .region
        .listeners
        .usable(listener_arn, cx.now_ms)
        .ok_or_else(|| listeners::not_found(listener_arn))?;
    let balancer_arn = listener.balancer_arn.clone();
    let is_sibling = |rule: &&Rule| rule.listener_arn == listener_arn;
    if cx.region.rules.live().filter(is_sibling).any(|rule| rule.priority == Some(priority)) {
        return Err(priority_in_use(priority));
    }
    action.check_target_groups(cx, &balancer_arn)?;
    let is_counted = |rule: &&Rule| {
        let listener = cx.region.listeners.live_get(&rule.listener_arn);
        rule.priority.is_some() && listener.is_some_and(|it| it.balancer_arn == balancer_arn)
    };
    if cx.region.rules.live().filter(is_counted).count() >= RULES_MAX {
        let message = "The maximum number of rules for a load balancer has been reached";
        return Err(Refusal::new("TooManyRules", message));
    }
    let rule = Rule {
        arn: rule_arn(listener_arn, &cx.region.ids.hex()),
        listener_arn: listener_arn.to_owned(),
        priority: Some(priority),
        conditions,
        action,
        tags,
    };
    let answer = list([&rule]);
    let visible_ms = cx.seen_after(cx.options.lag.listeners, Event::ListenerVisible, &rule.arn);
    cx.region.rules.insert(rule.arn.clone(), rule, visible_ms);
    usage::refresh(cx.region, cx.now_ms);
    Ok(answer)
}

pub(super) fn priority_in_use(priority: u32) -> Refusal {
    Refusal::new("PriorityInUse", format!("Priority '{priority}' is currently in use"))
}

pub(super) fn list<'a>(rules: impl IntoIterator<Item = &'a Rule>) -> Xml {
    let mut xml = Xml::new();
    xml.members("Rules", rules, |item, rule| rule.write(item));
    xml
}

pub(crate) fn describe(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let listener = Kind::Listener.optional(input)?;
    let arns = Kind::Rule.list(input)?;
    let page = PageRequest::read(input, pages::ELB)?;
    input.end()?;
    if listener.is_some() != arns.is_empty() {
        let message = "You must specify either rule ARNs or a listener ARN";
        return Err(Refusal::new("ValidationError", message));
    }
    if let Some(arn) = listener {
        let seen = cx.region.listeners.seen_get(arn, cx.now_ms);
        seen.ok_or_else(|| listeners::not_found(arn))?;
    }
    for arn in &arns {
        cx.region.rules.seen_get(arn, cx.now_ms).ok_or_else(|| not_found(arn))?;
    }
    let mut found: Vec<&Rule> = cx
        .region
        .rules
        .seen(cx.now_ms)
        .filter(|rule| {
            listener.is_some_and(|arn| arn == rule.listener_arn)
                || arns.contains(&rule.arn.as_str())
        })
        .collect();
    let key = |rule: &Rule| format!("{}/{:010}/{}", rule.listener_arn, rule.order(), rule.arn);
    found.sort_by_key(|rule| key(rule));
    let (found, next) = page.cut(found, |rule| key(rule));
    let mut xml = list(found);
    xml.optional("NextMarker", next);
    Ok(xml)
}

/// Refuses a rule that is not there, or cannot be seen yet.
pub(crate) fn not_found(which: &str) -> Refusal {
    Refusal::new("RuleNotFound", format!("One or more rules not found: '{which}'"))
}
