//! The server and its limits, with a handler of the test's own; the API's door with a fresh cloud.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use super::server::{Answers, serve};
use super::*;
use crate::daemon::Endpoint;
use crate::fault::{CallLog, Fault, FaultPlan, FaultRule, Faults};
use crate::{Cloud, CloudOptions, VirtualCloudClock};

/// A door on a port of the system's choice, closed with the test.
struct Opened {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    served: JoinHandle<()>,
}

async fn open<A: Answers>(make: impl FnOnce(u16) -> A, limits: DoorLimits) -> Opened {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, asked) = watch::channel(false);
    let answers = Arc::new(make(address.port()));
    let served = tokio::spawn(serve(listener, answers, limits, asked));
    Opened { address, stop, served }
}

impl Opened {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends bytes on a connection of their own and returns all that comes back until its end.
    async fn exchange(&self, request: impl AsRef<[u8]>) -> String {
        let mut stream = self.connect().await;
        let _refused_midway = stream.write_all(request.as_ref()).await;
        rest_of(stream).await
    }

    /// Makes one complete request of this door by its own name.
    async fn request(&self, method: &str, path: &str, body: &str) -> String {
        self.exchange(self.worded(method, path, "", body)).await
    }

    fn worded(&self, method: &str, path: &str, header: &str, body: &str) -> String {
        format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{header}\
             Content-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )
    }
}

