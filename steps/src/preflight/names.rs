//! The names of the stack: nothing else may stand under them.

use lab1_flow_workflow::ActionError;
use lab1_flow_workflow::journal::RunId;

use super::refusal::Refusals;
use crate::connection::Aws;
use crate::ec2::filter;
use crate::inventory::{self, StackNames, Thing};
use crate::ownership::{RUN_ID_TAG, owner_of};

/// Finds what stands under the names of the stack.
pub(super) async fn look(aws: &Aws, names: &StackNames) -> Result<Vec<Thing>, ActionError> {
    // The VPC is not known yet: security groups of other VPCs are left out later.
    let security_groups = [filter("group-name", names.security_groups.iter().map(String::as_str))];
    let templates =
        [filter("launch-template-name", names.launch_templates.iter().map(String::as_str))];
    let (security_groups, templates, load_balancing, groups) = tokio::try_join!(
        inventory::security_groups(aws, &security_groups),
        inventory::launch_templates(aws, &templates),
        inventory::load_balancing(aws, names),
        inventory::auto_scaling_groups_named(aws, &names.auto_scaling_groups),
    )?;
    let found = [security_groups, templates, load_balancing, groups];
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
