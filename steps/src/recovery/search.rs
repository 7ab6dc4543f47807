//! The runs whose marks an account carries.

use std::collections::{BTreeMap, BTreeSet};

use lab1_flow_workflow::ActionError;
use lab1_flow_workflow::journal::{RunId, Timestamp};
use serde::Serialize;

use crate::connection::Aws;
use crate::ec2::filter;
use crate::inventory::{self, Thing};
use crate::ownership::{ACTION_TAG, RUN_ID_TAG, STACK_TAG};
use crate::spec::StackName;

/// One run, known by what carries its mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkedRun {
    /// The run.
    pub run: RunId,
    /// Its stack.
    pub stack: StackName,
    /// What carries its mark, each kind together.
    pub things: Vec<MarkedThing>,
    /// When the first and the last of them were made, to the second, by the provider's clock; as far as it tells. Security
    /// groups, target groups and balancers are left out.
    pub made: Option<(Timestamp, Timestamp)>,
    /// Who made the launch templates: the only things of which the provider tells it.
    pub made_by: BTreeSet<String>,
}

/// One thing that carries a mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MarkedThing {
    /// Its kind, for people.
    pub kind: &'static str,
    /// Its name, or its id where people know it by that.
    pub name: String,
    /// Its id, ARN or state.
    pub detail: String,
    /// The action that made it, as its mark says.
    pub action: String,
}

/// Searches all kinds of resources for marks of any run. Changes nothing.
///
/// # Errors
/// The first call that failed: then nothing is known.
pub async fn marked_runs(aws: &Aws) -> Result<Vec<MarkedRun>, ActionError> {
    let marked = [filter("tag-key", [RUN_ID_TAG])];
    let found = tokio::try_join!(
        inventory::auto_scaling_groups_tagged(aws, "tag-key", RUN_ID_TAG),
        Box::pin(inventory::living_instances(aws, &marked)),
        Box::pin(inventory::volumes(aws, &marked)),
        Box::pin(inventory::network_interfaces(aws, &marked)),
        Box::pin(inventory::security_groups(aws, &marked)),
        Box::pin(inventory::launch_templates(aws, &marked)),
        Box::pin(inventory::all_load_balancers(aws)),
        Box::pin(inventory::all_target_groups(aws)),
    )?;
    let (groups, instances, volumes, interfaces, security_groups, templates, balancers, targets) =
        found;
    let things =
        [groups, instances, volumes, interfaces, security_groups, templates, balancers, targets];
    Ok(by_run(things.into_iter().flatten()))
}

/// Puts together what carries one mark. What does not name a valid run and stack is not our doing.
fn by_run(things: impl Iterator<Item = Thing>) -> Vec<MarkedRun> {
    let mut runs = BTreeMap::new();
    for thing in things {
        let run = thing.tag(RUN_ID_TAG).and_then(|run| RunId::new(run).ok());
        let stack = thing.tag(STACK_TAG).and_then(|stack| StackName::new(stack).ok());
        let (Some(run), Some(stack)) = (run, stack) else { continue };
        let action = thing.tag(ACTION_TAG).unwrap_or_default().to_owned();
        let Thing { kind, name, detail, made_s, made_by, .. } = thing;
        let entry = runs.entry(run.clone());
        let run = entry.or_insert_with(|| MarkedRun {
            run,
            stack,
            things: Vec::new(),
            made: None,
            made_by: BTreeSet::new(),
        });
        if let Some(at) = made_s.map(|seconds| Timestamp(seconds.saturating_mul(1_000))) {
            let (first, last) = run.made.unwrap_or((at, at));
            run.made = Some((first.min(at), last.max(at)));
        }
        run.made_by.extend(made_by);
        run.things.push(MarkedThing { kind, name, detail, action });
    }
    runs.into_values().collect()
}
