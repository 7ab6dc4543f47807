//! A plain HTTP GET, as a visitor of the stack would send it.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, join};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::rt::TokioIo;
use rustix::io::Errno;

/// The longest wait for one answer. The balancer itself gives up on a target after 60 s, but a target that
/// needs more than a few seconds for one line of text is not ready.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest answer that is read, in bytes; the expected ones have less than a hundred.
const ANSWER_MAX: usize = 64 * 1024;

/// Answers a GET request in place of the network.
pub type ProbeFunction = dyn Fn(http::Request<Bytes>) -> BoxFuture<'static, io::Result<http::Response<Bytes>>>
    + Send
    + Sync;

/// How the last step visits the stack.
#[derive(Clone, Default)]
pub enum Probe {
    /// Over the network, with a new connection for each request.
    ///
    /// A balancer spreads connections as well as requests; one that stays open could stay with one node.
    #[default]
    Network,
    /// Through a function, for a cloud without sockets.
    Function(Arc<ProbeFunction>),
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Network => "Network",
            Self::Function(_) => "Function",
        })
    }
}

/// What a visitor saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// Why a visitor did not see what was to be seen: a short text for people.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub(crate) enum Trouble {
    /// The stack does not answer, or otherwise.
    #[error("{0}")]
    OfTheStack(String),
    /// This machine has not what a connection needs: it says nothing of the stack.
    #[error("{0}")]
    OfThisMachine(String),
}

impl Trouble {
    fn of(error: &io::Error, context: impl fmt::Display) -> Self {
        let text = format!("{context}{error}");
        if is_shortage(error) { Self::OfThisMachine(text) } else { Self::OfTheStack(text) }
    }

    fn told(error: impl fmt::Display) -> Self {
        Self::OfTheStack(error.to_string())
    }

    fn past_proxy(self, authority: &str) -> Self {
        match self {
            Self::OfTheStack(text) => {
                Self::OfTheStack(past_proxy(text, authority, proxy_variable()))
            }
            Self::OfThisMachine(_) => self,
        }
    }
}

/// Whether this machine lacks descriptors, memory or free ports: it needs less to do, or more of them.
fn is_shortage(error: &io::Error) -> bool {
    let short = [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::NOBUFS, Errno::ADDRNOTAVAIL];
    Errno::from_io_error(error).is_some_and(|errno| short.contains(&errno))
}

impl Probe {
    /// Asks `http://{authority}{path}` once.
    pub(crate) async fn get(&self, authority: &str, path: &str) -> Result<Answer, Trouble> {
        let request = http::Request::get(format!("http://{authority}{path}"))
            .header(http::header::HOST, authority)
            .header(http::header::CONNECTION, "close")
            .header(http::header::USER_AGENT, concat!("lab1-flow/", env!("CARGO_PKG_VERSION")))
            .body(Bytes::new())
            .map_err(|error| Trouble::told(format!("{authority}{path} is no address: {error}")))?;
        let answer = match self {
            Self::Network => tokio::time::timeout(PATIENCE, visit(authority, request))
                .await
                .unwrap_or_else(|_| {
                    Err(Trouble::told(format!("no answer in {} s", PATIENCE.as_secs())))
                })
                .map_err(|trouble| trouble.past_proxy(authority))?,
            Self::Function(function) => {
                function(request).await.map_err(|error| Trouble::of(&error, ""))?
            }
        };
        let status = answer.status().as_u16();
        Ok(Answer { status, body: String::from_utf8_lossy(answer.body()).into_owned() })
    }
}

/// The variables that send the calls of the SDK through a proxy.
const PROXY_VARIABLES: [&str; 6] =
    ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

fn proxy_variable() -> Option<&'static str> {
    let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    PROXY_VARIABLES.into_iter().find(is_set)
}

/// Says of a visit that failed that it did not take the way of the calls, which work.
fn past_proxy(error: String, authority: &str, variable: Option<&str>) -> String {
    match variable {
        Some(variable) if !authority.starts_with("127.") => format!(
            "{error} ({variable} is set, and visits go past that proxy: where there is no such way, deploy with \
             `--wait targets`)"
        ),
        _ => error,
    }
}

