//! The handle: one lock around the state, and what happens to a request inside it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};

use crate::account::AccountView;
use crate::advance;
use crate::dispatch::{self, Call};
use crate::ec2::applications::{self, GuestOrder, Sighting};
use crate::frontends::{Frontends, NamesOnly};
use crate::handler::{Answer, Route};
use crate::ids;
use crate::limits::Buckets;
use crate::options::{CloudOptions, GuestKind};
use crate::persist::{BucketFile, CloudError, StateFile};
use crate::route_table::RouteTable;
use crate::routing;
use crate::state::{Context, State};
use crate::time::CloudClock;
use crate::wire::dialect::Service;
use crate::wire::refusal::Refusal;

/// An embedded AWS. Clones share one state; calls are handled one after the other.
#[derive(Debug, Clone)]
pub struct Cloud {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug)]
struct Shared {
    state: State,
    clock: Arc<dyn CloudClock>,
    options: CloudOptions,
    frontends: Arc<dyn Frontends>,
    buckets: Buckets,
    /// Until when nothing happens by itself, by region: reads before it need not look.
    quiet_until_ms: BTreeMap<String, i64>,
    files: Option<(StateFile, BucketFile)>,
    requests: u64,
}

/// A state of the cloud, kept to be restored: as cheap as a copy of some resources.
#[derive(Debug, Clone)]
pub struct CloudSnapshot {
    state: State,
}

impl Cloud {
    /// Makes a cloud that forgets everything with the process.
    pub fn in_memory(clock: Arc<dyn CloudClock>, options: CloudOptions) -> Self {
        let state = State::new(clock.now_ms(), &options);
        Self::with_state(state, clock, options)
    }

    /// Opens the cloud that is stored at `path`, or makes a new one there.
    ///
    /// Every change is durable before it is answered. The clocks go on where they would be if the
    /// process had never been away. The caller sees to it that no other process has it open.
    ///
    /// # Errors
    ///
    /// The file cannot be read or written, is damaged, or has another format.
    pub fn open(
        path: &Path,
        clock: Arc<dyn CloudClock>,
        options: CloudOptions,
    ) -> Result<Self, CloudError> {
        let file = StateFile::new(path);
        let clock_ms = clock.now_ms();
        let mut state = match file.load()? {
            Some(mut state) => {
                #[expect(clippy::float_cmp, reason = "the same number, stored and read back")]
                let same_pace = state.timeline.scale() == options.time_scale;
                if !same_pace {
                    state.timeline = state.timeline.rescaled(clock_ms, options.time_scale);
                }
                state
            }
            None => State::new(clock_ms, &options),
        };
        if options.guests == GuestKind::Light {
            applications::foretell_all(&mut state);
        }
        file.store(&state)?;
        let (bucket_file, buckets) = BucketFile::open(path)?;
        let options = CloudOptions { seed: state.seed, ..options };
        let cloud = Self::with_state(state, clock, options);
        cloud.lock().buckets = buckets;
        cloud.lock().files = Some((file, bucket_file));
        Ok(cloud)
    }

    fn with_state(state: State, clock: Arc<dyn CloudClock>, options: CloudOptions) -> Self {
        let shared = Shared {
            state,
            clock,
            options,
            frontends: Arc::new(NamesOnly),
            buckets: Buckets::default(),
            quiet_until_ms: BTreeMap::new(),
            files: None,
            requests: 0,
        };
        Self { shared: Arc::new(Mutex::new(shared)) }
    }

    /// Says who gives addresses to load balancers from now on.
    pub fn set_frontends(&self, frontends: Arc<dyn Frontends>) {
        self.lock().frontends = frontends;
    }

