//! The daemon itself, in the foreground.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::access_key::AccessKey;
use super::endpoint::Endpoint;
use super::error::DaemonError;
use super::files::Files;
use crate::door::{ApiDoor, Control, DoorLimits, SocketFrontends, serve as serve_door};
use crate::fault::{CallLog, FaultPlan, Faults};
use crate::guests::FlaskGuests;
use crate::options::GuestKind;
use crate::time::{CloudClock, SystemCloudClock};
use crate::traffic::Traffic;
use crate::{Cloud, CloudOptions};

/// Says what a daemon serves.
#[derive(Debug, Clone, PartialEq)]
pub struct ServeOptions {
    /// The state directory.
    pub directory: PathBuf,
    /// The port of the API. Absent means that of the directory's former daemon if it is free, else
    /// one that the system chooses.
    pub port: Option<u16>,
    /// How the cloud behaves.
    pub cloud: CloudOptions,
    /// Which calls fail.
    pub faults: FaultPlan,
    /// What clients may ask of the doors.
    pub limits: DoorLimits,
    /// Whether a command started it: clients are told.
    pub in_background: bool,
}

impl ServeOptions {
    /// Serves a directory with everything else as by default.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            port: None,
            cloud: CloudOptions::default(),
            faults: FaultPlan::default(),
            limits: DoorLimits::default(),
            in_background: false,
        }
    }
}

/// Serves a directory until `stop` is ready, or a command asks it to end.
///
/// `ready` is called once, when clients are answered. Killed at any time, the process loses nothing
/// that it has answered: the cloud stores each change before its answer.
///
/// # Errors
///
/// The plan of faults is wrong, another daemon serves the directory, the port is taken, the stored account cannot be
/// opened, what the guests need cannot be made, or a file of the directory is out of reach. No client was answered.
pub async fn serve(
    options: ServeOptions,
    stop: impl Future<Output = ()>,
    ready: impl FnOnce(&Endpoint),
) -> Result<(), DaemonError> {
    let faults = Faults::new(options.faults)?;
    let files = Files::create(&options.directory)?;
    // Before the directory is held: commands do not wait for a holder that installs something first.
    let guests = match options.cloud.guests {
        GuestKind::Light => None,
        GuestKind::Flask => Some(FlaskGuests::new(files.directory())?),
    };
    let _hold = files.hold()?;
    let listener = bind(options.port, &files).await?;
    let mut endpoint = endpoint_of(&listener, &options.cloud)?;
    endpoint.access_key_id = files.access_key()?;
    endpoint.in_background = options.in_background;

    let seed = options.cloud.seed;
    let traffic = Arc::new(match &guests {
        None => Traffic::new(seed),
        Some(guests) => Traffic::with_guest(seed, Box::new(guests.clone())),
    });
    let frontends = SocketFrontends::default();
    let cloud = Cloud::open(&files.state(), Arc::new(SystemCloudClock), options.cloud)?;
    cloud.set_frontends(Arc::new(frontends.clone()));
    frontends.restore(cloud.load_balancer_hosts().into_iter().map(|(_, host)| host));

    let (stop_sender, stop_asked) = watch::channel(false);
    let control = Control {
        cloud: cloud.clone(),
        endpoint: endpoint.clone(),
        calls: Arc::new(CallLog::default()),
        stop: stop_sender.clone(),
        hurry: watch::channel(false).0,
    };
    let api = Arc::new(ApiDoor::new(control, faults));
    let limits = options.limits;
    let applications = {
        let (cloud, stop_asked) = (cloud.clone(), stop_asked.clone());
        async move {
            if let Some(guests) = guests {
                guests.attend(cloud, stop_asked).await;
            }
        }
    };
    let balancers = frontends.attend(cloud, traffic, limits, stop_asked.clone());
    let api = serve_door(listener, api, limits, stop_asked);
    let doors = async { tokio::join!(api, balancers, applications) };

    files.write_endpoint(&endpoint)?;
    tracing::info!(url = endpoint.url(), pid = endpoint.pid, "the embedded cloud is ready");
    ready(&endpoint);
    let stop = async {
        stop.await;
        stop_sender.send_replace(true);
        std::future::pending::<()>().await;
    };
    tokio::select! {
        _ = doors => {}
        () = stop => {}
    }
    tracing::info!("the embedded cloud has ended");
    Ok(())
}

/// Returns when the process is asked to end: SIGINT, SIGTERM or SIGHUP.
///
/// Where signals cannot be watched it never returns, and they end the process as by default.
pub async fn stop_signal() {
    let watched = || -> std::io::Result<_> {
        Ok((
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
        ))
    };
    match watched() {
        Ok((mut interrupt, mut terminate, mut hangup)) => tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        },
        Err(error) => {
            tracing::warn!(%error, "signals cannot be watched");
            std::future::pending::<()>().await;
        }
    }
}

/// Binds the API's port on loopback.
async fn bind(wanted: Option<u16>, files: &Files) -> Result<TcpListener, DaemonError> {
    let on = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    if let Some(port) = wanted {
        return on(port).await.map_err(|source| DaemonError::Port { port, source });
    }
    let former = files.former_endpoint().map_or(0, |endpoint| endpoint.port);
    match on(former).await {
        Ok(listener) => Ok(listener),
        Err(_taken) => on(0).await.map_err(|source| DaemonError::Port { port: 0, source }),
    }
}

fn endpoint_of(listener: &TcpListener, cloud: &CloudOptions) -> Result<Endpoint, DaemonError> {
    let address = listener.local_addr().map_err(DaemonError::Connection)?;
    Ok(Endpoint {
        port: address.port(),
        pid: std::process::id(),
        started_at_ms: SystemCloudClock.now_ms(),
        time_scale: cloud.time_scale,
        guests: cloud.guests,
        in_background: false,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        access_key_id: AccessKey::default(),
    })
}
