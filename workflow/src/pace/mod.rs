//! How fast a provider may be asked: limiters that learn, shared by all runs of a process.

mod limiter;
mod queue;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::{Either, select};

use crate::ActionError;
use crate::clock::Clock;
use limiter::{CALL_PACE, Limiter, SERVICE_PACE};
use queue::Queue;
pub(crate) use queue::Ticket;

/// One kind of call to one service: what a provider counts together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane {
    /// The service, as the provider names it.
    pub service: &'static str,
    /// The call, as the provider names it.
    pub call: &'static str,
}

/// Shares out the calls of one account and region among all runs of a process.
///
/// There is one limiter for each call, under one for each service. Each begins slowly, measures the provider's
/// refill from one refusal to the next, and looks gently for more; none knows the provider's bucket sizes.
/// Turns are given in the order in which they were first asked for: a call that was refused is made again before
/// those that came later.
#[derive(Debug)]
pub struct Pacer {
    clock: Arc<dyn Clock>,
    time_scale: f64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    services: BTreeMap<&'static str, Service>,
    calls: BTreeMap<Lane, CallLane>,
    tickets: u64,
}

/// All calls of one service.
#[derive(Debug)]
struct Service {
    limiter: Limiter,
    /// The first of each call's own queue.
    queue: Arc<Queue>,
    /// The call that was refused last, and when.
    refused: Option<(&'static str, Duration)>,
}

/// One call.
#[derive(Debug)]
struct CallLane {
    limiter: Limiter,
    queue: Arc<Queue>,
    /// Turns that were taken for calls that are about to be made.
    held: u32,
}

/// How long a call waits for its turn, in real time. An attempt of a minute may make two calls and more.
const TURN_MAX: Duration = Duration::from_secs(20);

/// Refusals of two calls of a service within this time are about the service.
const SHARED_WITHIN: Duration = Duration::from_secs(5);

impl Default for Service {
    fn default() -> Self {
        Self { limiter: Limiter::new(SERVICE_PACE), queue: Arc::default(), refused: None }
    }
}

impl Default for CallLane {
    fn default() -> Self {
        Self { limiter: Limiter::new(CALL_PACE), queue: Arc::default(), held: 0 }
    }
}

impl Pacer {
    /// A pacer for a target whose clock runs `time_scale` times as fast as ours.
    pub fn new(clock: Arc<dyn Clock>, time_scale: f64) -> Self {
        Self { clock, time_scale, state: Mutex::default() }
    }

    /// Waits for the caller's turn, and takes it. A turn that an engine holds for this call is taken at once.
    ///
    /// A caller that goes away while it waits leaves the queue, and takes nothing.
    ///
    /// # Errors
    /// [`FailureClass::Throttled`](lab1_flow_journal::FailureClass) when the turn does not come within a third of an
    /// attempt's time: nothing was sent, and the wait is no part of the attempt.
    pub async fn turn(&self, lane: Lane) -> Result<(), ActionError> {
        if self.take_held(lane) {
            return Ok(());
        }
        let turn = Box::pin(self.wait_for(lane, self.ticket()));
        match select(turn, self.clock.sleep(TURN_MAX)).await {
            Either::Left(((), _)) => Ok(()),
            Either::Right(((), turn)) => {
                drop(turn);
                let error = ActionError::throttled("held back so as not to ask too fast");
                Err(error.with_retry_after(self.expected(lane)))
            }
        }
    }

    /// Takes in that the provider was asked too often.
    ///
    /// A call that is refused alone has a bucket of its own, and slows down. When another call of its service was
    /// refused a moment ago, the bucket is the service's, and the service slows down.
    pub fn throttled(&self, lane: Lane) {
        let now = self.now();
        let mut state = self.state();
        let service = state.services.entry(lane.service).or_default();
        let before = service.refused.replace((lane.call, now));
        let shared = before
            .is_some_and(|(call, at)| call != lane.call && now.saturating_sub(at) < SHARED_WITHIN);
        if shared {
            service.limiter.refused(now);
        } else {
            state.calls.entry(lane).or_default().limiter.refused(now);
        }
    }

