//! The names of the stack: nothing else may stand under them.

use lab1_flow_workflow::ActionError;
use lab1_flow_workflow::journal::RunId;

use super::refusal::Refusals;
use crate::connection::Aws;
use crate::ec2::filter;
use crate::inventory::{self, StackNames, Thing};
use crate::memory::{Known, all_known};
use crate::ownership::{RUN_ID_TAG, owner_of};

/// What stands under the names, in the order of the search.
pub(super) type NamesAnswers = [Known<Vec<Thing>>; 6];

/// Finds what stands under the names of the stack.
pub(super) async fn look(
    aws: &Aws,
    names: &StackNames,
    known: &NamesAnswers,
) -> Result<Vec<Thing>, ActionError> {
    // The VPC is not known yet: security groups of other VPCs are left out later.
    let security_groups = [filter("group-name", names.security_groups.iter().map(String::as_str))];
    let templates =
        [filter("launch-template-name", names.launch_templates.iter().map(String::as_str))];
    let [first, second] = &names.target_groups;
    let found = all_known(
        known,
        [
            Box::pin(inventory::security_groups(aws, &security_groups)),
            Box::pin(inventory::launch_templates(aws, &templates)),
            Box::pin(inventory::load_balancers(aws, &names.load_balancer)),
            Box::pin(inventory::target_groups(aws, first)),
            Box::pin(inventory::target_groups(aws, second)),
            Box::pin(inventory::auto_scaling_groups_named(aws, &names.auto_scaling_groups)),
        ],
    )
    .await?;
    Ok(found.into_iter().flatten().collect())
}

/// Refuses a name that is taken, and says by whom.
pub(super) fn judge(thing: &Thing, run: &RunId, vpc_id: Option<&str>, refusals: &mut Refusals) {
    let elsewhere = thing.vpc_id.is_some() && vpc_id.is_some() && thing.vpc_id.as_deref() != vpc_id;
    let holder = thing.tags().find(|(key, _)| *key == RUN_ID_TAG).map(|(_, value)| value);
    if elsewhere || holder == Some(run.as_str()) {
        return;
    }
    let owner = owner_of(thing.tags());
    let advice = match holder {
        Some(holder) => format!(
            "roll that run back with `lab1-flow rollback {holder}`, or give this stack another name \
             with --stack"
        ),
        None => {
            "give this stack another name with --stack; what is there is not touched".to_owned()
        }
    };
    refusals.add(format!("the {} {} exists already: {owner}", thing.kind, thing.name), advice);
}
