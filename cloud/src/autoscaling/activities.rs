//! Scaling activities: the only place where a launch that fails says why.

use serde::{Deserialize, Serialize};

use crate::autoscaling::model;
use crate::handler::Answer;
use crate::state::{Context, Region};
use crate::time::iso8601;
use crate::wire::pages::{self, PageNames, PageRequest};
use crate::wire::params::Fields;
use crate::wire::xml::Xml;

/// One activity of a group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Activity {
    /// Counts up with each activity of the region.
    pub(crate) number: u64,
    id: String,
    group_arn: String,
    group_name: String,
    description: String,
    cause: String,
    details: String,
    start_ms: i64,
    end_ms: Option<i64>,
    pub(crate) status: Status,
    message: Option<String>,
}

/// The states of an activity that occur here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Status {
    PreInService,
    InProgress,
    WaitingForConnectionDraining,
    Successful,
    Failed,
    Cancelled,
}

impl Status {
    fn as_str(self) -> &'static str {
        match self {
            Self::PreInService => "PreInService",
            Self::InProgress => "InProgress",
            // The name of the wire, which also covers the newer balancers.
            Self::WaitingForConnectionDraining => "WaitingForELBConnectionDraining",
            Self::Successful => "Successful",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
        }
    }

    fn is_final(self) -> bool {
        matches!(self, Self::Successful | Self::Failed | Self::Cancelled)
    }

    fn progress(self) -> u32 {
        match self {
            Self::PreInService | Self::WaitingForConnectionDraining => 30,
            Self::InProgress => 50,
            Self::Successful | Self::Failed | Self::Cancelled => 100,
        }
    }
}

/// Activities are kept for six weeks, and never more than this many in a region.
const KEPT_MS: i64 = 6 * 7 * 24 * 3_600_000;
const KEPT_MAX: usize = 2000;

/// The wire allows 255 characters for a status message.
const MESSAGE_CHARACTERS_MAX: usize = 255;

/// What an activity is about.
#[derive(Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) group_arn: &'a str,
    pub(crate) group_name: &'a str,
    pub(crate) subnet_id: &'a str,
    pub(crate) zone: &'a str,
}

/// Opens an activity and gives its number.
pub(crate) fn begin(
    cx: &mut Context<'_>,
    subject: &Subject<'_>,
    description: String,
    cause: String,
    status: Status,
) -> u64 {
    let number = cx.region.ids.number();
    let activity = Activity {
        number,
        id: cx.region.ids.uuid(),
        group_arn: subject.group_arn.to_owned(),
        group_name: subject.group_name.to_owned(),
        description,
        cause,
        details: format!(
            "{{\"Subnet ID\":\"{}\",\"Availability Zone\":\"{}\"}}",
            subject.subnet_id, subject.zone
        ),
        start_ms: cx.now_ms,
        end_ms: None,
        status,
        message: None,
    };
    let now_ms = cx.now_ms;
    let activities = &mut cx.region.activities;
    activities.push(activity);
    activities.retain(|it| it.end_ms.is_none_or(|end| now_ms < end + KEPT_MS));
    let surplus = activities.len().saturating_sub(KEPT_MAX);
    activities.drain(..surplus);
    number
}

/// Moves an activity on; a final status ends it.
pub(crate) fn set_status(
    cx: &mut Context<'_>,
    number: u64,
    status: Status,
    message: Option<String>,
) {
    let now_ms = cx.now_ms;
    if let Some(activity) = cx.region.activities.iter_mut().find(|it| it.number == number) {
        activity.status = status;
        activity.end_ms = status.is_final().then_some(now_ms);
        if let Some(message) = message {
            activity.message = Some(message.chars().take(MESSAGE_CHARACTERS_MAX).collect());
        }
    }
}

impl Activity {
    /// Writes the activity; `deleted` says that its group is gone.
    pub(crate) fn write(&self, deleted: bool, item: &mut Xml) {
        item.text("ActivityId", &self.id)
            .text("AutoScalingGroupName", &self.group_name)
            .text("AutoScalingGroupARN", &self.group_arn)
            .text("Description", &self.description)
            .text("Cause", &self.cause)
            .text("StartTime", iso8601(self.start_ms))
            .optional("EndTime", self.end_ms.map(iso8601))
            .text("StatusCode", self.status.as_str())
            .optional("StatusMessage", self.message.as_ref())
            .text("Progress", self.status.progress())
            .text("Details", &self.details);
        if deleted {
            item.text("AutoScalingGroupState", "Deleted");
        }
    }

    /// Sorts activities as they are listed: those under way first, then the newest.
    fn key(&self) -> String {
        format!("{}{:020}", u8::from(self.status.is_final()), u64::MAX - self.number)
    }
}

/// Finds an activity by its number.
pub(crate) fn find(region: &Region, number: u64) -> Option<&Activity> {
    region.activities.iter().find(|activity| activity.number == number)
}

const PAGES: PageNames = PageNames { size_default: 100, ..pages::AUTO_SCALING };

pub(crate) fn describe(cx: &mut Context<'_>, input: &Fields<'_>) -> Answer {
    let name = input.text("AutoScalingGroupName");
    let ids = input.texts("ActivityIds");
    let with_deleted = input.flag("IncludeDeletedGroups")?.unwrap_or(false);
    let page = PageRequest::read(input, PAGES)?;
    input.end()?;
    if let Some(name) = name
        && !with_deleted
    {
        model::find(cx, name)?;
    }
    let is_deleted = |activity: &Activity| cx.region.groups.live_get(&activity.group_arn).is_none();
    let mut found: Vec<&Activity> = cx
        .region
        .activities
        .iter()
        .filter(|activity| {
            name.is_none_or(|name| activity.group_name == name)
                && (ids.is_empty() || ids.contains(&activity.id.as_str()))
                && (with_deleted || !is_deleted(activity))
        })
        .collect();
    found.sort_by_key(|activity| activity.key());
    let (found, next) = page.cut(found, |activity| activity.key());
    let mut xml = Xml::new();
    xml.members("Activities", found, |item, it| it.write(is_deleted(it), item));
    xml.optional("NextToken", next);
    Ok(xml)
}
