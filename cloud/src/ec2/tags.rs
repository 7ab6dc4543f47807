//! Tags of EC2 resources: at creation, afterwards, and read back.

use crate::handler::Answer;
use crate::state::{Context, Region, Tags};
use crate::wire::filters::{Filters, single_value};
use crate::wire::pages::{self, PageRequest};
use crate::wire::params::Fields;
use crate::wire::refusal::Refusal;
use crate::wire::xml::Xml;

/// Tags that one resource may carry.
pub(crate) const TAGS_MAX: usize = 50;

/// Writes the tags of a resource, if it has any, as AWS leaves the element out otherwise.
pub(crate) fn write_tags(xml: &mut Xml, tags: &Tags) {
    if !tags.is_empty() {
        xml.items("tagSet", tags, |item, (key, value)| {
            item.text("key", key).text("value", value);
        });
    }
}

/// Reads the tag specifications of a create call, all of which must be for `resource_type`.
pub(crate) fn read_specifications(
    input: &Fields<'_>,
    name: &str,
    resource_type: &str,
) -> Result<Tags, Refusal> {
    let mut tags = Tags::new();
    for specification in input.items(name) {
        let found = specification.required("ResourceType")?;
        if found != resource_type {
            let why =
                format!("'{found}' is not valid for this call, which makes a {resource_type}");
            return Err(specification.invalid("ResourceType", why));
        }
        for (key, value) in read_tags(&specification)? {
            if tags.insert(key, value).is_some() {
                let message =
                    "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
                return Err(Refusal::new("InvalidParameterValue", message));
            }
        }
    }
    check_count(&tags)?;
    Ok(tags)
}

/// Tells whether a key is Amazon's own: the prefix is, in any letter case.
pub(crate) fn is_reserved(key: &str) -> bool {
    key.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:"))
}

/// Reads `Tag.N.Key` and `Tag.N.Value`, checked.
pub(crate) fn read_tags(fields: &Fields<'_>) -> Result<Vec<(String, String)>, Refusal> {
    let mut tags: Vec<(String, String)> = Vec::new();
    for tag in fields.items("Tag") {
        let key = tag.required("Key")?;
        let value = tag.text("Value").unwrap_or_default();
        check_tag(key, value)?;
        if tags.iter().any(|(other, _)| other == key) {
            let message = format!("Duplicate tag key '{key}' specified.");
            return Err(Refusal::new("InvalidParameterValue", message));
        }
        tags.push((key.to_owned(), value.to_owned()));
    }
    Ok(tags)
}

fn check_tag(key: &str, value: &str) -> Result<(), Refusal> {
    let refuse = |why: String| Err(Refusal::new("InvalidParameterValue", why));
    if key.chars().count() > 128 {
        return refuse(format!("Tag key exceeds the maximum length of 128 characters: {key}"));
    }
    if value.chars().count() > 256 {
        return refuse(format!("Tag value exceeds the maximum length of 256 characters: {value}"));
    }
    if is_reserved(key) {
        return refuse(RESERVED.to_owned());
    }
    Ok(())
}

/// The message about a key that only Amazon may set.
const RESERVED: &str = "Tag keys starting with 'aws:' are reserved for internal use";

/// Refuses a reserved key in a call that changes the tags of an existing resource; its message is longer.
fn check_not_reserved(key: &str) -> Result<(), Refusal> {
    if is_reserved(key) {
        let message = format!("Value ( {key} ) for parameter key is invalid. {RESERVED}");
        return Err(Refusal::new("InvalidParameterValue", message));
    }
    Ok(())
}

fn check_count(tags: &Tags) -> Result<(), Refusal> {
    let by_users = tags.keys().filter(|key| !key.starts_with("aws:")).count();
    if by_users > TAGS_MAX {
        let message = format!("You have reached the maximum of {TAGS_MAX} tags on the resource");
        return Err(Refusal::new("TagLimitExceeded", message));
    }
    Ok(())
}

