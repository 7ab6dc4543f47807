//! One account, a connection to it, and a count of the calls.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use lab1_flow_cloud::{Cloud, CloudOptions};
use lab1_flow_steps::{Aws, CallObserver, SendFunction, Service, Target, Transport};
use lab1_flow_workflow::Pacer;
use lab1_flow_workflow::testing::PausedClock;

use super::Latency;
use super::in_process::{cloud, visitor};

/// How the account and the way to it behave.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WorldOptions {
    pub(crate) cloud: CloudOptions,
    pub(crate) latency: Latency,
}

/// The account, and the connection that all runs of the process share.
pub(crate) struct World {
    pub(crate) cloud: Cloud,
    pub(crate) clock: PausedClock,
    pub(crate) aws: Aws,
    pub(crate) pacer: Arc<Pacer>,
    pub(crate) calls: CallCounts,
}

/// The calls that were made, by service and action: how many, and how many of them were throttled.
#[derive(Debug, Clone, Default)]
pub(crate) struct CallCounts(Arc<Mutex<Counts>>);

type Counts = BTreeMap<(Service, &'static str), [u64; 2]>;

impl CallCounts {
    fn observer(&self) -> CallObserver {
        let counts = self.clone();
        CallObserver::new(move |report| {
            let throttled = matches!(
                report.code.as_deref(),
                Some("Throttling" | "RequestLimitExceeded" | "ThrottlingException")
            );
            let mut counts = counts.0.lock().unwrap();
            let [all, refused] = counts.entry((report.service, report.action)).or_default();
            *all += 1;
            *refused += u64::from(throttled);
        })
    }

    /// The calls to one service, or to all.
    pub(crate) fn total(&self, service: Option<Service>) -> u64 {
        let counts = self.0.lock().unwrap();
        let asked = counts.iter().filter(|((of, _), _)| service.is_none_or(|one| one == *of));
        asked.map(|(_, [all, _])| all).sum()
    }

    /// The calls that were throttled, by action.
    pub(crate) fn throttled(&self) -> BTreeMap<&'static str, u64> {
        let counts = self.0.lock().unwrap();
        let refused = counts.iter().filter(|(_, [_, refused])| *refused > 0);
        refused.map(|((_, action), [_, refused])| (*action, *refused)).collect()
    }

    /// All calls, by action.
    pub(crate) fn by_action(&self) -> BTreeMap<&'static str, u64> {
        self.0.lock().unwrap().iter().map(|((_, action), [all, _])| (*action, *all)).collect()
    }
}

impl World {
    /// A fresh account. Must be called inside a paused runtime.
    pub(crate) fn new(options: WorldOptions) -> Self {
        Self::through(options, |way, _| way)
    }

    /// A fresh account at the end of a way that somebody watches or spoils.
    pub(crate) fn through(
        options: WorldOptions,
        watch: impl FnOnce(SendFunction, PausedClock) -> SendFunction,
    ) -> Self {
        let clock = PausedClock::new();
        let cloud = cloud(Duration::ZERO, options.cloud, &clock);
        let target = Target::local(None);
        let way = watch(way_to(&cloud, options.latency), clock.clone());
        let aws = Aws::connect(&target, Transport::Function(way)).now_or_never();
        let aws = aws.expect("a local connection waits for nothing").unwrap();
        let pacer = Arc::new(Pacer::new(Arc::new(clock.clone()), 1.0));
        let calls = CallCounts::default();
        let aws = aws.with_probe(visitor(&cloud)).with_pacer(Arc::clone(&pacer));
        let aws = aws.with_observer(calls.observer());
        Self { cloud, clock, aws, pacer, calls }
    }
}

/// The way of a call: half of its time before the effect, half after it.
fn way_to(cloud: &Cloud, latency: Latency) -> SendFunction {
    let (cloud, ordinals) = (cloud.clone(), Arc::new(Mutex::new(0_u64)));
    Arc::new(move |request: http::Request<Bytes>| {
        let ordinal = {
            let mut next = ordinals.lock().unwrap();
            *next += 1;
            *next
        };
        let half = latency.of(action_of(request.body()), ordinal) / 2;
        let cloud = cloud.clone();
        async move {
            sleep(half).await;
            let answer = cloud.handle(request);
            sleep(half).await;
            Ok(answer)
        }
        .boxed()
    })
}

async fn sleep(duration: Duration) {
    if !duration.is_zero() {
        tokio::time::sleep(duration).await;
    }
}

/// The API action that a request asks for.
pub(crate) fn action_of(form: &[u8]) -> &str {
    let form = std::str::from_utf8(form).unwrap_or_default();
    form.split('&').find_map(|pair| pair.strip_prefix("Action=")).unwrap_or_default()
}
