//! An HTTP/1.1 server with limits, on a socket that somebody else has bound.

use std::io;
use std::pin::pin;
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
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use super::body::{Unread, read_body};
use super::impatient::Impatient;
use super::limits::DoorLimits;

/// How long the server rests when no connection can be accepted, as with too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Answers the requests of one door.
pub(crate) trait Answers: Send + Sync + 'static {
    /// Refuses a request by its head, before its body is read.
    fn refuse(&self, head: &Parts) -> Option<Response<Bytes>>;

    /// Answers a request. An error drops the connection without an answer.
    fn answer(
        &self,
        request: Request<Bytes>,
    ) -> impl Future<Output = io::Result<Response<Bytes>>> + Send;

    /// Words an error of the server itself: 408, 413 or 500.
    fn complain(&self, status: StatusCode) -> Response<Bytes>;
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
    let places = Arc::new(Semaphore::new(limits.connections_max));
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
                let connection = serve_connection(stream, answers.clone(), limits, stop.clone());
                connections.spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    let all_ended = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(limits.closing_time_max, all_ended).await;
}

/// Accepts a connection once there is a place for it.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    // Answers are written whole; waiting to fill a packet would only add delay.
    stream.set_nodelay(true)?;
    Ok((stream, place))
}

/// Serves one connection until it ends, or until a stop and the end of its request.
async fn serve_connection<A: Answers>(
    stream: TcpStream,
    answers: Arc<A>,
    limits: DoorLimits,
    mut stop: watch::Receiver<bool>,
) {
    let stream = Impatient::new(stream, limits.head_time_max);
    let service = service_fn(|request| exchange(answers.as_ref(), &limits, request));
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head_time_max)
            .max_buf_size(limits.head_bytes_max)
            .serve_connection(TokioIo::new(stream), service)
    );
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Reads one request and answers it.
async fn exchange<A: Answers>(
    answers: &A,
    limits: &DoorLimits,
    request: Request<Incoming>,
) -> io::Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    let response = match answers.refuse(&head) {
        Some(refusal) => last(refusal),
        None => match read_body(body, limits).await {
            Ok(body) => answers.answer(Request::from_parts(head, body)).await?,
            Err(Unread::TooLarge) => last(answers.complain(StatusCode::PAYLOAD_TOO_LARGE)),
            Err(Unread::TooSlow) => last(answers.complain(StatusCode::REQUEST_TIMEOUT)),
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
