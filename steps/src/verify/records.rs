//! What a run's records say that it has made.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lab1_flow_workflow::journal::{
    ActionName, ActionPhase, ActionState, Failure, FailureClass, Role, RunId, RunState, Timestamp,
};
use serde::de::DeserializeOwned;

use crate::auto_scaling_group::{AutoScalingGroupInput, AutoScalingGroupRef};
use crate::healthy_targets::HealthyTargets;
use crate::inventory::StackNames;
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
    /// Actions of which it is not known whether they took effect.
    pub(super) in_doubt: BTreeSet<ActionName>,
    pub(super) rolling_back: bool,
    /// When each action came to stand as it does.
    changed_at: BTreeMap<ActionName, Timestamp>,
}

impl Records {
    /// Reads them out of a run.
    ///
    /// # Errors
    /// When a record was written by a program that writes it in another way.
    pub(super) fn read(stack: &Stack, state: &RunState) -> Result<Self, Failure> {
        let reader = Reader { state, stack: stack.name() };
        let steps = state.steps().iter().flat_map(|step| &step.actions);
        let in_doubt = state.actions().filter(|(_, action)| action.is_in_doubt());
        Ok(Self {
            run: state.header().run.clone(),
            names: stack.names().clone(),
            account: reader.seen("preflight")?.map(|network: Network| network.account),
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
            healthy: reader.seen("targets-healthy")?,
            active: reader.action("load-balancer-active").is_some_and(|(_, it)| is_completed(it)),
            in_doubt: in_doubt.map(|(name, _)| name.clone()).collect(),
            rolling_back: state.is_rolling_back(),
            changed_at: state
                .actions()
                .filter_map(|(name, action)| Some((name.clone(), action.changed_at?)))
                .collect(),
        })
    }

    /// Whether an action took effect so short a time ago that it may not be seen yet.
    pub(super) fn is_fresh(&self, action: &str, now: Timestamp, window: Duration) -> bool {
        let mut known = self.changed_at.iter();
        known.any(|(name, at)| name.as_str() == action && now.since(*at) < window)
    }

    /// Whether things can stand that the records do not name: then the account is searched for the mark.
    pub(super) fn needs_search(&self) -> bool {
        self.rolling_back || !self.in_doubt.is_empty()
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
