//! The search for leftovers that ends every rollback.

use lab1_flow_workflow::journal::RunId;
use lab1_flow_workflow::{ActionError, Sweep};

use crate::connection::Aws;
use crate::ec2::filter;
use crate::inventory::{self, StackNames, Thing};
use crate::memory::{Known, Memory, all_known};
use crate::ownership::RUN_ID_TAG;

/// Searches an account for everything that carries a run's mark.
///
/// Where a service can be asked for a tag it is; load balancing cannot, and is asked for the names of the
/// stack, which are the only ones that the run can have used. Listeners and rules live in their balancer.
#[derive(Debug, Clone)]
pub(crate) struct MarkSweep {
    aws: Aws,
    names: StackNames,
    memory: Memory<Answers>,
}

/// What was found so far, in the order of the search.
pub(crate) type Answers = [Known<Vec<Thing>>; 9];

impl MarkSweep {
    pub(crate) fn new(aws: &Aws, names: &StackNames) -> Self {
        Self { aws: aws.clone(), names: names.clone(), memory: Memory::default() }
    }
}

impl Sweep for MarkSweep {
    async fn sweep(&self, run: &RunId) -> Result<Vec<String>, ActionError> {
        let known = self.memory.of(run);
        let things = marked_things(&self.aws, &self.names, run, &known).await?;
        // What was seen is complete: the next search asks everything anew.
        self.memory.forget(run);
        Ok(things.iter().map(line).collect())
    }
}

/// Finds everything that carries a run's mark.
pub(crate) async fn marked_things(
    aws: &Aws,
    names: &StackNames,
    run: &RunId,
    known: &Answers,
) -> Result<Vec<Thing>, ActionError> {
    let marked = [filter(&format!("tag:{RUN_ID_TAG}"), [run.as_str()])];
    let StackNames { load_balancer, target_groups: [first, second], .. } = names;
    let found = all_known(
        known,
        [
            Box::pin(inventory::auto_scaling_groups_tagged(aws, RUN_ID_TAG, run.as_str())),
            Box::pin(inventory::living_instances(aws, &marked)),
            Box::pin(inventory::volumes(aws, &marked)),
            Box::pin(inventory::network_interfaces(aws, &marked)),
            Box::pin(inventory::security_groups(aws, &marked)),
            Box::pin(inventory::launch_templates(aws, &marked)),
            Box::pin(inventory::load_balancers(aws, load_balancer)),
            Box::pin(inventory::target_groups(aws, first)),
            Box::pin(inventory::target_groups(aws, second)),
        ],
    )
    .await?;
    Ok(found.into_iter().flatten().filter(|thing| is_of(thing, run)).collect())
}

fn is_of(thing: &Thing, run: &RunId) -> bool {
    thing.tags().any(|tag| tag == (RUN_ID_TAG, run.as_str()))
}

fn line(thing: &Thing) -> String {
    let Thing { kind, name, detail, .. } = thing;
    if detail.is_empty() { format!("{kind} {name}") } else { format!("{kind} {name} ({detail})") }
}

#[cfg(test)]
mod tests;