    /// Takes in that the provider answered.
    pub fn answered(&self, lane: Lane) {
        let mut state = self.state();
        state.calls.entry(lane).or_default().limiter.answered();
        state.services.entry(lane.service).or_default().limiter.answered();
    }

    /// A place in the order of all that is asked for.
    pub(crate) fn ticket(&self) -> Ticket {
        let mut state = self.state();
        state.tickets += 1;
        Ticket(state.tickets)
    }

    /// How long the next caller will wait for its turn, as far as it can be told now; in real time.
    pub fn expected(&self, lane: Lane) -> Duration {
        let now = self.now();
        let mut state = self.state();
        let call = state.calls.entry(lane).or_default();
        let before = u32::try_from(call.queue.length()).unwrap_or(u32::MAX);
        let wait = call.limiter.wait(now) + call.limiter.interval().saturating_mul(before);
        self.real(wait)
    }

    /// Takes a turn for a call that is about to be made, unless it would have to wait.
    pub(crate) fn hold_now(&self, lane: Lane) -> bool {
        let now = self.now();
        let mut state = self.state();
        let free = state.calls.entry(lane).or_default().queue.length() == 0
            && state.services.entry(lane.service).or_default().queue.length() == 0;
        let holds = free && state.try_take(lane, now).is_none();
        if holds {
            state.calls.entry(lane).or_default().held += 1;
        }
        holds
    }

    /// Waits for a turn for a call that is about to be made, and holds it for that call.
    pub(crate) async fn hold(&self, lane: Lane, ticket: Ticket) {
        self.wait_for(lane, ticket).await;
        self.state().calls.entry(lane).or_default().held += 1;
    }

    /// Takes a turn that is held for this call. Should that call never be made, the next one of its kind has it.
    fn take_held(&self, lane: Lane) -> bool {
        let mut state = self.state();
        let held = &mut state.calls.entry(lane).or_default().held;
        let had = *held > 0;
        *held = held.saturating_sub(1);
        had
    }

    /// Waits for the call's own turn, and then, as the first of its kind, for the one of its service.
    async fn wait_for(&self, lane: Lane, ticket: Ticket) {
        let place = self.state().calls.entry(lane).or_default().queue.join(ticket);
        place.first().await;
        // What is learned meanwhile counts: each wait is looked at again when it is over.
        while let Some(wait) = self.left(|state, now| state.call_wait(lane, now)) {
            self.clock.sleep(wait).await;
            place.first().await;
        }
        let place = self.state().services.entry(lane.service).or_default().queue.join(ticket);
        place.first().await;
        while let Some(wait) = self.left(|state, now| state.try_take(lane, now)) {
            self.clock.sleep(wait).await;
            place.first().await;
        }
    }

    /// How long is still to be waited, in real time.
    fn left(
        &self,
        wait: impl FnOnce(&mut State, Duration) -> Option<Duration>,
    ) -> Option<Duration> {
        let now = self.now();
        wait(&mut self.state(), now).map(|wait| self.real(wait))
    }

    fn now(&self) -> Duration {
        self.clock.elapsed().mul_f64(self.time_scale)
    }

    fn real(&self, duration: Duration) -> Duration {
        duration.div_f64(self.time_scale.max(1e-3))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic while the lock was held leaves numbers that are at worst out of date.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// How long the call's own limiter asks to wait; `None` is not at all.
    fn call_wait(&mut self, lane: Lane, now: Duration) -> Option<Duration> {
        let wait = self.calls.entry(lane).or_default().limiter.wait(now);
        (!wait.is_zero()).then_some(wait)
    }

    /// Takes one call out of both limiters, or says how long to wait.
    fn try_take(&mut self, lane: Lane, now: Duration) -> Option<Duration> {
        let call = &mut self.calls.entry(lane).or_default().limiter;
        let service = &mut self.services.entry(lane.service).or_default().limiter;
        let wait = call.wait(now).max(service.wait(now));
        if wait.is_zero() {
            call.take(now);
            service.take(now);
            return None;
        }
        Some(wait)
    }
}

#[cfg(test)]
mod tests;
