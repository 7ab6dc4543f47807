//! The stack as a workflow: the preflight, the eight documented steps, and how one feeds the next.

use lab1_flow_workflow::journal::StoredStep;
use lab1_flow_workflow::{DefinitionError, Step, Workflow, WorkflowBuilder};

use crate::connection::{Aws, Target};
use crate::documented::{
    AutoScalingGroupsNeeds, AutoScalingGroupsStep, BalancerSecurityGroupNeeds,
    BalancerSecurityGroupStep, LaunchTemplatesNeeds, LaunchTemplatesStep, ListenerNeeds,
    ListenerStep, LoadBalancerNeeds, LoadBalancerStep, PreflightStep, RulesNeeds, RulesStep,
    ServingNeeds, ServingStep, TargetGroupsNeeds, TargetGroupsStep,
};
use crate::inventory::StackNames;
use crate::preflight::PreflightInput;
use crate::recovery::find_by_mark;
use crate::spec::{StackName, StackSpec, WaitMode};
use crate::sweep::MarkSweep;

/// The name under which runs of this workflow are stored.
pub const WORKFLOW_NAME: &str = "lab1-flow";

/// The steps of one stack, as data.
///
/// It is made from a specification for a new run, and from a run's header for one that goes on: the header
/// holds everything, so that a later process needs no configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stack {
    pub(crate) preflight: PreflightStep,
    pub(crate) launch_templates: LaunchTemplatesStep,
    pub(crate) target_groups: TargetGroupsStep,
    pub(crate) balancer_security_group: BalancerSecurityGroupStep,
    pub(crate) load_balancer: LoadBalancerStep,
    pub(crate) listener: ListenerStep,
    pub(crate) rules: RulesStep,
    pub(crate) auto_scaling_groups: AutoScalingGroupsStep,
    serving: ServingStep,
}

