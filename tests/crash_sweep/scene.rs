//! The documented stack on the embedded cloud, through the real SDK, as a scene of the crash sweep.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::FutureExt;
use lab1_flow_cloud::{Cloud, CloudClock, CloudOptions, ResourceView, Traffic};
use lab1_flow_steps::{Aws, Probe, Stack, StackSpec, Target, Transport, TransportFault};
use lab1_flow_workflow::journal::{ActionName, RunId};
use lab1_flow_workflow::testing::{Holding, Holdings, Life, PausedClock, Scene, Verb};
use lab1_flow_workflow::{Clock, NewRun, Workflow};
use serde_json::json;

/// The documented stack, and what happens to its calls.
#[derive(Debug, Clone)]
pub(crate) struct DocumentedStack {
    /// How the cloud behaves.
    pub(crate) options: CloudOptions,
    /// What happened before the verb that is swept.
    pub(crate) prelude: &'static [Verb],
    /// What is swept.
    pub(crate) verb: Verb,
    /// The answers to the first calls of these actions, by name and how often.
    pub(crate) throttled: &'static [(&'static str, u32)],
}

impl DocumentedStack {
    /// A deployment on a cloud that takes its median times and shows everything at once.
    pub(crate) fn plain() -> Self {
        Self { options: CloudOptions::plain(), prelude: &[], verb: Verb::Start, throttled: &[] }
    }
}

/// An account, and the process that calls it now.
pub(crate) struct Account {
    cloud: Cloud,
    aws: Aws,
    caller: Arc<Mutex<Option<Life>>>,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").finish_non_exhaustive()
    }
}

/// The cloud's time: the paused clock of the scene.
#[derive(Debug)]
struct CloudTime(PausedClock);

impl CloudClock for CloudTime {
    fn now_ms(&self) -> i64 {
        1_767_225_600_000 + i64::try_from(self.0.elapsed().as_millis()).unwrap()
    }
}

impl Account {
    fn new(scene: &DocumentedStack, clock: &PausedClock) -> Self {
        let cloud = Cloud::in_memory(Arc::new(CloudTime(clock.clone())), scene.options);
        let caller = Arc::new(Mutex::new(None));
        let throttled = scene.throttled.iter().copied().collect();
        let wire = Wire {
            cloud: cloud.clone(),
            caller: Arc::clone(&caller),
            throttled: Arc::new(Mutex::new(throttled)),
        };
        let transport = Transport::function(move |request| Box::pin(wire.clone().carry(request)));
        let (traffic_of, traffic) = (cloud.clone(), Arc::new(Traffic::new(1)));
        let probe = Probe::Function(Arc::new(move |request: http::Request<Bytes>| {
            let host = request.uri().authority().map(ToString::to_string).unwrap_or_default();
            let answer = traffic.answer(&traffic_of, &host, &request);
            Box::pin(std::future::ready(answer.map_err(|error| error.to_string())))
        }));
        let aws = Aws::connect(&Target::local(None), transport).now_or_never();
        let aws = aws.expect("a local connection waits for nothing").unwrap();
        Self { cloud, aws: aws.with_probe(probe), caller }
    }
}

/// The way between a process and the account, with a boundary on each side of every effect.
#[derive(Debug, Clone)]
struct Wire {
    cloud: Cloud,
    caller: Arc<Mutex<Option<Life>>>,
    throttled: Arc<Mutex<BTreeMap<&'static str, u32>>>,
}

impl Wire {
    async fn carry(
        self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportFault> {
        let life = self.caller.lock().unwrap().clone();
        let Some(life) = life else { return Err(TransportFault::Refused) };
        life.fuse().reach().await;
        if self.is_throttled(request.body()) {
            return Ok(too_often());
        }
        let answer = self.cloud.handle(request);
        life.fuse().reach().await;
        Ok(answer)
    }

    fn is_throttled(&self, form: &[u8]) -> bool {
        let form = String::from_utf8_lossy(form);
        let mut throttled = self.throttled.lock().unwrap();
        let action = form.split('&').find_map(|pair| pair.strip_prefix("Action="));
        let left = action.and_then(|action| throttled.get_mut(action));
        left.is_some_and(|left| {
            let now = *left > 0;
            *left = left.saturating_sub(1);
            now
        })
    }
}

/// The refusal in the envelope of the query services.
fn too_often() -> http::Response<Bytes> {
    let body = "<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code>\
        <Message>Rate exceeded</Message></Error><RequestId>r</RequestId></ErrorResponse>";
    http::Response::builder().status(400).body(Bytes::from_static(body.as_bytes())).unwrap()
}

impl Scene for DocumentedStack {
    type World = Account;

    fn world(&self, clock: &PausedClock) -> Account {
        Account::new(self, clock)
    }

    fn workflow(&self, account: &Account, life: &Life) -> Workflow {
        *account.caller.lock().unwrap() = Some(life.clone());
        let stack = Stack::new(&StackSpec::default(), &Target::local(None));
        stack.workflow(&account.aws).unwrap()
    }

    fn new_run(&self) -> NewRun {
        NewRun::new(RunId::new("swept").unwrap())
    }

    async fn holdings(&self, account: &Account) -> Holdings {
        account.cloud.account().resources.iter().filter_map(holding).collect()
    }

    fn prelude(&self) -> &[Verb] {
        self.prelude
    }

    fn verb(&self) -> Verb {
        self.verb
    }
}

/// One resource in the checker's terms; `None` for the record of a terminated instance.
fn holding(resource: &ResourceView) -> Option<(String, Holding)> {
    if resource.kind == "instance" && resource.state == "terminated" {
        return None;
    }
    // What a fresh account holds from the start is not ours to count.
    if resource.seeded {
        return None;
    }
    // What a group or a balancer makes for itself comes and goes with it, and is no work of an action.
    let by_itself = ["instance", "volume", "network-interface"].contains(&resource.kind);
    let maker = resource.tags.get("lab1-flow:action").filter(|_| !by_itself);
    let holding = Holding {
        mark: resource.tags.get("lab1-flow:run-id").cloned(),
        maker: maker.map(|maker| ActionName::new(maker).unwrap()),
        token: None,
        content: json!({ "name": resource.name, "tags": resource.tags }),
    };
    Some((format!("{} {}", resource.kind, resource.id), holding))
}
