//! Step 8: the wait for the stack to serve.

use std::time::Duration;

use lab1_flow_workflow::{Actions, Handle, Step};
use serde::{Deserialize, Serialize};

use crate::answering_instances::{AnsweringGroup, AnsweringInstancesInput, InstancesAnswer};
use crate::auto_scaling_group::AutoScalingGroupRef;
use crate::balancer_active::{ActiveLoadBalancer, LoadBalancerActive};
use crate::connection::Aws;
use crate::healthy_targets::{
    ExpectedTargets, HealthyTargets, HealthyTargetsInput, TargetsHealthy, patience_with,
};
use crate::listener::ListenerRef;
use crate::load_balancer::LoadBalancerRef;
use crate::rule::RuleRef;
use crate::spec::{StackSpec, WaitMode};
use crate::target_group::TargetGroupRef;

/// The wait until the balancer is active, every target healthy, and every instance has answered over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServingStep {
    wait: WaitMode,
    port: u16,
    paths: [String; 2],
    desired: [u32; 2],
    /// How long every target may take to become healthy; runs of earlier versions were stored without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    healthy_within_s: Option<u64>,
    /// Whether the targets are looked at while the rules are still made; runs of earlier versions wait for them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    healthy_beside_rules: bool,
}

/// What must serve.
#[derive(Debug)]
pub(crate) struct ServingNeeds {
    pub(crate) aws: Aws,
    pub(crate) load_balancer: Handle<LoadBalancerRef>,
    pub(crate) target_groups: [Handle<TargetGroupRef>; 2],
    pub(crate) listener: Handle<ListenerRef>,
    pub(crate) rules: [Handle<RuleRef>; 2],
    pub(crate) groups: [Handle<AutoScalingGroupRef>; 2],
}

impl ServingStep {
    pub(crate) fn new(spec: &StackSpec) -> Self {
        Self {
            wait: spec.wait,
            port: spec.load_balancer.port,
            paths: spec.groups.each_ref().map(|group| group.path.clone()),
            desired: spec.groups.each_ref().map(|group| group.desired),
            healthy_within_s: Some(patience_with(&spec.targets.health_check).as_secs()),
            healthy_beside_rules: true,
        }
    }

    /// The same step in the order in which a run was begun: what waits for what may not change any more.
    pub(crate) fn in_order_of(self, begun: &Self) -> Self {
        Self { healthy_beside_rules: begun.healthy_beside_rules, ..self }
    }

    /// What the step waits for.
    pub(crate) fn wait(&self) -> WaitMode {
        self.wait
    }

    fn watch_targets(
        &self,
        needs: &ServingNeeds,
        actions: &mut Actions<'_>,
    ) -> Handle<HealthyTargets> {
        let [first, second] = needs.groups;
        let [first_targets, second_targets] = needs.target_groups;
        let [first_rule, second_rule] = needs.rules;
        let rules = (!self.healthy_beside_rules).then_some((first_rule, second_rule));
        let desired = self.desired;
        actions.look(
            "targets-healthy",
            "every target healthy",
            TargetsHealthy::new(&needs.aws, self.healthy_within_s.map(Duration::from_secs)),
            // A target is unused, and so not checked, before a listener leads to its group. This one leads to both
            // by its default action, so that the rules need not stand yet.
            ((first, first_targets), (second, second_targets), needs.listener, rules),
            move |(first, second, _, _)| HealthyTargetsInput {
                groups: [expected(first, desired[0]), expected(second, desired[1])],
            },
        )
    }

    fn watch_answers(
        &self,
        needs: &ServingNeeds,
        active: Handle<ActiveLoadBalancer>,
        healthy: Handle<HealthyTargets>,
        actions: &mut Actions<'_>,
    ) {
        let [first, second] = needs.target_groups;
        // The paths are the rules'. In runs of earlier versions the targets have waited for them.
        let [first_rule, second_rule] = needs.rules;
        let rules = self.healthy_beside_rules.then_some((first_rule, second_rule));
        let step = self.clone();
        actions.look(
            "instances-answer",
            "every instance has answered over HTTP",
            InstancesAnswer::new(&needs.aws),
            (active, healthy, first, second, rules),
            move |(active, healthy, first, second, _)| AnsweringInstancesInput {
                dns_name: active.dns_name,
                port: step.port,
                groups: [first, second]
                    .into_iter()
                    .zip(healthy.instance_ids)
                    .zip(step.paths.clone().into_iter().zip(step.desired))
                    .map(|((target_group, instance_ids), (path, desired))| AnsweringGroup {
                        path,
                        target_group,
                        instance_ids,
                        desired,
                    })
                    .collect(),
            },
        );
    }
}

impl Step for ServingStep {
    const NAME: &'static str = "serving";
    const VERSION: u32 = 1;
    type Needs = ServingNeeds;
    type Offers = Handle<ActiveLoadBalancer>;

    fn title(&self) -> String {
        match self.wait {
            WaitMode::Http => "Serving: every instance answers over HTTP".to_owned(),
            WaitMode::Targets => "Serving: every target is healthy".to_owned(),
        }
    }

    fn define(&self, needs: ServingNeeds, actions: &mut Actions<'_>) -> Handle<ActiveLoadBalancer> {
        let active = actions.look(
            "load-balancer-active",
            "load balancer active",
            LoadBalancerActive::new(&needs.aws),
            needs.load_balancer,
            |load_balancer| load_balancer,
        );
        let healthy = self.watch_targets(&needs, actions);
        match self.wait {
            WaitMode::Http => self.watch_answers(&needs, active, healthy, actions),
            WaitMode::Targets => {}
        }
        active
    }
}

fn expected(
    (group, target_group): (AutoScalingGroupRef, TargetGroupRef),
    desired: u32,
) -> ExpectedTargets {
    ExpectedTargets { group, target_group, desired }
}
