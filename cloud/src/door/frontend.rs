//! One loopback socket for each load balancer.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response, StatusCode};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::blocking;
use super::limits::DoorLimits;
use super::server::{Answers, serve, stopped};
use crate::Cloud;
use crate::frontends::Frontends;
use crate::route_table::BalancerState;
use crate::traffic::{Traffic, Unreachable, error_page};

/// How often balancers that are not open yet are looked at: about a second of AWS at the default
/// time scale.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);
/// Connections that the kernel keeps for a door until they are accepted.
const BACKLOG: u32 = 1_024;
/// How long a request is held for which AWS would drop the packets.
const SILENCE: Duration = Duration::from_mins(1);

/// Keeps a loopback port for each load balancer, by its address `127.0.0.1:PORT`.
///
/// The port is bound as soon as the balancer is created, so that it can be told, but nothing
/// listens on it before the balancer is active: until then the kernel refuses connections, as AWS
/// does. The address lives in the state of the cloud; a daemon that starts again binds it again.
#[derive(Debug, Clone, Default)]
pub(crate) struct SocketFrontends {
    doors: Arc<Mutex<BTreeMap<String, Door>>>,
}

#[derive(Debug)]
enum Door {
    /// Another process has the port for now; it is tried again.
    Taken,
    /// The port is ours, and refuses.
    Reserved(TcpSocket),
    /// Served until this sender is dropped.
    Open { _stop: watch::Sender<bool> },
}

impl Frontends for SocketFrontends {
    fn open(&self, _arn: &str, _name: &str) -> Result<String, String> {
        let (socket, address) = reserve(0).map_err(|error| error.to_string())?;
        let host = address.to_string();
        self.lock().insert(host.clone(), Door::Reserved(socket));
        Ok(host)
    }

    fn close(&self, _arn: &str, host: &str) {
        self.lock().remove(host);
    }
}

impl SocketFrontends {
    /// Takes back the addresses that a former daemon gave out.
    ///
    /// A port that another process has meanwhile is waited for.
    pub(crate) fn restore(&self, hosts: impl IntoIterator<Item = String>) {
        let mut doors = self.lock();
        for host in hosts {
            let door = rebind(&host).map_or_else(
                |error| {
                    tracing::warn!(%host, %error, "the port of a load balancer is taken");
                    Door::Taken
                },
                Door::Reserved,
            );
            doors.insert(host, door);
        }
    }

    /// Opens each door when its balancer becomes active, until a stop; then closes all.
    pub(crate) async fn attend(
        &self,
        cloud: Cloud,
        traffic: Arc<Traffic>,
        limits: DoorLimits,
        mut stop: watch::Receiver<bool>,
    ) {
        let mut served = JoinSet::new();
        let mut looks = tokio::time::interval(LOOK_INTERVAL);
        loop {
            tokio::select! {
                () = stopped(&mut stop) => break,
                _ = looks.tick() => {}
            }
            let closed = self.closed_doors();
            if closed.is_empty() {
                continue;
            }
            let asked = cloud.clone();
            let Ok(ready) = blocking(move || ready_hosts(&asked, closed)).await else { continue };
            for host in ready {
                if let Some((listener, stop)) = self.open_door(&host) {
                    let (cloud, traffic) = (cloud.clone(), traffic.clone());
                    let answers = Arc::new(BalancerDoor { host, cloud, traffic });
                    served.spawn(serve(listener, answers, limits, stop));
                }
            }
            while served.try_join_next().is_some() {}
        }
        self.lock().clear();
        while served.join_next().await.is_some() {}
    }

    /// Listens on the port of a closed door. None when the door is gone meanwhile, or its port is
    /// still taken.
    fn open_door(&self, host: &str) -> Option<(TcpListener, watch::Receiver<bool>)> {
        let mut doors = self.lock();
        let door = doors.get_mut(host)?;
        let listener = match std::mem::replace(door, Door::Taken) {
            Door::Reserved(socket) => listen(socket),
            Door::Taken => rebind(host).and_then(listen),
            open @ Door::Open { .. } => {
                *door = open;
                return None;
            }
        };
        match listener {
            Ok(listener) => {
                let (sender, stop) = watch::channel(false);
                *door = Door::Open { _stop: sender };
                Some((listener, stop))
            }
            Err(error) => {
                tracing::debug!(%host, %error, "the port is still taken");
                None
            }
        }
    }

    fn closed_doors(&self) -> Vec<String> {
        let doors = self.lock();
        let closed = doors.iter().filter(|(_, door)| !matches!(door, Door::Open { .. }));
        closed.map(|(host, _)| host.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Door>> {
        self.doors.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lists those of the addresses whose balancer is active and has a listener.
fn ready_hosts(cloud: &Cloud, hosts: Vec<String>) -> Vec<String> {
    let ready = |host: &String| {
        cloud.route_table(host).is_some_and(|table| {
            table.state == BalancerState::Active && !table.listeners.is_empty()
        })
    };
    hosts.into_iter().filter(ready).collect()
}

/// Binds a loopback port without listening on it; 0 lets the system choose one.
///
/// Without address reuse: two sockets that allow it can share a port until one listens.
fn reserve(port: u16) -> io::Result<(TcpSocket, SocketAddr)> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    let address = socket.local_addr()?;
    Ok((socket, address))
}

/// Binds the port of an address again, although connections of a former daemon may linger on it.
fn rebind(host: &str) -> io::Result<TcpSocket> {
    let address: SocketAddr = host.parse().map_err(io::Error::other)?;
    if !address.ip().is_loopback() {
        return Err(io::Error::other("not a loopback address"));
    }
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Listens on a bound socket. Its connections must allow reuse too, or the next daemon could not
/// bind the port while they linger.
fn listen(socket: TcpSocket) -> io::Result<TcpListener> {
    socket.set_reuseaddr(true)?;
    socket.listen(BACKLOG)
}

/// Carries the requests of one balancer's socket.
#[derive(Debug)]
struct BalancerDoor {
    host: String,
    cloud: Cloud,
    traffic: Arc<Traffic>,
}

impl Answers for BalancerDoor {
    /// A load balancer takes any Host header.
    fn by_head(&self, _head: &Parts) -> Option<Response<Bytes>> {
        None
    }

    async fn answer(&self, request: Request<Bytes>) -> io::Result<Response<Bytes>> {
        let (traffic, cloud, host) = (self.traffic.clone(), self.cloud.clone(), self.host.clone());
        match blocking(move || traffic.answer(&cloud, &host, &request)).await? {
            Ok(response) => Ok(response),
            Err(reason) => {
                if reason == Unreachable::TimedOut {
                    tokio::time::sleep(SILENCE).await;
                }
                Err(reason.into())
            }
        }
    }

    fn complain(&self, _head: Option<&Parts>, status: StatusCode) -> Response<Bytes> {
        error_page(status)
    }
}
