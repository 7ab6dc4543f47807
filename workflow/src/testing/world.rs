//! A provider in miniature: named things with marks, slow to be seen, and faults on order.

mod thing;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lab1_flow_journal::FailureClass;

use self::thing::Thing;
use super::holdings::Holdings;
use super::terms::{Fault, Habits, Op, Order, Removal, Seen};
use crate::{ActionError, Clock, Lane, Leftover, Pacer};

/// What the actions of a test change. It survives the deaths of the processes that use it; clones share it.
#[derive(Debug, Clone)]
pub struct World {
    clock: Arc<dyn Clock>,
    habits: Habits,
    pacer: Option<Arc<Pacer>>,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    things: BTreeMap<String, Thing>,
    made: u64,
    faults: BTreeMap<(Op, String), VecDeque<Fault>>,
    delayed: Vec<(Duration, Effect)>,
    throttled: BTreeMap<Op, Duration>,
    requests: u64,
}

/// An effect, which gets the moment in which it strikes.
type Effect = Box<dyn FnOnce(&mut Inner, Duration) + Send>;

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").field("things", &self.things.keys()).finish_non_exhaustive()
    }
}

impl World {
    /// An empty world on this clock, which must be one that no restart resets.
    pub fn new(clock: Arc<dyn Clock>, habits: Habits) -> Self {
        Self { clock, habits, pacer: None, inner: Arc::default() }
    }

    /// The same world, whose requests wait for their turns at this pacer.
    #[must_use]
    pub fn with_pacer(self, pacer: Arc<Pacer>) -> Self {
        Self { pacer: Some(pacer), ..self }
    }

    /// The lane of a kind of request, when they wait for their turns.
    pub fn lane(&self, op: Op) -> Option<Lane> {
        self.pacer.as_ref().map(|_| op.lane())
    }

    /// Refuses all requests of this kind as too many, until so much time has passed on the world's clock.
    pub fn throttle_until(&self, op: Op, end: Duration) {
        self.lock().throttled.insert(op, end);
    }

    /// Orders a fault for the next request of this kind that has none ordered yet.
    ///
    /// The name is the thing's, for parts `thing/part`, and for [`Op::List`] the mark.
    pub fn order_fault(&self, op: Op, name: impl Into<String>, fault: Fault) {
        self.lock().faults.entry((op, name.into())).or_default().push_back(fault);
    }

    /// Puts a thing there that somebody else made, with that somebody's mark or none.
    pub fn plant(&self, name: &str, content: &str, mark: Option<&str>) -> String {
        let order = Order {
            name: name.to_owned(),
            content: content.to_owned(),
            stands_on: Vec::new(),
            mark: mark.unwrap_or_default().to_owned(),
            maker: super::action_name("somebody-else"),
            token: String::new(),
        };
        let id = self.put(order);
        if let Some(thing) = self.lock().things.get_mut(&id) {
            thing.marked = mark.is_some();
        }
        id
    }

    /// Puts a thing there at once, without a request.
    pub fn put(&self, order: Order) -> String {
        let now = self.clock.elapsed();
        self.lock().put(order, now)
    }

    /// Takes a thing away behind everybody's back. It is gone at once, from searches too.
    pub fn destroy(&self, name: &str) {
        self.lock().things.retain(|_, thing| thing.order.name != name);
    }

    /// All that is truly there now, whatever a search would show.
    pub fn holdings(&self) -> Holdings {
        let now = self.clock.elapsed();
        let mut inner = self.lock();
        inner.deliver_delayed(now);
        let there = inner.things.iter().filter(|(_, thing)| !thing.is_gone(now));
        there.map(|(id, thing)| (id.clone(), thing.holding())).collect()
    }

    /// The number of requests that were ever received.
    pub fn requests(&self) -> u64 {
        self.lock().requests
    }

    /// Makes a thing.
    ///
    /// # Errors
    /// [`FailureClass::Contended`] when the name is taken; what was ordered with
    /// [`order_fault`](Self::order_fault).
    pub async fn make(&self, order: Order) -> Result<String, ActionError> {
        let unique = self.habits.names_are_unique;
        let name = order.name.clone();
        self.request(Op::Make, &name, move |inner, now| {
            let holder = |thing: &Thing| thing.order.name == order.name && !thing.is_gone(now);
            if unique && inner.things.values().any(holder) {
                return Err(ActionError::contended(format!("the name {} is taken", order.name)));
            }
            Ok(inner.put(order, now))
        })
        .await
    }

