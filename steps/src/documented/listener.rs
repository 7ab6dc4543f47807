//! Step 5: the listener.

use lab1_flow_workflow::{Actions, Handle, Step};
use serde::{Deserialize, Serialize};

use crate::connection::Aws;
use crate::forwarding::WeightedTargetGroup;
use crate::listener::{CreateListener, ListenerInput, ListenerRef};
use crate::load_balancer::LoadBalancerRef;
use crate::spec::{StackName, StackSpec};
use crate::target_group::TargetGroupRef;

/// A listener on the load balancer, with both target groups behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListenerStep {
    stack: StackName,
    pub(crate) port: u16,
    pub(crate) weights: [u32; 2],
}

/// What the listener is built on.
#[derive(Debug)]
pub(crate) struct ListenerNeeds {
    pub(crate) aws: Aws,
    pub(crate) load_balancer: Handle<LoadBalancerRef>,
    pub(crate) target_groups: [Handle<TargetGroupRef>; 2],
}

impl ListenerStep {
    pub(crate) fn new(spec: &StackSpec) -> Self {
        Self {
            stack: spec.stack.clone(),
            port: spec.load_balancer.port,
            weights: spec.groups.each_ref().map(|group| group.weight),
        }
    }
}

impl Step for ListenerStep {
    const NAME: &'static str = "listener";
    const VERSION: u32 = 1;
    type Needs = ListenerNeeds;
    type Offers = Handle<ListenerRef>;

    fn title(&self) -> String {
        let [first, second] = self.weights;
        format!(
            "Listener: HTTP on port {}, both target groups by weight {first}:{second}",
            self.port
        )
    }

    fn define(&self, needs: ListenerNeeds, actions: &mut Actions<'_>) -> Handle<ListenerRef> {
        let [first, second] = needs.target_groups;
        let (port, weights) = (self.port, self.weights);
        actions.part(
            needs.load_balancer,
            "listener",
            format!("listener on port {port}"),
            CreateListener::new(&needs.aws, &self.stack),
            (needs.load_balancer, first, second),
            move |(load_balancer, first, second)| ListenerInput {
                load_balancer,
                port,
                target_groups: [weighted(first, weights[0]), weighted(second, weights[1])],
            },
        )
    }
}

fn weighted(group: TargetGroupRef, weight: u32) -> WeightedTargetGroup {
    WeightedTargetGroup { target_group_arn: group.arn, weight }
}
