//! The reads: everything that a run has made, side by side.

use aws_sdk_autoscaling::types::AutoScalingGroup;
use aws_sdk_ec2::types::{Instance, LaunchTemplate, ResponseLaunchTemplateData, SecurityGroup};
use aws_sdk_elasticloadbalancingv2::types::{
    Listener, LoadBalancer, Rule, TargetGroup, TargetGroupAttribute,
};
use lab1_flow_workflow::ActionError;

use super::records::Records;
use super::strangers::{Stranger, strangers};
use crate::auto_scaling_group::{groups_named, ids_of, instances};
use crate::connection::Aws;
use crate::ec2::filter;
use crate::inventory::{self, Thing};
use crate::launch_template::{LaunchTemplateRef, templates_named, version_data};
use crate::listener::listeners_of;
use crate::load_balancer;
use crate::memory::Known;
use crate::ownership::RUN_ID_TAG;
use crate::rule::rules_of;
use crate::security_group;
use crate::sweep::{self, marked_things};
use crate::tags::{Tags, found};
use crate::target_group::{self, TargetGroupAttributesInput, TargetGroupRef, attributes_of};

/// What stands, of all that was asked for.
#[derive(Debug, Default)]
pub(super) struct Sight {
    pub(super) security_groups: Vec<SecurityGroup>,
    pub(super) launch_templates: Vec<LaunchTemplate>,
    /// In the order of the records.
    pub(super) versions: Vec<Option<ResponseLaunchTemplateData>>,
    pub(super) target_groups: Vec<TargetGroup>,
    /// In the order of the records.
    pub(super) attributes: Vec<Option<Vec<TargetGroupAttribute>>>,
    /// Of those whose change is in doubt, in the order of the records.
    pub(super) doubted_attributes: Vec<Option<Vec<TargetGroupAttribute>>>,
    pub(super) load_balancer: Option<LoadBalancer>,
    pub(super) listeners: Vec<Listener>,
    pub(super) rules: Vec<Rule>,
    /// The listeners and rules that are not recorded.
    pub(super) strangers: Vec<Stranger>,
    /// The tags of what belongs to load balancing.
    pub(super) tags: Tags,
    pub(super) groups: Vec<AutoScalingGroup>,
    /// All instances with the run's mark, terminated ones included for as long as they are listed; and the members of
    /// its groups without one.
    pub(super) instances: Vec<Instance>,
    /// The ids of all instances of the account that run, whoever's they are, where their number is limited.
    pub(super) running: Vec<String>,
    /// Everything with the run's mark, where the account was searched for it.
    pub(super) marked: Vec<Thing>,
    /// The listeners and rules with the run's mark that are not recorded.
    pub(super) marked_parts: Vec<Thing>,
}

/// What was answered so far.
#[derive(Debug, Default)]
pub(super) struct Answers {
    security_groups: Known<Vec<SecurityGroup>>,
    launch_templates: Known<Vec<LaunchTemplate>>,
    versions: Known<Vec<Option<ResponseLaunchTemplateData>>>,
    target_groups: Known<Vec<TargetGroup>>,
    attributes: Known<Vec<Option<Vec<TargetGroupAttribute>>>>,
    doubted_attributes: Known<Vec<Option<Vec<TargetGroupAttribute>>>>,
    load_balancer: Known<Option<LoadBalancer>>,
    listeners: Known<Vec<Listener>>,
    rules: Known<Vec<Rule>>,
    tags: Known<Option<Tags>>,
    tags_of_strangers: Known<Tags>,
    groups: Known<Vec<AutoScalingGroup>>,
    instances: Known<Vec<Instance>>,
    running: Known<Vec<String>>,
    marked: sweep::Answers,
}

