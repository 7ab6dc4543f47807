//! An account on the embedded cloud, and processes that deploy to it. Time is tokio's, paused: what
//! everybody sleeps through takes no time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use lab1_flow_cloud::{Cloud, CloudOptions, ResourceView};
use lab1_flow_steps::{
    Aws, CallObserver, Stack, StackName, StackSpec, Target, Transport, TransportFault,
    Verification, VerifyOptions, recovery_workflow,
};
use lab1_flow_workflow::journal::{
    Failure, Journal, JournalError, MemoryJournal, OnFailure, RunId, RunState,
};
use lab1_flow_workflow::testing::PausedClock;
use lab1_flow_workflow::{Clock, Engine, NewRun, Profile, Resume, RunReport, Workflow};
use tokio::time::{Duration, sleep};

use crate::in_process::{cloud, visitor};

/// From a request to its answer; the effect happens half-way.
pub(crate) const LATENCY: Duration = Duration::from_millis(100);

/// What becomes of a request.
type Outcome = Result<http::Response<Bytes>, TransportFault>;

/// Decides what becomes of a call: it is given the name of the API action, and the call itself to carry out
/// or not.
type Meddler = dyn Fn(&str, &dyn Fn() -> http::Response<Bytes>) -> Outcome + Send + Sync;

/// Somebody who makes the same as we do, one moment earlier.
struct Overtaker {
    call: &'static str,
    /// How many of our calls are let pass before.
    patience: usize,
    /// Our request in their words.
    theirs: fn(&str) -> String,
    /// What they have made.
    made: Option<ResourceView>,
}

/// What is known of a run that is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// All that was recorded.
    Records,
    /// Its id, and what carries its mark: the records are lost.
    Marks,
}

impl Known {
    pub(crate) const EACH: [Self; 2] = [Self::Records, Self::Marks];
}

/// A call that somebody else makes.
#[derive(Debug, Clone)]
pub(crate) struct Call(String);

impl Call {
    pub(crate) fn new(action: &str, version: &str) -> Self {
        Self(format!("Action={action}&Version={version}"))
    }

    /// The same call with a parameter, which must need no escape.
    pub(crate) fn with(self, key: &str, value: &str) -> Self {
        Self(format!("{}&{key}={value}", self.0))
    }
}

/// One account, one journal.
pub(crate) struct Scene {
    pub(crate) cloud: Cloud,
    journal: Arc<MemoryJournal>,
    /// On another machine.
    other_journal: Arc<MemoryJournal>,
    clock: PausedClock,
    calls: Arc<Mutex<Vec<String>>>,
    meddler: Arc<Mutex<Option<Arc<Meddler>>>>,
    overtaker: Arc<Mutex<Option<Overtaker>>>,
}

impl Scene {
    pub(crate) fn new(options: CloudOptions) -> Self {
        let clock = PausedClock::new();
        Self {
            cloud: cloud(Duration::ZERO, options, &clock),
            journal: Arc::new(MemoryJournal::new()),
            other_journal: Arc::new(MemoryJournal::new()),
            clock,
            calls: Arc::default(),
            meddler: Arc::default(),
            overtaker: Arc::default(),
        }
    }

    /// Lets every call from now on pass through `meddler`.
    pub(crate) fn meddle(
        &self,
        meddler: impl Fn(&str, &dyn Fn() -> http::Response<Bytes>) -> Outcome + Send + Sync + 'static,
    ) {
        *self.meddler.lock().unwrap() = Some(Arc::new(meddler));
    }

    /// Ends the meddling.
    pub(crate) fn leave_alone(&self) {
        *self.meddler.lock().unwrap() = None;
    }

    /// Lets somebody else make the same as our call, one moment before the one after `patience` others.
    pub(crate) fn overtake(&self, call: &'static str, patience: usize, theirs: fn(&str) -> String) {
        *self.overtaker.lock().unwrap() = Some(Overtaker { call, patience, theirs, made: None });
    }

    /// What the one who overtook us has made.
    pub(crate) fn taken(&self) -> Option<ResourceView> {
        self.overtaker.lock().unwrap().as_ref().and_then(|it| it.made.clone())
    }

    /// Makes a call as somebody else, which must succeed.
    pub(crate) fn call(&self, Call(form): &Call) {
        let request = http::Request::post("http://cloud.invalid/");
        let answer = self.cloud.handle(request.body(Bytes::from(form.clone())).unwrap());
        assert!(answer.status().is_success(), "{form}: {answer:?}");
    }

