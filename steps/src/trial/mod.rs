//! A place to try single actions: the embedded cloud in this process, with a clock that stands still,
//! a record of the calls, and faults on order.

mod context;
mod doubt;
mod stack;
mod wire;

use lab1_flow_cloud::{Cloud, CloudOptions, ResourceView, VirtualCloudClock};
use lab1_flow_workflow::journal::FailureClass;
use lab1_flow_workflow::{ActionError, Progress};

use crate::connection::{Aws, Target, Transport};
use crate::preflight::{Network, SubnetRef};
use crate::spec::StackName;

pub(crate) use context::context;
pub(crate) use doubt::is_foreign_of_another_run;
use wire::Wire;
pub(crate) use wire::WireFault;

/// The run that the tests act for.
pub(crate) const OUR_RUN: &str = "run-ours";
/// A run that was there before.
pub(crate) const OTHER_RUN: &str = "run-other";

/// One cloud, and a connection to it.
pub(crate) struct Trial {
    pub(crate) cloud: Cloud,
    pub(crate) clock: VirtualCloudClock,
    pub(crate) aws: Aws,
    pub(crate) stack: StackName,
    wire: Wire,
}

impl Trial {
    /// A cloud on which nothing is seen late and nothing is throttled.
    pub(crate) async fn plain() -> Self {
        Self::with(CloudOptions::plain()).await
    }

    /// A cloud of this temper.
    pub(crate) async fn with(options: CloudOptions) -> Self {
        let clock = VirtualCloudClock::default();
        let cloud = Cloud::in_memory(std::sync::Arc::new(clock.clone()), options);
        let wire = Wire::new(cloud.clone());
        let sender = wire.clone();
        let transport = Transport::function(move |request| sender.carry(request));
        let aws = Aws::connect(&Target::local(None), transport).await.unwrap();
        let aws = aws.with_probe(wire::visitor(cloud.clone()));
        Self { cloud, clock, aws, stack: StackName::default(), wire }
    }

    /// Lets the next call of this API action fail in this way.
    pub(crate) fn order(&self, action: &'static str, fault: WireFault) {
        self.wire.order(action, fault);
    }

    /// The API actions that were called since the last time, in order.
    pub(crate) fn take_calls(&self) -> Vec<String> {
        self.wire.take_calls()
    }

    /// What callers have made, of one kind.
    pub(crate) fn made(&self, kind: &str) -> Vec<ResourceView> {
        let account = self.cloud.account();
        account.made().filter(|resource| resource.kind == kind).cloned().collect()
    }

    /// The network that the preflight would find.
    pub(crate) async fn network(&self) -> Network {
        let answer = self.aws.ec2().describe_subnets().send().await.unwrap();
        let subnet = |zone: &str| {
            let found = answer.subnets().iter().find(|one| one.availability_zone() == Some(zone));
            SubnetRef { zone: zone.to_owned(), id: found.unwrap().subnet_id().unwrap().to_owned() }
        };
        Network {
            account: "-".to_owned(),
            region: self.aws.region().to_owned(),
            vpc_id: answer.subnets()[0].vpc_id().unwrap().to_owned(),
            subnets: [subnet("us-east-1a"), subnet("us-east-1b")],
        }
    }

    /// Asks again, ten seconds apart, until it is done; panics after twenty minutes of the cloud's time.
    pub(crate) async fn until_done<T>(
        &self,
        mut ask: impl AsyncFnMut() -> Result<Progress<T>, ActionError>,
    ) -> T {
        let mut last = None;
        for _ in 0..120 {
            match ask().await.unwrap() {
                Progress::Done(output) => return output,
                Progress::Waiting(wait) => last = Some(wait.reason),
            }
            self.clock.advance_s(10);
        }
        panic!("it still waits: {last:?}");
    }
}

/// The error of something that must fail in this class.
#[track_caller]
pub(crate) fn fails<T: std::fmt::Debug>(
    result: Result<T, ActionError>,
    class: FailureClass,
) -> ActionError {
    let error = result.expect_err("it must fail");
    assert_eq!(error.class(), class, "{error}");
    error
}

/// The reason of something that must wait.
#[track_caller]
pub(crate) fn waits<T: std::fmt::Debug>(progress: Result<Progress<T>, ActionError>) -> String {
    match progress.unwrap() {
        Progress::Waiting(wait) => wait.reason,
        done @ Progress::Done(_) => panic!("it must wait: {done:?}"),
    }
}
