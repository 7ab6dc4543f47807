//! The search for the run's mark, which begins a rollback of what is not recorded whole, and ends every rollback.

use futures_util::future::{BoxFuture, ready};
use lab1_flow_workflow::journal::RunId;
use lab1_flow_workflow::{ActionError, Leftover, Sweep};

use crate::connection::Aws;
use crate::ec2::filter;
use crate::inventory::{self, StackNames, Thing};
use crate::memory::{Known, Memory, all_known};
use crate::ownership::{RUN_ID_TAG, maker_of};

/// The kinds of resources that are searched for a run's mark, in the order of the search.
///
/// Listeners and rules live in their balancer; the other parts carry no mark of their own.
pub const SEARCHED_KINDS: [&str; 8] = [
    "Auto Scaling groups",
    "instances",
    "volumes",
    "network interfaces",
    "security groups",
    "launch templates",
    "load balancers",
    "target groups",
];

/// Searches an account for everything that carries a run's mark.
///
/// Where a service can be asked for a tag it is. Load balancing cannot: it is asked for the names of the stack,
/// which are the only ones that the run can have used; where these are not known, for everything it has.
#[derive(Debug, Clone)]
pub(crate) struct MarkSweep {
    aws: Aws,
    names: Option<StackNames>,
    memory: Memory<Answers>,
}

/// What was found so far, in the order of the search.
pub(crate) type Answers = [Known<Vec<Thing>>; 9];

type Search<'a> = BoxFuture<'a, Result<Vec<Thing>, ActionError>>;

impl MarkSweep {
    /// A search for a run whose names are known.
    pub(crate) fn new(aws: &Aws, names: &StackNames) -> Self {
        Self { aws: aws.clone(), names: Some(names.clone()), memory: Memory::default() }
    }

    /// A search for a run of which nothing is known but its mark.
    pub(crate) fn by_mark_alone(aws: &Aws) -> Self {
        Self { aws: aws.clone(), names: None, memory: Memory::default() }
    }
}

impl Sweep for MarkSweep {
    async fn sweep(&self, run: &RunId) -> Result<Vec<Leftover>, ActionError> {
        let known = self.memory.of(run);
        let things = marked_things(&self.aws, self.names.as_ref(), run, &known).await?;
        // What was seen is complete: the next search asks everything anew.
        self.memory.forget(run);
        let left = |thing: &Thing| Leftover {
            what: thing.line(),
            action: maker_of(owner(thing, &things).tags()),
        };
        Ok(things.iter().map(left).collect())
    }
}

/// Finds everything that carries a run's mark.
pub(crate) async fn marked_things(
    aws: &Aws,
    names: Option<&StackNames>,
    run: &RunId,
    known: &Answers,
) -> Result<Vec<Thing>, ActionError> {
    let tag = format!("tag:{RUN_ID_TAG}");
    let marked = [filter(&tag, [run.as_str()])];
    let [balancers, first_targets, second_targets] = in_load_balancing(aws, names);
    let found = all_known(
        known,
        [
            Box::pin(inventory::auto_scaling_groups_tagged(aws, &tag, run.as_str())),
            Box::pin(inventory::living_instances(aws, &marked)),
            Box::pin(inventory::volumes(aws, &marked)),
            Box::pin(inventory::network_interfaces(aws, &marked)),
            Box::pin(inventory::security_groups(aws, &marked)),
            Box::pin(inventory::launch_templates(aws, &marked)),
            balancers,
            first_targets,
            second_targets,
        ],
    )
    .await?;
    let things = found.into_iter().flatten();
    Ok(things.filter(|thing| thing.tag(RUN_ID_TAG) == Some(run.as_str())).collect())
}

/// What may be the run's in load balancing.
fn in_load_balancing<'a>(aws: &'a Aws, names: Option<&'a StackNames>) -> [Search<'a>; 3] {
    match names {
        Some(StackNames { load_balancer, target_groups: [first, second], .. }) => [
            Box::pin(inventory::load_balancers(aws, load_balancer)),
            Box::pin(inventory::target_groups(aws, first)),
            Box::pin(inventory::target_groups(aws, second)),
        ],
        None => [
            Box::pin(inventory::all_load_balancers(aws)),
            Box::pin(inventory::all_target_groups(aws)),
            Box::pin(ready(Ok(Vec::new()))),
        ],
    }
}

/// What decides about a thing: volumes and interfaces go with the instance that they belong to.
fn owner<'a>(thing: &'a Thing, things: &'a [Thing]) -> &'a Thing {
    let holder = |id: &String| things.iter().find(|it| it.kind == "instance" && it.name == *id);
    thing.instance_id.as_ref().and_then(holder).unwrap_or(thing)
}

#[cfg(test)]
mod tests;
