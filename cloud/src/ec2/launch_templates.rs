//! Launch templates: the one create call of this stack that takes a client token.

use serde::{Deserialize, Serialize};

use crate::durations::Event;
use crate::ec2::launch_template_data::LaunchTemplateData;
use crate::ec2::tags::{read_specifications, write_tags};
use crate::handler::Answer;
use crate::state::{ACCOUNT_ID, Context, Tags};
use crate::time::iso8601;
use crate::wire::filters::{Filters, single_value};
use crate::wire::pages::{self, PageNames, PageRequest};
use crate::wire::params::Fields;
use crate::wire::refusal::Refusal;
use crate::wire::xml::Xml;

/// A launch template and its versions.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LaunchTemplate {
    pub(crate) id: String,
    pub(crate) name: String,
    created_ms: i64,
    pub(crate) default_version: u64,
    pub(crate) latest_version: u64,
    pub(crate) versions: Vec<TemplateVersion>,
    pub(crate) tags: Tags,
}

/// One version: never changed, only deleted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TemplateVersion {
    pub(crate) number: u64,
    pub(crate) description: Option<String>,
    pub(crate) created_ms: i64,
    pub(crate) data: LaunchTemplateData,
}

/// What a client token stood for: a repeated call gets the old answer, also when the template has
/// been deleted meanwhile.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RememberedToken {
    fingerprint: String,
    template: LaunchTemplate,
    pub(crate) expires_ms: i64,
}

/// Templates that one region may hold.
const TEMPLATES_MAX: usize = 5000;

/// Paging of launch templates: at most 200 at once.
pub(super) const PAGES: PageNames =
    PageNames { size_min: 1, size_max: 200, size_default: 200, ..pages::EC2 };

impl LaunchTemplate {
    /// Finds a version by its number, `$Latest` or `$Default`.
    pub(crate) fn version(&self, wanted: &str) -> Option<&TemplateVersion> {
        let number = match wanted {
            "$Latest" => self.latest_version,
            "$Default" => self.default_version,
            number => number.parse().ok()?,
        };
        self.versions.iter().find(|version| version.number == number)
    }

    pub(super) fn write(&self, xml: &mut Xml) {
        xml.text("launchTemplateId", &self.id)
            .text("launchTemplateName", &self.name)
            .text("createTime", iso8601(self.created_ms))
            .text("createdBy", created_by())
            .text("defaultVersionNumber", self.default_version)
            .text("latestVersionNumber", self.latest_version);
        write_tags(xml, &self.tags);
    }

    fn answer(&self) -> Xml {
        let mut xml = Xml::new();
        xml.element("launchTemplate", |template| self.write(template));
        xml
    }
}

/// Names the caller: this account has one user.
pub(super) fn created_by() -> String {
    format!("arn:aws:iam::{ACCOUNT_ID}:root")
}

pub(crate) fn create(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let name = input.required("LaunchTemplateName")?;
    let description = input.text("VersionDescription").map(str::to_owned);
    let token = input.text("ClientToken").filter(|token| !token.is_empty());
    let tags = read_specifications(input, "TagSpecification", "launch-template")?;
    let data = LaunchTemplateData::read(input)?;
    check_name(name)?;
    if token.is_some_and(|token| token.len() > 128) {
        return Err(Refusal::new(
            "InvalidClientToken",
            "A client token has at most 128 characters",
        ));
    }
    input.end()?;
    let fingerprint = input.fingerprint(&["ClientToken"]);
    if let Some(remembered) = token.and_then(|token| cx.region.client_tokens.get(token)) {
        if remembered.fingerprint == fingerprint {
            return Ok(remembered.template.answer());
        }
        let message = "The client token was used before, with other parameters.";
        return Err(Refusal::new("IdempotentParameterMismatch", message));
    }
    if cx.region.launch_templates.live().any(|template| template.name == name) {
        let message = "Launch template name already in use.";
        return Err(Refusal::new("InvalidLaunchTemplateName.AlreadyExistsException", message));
    }
    if cx.region.launch_templates.live().count() >= TEMPLATES_MAX {
        let message = "The maximum number of launch templates has been reached.";
        return Err(Refusal::new("MaxTemplateLimitExceeded", message));
    }
    let first = TemplateVersion { number: 1, description, created_ms: cx.now_ms, data };
    let template = LaunchTemplate {
        id: cx.region.ids.prefixed("lt"),
        name: name.to_owned(),
        created_ms: cx.now_ms,
        default_version: 1,
        latest_version: 1,
        versions: vec![first],
        tags,
    };
    if let Some(token) = token {
        let expires_ms = cx.now_ms + i64::from(cx.options.client_token_lifetime_s) * 1000;
        let template = template.clone();
        let remembered = RememberedToken { fingerprint, template, expires_ms };
        cx.region.client_tokens.insert(token.to_owned(), remembered);
    }
    let answer = template.answer();
    let lag = cx.options.lag.launch_templates;
    let visible_ms = cx.seen_after(lag, Event::LaunchTemplateVisible, &template.id);
    cx.region.launch_templates.forget_ghosts(|ghost| ghost.name == template.name);
    cx.region.launch_templates.insert(template.id.clone(), template, visible_ms);
    Ok(answer)
}