pub(crate) fn create(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let ids = read_resource_ids(input)?;
    for tag in input.items("Tag") {
        check_not_reserved(tag.required("Key")?)?;
    }
    let tags = read_tags(input)?;
    if tags.is_empty() {
        return Err(Refusal::missing(input.service(), "Tag"));
    }
    input.end()?;
    for id in &ids {
        let mut merged = tags_mut(cx.region, id, cx.now_ms)?.clone();
        merged.extend(tags.iter().cloned());
        check_count(&merged)?;
    }
    for id in &ids {
        tags_mut(cx.region, id, cx.now_ms)?.extend(tags.iter().cloned());
    }
    Ok(returns_true())
}

/// Deletes tags: those named (with this value, if a value is given), or all but Amazon's own.
pub(crate) fn delete(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let ids = read_resource_ids(input)?;
    let mut named = Vec::new();
    for tag in input.items("Tag") {
        let key = tag.required("Key")?;
        check_not_reserved(key)?;
        named.push((key, tag.text("Value")));
    }
    input.end()?;
    for id in &ids {
        tags_mut(cx.region, id, cx.now_ms)?;
    }
    for id in &ids {
        tags_mut(cx.region, id, cx.now_ms)?.retain(|key, value| {
            let wanted = named.is_empty()
                || named
                    .iter()
                    .any(|(name, old)| name == key && old.is_none_or(|old| old == value));
            !wanted || key.starts_with("aws:")
        });
    }
    Ok(returns_true())
}

fn read_resource_ids<'a>(input: &Fields<'a>) -> Result<Vec<&'a str>, Refusal> {
    let ids = input.texts("ResourceId");
    if ids.is_empty() {
        return Err(Refusal::missing(input.service(), "ResourceId"));
    }
    if ids.len() > 1000 {
        return Err(input.invalid("ResourceId", "at most 1000 resources in one call"));
    }
    Ok(ids)
}

pub(crate) fn describe(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let filters = Filters::ec2(input)?;
    let page = PageRequest::read(input, pages::EC2)?;
    filters.check(input, &["resource-id", "resource-type", "key", "value", "tag"])?;
    input.end()?;
    let mut rows: Vec<(String, &str, &String, &String)> = Vec::new();
    for (id, kind, tags) in all_tags(cx.region, cx.now_ms) {
        let of_resource = tags.iter().filter(|(key, value)| {
            let alone = Tags::from([((*key).clone(), (*value).clone())]);
            filters.pass(&alone, |name| {
                single_value(match name {
                    "resource-id" => &id,
                    "resource-type" => kind,
                    "key" => key,
                    _ => value,
                })
            })
        });
        rows.extend(of_resource.map(|(key, value)| (id.clone(), kind, key, value)));
    }
    rows.sort();
    let (rows, next) = page.cut(rows, |(id, _, key, _)| format!("{id}/{key}"));
    let mut xml = Xml::new();
    xml.items("tagSet", rows, |item, (id, kind, key, value)| {
        item.text("resourceId", id)
            .text("resourceType", kind)
            .text("key", key)
            .text("value", value);
    });
    xml.optional("nextToken", next);
    Ok(xml)
}

