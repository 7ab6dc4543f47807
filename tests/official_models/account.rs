//! An account on the embedded cloud, with a recorder on the way to it. Time is tokio's, paused.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use lab1_flow_cloud::{Cloud, CloudClock, CloudOptions, ResourceView, Traffic};
use lab1_flow_journal::{Journal, MemoryJournal, OnFailure, RunHeader, RunId, RunState, Timestamp};
use lab1_flow_steps::{
    Aws, Examination, Probe, Stack, StackSpec, Target, Transport, TransportFault, Verification,
    VerifyOptions, marked_runs, recovery_workflow,
};
use lab1_flow_workflow::testing::PausedClock;
use lab1_flow_workflow::{Clock, Engine, NewRun, Profile, Resume, RunReport, Workflow};
use tokio::time::{Duration, Instant, sleep};

use crate::exchange::Exchange;

/// From a request to its answer; the effect happens half-way.
const LATENCY: Duration = Duration::from_millis(100);

/// What becomes of a call.
#[derive(Debug, Clone)]
pub(crate) enum Fate {
    /// It takes effect and is answered.
    Pass,
    /// It takes effect, and the answer is lost.
    LoseReply,
    /// It is refused with this status and code, and nothing takes effect.
    Refuse(u16, &'static str),
    /// The cloud's answer is the first page of two.
    FirstPage,
    /// The second page, which is empty.
    LastPage,
}

type Plan = dyn Fn(&Exchange) -> Fate + Send + Sync;

/// One account, one journal, and what was said to the account.
pub(crate) struct Account {
    pub(crate) cloud: Cloud,
    journal: Arc<MemoryJournal>,
    clock: PausedClock,
    plan: Arc<Mutex<Arc<Plan>>>,
    exchanges: Arc<Mutex<Vec<Exchange>>>,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").finish_non_exhaustive()
    }
}

/// The time of the cloud: tokio's.
#[derive(Debug)]
struct TokioClock(Instant);

impl CloudClock for TokioClock {
    fn now_ms(&self) -> i64 {
        1_767_225_600_000 + i64::try_from(self.0.elapsed().as_millis()).unwrap()
    }
}

impl Account {
    /// Opens a fresh account; must be called inside a paused runtime.
    pub(crate) fn new(options: CloudOptions, exchanges: &Arc<Mutex<Vec<Exchange>>>) -> Self {
        Self {
            cloud: Cloud::in_memory(Arc::new(TokioClock(Instant::now())), options),
            journal: Arc::new(MemoryJournal::new()),
            clock: PausedClock::new(),
            plan: Arc::new(Mutex::new(Arc::new(|_| Fate::Pass))),
            exchanges: Arc::clone(exchanges),
        }
    }

    /// Lets `plan` decide over every call from now on.
    pub(crate) fn plan(&self, plan: impl Fn(&Exchange) -> Fate + Send + Sync + 'static) {
        *self.plan.lock().unwrap() = Arc::new(plan);
    }

    pub(crate) async fn deploy(&self, run: &str, spec: &StackSpec) -> RunReport {
        assert_eq!(spec.validate(), []);
        let stack = Stack::new(spec, &Target::local(None));
        let workflow = stack.workflow(&self.aws().await).unwrap();
        let new = NewRun::new(RunId::new(run).unwrap());
        self.engine().start(&workflow, new).await.unwrap()
    }

    pub(crate) async fn resume(&self, run: &str) -> RunReport {
        let run = RunId::new(run).unwrap();
        let workflow = self.stored_workflow(&run).await;
        self.engine().resume(&workflow, &run, Resume::default()).await.unwrap()
    }

    pub(crate) async fn roll_back(&self, run: &str) -> RunReport {
        let run = RunId::new(run).unwrap();
        let workflow = self.stored_workflow(&run).await;
        self.engine().roll_back(&workflow, &run, Resume::default()).await.unwrap()
    }

    /// Takes a run back whose journal is lost, by the marks that its things carry.
    pub(crate) async fn roll_back_by_marks(&self, run: &str) -> RunReport {
        let aws = self.aws().await;
        let found = marked_runs(&aws).await.unwrap();
        let marked = found.into_iter().find(|it| it.run.as_str() == run).expect("it left marks");
        let workflow = recovery_workflow(&marked.stack, &aws).unwrap();
        let header = RunHeader {
            run: marked.run,
            workflow: workflow.name().to_owned(),
            created_at: Timestamp(0),
            seed: 0,
            on_failure: OnFailure::Rollback,
            until: None,
            steps: workflow.steps().to_vec(),
            profile: serde_json::to_value(Profile::default()).unwrap(),
            context: serde_json::Value::Null,
        };
        let journal = Arc::new(MemoryJournal::new());
        journal.create(&header).await.unwrap();
        let engine = Engine::new(journal).with_clock(Arc::new(self.clock.clone()));
        engine.recover(&workflow, &header.run, Resume::default()).await.unwrap()
    }

    /// Compares a run with the account, as a process that knows its id and nothing else.
    pub(crate) async fn verify(&self, run: &str) -> Verification {
        let history = self.journal.read(&RunId::new(run).unwrap()).await.unwrap();
        let state = RunState::replay(&history).unwrap();
        let stack = Stack::from_stored(state.steps()).unwrap();
        let (aws, profile) = (self.aws().await, Profile::default());
        let options = VerifyOptions { http: false, live: false, now: self.clock.now() };
        stack.verify(&aws, &state, &profile, options).await.unwrap()
    }

