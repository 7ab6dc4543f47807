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

mod api;
mod callers;
mod crowd;
mod server;

/// Longer than any test.
const NEVER: Duration = Duration::from_hours(1);
/// How long a test waits for what must not take the whole of a limit.
const PATIENCE: Duration = Duration::from_secs(20);

/// The access key of the doors here.
const KEY: &str = "LAB1TEST";

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
        let signed = "AWS4-HMAC-SHA256 Credential=";
        let key = format!("Authorization: {signed}{KEY}/20260101/us-east-1/?/aws4_request\r\n");
        self.worded_with_no_key(method, path, &(key + header), body)
    }

    fn worded_with_no_key(&self, method: &str, path: &str, header: &str, body: &str) -> String {
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

/// Limits of which one shall pass, and not before the test has done its part.
fn less_quick(head_time_max: Duration) -> DoorLimits {
    DoorLimits { head_time_max, ..DoorLimits::default() }
}

/// Answers by path: `/ok`, `/drop`, `/large`, and `/wait` until it is let through.
#[derive(Clone)]
struct ByPath {
    gate: Arc<Semaphore>,
    /// A permit for each request that has come as far as the gate.
    arrived: Arc<Semaphore>,
}

impl ByPath {
    fn new(_port: u16) -> Self {
        Self { gate: Arc::new(Semaphore::new(0)), arrived: Arc::new(Semaphore::new(0)) }
    }
}

const LARGE: usize = 32 * 1024 * 1024;

impl Answers for ByPath {
    fn by_head(&self, head: &Parts) -> Option<Response<Bytes>> {
        (head.uri.path() == "/refused").then(|| self.complain(None, StatusCode::FORBIDDEN))
    }

    async fn answer(&self, request: Request<Bytes>) -> io::Result<Response<Bytes>> {
        match request.uri().path() {
            "/drop" => Err(io::ErrorKind::ConnectionReset.into()),
            "/large" => Ok(Response::new(Bytes::from(vec![b'x'; LARGE]))),
            "/wait" => {
                self.arrived.add_permits(1);
                self.gate.acquire().await.unwrap().forget();
                Ok(Response::new(Bytes::from_static(b"ok")))
            }
            _ => Ok(Response::new(Bytes::from_static(b"ok"))),
        }
    }

    fn complain(&self, _head: Option<&Parts>, status: StatusCode) -> Response<Bytes> {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = status;
        response
    }
}