/// Lists the tags of everything that a read finds, with id and type of the resource.
fn all_tags(region: &Region, now_ms: i64) -> Vec<(String, &'static str, &Tags)> {
    let mut all: Vec<(String, &'static str, &Tags)> = Vec::new();
    let network = &region.network;
    all.extend(network.vpcs.iter().map(|vpc| (vpc.id.clone(), "vpc", &vpc.tags)));
    all.extend(network.subnets.iter().map(|it| (it.id.clone(), "subnet", &it.tags)));
    all.extend(network.gateways.iter().map(|it| (it.id.clone(), "internet-gateway", &it.tags)));
    all.extend(region.images.iter().map(|it| (it.id.clone(), "image", &it.tags)));
    all.extend(region.key_pairs.values().map(|it| (it.id.clone(), "key-pair", &it.tags)));
    for group in region.security_groups.seen(now_ms) {
        all.push((group.id.clone(), "security-group", &group.tags));
        let rules = group.rules.iter();
        all.extend(rules.map(|rule| (rule.id.clone(), "security-group-rule", &rule.tags)));
    }
    let templates = region.launch_templates.seen(now_ms);
    all.extend(templates.map(|it| (it.id.clone(), "launch-template", &it.tags)));
    for instance in region.instances.values() {
        all.push((instance.id.clone(), "instance", instance.shown_tags(now_ms)));
        if instance.has_interface(now_ms) {
            all.push((instance.volume_id.clone(), "volume", &instance.volume_tags));
            let interface = instance.interface_id.clone();
            all.push((interface, "network-interface", &instance.interface_tags));
        }
    }
    all
}

/// Finds the tags of a resource by its id, or refuses with the not-found code of its kind.
fn tags_mut<'a>(region: &'a mut Region, id: &str, now_ms: i64) -> Result<&'a mut Tags, Refusal> {
    let (kind, _) = id.split_once('-').unwrap_or((id, ""));
    let network = &mut region.network;
    let found = match kind {
        "vpc" => network.vpcs.iter_mut().find(|it| it.id == id).map(|it| &mut it.tags),
        "subnet" => network.subnets.iter_mut().find(|it| it.id == id).map(|it| &mut it.tags),
        "igw" => network.gateways.iter_mut().find(|it| it.id == id).map(|it| &mut it.tags),
        "ami" => region.images.iter_mut().find(|it| it.id == id).map(|it| &mut it.tags),
        "key" => region.key_pairs.values_mut().find(|it| it.id == id).map(|it| &mut it.tags),
        "sg" => region.security_groups.usable_mut(id, now_ms).map(|it| &mut it.tags),
        "sgr" => region
            .security_groups
            .live_all_mut()
            .flat_map(|group| group.rules.iter_mut())
            .find(|rule| rule.id == id)
            .map(|rule| &mut rule.tags),
        "lt" => region.launch_templates.usable_mut(id, now_ms).map(|it| &mut it.tags),
        "i" => region.instances.get_mut(id).map(|it| &mut it.tags),
        "vol" => region
            .instances
            .values_mut()
            .find(|it| it.volume_id == id && it.has_interface(now_ms))
            .map(|it| &mut it.volume_tags),
        "eni" => region
            .instances
            .values_mut()
            .find(|it| it.interface_id == id && it.has_interface(now_ms))
            .map(|it| &mut it.interface_tags),
        _ => None,
    };
    found.ok_or_else(|| not_found(kind, id))
}

fn not_found(kind: &str, id: &str) -> Refusal {
    let code = match kind {
        "vpc" => "InvalidVpcID.NotFound",
        "subnet" => "InvalidSubnetID.NotFound",
        "igw" => "InvalidInternetGatewayID.NotFound",
        "ami" => "InvalidAMIID.NotFound",
        "key" => "InvalidKeyPair.NotFound",
        "sg" => "InvalidGroup.NotFound",
        "sgr" => "InvalidSecurityGroupRuleId.NotFound",
        "lt" => "InvalidLaunchTemplateId.NotFound",
        "i" => "InvalidInstanceID.NotFound",
        "vol" => "InvalidVolume.NotFound",
        "eni" => "InvalidNetworkInterfaceID.NotFound",
        _ => return Refusal::new("InvalidID", format!("The ID '{id}' is not valid")),
    };
    Refusal::new(code, format!("The ID '{id}' does not exist"))
}

/// The whole answer of many EC2 calls that change something.
pub(crate) fn returns_true() -> Xml {
    let mut xml = Xml::new();
    xml.text("return", true);
    xml
}
