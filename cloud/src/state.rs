//! All that the cloud remembers. Plain data: it can be stored, cloned and compared.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::autoscaling::activities::Activity;
use crate::autoscaling::model::Group;
use crate::durations::Event;
use crate::ec2::images::Image;
use crate::ec2::instances::Instance;
use crate::ec2::key_pairs::KeyPair;
use crate::ec2::launch_templates::{LaunchTemplate, RememberedToken};
use crate::ec2::network::Network;
use crate::ec2::network_interfaces::BalancerInterface;
use crate::ec2::run_instances::RunToken;
use crate::ec2::security_groups::SecurityGroup;
use crate::elb::listeners::Listener;
use crate::elb::load_balancers::LoadBalancer;
use crate::elb::rules::Rule;
use crate::elb::target_groups::TargetGroup;
use crate::frontends::Frontends;
use crate::ids::IdSource;
use crate::options::CloudOptions;
use crate::table::Table;
use crate::time::Timeline;

/// The account that every caller is in.
pub(crate) const ACCOUNT_ID: &str = "000000000000";

/// The region of a request that names none.
pub(crate) const DEFAULT_REGION: &str = "us-east-1";

/// Tags of one resource.
pub(crate) type Tags = BTreeMap<String, String>;

/// The whole cloud.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct State {
    /// Counts up when stored states of before can no longer be read.
    pub(crate) format: u32,
    pub(crate) seed: u64,
    pub(crate) timeline: Timeline,
    /// Up to when the state machines have run. Cloud time never goes back behind it.
    pub(crate) now_ms: i64,
    pub(crate) regions: BTreeMap<String, Region>,
}

impl State {
    /// The format that this version writes, and the only one it reads.
    pub(crate) const FORMAT: u32 = 1;

    /// Makes an account in which nothing has happened yet.
    pub(crate) fn new(clock_ms: i64, options: &CloudOptions) -> Self {
        let timeline = Timeline::starting_at(clock_ms, options.time_scale);
        Self {
            format: Self::FORMAT,
            seed: options.seed,
            timeline,
            now_ms: clock_ms,
            regions: BTreeMap::new(),
        }
    }

    /// Tells whether the lab watchdog has locked the account, in whichever region.
    pub(crate) fn is_locked(&self) -> bool {
        self.regions.values().any(|region| region.locked)
    }

    /// Gives a region, and furnishes it on the first visit. Its ids depend on seed and name alone.
    pub(crate) fn region_mut(&mut self, name: &str, options: &CloudOptions) -> &mut Region {
        let seed = self.seed;
        self.regions
            .entry(name.to_owned())
            .or_insert_with(|| Region::furnished(name, seed, options))
    }
}

/// What one region holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Region {
    pub(crate) name: String,
    pub(crate) ids: IdSource,
    pub(crate) network: Network,
    pub(crate) images: Vec<Image>,
    pub(crate) key_pairs: BTreeMap<String, KeyPair>,
    pub(crate) security_groups: Table<SecurityGroup>,
    /// When a rule of any security group last changed: checks before it say nothing about now.
    pub(crate) rules_changed_ms: i64,
    pub(crate) launch_templates: Table<LaunchTemplate>,
    pub(crate) client_tokens: BTreeMap<String, RememberedToken>,
    #[serde(default)]
    pub(crate) run_tokens: BTreeMap<String, RunToken>,
    pub(crate) instances: BTreeMap<String, Instance>,
    pub(crate) target_groups: Table<TargetGroup>,
    pub(crate) load_balancers: Table<LoadBalancer>,
    pub(crate) balancer_interfaces: BTreeMap<String, BalancerInterface>,
    pub(crate) listeners: Table<Listener>,
    pub(crate) rules: Table<Rule>,
    pub(crate) groups: Table<Group>,
    pub(crate) activities: Vec<Activity>,
    /// When the lab watchdog will act, after it has seen too many instances.
    pub(crate) watchdog_ms: Option<i64>,
    /// Set when the lab watchdog has locked the account: every call is refused.
    pub(crate) locked: bool,
    /// Up to when everything has happened that happens by itself.
    pub(crate) advanced_ms: i64,
}

