//! A run whose journal is lost, taken back by what its marks tell.
//!
//! Everything that a run makes carries its mark: the run, the stack, the action. So the journal can be begun anew
//! with the worst that may have happened: an attempt at every change of the stack, none of which was answered. The
//! engine settles such doubts in every rollback; here it settles them by the mark alone, because names and inputs
//! were lost with the journal. What is found is taken back by the same code, with the same proofs, and the new
//! journal lets the rollback be killed and resumed like any other.
//!
//! A journal that is only behind the world, an older copy, keeps its own workflow: what it does not know of is found and
//! taken back by the same actions.

mod marked;
mod search;

use lab1_flow_workflow::journal::RunHeader;
use lab1_flow_workflow::{Actions, DefinitionError, Step, Workflow, WorkflowBuilder};
use serde::{Deserialize, Serialize};

pub use search::{MarkedRun, MarkedThing, marked_runs};

use crate::connection::Aws;
use crate::spec::StackName;
use crate::sweep::MarkSweep;
use marked::{Kind, TakeBackMarked};

/// The name under which such runs are stored.
pub const RECOVERY_WORKFLOW: &str = "lab1-flow-recovery";

/// Everything that the stack may have made, as data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MarkedThingsStep {
    stack: StackName,
}

/// Makes the workflow that takes a run of this stack back by its marks. Its actions make nothing.
///
/// # Errors
/// None that can be caused from outside; a test guards it.
pub fn recovery_workflow(stack: &StackName, aws: &Aws) -> Result<Workflow, DefinitionError> {
    let mut builder = Workflow::builder(RECOVERY_WORKFLOW);
    builder.step(&MarkedThingsStep { stack: stack.clone() }, aws.clone());
    builder.sweep(MarkSweep::by_mark_alone(aws));
    builder.build()
}

/// The changes of a stack that make what carries a mark of its own, and what each makes.
const MARKED: [(&str, Kind); 9] = [
    ("balancer-security-group", Kind::SecurityGroup),
    ("instance-security-group", Kind::SecurityGroup),
    ("launch-template-1", Kind::LaunchTemplate),
    ("launch-template-2", Kind::LaunchTemplate),
    ("target-group-1", Kind::TargetGroup),
    ("target-group-2", Kind::TargetGroup),
    ("load-balancer", Kind::LoadBalancer),
    ("auto-scaling-group-1", Kind::AutoScalingGroup),
    ("auto-scaling-group-2", Kind::AutoScalingGroup),
];

/// Lets a rollback of the stack itself find and take back, by its mark alone, what the records do not know of.
pub(crate) fn find_by_mark(builder: &mut WorkflowBuilder, stack: &StackName, aws: &Aws) {
    for (change, kind) in MARKED {
        builder.by_mark(change, TakeBackMarked::new(aws, stack, kind));
    }
}

/// Makes the same workflow again from the header of a run; `None` when the run is not of this kind.
pub fn stored_recovery(header: &RunHeader, aws: &Aws) -> Option<Result<Workflow, DefinitionError>> {
    let step = header.steps.first().filter(|_| header.workflow == RECOVERY_WORKFLOW)?;
    let step = MarkedThingsStep::deserialize(&step.config).ok()?;
    Some(recovery_workflow(&step.stack, aws))
}

impl Step for MarkedThingsStep {
    const NAME: &'static str = "marked-things";
    const VERSION: u32 = 1;
    type Needs = Aws;
    type Offers = ();

    fn title(&self) -> String {
        format!("Everything of stack {} that carries the run's mark", self.stack)
    }

    /// The same names, and the same order of removal, as in the stack itself.
    fn define(&self, aws: Aws, actions: &mut Actions<'_>) {
        let marked = |kind| TakeBackMarked::new(&aws, &self.stack, kind);
        let claim = actions.change(
            "balancer-security-group",
            "security group of the load balancer",
            marked(Kind::SecurityGroup),
            (),
            |()| (),
        );
        let group = actions.change(
            "instance-security-group",
            "security group of the instances",
            marked(Kind::SecurityGroup),
            claim,
            |_| (),
        );
        let both = [0, 1];
        let templates = both.map(|place| {
            let name = ["launch-template-1", "launch-template-2"][place];
            let kind = marked(Kind::LaunchTemplate);
            actions.change(name, "launch template", kind, group, |_| ())
        });
        let targets = both.map(|place| {
            let name = ["target-group-1", "target-group-2"][place];
            actions.change(name, "target group", marked(Kind::TargetGroup), claim, |_| ())
        });
        let [first, second] = targets;
        actions.change(
            "load-balancer",
            "load balancer with its listeners and rules",
            marked(Kind::LoadBalancer),
            (claim, first, second),
            |_| (),
        );
        for place in both {
            actions.change(
                ["auto-scaling-group-1", "auto-scaling-group-2"][place],
                "Auto Scaling group with its instances",
                marked(Kind::AutoScalingGroup),
                (templates[place], targets[place]),
                |_| (),
            );
        }
    }
}

#[cfg(test)]
mod tests;