    /// Handles one call of the AWS API. Whatever is wrong with it is said in the answer.
    ///
    /// Dies here: a change that was answered is durable; one that was not answered may be.
    #[expect(clippy::needless_pass_by_value, reason = "a handler owns the request that it answers")]
    pub fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        self.lock().handle(&request)
    }

    /// Pictures the whole account as it is now.
    pub fn account(&self) -> AccountView {
        let mut shared = self.lock();
        let now_ms = shared.advance_all();
        AccountView::of(&shared.state, now_ms)
    }

    /// Empties the account, and closes the addresses of its load balancers.
    ///
    /// # Errors
    ///
    /// The state cannot be stored; then it is as it was.
    pub fn reset(&self) -> Result<(), CloudError> {
        let mut shared = self.lock();
        let fresh = State::new(shared.clock.now_ms(), &shared.options);
        if let Some((file, buckets)) = &mut shared.files {
            file.store(&fresh)?;
            buckets.store(&Buckets::default())?;
        }
        for (arn, host) in routing::hosts(&shared.state) {
            shared.frontends.close(&arn, &host);
        }
        shared.state = fresh;
        shared.buckets = Buckets::default();
        shared.quiet_until_ms.clear();
        Ok(())
    }

    /// Pictures the load balancer with the address `host`, as its traffic sees it now.
    pub fn route_table(&self, host: &str) -> Option<RouteTable> {
        let mut shared = self.lock();
        let now_ms = shared.advance_all();
        routing::route_table(&shared.state, host, now_ms)
    }

    /// Lists the ARN and the address of every load balancer.
    pub fn load_balancer_hosts(&self) -> Vec<(String, String)> {
        routing::hosts(&self.lock().state)
    }

    /// Lists the instances on which an application is to run now.
    pub(crate) fn guest_orders(&self) -> Vec<GuestOrder> {
        let mut shared = self.lock();
        let now_ms = shared.advance_all();
        applications::orders(&shared.state, now_ms)
    }

    /// Takes in what was seen of the application of an instance; health checks see the same.
    pub(crate) fn report_guest(&self, instance_id: &str, sighting: Sighting) {
        let mut shared = self.lock();
        let now_ms = shared.advance_all();
        if let Some(region) = applications::report(&mut shared.state, instance_id, sighting, now_ms)
        {
            shared.quiet_until_ms.remove(&region);
            // What cannot be stored is undone, and will be seen again.
            let _logged = shared.store();
        }
    }

    /// Tells the cloud time now, in milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        self.lock().now_ms()
    }

    /// Keeps the present state. Rate limits and addresses of load balancers are not part of it.
    pub fn snapshot(&self) -> CloudSnapshot {
        CloudSnapshot { state: self.lock().state.clone() }
    }

    /// Goes back to a kept state. The clock is the caller's to set back; a stored state is not
    /// rewritten until the next change.
    pub fn restore(&self, snapshot: &CloudSnapshot) {
        let mut shared = self.lock();
        shared.state.clone_from(&snapshot.state);
        shared.buckets = Buckets::default();
        shared.quiet_until_ms.clear();
    }

    /// A thread that panicked in here does not take the cloud away from the others.
    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn handle(&mut self, request: &Request<Bytes>) -> Response<Bytes> {
        self.requests += 1;
        let request_id = self.request_id();
        match dispatch::understand(request) {
            Ok(call) => match self.perform(&call) {
                Ok(members) => {
                    let Route { action, wrapping, .. } = call.route;
                    let body = call.service.success(action, *wrapping, &members, &request_id);
                    respond(StatusCode::OK, body, &request_id)
                }
                Err(refusal) => refuse(call.service, &refusal, &request_id),
            },
            Err((service, refusal)) => refuse(service, &refusal, &request_id),
        }
    }

    fn perform(&mut self, call: &Call) -> Answer {
        let now_ms = self.now_ms();
        self.state.now_ms = now_ms;
        self.advance(&call.region, now_ms);
        if self.state.is_locked() {
            let message =
                "The account was deactivated by the lab: too many instances were running.";
            return Err(Refusal::new("AccessDenied", message).with_status(403));
        }
        let input = call.params.fields();
        if self.options.limits.throttling {
            self.buckets.take(&call.region, call.route.action, &input, now_ms)?;
            self.store_buckets();
        }
        if !call.route.changes {
            return (call.route.handler)(&mut self.context(&call.region, now_ms), &input);
        }
        let before = routing::hosts(&self.state);
        let mut context = self.context(&call.region, now_ms);
        let members = (call.route.handler)(&mut context, &input)?;
        self.quiet_until_ms.remove(&call.region);
        let after = routing::hosts(&self.state);
        let stored = self.store();
        // An address is closed only when its balancer is gone for good, and when it was opened for one
        // that could not be stored.
        let (gone, kept) = if stored.is_ok() { (before, after) } else { (after, before) };
        for (arn, host) in gone.iter().filter(|entry| !kept.contains(entry)) {
            self.frontends.close(arn, host);
        }
        stored.map(|()| members)
    }

    /// Gives what a handler works on.
    fn context(&mut self, region: &str, now_ms: i64) -> Context<'_> {
        Context {
            region: self.state.region_mut(region, &self.options),
            options: &self.options,
            frontends: &*self.frontends,
            now_ms,
        }
    }

    /// Stores the state before an answer says that it changed. If that fails, the change is undone:
    /// what is on disk is the truth.
    fn store(&mut self) -> Result<(), Refusal> {
        let Some((file, _)) = &self.files else { return Ok(()) };
        let Err(error) = file.store(&self.state) else { return Ok(()) };
        tracing::error!(%error, "the state of the embedded cloud could not be stored");
        if let Ok(Some(stored)) = file.load() {
            self.state = stored;
        }
        Err(Refusal::internal("The state could not be stored."))
    }

    /// Stores the token buckets before an answer. If that fails, calls are answered all the same: then a
    /// restart gives back tokens, and nothing is lost.
    fn store_buckets(&mut self) {
        if let Some((_, file)) = &mut self.files
            && let Err(error) = file.store(&self.buckets)
        {
            tracing::warn!(%error, "the rate limits of the embedded cloud could not be stored");
        }
    }

    /// Reads cloud time, which never goes back.
    fn now_ms(&self) -> i64 {
        self.state.timeline.cloud_ms(self.clock.now_ms()).max(self.state.now_ms)
    }

    /// Lets pass in one region what has become due.
    fn advance(&mut self, region: &str, now_ms: i64) {
        if self.quiet_until_ms.get(region).is_some_and(|quiet| now_ms < *quiet) {
            return;
        }
        let next_ms = advance::advance(&mut self.context(region, now_ms));
        self.quiet_until_ms.insert(region.to_owned(), next_ms);
    }

    fn advance_all(&mut self) -> i64 {
        let now_ms = self.now_ms();
        self.state.now_ms = now_ms;
        let names: Vec<String> = self.state.regions.keys().cloned().collect();
        for name in names {
            self.advance(&name, now_ms);
        }
        now_ms
    }

    fn request_id(&self) -> String {
        let number = self.requests.to_string();
        let time = self.state.now_ms.to_string();
        let bits = |half| u128::from(ids::mix(&[half, &number, &time]));
        uuid::Builder::from_random_bytes((bits("high") << 64 | bits("low")).to_be_bytes())
            .into_uuid()
            .to_string()
    }
}

fn refuse(service: Service, refusal: &Refusal, request_id: &str) -> Response<Bytes> {
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
    respond(status, service.error(refusal, request_id), request_id)
}

fn respond(status: StatusCode, body: String, request_id: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/xml;charset=UTF-8"));
    if let Ok(value) = HeaderValue::from_str(request_id) {
        headers.insert("x-amzn-requestid", value);
    }
    response
}