/// Looks at everything.
///
/// # Errors
/// The first failure; a not-found code when something went between two reads.
pub(super) async fn look(
    aws: &Aws,
    records: &Records,
    known: &Answers,
) -> Result<Sight, ActionError> {
    let arns = arns(records);
    let (
        security_groups,
        launch_templates,
        versions,
        target_groups,
        attributes,
        doubted_attributes,
        load_balancer,
        listeners,
        rules,
        tags,
        groups,
        instances,
        running,
        marked,
    ) = tokio::join!(
        known.security_groups.or_ask(security_groups(aws, records)),
        known.launch_templates.or_ask(launch_templates(aws, records)),
        known.versions.or_ask(versions(aws, records)),
        known.target_groups.or_ask(target_groups(aws, records)),
        known.attributes.or_ask(attributes(aws, records.attributes.iter().map(|it| &it.input))),
        known
            .doubted_attributes
            .or_ask(attributes(aws, records.doubted_attributes.iter().map(|(_, input)| input))),
        known.load_balancer.or_ask(balancer(aws, records)),
        known.listeners.or_ask(listeners(aws, records)),
        known.rules.or_ask(rules(aws, records)),
        known.tags.or_ask(tags(aws, &arns)),
        known.groups.or_ask(groups(aws, records)),
        known.instances.or_ask(marked_instances(aws, records)),
        known.running.or_ask(running(aws, records)),
        marked(aws, records, &known.marked),
    );
    let mut sight = Sight {
        security_groups: security_groups?,
        launch_templates: launch_templates?,
        versions: versions?,
        target_groups: target_groups?,
        attributes: attributes?,
        doubted_attributes: doubted_attributes?,
        load_balancer: load_balancer?,
        listeners: listeners?,
        rules: rules?,
        strangers: Vec::new(),
        tags: Tags::default(),
        groups: groups?,
        instances: instances?,
        running: running?,
        marked: marked?,
        marked_parts: Vec::new(),
    };
    let unmarked = unmarked_members(aws, &sight).await?;
    sight.instances.extend(unmarked);
    sight.tags = match tags? {
        Some(tags) => tags,
        // One that is gone spoils the list: asked again for those that were seen.
        None => Tags::read(aws, &sight.standing(&arns)).await?,
    };
    sight.strangers = strangers(aws, records, &sight, &known.tags_of_strangers).await?;
    sight.marked_parts = sight.strangers.iter().filter_map(|it| it.of_the_run(records)).collect();
    Ok(sight)
}

impl Sight {
    /// Those of the ARNs that were seen to stand.
    fn standing<'a>(&self, arns: &[&'a str]) -> Vec<&'a str> {
        let seen: Vec<&str> = (self.target_groups.iter().filter_map(TargetGroup::target_group_arn))
            .chain(self.load_balancer.iter().filter_map(LoadBalancer::load_balancer_arn))
            .chain(self.listeners.iter().filter_map(Listener::listener_arn))
            .chain(self.rules.iter().filter_map(Rule::rule_arn))
            .collect();
        arns.iter().copied().filter(|arn| seen.contains(arn)).collect()
    }
}

async fn running(aws: &Aws, records: &Records) -> Result<Vec<String>, ActionError> {
    if records.account_max.is_none() {
        return Ok(Vec::new());
    }
    let living = inventory::living_instances(aws, &[]).await?;
    let counts = |thing: &Thing| ["pending", "running"].contains(&thing.detail.as_str());
    Ok(living.into_iter().filter(counts).map(|thing| thing.name).collect())
}

/// The ARNs of all that belongs to load balancing and has tags.
fn arns(records: &Records) -> Vec<&str> {
    let target_groups = records.target_groups.iter().map(|made| made.output.arn.as_str());
    let balancer = records.load_balancer.iter().map(|made| made.output.arn.as_str());
    let listener = records.listener.iter().map(|made| made.output.arn.as_str());
    let rules = records.rules.iter().map(|made| made.output.arn.as_str());
    target_groups.chain(balancer).chain(listener).chain(rules).collect()
}

async fn security_groups(aws: &Aws, records: &Records) -> Result<Vec<SecurityGroup>, ActionError> {
    if records.security_groups.is_empty() {
        return Ok(Vec::new());
    }
    let ids = records.security_groups.iter().map(|made| made.output.id.as_str());
    security_group::describe(aws, "all of the run", &[filter("group-id", ids)]).await
}

async fn launch_templates(
    aws: &Aws,
    records: &Records,
) -> Result<Vec<LaunchTemplate>, ActionError> {
    let names: Vec<&str> =
        records.launch_templates.iter().map(|made| made.output.name.as_str()).collect();
    if names.is_empty() { Ok(Vec::new()) } else { templates_named(aws, &names).await }
}