/// Why stored steps cannot be continued by this program.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoredStackError {
    /// The run was started without this step.
    #[error("the run has no step {step}: it was started by another version of lab1-flow")]
    Missing {
        /// The step.
        step: &'static str,
    },
    /// The run has a step that this program does not know.
    #[error("this version of lab1-flow does not know the run's step {step}")]
    Unknown {
        /// The step.
        step: String,
    },
    /// The step was stored by another version of its code.
    #[error("step {step} was stored in version {stored}, and this lab1-flow has version {known}")]
    Version {
        /// The step.
        step: &'static str,
        /// The version in the run's header.
        stored: u32,
        /// The version of this program.
        known: u32,
    },
    /// The configuration of the step does not read.
    #[error("the stored configuration of step {step} does not read")]
    Config {
        /// The step.
        step: &'static str,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

impl Stack {
    /// Cuts a specification into steps. It should have been checked with [`StackSpec::validate`].
    pub fn new(spec: &StackSpec, target: &Target) -> Self {
        Self {
            preflight: PreflightStep::new(spec, target.account.clone()),
            launch_templates: LaunchTemplatesStep::new(spec),
            target_groups: TargetGroupsStep::new(spec),
            balancer_security_group: BalancerSecurityGroupStep::new(spec),
            load_balancer: LoadBalancerStep::new(spec),
            listener: ListenerStep::new(spec),
            rules: RulesStep::new(spec),
            auto_scaling_groups: AutoScalingGroupsStep::new(spec),
            serving: ServingStep::new(spec),
        }
    }

    /// The same stack for a run whose preflight has looked already: that look stays as it was, provided that it looked
    /// at the same place and for the same names. What it saw of instance types and quotas is not looked at again.
    #[must_use]
    pub fn after_preflight_of(mut self, begun: &Self) -> Self {
        if self.preflight.looks_where(&begun.preflight) {
            self.preflight.clone_from(&begun.preflight);
        }
        self
    }

    /// The same stack for a run that was begun, maybe by an earlier version: what waits for what stays as it was.
    #[must_use]
    pub fn in_order_of(mut self, begun: &Self) -> Self {
        self.serving = self.serving.in_order_of(&begun.serving);
        self
    }

    /// What the last step waits for.
    pub fn wait(&self) -> WaitMode {
        self.serving.wait()
    }

    /// Reads the steps of a run's header.
    ///
    /// # Errors
    /// [`StoredStackError`] when they were stored by another version of this program.
    pub fn from_stored(steps: &[StoredStep]) -> Result<Self, StoredStackError> {
        let known = [
            PreflightStep::NAME,
            LaunchTemplatesStep::NAME,
            TargetGroupsStep::NAME,
            BalancerSecurityGroupStep::NAME,
            LoadBalancerStep::NAME,
            ListenerStep::NAME,
            RulesStep::NAME,
            AutoScalingGroupsStep::NAME,
            ServingStep::NAME,
        ];
        if let Some(step) = steps.iter().find(|step| !known.contains(&step.name.as_str())) {
            return Err(StoredStackError::Unknown { step: step.name.to_string() });
        }
        Ok(Self {
            preflight: stored(steps)?,
            launch_templates: stored(steps)?,
            target_groups: stored(steps)?,
            balancer_security_group: stored(steps)?,
            load_balancer: stored(steps)?,
            listener: stored(steps)?,
            rules: stored(steps)?,
            auto_scaling_groups: stored(steps)?,
            serving: stored(steps)?,
        })
    }

    /// All that must be found before the stack is begun.
    pub(crate) fn preflight_input(&self) -> &PreflightInput {
        self.preflight.input()
    }

    /// The names that the stack takes in AWS.
    pub(crate) fn names(&self) -> &StackNames {
        self.preflight.names()
    }

    /// The stack's own name.
    pub(crate) fn name(&self) -> &StackName {
        self.balancer_security_group.stack()
    }

    /// Wires the steps into a workflow that works through this connection.
    ///
    /// Nothing waits for what it does not need: the balancer is provisioned while the instances boot. The
    /// order of the numbers is that of the documentation and of display alone.
    ///
    /// # Errors
    /// None that a specification can cause; a test guards it.
    pub fn workflow(&self, aws: &Aws) -> Result<Workflow, DefinitionError> {
        self.searched_by(MarkSweep::new(aws, self.names()), aws)
    }

    /// The same workflow for a rollback whose records may be behind those that know the stack's names: all of the
    /// account is searched for the mark, whatever the names are.
    ///
    /// # Errors
    /// As [`workflow`](Self::workflow).
    pub fn workflow_under_any_name(&self, aws: &Aws) -> Result<Workflow, DefinitionError> {
        self.searched_by(MarkSweep::by_mark_alone(aws), aws)
    }

    fn searched_by(&self, sweep: MarkSweep, aws: &Aws) -> Result<Workflow, DefinitionError> {
        let mut builder = self.wired(aws);
        find_by_mark(&mut builder, self.name(), aws);
        builder.sweep(sweep);
        builder.build()
    }

    fn wired(&self, aws: &Aws) -> WorkflowBuilder {
        let aws = || aws.clone();
        let mut builder = Workflow::builder(WORKFLOW_NAME);
        let network = builder.prelude(&self.preflight, aws());
        // Step 3 comes first: its security group is the claim that everything else waits for.
        let claim = builder.numbered_step(
            3,
            &self.balancer_security_group,
            BalancerSecurityGroupNeeds { aws: aws(), network },
        );
        let templates = builder.numbered_step(
            1,
            &self.launch_templates,
            LaunchTemplatesNeeds { aws: aws(), network, claim },
        );
        let target_groups = builder.numbered_step(
            2,
            &self.target_groups,
            TargetGroupsNeeds { aws: aws(), network, claim },
        );
        let load_balancer =
            builder.step(&self.load_balancer, LoadBalancerNeeds { aws: aws(), network, claim });
        let listener = builder
            .step(&self.listener, ListenerNeeds { aws: aws(), load_balancer, target_groups });
        let rules = builder
            .step(&self.rules, RulesNeeds { aws: aws(), load_balancer, listener, target_groups });
        let groups = builder.step(
            &self.auto_scaling_groups,
            AutoScalingGroupsNeeds {
                aws: aws(),
                network,
                launch_templates: templates.launch_templates,
                instance_rules: templates.instance_rules,
                target_groups,
            },
        );
        builder.step(
            &self.serving,
            ServingNeeds { aws: aws(), load_balancer, target_groups, listener, rules, groups },
        );
        builder
    }
}

/// Reads one step of a header.
fn stored<S: Step>(steps: &[StoredStep]) -> Result<S, StoredStackError> {
    let step = S::NAME;
    let stored = steps.iter().find(|stored| stored.name.as_str() == step);
    let stored = stored.ok_or(StoredStackError::Missing { step })?;
    if stored.version != S::VERSION {
        let (stored, known) = (stored.version, S::VERSION);
        return Err(StoredStackError::Version { step, stored, known });
    }
    S::deserialize(&stored.config).map_err(|source| StoredStackError::Config { step, source })
}

#[cfg(test)]
mod tests;
