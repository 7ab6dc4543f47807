//! The way between a process and an account: one connection of the SDK, which leads to whichever account is
//! played now. Setting clients up costs as much as a good part of a run.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use lab1_flow_cloud::{CallName, Cloud, Fault, Faults, Traffic, carry_out};
use lab1_flow_steps::{Aws, Probe, Target, Transport, TransportFault};
use lab1_flow_workflow::testing::Life;

use super::in_process::visit;
use super::wiretap::{Sent, Wiretap};

/// A line that is broken on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tampering {
    /// What has no sure answer is sent again, as the SDK's own retries would.
    Repeats,
    /// What is read says that everything of [`ANOTHER`] is the run's: the proof of ownership proves nothing.
    ShowsAllAsOurs,
}

/// Another run, whose things stand in the account.
pub(crate) const ANOTHER: &str = "other";

/// A process and the account that it calls.
#[derive(Debug, Clone)]
pub(crate) struct Party {
    pub(crate) cloud: Cloud,
    pub(crate) life: Life,
    pub(crate) faults: Arc<Faults>,
    pub(crate) wiretap: Arc<Wiretap>,
    pub(crate) tampering: Option<Tampering>,
}

/// A process on the line.
#[derive(Debug)]
struct Caller {
    party: Party,
    traffic: Traffic,
    sent: Sent,
}

/// The connection, and who speaks now. One thread plays one case at a time on it.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    aws: Aws,
    caller: Arc<Mutex<Option<Arc<Caller>>>>,
}

/// What came of a request.
type Outcome = Result<http::Response<Bytes>, TransportFault>;

impl Line {
    /// A line that leads nowhere yet.
    pub(crate) fn new() -> Self {
        let caller: Arc<Mutex<Option<Arc<Caller>>>> = Arc::default();
        let (sending, visiting) = (Arc::clone(&caller), Arc::clone(&caller));
        let transport = Transport::function(move |request| {
            let caller = now_on(&sending);
            Box::pin(async move {
                match caller {
                    Some(caller) => caller.send(request).await,
                    None => Err(TransportFault::Refused),
                }
            })
        });
        let probe = Probe::Function(Arc::new(move |request: http::Request<Bytes>| {
            let answer = now_on(&visiting).map(|caller| caller.visit(&request));
            Box::pin(std::future::ready(answer.unwrap_or_else(|| Err(io::Error::other("nobody")))))
        }));
        let aws = Aws::connect(&Target::local(None), transport).now_or_never();
        let aws = aws.expect("a local connection waits for nothing").unwrap().with_probe(probe);
        Self { aws, caller }
    }

    /// Gives the line to a process.
    pub(crate) fn give_to(&self, party: Party) -> &Aws {
        let (traffic, sent) = (Traffic::new(1), Sent::default());
        let caller = Caller { party, traffic, sent };
        *self.caller.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(caller));
        &self.aws
    }
}

fn now_on(line: &Mutex<Option<Arc<Caller>>>) -> Option<Arc<Caller>> {
    line.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

impl Caller {
    async fn send(&self, request: http::Request<Bytes>) -> Outcome {
        let answer = self.send_once(copy_of(&request)).await;
        let unsure = match &answer {
            Ok(answer) => answer.status().is_server_error(),
            Err(fault) => *fault == TransportFault::Dropped,
        };
        if unsure && self.party.tampering == Some(Tampering::Repeats) {
            return self.send_once(request).await;
        }
        answer
    }

    /// Carries one request, with a boundary on each side of its effect.
    async fn send_once(&self, request: http::Request<Bytes>) -> Outcome {
        let Party { cloud, life, faults, wiretap, .. } = &self.party;
        let (way, call) = (way(&request), CallName::of(&request));
        tokio::time::sleep(way).await;
        life.fuse().reach().await;
        wiretap.hear(cloud, life, &self.sent, &request);
        let mut answer = deliver(cloud.clone(), faults.decide(&call), call, request).await;
        if self.party.tampering == Some(Tampering::ShowsAllAsOurs) {
            answer = answer.map(|answer| answer.map(|body| all_as_ours(&body, life)));
        }
        life.fuse().reach().await;
        tokio::time::sleep(way).await;
        answer.map_err(|error| match error.kind() {
            io::ErrorKind::ConnectionRefused => TransportFault::Refused,
            _ => TransportFault::Dropped,
        })
    }

    fn visit(&self, request: &http::Request<Bytes>) -> io::Result<http::Response<Bytes>> {
        visit(&self.traffic, &self.party.cloud, request)
    }
}

/// The answer with the mark of this run instead of the other's.
fn all_as_ours(body: &[u8], life: &Life) -> Bytes {
    let value = |run: &str| format!("alue>{run}<");
    let body = String::from_utf8_lossy(body);
    body.replace(&value(ANOTHER), &value(life.run().as_str())).into()
}

/// How long a message is under way: not the same for all, so that they overtake each other, and always the
/// same for one.
fn way(request: &http::Request<Bytes>) -> Duration {
    let mixed = request
        .body()
        .iter()
        .fold(0_u64, |mixed, byte| (mixed ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    Duration::from_millis(5 + (mixed >> 20) % 90)
}

/// Carries a request out, with what goes wrong. What is under way arrives also after the death of its sender.
async fn deliver(
    cloud: Cloud,
    fault: Option<Fault>,
    call: CallName,
    request: http::Request<Bytes>,
) -> io::Result<http::Response<Bytes>> {
    let late = matches!(fault, Some(Fault::DelayBeforeMs(_)));
    let carried = async move {
        let handler = || std::future::ready(Ok(cloud.handle(request)));
        carry_out(fault, &call, tokio::time::sleep, handler).await
    };
    if late { tokio::spawn(carried).await? } else { carried.await }
}

fn copy_of(request: &http::Request<Bytes>) -> http::Request<Bytes> {
    let mut copy = http::Request::new(request.body().clone());
    copy.uri_mut().clone_from(request.uri());
    copy.method_mut().clone_from(request.method());
    copy.headers_mut().clone_from(request.headers());
    copy
}