    /// Sets the wall clock of the machine.
    pub(crate) fn set_wall_by_hours(&self, hours: i64) {
        self.clock.set_wall_by(hours * 3_600_000);
    }

    async fn aws(&self) -> Aws {
        let (cloud, meddler) = (self.cloud.clone(), Arc::clone(&self.meddler));
        let overtaker = Arc::clone(&self.overtaker);
        let transport = Transport::function(move |request| {
            let (cloud, meddler) = (cloud.clone(), meddler.lock().unwrap().clone());
            let overtaker = Arc::clone(&overtaker);
            Box::pin(async move {
                let action = action_of(&request);
                sleep(LATENCY / 2).await;
                if let Some(overtaker) = &mut *overtaker.lock().unwrap() {
                    overtaker.watch(&cloud, &action, &request);
                }
                let carry = || cloud.handle(copy_of(&request));
                let answer = match meddler {
                    Some(meddler) => meddler(&action, &carry),
                    None => Ok(carry()),
                };
                sleep(LATENCY / 2).await;
                answer
            })
        });
        let calls = Arc::clone(&self.calls);
        let observer = CallObserver::new(move |report| {
            calls.lock().unwrap().push(report.action.to_owned());
        });
        let aws = Aws::connect(&Target::local(None), transport).await.unwrap();
        aws.with_probe(visitor(&self.cloud)).with_observer(observer)
    }

    async fn stored_workflow(&self, run: &RunId) -> Workflow {
        let header = self.journal.read(run).await.unwrap().header;
        Stack::from_stored(&header.steps).unwrap().workflow(&self.aws().await).unwrap()
    }

    async fn workflow(&self, spec: &StackSpec) -> Workflow {
        assert_eq!(spec.validate(), []);
        Stack::new(spec, &Target::local(None)).workflow(&self.aws().await).unwrap()
    }

    fn engine(&self) -> Engine {
        let journal = Arc::clone(&self.journal);
        Engine::new(journal).with_clock(Arc::new(self.clock.clone()))
    }

    pub(crate) async fn deploy(&self, run: &str, spec: &StackSpec) -> RunReport {
        self.deploy_and(run, spec, OnFailure::Stop).await
    }

    /// Deploys, with what is to be done when an action fails.
    pub(crate) async fn deploy_and(
        &self,
        run: &str,
        spec: &StackSpec,
        on_failure: OnFailure,
    ) -> RunReport {
        let new = NewRun { on_failure, ..NewRun::new(RunId::new(run).unwrap()) };
        self.engine().start(&self.workflow(spec).await, new).await.unwrap()
    }

    /// Goes on with a run as a new process would, which knows its id and nothing else.
    pub(crate) async fn resume(&self, run: &str) -> RunReport {
        let run = RunId::new(run).unwrap();
        let workflow = self.stored_workflow(&run).await;
        self.engine().resume(&workflow, &run, Resume::default()).await.unwrap()
    }

    /// Turns a run around as a new process would, which knows its id and nothing else.
    pub(crate) async fn roll_back(&self, run: &str) -> RunReport {
        let run = RunId::new(run).unwrap();
        let workflow = self.stored_workflow(&run).await;
        self.engine().roll_back(&workflow, &run, Resume::default()).await.unwrap()
    }

    /// Puts back the copy of the journal that was made when the run had so many records, an hour later.
    pub(crate) async fn put_back(&mut self, run: &str, records: usize) {
        let run = RunId::new(run).unwrap();
        let history = self.journal.read(&run).await.unwrap();
        self.journal = Arc::new(MemoryJournal::new());
        self.journal.create(&history.header).await.unwrap();
        for record in history.records.into_iter().take(records) {
            self.journal.append(&run, record.seq, record.at, vec![record.entry]).await.unwrap();
        }
        sleep(Duration::from_hours(1)).await;
    }

    /// How many records a run has.
    pub(crate) async fn records(&self, run: &str) -> usize {
        self.journal.read(&RunId::new(run).unwrap()).await.unwrap().records.len()
    }

    /// Takes a run back by what is known of it.
    pub(crate) async fn take_back(&self, run: &str, known: Known) -> RunReport {
        match known {
            Known::Records => self.roll_back(run).await,
            Known::Marks => self.recover(run).await,
        }
    }