async fn rest_of(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let _reset_at_the_end = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// Reads one answer with the body `ok` from a connection that stays open.
async fn one_answer(stream: &mut TcpStream) -> String {
    let mut answer = String::new();
    while !answer.ends_with("\r\n\r\nok") {
        let mut byte = [0];
        stream.read_exact(&mut byte).await.unwrap();
        answer.push(char::from(byte[0]));
    }
    answer
}

fn status(answer: &str) -> u16 {
    answer.get(9..12).and_then(|status| status.parse().ok()).unwrap_or(0)
}

fn quick() -> DoorLimits {
    DoorLimits {
        head_time_max: Duration::from_millis(150),
        body_time_max: Duration::from_millis(150),
        ..DoorLimits::default()
    }
}

/// Answers by path: `/ok`, `/drop`, `/large`, and `/wait` until it is let through.
struct ByPath {
    gate: Arc<Semaphore>,
}

impl ByPath {
    fn new(_port: u16) -> Self {
        Self { gate: Arc::new(Semaphore::new(0)) }
    }
}

const LARGE: usize = 32 * 1024 * 1024;

impl Answers for ByPath {
    fn refuse(&self, head: &Parts) -> Option<Response<Bytes>> {
        (head.uri.path() == "/refused").then(|| self.complain(StatusCode::FORBIDDEN))
    }

    async fn answer(&self, request: Request<Bytes>) -> io::Result<Response<Bytes>> {
        match request.uri().path() {
            "/drop" => Err(io::ErrorKind::ConnectionReset.into()),
            "/large" => Ok(Response::new(Bytes::from(vec![b'x'; LARGE]))),
            "/wait" => {
                self.gate.acquire().await.unwrap().forget();
                Ok(Response::new(Bytes::from_static(b"ok")))
            }
            _ => Ok(Response::new(Bytes::from_static(b"ok"))),
        }
    }

    fn complain(&self, status: StatusCode) -> Response<Bytes> {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = status;
        response
    }
}

#[tokio::test]
async fn one_connection_carries_many_requests() {
    let door = open(ByPath::new, DoorLimits::default()).await;
    let mut stream = door.connect().await;
    for _ in 0..3 {
        stream.write_all(b"GET /ok HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        assert_eq!(status(&one_answer(&mut stream).await), 200);
    }
}

#[tokio::test]
async fn many_clients_are_served_at_once() {
    let gate = Arc::new(Semaphore::new(0));
    let door = open(|_| ByPath { gate: gate.clone() }, DoorLimits::default()).await;
    let door = Arc::new(door);
    let clients: Vec<_> = (0..64)
        .map(|_| {
            let door = door.clone();
            tokio::spawn(async move { door.request("GET", "/wait", "").await })
        })
        .collect();
    // All of them are inside at once, or this one would not be answered.
    assert_eq!(status(&door.request("GET", "/ok", "").await), 200);
    gate.add_permits(64);
    for client in clients {
        assert_eq!(status(&client.await.unwrap()), 200);
    }
}

#[tokio::test]
async fn a_connection_beyond_the_limit_waits_for_a_place() {
    let limits = DoorLimits { connections_max: 1, ..DoorLimits::default() };
    let door = open(ByPath::new, limits).await;
    let mut first = door.connect().await;
    first.write_all(b"GET /ok HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    one_answer(&mut first).await;

    let second = door.request("GET", "/ok", "");
    let mut second = std::pin::pin!(second);
    let waited = tokio::time::timeout(Duration::from_millis(50), second.as_mut()).await;
    assert!(waited.is_err(), "the second connection was served beside the first");
    drop(first);
    assert_eq!(status(&second.await), 200);
}

#[tokio::test]
async fn a_body_above_the_limit_is_answered_with_413_and_the_next_client_is_served() {
    let limits = DoorLimits { body_bytes_max: 1_000, ..DoorLimits::default() };
    let door = open(ByPath::new, limits).await;
    assert_eq!(status(&door.request("POST", "/ok", &"x".repeat(1_000)).await), 200);
    assert_eq!(status(&door.request("POST", "/ok", &"x".repeat(1_001)).await), 413);
    assert_eq!(status(&door.request("POST", "/ok", &"x".repeat(4_000_000)).await), 413);
    let chunked = format!(
        "POST /ok HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n\
         7d0\r\n{}\r\n0\r\n\r\n",
        "x".repeat(2_000)
    );
    assert_eq!(status(&door.exchange(chunked).await), 413);
    assert_eq!(status(&door.request("GET", "/ok", "").await), 200);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_answered_with_408() {
    let door = open(ByPath::new, quick()).await;
    let answer =
        door.exchange("POST /ok HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nfive.").await;
    assert_eq!(status(&answer), 408, "{answer}");
}

#[tokio::test]
async fn a_head_that_does_not_come_and_an_idle_connection_are_closed() {
    let door = open(ByPath::new, quick()).await;
    assert_eq!(door.exchange("GET /ok HTTP/1.1\r\nHost:").await, "");
    assert_eq!(door.exchange("").await, "");
    let mut idle = door.connect().await;
    idle.write_all(b"GET /ok HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    one_answer(&mut idle).await;
    assert_eq!(rest_of(idle).await, "");
}

#[tokio::test]
async fn a_client_that_does_not_read_loses_its_connection() {
    let limits = DoorLimits { connections_max: 1, ..quick() };
    let door = open(ByPath::new, limits).await;
    let mut deaf = door.connect().await;
    deaf.write_all(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    // The only place is taken until the deaf client is given up.
    let second = tokio::time::timeout(Duration::from_secs(5), door.request("GET", "/ok", "")).await;
    assert_eq!(status(&second.expect("a client that does not read holds its place for ever")), 200);
    drop(deaf);
}

#[tokio::test]
async fn a_client_that_reads_slowly_gets_all() {
    let door = open(ByPath::new, quick()).await;
    let mut slow = door.connect().await;
    slow.write_all(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut received = 0;
    let mut buffer = vec![0; 1024 * 1024];
    loop {
        let read = slow.read(&mut buffer).await.unwrap();
        if read == 0 {
            break;
        }
        received += read;
        // Together far longer than the server waits for one write.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(received > LARGE, "{received} of {LARGE} bytes");
}

#[tokio::test]
async fn a_large_or_malformed_head_is_answered_and_nothing_breaks() {
    let door = open(ByPath::new, quick()).await;
    let large = format!("GET /ok HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "y".repeat(200_000));
    assert_eq!(status(&door.exchange(large).await), 431);
    for malformed in
        ["\r\n\r\n\r\n", "GET\r\n\r\n", "GET /ok HTTP/9.9\r\n\r\n", "\u{0}\u{1}\u{2}\r\n\r\n"]
    {
        let answer = door.exchange(malformed).await;
        assert!(matches!(status(&answer), 0 | 400 | 505), "{malformed:?}: {answer}");
    }
    let wrong_length = "POST /ok HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n";
    assert_eq!(status(&door.exchange(wrong_length).await), 400);
    assert_eq!(status(&door.request("GET", "/ok", "").await), 200);
}

#[tokio::test]
async fn a_dropped_answer_closes_the_connection_without_a_byte() {
    let door = open(ByPath::new, DoorLimits::default()).await;
    assert_eq!(door.request("GET", "/drop", "").await, "");
    assert_eq!(status(&door.request("GET", "/refused", "").await), 403);
}

#[tokio::test]
async fn a_stop_lets_requests_in_flight_end_and_refuses_new_connections() {
    let gate = Arc::new(Semaphore::new(0));
    let door = open(|_| ByPath { gate: gate.clone() }, DoorLimits::default()).await;
    let mut waiting = door.connect().await;
    waiting.write_all(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    // A second request proves that the first was accepted before it.
    door.request("GET", "/ok", "").await;
    door.stop.send_replace(true);
    gate.add_permits(1);
    assert_eq!(status(&rest_of(waiting).await), 200);
    door.served.await.unwrap();
    let refused = TcpStream::connect(door.address).await.unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn a_request_that_does_not_end_does_not_hold_up_a_stop() {
    let limits = DoorLimits { closing_time_max: Duration::from_millis(50), ..quick() };
    let door = open(ByPath::new, limits).await;
    let mut stuck = door.connect().await;
    stuck.write_all(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    door.request("GET", "/ok", "").await;
    door.stop.send_replace(true);
    tokio::time::timeout(Duration::from_secs(5), door.served).await.unwrap().unwrap();
    assert_eq!(rest_of(stuck).await, "");
}

/// The API's door on a fresh cloud, with a plan of faults.
async fn open_api(rules: Vec<FaultRule>) -> Opened {
    let clock = Arc::new(VirtualCloudClock::default());
    let cloud = Cloud::in_memory(clock, CloudOptions::plain());
    let make = |port| {
        let endpoint = Endpoint {
            port,
            pid: std::process::id(),
            started_at_ms: 0,
            time_scale: 1.0,
            guests: crate::GuestKind::Light,
            in_background: false,
            version: "0".to_owned(),
        };
        let control = Control {
            cloud,
            endpoint,
            calls: Arc::new(CallLog::default()),
            stop: watch::channel(false).0,
        };
        ApiDoor::new(control, Faults::new(FaultPlan { seed: 1, rules }).unwrap())
    };
    open(make, DoorLimits::default()).await
}

const WHO: &str = "Action=GetCallerIdentity&Version=2011-06-15";

#[tokio::test]
async fn the_api_answers_by_its_own_name_only() {
    let door = open_api(Vec::new()).await;
    let answer = door.request("POST", "/", WHO).await;
    assert_eq!(status(&answer), 200, "{answer}");
    assert!(answer.contains("<Account>"), "{answer}");

    let foreign = "POST / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    assert_eq!(status(&door.exchange(foreign).await), 421);
    for path in ["/", "/_lab1_flow/stop", "/_lab1_flow/status"] {
        let page = door.worded("POST", path, "Origin: https://evil.example\r\n", WHO);
        assert_eq!(status(&door.exchange(page).await), 421, "{path}");
    }
}

#[tokio::test]
async fn the_daemons_own_requests_are_told_apart_and_checked() {
    let door = open_api(Vec::new()).await;
    let endpoint = door.request("GET", "/_lab1_flow/endpoint", "").await;
    assert!(endpoint.contains(&format!("\"port\":{}", door.address.port())), "{endpoint}");
    let stands = door.request("GET", "/_lab1_flow/status", "").await;
    assert!(status(&stands) == 200 && stands.contains("\"account\":"), "{stands}");
    assert_eq!(status(&door.request("POST", "/_lab1_flow/reset", "").await), 200);
    assert_eq!(status(&door.request("GET", "/_lab1_flow/nothing", "").await), 404);
    for verb in ["stop", "reset"] {
        let answer = door.request("GET", &format!("/_lab1_flow/{verb}"), "").await;
        assert_eq!(status(&answer), 405);
        assert!(answer.contains("allow: POST"), "{answer}");
    }
}

#[tokio::test]
async fn every_call_is_counted_with_its_outcome_and_the_fault_that_it_met() {
    let rule = |fault, from_call| FaultRule {
        action: Some("GetCallerIdentity".to_owned()),
        from_call,
        count: Some(1),
        ..FaultRule::new(fault)
    };
    let door = open_api(vec![rule(Fault::ReplyLost, 2), rule(Fault::Throttle, 3)]).await;
    let statuses = [
        status(&door.request("POST", "/", WHO).await),
        status(&door.request("POST", "/", WHO).await),
        status(&door.request("POST", "/", WHO).await),
        status(&door.request("POST", "/", "Action=Nonsense&Version=2016-11-15").await),
    ];
    assert_eq!(statuses, [200, 0, 400, 400]);
    let log = door.request("GET", "/_lab1_flow/calls", "").await;
    let log: serde_json::Value =
        serde_json::from_str(log.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(log["total"], 4);
    assert_eq!(log["counts"]["sts:GetCallerIdentity"], 3);
    assert_eq!(log["recent"][1]["status"], serde_json::Value::Null);
    assert_eq!(log["recent"][1]["fault"], "reply-lost");
    assert_eq!(log["recent"][2]["code"], "Throttling");
    assert_eq!(log["recent"][3]["name"], "ec2:Nonsense");
}

#[tokio::test]
async fn a_call_whose_client_hangs_up_is_made_all_the_same() {
    let door = open_api(vec![FaultRule::new(Fault::DelayBeforeMs(100))]).await;
    let mut stream = door.connect().await;
    stream.write_all(door.worded("POST", "/", "", WHO).as_bytes()).await.unwrap();
    // Long enough for the request to arrive, too short for the delay to end.
    tokio::time::sleep(Duration::from_millis(30)).await;
    drop(stream);
    let recorded = async {
        while !door.request("GET", "/_lab1_flow/calls", "").await.contains("\"total\":1") {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), recorded).await.expect("the call was taken back");
}
