//! What a provider can see of a careless client: changes that nobody intended, intents that change, and changes
//! to what belongs to others.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use lab1_flow_cloud::{CallName, Cloud};
use lab1_flow_workflow::testing::{Call, CallKind, Invariant, Life, Violation};

use super::strangers;

/// Listens to all that is sent in one account. A copy goes on by itself.
#[derive(Debug, Default)]
pub(crate) struct Wiretap(Mutex<Heard>);

#[derive(Debug, Default, Clone)]
struct Heard {
    /// The form of every creation, by the call and the mark that it carries.
    creations: BTreeMap<(String, String), Bytes>,
    complaints: Vec<Violation>,
}

/// Counts the creations that one process sends, by the mark that they carry.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sent(Arc<Mutex<BTreeMap<String, usize>>>);

impl Clone for Wiretap {
    fn clone(&self) -> Self {
        let creations = self.heard().creations.clone();
        Self(Mutex::new(Heard { creations, complaints: Vec::new() }))
    }
}

impl Wiretap {
    /// Hears a request that is about to be carried out for `life`.
    pub(crate) fn hear(
        &self,
        cloud: &Cloud,
        life: &Life,
        sent: &Sent,
        request: &http::Request<Bytes>,
    ) {
        let call = CallName::of(request);
        for stranger in strangers::changed_by(cloud, life.run(), call.action(), request.body()) {
            self.complain(Invariant::NothingLeft, format!("{} of {stranger}", call.action()));
        }
        let Some(mark) = mark_of(request.body()) else { return };
        if let Some(what) = sent.one_too_many(life, &mark) {
            let what = format!("{} of {mark}: {what}", call.action());
            self.complain(Invariant::IntentFirst, what);
        }
        let key = (call.action().to_owned(), mark);
        let first =
            self.heard().creations.entry(key).or_insert_with(|| request.body().clone()).clone();
        if first != request.body() {
            let what = format!("{} was sent in other words than before", call.action());
            self.complain(Invariant::SameRequest, what);
        }
    }

    /// What was heard since the last time.
    pub(crate) fn complaints(&self) -> Vec<Violation> {
        std::mem::take(&mut self.heard().complaints)
    }

    fn complain(&self, invariant: Invariant, what: String) {
        self.heard().complaints.push(Violation { invariant, what });
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sent {
    /// Counts a creation. An attempt sends one: the engine repeats, and nobody below it.
    fn one_too_many(&self, life: &Life, mark: &str) -> Option<String> {
        let mut sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = sent.entry(mark.to_owned()).or_default();
        *sent += 1;
        let is_attempt = |call: &&Call| {
            call.kind == CallKind::Execute
                && call.action.as_ref().is_some_and(|action| action.as_str() == mark)
        };
        let attempts = life.calls().iter().filter(is_attempt).count();
        (*sent > attempts).then(|| format!("sent {sent} times in {attempts} attempts"))
    }
}

/// The action whose mark a form carries.
fn mark_of(form: &[u8]) -> Option<String> {
    let form = String::from_utf8_lossy(form);
    let mut pairs = form.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(_, value)| *value == "lab1-flow%3Aaction")?;
    // The value follows its key.
    pairs.next().map(|(_, mark)| mark.to_owned())
}
