//! The settings of a group: read when it is created, and read again, in part, when it is updated.

use serde::{Deserialize, Serialize};

use crate::wire::params::Fields;
use crate::wire::refusal::Refusal;
use crate::wire::xml::Xml;

/// Everything about a group that a caller chooses, apart from its name, tags and target groups.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub(crate) min: u32,
    pub(crate) max: u32,
    pub(crate) desired: u32,
    pub(crate) template: TemplateChoice,
    pub(crate) subnets: Vec<String>,
    pub(crate) zones: Vec<String>,
    pub(crate) cooldown_s: u32,
    pub(crate) health_check: HealthCheckKind,
    pub(crate) grace_s: u32,
    pub(crate) warmup_s: Option<u32>,
    pub(crate) protect_new: bool,
    pub(crate) termination_policies: Vec<String>,
    pub(crate) maintenance: Option<(i32, i32)>,
    pub(crate) deletion_protection: DeletionProtection,
}

/// Which launch template makes the instances. Both id and name are known once it was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TemplateChoice {
    pub(crate) id: String,
    pub(crate) name: String,
    /// A number, `$Latest` or `$Default`; resolved anew at each launch.
    pub(crate) version: String,
}

/// Who may declare an instance unhealthy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum HealthCheckKind {
    Ec2,
    Elb,
}

/// Which deletions of the group are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum DeletionProtection {
    None,
    Forced,
    All,
}

impl HealthCheckKind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Ec2 => "EC2",
            Self::Elb => "ELB",
        }
    }
}

impl DeletionProtection {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Forced => "prevent-force-deletion",
            Self::All => "prevent-all-deletion",
        }
    }
}

/// Settings as a request gives them: what it does not say is `None`.
#[derive(Debug)]
pub(crate) struct Given {
    pub(crate) min: Option<u32>,
    pub(crate) max: Option<u32>,
    pub(crate) desired: Option<u32>,
    pub(crate) template: Option<GivenTemplate>,
    pub(crate) subnets: Option<Vec<String>>,
    pub(crate) zones: Vec<String>,
    cooldown_s: Option<u32>,
    health_check: Option<HealthCheckKind>,
    grace_s: Option<u32>,
    warmup_s: Option<u32>,
    protect_new: Option<bool>,
    termination_policies: Vec<String>,
    maintenance: Option<(i32, i32)>,
    deletion_protection: Option<DeletionProtection>,
}

/// A launch template as a request names it.
#[derive(Debug)]
pub(crate) struct GivenTemplate {
    pub(crate) id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) version: Option<String>,
}

/// Instances that one group may want.
const SIZE_MAX: u32 = 10_000;

impl Given {
    /// Reads what create and update have in common.
    pub(crate) fn read(input: &Fields<'_>) -> Result<Self, Refusal> {
        let size = |name| input.number::<u32>(name, 0..=SIZE_MAX);
        let owned = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect::<Vec<_>>();
        let subnets = input.text("VPCZoneIdentifier").filter(|text| !text.is_empty());
        let health_check = match input.one_of("HealthCheckType", &["EC2", "ELB"])? {
            Some("ELB") => Some(HealthCheckKind::Elb),
            other => other.map(|_| HealthCheckKind::Ec2),
        };
        let protections = ["none", "prevent-force-deletion", "prevent-all-deletion"];
        let deletion_protection =
            input.one_of("DeletionProtection", &protections)?.map(|text| match text {
                "none" => DeletionProtection::None,
                "prevent-force-deletion" => DeletionProtection::Forced,
                _ => DeletionProtection::All,
            });
        Ok(Self {
            min: size("MinSize")?,
            max: size("MaxSize")?,
            desired: size("DesiredCapacity")?,
            template: input.child("LaunchTemplate").map(|it| GivenTemplate::read(&it)),
            subnets: subnets.map(|text| owned(text.split(',').map(str::trim).collect())),
            zones: owned(input.texts("AvailabilityZones")),
            cooldown_s: input.number("DefaultCooldown", 0..=604_800)?,
            health_check,
            grace_s: input.number("HealthCheckGracePeriod", 0..=604_800)?,
            warmup_s: input.number("DefaultInstanceWarmup", 0..=604_800)?,
            protect_new: input.flag("NewInstancesProtectedFromScaleIn")?,
            termination_policies: owned(read_policies(input)?),
            maintenance: read_maintenance(input)?,
            deletion_protection,
        })
    }

    /// Makes the settings of a new group.
    pub(crate) fn into_settings(
        self,
        template: TemplateChoice,
        subnets: Vec<String>,
        zones: Vec<String>,
    ) -> Result<Settings, Refusal> {
        let needed = |size: Option<u32>, name: &str| {
            size.ok_or_else(|| Refusal::missing(crate::wire::dialect::Service::AutoScaling, name))
        };
        let min = needed(self.min, "minSize")?;
        let settings = Settings {
            min,
            max: needed(self.max, "maxSize")?,
            desired: self.desired.unwrap_or(min),
            template,
            subnets,
            zones,
            cooldown_s: self.cooldown_s.unwrap_or(300),
            health_check: self.health_check.unwrap_or(HealthCheckKind::Ec2),
            // Through the API the default is none; only the console proposes 300 seconds.
            grace_s: self.grace_s.unwrap_or(0),
            warmup_s: self.warmup_s,
            protect_new: self.protect_new.unwrap_or(false),
            termination_policies: if self.termination_policies.is_empty() {
                vec!["Default".to_owned()]
            } else {
                self.termination_policies
            },
            maintenance: self.maintenance,
            deletion_protection: self.deletion_protection.unwrap_or(DeletionProtection::None),
        };
        settings.check_sizes()?;
        Ok(settings)
    }

