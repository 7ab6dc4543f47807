//! A picture of the account for people and for tests: every resource, its state, its tags.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::route_table::TargetState;
use crate::state::{ACCOUNT_ID, Region, State, Tags};
use crate::time::iso8601;

/// Pictures the whole account at one moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AccountView {
    /// The account.
    pub account_id: String,
    /// Cloud time of the picture, in ISO 8601.
    pub time: String,
    /// Cloud time of the picture, in milliseconds since 1970.
    pub time_ms: i64,
    /// How many cloud seconds pass in one second.
    pub time_scale: f64,
    /// Whether the lab watchdog has locked the account.
    pub locked: bool,
    /// All that is really there, whether reads show it yet or not; what a fresh account holds from
    /// the start is marked. Sorted by region, kind and id.
    pub resources: Vec<ResourceView>,
}

/// Pictures one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResourceView {
    /// Its region.
    pub region: String,
    /// Its kind, in the words of the API: `security-group`, `target-group`, `instance` ...
    pub kind: &'static str,
    /// Its id or its ARN.
    pub id: String,
    /// Its name, where it has one.
    pub name: String,
    /// Its state, in the words of the API; empty where the kind has none.
    pub state: String,
    /// Whether it stood in the account before the first call.
    pub seeded: bool,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// What else is worth knowing, by name.
    pub details: BTreeMap<&'static str, String>,
}

impl ResourceView {
    fn new(kind: &'static str, id: &str, name: &str, tags: &Tags) -> Self {
        Self {
            region: String::new(),
            kind,
            id: id.to_owned(),
            name: name.to_owned(),
            state: String::new(),
            seeded: false,
            tags: tags.clone(),
            details: BTreeMap::new(),
        }
    }

    fn with_state(mut self, state: &str) -> Self {
        state.clone_into(&mut self.state);
        self
    }

    fn seeded(mut self) -> Self {
        self.seeded = true;
        self
    }

    fn with(mut self, name: &'static str, value: impl std::fmt::Display) -> Self {
        self.details.insert(name, value.to_string());
        self
    }
}

impl AccountView {
    pub(crate) fn of(state: &State, now_ms: i64) -> Self {
        let mut resources = Vec::new();
        for region in state.regions.values() {
            let mut here = network(region);
            here.extend(security(region));
            here.extend(compute(region, now_ms));
            here.extend(balancing(region, now_ms));
            here.extend(scaling(region));
            for resource in &mut here {
                resource.region.clone_from(&region.name);
            }
            here.sort_by(|a, b| (a.kind, &a.id).cmp(&(b.kind, &b.id)));
            resources.extend(here);
        }
        Self {
            account_id: ACCOUNT_ID.to_owned(),
            time: iso8601(now_ms),
            time_ms: now_ms,
            time_scale: state.timeline.scale(),
            locked: state.is_locked(),
            resources,
        }
    }

    /// Gives the resources of one kind.
    pub fn of_kind(&self, kind: &str) -> impl Iterator<Item = &ResourceView> {
        self.resources.iter().filter(move |resource| resource.kind == kind)
    }

    /// Gives what callers have made, apart from instances that are terminated and only still listed.
    pub fn made(&self) -> impl Iterator<Item = &ResourceView> {
        let is_record = |it: &ResourceView| it.kind == "instance" && it.state == "terminated";
        self.resources.iter().filter(move |resource| !resource.seeded && !is_record(resource))
    }
}

fn network(region: &Region) -> Vec<ResourceView> {
    let network = &region.network;
    let vpcs = network.vpcs.iter().map(|it| {
        let name = if it.is_default { "default" } else { "" };
        ResourceView::new("vpc", &it.id, name, &it.tags)
    });
    let subnets = network.subnets.iter().map(|subnet| {
        ResourceView::new("subnet", &subnet.id, &subnet.zone, &subnet.tags)
            .with("cidr", subnet.cidr())
    });
    let gateways = network
        .gateways
        .iter()
        .map(|gateway| ResourceView::new("internet-gateway", &gateway.id, "", &gateway.tags));
    let images =
        region.images.iter().map(|image| ResourceView::new("image", &image.id, "", &image.tags));
    vpcs.chain(subnets).chain(gateways).chain(images).map(ResourceView::seeded).collect()
}

