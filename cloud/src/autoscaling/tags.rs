//! Tags of groups, each of which says whether new instances inherit it.

use crate::autoscaling::model::{Group, GroupTag, find};
use crate::ec2::tags::is_reserved;
use crate::handler::Answer;
use crate::state::{Context, Tags};
use crate::wire::filters::{Filters, single_value};
use crate::wire::pages::{self, PageRequest};
use crate::wire::params::Fields;
use crate::wire::refusal::Refusal;
use crate::wire::xml::Xml;

/// Tags that one group may carry, and that one call may set.
const TAGS_MAX: usize = 50;
const PER_CALL_MAX: usize = 25;

const RESOURCE_TYPE: &str = "auto-scaling-group";

/// Reads the tags of a create call, which are all for the group that it makes.
pub(super) fn read_group_tags(input: &Fields<'_>, name: &str) -> Result<Vec<GroupTag>, Refusal> {
    let mut tags: Vec<GroupTag> = Vec::new();
    let items = input.items("Tags");
    check_call(input, items.len())?;
    for item in items {
        if item.text("ResourceId").is_some_and(|id| id != name) {
            return Err(item.invalid("ResourceId", "it must be the name of the group"));
        }
        item.one_of("ResourceType", &[RESOURCE_TYPE])?;
        let tag = read_tag(&item)?;
        if tags.iter().any(|other| other.key == tag.key) {
            let message = format!("Duplicate tag key: {}", tag.key);
            return Err(Refusal::new("ValidationError", message));
        }
        tags.push(tag);
    }
    Ok(tags)
}

fn check_call(input: &Fields<'_>, count: usize) -> Result<(), Refusal> {
    if count > PER_CALL_MAX {
        return Err(input.invalid("Tags", format!("at most {PER_CALL_MAX} tags in one call")));
    }
    Ok(())
}

fn read_tag(item: &Fields<'_>) -> Result<GroupTag, Refusal> {
    let key = item.required("Key")?;
    let value = item.text("Value").unwrap_or_default();
    let propagate = item.flag("PropagateAtLaunch")?.unwrap_or(false);
    if key.chars().count() > 128 || value.chars().count() > 256 || is_reserved(key) {
        let message = format!("The tag '{key}' is not valid: its length, or 'aws:'");
        return Err(Refusal::new("ValidationError", message));
    }
    Ok(GroupTag { key: key.to_owned(), value: value.to_owned(), propagate })
}

fn check_count(count: usize) -> Result<(), Refusal> {
    if count > TAGS_MAX {
        let message = format!("A group may have at most {TAGS_MAX} tags");
        return Err(Refusal::new("LimitExceeded", message));
    }
    Ok(())
}

pub(crate) fn create_or_update(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let mut changes = Vec::new();
    for item in read_items(input)? {
        changes.push((read_group_name(&item)?, read_tag(&item)?));
    }
    input.end()?;
    let mut affected: Vec<Group> = Vec::new();
    for (name, tag) in changes {
        let there = find(cx, name)?;
        if !affected.iter().any(|group| group.name == name) {
            affected.push(there.clone());
        }
        if let Some(group) = affected.iter_mut().find(|group| group.name == name) {
            group.tags.retain(|old| old.key != tag.key);
            group.tags.push(tag);
            check_count(group.tags.len())?;
        }
    }
    store(cx, affected);
    Ok(Xml::new())
}

pub(crate) fn delete(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let mut unwanted = Vec::new();
    for item in read_items(input)? {
        item.flag("PropagateAtLaunch")?;
        unwanted.push((read_group_name(&item)?, item.required("Key")?, item.text("Value")));
    }
    input.end()?;
    let mut affected: Vec<Group> = Vec::new();
    for (name, key, value) in unwanted {
        let there = find(cx, name)?;
        if !affected.iter().any(|group| group.name == name) {
            affected.push(there.clone());
        }
        if let Some(group) = affected.iter_mut().find(|group| group.name == name) {
            let is_meant =
                |tag: &GroupTag| tag.key == key && value.is_none_or(|value| value == tag.value);
            group.tags.retain(|tag| !is_meant(tag));
        }
    }
    store(cx, affected);
    Ok(Xml::new())
}

/// Puts affected copies back, all at once: a call that fails in the middle changes nothing.
fn store(cx: &mut Context<'_>, groups: Vec<Group>) {
    for group in groups {
        super::members::put_back(cx, group);
    }
}

fn read_items<'a>(input: &Fields<'a>) -> Result<Vec<Fields<'a>>, Refusal> {
    let items = input.items("Tags");
    if items.is_empty() {
        return Err(Refusal::missing(input.service(), "tags"));
    }
    check_call(input, items.len())?;
    Ok(items)
}

fn read_group_name<'a>(item: &Fields<'a>) -> Result<&'a str, Refusal> {
    item.one_of("ResourceType", &[RESOURCE_TYPE])?;
    item.required("ResourceId")
}

pub(crate) fn describe(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let filters = Filters::auto_scaling(input)?;
    let page = PageRequest::read(input, pages::AUTO_SCALING)?;
    filters.check(input, &["auto-scaling-group", "key", "value", "propagate-at-launch"])?;
    input.end()?;
    let mut rows: Vec<(&str, &GroupTag)> = cx
        .region
        .groups
        .seen(cx.now_ms)
        .flat_map(|group| group.tags.iter().map(|tag| (group.name.as_str(), tag)))
        .filter(|(name, tag)| {
            filters.pass(&Tags::new(), |filter| match filter {
                "auto-scaling-group" => single_value(name),
                "key" => single_value(&tag.key),
                "value" => single_value(&tag.value),
                _ => vec![tag.propagate.to_string()],
            })
        })
        .collect();
    let key = |(name, tag): &(&str, &GroupTag)| format!("{name}/{}", tag.key);
    rows.sort_by_key(key);
    let (rows, next) = page.cut(rows, key);
    let mut xml = Xml::new();
    xml.members("Tags", rows, |item, (name, tag)| write_tag(item, name, tag));
    xml.optional("NextToken", next);
    Ok(xml)
}

/// Writes the tags of a group.
pub(super) fn write_tags(item: &mut Xml, group: &Group) {
    item.members("Tags", &group.tags, |item, tag| write_tag(item, &group.name, tag));
}

fn write_tag(item: &mut Xml, name: &str, tag: &GroupTag) {
    item.text("ResourceId", name)
        .text("ResourceType", RESOURCE_TYPE)
        .text("Key", &tag.key)
        .text("Value", &tag.value)
        .text("PropagateAtLaunch", tag.propagate);
}
