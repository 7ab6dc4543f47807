//! What stands in an account under the names of a stack, or under the mark of a run.
//!
//! The preflight asks whether the names are free, the sweep whether anything is left: both ask here.

use aws_sdk_autoscaling::types::AutoScalingGroup;
use aws_sdk_ec2::types::{Filter, Instance};
use aws_smithy_types::DateTime;
use lab1_flow_workflow::ActionError;
use serde::{Deserialize, Serialize};

use crate::connection::{Aws, Call, Service};
use crate::ec2::{filter, pairs};
use crate::pages::{Page, all_pages};
use crate::spec::StackSpec;
use crate::tags::{Tags, found};

/// The names that a stack takes in AWS, with the prefix of the stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StackNames {
    pub(crate) security_groups: [String; 2],
    pub(crate) launch_templates: [String; 2],
    pub(crate) target_groups: [String; 2],
    pub(crate) load_balancer: String,
    pub(crate) auto_scaling_groups: [String; 2],
}

impl StackNames {
    pub(crate) fn new(spec: &StackSpec) -> Self {
        let groups = spec.groups.each_ref();
        Self {
            security_groups: [
                spec.full_name(&spec.instances.security_group_name),
                spec.full_name(&spec.load_balancer.security_group_name),
            ],
            launch_templates: groups.map(|group| spec.full_name(&group.launch_template_name)),
            target_groups: groups.map(|group| spec.full_name(&group.target_group_name)),
            load_balancer: spec.full_name(&spec.load_balancer.name),
            auto_scaling_groups: groups.map(|group| spec.full_name(&group.name)),
        }
    }
}

/// One thing that stands in the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Thing {
    /// Its kind, for people.
    pub(crate) kind: &'static str,
    /// Its name, or its id where people know it by that.
    pub(crate) name: String,
    /// Its id, ARN or state: what tells it from another of that name.
    pub(crate) detail: String,
    /// The ARN of an Auto Scaling group, whose detail is its state.
    pub(crate) arn: Option<String>,
    /// Its tags.
    pub(crate) tags: Vec<(String, String)>,
    /// The VPC that it lives in, for what has one.
    pub(crate) vpc_id: Option<String>,
    /// The instance that it belongs to and goes with.
    pub(crate) instance_id: Option<String>,
    /// When it was made, in seconds since 1970 by the provider's clock, where the service tells.
    pub(crate) made_s: Option<i64>,
    /// Who made it, where the service tells: launch templates alone do.
    pub(crate) made_by: Option<String>,
}

