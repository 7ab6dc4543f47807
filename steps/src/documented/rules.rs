//! Step 6: the rules.

use lab1_flow_workflow::{Actions, Handle, Step};
use serde::{Deserialize, Serialize};

use crate::connection::Aws;
use crate::listener::ListenerRef;
use crate::load_balancer::LoadBalancerRef;
use crate::rule::{CreateRule, RuleInput, RuleRef};
use crate::spec::{StackName, StackSpec};
use crate::target_group::TargetGroupRef;

/// One rule for each group: its path leads to its target group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RulesStep {
    stack: StackName,
    pub(crate) paths: [String; 2],
    pub(crate) priorities: [u32; 2],
}

/// What the rules are built on.
#[derive(Debug)]
pub(crate) struct RulesNeeds {
    pub(crate) aws: Aws,
    pub(crate) load_balancer: Handle<LoadBalancerRef>,
    pub(crate) listener: Handle<ListenerRef>,
    pub(crate) target_groups: [Handle<TargetGroupRef>; 2],
}

impl RulesStep {
    pub(crate) fn new(spec: &StackSpec) -> Self {
        Self {
            stack: spec.stack.clone(),
            paths: spec.groups.each_ref().map(|group| group.path.clone()),
            priorities: spec.groups.each_ref().map(|group| group.priority),
        }
    }
}

impl Step for RulesStep {
    const NAME: &'static str = "rules";
    const VERSION: u32 = 1;
    type Needs = RulesNeeds;
    type Offers = [Handle<RuleRef>; 2];

    fn title(&self) -> String {
        let [first, second] = &self.paths;
        format!("Rules: {first} and {second} each to its target group")
    }

    fn define(&self, needs: RulesNeeds, actions: &mut Actions<'_>) -> [Handle<RuleRef>; 2] {
        [0, 1].map(|place| {
            let (path, priority) = (self.paths[place].clone(), self.priorities[place]);
            actions.part(
                needs.load_balancer,
                ["rule-1", "rule-2"][place],
                format!("rule {priority}: {path}"),
                CreateRule::new(&needs.aws, &self.stack),
                (needs.listener, needs.target_groups[place]),
                move |(listener, target_group)| RuleInput {
                    listener,
                    priority,
                    path: path.clone(),
                    target_group,
                },
            )
        })
    }
}
