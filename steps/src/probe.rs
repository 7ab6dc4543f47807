//! A plain HTTP GET, as a visitor of the stack would send it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, join};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::rt::TokioIo;

/// The longest wait for one answer. The balancer itself gives up on a target after 60 s, but a target that
/// needs more than a few seconds for one line of text is not ready.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest answer that is read, in bytes; the expected ones have less than a hundred.
const ANSWER_MAX: usize = 64 * 1024;

/// Answers a GET request in place of the network.
pub type ProbeFunction = dyn Fn(http::Request<Bytes>) -> BoxFuture<'static, Result<http::Response<Bytes>, String>>
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

impl Probe {
    /// Asks `http://{authority}{path}` once. The error is a short text for people.
    pub(crate) async fn get(&self, authority: &str, path: &str) -> Result<Answer, String> {
        let request = http::Request::get(format!("http://{authority}{path}"))
            .header(http::header::HOST, authority)
            .header(http::header::CONNECTION, "close")
            .header(http::header::USER_AGENT, concat!("lab1-flow/", env!("CARGO_PKG_VERSION")))
            .body(Bytes::new())
            .map_err(|error| format!("{authority}{path} is no address: {error}"))?;
        let answer = match self {
            Self::Network => tokio::time::timeout(PATIENCE, visit(authority, request))
                .await
                .unwrap_or_else(|_| Err(format!("no answer in {} s", PATIENCE.as_secs())))?,
            Self::Function(function) => function(request).await?,
        };
        let status = answer.status().as_u16();
        Ok(Answer { status, body: String::from_utf8_lossy(answer.body()).into_owned() })
    }
}

async fn visit(
    authority: &str,
    request: http::Request<Bytes>,
) -> Result<http::Response<Bytes>, String> {
    let address =
        if authority.contains(':') { authority.to_owned() } else { format!("{authority}:80") };
    let stream = tokio::net::TcpStream::connect(&address)
        .await
        .map_err(|error| format!("{address} cannot be reached: {error}"))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| error.to_string())?;
    let (head, _) = request.into_parts();
    let mut request = http::Request::from_parts(head, Empty::<Bytes>::new());
    // To an origin server only the path is sent; the host stands in its header.
    let path = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    *request.uri_mut() = path.parse().map_err(|error| format!("{path} is no path: {error}"))?;
    // The connection moves only while it is polled, and ends when the sender is dropped.
    let exchange = async move {
        let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let (head, body) = answer.into_parts();
        let body =
            Limited::new(body, ANSWER_MAX).collect().await.map_err(|error| error.to_string())?;
        Ok(http::Response::from_parts(head, body.to_bytes()))
    };
    join(exchange, connection).await.0
}
