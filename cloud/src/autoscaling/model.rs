//! What a group is: its settings, its members, and what it is about to do.

use serde::{Deserialize, Serialize};

use crate::autoscaling::settings::{Settings, TemplateChoice};
use crate::state::{Context, Tags};
use crate::wire::refusal::Refusal;

/// An Auto Scaling group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) arn: String,
    pub(crate) name: String,
    pub(crate) created_ms: i64,
    pub(crate) settings: Settings,
    pub(crate) tags: Vec<GroupTag>,
    pub(crate) attachments: Vec<Attachment>,
    pub(crate) members: Vec<Member>,
    /// When the group compares what it wants with what it has; `None` while it is content.
    pub(crate) evaluate_ms: Option<i64>,
    /// Why it will find a difference: opens the cause of the activities that follow.
    pub(crate) reason: String,
    /// Launches that failed one after the other; the pauses between tries grow with it.
    pub(crate) failures: u32,
    pub(crate) deletion: Option<Deletion>,
}

/// A group's deletion, once it was asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Deletion {
    /// When the group itself goes; set when its last member has gone.
    pub(crate) gone_ms: Option<i64>,
}

/// A tag of a group, which its instances may inherit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GroupTag {
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) propagate: bool,
}

/// A target group in which the members are registered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Attachment {
    pub(crate) target_group_arn: String,
    /// Whether any target has passed its checks: before that, failed checks replace nothing.
    pub(crate) in_service: bool,
}

/// An instance of the group, as the group sees it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Member {
    pub(crate) instance_id: String,
    pub(crate) instance_type: String,
    pub(crate) zone: String,
    /// The template that it was launched from, with the version's number; none if it was attached.
    pub(crate) template: Option<TemplateChoice>,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) healthy: bool,
    pub(crate) protected: bool,
    /// The activity that is under way for this member.
    pub(crate) activity: u64,
}

/// Where a member is on its way through the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Lifecycle {
    Pending {
        in_service_ms: i64,
    },
    InService {
        since_ms: i64,
    },
    /// Deregistered; its instance ends when the draining is over.
    Draining,
    /// Its instance is shutting down.
    Ending,
}

impl Lifecycle {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Pending { .. } => "Pending",
            Self::InService { .. } => "InService",
            Self::Draining | Self::Ending => "Terminating",
        }
    }

    pub(crate) fn is_leaving(self) -> bool {
        matches!(self, Self::Draining | Self::Ending)
    }
}

impl Member {
    /// Tells whether it is unhealthy, and serves on until another one does.
    pub(crate) fn waits_for_successor(&self) -> bool {
        !self.healthy && !self.lifecycle.is_leaving()
    }
}

impl Group {
    /// Counts the members that stay.
    pub(crate) fn capacity(&self) -> usize {
        self.staying().filter(|member| !member.waits_for_successor()).count()
    }

    /// Gives the members whose end has not begun, those included that wait for a successor.
    pub(crate) fn staying(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|member| !member.lifecycle.is_leaving())
    }

    /// Tells whether something is under way, which keeps the group from being deleted softly.
    pub(crate) fn is_busy(&self) -> bool {
        self.evaluate_ms.is_some()
            || self.members.iter().any(|it| !matches!(it.lifecycle, Lifecycle::InService { .. }))
    }

    pub(crate) fn member_mut(&mut self, instance_id: &str) -> Option<&mut Member> {
        self.members.iter_mut().find(|member| member.instance_id == instance_id)
    }

    /// Gives the tags that a new instance inherits, with the one that Amazon adds.
    pub(crate) fn instance_tags(&self) -> Tags {
        let inherited = self.tags.iter().filter(|tag| tag.propagate);
        let mut tags: Tags = inherited.map(|tag| (tag.key.clone(), tag.value.clone())).collect();
        tags.insert("aws:autoscaling:groupName".to_owned(), self.name.clone());
        tags
    }

    pub(crate) fn target_group_arns(&self) -> Vec<String> {
        self.attachments.iter().map(|it| it.target_group_arn.clone()).collect()
    }

    /// Gives all tags as a map, for filters.
    pub(crate) fn tag_map(&self) -> Tags {
        self.tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect()
    }
}

/// Finds the ARN of a group that can be changed, by its name.
pub(crate) fn changeable(cx: &Context<'_>, name: &str) -> Result<String, Refusal> {
    let group = find(cx, name)?;
    if group.deletion.is_some() {
        let message = "The AutoScaling group may not be modified while it is pending delete";
        return Err(Refusal::new("ValidationError", message));
    }
    Ok(group.arn.clone())
}

/// Finds a group that is there and can be seen.
pub(crate) fn find<'a>(cx: &'a Context<'_>, name: &str) -> Result<&'a Group, Refusal> {
    let group = cx.region.groups.live().find(|group| group.name == name);
    group
        .filter(|group| cx.region.groups.usable(&group.arn, cx.now_ms).is_some())
        .ok_or_else(|| not_found(name))
}

/// Refuses a group that is not there: Auto Scaling has no code of its own for it.
pub(crate) fn not_found(name: &str) -> Refusal {
    let message = format!("AutoScalingGroup name not found - AutoScalingGroup '{name}' not found");
    Refusal::new("ValidationError", message)
}