    /// Searches for a thing by its name.
    ///
    /// # Errors
    /// What was ordered with [`order_fault`](Self::order_fault).
    pub async fn find(&self, name: &str) -> Result<Option<Seen>, ActionError> {
        let (lag, wanted) = (self.habits.lag, name.to_owned());
        self.request(Op::Find, name, move |inner, now| {
            let mut things = inner.things.iter();
            let found = things.find(|(_, t)| t.order.name == wanted && t.is_seen(now, lag));
            Ok(found.map(|(id, thing)| thing.seen(id)))
        })
        .await
    }

    /// Sets a part of a thing.
    ///
    /// # Errors
    /// Permanent when the thing is gone or does not carry the mark; what was ordered with
    /// [`order_fault`](Self::order_fault).
    pub async fn set_part(
        &self,
        id: &str,
        part: &str,
        content: &str,
        mark: &str,
    ) -> Result<(), ActionError> {
        let name = self.part_name(id, part);
        let (id, part) = (id.to_owned(), part.to_owned());
        let (content, mark) = (content.to_owned(), mark.to_owned());
        self.request(Op::Make, &name, move |inner, now| {
            let thing = inner.living(&id, now)?;
            thing.prove_marked(&id, &mark)?;
            thing.parts.insert(part, content);
            Ok(())
        })
        .await
    }

    /// Reads a part of a thing: what the part is, and whose the thing.
    ///
    /// # Errors
    /// What was ordered with [`order_fault`](Self::order_fault).
    pub async fn part(&self, id: &str, part: &str) -> Result<Option<Seen>, ActionError> {
        let name = self.part_name(id, part);
        let (id, part) = (id.to_owned(), part.to_owned());
        self.request(Op::Find, &name, move |inner, _| {
            let Some(thing) = inner.things.get(&id) else { return Ok(None) };
            let part = thing.parts.get(&part).cloned();
            Ok(part.map(|content| Seen { content, ..thing.seen(&id) }))
        })
        .await
    }

    /// Says whether a thing is ready.
    ///
    /// # Errors
    /// Permanent when it is gone; what was ordered with [`order_fault`](Self::order_fault).
    pub async fn is_ready(&self, id: &str) -> Result<bool, ActionError> {
        let name = self.name_of(id);
        let (settling, id) = (self.habits.settling, id.to_owned());
        self.request(Op::Watch, &name, move |inner, now| {
            Ok(now >= inner.living(&id, now)?.made_at + settling)
        })
        .await
    }

    /// Removes a thing if it carries the mark. Asking again while it leaves is harmless.
    ///
    /// # Errors
    /// Permanent when the mark is another's, or when something stands on it; what was ordered with
    /// [`order_fault`](Self::order_fault).
    pub async fn remove(&self, id: &str, mark: &str) -> Result<Removal, ActionError> {
        let name = self.name_of(id);
        let removal = self.habits.removal;
        let (id, mark) = (id.to_owned(), mark.to_owned());
        self.request(Op::Remove, &name, move |inner, now| inner.remove(&id, &mark, now, removal))
            .await
    }

    /// Lists the names of all that carries a mark, as a search shows it.
    ///
    /// # Errors
    /// What was ordered with [`order_fault`](Self::order_fault).
    pub async fn marked(&self, mark: &str) -> Result<Vec<Leftover>, ActionError> {
        let (lag, wanted) = (self.habits.lag, mark.to_owned());
        self.request(Op::List, mark, move |inner, now| {
            let mut things: Vec<_> = inner.things.values().collect();
            things.retain(|thing| thing.carries(&wanted) && thing.is_seen(now, lag));
            let left = |thing: &Thing| Leftover {
                what: thing.order.name.clone(),
                action: Some(thing.order.maker.clone()),
            };
            Ok(things.into_iter().map(left).collect())
        })
        .await
    }

