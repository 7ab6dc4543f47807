//! The doors on loopback: the API, and one socket for each load balancer.
//!
//! Both doors share one server with the same limits on what a client may send and how long it may
//! take. The API's door refuses requests that a web page elsewhere could have made, and requests without
//! the access key of its state directory; the balancers' doors are open to everybody, as on AWS.
//! Everything listens on 127.0.0.1 only.

mod api;
mod body;
mod callers;
mod control;
mod frontend;
mod guard;
mod impatient;
mod limits;
mod places;
mod server;

pub use limits::DoorLimits;

pub(crate) use api::ApiDoor;
pub(crate) use control::{CONTROL_ROOT, Control};
pub(crate) use frontend::SocketFrontends;
pub(crate) use server::{serve, stopped};

/// Runs something that may wait for a disk or a lock away from the threads that serve sockets.
///
/// A panic inside becomes an error: one bad request must not end the daemon.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> std::io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other)
}

#[cfg(test)]
mod tests;
