//! The embedded cloud in the process of its callers: its time, and the way to what it serves.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use lab1_flow_cloud::{Cloud, CloudClock, CloudOptions, Traffic};
use lab1_flow_steps::Probe;
use lab1_flow_workflow::Clock;
use lab1_flow_workflow::testing::PausedClock;

/// The cloud's time: a paused clock that no restart resets, after what was before.
#[derive(Debug)]
struct CloudTime {
    age: Duration,
    clock: PausedClock,
}

impl CloudClock for CloudTime {
    fn now_ms(&self) -> i64 {
        1_767_225_600_000 + i64::try_from((self.age + self.clock.elapsed()).as_millis()).unwrap()
    }
}

/// A cloud of this temper that is so old when the clock begins.
pub(crate) fn cloud(age: Duration, options: CloudOptions, clock: &PausedClock) -> Cloud {
    Cloud::in_memory(Arc::new(CloudTime { age, clock: clock.clone() }), options)
}

/// Visits a load balancer without a socket.
pub(crate) fn visit(
    traffic: &Traffic,
    cloud: &Cloud,
    request: &http::Request<Bytes>,
) -> io::Result<http::Response<Bytes>> {
    let host = request.uri().authority().map(ToString::to_string).unwrap_or_default();
    traffic.answer(cloud, &host, request).map_err(io::Error::other)
}

/// Visits the load balancers of one cloud.
pub(crate) fn visitor(cloud: &Cloud) -> Probe {
    let (cloud, traffic) = (cloud.clone(), Traffic::new(1));
    Probe::Function(Arc::new(move |request: http::Request<Bytes>| {
        Box::pin(std::future::ready(visit(&traffic, &cloud, &request)))
    }))
}
