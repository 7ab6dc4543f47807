//! What the applications on the instances answer: foretold, or seen by whoever runs them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ec2::instances::Instance;
use crate::guests::Outline;
use crate::options::GuestKind;
use crate::state::{Region, State};
use crate::traffic::matches;

/// The port of the application that is foretold without a word of user data.
const FORETOLD_PORT: u16 = 80;

/// Whether the application of an instance is foretold or seen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Application {
    /// The documented one, as far as user data does not say otherwise: up as soon as user data has had
    /// its time, with three known paths.
    #[default]
    Foretold,
    /// One of which the user data told the port and the paths; up as soon as it has had its time.
    Outlined { port: u16, paths: Vec<String> },
    /// A real one, as it was seen when that last changed.
    Seen { sighting: Sighting, since_ms: i64 },
}

/// What was seen of a real application.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sighting {
    /// The port that it has on its instance, while it is up.
    pub(crate) port: Option<u16>,
    /// What it answered to the paths of health checks.
    pub(crate) statuses: BTreeMap<String, u16>,
    /// Why it is not up, where that is known.
    pub(crate) problem: Option<String>,
}

/// An instance whose application is to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GuestOrder {
    pub(crate) instance_id: String,
    /// In base64.
    pub(crate) user_data: String,
    /// Whether user data has had its time: before that nothing is seen of the application.
    pub(crate) booted: bool,
    /// The paths that health checks ask it for.
    pub(crate) checked_paths: Vec<String>,
}

impl Application {
    /// Gives what a new instance with this user data begins with.
    pub(crate) fn of_new_instance(
        guests: GuestKind,
        user_data: Option<&String>,
        now_ms: i64,
    ) -> Self {
        match guests {
            GuestKind::Light => match user_data.and_then(|it| Outline::read(it)) {
                Some(Outline { port, paths }) => Self::Outlined { port, paths },
                None => Self::Foretold,
            },
            GuestKind::Flask => Self::Seen { sighting: Sighting::default(), since_ms: now_ms },
        }
    }

    /// Tells on which port it listens, while it is up.
    pub(crate) fn port(&self) -> Option<u16> {
        match self {
            Self::Foretold => Some(FORETOLD_PORT),
            Self::Outlined { port, .. } => Some(*port),
            Self::Seen { sighting, .. } => sighting.port,
        }
    }

    /// Tells with which status it answers a path, as far as that is known.
    pub(crate) fn status(&self, path: &str) -> Option<u16> {
        if let Self::Seen { sighting, .. } = self {
            return sighting.statuses.get(path).copied();
        }
        let path = path.split('?').next().unwrap_or_default();
        Some(if self.paths().iter().any(|pattern| matches(pattern, path)) { 200 } else { 404 })
    }

    /// Gives the patterns of the paths that it is taken to know; what runs for real is asked instead.
    pub(crate) fn paths(&self) -> Vec<&str> {
        match self {
            Self::Foretold => vec!["/", "/cluster1", "/cluster2"],
            Self::Outlined { paths, .. } => paths.iter().map(String::as_str).collect(),
            Self::Seen { .. } => Vec::new(),
        }
    }

    /// Tells when what was seen last changed: results of checks before it say nothing about now.
    pub(crate) fn changed_ms(&self) -> i64 {
        match self {
            Self::Foretold | Self::Outlined { .. } => 0,
            Self::Seen { since_ms, .. } => *since_ms,
        }
    }

    /// Says why it is not up, where that is known.
    pub(crate) fn problem(&self) -> Option<&str> {
        match self {
            Self::Foretold | Self::Outlined { .. } => None,
            Self::Seen { sighting, .. } => sighting.problem.as_deref(),
        }
    }
}

/// Lists the instances on which an application is to run now.
pub(crate) fn orders(state: &State, now_ms: i64) -> Vec<GuestOrder> {
    let regions = state.regions.values();
    regions
        .flat_map(|region| region.instances.values().map(move |instance| (region, instance)))
        .filter_map(|(region, instance)| order(region, instance, now_ms))
        .collect()
}

fn order(region: &Region, instance: &Instance, now_ms: i64) -> Option<GuestOrder> {
    let user_data = instance.user_data.as_ref().filter(|_| instance.is_up())?;
    let registers = |id: &str| id == instance.id;
    let groups = region.target_groups.live();
    let mut checked_paths: Vec<_> = groups
        .filter(|group| group.targets.iter().any(|it| registers(&it.instance_id)))
        .map(|group| group.settings.health_check.path.clone())
        .collect();
    checked_paths.sort();
    checked_paths.dedup();
    Some(GuestOrder {
        instance_id: instance.id.clone(),
        user_data: user_data.clone(),
        booted: instance.answers_ms.is_some_and(|at| at <= now_ms),
        checked_paths,
    })
}

/// Takes in what was seen of an application. Gives the region in which something changed by it.
pub(crate) fn report(
    state: &mut State,
    instance_id: &str,
    sighting: Sighting,
    now_ms: i64,
) -> Option<String> {
    let mut regions = state.regions.values_mut();
    let region = regions.find(|region| region.instances.contains_key(instance_id))?;
    let instance = region.instances.get_mut(instance_id)?;
    if matches!(&instance.application, Application::Seen { sighting: known, .. } if *known == sighting)
    {
        return None;
    }
    instance.application = Application::Seen { sighting, since_ms: now_ms };
    Some(region.name.clone())
}

/// Goes back to foretelling every application: nobody runs any.
pub(crate) fn foretell_all(state: &mut State) {
    let instances = state.regions.values_mut().flat_map(|region| region.instances.values_mut());
    for instance in instances {
        let user_data = instance.user_data.as_ref();
        instance.application = Application::of_new_instance(GuestKind::Light, user_data, 0);
    }
}
