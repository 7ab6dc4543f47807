//! What the actions on EC2 have in common: filters, tags and lists.

use aws_sdk_ec2::types::{Filter, NetworkInterface, ResourceType, Tag, TagSpecification};
use lab1_flow_workflow::{ActionContext, ActionError};

use crate::connection::{Aws, Call, Service};
use crate::ownership::{ACTION_TAG, Mark, RUN_ID_TAG};
use crate::pages::{Page, all_pages};

/// A filter of a `Describe` call: the field has one of these values.
pub(crate) fn filter<'a>(name: &str, values: impl IntoIterator<Item = &'a str>) -> Filter {
    let values = values.into_iter().map(str::to_owned).collect();
    Filter::builder().name(name).set_values(Some(values)).build()
}

/// What carries the mark of the action that is carried out.
pub(crate) fn marked_by(context: &ActionContext) -> [Filter; 2] {
    [
        filter(&format!("tag:{RUN_ID_TAG}"), [context.run().as_str()]),
        filter(&format!("tag:{ACTION_TAG}"), [context.action().as_str()]),
    ]
}

/// The mark in a create call, for what the call makes.
pub(crate) fn tagged(kind: ResourceType, mark: &Mark, name: &str) -> TagSpecification {
    TagSpecification::builder().resource_type(kind).set_tags(Some(tags(mark, name))).build()
}

/// The tags of a mark in the service's own type.
pub(crate) fn tags(mark: &Mark, name: &str) -> Vec<Tag> {
    let tag = |(key, value)| Tag::builder().key(key).value(value).build();
    mark.tags(name).into_iter().map(tag).collect()
}

/// The tags of something that was read, as plain pairs.
pub(crate) fn pairs(tags: &[Tag]) -> impl Iterator<Item = (&str, &str)> {
    tags.iter().filter_map(|tag| Some((tag.key()?, tag.value()?)))
}

/// Lists network interfaces.
pub(crate) async fn interfaces(
    aws: &Aws,
    subject: &str,
    filters: &[Filter],
) -> Result<Vec<NetworkInterface>, ActionError> {
    all_pages(|next| async move {
        let request = aws.ec2().describe_network_interfaces().set_next_token(next);
        let request = request.set_filters(Some(filters.to_vec()));
        let call = Call::reading(Service::Ec2, "DescribeNetworkInterfaces", subject);
        let answer = aws.call(call, request.send()).await?;
        Ok(Page::new(answer.network_interfaces, answer.next_token))
    })
    .await
}