impl Thing {
    pub(crate) fn tags(&self) -> impl Iterator<Item = (&str, &str)> {
        self.tags.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The value of a tag; `None` when it has none of this key.
    pub(crate) fn tag(&self, key: &str) -> Option<&str> {
        self.tags().find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    /// What it is, for people, in one line.
    pub(crate) fn line(&self) -> String {
        let Self { kind, name, detail, .. } = self;
        if detail.is_empty() {
            format!("{kind} {name}")
        } else {
            format!("{kind} {name} ({detail})")
        }
    }

    fn new(
        kind: &'static str,
        name: Option<&str>,
        detail: Option<&str>,
        tags: Vec<(String, String)>,
    ) -> Self {
        let owned = |text: Option<&str>| text.unwrap_or_default().to_owned();
        Self {
            kind,
            name: owned(name),
            detail: owned(detail),
            arn: None,
            tags,
            vpc_id: None,
            instance_id: None,
            made_s: None,
            made_by: None,
        }
    }
}

fn owned<'a>(tags: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<(String, String)> {
    tags.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// Lists security groups.
pub(crate) async fn security_groups(
    aws: &Aws,
    filters: &[Filter],
) -> Result<Vec<Thing>, ActionError> {
    let groups = all_pages(async |next: Option<String>| {
        let request = aws.ec2().describe_security_groups().set_next_token(next);
        let request = request.set_filters(Some(filters.to_vec()));
        let call = Call::reading(Service::Ec2, "DescribeSecurityGroups", "all of the stack");
        let answer = aws.call(call, request.send()).await?;
        Ok(Page::new(answer.security_groups, answer.next_token))
    })
    .await?;
    let thing = |group: &aws_sdk_ec2::types::SecurityGroup| Thing {
        vpc_id: group.vpc_id().map(str::to_owned),
        ..Thing::new(
            "security group",
            group.group_name(),
            group.group_id(),
            owned(pairs(group.tags())),
        )
    };
    Ok(groups.iter().map(thing).collect())
}

/// Lists launch templates.
pub(crate) async fn launch_templates(
    aws: &Aws,
    filters: &[Filter],
) -> Result<Vec<Thing>, ActionError> {
    let templates = all_pages(async |next: Option<String>| {
        let request = aws.ec2().describe_launch_templates().set_next_token(next);
        let request = request.set_filters(Some(filters.to_vec()));
        let call = Call::reading(Service::Ec2, "DescribeLaunchTemplates", "all of the stack");
        let answer = aws.call(call, request.send()).await?;
        Ok(Page::new(answer.launch_templates, answer.next_token))
    })
    .await?;
    let thing = |template: &aws_sdk_ec2::types::LaunchTemplate| {
        let (name, id) = (template.launch_template_name(), template.launch_template_id());
        Thing {
            made_s: template.create_time().map(DateTime::secs),
            made_by: template.created_by().map(str::to_owned),
            ..Thing::new("launch template", name, id, owned(pairs(template.tags())))
        }
    };
    Ok(templates.iter().map(thing).collect())
}

/// Lists instances that are not terminated.
pub(crate) async fn living_instances(
    aws: &Aws,
    filters: &[Filter],
) -> Result<Vec<Thing>, ActionError> {
    let living = ["pending", "running", "shutting-down", "stopping", "stopped"];
    let mut filters = filters.to_vec();
    filters.push(filter("instance-state-name", living));
    let reservations = all_pages(async |next: Option<String>| {
        let request = aws.ec2().describe_instances().set_next_token(next);
        let request = request.set_filters(Some(filters.clone()));
        let call = Call::reading(Service::Ec2, "DescribeInstances", "all of the stack");
        let answer = aws.call(call, request.send()).await?;
        Ok(Page::new(answer.reservations, answer.next_token))
    })
    .await?;
    let thing = |instance: &Instance| {
        let state = instance
            .state()
            .and_then(|state| state.name())
            .map(aws_sdk_ec2::types::InstanceStateName::as_str);
        let made_s = instance.launch_time().map(DateTime::secs);
        let (id, tags) = (instance.instance_id(), owned(pairs(instance.tags())));
        Thing { made_s, ..Thing::new("instance", id, state, tags) }
    };
    Ok(reservations
        .iter()
        .flat_map(aws_sdk_ec2::types::Reservation::instances)
        .map(thing)
        .collect())
}

/// Lists volumes.
pub(crate) async fn volumes(aws: &Aws, filters: &[Filter]) -> Result<Vec<Thing>, ActionError> {
    let volumes = all_pages(async |next: Option<String>| {
        let request = aws.ec2().describe_volumes().set_next_token(next);
        let request = request.set_filters(Some(filters.to_vec()));
        let call = Call::reading(Service::Ec2, "DescribeVolumes", "all of the stack");
        let answer = aws.call(call, request.send()).await?;
        Ok(Page::new(answer.volumes, answer.next_token))
    })
    .await?;
    let thing = |volume: &aws_sdk_ec2::types::Volume| {
        let state = volume.state().map(aws_sdk_ec2::types::VolumeState::as_str);
        let holder = volume.attachments().iter().find_map(|attachment| attachment.instance_id());
        Thing {
            instance_id: holder.map(str::to_owned),
            ..Thing::new("volume", volume.volume_id(), state, owned(pairs(volume.tags())))
        }
    };
    Ok(volumes.iter().map(thing).collect())
}

/// Lists network interfaces.
pub(crate) async fn network_interfaces(
    aws: &Aws,
    filters: &[Filter],
) -> Result<Vec<Thing>, ActionError> {
    let interfaces = crate::ec2::interfaces(aws, "all of the stack", filters).await?;
    let thing = |interface: &aws_sdk_ec2::types::NetworkInterface| {
        let (id, text) = (interface.network_interface_id(), interface.description());
        let holder = interface.attachment().and_then(|attachment| attachment.instance_id());
        Thing {
            instance_id: holder.map(str::to_owned),
            ..Thing::new("network interface", id, text, owned(pairs(interface.tag_set())))
        }
    };
    Ok(interfaces.iter().map(thing).collect())
}

/// Finds the target group of this name. One call for each: a list of names answers for none of them when one
/// is absent.
pub(crate) async fn target_groups(aws: &Aws, name: &str) -> Result<Vec<Thing>, ActionError> {
    let request = aws.load_balancing().describe_target_groups().names(name);
    let call = Call::reading(Service::LoadBalancing, "DescribeTargetGroups", name);
    let answer = found(aws.call(call, request.send()).await)?;
    let groups = answer.and_then(|answer| answer.target_groups).unwrap_or_default();
    let group = groups.iter().find(|group| group.target_group_name() == Some(name));
    with_tags(aws, "target group", name, group.and_then(|group| group.target_group_arn())).await
}

/// Finds the load balancer of this name.
pub(crate) async fn load_balancers(aws: &Aws, name: &str) -> Result<Vec<Thing>, ActionError> {
    let request = aws.load_balancing().describe_load_balancers().names(name);
    let call = Call::reading(Service::LoadBalancing, "DescribeLoadBalancers", name);
    let answer = found(aws.call(call, request.send()).await)?;
    let balancers = answer.and_then(|answer| answer.load_balancers).unwrap_or_default();
    let balancer = balancers.iter().find(|balancer| balancer.load_balancer_name() == Some(name));
    let arn = balancer.and_then(|balancer| balancer.load_balancer_arn());
    with_tags(aws, "load balancer", name, arn).await
}

/// Lists all target groups of the account, with their tags: the service cannot be asked for a tag.
pub(crate) async fn all_target_groups(aws: &Aws) -> Result<Vec<Thing>, ActionError> {
    let groups = all_pages(async |marker: Option<String>| {
        let request = aws.load_balancing().describe_target_groups().set_marker(marker);
        let call = Call::reading(Service::LoadBalancing, "DescribeTargetGroups", "all");
        let answer = aws.call(call, request.send()).await?;
        Ok(Page::new(answer.target_groups, answer.next_marker))
    })
    .await?;
    let named = |group: aws_sdk_elasticloadbalancingv2::types::TargetGroup| {
        Some((group.target_group_name?, group.target_group_arn?))
    };
    all_with_tags(aws, "target group", groups.into_iter().filter_map(named).collect()).await
}

/// Lists all load balancers of the account, with their tags: the service cannot be asked for a tag.
pub(crate) async fn all_load_balancers(aws: &Aws) -> Result<Vec<Thing>, ActionError> {
    let balancers = all_pages(async |marker: Option<String>| {
        let request = aws.load_balancing().describe_load_balancers().set_marker(marker);
        let call = Call::reading(Service::LoadBalancing, "DescribeLoadBalancers", "all");
        let answer = aws.call(call, request.send()).await?;
        Ok(Page::new(answer.load_balancers, answer.next_marker))
    })
    .await?;
    let named = |balancer: aws_sdk_elasticloadbalancingv2::types::LoadBalancer| {
        Some((balancer.load_balancer_name?, balancer.load_balancer_arn?))
    };
    all_with_tags(aws, "load balancer", balancers.into_iter().filter_map(named).collect()).await
}

async fn all_with_tags(
    aws: &Aws,
    kind: &'static str,
    named: Vec<(String, String)>,
) -> Result<Vec<Thing>, ActionError> {
    let arns: Vec<&str> = named.iter().map(|(_, arn)| arn.as_str()).collect();
    let tags = Tags::read_existing(aws, &arns).await?;
    let thing = |(name, arn): &(String, String)| {
        Thing::new(kind, Some(name), Some(arn), owned(tags.of(arn)))
    };
    Ok(named.iter().map(thing).collect())
}

async fn with_tags(
    aws: &Aws,
    kind: &'static str,
    name: &str,
    arn: Option<&str>,
) -> Result<Vec<Thing>, ActionError> {
    let Some(arn) = arn else { return Ok(Vec::new()) };
    // Gone between the two reads is gone.
    let Some(tags) = found(Tags::read_one(aws, arn).await)? else { return Ok(Vec::new()) };
    Ok(vec![Thing::new(kind, Some(name), Some(arn), owned(tags.of(arn)))])
}

/// Lists the Auto Scaling groups of these names.
pub(crate) async fn auto_scaling_groups_named(
    aws: &Aws,
    names: &[String],
) -> Result<Vec<Thing>, ActionError> {
    list_auto_scaling_groups(aws, names, None).await
}

/// Lists the Auto Scaling groups that pass a filter, such as `tag:KEY` or `tag-key`.
pub(crate) async fn auto_scaling_groups_tagged(
    aws: &Aws,
    filter: &str,
    value: &str,
) -> Result<Vec<Thing>, ActionError> {
    list_auto_scaling_groups(aws, &[], Some((filter, value))).await
}

async fn list_auto_scaling_groups(
    aws: &Aws,
    names: &[String],
    filter: Option<(&str, &str)>,
) -> Result<Vec<Thing>, ActionError> {
    let filters = filter.map(|(name, value)| {
        vec![aws_sdk_autoscaling::types::Filter::builder().name(name).values(value).build()]
    });
    let names = Some(names.to_vec()).filter(|names| !names.is_empty());
    let groups = all_pages(async |next: Option<String>| {
        let request = aws.auto_scaling().describe_auto_scaling_groups().set_next_token(next);
        let request =
            request.set_auto_scaling_group_names(names.clone()).set_filters(filters.clone());
        let call =
            Call::reading(Service::AutoScaling, "DescribeAutoScalingGroups", "all of the stack");
        let answer = aws.call(call, request.send()).await?;
        Ok(Page::new(answer.auto_scaling_groups, answer.next_token))
    })
    .await?;
    let thing = |group: &AutoScalingGroup| {
        let tags = group.tags().iter().filter_map(|tag| Some((tag.key()?, tag.value()?)));
        let (name, state) = (group.auto_scaling_group_name(), group.status());
        Thing {
            arn: group.auto_scaling_group_arn().map(str::to_owned),
            made_s: group.created_time().map(DateTime::secs),
            ..Thing::new("Auto Scaling group", name, state, owned(tags))
        }
    };
    Ok(groups.iter().map(thing).collect())
}