async fn visit(
    authority: &str,
    request: http::Request<Bytes>,
) -> Result<http::Response<Bytes>, Trouble> {
    let address =
        if authority.contains(':') { authority.to_owned() } else { format!("{authority}:80") };
    let stream = tokio::net::TcpStream::connect(&address)
        .await
        .map_err(|error| Trouble::of(&error, format_args!("{address} cannot be reached: ")))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(Trouble::told)?;
    let (head, _) = request.into_parts();
    let mut request = http::Request::from_parts(head, Empty::<Bytes>::new());
    // To an origin server only the path is sent; the host stands in its header.
    let path = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    *request.uri_mut() =
        path.parse().map_err(|error| Trouble::told(format!("{path} is no path: {error}")))?;
    // The connection moves only while it is polled, and ends when the sender is dropped.
    let exchange = async move {
        let answer = sender.send_request(request).await.map_err(Trouble::told)?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, ANSWER_MAX).collect().await.map_err(Trouble::told)?;
        Ok(http::Response::from_parts(head, body.to_bytes()))
    };
    join(exchange, connection).await.0
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Serves one connection with these bytes, and gives what was asked.
    async fn serve_once(answer: Vec<u8>) -> (String, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let authority = listener.local_addr().unwrap().to_string();
        let served = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n") {
                asked.push(stream.read_u8().await.unwrap());
            }
            // A client that has read enough may have closed already.
            let _ = stream.write_all(&answer).await;
            String::from_utf8(asked).unwrap()
        });
        (authority, served)
    }

    #[tokio::test]
    async fn the_host_and_the_path_are_asked_for_and_the_answer_is_read() {
        let answer = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy";
        let (authority, served) = serve_once(answer.into()).await;
        let seen = Probe::Network.get(&authority, "/cluster1").await;
        assert_eq!(seen, Ok(Answer { status: 503, body: "busy".to_owned() }));
        let asked = served.await.unwrap();
        assert!(asked.starts_with("GET /cluster1 HTTP/1.1\r\n"), "{asked}");
        assert!(asked.contains(&format!("host: {authority}\r\n")), "{asked}");
    }

    #[tokio::test]
    async fn an_answer_that_ends_with_its_connection_is_read() {
        let (authority, _served) = serve_once("HTTP/1.1 200 OK\r\n\r\nHealthy!".into()).await;
        let seen = Probe::Network.get(&authority, "/").await;
        assert_eq!(seen, Ok(Answer { status: 200, body: "Healthy!".to_owned() }));
    }

    #[tokio::test]
    async fn an_answer_without_end_is_not_read_to_its_end() {
        let mut answer = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
        answer.resize(answer.len() + 2 * ANSWER_MAX, b'x');
        let (authority, _served) = serve_once(answer).await;
        let error = Probe::Network.get(&authority, "/").await.unwrap_err().to_string();
        assert!(error.contains("length limit exceeded"), "{error}");
    }

    #[tokio::test]
    async fn an_address_where_nobody_listens_is_named() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let authority = listener.local_addr().unwrap().to_string();
        drop(listener);
        let error = Probe::Network.get(&authority, "/").await.unwrap_err().to_string();
        assert!(error.starts_with(&format!("{authority} cannot be reached")), "{error}");
    }

    #[test]
    fn a_visit_that_fails_beside_a_proxy_says_that_it_went_past_it() {
        let told = |authority, variable| past_proxy("no answer".to_owned(), authority, variable);
        let beside = told("lab1.example", Some("HTTPS_PROXY"));
        assert!(beside.starts_with("no answer (HTTPS_PROXY is set"), "{beside}");
        assert!(beside.contains("`--wait targets`"), "{beside}");
        assert_eq!(told("lab1.example", None), "no answer");
        assert_eq!(told("127.0.0.1:4711", Some("HTTPS_PROXY")), "no answer");
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_server_is_not_waited_for_without_end() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let authority = listener.local_addr().unwrap().to_string();
        let silence = Trouble::OfTheStack("no answer in 5 s".to_owned());
        assert_eq!(Probe::Network.get(&authority, "/").await, Err(silence));
    }

    #[test]
    fn what_this_machine_lacks_says_nothing_of_the_stack() {
        let lacking = |errno: Errno| is_shortage(&errno.into());
        for errno in [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::NOBUFS, Errno::ADDRNOTAVAIL]
        {
            assert!(lacking(errno), "{errno}");
        }
        for errno in [Errno::CONNREFUSED, Errno::CONNRESET, Errno::TIMEDOUT, Errno::NETUNREACH] {
            assert!(!lacking(errno), "{errno}");
        }
        assert!(!is_shortage(&io::Error::other("Too many open files")));
    }
}
