//! An account on the embedded cloud, in the checker's terms.

use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use lab1_flow_cloud::{Cloud, CloudClock, CloudOptions, FaultPlan, Faults, ResourceView};
use lab1_flow_workflow::Clock;
use lab1_flow_workflow::journal::ActionName;
use lab1_flow_workflow::testing::{Holding, Holdings, Life, PausedClock};
use serde_json::json;

use super::line::{ANOTHER, Party, Tampering};
use super::wiretap::Wiretap;

/// An account, and what happens to the calls in it. It survives the deaths of the processes.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) cloud: Cloud,
    options: CloudOptions,
    faults: Arc<Faults>,
    wiretap: Arc<Wiretap>,
}

/// The cloud's time: a paused clock that no restart resets.
#[derive(Debug)]
struct CloudTime(PausedClock);

impl CloudClock for CloudTime {
    fn now_ms(&self) -> i64 {
        1_767_225_600_000 + i64::try_from(self.0.elapsed().as_millis()).unwrap()
    }
}

impl Account {
    pub(crate) fn new(options: CloudOptions, plan: FaultPlan, clock: &PausedClock) -> Self {
        let cloud = Cloud::in_memory(Arc::new(CloudTime(clock.clone())), options);
        let (faults, wiretap) = (Arc::new(Faults::new(plan).unwrap()), Arc::default());
        Self { cloud, options, faults, wiretap }
    }

    /// The same account on another clock, as it stands now.
    pub(crate) fn copy(&self, clock: &PausedClock) -> Self {
        let cloud = Cloud::in_memory(Arc::new(CloudTime(clock.clone())), self.options);
        cloud.restore(&self.cloud.snapshot());
        let faults = Arc::new(Faults::clone(&self.faults));
        let wiretap = Arc::new(Wiretap::clone(&self.wiretap));
        Self { cloud, faults, wiretap, ..*self }
    }

    /// Carries out what another run asked for before: the form of a creation without its mark. `{vpc}` is the VPC.
    pub(crate) fn plant(&self, creation: &str, tags: &str, action: &str) {
        // A region comes into being with its first call.
        self.carry_out("Action=DescribeVpcs&Version=2016-11-15".to_owned());
        let vpc = self.cloud.account().of_kind("vpc").next().unwrap().id.clone();
        let mut form = creation.replace("{vpc}", &vpc);
        for (place, (key, value)) in [("run-id", ANOTHER), ("action", action)].iter().enumerate() {
            let place = place + 1;
            write!(form, "&{tags}.{place}.Key=lab1-flow:{key}&{tags}.{place}.Value={value}")
                .unwrap();
        }
        self.carry_out(form);
    }

    fn carry_out(&self, form: String) {
        let mut request = http::Request::new(Bytes::from(form));
        *request.method_mut() = http::Method::POST;
        let form = "application/x-www-form-urlencoded; charset=utf-8".parse().unwrap();
        request.headers_mut().insert(http::header::CONTENT_TYPE, form);
        let answer = self.cloud.handle(request);
        assert!(answer.status().is_success(), "{answer:?}");
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
