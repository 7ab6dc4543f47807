//! Keeps one process for each instance that is up, and carries the balancers' requests to them.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::join_all;
use http::{Request, Response};
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::exchange::exchange;
use super::python;
use super::resident::Resident;
use crate::Cloud;
use crate::daemon::DaemonError;
use crate::door::{blocking, stopped};
use crate::ec2::applications::GuestOrder;
use crate::private;
use crate::route_table::RouteTarget;
use crate::traffic::Guest;

/// How often instances and processes are compared.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);
/// How long a balancer waits for an answer: its idle time-out on AWS.
const ANSWER_TIME_MAX: Duration = Duration::from_mins(1);
/// How long a request waits for a process that is just being started, as after a restart of the daemon.
const START_TIME_MAX: Duration = Duration::from_secs(10);
/// Pause between two looks for its port.
const START_PAUSE: Duration = Duration::from_millis(20);

/// The processes of all instances. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct FlaskGuests {
    interpreter: PathBuf,
    folders: PathBuf,
    runtime: Handle,
    /// For each instance with an application the port on which it listens, once it does.
    ports: Arc<Mutex<BTreeMap<String, Option<u16>>>>,
}

impl FlaskGuests {
    /// Makes a host that runs applications below a state directory, whose Python environment is made
    /// when it is not there. Nothing is started before [`attend`](Self::attend).
    pub(crate) fn new(directory: &Path) -> Result<Self, DaemonError> {
        let interpreter = python::interpreter(directory, |folder| {
            tracing::info!(folder = %folder.display(), "making a Python environment with Flask");
        })?;
        let folders = directory.join("guests");
        // What is found there and belongs to no instance is removed, so it must be ours.
        private::make_folder(&folders).map_err(|source| DaemonError::File {
            doing: "make",
            path: folders.clone(),
            source,
        })?;
        Ok(Self { interpreter, folders, runtime: Handle::current(), ports: Arc::default() })
    }

    /// Keeps processes and instances in step until a stop; then ends every process.
    pub(crate) async fn attend(&self, cloud: Cloud, mut stop: watch::Receiver<bool>) {
        let (asked, folders) = (cloud.clone(), self.folders.clone());
        let swept = blocking(move || remove_strangers(&folders, &asked.guest_orders())).await;
        if let Err(error) = swept {
            tracing::error!(%error, "folders of former guests could not be removed");
        }
        let mut residents: BTreeMap<String, Resident> = BTreeMap::new();
        let mut looks = tokio::time::interval(LOOK_INTERVAL);
        loop {
            tokio::select! {
                () = stopped(&mut stop) => break,
                _ = looks.tick() => {}
            }
            let asked = cloud.clone();
            let Ok(orders) = blocking(move || asked.guest_orders()).await else { continue };
            self.let_go(&mut residents, &orders).await;
            for order in &orders {
                let resident = residents
                    .entry(order.instance_id.clone())
                    .or_insert_with(|| Resident::new(order, &self.folders));
                resident.keep_up(&self.interpreter);
                self.lock().insert(order.instance_id.clone(), resident.port());
            }
            look_at_all(&cloud, &mut residents, &orders).await;
        }
        self.let_go(&mut residents, &[]).await;
    }

    /// Ends the processes of instances that are not up any more.
    async fn let_go(&self, residents: &mut BTreeMap<String, Resident>, orders: &[GuestOrder]) {
        let is_wanted = |id: &String| orders.iter().any(|order| order.instance_id == *id);
        let gone: Vec<_> = residents.keys().filter(|id| !is_wanted(id)).cloned().collect();
        let ended = gone.into_iter().filter_map(|id| {
            self.lock().remove(&id);
            residents.remove(&id)
        });
        join_all(ended.map(Resident::end)).await;
    }

    /// Gives the port of an instance's process, and waits for one that is starting.
    async fn port(&self, instance_id: &str) -> io::Result<u16> {
        let patience_ends = Instant::now() + START_TIME_MAX;
        loop {
            match self.lock().get(instance_id) {
                Some(Some(port)) => return Ok(*port),
                Some(None) if Instant::now() < patience_ends => {}
                Some(None) | None => return Err(io::ErrorKind::ConnectionRefused.into()),
            }
            tokio::time::sleep(START_PAUSE).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Option<u16>>> {
        self.ports.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guest for FlaskGuests {
    /// Must be called on a thread that may block.
    fn answer(
        &self,
        target: &RouteTarget,
        request: &Request<Bytes>,
    ) -> io::Result<Response<Bytes>> {
        self.runtime.block_on(async {
            let port = self.port(&target.instance_id).await?;
            exchange(port, request, ANSWER_TIME_MAX).await
        })
    }
}

/// Removes what a daemon that was killed left of instances that have gone since.
fn remove_strangers(folders: &Path, orders: &[GuestOrder]) {
    for entry in fs::read_dir(folders).into_iter().flatten().flatten() {
        if orders.iter().any(|order| entry.file_name() == order.instance_id.as_str()) {
            continue;
        }
        if let Err(error) = fs::remove_dir_all(entry.path()) {
            tracing::warn!(%error, folder = %entry.path().display(), "cannot be removed");
        }
    }
}

/// Looks at every application whose time has come, and reports what has changed.
async fn look_at_all(
    cloud: &Cloud,
    residents: &mut BTreeMap<String, Resident>,
    orders: &[GuestOrder],
) {
    let by_id: BTreeMap<_, _> = orders.iter().map(|order| (&order.instance_id, order)).collect();
    let looks = residents.iter_mut().map(|(id, resident)| {
        let order = by_id.get(id).copied();
        async move {
            let sighting = resident.look(order?).await?;
            Some((id.clone(), sighting))
        }
    });
    for (id, sighting) in join_all(looks).await.into_iter().flatten() {
        let told = cloud.clone();
        let reported = blocking(move || told.report_guest(&id, sighting)).await;
        if let Err(error) = reported {
            tracing::error!(%error, "a look at an application could not be reported");
        }
    }
}
