//! The search for leftovers that ends every rollback.

use lab1_flow_workflow::journal::RunId;
use lab1_flow_workflow::{ActionError, Sweep};

use crate::connection::Aws;
use crate::ec2::filter;
use crate::inventory::{self, StackNames, Thing};
use crate::ownership::RUN_ID_TAG;

/// Searches an account for everything that carries a run's mark.
///
/// Where a service can be asked for a tag it is; load balancing cannot, and is asked for the names of the
/// stack, which are the only ones that the run can have used. Listeners and rules live in their balancer.
#[derive(Debug, Clone)]
pub(crate) struct MarkSweep {
    aws: Aws,
    names: StackNames,
}

impl MarkSweep {
    pub(crate) fn new(aws: &Aws, names: &StackNames) -> Self {
        Self { aws: aws.clone(), names: names.clone() }
    }
}

impl Sweep for MarkSweep {
    async fn sweep(&self, run: &RunId) -> Result<Vec<String>, ActionError> {
        let aws = &self.aws;
        let marked = [filter(&format!("tag:{RUN_ID_TAG}"), [run.as_str()])];
        let (groups, instances, volumes, interfaces, security_groups, templates, named) = tokio::try_join!(
            inventory::auto_scaling_groups_tagged(aws, RUN_ID_TAG, run.as_str()),
            inventory::living_instances(aws, &marked),
            inventory::volumes(aws, &marked),
            inventory::network_interfaces(aws, &marked),
            inventory::security_groups(aws, &marked),
            inventory::launch_templates(aws, &marked),
            inventory::load_balancing(aws, &self.names),
        )?;
        let things = [groups, instances, volumes, interfaces, security_groups, templates, named];
        let things = things.into_iter().flatten();
        Ok(things.filter(|thing| is_of(thing, run)).map(|thing| line(&thing)).collect())
    }
}

fn is_of(thing: &Thing, run: &RunId) -> bool {
    thing.tags().any(|tag| tag == (RUN_ID_TAG, run.as_str()))
}

fn line(thing: &Thing) -> String {
    let Thing { kind, name, detail, .. } = thing;
    if detail.is_empty() { format!("{kind} {name}") } else { format!("{kind} {name} ({detail})") }
}
