//! What a caller may choose about the cloud: its pace, its moods and its limits.

use serde::{Deserialize, Serialize};

use crate::durations::Durations;

/// Configures a cloud. The default is what a demonstration wants.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CloudOptions {
    /// How many seconds of AWS pass in one second of the clock. With 60, a minute passes in a second.
    pub time_scale: f64,
    /// Decides every draw: ids, durations, lags. The same seed and the same calls give the same cloud.
    pub seed: u64,
    /// Which kinds of resource are seen late after their creation and still seen after their deletion.
    pub lag: Lag,
    /// How long things take.
    pub durations: Durations,
    /// Rate limits and quotas.
    pub limits: Limits,
    /// Whether tags count when a create call is compared with the resource of that name.
    ///
    /// Reported for AWS, not documented, hence a switch.
    pub content_compares_tags: bool,
    /// What `DeleteTargetGroup` answers when there is none: AWS does not say, hence a switch.
    pub delete_absent_target_group: DeleteAbsent,
    /// For how long a client token of `CreateLaunchTemplate` is remembered, in cloud seconds.
    pub client_token_lifetime_s: u32,
    /// What stands in the account before the first call.
    pub inventory: Inventory,
    /// What runs on the instances.
    pub guests: GuestKind,
}

impl Default for CloudOptions {
    fn default() -> Self {
        Self {
            time_scale: 60.0,
            seed: 1,
            lag: Lag::on(),
            durations: Durations::Seeded,
            limits: Limits::default(),
            content_compares_tags: true,
            delete_absent_target_group: DeleteAbsent::Succeeds,
            client_token_lifetime_s: 24 * 3600,
            inventory: Inventory::default(),
            guests: GuestKind::Light,
        }
    }
}

impl CloudOptions {
    /// Gives the plainest cloud, for tests of other things: cloud time is clock time, everything
    /// takes its median, nothing is seen late, nothing is throttled.
    pub fn plain() -> Self {
        Self {
            time_scale: 1.0,
            lag: Lag::off(),
            durations: Durations::Typical,
            limits: Limits::unlimited(),
            ..Self::default()
        }
    }
}

/// Switches the visibility lag, kind by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "one independent switch for each kind")]
pub struct Lag {
    /// Security groups.
    pub security_groups: bool,
    /// Launch templates.
    pub launch_templates: bool,
    /// Target groups.
    pub target_groups: bool,
    /// Load balancers.
    pub load_balancers: bool,
    /// Listeners and their rules.
    pub listeners: bool,
    /// Auto Scaling groups.
    pub groups: bool,
    /// How many seconds of the cloud each lag of these kinds takes; `None` takes what the durations say.
    pub exact_s: Option<u32>,
}

impl Lag {
    /// Switches every lag on.
    pub fn on() -> Self {
        Self {
            security_groups: true,
            launch_templates: true,
            target_groups: true,
            load_balancers: true,
            listeners: true,
            groups: true,
            exact_s: None,
        }
    }

    /// Switches every lag off: what was created is seen at once, what was deleted is gone at once.
    pub fn off() -> Self {
        Self {
            security_groups: false,
            launch_templates: false,
            target_groups: false,
            load_balancers: false,
            listeners: false,
            groups: false,
            exact_s: None,
        }
    }
}

impl Default for Lag {
    fn default() -> Self {
        Self::on()
    }
}

/// Bounds what the account may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Whether calls are throttled by token buckets, refilled in cloud time.
    pub throttling: bool,
    /// How many vCPUs may run at once; `None` is no limit.
    pub vcpus_max: Option<u32>,
    /// How many instances may run at once; `None` is no limit.
    pub instances_max: Option<u32>,
    /// How many load balancers there may be in a region; `None` is no limit.
    pub load_balancers_max: Option<u32>,
    /// Whether a learner lab watches the account: it terminates what runs beyond nine instances,
    /// and locks the account at twenty.
    pub lab_watchdog: bool,
}

/// The quota of load balancers in a region, unless AWS is asked to raise it.
const LOAD_BALANCERS_USUAL: u32 = 50;

impl Default for Limits {
    /// An established account: throttled, with room for several stacks side by side.
    fn default() -> Self {
        Self {
            throttling: true,
            vcpus_max: Some(256),
            instances_max: None,
            load_balancers_max: Some(LOAD_BALANCERS_USUAL),
            lab_watchdog: false,
        }
    }
}

impl Limits {
    /// Lifts every limit.
    pub fn unlimited() -> Self {
        Self {
            throttling: false,
            vcpus_max: None,
            instances_max: None,
            load_balancers_max: None,
            lab_watchdog: false,
        }
    }

    /// Gives the limits of a learner lab: nine instances, 32 vCPUs, and the watchdog.
    pub fn learner_lab() -> Self {
        Self { vcpus_max: Some(32), lab_watchdog: true, ..Self::default() }
    }
}

/// Says how the deletion of something absent is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeleteAbsent {
    /// With success.
    Succeeds,
    /// With the not-found error of the kind.
    NotFound,
}

/// Says what runs on the instances.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GuestKind {
    /// A responder inside the cloud that answers as the documented application does.
    #[default]
    Light,
    /// The application in the user data of each instance, as a process of its own. Only the daemon
    /// runs them; a cloud inside another process has instances that never answer.
    Flask,
}

impl GuestKind {
    /// Names it as its option does.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Flask => "flask",
        }
    }
}

/// Says what a fresh account holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Inventory {
    /// A VPC with a subnet in each zone and an internet gateway.
    pub vpc: VpcKind,
    /// The image `ami-08c40ec9ead489470` (in us-east-1, where it lives).
    pub image: bool,
    /// The key pair `vockey` (in us-east-1, where a learner lab has it).
    pub key_pair: bool,
}

impl Default for Inventory {
    fn default() -> Self {
        Self { vpc: VpcKind::Default, image: true, key_pair: true }
    }
}

/// Says which VPC an account has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VpcKind {
    /// The default one, where everything goes of which nothing else is said.
    Default,
    /// One that somebody has made: it must be named.
    Own,
    /// None.
    None,
}
