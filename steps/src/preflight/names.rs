//! The names of the stack: nothing else may stand under them.

use futures_util::future::join_all;
use lab1_flow_workflow::ActionError;
use lab1_flow_workflow::journal::RunId;

use super::checks::Checks;
use crate::connection::Aws;
use crate::ec2::filter;
use crate::inventory::{self, StackNames, Thing};
use crate::memory::Known;
use crate::ownership::{RUN_ID_TAG, holder_in_words, owner_of, run_named};
use crate::shell::shell_command;

/// What stands under the names, in the order of the search.
pub(super) type NamesAnswers = [Known<Vec<Thing>>; 6];

/// What was found, kind by kind.
pub(super) type NamesFound = Vec<(&'static str, Result<Vec<Thing>, ActionError>)>;

/// Finds what stands under the names of the stack.
pub(super) async fn look(aws: &Aws, names: &StackNames, known: &NamesAnswers) -> NamesFound {
    // The VPC is not known yet: security groups of other VPCs are left out later.
    let security_groups = [filter("group-name", names.security_groups.iter().map(String::as_str))];
    let templates =
        [filter("launch-template-name", names.launch_templates.iter().map(String::as_str))];
    let [first, second] = &names.target_groups;
    let [groups, launch, balancer, target_1, target_2, scaling] = known;
    let asks: [(_, futures_util::future::BoxFuture<'_, _>); 6] = [
        (
            "names of security groups",
            Box::pin(groups.or_ask(inventory::security_groups(aws, &security_groups))),
        ),
        (
            "names of launch templates",
            Box::pin(launch.or_ask(inventory::launch_templates(aws, &templates))),
        ),
        (
            "name of the load balancer",
            Box::pin(balancer.or_ask(inventory::load_balancers(aws, &names.load_balancer))),
        ),
        ("names of target groups", Box::pin(target_1.or_ask(inventory::target_groups(aws, first)))),
        (
            "names of target groups",
            Box::pin(target_2.or_ask(inventory::target_groups(aws, second))),
        ),
        (
            "names of Auto Scaling groups",
            Box::pin(
                scaling
                    .or_ask(inventory::auto_scaling_groups_named(aws, &names.auto_scaling_groups)),
            ),
        ),
    ];
    join_all(asks.into_iter().map(async |(subject, ask)| (subject, ask.await))).await
}

/// Refuses names that are taken, and says by whom. Gives all that stands under them.
pub(super) fn judge(
    found: NamesFound,
    run: &RunId,
    vpc_id: Option<&str>,
    checks: &mut Checks,
) -> Vec<Thing> {
    let mut standing = Vec::new();
    let mut all_free = true;
    for (subject, things) in found {
        let Some(mut things) = checks.settle(subject, things) else {
            all_free = false;
            continue;
        };
        things
            .retain(|thing| !is_elsewhere(thing, vpc_id) && holder_of(thing) != Some(run.as_str()));
        all_free = all_free && things.is_empty();
        standing.extend(things);
    }
    refuse(&standing, checks);
    if all_free {
        checks.ok("names", "all names of the stack are free");
    }
    standing
}

/// The run whose mark the thing carries.
pub(super) fn holder_of(thing: &Thing) -> Option<&str> {
    thing.tags().find(|(key, _)| *key == RUN_ID_TAG).map(|(_, value)| value)
}

fn is_elsewhere(thing: &Thing, vpc_id: Option<&str>) -> bool {
    thing.vpc_id.is_some() && vpc_id.is_some() && thing.vpc_id.as_deref() != vpc_id
}

/// Refuses what somebody holds, told once for each holder.
fn refuse(standing: &[Thing], checks: &mut Checks) {
    let mut by_holder: Vec<(Option<&str>, Vec<&Thing>)> = Vec::new();
    for thing in standing {
        let holder = holder_of(thing);
        match by_holder.iter_mut().find(|(known, _)| *known == holder) {
            Some((_, things)) => things.push(thing),
            None => by_holder.push((holder, vec![thing])),
        }
    }
    for (holder, things) in by_holder {
        checks.problem("names", taken(&things), advice(holder));
    }
}

fn taken(things: &[&Thing]) -> String {
    if let [thing] = things {
        let owner = owner_of(thing.tags());
        return format!("the {} {} exists already: {owner}", thing.kind, thing.name);
    }
    let holder = things.first().map_or_else(String::new, |thing| holder_in_words(thing.tags()));
    let names: Vec<String> =
        things.iter().map(|thing| format!("{} {}", thing.kind, thing.name)).collect();
    format!("{} of the names exist already, {holder}: {}", names.len(), names.join(", "))
}

/// Whether that run is to go on or to go away is not known here: its records are.
fn advice(holder: Option<&str>) -> String {
    holder.and_then(run_named).map_or_else(
        || "give this stack another name with --stack; what is there is not touched".to_owned(),
        |holder| {
            let of_run = |verb| shell_command(["lab1-flow", verb, holder.as_str()]);
            let (status, rollback) = (of_run("status"), of_run("rollback"));
            format!(
                "`{status}` says how that run stands; take it back with `{rollback}` (with --from-tags where its \
                 records are not here), or give this stack another name with --stack"
            )
        },
    )
}
