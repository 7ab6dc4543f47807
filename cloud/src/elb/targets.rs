//! Targets: instances on ports, registered by people or by groups, and their health.

use serde::{Deserialize, Serialize};

use crate::elb::arns::Kind;
use crate::elb::target_groups::{TargetGroup, not_found};
use crate::elb::target_health::{Verdict, verdict};
use crate::handler::Answer;
use crate::route_table::TargetState;
use crate::state::{Context, Region};
use crate::wire::params::Fields;
use crate::wire::refusal::Refusal;
use crate::wire::xml::Xml;

/// One target of a target group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Target {
    pub(crate) instance_id: String,
    pub(crate) port: u16,
    pub(crate) registered_ms: i64,
    /// What the checks have said so far: initial, healthy or unhealthy.
    pub(crate) health: TargetState,
    pub(crate) since_ms: i64,
    /// When draining is over; set when the target was deregistered.
    pub(crate) drained_ms: Option<i64>,
}

/// Targets that one group may hold.
pub(super) const TARGETS_MAX: usize = 1000;

impl TargetGroup {
    /// Registers an instance; one that is draining comes back as new.
    pub(crate) fn register(&mut self, instance_id: &str, port: Option<u16>, now_ms: i64) {
        let port = port.unwrap_or(self.settings.port);
        let is_same = |it: &Target| it.instance_id == instance_id && it.port == port;
        if self.targets.iter().any(|it| is_same(it) && it.drained_ms.is_none()) {
            return;
        }
        self.targets.retain(|it| !is_same(it));
        self.targets.push(Target {
            instance_id: instance_id.to_owned(),
            port,
            registered_ms: now_ms,
            health: TargetState::Initial,
            since_ms: now_ms,
            drained_ms: None,
        });
        self.targets.sort_by(|a, b| (&a.instance_id, a.port).cmp(&(&b.instance_id, b.port)));
    }

    /// Deregisters an instance on one port, or on all: it drains while a balancer uses the group, and
    /// is gone at once otherwise.
    pub(crate) fn deregister(&mut self, instance_id: &str, port: Option<u16>, now_ms: i64) {
        let drained_ms = now_ms + i64::from(self.deregistration_delay_s()) * 1000;
        let drains = self.used_by.is_some() && drained_ms > now_ms;
        let is_meant =
            |it: &Target| it.instance_id == instance_id && port.is_none_or(|port| it.port == port);
        if !drains {
            self.targets.retain(|it| !is_meant(it));
        }
        for target in self.targets.iter_mut().filter(|it| is_meant(it)) {
            target.drained_ms.get_or_insert(drained_ms);
        }
    }
}

