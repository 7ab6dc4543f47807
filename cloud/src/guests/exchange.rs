//! One request to an application on its loopback port.

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderName};
use http::{Request, Response, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// What an application may answer at most.
const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Headers that belong to one connection and not to the request.
const OF_THE_CONNECTION: [HeaderName; 5] =
    [header::CONNECTION, header::TE, header::TRAILER, header::TRANSFER_ENCODING, header::UPGRADE];

/// Sends a request on a connection of its own and reads the whole answer.
pub(super) async fn exchange(
    port: u16,
    request: &Request<Bytes>,
    time_max: Duration,
) -> io::Result<Response<Bytes>> {
    tokio::time::timeout(time_max, send(port, request))
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

async fn send(port: u16, request: &Request<Bytes>) -> io::Result<Response<Bytes>> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    let connection = tokio::spawn(connection);
    let answer = sender.send_request(forwarded(request)).await.map_err(io::Error::other)?;
    let (mut head, body) = answer.into_parts();
    let body = Limited::new(body, BODY_BYTES_MAX).collect().await.map_err(io::Error::other)?;
    connection.abort();
    for name in OF_THE_CONNECTION {
        head.headers.remove(name);
    }
    Ok(Response::from_parts(head, body.to_bytes()))
}

/// Words a request as a balancer passes it on: the path alone, without what belongs to its connection.
fn forwarded(request: &Request<Bytes>) -> Request<Full<Bytes>> {
    let mut passed = Request::new(Full::new(request.body().clone()));
    *passed.method_mut() = request.method().clone();
    let path = request.uri().path_and_query().cloned();
    *passed.uri_mut() = path.map(Uri::from).unwrap_or_default();
    passed.headers_mut().clone_from(request.headers());
    for name in OF_THE_CONNECTION {
        passed.headers_mut().remove(name);
    }
    passed
        .headers_mut()
        .entry(header::HOST)
        .or_insert(header::HeaderValue::from_static("localhost"));
    passed
}