    /// Makes one request when its turn has come, and lets the pacer learn from the answer.
    async fn request<T: Send + 'static>(
        &self,
        op: Op,
        name: &str,
        effect: impl FnOnce(&mut Inner, Duration) -> Result<T, ActionError> + Send + 'static,
    ) -> Result<T, ActionError> {
        let Some(pacer) = &self.pacer else { return self.play(op, name, effect).await };
        pacer.turn(op.lane()).await?;
        let answer = self.play(op, name, effect).await;
        match &answer {
            Err(error) if error.class() == FailureClass::Throttled => pacer.throttled(op.lane()),
            _ => pacer.answered(op.lane()),
        }
        answer
    }

    /// Plays one request with the fault that was ordered for it.
    async fn play<T: Send + 'static>(
        &self,
        op: Op,
        name: &str,
        effect: impl FnOnce(&mut Inner, Duration) -> Result<T, ActionError> + Send + 'static,
    ) -> Result<T, ActionError> {
        let fault = self.lock().receive(op, name, self.clock.elapsed());
        self.clock.sleep(self.habits.latency / 2).await;
        let server_error = || ActionError::ambiguous(format!("server error on {name}"));
        match fault {
            Some(Fault::Refused(class)) => {
                return Err(ActionError::of_class(class, format!("{class:?} on {name}")));
            }
            Some(Fault::RequestLost) => return std::future::pending().await,
            Some(Fault::EffectDelayed(delay)) => {
                let due = self.clock.elapsed() + delay;
                let effect = Box::new(move |inner: &mut Inner, due| drop(effect(inner, due)));
                self.lock().delayed.push((due, effect));
                return Err(server_error());
            }
            Some(Fault::ErrorAfterEffect | Fault::ReplyLost | Fault::Stalled(_)) | None => {}
        }
        let reply = {
            let now = self.clock.elapsed();
            let mut inner = self.lock();
            inner.deliver_delayed(now);
            effect(&mut inner, now)
        };
        match fault {
            Some(Fault::ReplyLost) => return std::future::pending().await,
            Some(Fault::Stalled(time)) => {
                tokio::time::advance(time).await;
                return reply;
            }
            Some(_) => return reply.and_then(|_| Err(server_error())),
            None => {}
        }
        self.clock.sleep(self.habits.latency / 2).await;
        reply
    }

    fn name_of(&self, id: &str) -> String {
        let inner = self.lock();
        inner.things.get(id).map_or_else(|| id.to_owned(), |thing| thing.order.name.clone())
    }

    fn part_name(&self, id: &str, part: &str) -> String {
        format!("{}/{part}", self.name_of(id))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn receive(&mut self, op: Op, name: &str, now: Duration) -> Option<Fault> {
        self.requests += 1;
        if self.throttled.get(&op).is_some_and(|end| now < *end) {
            return Some(Fault::Refused(FailureClass::Throttled));
        }
        self.faults.get_mut(&(op, name.to_owned()))?.pop_front()
    }

    fn deliver_delayed(&mut self, now: Duration) {
        let delayed = std::mem::take(&mut self.delayed);
        let (due, later) = delayed.into_iter().partition(|(due, _)| *due <= now);
        self.delayed = later;
        let due: Vec<(Duration, Effect)> = due;
        for (moment, effect) in due {
            effect(self, moment);
        }
    }

    /// A thing that is not gone yet.
    fn living(&mut self, id: &str, now: Duration) -> Result<&mut Thing, ActionError> {
        let gone = || ActionError::permanent(format!("{id} is not there"));
        self.things.get_mut(id).filter(|thing| !thing.is_gone(now)).ok_or_else(gone)
    }

    fn put(&mut self, order: Order, now: Duration) -> String {
        self.made += 1;
        let id = format!("{}-{:04}", order.name, self.made);
        let thing =
            Thing { order, marked: true, parts: BTreeMap::new(), made_at: now, leaves_at: None };
        self.things.insert(id.clone(), thing);
        id
    }

    fn remove(
        &mut self,
        id: &str,
        mark: &str,
        now: Duration,
        removal: Duration,
    ) -> Result<Removal, ActionError> {
        let on_it = |thing: &&Thing| {
            !thing.is_gone(now) && thing.order.stands_on.iter().any(|below| below == id)
        };
        if let Some(thing) = self.things.values().find(on_it) {
            let message = format!("{} stands on {id}", thing.order.name);
            return Err(ActionError::permanent(message));
        }
        let Ok(thing) = self.living(id, now) else { return Ok(Removal::Gone) };
        thing.prove_marked(id, mark)?;
        thing.leaves_at.get_or_insert(now + removal);
        // However fast it goes: that it is gone is shown by the next look.
        Ok(Removal::Leaving)
    }
}
