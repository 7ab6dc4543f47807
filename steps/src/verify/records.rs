//! What a run's records say that it has made.

use std::collections::BTreeSet;

use lab1_flow_workflow::journal::{
    ActionName, ActionPhase, ActionState, Failure, FailureClass, Role, RunId, RunState,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::strangers::place_of;

use crate::auto_scaling_group::{AutoScalingGroupInput, AutoScalingGroupRef};
use crate::healthy_targets::HealthyTargets;
use crate::inventory::{StackNames, Thing};
use crate::launch_template::{LaunchTemplateInput, LaunchTemplateRef};
use crate::listener::{ListenerInput, ListenerRef};
use crate::load_balancer::{LoadBalancerInput, LoadBalancerRef};
use crate::ownership::Mark;
use crate::preflight::Network;
use crate::rule::{RuleInput, RuleRef};
use crate::security_group::{
    SecurityGroupInput, SecurityGroupRef, SecurityGroupRulesInput, SecurityGroupRulesRef,
};
use crate::spec::StackName;
use crate::stack::Stack;
use crate::target_group::{
    TargetGroupAttributesInput, TargetGroupAttributesRef, TargetGroupInput, TargetGroupRef,
};

/// The action that has counted the account's instances.
pub(super) const PREFLIGHT: &str = "preflight";
/// The action that has seen the balancer active.
pub(super) const ACTIVE: &str = "load-balancer-active";
/// The action that has seen every target healthy.
pub(super) const HEALTHY: &str = "targets-healthy";

/// An action of which it is not known whether it took effect, and what it was to make.
#[derive(Debug, Clone)]
pub(super) struct Doubt {
    pub(super) action: String,
    pub(super) kind: String,
    pub(super) name: String,
}

/// One thing that was made: what was asked for, and what came of it.
#[derive(Debug)]
pub(super) struct Made<I, O> {
    pub(super) action: ActionName,
    pub(super) mark: Mark,
    pub(super) input: I,
    pub(super) output: O,
}

/// All that a run has made and not taken back.
#[derive(Debug)]
pub(super) struct Records {
    pub(super) run: RunId,
    pub(super) names: StackNames,
    /// The account, once the preflight has seen it.
    pub(super) account: Option<String>,
    /// How many instances may run in it at once, where somebody said so.
    pub(super) account_max: Option<u32>,
    /// The actions in the order of the documented steps.
    pub(super) order: Vec<ActionName>,
    pub(super) security_groups: Vec<Made<SecurityGroupInput, SecurityGroupRef>>,
    pub(super) ingress: Vec<Made<SecurityGroupRulesInput, SecurityGroupRulesRef>>,
    pub(super) launch_templates: Vec<Made<LaunchTemplateInput, LaunchTemplateRef>>,
    pub(super) target_groups: Vec<Made<TargetGroupInput, TargetGroupRef>>,
    pub(super) attributes: Vec<Made<TargetGroupAttributesInput, TargetGroupAttributesRef>>,
    pub(super) load_balancer: Option<Made<LoadBalancerInput, LoadBalancerRef>>,
    pub(super) listener: Option<Made<ListenerInput, ListenerRef>>,
    pub(super) rules: Vec<Made<RuleInput, RuleRef>>,
    pub(super) groups: Vec<Made<AutoScalingGroupInput, AutoScalingGroupRef>>,
    /// The instances that were healthy at the end of the deployment, once it came so far.
    pub(super) healthy: Option<HealthyTargets>,
    /// Whether the balancer had become active.
    pub(super) active: bool,
    /// One for each action of which it is not known whether it took effect.
    pub(super) doubts: Vec<Doubt>,
    /// What was asked for by those of them that change a part which has no mark.
    pub(super) doubted_ingress: Vec<(ActionName, SecurityGroupRulesInput)>,
    pub(super) doubted_attributes: Vec<(ActionName, TargetGroupAttributesInput)>,
    pub(super) rolling_back: bool,
    /// Where the listener and the rules stand, each with its action.
    places: [(&'static str, String); 3],
}

impl Records {
    /// Reads them out of a run.
    ///
    /// # Errors
    /// When a record was written by a program that writes it in another way.
    pub(super) fn read(stack: &Stack, state: &RunState) -> Result<Self, Failure> {
        let reader = Reader { state, stack: stack.name() };
        let steps = state.steps().iter().flat_map(|step| &step.actions);
        let doubts = state.actions().filter(|(_, action)| action.is_in_doubt());
        let [first, second] = stack.rules.priorities.map(|priority| format!("priority {priority}"));
        let port = format!("port {}", stack.listener.port);
        Ok(Self {
            run: state.header().run.clone(),
            names: stack.names().clone(),
            account: reader.seen(PREFLIGHT)?.map(|network: Network| network.account),
            account_max: stack.preflight.account_max(),
            order: steps.map(|action| action.name.clone()).collect(),
            security_groups: reader.all(["instance-security-group", "balancer-security-group"])?,
            ingress: reader
                .all(["instance-security-group-rules", "balancer-security-group-rules"])?,
            launch_templates: reader.all(["launch-template-1", "launch-template-2"])?,
            target_groups: reader.all(["target-group-1", "target-group-2"])?,
            attributes: reader.all(["target-group-1-attributes", "target-group-2-attributes"])?,
            load_balancer: reader.one("load-balancer")?,
            listener: reader.one("listener")?,
            rules: reader.all(["rule-1", "rule-2"])?,
            groups: reader.all(["auto-scaling-group-1", "auto-scaling-group-2"])?,
            healthy: reader.seen(HEALTHY)?,
            active: reader.action(ACTIVE).is_some_and(|(_, it)| is_completed(it)),
            doubts: doubts.map(|(name, action)| Doubt::of(name, action)).collect(),
            doubted_ingress: reader
                .doubted(["instance-security-group-rules", "balancer-security-group-rules"])?,
            doubted_attributes: reader
                .doubted(["target-group-1-attributes", "target-group-2-attributes"])?,
            rolling_back: state.is_rolling_back(),
            places: [
                ("listener", place_of("listener", &port)),
                ("rule-1", place_of("rule", &first)),
                ("rule-2", place_of("rule", &second)),
            ],
        })
    }

    /// The action that puts its listener or rule in this place.
    pub(super) fn action_at(&self, place: &str) -> Option<&'static str> {
        self.places.iter().find(|(_, at)| at == place).map(|(action, _)| *action)
    }

    /// Whether things can stand that the records do not name: then the account is searched for the mark.
    pub(super) fn needs_search(&self) -> bool {
        self.rolling_back || !self.doubts.is_empty()
    }

    /// The actions whose effect stands, as far as the records say.
    pub(super) fn standing(&self) -> BTreeSet<&str> {
        fn names<I, O>(made: &[Made<I, O>]) -> impl Iterator<Item = &str> {
            made.iter().map(|made| made.action.as_str())
        }
        names(&self.security_groups)
            .chain(names(&self.ingress))
            .chain(names(&self.launch_templates))
            .chain(names(&self.target_groups))
            .chain(names(&self.attributes))
            .chain(names(self.load_balancer.as_slice()))
            .chain(names(self.listener.as_slice()))
            .chain(names(&self.rules))
            .chain(names(&self.groups))
            .collect()
    }
}

impl Doubt {
    fn of(action: &ActionName, state: &ActionState) -> Self {
        let text = |pointer: &str| {
            let found = state.input.as_ref().and_then(|input| input.pointer(pointer));
            found.and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let (kind, name) = match action.as_str() {
            "instance-security-group" | "balancer-security-group" => {
                ("security group", text("/name"))
            }
            "instance-security-group-rules" | "balancer-security-group-rules" => {
                ("rules of security group", text("/group/name"))
            }
            "launch-template-1" | "launch-template-2" => ("launch template", text("/name")),
            "target-group-1" | "target-group-2" => ("target group", text("/name")),
            "target-group-1-attributes" | "target-group-2-attributes" => {
                ("attributes of target group", text("/target_group/name"))
            }
            "load-balancer" => ("load balancer", text("/name")),
            "listener" => ("listener", format!("of {}", text("/load_balancer/name"))),
            "rule-1" | "rule-2" => ("rule", text("/path")),
            "auto-scaling-group-1" | "auto-scaling-group-2" => {
                ("Auto Scaling group", text("/name"))
            }
            other => ("action", other.to_owned()),
        };
        Self { action: action.to_string(), kind: kind.to_owned(), name }
    }

    /// The doubt of an action that was begun after the records were read, by what it has made.
    pub(super) fn of_thing(action: &str, thing: &Thing) -> Self {
        let (kind, name) = (thing.kind.to_owned(), thing.name.clone());
        Self { action: action.to_owned(), kind, name }
    }
}

struct Reader<'a> {
    state: &'a RunState,
    stack: &'a StackName,
}

impl Reader<'_> {
    fn all<I: DeserializeOwned, O: DeserializeOwned>(
        &self,
        names: [&str; 2],
    ) -> Result<Vec<Made<I, O>>, Failure> {
        names.into_iter().filter_map(|name| self.one(name).transpose()).collect()
    }

    /// Reads what an action made; nothing when it has made nothing, or when it is gone again.
    fn one<I: DeserializeOwned, O: DeserializeOwned>(
        &self,
        name: &str,
    ) -> Result<Option<Made<I, O>>, Failure> {
        let Some((name, action)) = self.action(name).filter(|(_, action)| stands(action)) else {
            return Ok(None);
        };
        let (Some(input), Some(output)) = (&action.input, &action.output) else { return Ok(None) };
        let mark = Mark::of(&self.state.header().run, self.stack, name);
        Ok(Some(Made {
            action: name.clone(),
            mark,
            input: read(name, input)?,
            output: read(name, output)?,
        }))
    }

    /// Reads what those of these actions were asked for that are in doubt.
    fn doubted<I: DeserializeOwned>(
        &self,
        names: [&str; 2],
    ) -> Result<Vec<(ActionName, I)>, Failure> {
        let actions = names.into_iter().filter_map(|name| self.action(name));
        let doubted = actions.filter(|(_, action)| action.is_in_doubt());
        let inputs =
            doubted.filter_map(|(name, action)| Some((name.clone(), action.input.as_ref()?)));
        inputs.map(|(name, input)| Ok((name.clone(), read(&name, input)?))).collect()
    }

    /// Reads what a look saw at its end.
    fn seen<O: DeserializeOwned>(&self, name: &str) -> Result<Option<O>, Failure> {
        let seen = self.action(name).filter(|(_, action)| is_completed(action));
        let output = seen.and_then(|(name, action)| Some((name, action.output.as_ref()?)));
        output.map(|(name, output)| read(name, output)).transpose()
    }

    fn action(&self, name: &str) -> Option<(&ActionName, &ActionState)> {
        self.state.actions().find(|(action, _)| action.as_str() == name)
    }
}

/// Whether what the action made is still there, or may be.
fn stands(action: &ActionState) -> bool {
    action.role != Role::Look
        && matches!(
            action.phase,
            ActionPhase::Completed
                | ActionPhase::Compensating { .. }
                | ActionPhase::GaveUp { .. }
                | ActionPhase::Skipped { .. }
        )
}

fn is_completed(action: &ActionState) -> bool {
    action.phase == ActionPhase::Completed
}

fn read<T: DeserializeOwned>(action: &ActionName, value: &serde_json::Value) -> Result<T, Failure> {
    T::deserialize(value).map_err(|error| Failure {
        class: FailureClass::Permanent,
        code: None,
        request_id: None,
        message: format!("the record of {action} does not read: {error}"),
        advice: Some("use the version of lab1-flow that started the run".to_owned()),
    })
}
