//! When things really happened in the cloud, and how long the engine chose to wait.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lab1_flow_cloud::{AccountView, Cloud};
use lab1_flow_workflow::journal::{ActionName, Record, RunState, Timestamp};
use lab1_flow_workflow::testing::PausedClock;
use lab1_flow_workflow::{Clock, Observer};

/// When the cloud was ready, by the action that waits for it.
pub(crate) type Moments = BTreeMap<&'static str, Timestamp>;

/// How often the account is looked at: the error of every moment.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Watches the account while a run is carried out.
pub(crate) async fn watch(
    cloud: &Cloud,
    clock: &PausedClock,
    back: bool,
    carried: impl Future<Output = ()>,
) -> Moments {
    let mut moments = Moments::new();
    let mut carried = std::pin::pin!(carried);
    loop {
        tokio::select! {
            () = &mut carried => return moments,
            () = clock.sleep(LOOK_EVERY) => {
                let ready = if back { gone(&cloud.account()) } else { there(&cloud.account()) };
                for (action, is_ready) in ready {
                    if is_ready {
                        moments.entry(action).or_insert_with(|| clock.now());
                    } else {
                        // Only the last time counts: a target may turn unhealthy again.
                        moments.remove(action);
                    }
                }
            }
        }
    }
}

fn there(account: &AccountView) -> Vec<(&'static str, bool)> {
    let active = account.of_kind("load-balancer").any(|balancer| balancer.state == "active");
    let healthy = account.of_kind("target-group").map(|group| &group.details["healthy"]);
    let healthy: u32 = healthy.map(|count| count.parse::<u32>().unwrap()).sum();
    vec![("load-balancer-active", active), ("targets-healthy", healthy >= 9)]
}

fn gone(account: &AccountView) -> Vec<(&'static str, bool)> {
    let group_gone = |name: &str| {
        let mut groups = account.of_kind("auto-scaling-group");
        let mut living = account.of_kind("instance").filter(|it| it.state != "terminated");
        !groups.any(|group| group.name == name) && !living.any(|it| it.details["group"] == name)
    };
    let mut interfaces = account.of_kind("network-interface");
    let balancer_interfaces = interfaces.any(|it| it.details.contains_key("description"));
    vec![
        ("auto-scaling-group-1", group_gone("group1")),
        ("auto-scaling-group-2", group_gone("group2")),
        ("load-balancer", account.of_kind("load-balancer").next().is_none()),
        ("balancer-security-group", !balancer_interfaces),
    ]
}

/// The waits that the engine chose, with their beginnings, by action.
#[derive(Debug, Clone, Default)]
pub(crate) struct Waits(Arc<Mutex<BTreeMap<ActionName, Vec<Duration>>>>);

impl Waits {
    /// How long the engine let this action wait on purpose.
    pub(crate) fn of(&self, action: &ActionName) -> Duration {
        self.0.lock().unwrap().get(action).map_or(Duration::ZERO, |waits| waits.iter().sum())
    }
}

impl Observer for Waits {
    fn recorded(&self, _records: &[Record], _state: &RunState) {}

    fn waiting(&self, action: &ActionName, _reason: &str, next_look_in: Duration) {
        self.0.lock().unwrap().entry(action.clone()).or_default().push(next_look_in);
    }
}
