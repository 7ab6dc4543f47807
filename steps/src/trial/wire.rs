//! The wire between the SDK and the embedded cloud, with faults on order.

use std::io;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use lab1_flow_cloud::{Cloud, Traffic};

use crate::connection::{Answer, TransportFault};
use crate::probe::Probe;

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WireFault {
    /// It is carried out, and the reply is lost.
    LoseReply,
    /// It is not carried out, and this comes back: an HTTP status and a code.
    Refuse(u16, &'static str),
    /// It is carried out, and all the same this comes back.
    RefuseAfter(u16, &'static str),
    /// A read of an old copy: a list in which there is nothing.
    ShowNothing,
}

#[derive(Clone)]
pub(super) struct Wire {
    cloud: Cloud,
    record: Arc<Mutex<Record>>,
}

#[derive(Default)]
struct Record {
    calls: Vec<String>,
    orders: Vec<(&'static str, WireFault)>,
}

impl Wire {
    pub(super) fn new(cloud: Cloud) -> Self {
        Self { cloud, record: Arc::default() }
    }

    pub(super) fn order(&self, action: &'static str, fault: WireFault) {
        self.record.lock().unwrap().orders.push((action, fault));
    }

    pub(super) fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut self.record.lock().unwrap().calls)
    }

    pub(super) fn carry(&self, request: http::Request<Bytes>) -> Answer {
        let action = action_of(request.body());
        let is_ec2 = String::from_utf8_lossy(request.body()).contains("Version=2016-11-15");
        let fault = {
            let mut record = self.record.lock().unwrap();
            record.calls.push(action.clone());
            let place = record.orders.iter().position(|(ordered, _)| *ordered == action);
            place.map(|place| record.orders.remove(place).1)
        };
        let answer = match fault {
            None => Ok(self.cloud.handle(request)),
            Some(WireFault::LoseReply) => {
                self.cloud.handle(request);
                Err(TransportFault::Dropped)
            }
            Some(WireFault::Refuse(status, code)) => Ok(refusal(is_ec2, status, code)),
            Some(WireFault::RefuseAfter(status, code)) => {
                self.cloud.handle(request);
                Ok(refusal(is_ec2, status, code))
            }
            Some(WireFault::ShowNothing) => Ok(nothing(&action)),
        };
        Box::pin(std::future::ready(answer))
    }
}

/// Visits the load balancers of the cloud without a socket.
pub(super) fn visitor(cloud: Cloud) -> Probe {
    let traffic = Traffic::new(1);
    Probe::Function(Arc::new(move |request: http::Request<Bytes>| {
        let host = request.headers()["host"].to_str().unwrap().to_owned();
        let answer = traffic.answer(&cloud, &host, &request).map_err(io::Error::other);
        Box::pin(std::future::ready(answer))
    }))
}

/// Reads the `Action` of a form.
fn action_of(body: &[u8]) -> String {
    let form = String::from_utf8_lossy(body);
    let action = form.split('&').find_map(|pair| pair.strip_prefix("Action="));
    action.expect("every request names its action").to_owned()
}

/// An answer of the query protocol that holds nothing.
fn nothing(action: &str) -> http::Response<Bytes> {
    let body = format!("<{action}Response><{action}Result/></{action}Response>");
    http::Response::new(Bytes::from(body))
}

/// An error in the envelope of the service: EC2 has one of its own.
fn refusal(is_ec2: bool, status: u16, code: &str) -> http::Response<Bytes> {
    let error = format!("<Error><Code>{code}</Code><Message>on order</Message></Error>");
    let body = if is_ec2 {
        format!("<Response><Errors>{error}</Errors><RequestID>r-1</RequestID></Response>")
    } else {
        format!("<ErrorResponse>{error}<RequestId>r-1</RequestId></ErrorResponse>")
    };
    http::Response::builder().status(status).body(Bytes::from(body)).unwrap()
}