fn security(region: &Region) -> Vec<ResourceView> {
    let groups = region.security_groups.live().map(|group| {
        let view = ResourceView::new("security-group", &group.id, &group.name, &group.tags)
            .with("vpc", &group.vpc_id)
            .with("rules", group.rules.len());
        if group.name == "default" { view.seeded() } else { view }
    });
    let pairs = region.key_pairs.values().map(|pair| {
        let view = ResourceView::new("key-pair", &pair.id, &pair.name, &pair.tags);
        if pair.is_seeded() { view.seeded() } else { view }
    });
    groups.chain(pairs).collect()
}

fn compute(region: &Region, now_ms: i64) -> Vec<ResourceView> {
    let templates = region.launch_templates.live().map(|template| {
        ResourceView::new("launch-template", &template.id, &template.name, &template.tags)
            .with("latest_version", template.latest_version)
    });
    let mut views: Vec<ResourceView> = templates.collect();
    for instance in region.instances.values() {
        let group = instance.tags.get("aws:autoscaling:groupName");
        let view = ResourceView::new("instance", &instance.id, "", &instance.tags)
            .with_state(instance.state(now_ms).as_str())
            .with("type", &instance.kind)
            .with("zone", &instance.zone)
            .with("private_address", &instance.private_address)
            .with("answers", instance.answers(now_ms))
            .with("group", group.map_or("", String::as_str));
        views.push(match instance.application.problem() {
            Some(problem) => view.with("problem", problem),
            None => view,
        });
        if instance.has_interface(now_ms) {
            let volume =
                ResourceView::new("volume", &instance.volume_id, "", &instance.volume_tags);
            views.push(volume.with("instance", &instance.id));
            let interface = ResourceView::new(
                "network-interface",
                &instance.interface_id,
                "",
                &instance.interface_tags,
            );
            views.push(interface.with("instance", &instance.id));
        }
    }
    let balancer_interfaces = region.balancer_interfaces.values().filter(|it| it.exists(now_ms));
    views.extend(balancer_interfaces.map(|interface| {
        ResourceView::new("network-interface", &interface.id, "", &Tags::new())
            .with("description", &interface.description)
    }));
    views
}

fn balancing(region: &Region, now_ms: i64) -> Vec<ResourceView> {
    let mut views = Vec::new();
    for group in region.target_groups.live() {
        let states = group.targets.iter().map(|it| it.shown(region, group, now_ms).0);
        let healthy = states.filter(|state| *state == TargetState::Healthy).count();
        views.push(
            ResourceView::new("target-group", &group.arn, &group.name, &group.tags)
                .with("port", group.settings.port)
                .with("targets", group.targets.len())
                .with("healthy", healthy),
        );
    }
    for balancer in region.load_balancers.live() {
        let state = if balancer.is_active(now_ms) { "active" } else { "provisioning" };
        views.push(
            ResourceView::new("load-balancer", &balancer.arn, &balancer.name, &balancer.tags)
                .with_state(state)
                .with("host", &balancer.host),
        );
    }
    for listener in region.listeners.live() {
        views.push(
            ResourceView::new("listener", &listener.arn, "", &listener.tags)
                .with("port", listener.port),
        );
    }
    // Default rules come and go with their listener: they are not anybody's.
    for rule in region.rules.live() {
        if let Some(priority) = rule.priority {
            let view = ResourceView::new("listener-rule", &rule.arn, "", &rule.tags);
            views.push(view.with("priority", priority));
        }
    }
    views
}

fn scaling(region: &Region) -> Vec<ResourceView> {
    let groups = region.groups.live().map(|group| {
        let state = if group.deletion.is_some() { "Delete in progress" } else { "" };
        ResourceView::new("auto-scaling-group", &group.arn, &group.name, &group.tag_map())
            .with_state(state)
            .with("desired", group.settings.desired)
            .with("members", group.members.len())
    });
    groups.collect()
}
