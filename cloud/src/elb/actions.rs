//! What a listener or a rule does with a request: forward by weight, answer itself, redirect.

use serde::{Deserialize, Serialize};

use crate::elb::arns::Kind;
use crate::elb::target_groups;
use crate::state::Context;
use crate::wire::params::Fields;
use crate::wire::refusal::Refusal;
use crate::wire::xml::Xml;

/// The one action of a listener or a rule. Actions that authenticate first are not modelled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Action {
    Forward(Forward),
    FixedResponse {
        status: u16,
        content_type: Option<String>,
        body: Option<String>,
    },
    Redirect {
        status: u16,
        protocol: String,
        host: String,
        port: String,
        path: String,
        query: String,
    },
}

/// Where a request may go, and with which weight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Forward {
    pub(crate) groups: Vec<(String, u32)>,
    /// For how many seconds a client stays with its group, if it does.
    stickiness_s: Option<u32>,
}

/// Target groups that one action may name.
pub(super) const GROUPS_PER_ACTION_MAX: usize = 5;

/// Target groups that the listeners and rules of one balancer may name.
pub(super) const GROUPS_PER_BALANCER_MAX: usize = 100;

impl Action {
    /// Reads a list that must hold exactly one action.
    pub(crate) fn read(input: &Fields<'_>, list: &str) -> Result<Option<Self>, Refusal> {
        let items = input.items(list);
        let [item] = items.as_slice() else {
            return match items.len() {
                0 => Ok(None),
                _ => Err(Refusal::not_modelled(input.service(), "More than one action")),
            };
        };
        item.number("Order", 1..=50_000)?;
        let kinds = ["forward", "fixed-response", "redirect"];
        let action = match item.required("Type")? {
            "forward" => Self::Forward(Forward::read(item)?),
            "fixed-response" => read_fixed_response(item)?,
            "redirect" => read_redirect(item)?,
            other => {
                let message =
                    format!("Action type '{other}' must be one of '{}'", kinds.join(", "));
                return Err(Refusal::new("ValidationError", message));
            }
        };
        Ok(Some(action))
    }

    /// Gives the target groups that the action forwards to.
    pub(crate) fn target_groups(&self) -> &[(String, u32)] {
        match self {
            Self::Forward(forward) => &forward.groups,
            Self::FixedResponse { .. } | Self::Redirect { .. } => &[],
        }
    }

    /// Refuses target groups that are absent, in another VPC, or taken by another balancer.
    pub(crate) fn check_target_groups(
        &self,
        cx: &Context<'_>,
        balancer_arn: &str,
    ) -> Result<(), Refusal> {
        let groups = &cx.region.target_groups;
        let mut used = groups.live().filter(|it| it.serves(balancer_arn)).count();
        for (arn, _) in self.target_groups() {
            let group =
                groups.usable(arn, cx.now_ms).ok_or_else(|| target_groups::not_found(arn))?;
            if let Some(user) = &group.used_by
                && user.balancer_arn != balancer_arn
            {
                let message = format!(
                    "The following target groups cannot be associated with more than one load \
                     balancer: {arn}"
                );
                return Err(Refusal::new("TargetGroupAssociationLimit", message));
            }
            used += usize::from(!group.serves(balancer_arn));
        }
        if used > GROUPS_PER_BALANCER_MAX {
            let message = format!(
                "A load balancer may forward to at most {GROUPS_PER_BALANCER_MAX} target groups"
            );
            return Err(Refusal::new("TooManyUniqueTargetGroupsPerLoadBalancer", message));
        }
        Ok(())
    }

    /// Writes the action as the one member of a list.
    pub(crate) fn write(&self, xml: &mut Xml, list: &str) {
        xml.members(list, [self], |item, action| match action {
            Self::Forward(forward) => forward.write(item),
            Self::FixedResponse { status, content_type, body } => {
                item.text("Type", "fixed-response").element("FixedResponseConfig", |config| {
                    config
                        .optional("MessageBody", body.as_ref())
                        .text("StatusCode", status)
                        .optional("ContentType", content_type.as_ref());
                });
            }
            Self::Redirect { status, protocol, host, port, path, query } => {
                item.text("Type", "redirect").element("RedirectConfig", |config| {
                    config
                        .text("Protocol", protocol)
                        .text("Port", port)
                        .text("Host", host)
                        .text("Path", path)
                        .text("Query", query)
                        .text("StatusCode", format!("HTTP_{status}"));
                });
            }
        });
    }
}