impl Region {
    fn furnished(name: &str, seed: u64, options: &CloudOptions) -> Self {
        let mut ids = IdSource::new(seed, name);
        let network = Network::furnished(name, &mut ids, options.inventory);
        let mut security_groups = Table::default();
        for vpc in &network.vpcs {
            let group = SecurityGroup::default_of(&vpc.id, &mut ids);
            security_groups.insert(group.id.clone(), group, i64::MIN);
        }
        let home = name == DEFAULT_REGION;
        Self {
            name: name.to_owned(),
            network,
            images: if home && options.inventory.image { vec![Image::ubuntu()] } else { vec![] },
            key_pairs: if home && options.inventory.key_pair {
                BTreeMap::from([("vockey".to_owned(), KeyPair::vockey(&mut ids))])
            } else {
                BTreeMap::new()
            },
            ids,
            security_groups,
            rules_changed_ms: 0,
            launch_templates: Table::default(),
            client_tokens: BTreeMap::new(),
            run_tokens: BTreeMap::new(),
            instances: BTreeMap::new(),
            target_groups: Table::default(),
            load_balancers: Table::default(),
            balancer_interfaces: BTreeMap::new(),
            listeners: Table::default(),
            rules: Table::default(),
            groups: Table::default(),
            activities: Vec::new(),
            watchdog_ms: None,
            locked: false,
            advanced_ms: 0,
        }
    }

    /// Writes the name of a resource as Amazon does.
    pub(crate) fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:aws:{service}:{}:{ACCOUNT_ID}:{resource}", self.name)
    }

    /// Tells when something will have to be dropped next.
    pub(crate) fn next_forgotten_ms(&self) -> i64 {
        let instances = self.instances.values().filter_map(Instance::unlisted_ms);
        let groups = self.target_groups.live();
        let targets = groups.flat_map(|group| &group.targets).filter_map(|it| it.drained_ms);
        let tokens = self.client_tokens.values().map(|token| token.expires_ms);
        let run_tokens = self.run_tokens.values().map(|token| token.expires_ms);
        instances.chain(targets).chain(tokens).chain(run_tokens).min().unwrap_or(i64::MAX)
    }

    /// Drops what is deleted and no longer seen.
    pub(crate) fn forget(&mut self, now_ms: i64) {
        self.security_groups.forget(now_ms);
        self.launch_templates.forget(now_ms);
        self.target_groups.forget(now_ms);
        self.load_balancers.forget(now_ms);
        self.listeners.forget(now_ms);
        self.rules.forget(now_ms);
        self.groups.forget(now_ms);
        self.instances.retain(|_, it| it.unlisted_ms().is_none_or(|end| now_ms < end));
        self.balancer_interfaces.retain(|_, interface| interface.exists(now_ms));
        for group in self.target_groups.live_all_mut() {
            group.targets.retain(|target| target.drained_ms.is_none_or(|end| now_ms < end));
        }
        self.client_tokens.retain(|_, token| now_ms < token.expires_ms);
        self.run_tokens.retain(|_, token| now_ms < token.expires_ms);
    }
}

/// What a handler works on: one region, at one moment, under the options of the cloud.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    pub(crate) region: &'a mut Region,
    pub(crate) options: &'a CloudOptions,
    pub(crate) frontends: &'a dyn Frontends,
    pub(crate) now_ms: i64,
}

impl Context<'_> {
    /// Draws how long `event` takes for the resource `key`.
    pub(crate) fn duration_ms(&self, event: Event, key: &str) -> i64 {
        event.duration_ms(self.options.durations, self.options.seed, key)
    }

    /// Tells when `event` is over for the resource `key`, if it starts now.
    pub(crate) fn after(&self, event: Event, key: &str) -> i64 {
        self.now_ms.saturating_add(self.duration_ms(event, key))
    }

    /// Tells when the effect of a call is seen: now, unless this kind of resource lags.
    pub(crate) fn seen_after(&self, lags: bool, event: Event, key: &str) -> i64 {
        match (lags, self.options.lag.exact_s) {
            (false, _) => self.now_ms,
            (true, Some(exact_s)) => self.now_ms + 1000 * i64::from(exact_s),
            (true, None) => self.after(event, key),
        }
    }
}