impl Target {
    /// Tells the state that is shown, with the wire's reason and a sentence.
    pub(crate) fn shown(
        &self,
        region: &Region,
        group: &TargetGroup,
        now_ms: i64,
    ) -> (TargetState, Option<(&'static str, String)>) {
        let because = |state, reason, text: &str| (state, Some((reason, text.to_owned())));
        if self.drained_ms.is_some() {
            let text = "Target deregistration is in progress";
            return because(TargetState::Draining, "Target.DeregistrationInProgress", text);
        }
        let balancer = group
            .used_by
            .as_ref()
            .and_then(|user| region.load_balancers.live_get(&user.balancer_arn));
        let Some(balancer) = balancer else {
            let text = "Target group is not configured to receive traffic from the load balancer";
            return because(TargetState::Unused, "Target.NotInUse", text);
        };
        let instance = region.instances.get(&self.instance_id);
        let Some(instance) = instance.filter(|instance| instance.has_interface(now_ms)) else {
            let text = "Target is in the terminated state";
            return because(TargetState::Unused, "Target.InvalidState", text);
        };
        if !balancer.has_zone(&instance.zone) {
            let text =
                "Target is in an Availability Zone that is not enabled for the load balancer";
            return because(TargetState::Unused, "Target.NotInUse", text);
        }
        match self.health {
            TargetState::Initial if now_ms < balancer.active_ms => because(
                TargetState::Initial,
                "Elb.RegistrationInProgress",
                "Target registration is in progress",
            ),
            TargetState::Initial => because(
                TargetState::Initial,
                "Elb.InitialHealthChecking",
                "Initial health checks in progress",
            ),
            TargetState::Unhealthy => {
                let failed = ("Target.FailedHealthChecks", "Health checks failed".to_owned());
                let reason = match verdict(region, group, self) {
                    Verdict::Dropped => ("Target.Timeout", "Request timed out".to_owned()),
                    Verdict::Mismatch(status) if instance.answers(now_ms) => (
                        "Target.ResponseCodeMismatch",
                        format!("Health checks failed with these codes: [{status}]"),
                    ),
                    Verdict::Good | Verdict::Mismatch(_) | Verdict::Refused => failed,
                };
                (TargetState::Unhealthy, Some(reason))
            }
            state => (state, None),
        }
    }
}

pub(crate) fn register(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let (arn, targets) = read_targets(input)?;
    input.end()?;
    let group = cx.region.target_groups.usable(arn, cx.now_ms).ok_or_else(|| not_found(arn))?;
    for (id, _) in &targets {
        let instance = cx.region.instances.get(*id);
        let running = instance.is_some_and(|it| it.is_up() && it.running_ms <= cx.now_ms);
        if !running {
            let message = format!(
                "The following targets are not in a running state and cannot be registered: '{id}'"
            );
            return Err(Refusal::new("InvalidTarget", message));
        }
    }
    if group.targets.len() + targets.len() > TARGETS_MAX {
        let message = "The maximum number of targets per target group has been reached";
        return Err(Refusal::new("TooManyTargets", message));
    }
    if let Some(group) = cx.region.target_groups.live_mut(arn) {
        for (id, port) in targets {
            group.register(id, port, cx.now_ms);
        }
    }
    Ok(Xml::new())
}

pub(crate) fn deregister(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let (arn, targets) = read_targets(input)?;
    input.end()?;
    let now_ms = cx.now_ms;
    let group = cx.region.target_groups.usable_mut(arn, now_ms).ok_or_else(|| not_found(arn))?;
    for (id, port) in targets {
        group.deregister(id, port, now_ms);
    }
    Ok(Xml::new())
}

/// A target as a request names it: the instance, and perhaps the port.
type Named<'a> = (&'a str, Option<u16>);

/// Reads the target group and the targets of a call that must name at least one.
fn read_targets<'a>(input: &Fields<'a>) -> Result<(&'a str, Vec<Named<'a>>), Refusal> {
    let arn = Kind::TargetGroup.required(input)?;
    let targets = read_target_list(input)?;
    if targets.is_empty() {
        return Err(Refusal::missing(input.service(), "Targets"));
    }
    Ok((arn, targets))
}

fn read_target_list<'a>(input: &Fields<'a>) -> Result<Vec<Named<'a>>, Refusal> {
    let mut targets = Vec::new();
    for target in input.items("Targets") {
        target.text("AvailabilityZone");
        targets.push((target.required("Id")?, target.number("Port", 1..=65_535)?));
    }
    Ok(targets)
}

/// Describes the health of all targets, or of those named; a named one that is not registered is
/// shown as unused.
pub(crate) fn describe_health(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let arn = Kind::TargetGroup.required(input)?;
    let named = read_target_list(input)?;
    input.end()?;
    let group = cx.region.target_groups.seen_get(arn, cx.now_ms).ok_or_else(|| not_found(arn))?;
    let mut rows = Vec::new();
    for target in &group.targets {
        let is_meant = |(id, port): &Named<'_>| {
            *id == target.instance_id && port.is_none_or(|port| port == target.port)
        };
        if named.is_empty() || named.iter().any(is_meant) {
            let (state, reason) = target.shown(cx.region, group, cx.now_ms);
            rows.push((target.instance_id.as_str(), target.port, state, reason));
        }
    }
    for (id, port) in named {
        if !group.targets.iter().any(|it| it.instance_id == id) {
            let text = "Target is not registered to the target group".to_owned();
            let port = port.unwrap_or(group.settings.port);
            rows.push((id, port, TargetState::Unused, Some(("Target.NotRegistered", text))));
        }
    }
    let mut xml = Xml::new();
    xml.members("TargetHealthDescriptions", rows, |item, (id, port, state, reason)| {
        item.element("Target", |target| {
            target.text("Id", id).text("Port", port);
        });
        item.text("HealthCheckPort", group.check_port(port)).element("TargetHealth", |health| {
            health.text("State", state.as_str());
            if let Some((code, text)) = reason {
                health.text("Reason", code).text("Description", text);
            }
        });
    });
    Ok(xml)
}