async fn versions(
    aws: &Aws,
    records: &Records,
) -> Result<Vec<Option<ResponseLaunchTemplateData>>, ActionError> {
    let asks = records.launch_templates.iter().map(|made| version(aws, &made.output));
    futures_util::future::join_all(asks).await.into_iter().collect()
}

async fn version(
    aws: &Aws,
    template: &LaunchTemplateRef,
) -> Result<Option<ResponseLaunchTemplateData>, ActionError> {
    match version_data(aws, &template.name, &template.id).await {
        Err(error) if error.code().is_some_and(|code| code.contains(".NotFound")) => Ok(None),
        answer => answer,
    }
}

async fn target_groups(aws: &Aws, records: &Records) -> Result<Vec<TargetGroup>, ActionError> {
    let all: Vec<&TargetGroupRef> = records.target_groups.iter().map(|made| &made.output).collect();
    if all.is_empty() {
        return Ok(Vec::new());
    }
    if let Some(groups) = target_group::describe(aws, &all).await? {
        return Ok(groups);
    }
    if all.len() == 1 {
        return Ok(Vec::new());
    }
    // One that is gone spoils the list: each by itself.
    let mut found = Vec::new();
    for group in all {
        found.extend(target_group::describe(aws, &[group]).await?.into_iter().flatten());
    }
    Ok(found)
}

async fn attributes(
    aws: &Aws,
    of: impl Iterator<Item = &TargetGroupAttributesInput>,
) -> Result<Vec<Option<Vec<TargetGroupAttribute>>>, ActionError> {
    let asks = of.map(|input| attributes_of(aws, &input.target_group));
    futures_util::future::join_all(asks).await.into_iter().collect()
}

async fn balancer(aws: &Aws, records: &Records) -> Result<Option<LoadBalancer>, ActionError> {
    match &records.load_balancer {
        Some(made) => load_balancer::describe(aws, &made.output).await,
        None => Ok(None),
    }
}

async fn listeners(aws: &Aws, records: &Records) -> Result<Vec<Listener>, ActionError> {
    let Some(made) = &records.load_balancer else { return Ok(Vec::new()) };
    Ok(found(listeners_of(aws, &made.output.arn).await)?.unwrap_or_default())
}

async fn rules(aws: &Aws, records: &Records) -> Result<Vec<Rule>, ActionError> {
    let Some(made) = &records.listener else { return Ok(Vec::new()) };
    Ok(found(rules_of(aws, &made.output.arn).await)?.unwrap_or_default())
}

/// The tags of all of them; `None` when one is gone.
async fn tags(aws: &Aws, arns: &[&str]) -> Result<Option<Tags>, ActionError> {
    found(Tags::read(aws, arns).await)
}

async fn groups(aws: &Aws, records: &Records) -> Result<Vec<AutoScalingGroup>, ActionError> {
    let names: Vec<&str> = records.groups.iter().map(|made| made.output.name.as_str()).collect();
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let mut groups = groups_named(aws, &names).await?;
    // Another group of the same name says nothing about ours.
    groups.retain(|group| records.groups.iter().any(|made| made.output.is(group)));
    Ok(groups)
}

async fn marked_instances(aws: &Aws, records: &Records) -> Result<Vec<Instance>, ActionError> {
    if records.groups.is_empty() {
        return Ok(Vec::new());
    }
    let marked = filter(&format!("tag:{RUN_ID_TAG}"), [records.run.as_str()]);
    instances(aws, "all of the run", &[marked]).await
}

/// The members of the groups without a mark: attached by hand, or terminating and already without tags.
async fn unmarked_members(aws: &Aws, sight: &Sight) -> Result<Vec<Instance>, ActionError> {
    let is_marked = |id: &&str| sight.instances.iter().any(|it| it.instance_id() == Some(*id));
    let members = sight.groups.iter().flat_map(|group| ids_of(group.instances()));
    let ids: Vec<&str> = members.filter(|id| !is_marked(id)).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    instances(aws, "all of the run", &[filter("instance-id", ids)]).await
}

async fn marked(
    aws: &Aws,
    records: &Records,
    known: &sweep::Answers,
) -> Result<Vec<Thing>, ActionError> {
    if !records.needs_search() {
        return Ok(Vec::new());
    }
    marked_things(aws, Some(&records.names), &records.run, known).await
}