impl Forward {
    fn read(item: &Fields<'_>) -> Result<Self, Refusal> {
        let single = Kind::TargetGroup.optional(item)?;
        let mut groups = Vec::new();
        let mut stickiness_s = None;
        if let Some(config) = item.child("ForwardConfig") {
            let members = config.items("TargetGroups");
            for group in &members {
                let weight = match group.number("Weight", 0..=999)? {
                    Some(weight) => weight,
                    None if members.len() == 1 => 1,
                    None => {
                        return Err(Refusal::missing(group.service(), &group.full_name("Weight")));
                    }
                };
                groups.push((Kind::TargetGroup.required(group)?.to_owned(), weight));
            }
            if let Some(stickiness) = config.child("TargetGroupStickinessConfig") {
                let enabled = stickiness.flag("Enabled")?.unwrap_or(false);
                let duration_s = stickiness.number("DurationSeconds", 1..=604_800)?;
                stickiness_s = enabled.then_some(duration_s.unwrap_or(3600));
            }
        }
        match (single, groups.as_slice()) {
            (Some(single), []) => groups.push((single.to_owned(), 1)),
            (None, []) => {
                let message = "A forward action must name at least one target group";
                return Err(Refusal::new("ValidationError", message));
            }
            (Some(single), [(only, _)]) if single == only => {}
            (Some(_), _) => {
                let message = "You cannot specify both a target group ARN and a ForwardConfig that \
                               names other target groups";
                return Err(Refusal::new("InvalidLoadBalancerAction", message));
            }
            (None, _) => {}
        }
        if groups.len() > GROUPS_PER_ACTION_MAX {
            let message = "A forward action may name at most 5 target groups";
            return Err(Refusal::new("TooManyTargetGroups", message));
        }
        // The order in which groups are named means nothing.
        groups.sort();
        Ok(Self { groups, stickiness_s })
    }

    fn write(&self, item: &mut Xml) {
        item.text("Type", "forward");
        if let [(only, _)] = self.groups.as_slice() {
            item.text("TargetGroupArn", only);
        }
        item.element("ForwardConfig", |config| {
            config.members("TargetGroups", &self.groups, |group, (arn, weight)| {
                group.text("TargetGroupArn", arn).text("Weight", weight);
            });
            config.element("TargetGroupStickinessConfig", |stickiness| {
                stickiness
                    .text("Enabled", self.stickiness_s.is_some())
                    .optional("DurationSeconds", self.stickiness_s);
            });
        });
    }
}

fn read_fixed_response(item: &Fields<'_>) -> Result<Action, Refusal> {
    let config = item
        .child("FixedResponseConfig")
        .ok_or_else(|| Refusal::missing(item.service(), &item.full_name("FixedResponseConfig")))?;
    let status: u16 = config.required_number("StatusCode", 200..=599)?;
    if status / 100 == 3 {
        return Err(config.invalid("StatusCode", "2xx, 4xx or 5xx"));
    }
    let content_type = config.text("ContentType").map(str::to_owned);
    let body = config.text("MessageBody").map(str::to_owned);
    if body.as_ref().is_some_and(|body| body.len() > 1024) {
        return Err(config.invalid("MessageBody", "at most 1024 characters"));
    }
    Ok(Action::FixedResponse { status, content_type, body })
}

fn read_redirect(item: &Fields<'_>) -> Result<Action, Refusal> {
    let config = item
        .child("RedirectConfig")
        .ok_or_else(|| Refusal::missing(item.service(), &item.full_name("RedirectConfig")))?;
    let status = match config.one_of("StatusCode", &["HTTP_301", "HTTP_302"])? {
        Some("HTTP_301") => 301,
        Some(_) => 302,
        None => return Err(Refusal::missing(config.service(), &config.full_name("StatusCode"))),
    };
    let part = |name, default: &str| config.text(name).unwrap_or(default).to_owned();
    Ok(Action::Redirect {
        status,
        protocol: part("Protocol", "#{protocol}"),
        host: part("Host", "#{host}"),
        port: part("Port", "#{port}"),
        path: part("Path", "/#{path}"),
        query: part("Query", "#{query}"),
    })
}