fn check_name(name: &str) -> Result<(), Refusal> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "().-/_".contains(c);
    if (3..=128).contains(&name.len()) && name.chars().all(allowed) {
        return Ok(());
    }
    Err(Refusal::new(
        "InvalidLaunchTemplateName.MalformedException",
        "A launch template name must have 3 to 128 of a-z, A-Z, 0-9, and ().-/_",
    ))
}

pub(crate) fn describe(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let ids = input.texts("LaunchTemplateId");
    let names = input.texts("LaunchTemplateName");
    let filters = Filters::ec2(input)?;
    let page = PageRequest::read(input, PAGES)?;
    filters.check(input, &["launch-template-name", "create-time", "tag"])?;
    input.end()?;
    let templates = &cx.region.launch_templates;
    for id in &ids {
        templates.seen_get(id, cx.now_ms).ok_or_else(|| id_not_found(id))?;
    }
    for name in &names {
        if !templates.seen(cx.now_ms).any(|template| template.name == **name) {
            return Err(name_not_found());
        }
    }
    let found = templates.seen(cx.now_ms).filter(|template| {
        (ids.is_empty() || ids.contains(&template.id.as_str()))
            && (names.is_empty() || names.contains(&template.name.as_str()))
            && filters.pass(&template.tags, |name| match name {
                "launch-template-name" => single_value(&template.name),
                _ => single_value(&iso8601(template.created_ms)),
            })
    });
    let (found, next) = page.cut(found, |template| template.id.clone());
    let mut xml = Xml::new();
    xml.items("launchTemplates", found, |item, template| template.write(item));
    xml.optional("nextToken", next);
    Ok(xml)
}

/// Deletes a template with all its versions, also while a group still refers to it.
pub(crate) fn delete(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let id = read_template_id(cx, input, false)?;
    input.end()?;
    let template = cx.region.launch_templates.live_get(&id).ok_or_else(|| id_not_found(&id))?;
    let answer = template.answer();
    let lag = cx.options.lag.launch_templates;
    let forgotten_ms = cx.seen_after(lag, Event::StaleAfterDelete, &id);
    cx.region.launch_templates.remove(&id, forgotten_ms);
    Ok(answer)
}

/// Reads which template is meant: by id or by name, not both. With `must_be_seen`, one that is too
/// young to be seen is not found.
pub(super) fn read_template_id(
    cx: &Context<'_>,
    input: &Fields<'_>,
    must_be_seen: bool,
) -> Result<String, Refusal> {
    let templates = &cx.region.launch_templates;
    let there = |template: &&LaunchTemplate| {
        !must_be_seen || templates.usable(&template.id, cx.now_ms).is_some()
    };
    match (input.text("LaunchTemplateId"), input.text("LaunchTemplateName")) {
        (Some(id), None) => templates
            .live_get(id)
            .filter(there)
            .map(|template| template.id.clone())
            .ok_or_else(|| id_not_found(id)),
        (None, Some(name)) => templates
            .live()
            .find(|template| template.name == name && there(template))
            .map(|template| template.id.clone())
            .ok_or_else(name_not_found),
        (Some(_), Some(_)) => Err(Refusal::new(
            "InvalidParameterCombination",
            "Specify either the launch template id or its name, not both",
        )),
        (None, None) => Err(Refusal::missing(input.service(), "LaunchTemplateId")),
    }
}

pub(super) fn id_not_found(id: &str) -> Refusal {
    let message = format!("The specified launch template, with template ID {id}, does not exist.");
    Refusal::new("InvalidLaunchTemplateId.NotFound", message)
}

pub(super) fn name_not_found() -> Refusal {
    let message = "At least one of the launch templates specified in the request does not exist.";
    Refusal::new("InvalidLaunchTemplateName.NotFoundException", message)
}

pub(super) fn version_not_found(wanted: &str) -> Refusal {
    Refusal::new(
        "InvalidLaunchTemplateId.VersionNotFound",
        format!("Could not find launch template version {wanted}"),
    )
}