    /// Changes settings; the desired size follows new bounds unless it is given itself.
    pub(crate) fn apply_to(&self, old: &Settings) -> Result<Settings, Refusal> {
        let mut settings = old.clone();
        settings.min = self.min.unwrap_or(old.min);
        settings.max = self.max.unwrap_or(old.max);
        settings.desired = match self.desired {
            Some(desired) => desired,
            None if settings.min <= settings.max => old.desired.clamp(settings.min, settings.max),
            None => old.desired,
        };
        settings.cooldown_s = self.cooldown_s.unwrap_or(old.cooldown_s);
        settings.health_check = self.health_check.unwrap_or(old.health_check);
        settings.grace_s = self.grace_s.unwrap_or(old.grace_s);
        settings.warmup_s = self.warmup_s.or(old.warmup_s);
        settings.protect_new = self.protect_new.unwrap_or(old.protect_new);
        if !self.termination_policies.is_empty() {
            settings.termination_policies.clone_from(&self.termination_policies);
        }
        settings.maintenance = self.maintenance.or(old.maintenance);
        settings.deletion_protection = self.deletion_protection.unwrap_or(old.deletion_protection);
        settings.check_sizes()?;
        Ok(settings)
    }
}

impl GivenTemplate {
    fn read(fields: &Fields<'_>) -> Self {
        let text = |name| fields.text(name).map(str::to_owned);
        Self {
            id: text("LaunchTemplateId"),
            name: text("LaunchTemplateName"),
            version: text("Version"),
        }
    }
}

fn read_policies<'a>(input: &Fields<'a>) -> Result<Vec<&'a str>, Refusal> {
    let policies = input.texts("TerminationPolicies");
    let known = ["Default", "OldestInstance", "NewestInstance", "OldestLaunchTemplate"];
    match policies.iter().find(|policy| !known.contains(policy)) {
        Some(other) => {
            Err(Refusal::not_modelled(input.service(), format!("The termination policy '{other}'")))
        }
        None => Ok(policies),
    }
}

fn read_maintenance(input: &Fields<'_>) -> Result<Option<(i32, i32)>, Refusal> {
    let Some(policy) = input.child("InstanceMaintenancePolicy") else { return Ok(None) };
    let min = policy.required_number("MinHealthyPercentage", -1..=100)?;
    let max = policy.required_number("MaxHealthyPercentage", -1..=200)?;
    let fits = (min == -1) == (max == -1) && (max == -1 || (100..=200).contains(&max));
    if !fits || max - min > 100 {
        let message = "The maximum healthy percentage is from 100 to 200, and at most 100 above the \
                       minimum";
        return Err(Refusal::new("ValidationError", message));
    }
    Ok(Some((min, max)))
}

impl Settings {
    /// Tells how many instances the group may have while one that is unhealthy waits for its successor; `None`
    /// when it does not wait. Without a policy, and with one that has no room above what is wanted or has some
    /// below it, an unhealthy instance ends while its successor starts.
    pub(crate) fn peak_of_replacement(&self) -> Option<usize> {
        let (min, max) = self.maintenance.filter(|(min, max)| *min >= 0 && *max > 100)?;
        let percent = |of: i32| u64::from(self.desired) * u64::from(of.unsigned_abs());
        // Both are rounded up, so that a small group, too, has room.
        let (least, most) = (percent(min).div_ceil(100), percent(max).div_ceil(100));
        let may_miss_one = u64::from(self.desired) > least;
        (!may_miss_one).then(|| usize::try_from(most).unwrap_or(usize::MAX))
    }

    fn check_sizes(&self) -> Result<(), Refusal> {
        let Self { min, max, desired, .. } = self;
        if min > max {
            let message =
                format!("Max bound, {max}, must be greater than or equal to min bound, {min}");
            return Err(Refusal::new("ValidationError", message));
        }
        if !(min..=max).contains(&desired) {
            let message = format!(
                "Desired capacity:{desired} must be between the specified min size:{min} and max \
                 size:{max}"
            );
            return Err(Refusal::new("ValidationError", message));
        }
        Ok(())
    }

    /// Writes the settings as members of a group.
    pub(crate) fn write(&self, item: &mut Xml) {
        item.element("LaunchTemplate", |template| self.template.write(template))
            .text("MinSize", self.min)
            .text("MaxSize", self.max)
            .text("DesiredCapacity", self.desired)
            .text("DefaultCooldown", self.cooldown_s)
            .texts("AvailabilityZones", &self.zones)
            .text("HealthCheckType", self.health_check.as_str())
            .text("HealthCheckGracePeriod", self.grace_s)
            .text("VPCZoneIdentifier", self.subnets.join(","))
            .texts("TerminationPolicies", &self.termination_policies)
            .text("NewInstancesProtectedFromScaleIn", self.protect_new)
            .optional("DefaultInstanceWarmup", self.warmup_s)
            .text("DeletionProtection", self.deletion_protection.as_str());
        if let Some((min, max)) = self.maintenance {
            item.element("InstanceMaintenancePolicy", |policy| {
                policy.text("MinHealthyPercentage", min).text("MaxHealthyPercentage", max);
            });
        }
    }
}

impl TemplateChoice {
    pub(crate) fn write(&self, xml: &mut Xml) {
        xml.text("LaunchTemplateId", &self.id)
            .text("LaunchTemplateName", &self.name)
            .text("Version", &self.version);
    }
}
