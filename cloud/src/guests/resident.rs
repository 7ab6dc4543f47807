//! One instance and the process of its application: started, looked at, started again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::join_all;
use http::Request;

use super::boot_script::Application;
use super::exchange::exchange;
use super::process::GuestProcess;
use crate::ec2::applications::{GuestOrder, Sighting};

/// Pause between two looks at an application that is up and unchanged.
const LOOK_PAUSE: Duration = Duration::from_secs(1);
/// How long an application may take to answer a look.
const LOOK_TIME_MAX: Duration = Duration::from_secs(5);
/// Pause before an application that ended is started again, as systemd makes it.
const RESTART_PAUSE: Duration = Duration::from_secs(2);

/// The application of one instance, in whatever state.
#[derive(Debug)]
pub(super) struct Resident {
    instance_id: String,
    folder: PathBuf,
    application: Result<Application, String>,
    process: Option<GuestProcess>,
    /// When it may be started; the first time at once.
    start_at: Instant,
    look_at: Instant,
    /// Why it is not up; known once it has ended, or could not be started.
    ended: Option<String>,
    reported: Option<Sighting>,
}

impl Resident {
    /// Takes in an instance; nothing is started yet.
    pub(super) fn new(order: &GuestOrder, folders: &Path) -> Self {
        let now = Instant::now();
        let application = Application::read(&order.user_data, &order.instance_id);
        if let Err(problem) = &application {
            tracing::warn!(instance = order.instance_id, problem, "no application can be started");
        }
        Self {
            folder: folders.join(&order.instance_id),
            instance_id: order.instance_id.clone(),
            application,
            process: None,
            start_at: now,
            look_at: now,
            ended: None,
            reported: None,
        }
    }

    /// Starts the process when it is time, and notices when it has ended.
    pub(super) fn keep_up(&mut self, interpreter: &Path) {
        if let Some(status) = self.process.as_mut().and_then(GuestProcess::ended) {
            let problem = format!("the application ended: {status}; {}", self.folder_of_log());
            tracing::warn!(instance = self.instance_id, problem);
            self.stand_down(problem);
        }
        if self.process.is_some() || Instant::now() < self.start_at {
            return;
        }
        let Ok(application) = &self.application else { return };
        match GuestProcess::start(interpreter, &self.folder, application) {
            Ok(process) => self.process = Some(process),
            Err(error) => self.stand_down(format!("the application cannot be started: {error}")),
        }
    }

    fn stand_down(&mut self, problem: String) {
        let now = Instant::now();
        self.process = None;
        self.ended = Some(problem);
        self.start_at = now + RESTART_PAUSE;
        self.look_at = now;
    }

    fn folder_of_log(&self) -> String {
        format!("it may have said why in {}", self.folder.join("log").display())
    }

    /// Tells the loopback port of the process, while it listens.
    pub(super) fn port(&self) -> Option<u16> {
        self.process.as_ref().and_then(GuestProcess::port)
    }

    /// Looks at the application when it is time, and returns what is to be reported.
    ///
    /// A daemon that has just started reports nothing before the process has come up or failed once: an
    /// instance does not go down because its host was away.
    pub(super) async fn look(&mut self, order: &GuestOrder) -> Option<Sighting> {
        if !order.booted || Instant::now() < self.look_at {
            return None;
        }
        let sighting = match (&self.application, self.port()) {
            (Err(problem), _) => without(problem),
            (Ok(application), Some(port)) => {
                let statuses = statuses(port, &order.checked_paths).await;
                Sighting { port: Some(application.port), statuses, problem: None }
            }
            (Ok(_), None) => without(self.ended.as_ref()?),
        };
        self.look_at = Instant::now() + LOOK_PAUSE;
        if self.reported.as_ref() == Some(&sighting) {
            return None;
        }
        self.reported = Some(sighting.clone());
        Some(sighting)
    }

    /// Ends the process and removes what it was given.
    pub(super) async fn end(self) {
        if let Some(process) = self.process {
            process.end().await;
        }
        if let Err(error) = std::fs::remove_dir_all(&self.folder)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, folder = %self.folder.display(), "cannot be removed");
        }
    }
}

fn without(problem: &str) -> Sighting {
    Sighting { problem: Some(problem.to_owned()), ..Sighting::default() }
}

/// Asks for each path at once; one that gets no answer has no status.
async fn statuses(port: u16, paths: &[String]) -> BTreeMap<String, u16> {
    let looks = paths.iter().map(|path| async move {
        let request = Request::get(path.as_str()).header("user-agent", "ELB-HealthChecker/2.0");
        let answer = exchange(port, &request.body(Bytes::new()).ok()?, LOOK_TIME_MAX).await.ok()?;
        Some((path.clone(), answer.status().as_u16()))
    });
    join_all(looks).await.into_iter().flatten().collect()
}
