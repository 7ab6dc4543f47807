//! An HTTP/1.1 server with limits, on a socket that somebody else has bound.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::body::{Unread, discard_beside, read_body};
use super::impatient::Impatient;
use super::limits::DoorLimits;
use super::places::{Place, Places};

/// How long the server rests when no connection can be accepted, as with too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Answers the requests of one door.
pub(crate) trait Answers: Send + Sync + 'static {
    /// Answers a request by its head alone, where that is enough, as for a refusal: its body is not read then.
    fn by_head(&self, head: &Parts) -> Option<Response<Bytes>>;

    /// Answers a request. An error drops the connection without an answer.
    fn answer(
        &self,
        request: Request<Bytes>,
    ) -> impl Future<Output = io::Result<Response<Bytes>>> + Send;

    /// Words an error of the server itself, 408 or 413, to a client of whose request at most the head
    /// has come.
    fn complain(&self, head: Option<&Parts>, status: StatusCode) -> Response<Bytes>;
}

/// Returns when a stop is asked for, or when nobody is left who could ask.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|asked| *asked).await;
}

/// Serves connections until a stop, then lets requests in flight end within their time.
pub(crate) async fn serve<A: Answers>(
    listener: TcpListener,
    answers: Arc<A>,
    limits: DoorLimits,
    mut stop: watch::Receiver<bool>,
) {
    let places = Places::new(limits.connections_max);
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let accepted = tokio::select! {
            biased;
            () = stopped(&mut stop) => break,
            accepted = accept(&listener, &places) => accepted,
        };
        match accepted {
            Ok((stream, place)) => {
                let (answers, stop) = (answers.clone(), stop.clone());
                connections.spawn(async move {
                    serve_connection(stream, &place, answers.as_ref(), limits, stop).await;
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                places.send_longest_away();
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    let all_ended = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(limits.closing_time_max, all_ended).await;
}

/// Accepts a connection and finds a place for it.
async fn accept(listener: &TcpListener, places: &Arc<Places>) -> io::Result<(TcpStream, Place)> {
    let (stream, _) = listener.accept().await?;
    // Answers are written whole; waiting to fill a packet would only add delay.
    stream.set_nodelay(true)?;
    Ok((stream, places.take().await?))
}

/// Serves one connection until it ends, or has to: for a newcomer, or for a stop after its request.
async fn serve_connection<A: Answers>(
    stream: TcpStream,
    place: &Place,
    answers: &A,
    limits: DoorLimits,
    mut stop: watch::Receiver<bool>,
) {
    let stream = Impatient::new(stream, limits.head_time_max);
    let service = service_fn(|request| exchange(answers, &limits, place, request));
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time_max)
        .max_buf_size(limits.head_bytes_max)
        .serve_connection(TokioIo::new(stream), service);
    let mut closing = false;
    let ended = loop {
        tokio::select! {
            // The connection first: an answer that is ready goes out before its place is given up.
            biased;
            ended = &mut connection => break ended,
            () = stopped(&mut stop), if !closing => {
                closing = true;
                Pin::new(&mut connection).graceful_shutdown();
            }
            () = place.sent_away() => {
                tracing::debug!("a connection was closed for a newcomer: its client had not asked");
                return;
            }
        }
    };
    let Err(error) = ended else { return };
    tracing::debug!(%error, "a connection ended early");
    let parts = connection.into_parts();
    if error.is_timeout() && !parts.read_buf.is_empty() {
        let answer = answers.complain(None, StatusCode::REQUEST_TIMEOUT);
        let _gone_already = parts.io.into_inner().write_all(&by_hand(&answer)).await;
    }
}

/// Writes an answer that the HTTP library cannot give: it has given its request up.
fn by_hand(response: &Response<Bytes>) -> Vec<u8> {
    let (status, body) = (response.status(), response.body());
    let kind = response.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or("text/plain");
    let length = body.len();
    let mut bytes = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n"
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// Reads one request and answers it; before and after that the connection waits for its client.
async fn exchange<A: Answers>(
    answers: &A,
    limits: &DoorLimits,
    place: &Place,
    request: Request<Incoming>,
) -> io::Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    let response = match answers.by_head(&head) {
        Some(answer) => {
            discard_beside(body, limits);
            last(answer)
        }
        None => match read_body(body, limits).await {
            Ok(_) if !place.keeps() => return Err(io::ErrorKind::ConnectionAborted.into()),
            Ok(body) => {
                let answer = answers.answer(Request::from_parts(head, body)).await;
                place.waits();
                answer?
            }
            Err(Unread::TooLarge) => {
                last(answers.complain(Some(&head), StatusCode::PAYLOAD_TOO_LARGE))
            }
            Err(Unread::TooSlow) => {
                last(answers.complain(Some(&head), StatusCode::REQUEST_TIMEOUT))
            }
            Err(Unread::Broken(error)) => return Err(error),
        },
    };
    Ok(response.map(Full::new))
}

/// Makes an answer the last one on its connection: what follows it was not read.
fn last(mut response: Response<Bytes>) -> Response<Bytes> {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