    /// Takes a run back on another machine, which knows nothing of it: by the marks on what it made.
    async fn recover(&self, run: &str) -> RunReport {
        let run = RunId::new(run).unwrap();
        let workflow = recovery_workflow(&StackName::default(), &self.aws().await).unwrap();
        let journal = Arc::clone(&self.other_journal);
        let engine = Engine::new(journal).with_clock(Arc::new(self.clock.clone()));
        let header = engine.header(&workflow, NewRun::new(run.clone())).unwrap();
        // Asked again it goes on from the first time.
        let created = self.other_journal.create(&header).await;
        assert!(matches!(created, Ok(()) | Err(JournalError::Exists { .. })), "{created:?}");
        engine.recover(&workflow, &run, Resume::default()).await.unwrap()
    }

    /// What is recorded of a run.
    pub(crate) async fn state(&self, run: &str) -> RunState {
        let history = self.journal.read(&RunId::new(run).unwrap()).await.unwrap();
        RunState::replay(&history).unwrap()
    }

    /// Compares a run with the account, as a process that knows its id and nothing else.
    pub(crate) async fn verify(&self, run: &str, http: bool) -> Result<Verification, Failure> {
        let history = self.journal.read(&RunId::new(run).unwrap()).await.unwrap();
        let state = RunState::replay(&history).unwrap();
        let stack = Stack::from_stored(state.steps()).unwrap();
        let (aws, profile) = (self.aws().await, Profile::default());
        let options = VerifyOptions { http, live: false, now: self.clock.now() };
        stack.verify(&aws, &state, &profile, options).await
    }

    /// What is recorded as proven gone, and stands.
    pub(crate) async fn gone_and_standing(&self, run: &str) -> Vec<String> {
        let history = self.journal.read(&RunId::new(run).unwrap()).await.unwrap();
        let state = RunState::replay(&history).unwrap();
        let gone = state.actions().filter_map(|(_, action)| action.gone_thing());
        let made = self.made();
        let stands = |thing: &&str| made.iter().any(|it| [&*it.id, &*it.name].contains(thing));
        gone.filter(stands).map(str::to_owned).collect()
    }

    /// Calls the account as somebody else does; such a call is not counted.
    pub(crate) fn somebody(&self, form: &str) -> String {
        let request = http::Request::post("http://cloud.test/")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Bytes::from(form.to_owned()));
        let answer = self.cloud.handle(request.unwrap());
        let body = String::from_utf8_lossy(answer.body()).into_owned();
        assert_eq!(answer.status(), 200, "{form}: {body}");
        body
    }

    /// The id of the only thing of this kind and name.
    pub(crate) fn id_of(&self, kind: &str, name: &str) -> String {
        let things = self.made().into_iter().filter(|it| it.kind == kind && it.name == name);
        things.map(|thing| thing.id).next().unwrap()
    }

    /// The API actions that were called since the last time, in order.
    pub(crate) fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    /// What stands in the account besides what a fresh one holds.
    pub(crate) fn made(&self) -> Vec<ResourceView> {
        self.cloud.account().made().cloned().collect()
    }

    /// How many things of each kind stand in the account.
    pub(crate) fn census(&self) -> BTreeMap<&'static str, usize> {
        let mut census = BTreeMap::new();
        for thing in self.made() {
            *census.entry(thing.kind).or_default() += 1;
        }
        census
    }
}

impl Overtaker {
    /// Sees a call of ours coming, and is there before it.
    fn watch(&mut self, cloud: &Cloud, action: &str, request: &http::Request<Bytes>) {
        if action != self.call || self.made.is_some() {
            return;
        }
        if self.patience > 0 {
            self.patience -= 1;
            return;
        }
        let before: Vec<String> = cloud.account().made().map(|it| it.id.clone()).collect();
        let form = String::from_utf8_lossy(request.body());
        let theirs = copy_of(request).map(|_| Bytes::from((self.theirs)(&form)));
        let answer = cloud.handle(theirs);
        assert!(answer.status().is_success(), "{action}: {answer:?}");
        self.made = cloud.account().made().find(|it| !before.contains(&it.id)).cloned();
    }
}

fn copy_of(request: &http::Request<Bytes>) -> http::Request<Bytes> {
    let mut copy = http::Request::post(request.uri()).body(request.body().clone()).unwrap();
    copy.headers_mut().clone_from(request.headers());
    copy
}

fn action_of(request: &http::Request<Bytes>) -> String {
    let form = String::from_utf8_lossy(request.body());
    let action = form.split('&').find_map(|pair| pair.strip_prefix("Action="));
    action.unwrap_or_default().to_owned()
}
