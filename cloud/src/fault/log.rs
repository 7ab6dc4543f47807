//! What was called, and what came back.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::Response;
use serde::Serialize;

use super::call::CallName;
use super::plan::Fault;

/// Calls that are remembered one by one; about half a megabyte. Older ones are counted only.
const RECENT_MAX: usize = 4_096;
/// Names that are counted one by one; the services together have far fewer that we speak.
const NAMES_MAX: usize = 512;

/// Counts calls by name and remembers the latest.
#[derive(Debug, Default)]
pub struct CallLog {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    total: u64,
    counts: BTreeMap<String, u64>,
    recent: VecDeque<CallRecord>,
}

/// Tells of one call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallRecord {
    /// Its number, from 1, in the order in which calls ended.
    pub number: u64,
    /// When it ended, in milliseconds of the log's owner's clock.
    pub at_ms: i64,
    /// Service and action, as `ec2:DescribeVpcs`.
    pub name: String,
    /// The status of the answer; absent when the connection was dropped instead.
    pub status: Option<u16>,
    /// The error code of the answer, when it was an error.
    pub code: Option<String>,
    /// The fault that the call met.
    pub fault: Option<Fault>,
}

/// Holds a copy of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallSummary {
    /// How many calls there were.
    pub total: u64,
    /// How many there were of each name.
    pub counts: BTreeMap<String, u64>,
    /// The latest calls, oldest first, at most 4,096.
    pub recent: Vec<CallRecord>,
}

impl CallLog {
    /// Records a call that has ended; no answer means that the connection was dropped.
    pub fn record(
        &self,
        at_ms: i64,
        call: &CallName,
        fault: Option<Fault>,
        answer: Option<&Response<Bytes>>,
    ) {
        let name = call.to_string();
        let status = answer.map(|response| response.status().as_u16());
        let code = answer.and_then(error_code);
        let mut inner = self.lock();
        inner.total += 1;
        let number = inner.total;
        inner.count(&name);
        if inner.recent.len() == RECENT_MAX {
            inner.recent.pop_front();
        }
        inner.recent.push_back(CallRecord { number, at_ms, name, status, code, fault });
    }

    /// Returns how often a call was made, by its name, as `ec2:DescribeVpcs`.
    pub fn count(&self, name: &str) -> u64 {
        self.lock().counts.get(name).copied().unwrap_or(0)
    }

    /// Returns how many calls were made in all.
    pub fn total(&self) -> u64 {
        self.lock().total
    }

    /// Returns a copy of the whole log.
    pub fn summary(&self) -> CallSummary {
        let inner = self.lock();
        CallSummary {
            total: inner.total,
            counts: inner.counts.clone(),
            recent: inner.recent.iter().cloned().collect(),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Counts a name; invented ones beyond the limit share one counter, so that memory is bounded.
    fn count(&mut self, name: &str) {
        let known = self.counts.contains_key(name) || self.counts.len() < NAMES_MAX;
        let name = if known { name } else { "?:?" };
        *self.counts.entry(name.to_owned()).or_default() += 1;
    }
}

/// Reads the error code out of an error's body.
fn error_code(response: &Response<Bytes>) -> Option<String> {
    if response.status().is_success() {
        return None;
    }
    let body = std::str::from_utf8(response.body()).ok()?;
    let (_, rest) = body.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    Some(code.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_counted_and_remembered_with_its_outcome() {
        let log = CallLog::default();
        let call = CallName::new("ec2", "CreateTags");
        let refusal = Fault::Throttle.refusal(call.dialect()).unwrap();
        log.record(5, &call, Some(Fault::Throttle), Some(&refusal));
        log.record(6, &call, Some(Fault::ReplyLost), None);
        log.record(7, &call, None, Some(&Response::new(Bytes::from_static(b"<ok/>"))));

        assert_eq!((log.total(), log.count("ec2:CreateTags")), (3, 3));
        let outcomes: Vec<_> = log
            .summary()
            .recent
            .into_iter()
            .map(|r| (r.number, r.at_ms, r.status, r.code))
            .collect();
        assert_eq!(
            outcomes,
            [
                (1, 5, Some(503), Some("RequestLimitExceeded".to_owned())),
                (2, 6, None, None),
                (3, 7, Some(200), None),
            ]
        );
    }

    #[test]
    fn memory_is_bounded_whatever_is_called() {
        let log = CallLog::default();
        for number in 0..(RECENT_MAX + 10) {
            let call = CallName::new("sts", &format!("Invented{number}"));
            log.record(0, &call, None, None);
        }
        let summary = log.summary();
        assert_eq!(summary.total, RECENT_MAX as u64 + 10);
        assert_eq!(summary.recent.len(), RECENT_MAX);
        assert_eq!(summary.recent.last().map(|r| r.number), Some(summary.total));
        assert!(summary.counts.len() <= NAMES_MAX + 1, "{}", summary.counts.len());
        assert_eq!(summary.counts.values().sum::<u64>(), summary.total);
    }
}
