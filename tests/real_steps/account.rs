//! An account on the embedded cloud, in the checker's terms.

use std::sync::Arc;
use std::time::Duration;

use lab1_flow_cloud::{Cloud, CloudOptions, CloudSnapshot, FaultPlan, Faults, ResourceView};
use lab1_flow_workflow::journal::ActionName;
use lab1_flow_workflow::testing::{Holding, Holdings, Life, PausedClock};
use serde_json::json;

use super::in_process::cloud;
use super::line::{Party, Tampering};
use super::wiretap::Wiretap;

/// An account, and what happens to the calls in it. It survives the deaths of the processes.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) cloud: Cloud,
    options: CloudOptions,
    age: Duration,
    faults: Arc<Faults>,
    wiretap: Arc<Wiretap>,
}

/// What stands in an account when the first process comes, and since when.
#[derive(Debug, Clone, Default)]
pub(crate) struct Past {
    age: Duration,
    things: Option<CloudSnapshot>,
}

impl Account {
    /// An account in which nothing is.
    pub(crate) fn new(options: CloudOptions, plan: FaultPlan, clock: &PausedClock) -> Self {
        Self::with_past(&Past::default(), options, plan, clock)
    }

    /// An account in which others have been.
    pub(crate) fn with_past(
        past: &Past,
        options: CloudOptions,
        plan: FaultPlan,
        clock: &PausedClock,
    ) -> Self {
        let cloud = cloud(past.age, options, clock);
        if let Some(things) = &past.things {
            cloud.restore(things);
        }
        let (faults, wiretap) = (Arc::new(Faults::new(plan).unwrap()), Arc::default());
        Self { cloud, options, age: past.age, faults, wiretap }
    }

    /// The same account on another clock, as it stands now.
    pub(crate) fn copy(&self, clock: &PausedClock) -> Self {
        let cloud = cloud(self.age, self.options, clock);
        cloud.restore(&self.cloud.snapshot());
        let faults = Arc::new(Faults::clone(&self.faults));
        let wiretap = Arc::new(Wiretap::clone(&self.wiretap));
        Self { cloud, faults, wiretap, ..*self }
    }

    /// What others find who come so much later.
    pub(crate) fn as_past(&self, later: Duration) -> Past {
        Past { age: self.age + later, things: Some(self.cloud.snapshot()) }
    }

    /// A process that calls it.
    pub(crate) fn caller(&self, life: &Life, tampering: Option<Tampering>) -> Party {
        let (faults, wiretap) = (Arc::clone(&self.faults), Arc::clone(&self.wiretap));
        Party { cloud: self.cloud.clone(), life: life.clone(), faults, wiretap, tampering }
    }

    /// How many calls have met a fault.
    pub(crate) fn faults_met(&self) -> u64 {
        self.faults.fired().iter().sum()
    }

    pub(crate) fn wiretap(&self) -> &Wiretap {
        &self.wiretap
    }

    /// What callers have made.
    pub(crate) fn holdings(&self) -> Holdings {
        let account = self.cloud.account();
        account.made().map(holding).collect()
    }
}

/// One resource in the checker's terms.
fn holding(resource: &ResourceView) -> (String, Holding) {
    // What a group or a balancer makes for itself comes and goes with it, and is no work of an action.
    let by_itself = ["instance", "volume", "network-interface"].contains(&resource.kind);
    let maker = resource.tags.get("lab1-flow:action").filter(|_| !by_itself);
    let holding = Holding {
        mark: resource.tags.get("lab1-flow:run-id").cloned(),
        maker: maker.map(|maker| ActionName::new(maker).unwrap()),
        token: None,
        content: json!({ "name": resource.name, "tags": resource.tags }),
    };
    (format!("{} {}", resource.kind, resource.id), holding)
}
