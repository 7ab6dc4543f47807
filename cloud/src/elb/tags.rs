//! Tags of load balancers and their kin. A batch that names one absent resource fails whole.

use std::collections::BTreeSet;

use crate::ec2::tags::is_reserved;
use crate::elb::arns::Kind;
use crate::elb::{listeners, load_balancers, rules, target_groups};
use crate::handler::Answer;
use crate::state::{Context, Tags};
use crate::wire::params::Fields;
use crate::wire::refusal::Refusal;
use crate::wire::xml::Xml;

/// Tags that one resource may carry.
const TAGS_MAX: usize = 50;

/// Resources whose tags one call may read.
const RESOURCES_MAX: usize = 20;

/// Reads `Tags.member.N`, checked.
pub(super) fn read_tags(input: &Fields<'_>) -> Result<Tags, Refusal> {
    let mut tags = Tags::new();
    for tag in input.items("Tags") {
        let key = tag.required("Key")?;
        let value = tag.text("Value").unwrap_or_default();
        check_tag(key, value)?;
        if tags.insert(key.to_owned(), value.to_owned()).is_some() {
            let message = format!("A tag key was specified more than once: '{key}'");
            return Err(Refusal::new("DuplicateTagKeys", message));
        }
    }
    check_count(&tags)?;
    Ok(tags)
}

fn check_tag(key: &str, value: &str) -> Result<(), Refusal> {
    let allowed = |c: char| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c);
    let fits = key.chars().count() <= 128 && value.chars().count() <= 256;
    if fits && key.chars().all(allowed) && value.chars().all(allowed) && !is_reserved(key) {
        return Ok(());
    }
    let message = format!("The tag '{key}' is not valid: its length, a character or 'aws:'");
    Err(Refusal::new("ValidationError", message))
}

fn check_count(tags: &Tags) -> Result<(), Refusal> {
    if tags.len() > TAGS_MAX {
        let message = format!("The quota of {TAGS_MAX} tags per resource has been reached");
        return Err(Refusal::new("TooManyTags", message));
    }
    Ok(())
}

pub(crate) fn add(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let arns = read_arns(input)?;
    let tags = read_tags(input)?;
    if tags.is_empty() {
        return Err(Refusal::missing(input.service(), "Tags"));
    }
    input.end()?;
    for arn in &arns {
        let mut merged = tags_of(cx, arn)?.clone();
        merged.extend(tags.clone());
        check_count(&merged)?;
    }
    for arn in &arns {
        change_tags(cx, arn, |old| old.extend(tags.clone()));
    }
    Ok(Xml::new())
}

pub(crate) fn remove(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let arns = read_arns(input)?;
    let keys: BTreeSet<&str> = input.texts("TagKeys").into_iter().collect();
    if keys.is_empty() {
        return Err(Refusal::missing(input.service(), "TagKeys"));
    }
    input.end()?;
    for arn in &arns {
        tags_of(cx, arn)?;
    }
    for arn in &arns {
        change_tags(cx, arn, |old| old.retain(|key, _| !keys.contains(key.as_str())));
    }
    Ok(Xml::new())
}

pub(crate) fn describe(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let arns = read_arns(input)?;
    input.end()?;
    let mut found = Vec::new();
    for arn in arns {
        found.push((arn, tags_of(cx, arn)?));
    }
    let mut xml = Xml::new();
    xml.members("TagDescriptions", found, |item, (arn, tags)| {
        item.text("ResourceArn", arn).members("Tags", tags, |tag, (key, value)| {
            tag.text("Key", key).text("Value", value);
        });
    });
    Ok(xml)
}

fn read_arns<'a>(input: &Fields<'a>) -> Result<Vec<&'a str>, Refusal> {
    let arns = input.texts("ResourceArns");
    if arns.is_empty() {
        return Err(Refusal::missing(input.service(), "ResourceArns"));
    }
    if arns.len() > RESOURCES_MAX {
        let why = format!("at most {RESOURCES_MAX} resources in one call");
        return Err(input.invalid("ResourceArns", why));
    }
    Ok(arns)
}

fn kind_of(arn: &str) -> Result<Kind, Refusal> {
    let refuse = || Refusal::new("ValidationError", format!("'{arn}' is not a valid ARN"));
    Kind::of(arn).ok_or_else(refuse)
}

fn tags_of<'a>(cx: &'a Context<'_>, arn: &str) -> Result<&'a Tags, Refusal> {
    let (region, now_ms) = (&*cx.region, cx.now_ms);
    match kind_of(arn)? {
        Kind::TargetGroup => region
            .target_groups
            .seen_get(arn, now_ms)
            .map(|it| &it.tags)
            .ok_or_else(|| target_groups::not_found(arn)),
        Kind::LoadBalancer => region
            .load_balancers
            .seen_get(arn, now_ms)
            .map(|it| &it.tags)
            .ok_or_else(|| load_balancers::not_found(arn)),
        Kind::Listener => region
            .listeners
            .seen_get(arn, now_ms)
            .map(|it| &it.tags)
            .ok_or_else(|| listeners::not_found(arn)),
        Kind::Rule => region
            .rules
            .seen_get(arn, now_ms)
            .map(|it| &it.tags)
            .ok_or_else(|| rules::not_found(arn)),
    }
}

/// Changes the tags of a resource that is really there; what is only still seen stays as it was.
fn change_tags(cx: &mut Context<'_>, arn: &str, change: impl FnOnce(&mut Tags)) {
    let region = &mut *cx.region;
    let tags = match kind_of(arn) {
        Ok(Kind::TargetGroup) => region.target_groups.live_mut(arn).map(|it| &mut it.tags),
        Ok(Kind::LoadBalancer) => region.load_balancers.live_mut(arn).map(|it| &mut it.tags),
        Ok(Kind::Listener) => region.listeners.live_mut(arn).map(|it| &mut it.tags),
        Ok(Kind::Rule) => region.rules.live_mut(arn).map(|it| &mut it.tags),
        Err(_) => None,
    };
    if let Some(tags) = tags {
        change(tags);
    }
}