    /// Asks all that the command line asks about a stack that is not built yet.
    pub(crate) async fn examine(&self, spec: &StackSpec) -> [Examination; 2] {
        let (aws, target) = (self.aws().await, Target::local(None));
        let stack = Stack::new(spec, &target);
        let asker = RunId::new("asker").unwrap();
        let planned = stack.examine(&aws, &Profile::default()).await.unwrap();
        [planned, stack.diagnose(&aws, spec, &asker).await]
    }

    /// Calls the account as somebody else does; this is not recorded.
    pub(crate) fn call_as_somebody(&self, form: String) {
        let request = http::Request::post("http://cloud.test/")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Bytes::from(form));
        let answer = self.cloud.handle(request.unwrap());
        assert_eq!(answer.status(), 200, "{}", String::from_utf8_lossy(answer.body()));
    }

    /// Returns the ids of a kind, as far as `fits` holds for what they are about.
    pub(crate) fn ids(&self, kind: &str, fits: impl Fn(&ResourceView) -> bool) -> Vec<String> {
        let account = self.cloud.account();
        account.of_kind(kind).filter(|it| fits(it)).map(|it| it.id.clone()).collect()
    }

    /// Tells whether nothing stands that the fresh account did not have.
    pub(crate) fn is_as_before(&self) -> bool {
        self.cloud.account().made().next().is_none()
    }

    fn engine(&self) -> Engine {
        let journal = Arc::clone(&self.journal);
        Engine::new(journal).with_clock(Arc::new(self.clock.clone()))
    }

    async fn stored_workflow(&self, run: &RunId) -> Workflow {
        let header = self.journal.read(run).await.unwrap().header;
        Stack::from_stored(&header.steps).unwrap().workflow(&self.aws().await).unwrap()
    }

    async fn aws(&self) -> Aws {
        let (cloud, plan) = (self.cloud.clone(), Arc::clone(&self.plan));
        let exchanges = Arc::clone(&self.exchanges);
        let transport = Transport::function(move |request| {
            let (cloud, exchanges) = (cloud.clone(), Arc::clone(&exchanges));
            let plan = Arc::clone(&plan.lock().unwrap());
            Box::pin(async move {
                sleep(LATENCY / 2).await;
                let (exchange, answer) = carry(&cloud, &*plan, request);
                exchanges.lock().unwrap().push(exchange);
                sleep(LATENCY / 2).await;
                answer
            })
        });
        let (cloud, traffic) = (self.cloud.clone(), Arc::new(Traffic::new(1)));
        let probe = Probe::Function(Arc::new(move |request: http::Request<Bytes>| {
            let host = request.uri().authority().map(ToString::to_string).unwrap_or_default();
            let answer = traffic.answer(&cloud, &host, &request);
            Box::pin(std::future::ready(answer.map_err(io::Error::other)))
        }));
        Aws::connect(&Target::local(None), transport).await.unwrap().with_probe(probe)
    }
}

type Outcome = Result<http::Response<Bytes>, TransportFault>;

/// Lets a request meet its fate, and writes down what was said.
fn carry(cloud: &Cloud, plan: &Plan, request: http::Request<Bytes>) -> (Exchange, Outcome) {
    let mut exchange = Exchange::of(&request);
    let fate = plan(&exchange);
    if let Fate::Refuse(status, code) = fate {
        let answer = response(status, refusal(&exchange, code));
        return (exchange, Ok(answer));
    }
    if let Fate::LastPage = fate {
        let answer = response(200, last_page(&exchange));
        return (exchange, Ok(answer));
    }
    let answer = cloud.handle(request);
    let text = String::from_utf8_lossy(answer.body()).into_owned();
    exchange.status = answer.status().as_u16();
    let outcome = match fate {
        Fate::LoseReply => Err(TransportFault::Dropped),
        Fate::FirstPage => Ok(response(exchange.status, with_next_page(&exchange, &text))),
        _ => Ok(answer),
    };
    exchange.answer = Some(text);
    (exchange, outcome)
}

fn response(status: u16, body: String) -> http::Response<Bytes> {
    http::Response::builder().status(status).body(Bytes::from(body)).unwrap()
}

fn is_ec2(exchange: &Exchange) -> bool {
    exchange.field("Version") == Some("2016-11-15")
}

/// A refusal in the envelope of the service.
fn refusal(exchange: &Exchange, code: &str) -> String {
    let error = format!("<Error><Code>{code}</Code><Message>on order</Message></Error>");
    if is_ec2(exchange) {
        format!("<Response><Errors>{error}</Errors><RequestID>r-1</RequestID></Response>")
    } else {
        format!("<ErrorResponse>{error}<RequestId>r-1</RequestId></ErrorResponse>")
    }
}

/// Says in an answer that there is more.
fn with_next_page(exchange: &Exchange, answer: &str) -> String {
    let (end, mark) = match exchange.field("Version") {
        Some("2016-11-15") => ("Response>", "nextToken"),
        Some("2015-12-01") => ("Result>", "NextMarker"),
        _ => ("Result>", "NextToken"),
    };
    let end = format!("</{}{end}", exchange.action());
    assert!(answer.contains(&end), "{answer}");
    answer.replace(&end, &format!("<{mark}>page-2</{mark}>{end}"))
}

/// A page with nothing on it.
fn last_page(exchange: &Exchange) -> String {
    let action = exchange.action();
    if is_ec2(exchange) {
        return format!("<{action}Response><requestId>r-1</requestId></{action}Response>");
    }
    format!(
        "<{action}Response><{action}Result><AutoScalingGroups/></{action}Result>\
         <ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></{action}Response>"
    )
}
