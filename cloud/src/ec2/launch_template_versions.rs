//! Versions of launch templates: numbered, unchangeable, one of them the default.

use crate::ec2::launch_template_data::LaunchTemplateData;
use crate::ec2::launch_templates::{
    LaunchTemplate, PAGES, TemplateVersion, created_by, id_not_found, read_template_id,
    version_not_found,
};
use crate::handler::Answer;
use crate::state::Context;
use crate::time::iso8601;
use crate::wire::pages::PageRequest;
use crate::wire::params::Fields;
use crate::wire::refusal::Refusal;
use crate::wire::xml::Xml;

pub(crate) fn create(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let id = read_template_id(cx, input, true)?;
    let description = input.text("VersionDescription").map(str::to_owned);
    let source = input.text("SourceVersion");
    let data = LaunchTemplateData::read(input)?;
    input.text("ClientToken");
    input.end()?;
    let created_ms = cx.now_ms;
    let template = template_mut(cx, &id)?;
    // Without a source the new version holds exactly what is sent.
    let data = match source {
        Some(wanted) => {
            let source = template.version(wanted).ok_or_else(|| version_not_found(wanted))?;
            data.over(&source.data)
        }
        None => data,
    };
    template.latest_version += 1;
    let number = template.latest_version;
    template.versions.push(TemplateVersion { number, description, created_ms, data });
    let mut xml = Xml::new();
    if let Some(version) = template.versions.last() {
        xml.element("launchTemplateVersion", |item| write(template, version, item));
    }
    Ok(xml)
}

/// Makes another version the default.
pub(crate) fn modify(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let id = read_template_id(cx, input, true)?;
    let default = input.text("SetDefaultVersion");
    input.text("ClientToken");
    input.end()?;
    let template = template_mut(cx, &id)?;
    if let Some(wanted) = default {
        template.default_version =
            template.version(wanted).ok_or_else(|| version_not_found(wanted))?.number;
    }
    let mut xml = Xml::new();
    xml.element("launchTemplate", |item| template.write(item));
    Ok(xml)
}

pub(crate) fn describe(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let everywhere = !input.has("LaunchTemplateId") && !input.has("LaunchTemplateName");
    let wanted = input.texts("LaunchTemplateVersion");
    let min = input.number("MinVersion", 1..=u64::MAX)?.unwrap_or(1);
    let max = input.number("MaxVersion", 1..=u64::MAX)?.unwrap_or(u64::MAX);
    let page = PageRequest::read(input, PAGES)?;
    let id = if everywhere { None } else { Some(read_template_id(cx, input, true)?) };
    input.end()?;
    if everywhere && !wanted.iter().all(|version| ["$Latest", "$Default"].contains(version)) {
        return Err(Refusal::missing(input.service(), "LaunchTemplateId"));
    }
    let mut rows = Vec::new();
    let templates = cx.region.launch_templates.seen(cx.now_ms);
    for template in templates.filter(|template| id.as_ref().is_none_or(|id| *id == template.id)) {
        for wanted in &wanted {
            let version = template.version(wanted).ok_or_else(|| version_not_found(wanted))?;
            rows.push((template, version));
        }
        if wanted.is_empty() && !everywhere {
            rows.extend(template.versions.iter().map(|version| (template, version)));
        }
    }
    rows.retain(|(_, version)| (min..=max).contains(&version.number));
    let key = |(template, version): &(&LaunchTemplate, &TemplateVersion)| {
        format!("{}/{:020}", template.id, version.number)
    };
    rows.sort_by_key(key);
    rows.dedup_by_key(|row| key(row));
    let (rows, next) = page.cut(rows, key);
    let mut xml = Xml::new();
    xml.items("launchTemplateVersionSet", rows, |item, (template, version)| {
        write(template, version, item);
    });
    xml.optional("nextToken", next);
    Ok(xml)
}

/// Deletes versions; the default version stays, and each failure is told by itself.
pub(crate) fn delete(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let id = read_template_id(cx, input, true)?;
    let wanted = input.texts("LaunchTemplateVersion");
    input.end()?;
    if wanted.is_empty() {
        return Err(Refusal::missing(input.service(), "LaunchTemplateVersion"));
    }
    let template = template_mut(cx, &id)?;
    let (mut deleted, mut failed) = (Vec::new(), Vec::new());
    for version in wanted {
        let number = template.version(version).map(|version| version.number);
        match number {
            Some(number) if number != template.default_version => {
                template.versions.retain(|version| version.number != number);
                deleted.push(number);
            }
            Some(number) => failed.push((number, "unexpectedError")),
            None => {
                failed.push((version.parse().unwrap_or(0), "launchTemplateVersionDoesNotExist"));
            }
        }
    }
    let mut xml = Xml::new();
    xml.items("successfullyDeletedLaunchTemplateVersionSet", deleted, |item, number| {
        item.text("launchTemplateId", &template.id)
            .text("launchTemplateName", &template.name)
            .text("versionNumber", number);
    });
    xml.items("unsuccessfullyDeletedLaunchTemplateVersionSet", failed, |item, (number, code)| {
        item.text("launchTemplateId", &template.id)
            .text("launchTemplateName", &template.name)
            .text("versionNumber", number)
            .element("responseError", |error| {
                error.text("code", code).text("message", "The version was not deleted.");
            });
    });
    Ok(xml)
}

fn template_mut<'a>(cx: &'a mut Context<'_>, id: &str) -> Result<&'a mut LaunchTemplate, Refusal> {
    cx.region.launch_templates.live_mut(id).ok_or_else(|| id_not_found(id))
}

fn write(template: &LaunchTemplate, version: &TemplateVersion, item: &mut Xml) {
    item.text("launchTemplateId", &template.id)
        .text("launchTemplateName", &template.name)
        .text("versionNumber", version.number)
        .optional("versionDescription", version.description.as_ref())
        .text("createTime", iso8601(version.created_ms))
        .text("createdBy", created_by())
        .text("defaultVersion", version.number == template.default_version);
    version.data.write(item);
}
